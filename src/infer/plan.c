/* See plan.h. */
#include "infer/plan.h"

#include <errno.h>
#include <stdlib.h>

static int root_of(const struct plan_item *items, int count, int i)
{
    for (int steps = 0; items[i].parent >= 0; steps++) {
        if (steps > count)
            return -EINVAL;
        i = items[i].parent;
    }
    return i;
}

static int by_size(const void *a, const void *b)
{
    const struct plan_item *p = *(struct plan_item *const *)a, *q = *(struct plan_item *const *)b;
    if (p->size != q->size)
        return p->size < q->size ? 1 : -1;
    return p < q ? -1 : p > q; /* a stable order, so that every run has the same plan */
}

/* The lowest offset at which `item` meets none of the placed ones, which are in the order of their offsets, while it
 * lives. */
static size_t find_room(struct plan_item *const *placed, int n, const struct plan_item *item)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const struct plan_item *p = placed[i];
        if (p->first > item->last || item->first > p->last)
            continue;
        if (p->offset >= at + item->size)
            break;
        if (p->offset + p->size > at)
            at = (p->offset + p->size + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
    }
    return at;
}

/* Gives the item its offset and puts it among the placed ones. */
static void place(struct plan_item **placed, int n, struct plan_item *item)
{
    int i = n;
    item->offset = find_room(placed, n, item);
    for (; i > 0 && placed[i - 1]->offset > item->offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = item;
}

int plan_layout(struct plan_item *items, int count, size_t *ret_total)
{
    struct plan_item **order = malloc(((size_t)count + 1) * sizeof *order);
    struct plan_item **placed = malloc(((size_t)count + 1) * sizeof *placed);
    int n = 0, r = order && placed ? 0 : -ENOMEM;
    size_t total = 0;
    if (r < 0)
        goto out;
    for (int i = 0; i < count; i++) { /* a family lives from its first member's birth to its last one's end */
        int root = root_of(items, count, i);
        if (root < 0) {
            r = root;
            goto out;
        }
        if (root == i || items[i].first > items[i].last)
            continue;
        items[root].first = items[i].first < items[root].first ? items[i].first : items[root].first;
        items[root].last = items[i].last > items[root].last ? items[i].last : items[root].last;
    }
    for (int i = 0; i < count; i++)
        if (items[i].parent < 0 && items[i].first <= items[i].last && items[i].size)
            order[n++] = &items[i];
    qsort(order, (size_t)n, sizeof *order, by_size);
    for (int i = 0; i < n; i++) {
        place(placed, i, order[i]);
        if (order[i]->offset + order[i]->size > total)
            total = order[i]->offset + order[i]->size;
    }
    for (int i = 0; i < count; i++) {
        size_t offset = 0;
        int at = i;
        for (; items[at].parent >= 0; at = items[at].parent)
            offset += items[at].parent_offset;
        if (at != i)
            items[i].offset = items[at].offset + offset;
    }
    *ret_total = total;
out:
    free(order);
    free(placed);
    return r;
}
