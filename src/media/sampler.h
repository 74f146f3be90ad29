/* Private to media/: resamples one plane row by row, by areas where it shrinks and bilinearly where it grows.
 *
 * Both are the same thing here: each output sample is a weighted sum of a few input samples an axis. Shrinking takes
 * every input sample with the part of its area that the output sample covers (what cv2.INTER_AREA does), growing takes
 * the two nearest. Rows are summed first (long, contiguous, vectorised), then columns. */
#ifndef OBSCURA_MEDIA_SAMPLER_H
#define OBSCURA_MEDIA_SAMPLER_H

#include "media/frame.h"

struct axis {
    int *first;     /* [out] first input sample of each output sample */
    float *weights; /* [out][taps] they add up to 1; those behind the last input sample are 0 */
    int taps;
    int begin, end; /* input samples that are looked at, end exclusive */
};

struct sampler {
    const struct plane *plane; /* borrowed */
    int bytes;                 /* a sample */
    struct axis x, y;
    int out_width;
    float *column; /* one row of sums over y; owned */
    float *row;    /* out_width * channels results in the samples' own scale; owned */
};

/* A sampler of the part (x, y, width, height) of the plane, in samples and not necessarily whole ones, to
 * out_width x out_height. -ENOMEM. To be finished also after a failure. */
int sampler_init(struct sampler *s, const struct plane *plane, int sample_bytes, double x, double y, double width,
    double height, int out_width, int out_height);
void sampler_finish(struct sampler *s);

/* Computes output row `y` into s->row. */
void sampler_run(struct sampler *s, int y);

#endif
