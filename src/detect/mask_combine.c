/* Masks made from other masks and from boxes. See mask.h. */
#include "detect/mask.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static void skip_rows(struct mask_reader *r, int count)
{
    uint64_t pixels = (uint64_t)count * r->mask->width;
    while (pixels > 0) {
        if (r->left == 0) {
            if (r->next == r->mask->run_count)
                return;
            r->left = r->mask->runs[r->next++];
            r->value = !r->value;
        }
        uint32_t n = r->left < pixels ? r->left : (uint32_t)pixels;
        r->left -= n;
        pixels -= n;
    }
}

int mask_count_common(const struct mask *a, const struct mask *b, int dx, uint64_t *ret_count)
{
    *ret_count = 0;
    int bx = b->x + dx;
    int x1 = max_int(a->x, bx), x2 = min_int(a->x + a->width, bx + b->width);
    int y1 = max_int(a->y, b->y), y2 = min_int(a->y + a->height, b->y + b->height);
    if (x1 >= x2 || y1 >= y2)
        return 0;
    uint8_t *rows = malloc((size_t)a->width + b->width);
    if (!rows)
        return -ENOMEM;
    uint8_t *row_a = rows, *row_b = rows + a->width;
    struct mask_reader ra, rb;
    mask_reader_begin(&ra, a);
    mask_reader_begin(&rb, b);
    skip_rows(&ra, y1 - a->y);
    skip_rows(&rb, y1 - b->y);
    for (int y = y1; y < y2; y++) {
        memset(rows, 0, (size_t)a->width + b->width);
        mask_reader_row(&ra, 1, row_a);
        mask_reader_row(&rb, 1, row_b);
        uint32_t n = 0;
        for (int x = x1; x < x2; x++)
            n += row_a[x - a->x] & row_b[x - bx];
        *ret_count += n;
    }
    free(rows);
    return 0;
}

int mask_union(const struct mask *a, const struct mask *b, struct mask **ret_mask)
{
    int x1 = min_int(a->x, b->x), x2 = max_int(a->x + a->width, b->x + b->width);
    int y1 = min_int(a->y, b->y), y2 = max_int(a->y + a->height, b->y + b->height);
    uint8_t *row = malloc(x2 - x1);
    if (!row)
        return -ENOMEM;
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, y1, x2 - x1, y2 - y1);
    struct mask_reader ra, rb;
    mask_reader_begin(&ra, a);
    mask_reader_begin(&rb, b);
    for (int y = y1; r == 0 && y < y2; y++) {
        memset(row, 0, x2 - x1);
        if (y >= a->y && y < a->y + a->height)
            mask_reader_row(&ra, 1, row + (a->x - x1));
        if (y >= b->y && y < b->y + b->height)
            mask_reader_row(&rb, 1, row + (b->x - x1));
        r = mask_writer_row(&w, row);
    }
    free(row);
    if (r < 0) {
        mask_writer_abort(&w);
        return r;
    }
    return mask_writer_end(&w, ret_mask);
}

int mask_crop_columns(const struct mask *m, int x1, int x2, struct mask **ret_mask)
{
    x1 = max_int(x1, m->x);
    x2 = min_int(x2, m->x + m->width);
    if (x1 >= x2)
        return -EINVAL;
    uint8_t *row = malloc(m->width);
    if (!row)
        return -ENOMEM;
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, m->y, x2 - x1, m->height);
    struct mask_reader reader;
    mask_reader_begin(&reader, m);
    for (int y = 0; r == 0 && y < m->height; y++) {
        memset(row, 0, m->width);
        mask_reader_row(&reader, 1, row);
        r = mask_writer_row(&w, row + (x1 - m->x));
    }
    free(row);
    if (r < 0) {
        mask_writer_abort(&w);
        return r;
    }
    return mask_writer_end(&w, ret_mask);
}

int mask_ellipse(const struct box *box, int x1, int x2, struct mask **ret_mask)
{
    int y1 = (int)floorf(box->y1), y2 = (int)ceilf(box->y2);
    x1 = max_int(x1, (int)floorf(box->x1));
    x2 = min_int(x2, (int)ceilf(box->x2));
    if (x1 >= x2 || y1 >= y2)
        return -EINVAL;
    uint8_t *row = malloc(x2 - x1);
    if (!row)
        return -ENOMEM;
    float cx = (box->x1 + box->x2) / 2, cy = (box->y1 + box->y2) / 2;
    float rx = fmaxf((box->x2 - box->x1) / 2, 0.5f), ry = fmaxf((box->y2 - box->y1) / 2, 0.5f);
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, y1, x2 - x1, y2 - y1);
    for (int y = y1; r == 0 && y < y2; y++) {
        float dy = (y + 0.5f - cy) / ry;
        float half = rx * sqrtf(fmaxf(1 - dy * dy, 0));
        for (int x = x1; x < x2; x++)
            row[x - x1] = fabsf(x + 0.5f - cx) <= half;
        r = mask_writer_row(&w, row);
    }
    free(row);
    if (r < 0) {
        mask_writer_abort(&w);
        return r;
    }
    return mask_writer_end(&w, ret_mask);
}

int mask_rectangle(const struct box *box, struct mask **ret_mask)
{
    int x1 = (int)floorf(box->x1), x2 = (int)ceilf(box->x2);
    int y1 = (int)floorf(box->y1), y2 = (int)ceilf(box->y2);
    struct mask_writer w;
    int r = mask_writer_begin(&w, x1, y1, x2 - x1, y2 - y1);
    if (r < 0)
        return r;
    w.mask->runs = malloc(2 * sizeof *w.mask->runs);
    if (!w.mask->runs) {
        mask_writer_abort(&w);
        return -ENOMEM;
    }
    w.cap = 2;
    w.mask->runs[w.mask->run_count++] = 0;
    w.value = true;
    w.run = (uint32_t)w.mask->width * w.mask->height;
    return mask_writer_end(&w, ret_mask);
}
