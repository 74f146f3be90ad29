/* See region_mask.h. Growing is a square dilation, softening a box filter: both run along columns with one running sum
 * per column (which the compiler turns into vector code) and need two passes over the region whatever the radius.
 *
 * The order makes the promise of region.h exact: the mask is dilated by grow + half_soft and averaged over 2 *
 * half_soft + 1, so every pixel within `grow` of the mask has a window that is all ones, and every pixel beyond grow +
 * 2 * half_soft one that is all zeros. */
#include "redact/region_mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "redact/rows.h"

#define BLOCK 128 /* px */

/* The next horizontal piece of the mask, cut to the picture. */
struct cursor {
    const struct mask *m;
    const struct rect *picture;
    size_t run;
    int64_t at, left; /* position in the mask, pixels left of the current run of ones */
    int y, x0, x1;    /* the piece, px of the picture */
};

static bool next_piece(struct cursor *c)
{
    int64_t total = (int64_t)c->m->width * c->m->height;
    for (;;) {
        while (c->left == 0 && c->run < c->m->run_count) {
            if (c->run % 2 == 0)
                c->at += c->m->runs[c->run];
            else
                c->left = c->m->runs[c->run];
            c->run++;
        }
        if (c->left == 0 || c->at >= total)
            return false;
        int64_t column = c->at % c->m->width, row = c->at / c->m->width;
        int64_t take = c->m->width - column < c->left ? c->m->width - column : c->left;
        c->at += take;
        c->left -= take;
        int64_t y = c->m->y + row, x0 = c->m->x + column, x1 = x0 + take;
        x0 = x0 < c->picture->x0 ? c->picture->x0 : x0;
        x1 = x1 > c->picture->x1 ? c->picture->x1 : x1;
        if (y < c->picture->y0 || y >= c->picture->y1 || x0 >= x1)
            continue;
        c->y = (int)y;
        c->x0 = (int)x0;
        c->x1 = (int)x1;
        return true;
    }
}

int64_t region_mask_bounds(const struct mask *m, const struct rect *picture, struct rect *ret_bounds)
{
    if (m->width <= 0 || m->height <= 0)
        return 0;
    int64_t set = 0;
    struct rect b = {picture->x1, picture->y1, 0, 0};
    struct cursor c = {.m = m, .picture = picture};
    while (next_piece(&c)) {
        set += c.x1 - c.x0;
        b.x0 = c.x0 < b.x0 ? c.x0 : b.x0;
        b.x1 = c.x1 > b.x1 ? c.x1 : b.x1;
        b.y0 = c.y < b.y0 ? c.y : b.y0;
        b.y1 = c.y + 1;
    }
    if (set > 0)
        *ret_bounds = b;
    return set;
}

/* Paints the mask as ones, each piece made longer by `radius` on both sides. */
static void paint(const struct region_outline *o, int radius, uint8_t *out)
{
    int width = rect_width(&o->rect);
    struct cursor c = {.m = o->mask, .picture = &o->picture};
    while (next_piece(&c)) {
        int x0 = c.x0 - radius > o->rect.x0 ? c.x0 - radius : o->rect.x0;
        int x1 = c.x1 + radius < o->rect.x1 ? c.x1 + radius : o->rect.x1;
        memset(out + (size_t)(c.y - o->rect.y0) * (size_t)width + (x0 - o->rect.x0), 1, (size_t)(x1 - x0));
    }
}

/* out = the sum over 2 * radius + 1 rows of `in` (values 0 and 1), turned into 0 or 1 (`any`) or into 0..255 (their
 * mean). Rows beyond the region repeat its edge: where the picture cuts the object, the mask goes on outside. */
static void filter_columns(const uint8_t *in, uint8_t *out, int width, int height, int radius, bool any, uint16_t *sums)
{
    size_t w = (size_t)width;
    memset(sums, 0, w * sizeof *sums);
    uint32_t scale = (uint32_t)((255u * 65536u + 2u * (unsigned)radius) /
                                (2u * (unsigned)radius + 1u)); /* rounded up: a full window gives 255 */
    for (int y = -radius; y < radius; y++)
        rows_count_add(sums, in + w * (size_t)(y < 0 ? 0 : y >= height ? height - 1 : y), w);
    for (int y = 0; y < height; y++) {
        int enter = y + radius, leave = y - radius;
        rows_count_add(sums, in + w * (size_t)(enter >= height ? height - 1 : enter), w);
        if (any)
            rows_count_any(out + w * (size_t)y, sums, w);
        else
            rows_count_scale(out + w * (size_t)y, sums, scale, w);
        rows_count_subtract(sums, in + w * (size_t)(leave < 0 ? 0 : leave), w);
    }
}

/* The mean over 2 * radius + 1 pixels of a row; `copy` has room for the row with `radius` repeats of its ends on both
 * sides. Most blocks of a row see nothing but one value, which is then their mean already. */
static void filter_row(uint8_t *row, int width, int radius, uint8_t *copy)
{
    int n = 2 * radius + 1;
    memset(copy, row[0], (size_t)radius);
    memcpy(copy + radius, row, (size_t)width);
    memset(copy + radius + width, row[width - 1], (size_t)radius);
    uint64_t scale = ((UINT64_C(1) << 32) + (uint64_t)n - 1) / (uint64_t)n;
    for (int begin = 0; begin < width; begin += BLOCK) {
        int end = width - begin < BLOCK ? width : begin + BLOCK;
        const uint8_t *in = copy + begin;
        if (memcmp(in, in + 1, (size_t)(end - begin + n - 2)) == 0)
            continue;
        uint32_t sum = 0;
        for (int i = 0; i < n - 1; i++)
            sum += in[i];
        for (int x = begin; x < end; x++, in++) {
            sum += in[n - 1];
            row[x] = (uint8_t)(sum * scale >> 32);
            sum -= in[0];
        }
    }
}

int region_mask_fill(const struct region_outline *o, uint8_t *alpha)
{
    int width = rect_width(&o->rect), height = rect_height(&o->rect), radius = o->grow + o->half_soft;
    size_t area = (size_t)width * (size_t)height;
    uint8_t *grown = malloc(area), *copy = malloc((size_t)width + 2 * (size_t)o->half_soft);
    uint16_t *sums = malloc((size_t)width * sizeof *sums);
    int r = grown && copy && sums ? 0 : -ENOMEM;
    if (r == 0) {
        paint(o, radius, alpha);
        filter_columns(alpha, grown, width, height, radius, true, sums);
        filter_columns(grown, alpha, width, height, o->half_soft, false, sums);
        for (int y = 0; y < height; y++)
            filter_row(alpha + (size_t)y * (size_t)width, width, o->half_soft, copy);
    }
    free(grown);
    free(copy);
    free(sums);
    return r;
}
