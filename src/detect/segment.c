/* See segment.h.
 *
 * The work is separable: the sum over prototypes is done at their own size for the few rows and columns a box covers;
 * each such row is stretched to the picture's width once; a picture row is then a blend of two stretched rows, compared
 * with zero as it is made and counted into runs at once. Nothing the size of the picture is ever stored. */
#include "detect/segment.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/mask.h"

/* A mask that covers less of its box than this is taken for a failure of the network. */
#define LEAST_SHARE 0.05

void prototypes_finish(struct prototypes *p)
{
    if (!p)
        return;
    free(p->planes);
    *p = (struct prototypes){0};
}

int prototypes_copy(struct prototypes *p, const struct infer_output *o)
{
    size_t need = (size_t)o->c * o->h * o->w;
    if (need > p->cap) {
        float *planes = reallocarray(NULL, need, sizeof *planes);
        if (!planes)
            return -ENOMEM;
        free(p->planes);
        p->planes = planes;
        p->cap = need;
    }
    p->count = o->c;
    p->height = o->h;
    p->width = o->w;
    float *out = p->planes;
    for (int c = 0; c < o->c; c++)
        for (int y = 0; y < o->h; y++) {
            const float *row = o->data + c * o->stride_c + y * o->stride_y;
            for (int x = 0; x < o->w; x++)
                *out++ = row[x * o->stride_x];
        }
    return 0;
}

/* Where picture pixels take their values along one axis: between prototype samples at[i] and at[i] + 1, `part` of the
 * way. */
struct axis {
    int *at; /* relative to `first` */
    float *part;
    int first, count; /* prototype samples needed */
};

/* Pixel centres lie at half px in both pictures; outside the outermost samples the nearest one holds. */
static void sample_axis(struct axis *a, int from, int length, float origin, float scale, int limit)
{
    int last = 0;
    for (int i = 0; i < length; i++) {
        float v = (from + i + 0.5f - origin) / scale - 0.5f;
        v = fminf(fmaxf(v, 0), limit - 1);
        int at = (int)v < limit - 1 ? (int)v : limit - 1;
        if (i == 0)
            a->first = at;
        a->at[i] = at - a->first;
        a->part[i] = v - at;
        last = at;
    }
    a->count = (last + 1 < limit ? last + 1 : last) - a->first + 1;
    for (int i = 0; i < length; i++) /* keeps at + 1 in range on the last sample, where part is 0 */
        if (a->at[i] + 1 >= a->count && a->count > 1) {
            a->at[i] = a->count - 2;
            a->part[i] = 1;
        }
}

/* One row of the weighted sum, at prototype size. */
static void sum_row(const struct prototypes *p, const float *coefs, int y, const struct axis *ax, float *restrict out)
{
    memset(out, 0, ax->count * sizeof *out);
    for (int k = 0; k < p->count; k++) {
        const float *restrict row = p->planes + ((size_t)k * p->height + y) * p->width + ax->first;
        float c = coefs[k];
        for (int x = 0; x < ax->count; x++)
            out[x] += c * row[x];
    }
}

static void stretch_row(const float *restrict in, const struct axis *ax, int width, float *restrict out)
{
    int step = ax->count > 1; /* a single sample has no neighbour */
    for (int x = 0; x < width; x++) {
        float a = in[ax->at[x]], b = in[ax->at[x] + step];
        out[x] = a + (b - a) * ax->part[x];
    }
}

static void blend_row(const float *restrict a, const float *restrict b, float part, int width, uint8_t *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = a[x] + (b[x] - a[x]) * part > 0;
}

/* What segment_mask needs while it runs, in one allocation. */
struct bench {
    struct axis ax, ay;
    float *sum, *upper, *lower; /* prototype row; the two stretched rows */
    uint8_t *bits;
};

static int write_rows(const struct prototypes *p, const float *coefs, struct bench *s, struct mask_writer *w)
{
    int width = w->mask->width, have = -2; /* `upper` holds the prototype row `have`, `lower` the next */
    for (int y = 0; y < w->mask->height; y++) {
        int at = s->ay.at[y], next = at + 1 < s->ay.count ? at + 1 : at;
        if (at != have) {
            if (at == have + 1) {
                float *t = s->upper;
                s->upper = s->lower;
                s->lower = t;
            } else {
                sum_row(p, coefs, s->ay.first + at, &s->ax, s->sum);
                stretch_row(s->sum, &s->ax, width, s->upper);
            }
            sum_row(p, coefs, s->ay.first + next, &s->ax, s->sum);
            stretch_row(s->sum, &s->ax, width, s->lower);
            have = at;
        }
        blend_row(s->upper, s->lower, s->ay.part[y], width, s->bits);
        int r = mask_writer_row(w, s->bits);
        if (r < 0)
            return r;
    }
    return 0;
}

int segment_mask(const struct prototypes *p, const float *coefs, const struct box *box, struct mask **ret_mask)
{
    int x1 = (int)floorf(box->x1), x2 = (int)ceilf(box->x2), y1 = (int)floorf(box->y1), y2 = (int)ceilf(box->y2);
    if (x1 >= x2 || y1 >= y2 || p->width < 1 || p->height < 1)
        return -EINVAL;
    size_t width = x2 - x1, height = y2 - y1;
    float *memory = malloc((2 * (width + height) + p->width + 2 * width) * sizeof *memory + width);
    if (!memory)
        return -ENOMEM;
    struct bench s = {.ax = {.part = memory, .at = (int *)(void *)(memory + width)},
        .ay = {.part = memory + 2 * width, .at = (int *)(void *)(memory + 2 * width + height)}};
    s.sum = memory + 2 * (width + height);
    s.upper = s.sum + p->width;
    s.lower = s.upper + width;
    s.bits = (uint8_t *)(s.lower + width);
    sample_axis(&s.ax, x1, (int)width, p->origin_x, p->scale_x, p->width);
    sample_axis(&s.ay, y1, (int)height, p->origin_y, p->scale_y, p->height);
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, y1, (int)width, (int)height);
    if (r == 0)
        r = write_rows(p, coefs, &s, &w);
    free(memory);
    if (r < 0) {
        mask_writer_abort(&w);
        return r;
    }
    r = mask_writer_end(&w, ret_mask);
    if (r < 0 || mask_count(*ret_mask) >= LEAST_SHARE * width * height)
        return r;
    mask_destroy(*ret_mask);
    return mask_rectangle(box, ret_mask);
}
