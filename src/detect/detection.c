/* See detection.h. */
#include "detect/detection.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "detect/mask.h"

void detections_finish(struct detections *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->len; i++)
        mask_destroy(d->items[i].mask);
    free(d->items);
    *d = (struct detections){0};
}

int detections_append(struct detections *d, const struct detection *item)
{
    if (d->len == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 16;
        struct detection *items = reallocarray(d->items, cap, sizeof *items);
        if (!items)
            return -ENOMEM;
        d->items = items;
        d->cap = cap;
    }
    d->items[d->len++] = *item;
    return 0;
}

float box_area(const struct box *b)
{
    return fmaxf(b->x2 - b->x1, 0) * fmaxf(b->y2 - b->y1, 0);
}

float box_longest(const struct box *b)
{
    return fmaxf(b->x2 - b->x1, b->y2 - b->y1);
}

float box_intersection(const struct box *a, const struct box *b)
{
    float w = fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1);
    float h = fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1);
    return w > 0 && h > 0 ? w * h : 0;
}

float box_iou(const struct box *a, const struct box *b)
{
    float both = box_intersection(a, b);
    float either = box_area(a) + box_area(b) - both;
    return either > 0 ? both / either : 0;
}

struct box box_union(const struct box *a, const struct box *b)
{
    return (struct box){fminf(a->x1, b->x1), fminf(a->y1, b->y1), fmaxf(a->x2, b->x2), fmaxf(a->y2, b->y2)};
}
