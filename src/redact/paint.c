/* See paint.h. A row of a plane goes: alpha of its samples -> the part where it is above 0 -> what is painted there, as
 * samples -> into the frame, in blocks, of which most are wholly inside (copied) or outside (left). */
#include "redact/paint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/rows.h"

#define BLOCK 64 /* px */

/* One plane being painted. */
struct painter {
    const struct frame *f;
    const struct plane *p;
    struct plane_place place;
    size_t channels, n;   /* samples a pixel, samples a row of place.rect */
    bool wide, keep_last; /* 16-bit words; the last channel is alpha */
    uint16_t *surface;    /* cells stretched to place.rect's width: one scaled row for each row of cells */
    int *bounds;          /* along y, for squares */
    uint8_t *content;     /* a row of samples to paint */
    uint8_t *alpha;       /* a row's alpha, one byte a pixel of the plane */
    uint8_t *spread;      /* the same, one byte a sample */
};

/* Weights of a uniform cubic B-spline at t = 0..1 between the second and the third of four points; 65536ths. */
static void spline(double t, uint32_t w[4])
{
    double s = 1 - t;
    w[0] = (uint32_t)lrint(s * s * s / 6 * 65536);
    w[3] = (uint32_t)lrint(t * t * t / 6 * 65536);
    w[1] = (uint32_t)lrint((4 - 6 * t * t + 3 * t * t * t) / 6 * 65536);
    w[2] = 65536 - w[0] - w[1] - w[3];
}

/* Where sample `i` of a plane lies among `count` cells: the four cells around it (repeated at the ends) and their
 * weights. */
static void locate(int i, int shift, int begin, double side, int count, int index[4], uint32_t w[4])
{
    double at = ((i + 0.5) * (1 << shift) - begin) / side - 0.5;
    double below = floor(at);
    spline(at - below, w);
    for (int k = 0; k < 4; k++) {
        int j = (int)below - 1 + k;
        index[k] = j < 0 ? 0 : j >= count ? count - 1 : j;
    }
}

static void stretch_smooth(const struct painter *w, const struct cells *c, const uint16_t *values)
{
    for (int x = w->place.rect.x0; x < w->place.rect.x1; x++) {
        int index[4];
        uint32_t weight[4];
        locate(x, w->place.shift_x, c->rect.x0, c->side, c->columns, index, weight);
        uint16_t *out = w->surface + (size_t)(x - w->place.rect.x0) * w->channels;
        for (int row = 0; row < c->rows; row++, out += w->n) {
            const uint16_t *v = values + (size_t)row * (size_t)c->columns * w->channels;
            for (size_t ch = 0; ch < w->channels; ch++) {
                uint32_t sum = 32768;
                for (int k = 0; k < 4; k++)
                    sum += v[(size_t)index[k] * w->channels + ch] * weight[k];
                out[ch] = (uint16_t)(sum >> 16);
            }
        }
    }
}

static void stretch_squares(const struct painter *w, const struct cells *c, const uint16_t *values, int *bounds)
{
    cells_bounds(c, &w->place, true, bounds);
    for (int row = 0; row < c->rows; row++) {
        uint16_t *out = w->surface + (size_t)row * w->n;
        for (int i = 0; i < c->columns; i++) {
            for (int x = bounds[i]; x < bounds[i + 1]; x++, out += w->channels)
                memcpy(out, values + ((size_t)row * (size_t)c->columns + (size_t)i) * w->channels,
                    w->channels * sizeof *out);
        }
    }
    cells_bounds(c, &w->place, false, bounds);
}

static void fill_color(const struct painter *w, const uint16_t color[4])
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->wide)
            ((uint16_t *)(void *)w->content)[i] = color[i % w->channels];
        else
            w->content[i] = (uint8_t)color[i % w->channels];
    }
}

static void painter_finish(struct painter *w)
{
    free(w->surface);
    free(w->bounds);
    free(w->content);
    free(w->alpha);
}

static int painter_init(struct painter *w, const struct paint *paint, int plane)
{
    const struct cells *c = paint->cells;
    w->channels = (size_t)w->p->channels;
    w->n = (size_t)rect_width(&w->place.rect) * w->channels;
    w->wide = frame_sample_bytes(w->f) == 2;
    w->keep_last = w->f->alpha && w->f->plane_count == 1;
    w->content = malloc(w->n * 2);
    w->alpha = malloc(w->n / w->channels);
    if (!w->content || !w->alpha)
        return -ENOMEM;
    if (!c) {
        fill_color(w, paint->color[plane]);
        return 0;
    }
    int most = c->columns > c->rows ? c->columns : c->rows;
    w->surface = malloc(w->n * (size_t)c->rows * sizeof *w->surface);
    w->bounds = malloc(((size_t)most + 1) * sizeof *w->bounds);
    if (!w->surface || !w->bounds)
        return -ENOMEM;
    if (paint->smooth)
        stretch_smooth(w, c, c->values[plane]);
    else
        stretch_squares(w, c, c->values[plane], w->bounds);
    return 0;
}

/* The samples to paint in row y, from sample `from` of the row, `n` of them, into w->content (at the same offset). */
static void make_content(const struct painter *w, const struct paint *paint, int y, size_t from, size_t n)
{
    const struct cells *c = paint->cells;
    int shift = 16 - w->f->depth;
    uint16_t *wide = (uint16_t *)(void *)w->content + from;
    uint8_t *narrow = w->content + from;
    if (!c)
        return;
    if (paint->smooth) {
        int index[4];
        uint32_t weight[4];
        locate(y, w->place.shift_y, c->rect.y0, c->side, c->rows, index, weight);
        const uint16_t *rows[4];
        for (int k = 0; k < 4; k++)
            rows[k] = w->surface + (size_t)index[k] * w->n + from;
        w->wide ? rows_mix_16(wide, rows, weight, shift, n) : rows_mix_8(narrow, rows, weight, shift, n);
        return;
    }
    int row = 0;
    while (w->bounds[row + 1] <= y)
        row++;
    const uint16_t *flat = w->surface + (size_t)row * w->n + from;
    w->wide ? rows_narrow_16(wide, flat, shift, n) : rows_narrow_8(narrow, flat, shift, n);
}

/* Alpha of a row of a subsampled plane: the largest of the pixels that a sample stands for. `tall` has room for all
 * those pixels. */
static void shrink_alpha(const struct painter *w, const struct region *region, int y, uint8_t *tall, uint8_t *out)
{
    const struct rect *r = &region->rect;
    size_t width = (size_t)rect_width(r), samples = (size_t)rect_width(&w->place.rect);
    int sy = w->place.shift_y, sx = w->place.shift_x, before = r->x0 - (w->place.rect.x0 << sx);
    int y0 = y << sy < r->y0 ? r->y0 : y << sy, y1 = (y + 1) << sy > r->y1 ? r->y1 : (y + 1) << sy;
    memset(tall, 0, samples << sx);
    width = width < (samples << sx) - (size_t)before ? width : (samples << sx) - (size_t)before;
    for (int i = y0; i < y1; i++)
        rows_max(tall + before, region->alpha + (size_t)(i - r->y0) * (size_t)rect_width(r), width);
    rows_shrink(out, tall, sx, samples);
}

/* Takes out the samples of row y that stand for any pixel of an ignored area. */
static void spare_ignored(const struct painter *w, const struct request_options *request, int y, uint8_t *alpha)
{
    struct rect picture = {0, 0, w->f->width, w->f->height};
    for (int i = 0; i < request->ignore_count; i++) {
        struct rect c = region_ignored(&request->ignores[i], &picture);
        if (c.x0 >= c.x1 || c.y0 >= c.y1)
            continue;
        struct rect s = plane_place(w->f, (int)(w->p - w->f->planes), &c).rect;
        int x0 = s.x0 < w->place.rect.x0 ? w->place.rect.x0 : s.x0;
        int x1 = s.x1 > w->place.rect.x1 ? w->place.rect.x1 : s.x1;
        if (y >= s.y0 && y < s.y1 && x0 < x1)
            memset(alpha + (x0 - w->place.rect.x0), 0, (size_t)(x1 - x0));
    }
}

/* One byte of alpha for each sample of n pixels; 0 for an alpha channel. */
static void spread_alpha(const struct painter *w, const uint8_t *alpha, size_t n, uint8_t *out)
{
    size_t painted = w->channels - w->keep_last;
    memset(out, 0, n * w->channels);
    for (size_t x = 0; x < n; x++)
        for (size_t c = 0; c < painted; c++)
            out[x * w->channels + c] = alpha[x];
}

/* Puts n <= BLOCK pixels of content into the plane: copies where alpha is full, leaves what is not painted, blends the
 * rest. */
static void put(const struct painter *w, uint8_t *to, const uint8_t *content, const uint8_t *alpha, size_t n)
{
    uint8_t spread[BLOCK * 4], low = 255, high = 0;
    for (size_t i = 0; i < n; i++) {
        low &= alpha[i];
        high |= alpha[i];
    }
    if (low == 255 && !w->keep_last) {
        memcpy(to, content, n * w->channels * (w->wide ? 2 : 1));
        return;
    }
    if (!high)
        return;
    if (w->channels > 1) {
        spread_alpha(w, alpha, n, spread);
        alpha = spread;
    }
    if (w->wide)
        rows_blend_16((uint16_t *)(void *)to, (const uint16_t *)(const void *)content, alpha, n * w->channels);
    else
        rows_blend_8(to, content, alpha, n * w->channels);
}

static void paint_row(const struct painter *w, const struct paint *paint, int y, const uint8_t *alpha)
{
    size_t from = 0, to = (size_t)rect_width(&w->place.rect), pixel = w->channels * (w->wide ? 2 : 1);
    while (from < to && !alpha[from])
        from++;
    while (to > from && !alpha[to - 1])
        to--;
    if (from == to)
        return;
    make_content(w, paint, y, from * w->channels, (to - from) * w->channels);
    uint8_t *row = w->p->data + y * w->p->stride + (size_t)w->place.rect.x0 * pixel;
    for (size_t x = from; x < to; x += BLOCK)
        put(w, row + x * pixel, w->content + x * pixel, alpha + x, to - x < BLOCK ? to - x : BLOCK);
}

static int paint_plane(struct frame *f, int plane, const struct region *region, const struct paint *paint,
    const struct request_options *request)
{
    struct painter w = {.f = f, .p = &f->planes[plane], .place = plane_place(f, plane, &region->rect)};
    if (w.place.untouched)
        return 0;
    bool subsampled = w.place.shift_x || w.place.shift_y;
    uint8_t *tall = subsampled ? malloc((size_t)rect_width(&w.place.rect) << w.place.shift_x) : NULL;
    int r = subsampled && !tall ? -ENOMEM : painter_init(&w, paint, plane);
    for (int y = w.place.rect.y0; r == 0 && y < w.place.rect.y1; y++) {
        if (subsampled) {
            shrink_alpha(&w, region, y, tall, w.alpha);
            spare_ignored(&w, request, y, w.alpha);
            paint_row(&w, paint, y, w.alpha);
        } else {
            paint_row(&w, paint, y, region->alpha + (size_t)(y - region->rect.y0) * (size_t)rect_width(&region->rect));
        }
    }
    free(tall);
    painter_finish(&w);
    return r;
}

int paint_region(
    struct frame *f, const struct region *region, const struct paint *paint, const struct request_options *request)
{
    for (int i = 0; i < f->plane_count; i++) {
        int r = paint_plane(f, i, region, paint, request);
        if (r < 0)
            return r;
    }
    return 0;
}

struct paint paint_color(const struct frame *f, int red, int green, int blue)
{
    /* Kr and Kb of the matrices; E'Y = Kr R + (1 - Kr - Kb) G + Kb B and so on, as ITU-R BT.601, 709 and 2020 define
     * them. */
    static const double weights[][2] = {[FRAME_MATRIX_BT601] = {0.299, 0.114},
        [FRAME_MATRIX_BT709] = {0.2126, 0.0722},
        [FRAME_MATRIX_BT2020] = {0.2627, 0.0593}};
    struct paint p = {0};
    double top = (1 << f->depth) - 1, unit = 1 << (f->depth - 8);
    double kr = weights[f->color == FRAME_YUV ? f->matrix : FRAME_MATRIX_BT601][0];
    double kb = weights[f->color == FRAME_YUV ? f->matrix : FRAME_MATRIX_BT601][1];
    double luma = (kr * red + (1 - kr - kb) * green + kb * blue) / 255;
    if (f->color == FRAME_RGB) {
        const int rgb[] = {red, green, blue};
        for (int i = 0; i < 3; i++)
            p.color[f->plane_count > 1 ? i : 0][f->plane_count > 1 ? 0 : i] = (uint16_t)lrint(rgb[i] / 255.0 * top);
    } else if (f->color == FRAME_GREY) {
        p.color[0][0] = (uint16_t)lrint(luma * top);
    } else {
        double u = (blue / 255.0 - luma) / (2 - 2 * kb), v = (red / 255.0 - luma) / (2 - 2 * kr);
        double span = f->full_range ? top : 224 * unit, middle = 128 * unit;
        p.color[0][0] = (uint16_t)lrint(f->full_range ? luma * top : (16 + 219 * luma) * unit);
        p.color[1][0] = (uint16_t)lrint(fmin(middle + u * span, top));
        bool semiplanar = f->planes[1].channels == 2;
        p.color[semiplanar ? 1 : 2][semiplanar ? 1 : 0] = (uint16_t)lrint(fmin(middle + v * span, top));
    }
    return p;
}
