/* See segment.h.
 *
 * The work is separable: the sum over prototypes is done at their own size for the few rows and columns a box covers;
 * each such row is stretched to the picture's width once; a picture row is then a blend of two stretched rows of each
 * source, compared with zero and counted into runs at once. Nothing the size of the picture is ever stored. */
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

int prototypes_copy(struct prototypes *p, const struct infer_output *o, bool mirrored)
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
                *out++ = row[(mirrored ? o->w - 1 - x : x) * o->stride_x];
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

/* Adds a row between two stretched ones, times `weight`. */
static void add_blend(
    const float *restrict a, const float *restrict b, float part, float weight, int width, float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] += weight * (a[x] + (b[x] - a[x]) * part);
}

static void cut_row(const float *restrict row, int width, uint8_t *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = row[x] > 0;
}

/* One source, on its way down the box. */
struct stretcher {
    const struct mask_source *source;
    struct axis ax, ay;
    float *sum, *upper, *lower; /* prototype row; the two stretched rows */
    int have;                   /* the prototype row, counted from ay.first, in `upper`; the next is in `lower` */
    void *memory;               /* owned: all of these */
};

static void stretcher_finish(struct stretcher *s)
{
    free(s->memory);
}

static int stretcher_begin(struct stretcher *s, const struct mask_source *source, const struct mask *m)
{
    const struct prototypes *p = source->prototypes;
    size_t width = m->width, height = m->height;
    float *memory = malloc((2 * (width + height) + p->width + 2 * width) * sizeof *memory);
    if (!memory)
        return -ENOMEM;
    *s = (struct stretcher){.source = source,
        .ax = {.part = memory, .at = (int *)(void *)(memory + width)},
        .ay = {.part = memory + 2 * width, .at = (int *)(void *)(memory + 2 * width + height)},
        .sum = memory + 2 * (width + height),
        .have = -2,
        .memory = memory};
    s->upper = s->sum + p->width;
    s->lower = s->upper + width;
    sample_axis(&s->ax, m->x, m->width, p->origin_x, p->scale_x, p->width);
    sample_axis(&s->ay, m->y, m->height, p->origin_y, p->scale_y, p->height);
    return 0;
}

/* The prototypes' row `at`, stretched to the box's width. */
static void make_row(struct stretcher *s, int at, int width, float *out)
{
    sum_row(s->source->prototypes, s->source->coefs, s->ay.first + at, &s->ax, s->sum);
    stretch_row(s->sum, &s->ax, width, out);
}

/* Adds the source's part in row y of the box. */
static void stretcher_add(struct stretcher *s, int y, int width, float *row)
{
    int at = s->ay.at[y], next = at + 1 < s->ay.count ? at + 1 : at;
    if (at != s->have) {
        if (at == s->have + 1) {
            float *t = s->upper;
            s->upper = s->lower;
            s->lower = t;
        } else {
            make_row(s, at, width, s->upper);
        }
        make_row(s, next, width, s->lower);
        s->have = at;
    }
    add_blend(s->upper, s->lower, s->ay.part[y], s->source->weight, width, row);
}

static int write_rows(struct stretcher *stretchers, int count, struct mask_writer *w)
{
    int width = w->mask->width, r = 0;
    float *row = malloc(width * (sizeof *row + 1));
    if (!row)
        return -ENOMEM;
    uint8_t *bits = (uint8_t *)(row + width);
    for (int y = 0; r == 0 && y < w->mask->height; y++) {
        memset(row, 0, width * sizeof *row);
        for (int i = 0; i < count; i++)
            stretcher_add(&stretchers[i], y, width, row);
        cut_row(row, width, bits);
        r = mask_writer_row(w, bits);
    }
    free(row);
    return r;
}

static int write_mask(const struct mask_source *sources, int count, struct mask_writer *w)
{
    struct stretcher stretchers[SEGMENT_MAX_SOURCES];
    int made = 0, r = 0;
    while (r == 0 && made < count) {
        r = stretcher_begin(&stretchers[made], &sources[made], w->mask);
        made += r == 0;
    }
    if (r == 0)
        r = write_rows(stretchers, count, w);
    for (int i = 0; i < made; i++)
        stretcher_finish(&stretchers[i]);
    return r;
}

int segment_mask(const struct mask_source *sources, int count, const struct box *box, struct mask **ret_mask)
{
    int x1 = (int)floorf(box->x1), x2 = (int)ceilf(box->x2), y1 = (int)floorf(box->y1), y2 = (int)ceilf(box->y2);
    if (x1 >= x2 || y1 >= y2 || count < 1 || count > SEGMENT_MAX_SOURCES)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        if (sources[i].prototypes->width < 1 || sources[i].prototypes->height < 1)
            return -EINVAL;
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, y1, x2 - x1, y2 - y1);
    if (r < 0)
        return r;
    r = write_mask(sources, count, &w);
    if (r < 0) {
        mask_writer_abort(&w);
        return r;
    }
    r = mask_writer_end(&w, ret_mask);
    if (r < 0 || mask_count(*ret_mask) >= LEAST_SHARE * (x2 - x1) * (double)(y2 - y1))
        return r;
    mask_destroy(*ret_mask);
    return mask_rectangle(box, ret_mask);
}
