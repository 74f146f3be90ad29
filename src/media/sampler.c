/* See sampler.h. */
#include "media/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/simd.h"

#define BLOCK 2048 /* columns summed at a time: their sums stay in the first-level cache */

typedef float vec4 __attribute__((vector_size(16)));

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* Weights of output sample i, whose centre and extent lie at `start` in input samples; returns the first tap. */
static int area_weights(double start, double ratio, int size, float *w, int taps)
{
    double stop = start + ratio;
    int first = clamp((int)floor(start + 1e-7), 0, size - 1);
    double sum = 0;
    for (int k = 0; k < taps; k++) {
        double low = fmax(start, first + k), high = fmin(stop, first + k + 1);
        w[k] = first + k < size && high - low > 1e-7 ? (float)(high - low) : 0;
        sum += w[k];
    }
    if (sum <= 0) /* nothing but rounding error inside: the nearest sample */
        sum = w[0] = 1;
    for (int k = 0; k < taps; k++)
        w[k] = (float)(w[k] / sum);
    return first;
}

static int linear_weights(double center, int begin, int end, float *w)
{
    double floor_center = floor(center);
    int first = clamp((int)floor_center, begin, end - 1);
    float part = (float)(center - floor_center);
    if (center <= begin || first == end - 1)
        part = 0;
    w[0] = 1 - part;
    w[1] = part;
    return first;
}

static int axis_init(struct axis *a, double start, double extent, int size, int out)
{
    double ratio = extent / out;
    a->begin = clamp((int)floor(start), 0, size - 1);
    a->end = clamp((int)ceil(start + extent), a->begin + 1, size);
    bool whole = ratio == 1 && start == floor(start); /* as it is */
    a->taps = whole ? 1 : ratio > 1 ? (int)ceil(ratio) + 1 : 2;
    a->first = malloc(sizeof *a->first * (size_t)out);
    a->weights = malloc(sizeof *a->weights * (size_t)out * (size_t)a->taps);
    if (!a->first || !a->weights)
        return -ENOMEM;
    for (int i = 0; i < out; i++) {
        float *w = a->weights + (size_t)i * (size_t)a->taps;
        if (whole) {
            a->first[i] = clamp(a->begin + i, 0, size - 1);
            w[0] = 1;
        } else if (ratio > 1) {
            a->first[i] = area_weights(start + i * ratio, ratio, a->end, w, a->taps);
        } else {
            a->first[i] = linear_weights(start + (i + 0.5) * ratio - 0.5, a->begin, a->end, w);
        }
    }
    return 0;
}

int sampler_init(struct sampler *s, const struct plane *plane, int sample_bytes, double x, double y, double width,
    double height, int out_width, int out_height)
{
    *s = (struct sampler){.plane = plane, .bytes = sample_bytes, .out_width = out_width};
    int r = axis_init(&s->x, x, width, plane->width, out_width);
    if (r == 0)
        r = axis_init(&s->y, y, height, plane->height, out_height);
    if (r < 0)
        return r;
    /* Zeroed and longer by the taps: those past the last sample have weight 0, and 0 times what lies there must be 0.
     */
    size_t channels = (size_t)plane->channels;
    s->column = calloc((size_t)(s->x.end - s->x.begin + s->x.taps) * channels + 4, sizeof *s->column);
    s->row = malloc(((size_t)out_width * channels + 4) * sizeof *s->row);
    return s->column && s->row ? 0 : -ENOMEM;
}

void sampler_finish(struct sampler *s)
{
    free(s->x.first);
    free(s->x.weights);
    free(s->y.first);
    free(s->y.weights);
    free(s->column);
    free(s->row);
    *s = (struct sampler){0};
}

SIMD_CLONES static void add_row_8(float *restrict sum, const uint8_t *restrict from, float weight, int n, bool first)
{
    if (first)
        for (int i = 0; i < n; i++)
            sum[i] = weight * from[i];
    else
        for (int i = 0; i < n; i++)
            sum[i] += weight * from[i];
}

/* Two rows at once: the sums are loaded and stored half as often. */
SIMD_CLONES static void add_rows_8(
    float *restrict sum, const uint8_t *restrict a, const uint8_t *restrict b, float wa, float wb, int n, bool first)
{
    if (first)
        for (int i = 0; i < n; i++)
            sum[i] = wa * a[i] + wb * b[i];
    else
        for (int i = 0; i < n; i++)
            sum[i] += wa * a[i] + wb * b[i];
}

SIMD_CLONES static void add_row_16(float *restrict sum, const uint16_t *restrict from, float weight, int n, bool first)
{
    if (first)
        for (int i = 0; i < n; i++)
            sum[i] = weight * from[i];
    else
        for (int i = 0; i < n; i++)
            sum[i] += weight * from[i];
}

/* Sums the rows of output row y over samples [begin, begin + n) of the looked-at part. */
static void sum_rows(struct sampler *s, int y, int begin, int n)
{
    const struct plane *p = s->plane;
    const float *w = s->y.weights + (size_t)y * (size_t)s->y.taps;
    float *sum = s->column + begin;
    ptrdiff_t offset = ((ptrdiff_t)s->x.begin * p->channels + begin) * s->bytes;
    const uint8_t *row = p->data + s->y.first[y] * p->stride + offset;
    int taps = s->y.taps;
    while (taps > 1 && w[taps - 1] == 0)
        taps--;
    for (int k = 0; k < taps; k++, row += p->stride) {
        if (s->bytes == 2) {
            add_row_16(sum, (const uint16_t *)(const void *)row, w[k], n, k == 0);
        } else if (k + 1 < taps) {
            add_rows_8(sum, row, row + p->stride, w[k], w[k + 1], n, k == 0);
            k++;
            row += p->stride;
        } else {
            add_row_8(sum, row, w[k], n, k == 0);
        }
    }
}

static void sum_columns_1(const struct sampler *s)
{
    const int taps = s->x.taps;
    for (int i = 0; i < s->out_width; i++) {
        const float *w = s->x.weights + (size_t)i * (size_t)taps;
        const float *in = s->column + (s->x.first[i] - s->x.begin);
        float sum = 0;
        for (int k = 0; k < taps; k++)
            sum += w[k] * in[k];
        s->row[i] = sum;
    }
}

/* Two to four channels: always four lanes, of which the next pixel's store overwrites what is too much. */
static void sum_columns_n(const struct sampler *s, const int channels)
{
    const int taps = s->x.taps;
    const float *w = s->x.weights;
    for (int i = 0; i < s->out_width; i++, w += taps) {
        const float *in = s->column + (ptrdiff_t)(s->x.first[i] - s->x.begin) * channels;
        vec4 sum = {0};
        for (int k = 0; k < taps; k++, in += channels) {
            vec4 v;
            memcpy(&v, in, sizeof v);
            sum += v * w[k];
        }
        memcpy(s->row + (ptrdiff_t)i * channels, &sum, sizeof sum);
    }
}

void sampler_run(struct sampler *s, int y)
{
    int channels = s->plane->channels;
    int n = (s->x.end - s->x.begin) * channels;
    for (int begin = 0; begin < n; begin += BLOCK)
        sum_rows(s, y, begin, n - begin < BLOCK ? n - begin : BLOCK);
    if (channels == 1)
        sum_columns_1(s);
    else if (channels == 3)
        sum_columns_n(s, 3);
    else
        sum_columns_n(s, channels);
}
