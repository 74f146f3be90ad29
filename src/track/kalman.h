/* Constant-velocity Kalman filter of a box: centre and size, each a position with a speed. SORT's and ByteTrack's
 * eight-state filter has no covariance between the four, so it is four filters of two states. */
#ifndef OBSCURA_TRACK_KALMAN_H
#define OBSCURA_TRACK_KALMAN_H

#include "detect/detection.h"

struct kalman_axis {
    float x, v;          /* px, px a frame */
    float p00, p01, p11; /* covariance */
};

struct kalman {
    struct kalman_axis axis[4]; /* centre x, centre y, width, height */
};

void kalman_init(struct kalman *k, const struct box *b);
void kalman_predict(struct kalman *k); /* one frame on */
void kalman_shift(struct kalman *k, float dx, float dy);
void kalman_update(struct kalman *k, const struct box *b);
struct box kalman_box(const struct kalman *k); /* at least 1 px a side */
/* The box `frames` on (may be negative) by its speeds, the size staying. */
struct box kalman_extrapolate(const struct kalman *k, const struct box *from, float frames);

#endif
