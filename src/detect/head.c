/* See head.h. Sigmoid rises with its argument, so cells are compared by their logits, and only what survives pays for
 * an exponential. */
#include "detect/head.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void candidates_finish(struct candidates *c)
{
    if (!c)
        return;
    free(c->items);
    free(c->coefs);
    *c = (struct candidates){0};
}

void candidates_clear(struct candidates *c)
{
    c->len = 0;
    c->coef_len = 0;
}

static int reserve(struct candidates *c)
{
    if (c->len == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        struct candidate *items = reallocarray(c->items, cap, sizeof *items);
        if (!items)
            return -ENOMEM;
        c->items = items;
        c->cap = cap;
    }
    if (c->coef_count && c->coef_len + c->coef_count > c->coef_cap) {
        size_t cap = c->coef_cap ? c->coef_cap * 2 : 256 * (size_t)c->coef_count;
        float *coefs = reallocarray(c->coefs, cap, sizeof *coefs);
        if (!coefs)
            return -ENOMEM;
        c->coefs = coefs;
        c->coef_cap = cap;
    }
    return 0;
}

/* The score at which a cell counts, as a logit; NaN never counts because no comparison with it holds. */
static float logit(float p)
{
    if (p <= 0)
        return -INFINITY;
    return p >= 1 ? INFINITY : logf(p / (1 - p));
}

/* The cell's box in px of the input, clipped; false where nothing of it is left or it has not the size that is wanted.
 */
static bool read_box(const struct head_level *l, const struct head_window *w, int y, int x, struct candidate *c)
{
    float cx = (x + 0.5f) * l->stride, cy = (y + 0.5f) * l->stride;
    struct box b = {cx - infer_at(l->box, 0, y, x) * l->stride, cy - infer_at(l->box, 1, y, x) * l->stride,
        cx + infer_at(l->box, 2, y, x) * l->stride, cy + infer_at(l->box, 3, y, x) * l->stride};
    b.x1 = fmaxf(b.x1, 0);
    b.y1 = fmaxf(b.y1, 0);
    b.x2 = fminf(b.x2, w->width);
    b.y2 = fminf(b.y2, w->height);
    if (!(b.x1 < b.x2 && b.y1 < b.y2))
        return false;
    float longest = box_longest(&b);
    c->says_only = w->longest_max > 0 && longest >= w->longest_max;
    if (longest <= w->longest_min[c->type] || (c->says_only && longest >= w->say_max))
        return false;
    float xa = w->origin_x + b.x1 * w->scale_x, xb = w->origin_x + b.x2 * w->scale_x;
    c->box =
        (struct box){fminf(xa, xb), w->origin_y + b.y1 * w->scale_y, fmaxf(xa, xb), w->origin_y + b.y2 * w->scale_y};
    return true;
}

static int append_cell(
    const struct head_level *l, const struct head_window *w, int class, int y, int x, struct candidates *out)
{
    struct candidate c = {.type = w->types[class], .class = class};
    if (!read_box(l, w, y, x, &c))
        return 0;
    int r = reserve(out);
    if (r < 0)
        return r;
    c.score = 1 / (1 + expf(-infer_at(l->cls, class, y, x)));
    c.best = (struct sighting){c.score, w->pass, out->coef_len};
    for (int k = 0; k < out->coef_count; k++)
        out->coefs[out->coef_len++] = infer_at(l->coef, k, y, x);
    out->items[out->len++] = c;
    return 0;
}

int head_decode(const struct head_level *level, const struct head_window *window, struct candidates *out)
{
    const struct infer_output *o = level->cls;
    for (int class = 0; class < o->c; class ++) {
        if (window->types[class] < 0)
            continue;
        float least = logit(window->threshold[window->types[class]]);
        for (int y = 0; y < o->h; y++) {
            const float *row = o->data + class * o->stride_c + y * o->stride_y;
            for (int x = 0; x < o->w; x++) {
                if (!(row[x * o->stride_x] >= least))
                    continue;
                int r = append_cell(level, window, class, y, x, out);
                if (r < 0)
                    return r;
            }
        }
    }
    return 0;
}
