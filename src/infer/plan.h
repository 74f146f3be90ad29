/* Where the values of one run lie: buffers that are not needed at the same time share memory. */
#ifndef OBSCURA_INFER_PLAN_H
#define OBSCURA_INFER_PLAN_H

#include <stddef.h>

enum { PLAN_ALIGN = 64 };

struct plan_item {
    size_t size;          /* bytes */
    int first, last;      /* steps at which it is written first and read last; first > last: never used */
    int parent;           /* item whose memory this one lies in, -1: its own */
    size_t parent_offset; /* there; a multiple of PLAN_ALIGN is the caller's concern */
    size_t offset;        /* result */
};

/* Fills offsets, multiples of PLAN_ALIGN. Parents live as long as their children; a parent must come to lie no deeper
 * than `count` and without cycles. Places large items first, each at the lowest free offset (greedy by size). -EINVAL,
 * -ENOMEM. */
int plan_layout(struct plan_item *items, int count, size_t *ret_total);

#endif
