/* Detections of a panorama back into the picture: what lies across its seam is cut in two. See merge.h. */
#include "detect/merge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "detect/mask.h"

#define SLIVER 0.5f /* px: less than that of an object beyond the seam is rounding */

static void move_left(struct detection *d, int dx)
{
    d->box.x1 -= dx;
    d->box.x2 -= dx;
    d->offset_x -= dx;
    if (d->mask)
        d->mask->x -= dx;
}

/* The part of `whole` in the columns from..to (of the unrolled picture), with a mask of its own. */
static int slice(const struct detection *whole, int from, int to, struct detection *ret)
{
    struct detection d = *whole;
    d.mask = NULL;
    int r = 0;
    if (whole->mask)
        r = mask_crop_columns(whole->mask, from, to, &d.mask);
    else if (whole->type == OBJECT_FACE)
        r = mask_ellipse(&whole->box, from, to, &d.mask);
    d.box.x1 = fmaxf(d.box.x1, from);
    d.box.x2 = fminf(d.box.x2, to);
    if (r == -EINVAL || (d.mask && mask_count(d.mask) == 0)) { /* nothing of the mask on this side: its box counts */
        mask_destroy(d.mask);
        r = mask_rectangle(&d.box, &d.mask);
    }
    if (r < 0)
        return r;
    d.offset_x = d.mask ? d.mask->x : (int)floorf(d.box.x1);
    *ret = d;
    return 0;
}

/* Appends one detection, or the two sides of one that lies across the seam. */
static int append_turned(struct parts *p, size_t i, int turn, struct detections *out)
{
    struct detection *d = &p->items[i].d;
    if (box_area(&p->items[i].taken) > 0)
        d->box = box_union(&d->box, &p->items[i].taken);
    while (turn && d->box.x1 < 0)
        move_left(d, -turn);
    while (turn && d->box.x1 >= turn) /* after the other: rounding may put a box a hair left of 0 right on the edge */
        move_left(d, turn);
    if (!turn || d->box.x2 <= turn) {
        int r = detections_append(out, d);
        if (r == 0)
            d->mask = NULL; /* it is the list's now */
        return r;
    }
    if (d->box.x2 - d->box.x1 > turn) /* all the way round: nothing sees more than that */
        d->box.x2 = d->box.x1 + turn;
    for (int side = 0; side < 2; side++) {
        if (fminf(d->box.x2, (side + 1) * turn) - fmaxf(d->box.x1, side * turn) < SLIVER)
            continue;
        struct detection part;
        int r = slice(d, side * turn, (side + 1) * turn, &part);
        if (r < 0)
            return r;
        move_left(&part, side * turn);
        r = detections_append(out, &part);
        if (r < 0) {
            mask_destroy(part.mask);
            return r;
        }
    }
    return 0;
}

static int compare(const void *pa, const void *pb)
{
    const struct detection *a = pa, *b = pb;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->box.x1 != b->box.x1)
        return a->box.x1 < b->box.x1 ? -1 : 1;
    return a->box.y1 < b->box.y1 ? -1 : a->box.y1 > b->box.y1;
}

int parts_move(struct parts *p, int turn, struct detections *out)
{
    size_t before = out->len;
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->len; i++)
        r = append_turned(p, i, turn, out);
    parts_finish(p);
    if (r == 0) {
        if (out->len > before) /* an empty list has no items to point at */
            qsort(out->items + before, out->len - before, sizeof *out->items, compare);
        return 0;
    }
    while (out->len > before)
        mask_destroy(out->items[--out->len].mask);
    return r;
}
