/* See cells.h. */
#include "redact/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/rows.h"

#define CELL_MIN 4.0   /* px */
#define CELLS_MOST 128 /* along an object, however weak a request asks; bounds memory too */
#define CELL_OF_KERNEL 0.4
#define CELL_MAX 0.5    /* of the object's longer side: a person far away is still a figure, not a flat spot */
#define SAMPLED_ROWS 32 /* of a cell; a mean over so many rows is as good as over all */
#define LEVEL_BITS                                                                                                     \
    11 /* means are rounded to multiples of 2^11 of 65536: black, white and neutral chroma stay exact                  \
        */

static const double default_kernel[OBJECT_TYPES] = {
    [OBJECT_FACE] = 0.35, [OBJECT_LICENSE_PLATE] = 0.5, [OBJECT_PERSON] = 91, [OBJECT_VEHICLE] = 61};

static double kernel_pixels(double kernel, double size)
{
    return kernel <= 1 ? kernel * size : kernel;
}

double cells_side(enum object_type type, int width, int height, enum method method, double kernel)
{
    double size = width > height ? width : height;
    double usual = kernel_pixels(default_kernel[type], size);
    double asked = method == METHOD_BLUR && kernel > 0 && isfinite(kernel) ? kernel_pixels(kernel, size) : usual;
    double least = size / CELLS_OBJECT * (asked < usual ? asked / usual : 1);
    double side = asked * CELL_OF_KERNEL;
    side = side < least ? least : side;
    side = side > size * CELL_MAX ? size * CELL_MAX : side;
    side = side < size / CELLS_MOST ? size / CELLS_MOST : side;
    return side < CELL_MIN ? CELL_MIN : side;
}

struct plane_place plane_place(const struct frame *f, int plane, const struct rect *rect)
{
    struct plane_place p = {.untouched = f->alpha && f->plane_count > 1 && plane == f->plane_count - 1};
    if (f->color == FRAME_YUV && plane > 0 && !p.untouched) {
        p.shift_x = f->shift_x;
        p.shift_y = f->shift_y;
    }
    const struct plane *s = &f->planes[plane];
    p.rect.x0 = rect->x0 >> p.shift_x;
    p.rect.y0 = rect->y0 >> p.shift_y;
    p.rect.x1 = ((rect->x1 - 1) >> p.shift_x) + 1;
    p.rect.y1 = ((rect->y1 - 1) >> p.shift_y) + 1;
    p.rect.x1 = p.rect.x1 > s->width ? s->width : p.rect.x1;
    p.rect.y1 = p.rect.y1 > s->height ? s->height : p.rect.y1;
    if (p.rect.x0 >= p.rect.x1 || p.rect.y0 >= p.rect.y1)
        p.untouched = true;
    return p;
}

void cells_bounds(const struct cells *c, const struct plane_place *place, bool across, int *bounds)
{
    int count = across ? c->columns : c->rows, shift = across ? place->shift_x : place->shift_y;
    int begin = across ? c->rect.x0 : c->rect.y0;
    bounds[0] = across ? place->rect.x0 : place->rect.y0;
    bounds[count] = across ? place->rect.x1 : place->rect.y1;
    for (int i = 1; i < count; i++) {
        int at = (begin + (int)lround(i * c->side)) >> shift;
        bounds[i] = at < bounds[i - 1] ? bounds[i - 1] : at > bounds[count] ? bounds[count] : at;
    }
}

static uint16_t quantise(uint64_t sum, uint64_t count, int depth)
{
    uint32_t full = ((1u << depth) - 1) << (16 - depth);
    uint64_t mean = ((sum << (16 - depth)) + count / 2) / count;
    uint64_t value = ((mean + (1u << LEVEL_BITS >> 1)) >> LEVEL_BITS) << LEVEL_BITS;
    return (uint16_t)(value > full ? full : value);
}

/* Samples of cell `i`: at least one. A coarse chroma plane can leave a cell without any; it then shares its neighbour's
 * last. */
static void cell_samples(const int *bounds, int count, int i, int *ret_begin, int *ret_end)
{
    int last = bounds[count] - 1;
    *ret_begin = bounds[i] < last ? bounds[i] : last;
    *ret_end = bounds[i + 1] > *ret_begin ? bounds[i + 1] : *ret_begin + 1;
}

/* What measure_row needs of a plane. */
struct measure {
    const struct frame *f;
    const struct plane *p;
    int *x, *y; /* bounds of the cells; owned */
    int columns;
    uint32_t *sums; /* one for each sample of a row; owned */
};

static void measure_row(const struct measure *m, int y0, int y1, uint16_t *out)
{
    size_t channels = (size_t)m->p->channels, bytes = (size_t)frame_sample_bytes(m->f);
    size_t n = (size_t)(m->x[m->columns] - m->x[0]) * channels, offset = (size_t)m->x[0] * channels * bytes;
    int step = (y1 - y0 + SAMPLED_ROWS - 1) / SAMPLED_ROWS, lines = 0;
    memset(m->sums, 0, n * sizeof *m->sums);
    for (int y = y0 + (step - 1) / 2; y < y1; y += step, lines++) {
        const uint8_t *row = m->p->data + y * m->p->stride + offset;
        bytes == 2 ? rows_sum_16(m->sums, (const uint16_t *)(const void *)row, n) : rows_sum_8(m->sums, row, n);
    }
    for (int i = 0; i < m->columns; i++) {
        int x0, x1;
        cell_samples(m->x, m->columns, i, &x0, &x1);
        for (size_t c = 0; c < channels; c++) {
            uint64_t sum = 0;
            for (int x = x0; x < x1; x++)
                sum += m->sums[(size_t)(x - m->x[0]) * channels + c];
            out[(size_t)i * channels + c] = quantise(sum, (uint64_t)lines * (uint64_t)(x1 - x0), m->f->depth);
        }
    }
}

static int measure_plane(const struct frame *f, int index, struct cells *c)
{
    struct measure m = {.f = f, .p = &f->planes[index], .columns = c->columns};
    struct plane_place place = plane_place(f, index, &c->rect);
    if (place.untouched)
        return 0;
    size_t row = (size_t)c->columns * (size_t)m.p->channels;
    m.sums = malloc((size_t)rect_width(&place.rect) * (size_t)m.p->channels * sizeof *m.sums);
    m.x = malloc(((size_t)c->columns + 1) * sizeof *m.x);
    m.y = malloc(((size_t)c->rows + 1) * sizeof *m.y);
    c->values[index] = malloc(row * (size_t)c->rows * sizeof *c->values[index]);
    int r = m.sums && m.x && m.y && c->values[index] ? 0 : -ENOMEM;
    if (r == 0) {
        cells_bounds(c, &place, true, m.x);
        cells_bounds(c, &place, false, m.y);
        for (int i = 0; i < c->rows; i++) {
            int y0, y1;
            cell_samples(m.y, c->rows, i, &y0, &y1);
            measure_row(&m, y0, y1, c->values[index] + (size_t)i * row);
        }
    }
    free(m.sums);
    free(m.x);
    free(m.y);
    return r;
}

int cells_measure(const struct frame *f, const struct rect *rect, double side, struct cells *ret)
{
    *ret = (struct cells){.rect = *rect, .side = side};
    ret->columns = (int)ceil(rect_width(rect) / side);
    ret->rows = (int)ceil(rect_height(rect) / side);
    for (int i = 0; i < f->plane_count; i++) {
        int r = measure_plane(f, i, ret);
        if (r < 0) {
            cells_finish(ret);
            return r;
        }
    }
    return 0;
}

void cells_finish(struct cells *c)
{
    for (int i = 0; c && i < FRAME_MAX_PLANES; i++) {
        free(c->values[i]);
        c->values[i] = NULL;
    }
}
