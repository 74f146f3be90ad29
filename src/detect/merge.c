/* See merge.h. Pairs are looked at until nothing changes: an object over three tiles is joined in two steps. Lists are
 * short (tens to a few hundred), so all pairs are tried. */
#include "detect/merge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "detect/mask.h"

#define SAME_IOU 0.5f
#define PIECE_SHARE 0.5f   /* of a cut part inside the whole object, from which on it belongs to it */
#define INSIDE_SHARE 0.75f /* of a box inside another, from which on it adds nothing */
#define COVERED_SHARE 0.6f /* of a mask under another, the same */
#define AGREE_SHARE 0.6f   /* of the shorter extent along a border, for two parts of one object */
#define TRUST 0.6f         /* a large object swallows parts of at most its own score divided by this */
#define MAX_ROUNDS 16

/* What becomes of a pair. Absorbing leaves the box as it is while pairs are judged, and adds to the mask: boxes that
 * grew with each doubtful piece would drift. At the end each reaches around its mask (parts_move). */
enum verdict { NOTHING, DROP_SECOND, DROP_FIRST, ABSORB_SECOND, ABSORB_FIRST, UNITE };

void parts_finish(struct parts *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->len; i++)
        mask_destroy(p->items[i].d.mask);
    free(p->items);
    *p = (struct parts){0};
}

int parts_append(struct parts *p, const struct part *part)
{
    if (p->len == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 32;
        struct part *items = reallocarray(p->items, cap, sizeof *items);
        if (!items)
            return -ENOMEM;
        p->items = items;
        p->cap = cap;
    }
    p->items[p->len++] = *part;
    return 0;
}

unsigned merge_cut(const struct view *v, const struct box *b, float slack)
{
    unsigned cut = 0;
    if (b->x1 - v->x <= slack)
        cut |= SIDE_LEFT;
    if (b->y1 - v->y <= slack)
        cut |= SIDE_TOP;
    if (v->x + v->width - b->x2 <= slack)
        cut |= SIDE_RIGHT;
    if (v->y + v->height - b->y2 <= slack)
        cut |= SIDE_BOTTOM;
    return cut & v->inner;
}

/* Whether a's `side` (right or bottom) and b's facing side are two ends of one cut: both reach it, each goes on where
 * the other cannot see, and they agree along it. */
static bool faces(const struct part *a, const struct part *b, unsigned side)
{
    unsigned facing = side == SIDE_RIGHT ? SIDE_LEFT : SIDE_TOP;
    if (!(a->cut & side) || !(b->cut & facing))
        return false;
    const struct box *p = &a->d.box, *q = &b->d.box;
    bool across = side == SIDE_RIGHT;
    float a_from = across ? p->x1 : p->y1, a_to = across ? p->x2 : p->y2, b_from = across ? q->x1 : q->y1,
          b_to = across ? q->x2 : q->y2;
    float slack = fmaxf(fminf(a_to - a_from, b_to - b_from) * 0.1f, 8);
    if (b_from - a_to > slack || a_from >= b_from || b_to <= a_to)
        return false;
    float common = across ? fminf(p->y2, q->y2) - fmaxf(p->y1, q->y1) : fminf(p->x2, q->x2) - fmaxf(p->x1, q->x1);
    float shorter = across ? fminf(p->y2 - p->y1, q->y2 - q->y1) : fminf(p->x2 - p->x1, q->x2 - q->x1);
    return common >= AGREE_SHARE * shorter;
}

static bool is_inside(const struct part *small, const struct part *big, float share)
{
    if (share < INSIDE_SHARE)
        return false;
    if (!small->d.mask || !big->d.mask)
        return true;
    uint64_t common = 0;
    if (mask_count_common(big->d.mask, small->d.mask, 0, &common) < 0)
        return false;
    return common >= COVERED_SHARE * mask_count(small->d.mask);
}

/* For two parts of one type in the same coordinates. */
static enum verdict judge(const struct part *a, const struct part *b)
{
    const struct box *p = &a->d.box, *q = &b->d.box;
    bool apart = p->x1 >= q->x2 || q->x1 >= p->x2 || p->y1 >= q->y2 || q->y1 >= p->y2;
    if (apart && !(a->cut && b->cut)) /* nearly every pair */
        return NOTHING;
    float common = box_intersection(&a->d.box, &b->d.box), size_a = box_area(&a->d.box), size_b = box_area(&b->d.box);
    if (common > 0 && common >= SAME_IOU * (size_a + size_b - common)) {
        if (!a->cut != !b->cut)
            return a->cut ? ABSORB_FIRST : ABSORB_SECOND;
        if (a->cut)
            return UNITE;
        return a->d.score >= b->d.score ? DROP_SECOND : DROP_FIRST;
    }
    bool second = size_b <= size_a; /* the smaller one */
    const struct part *small = second ? b : a, *big = second ? a : b;
    float share = common / fmaxf(second ? size_b : size_a, 1e-6f);
    bool piece = small->cut && share >= PIECE_SHARE;
    if (piece && big->cut)
        return UNITE;
    bool fragment =
        box_longest(&big->d.box) > small->reach && big->reach > small->reach && big->d.score >= TRUST * small->d.score;
    if (piece || (fragment && is_inside(small, big, share)))
        return second ? ABSORB_SECOND : ABSORB_FIRST;
    if (faces(a, b, SIDE_RIGHT) || faces(b, a, SIDE_RIGHT) || faces(a, b, SIDE_BOTTOM) || faces(b, a, SIDE_BOTTOM))
        return UNITE;
    return NOTHING;
}

static void shift(struct part *p, int dx)
{
    p->d.box.x1 += dx;
    p->d.box.x2 += dx;
    p->view.x1 += dx;
    p->view.x2 += dx;
    p->taken.x1 += dx;
    p->taken.x2 += dx;
    p->d.offset_x += dx;
    if (p->d.mask)
        p->d.mask->x += dx;
}

/* The sides at which the joined box still ends at a border: those of the parts that make up that end of it. */
static unsigned outer_cut(const struct part *a, const struct part *b)
{
    unsigned cut = 0;
    cut |= (a->d.box.x1 <= b->d.box.x1 ? a->cut : b->cut) & SIDE_LEFT;
    cut |= (a->d.box.y1 <= b->d.box.y1 ? a->cut : b->cut) & SIDE_TOP;
    cut |= (a->d.box.x2 >= b->d.box.x2 ? a->cut : b->cut) & SIDE_RIGHT;
    cut |= (a->d.box.y2 >= b->d.box.y2 ? a->cut : b->cut) & SIDE_BOTTOM;
    return cut;
}

static void take(struct part *a, const struct box *b)
{
    if (box_area(b) > 0)
        a->taken = box_area(&a->taken) > 0 ? box_union(&a->taken, b) : *b;
}

/* Adds what b covers to a. */
static int join_masks(struct part *a, const struct part *b)
{
    a->d.offset_x = a->d.offset_x < b->d.offset_x ? a->d.offset_x : b->d.offset_x;
    a->d.offset_y = a->d.offset_y < b->d.offset_y ? a->d.offset_y : b->d.offset_y;
    take(a, &b->d.box); /* without masks, too: boxes are covered whole */
    take(a, &b->taken);
    if (!a->d.mask || !b->d.mask)
        return 0;
    struct mask *both;
    int r = mask_union(a->d.mask, b->d.mask, &both);
    if (r < 0)
        return r;
    mask_destroy(a->d.mask);
    a->d.mask = both;
    return 0;
}

/* Makes `a` the union of both. */
static int unite(struct part *a, const struct part *b)
{
    int r = join_masks(a, b);
    if (r < 0)
        return r;
    a->cut = outer_cut(a, b);
    a->d.box = box_union(&a->d.box, &b->d.box);
    a->view = box_union(&a->view, &b->view);
    a->reach = fmaxf(a->reach, b->reach);
    return 0;
}

/* Tries the pair as it stands; 1: one of them is gone (it is made the last of the list and cut off). */
static int try_pair(struct parts *p, size_t i, size_t k)
{
    struct part *a = &p->items[i], *b = &p->items[k];
    enum verdict v = judge(a, b);
    if (v == NOTHING)
        return 0;
    float score = fmaxf(a->d.score, b->d.score);
    if (v == DROP_FIRST || v == ABSORB_FIRST) {
        struct part t = *a;
        *a = *b;
        *b = t;
    }
    int r = v == UNITE ? unite(a, b) : v == ABSORB_FIRST || v == ABSORB_SECOND ? join_masks(a, b) : 0;
    if (r < 0)
        return r;
    a->d.score = score;
    mask_destroy(b->d.mask);
    *b = p->items[--p->len];
    return 1;
}

/* In a panorama each pair meets in the turn in which it lies closest. */
static int meet(struct parts *p, size_t i, size_t k, int turn)
{
    struct part *b = &p->items[k];
    int r = try_pair(p, i, k);
    if (r != 0 || !turn)
        return r;
    int dx = b->d.box.x1 < p->items[i].d.box.x1 ? turn : -turn;
    shift(b, dx);
    r = try_pair(p, i, k);
    if (r == 0)
        shift(b, -dx);
    return r;
}

int parts_merge(struct parts *p, int turn)
{
    bool changed = true;
    for (int round = 0; changed && round < MAX_ROUNDS; round++) {
        changed = false;
        for (size_t i = 0; i < p->len; i++)
            for (size_t k = i + 1; k < p->len;) {
                int r = p->items[i].d.type == p->items[k].d.type ? meet(p, i, k, turn) : 0;
                if (r < 0)
                    return r;
                changed |= r > 0;
                k += r == 0;
            }
    }
    return 0;
}
