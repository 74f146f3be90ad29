/* See mask.h. */
#include "detect/mask.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void mask_destroy(struct mask *m)
{
    if (!m)
        return;
    free(m->runs);
    free(m);
}

int mask_writer_begin(struct mask_writer *w, int x, int y, int width, int height)
{
    *w = (struct mask_writer){0};
    if (width < 1 || height < 1 || (uint64_t)width * height > UINT32_MAX)
        return -EINVAL;
    w->mask = calloc(1, sizeof *w->mask);
    if (!w->mask)
        return -ENOMEM;
    w->mask->x = x;
    w->mask->y = y;
    w->mask->width = width;
    w->mask->height = height;
    return 0;
}

void mask_writer_abort(struct mask_writer *w)
{
    mask_destroy(w->mask);
    *w = (struct mask_writer){0};
}

static int close_run(struct mask_writer *w)
{
    struct mask *m = w->mask;
    if (m->run_count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        uint32_t *runs = reallocarray(m->runs, cap, sizeof *runs);
        if (!runs)
            return -ENOMEM;
        m->runs = runs;
        w->cap = cap;
    }
    m->runs[m->run_count++] = w->run;
    w->run = 0;
    w->value = !w->value;
    return 0;
}

/* Length of the stretch of bytes from `from` on that are all zero, or all not. Eight at a time where they are the usual
 * 0 and 1 or 0 and 255. */
static int stretch(const uint8_t *bits, int from, int width, bool value)
{
    int x = from;
    uint64_t want = value ? 0x0101010101010101u * bits[from] : 0, word;
    for (; x + 8 <= width; x += 8) {
        memcpy(&word, bits + x, 8);
        if (word != want)
            break;
    }
    while (x < width && (bits[x] != 0) == value)
        x++;
    return x - from;
}

int mask_writer_row(struct mask_writer *w, const uint8_t *bits)
{
    int width = w->mask->width;
    for (int x = 0; x < width;) {
        bool value = bits[x] != 0;
        if (value != w->value) {
            int r = close_run(w);
            if (r < 0)
                return r;
        }
        int n = stretch(bits, x, width, value);
        w->run += n;
        x += n;
    }
    return 0;
}

int mask_writer_end(struct mask_writer *w, struct mask **ret_mask)
{
    int r = close_run(w);
    if (r < 0) {
        mask_writer_abort(w);
        return r;
    }
    uint32_t *fit = reallocarray(w->mask->runs, w->mask->run_count, sizeof *fit);
    if (fit)
        w->mask->runs = fit;
    *ret_mask = w->mask;
    w->mask = NULL;
    return 0;
}

int mask_encode(const uint8_t *bits, ptrdiff_t stride, int x, int y, int width, int height, struct mask **ret_mask)
{
    struct mask_writer w;
    int r = mask_writer_begin(&w, x, y, width, height);
    if (r < 0)
        return r;
    for (int i = 0; i < height; i++) {
        r = mask_writer_row(&w, bits + i * stride);
        if (r < 0) {
            mask_writer_abort(&w);
            return r;
        }
    }
    return mask_writer_end(&w, ret_mask);
}

void mask_reader_begin(struct mask_reader *r, const struct mask *m)
{
    *r = (struct mask_reader){.mask = m, .value = true};
}

void mask_reader_row(struct mask_reader *r, uint8_t value, uint8_t *out)
{
    uint32_t width = r->mask->width;
    for (uint32_t x = 0; x < width;) {
        while (r->left == 0) {
            if (r->next == r->mask->run_count)
                return;
            r->left = r->mask->runs[r->next++];
            r->value = !r->value;
        }
        uint32_t n = r->left < width - x ? r->left : width - x;
        if (r->value)
            memset(out + x, value, n);
        r->left -= n;
        x += n;
    }
}

void mask_decode(const struct mask *m, uint8_t value, uint8_t *out, ptrdiff_t stride)
{
    struct mask_reader r;
    mask_reader_begin(&r, m);
    for (int y = 0; y < m->height; y++) {
        memset(out + y * stride, 0, m->width);
        mask_reader_row(&r, value, out + y * stride);
    }
}

uint64_t mask_count(const struct mask *m)
{
    uint64_t sum = 0;
    for (size_t i = 1; i < m->run_count; i += 2)
        sum += m->runs[i];
    return sum;
}
