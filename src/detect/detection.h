/* What a detector gives and everything behind it passes on: boxes, scores, masks. */
#ifndef OBSCURA_DETECT_DETECTION_H
#define OBSCURA_DETECT_DETECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/object.h"

/* Pixels of the whole upright picture; x2, y2 exclusive; x1 < x2, y1 < y2 after clipping to the picture. */
struct box {
    float x1, y1, x2, y2;
};

/* A segmentation mask, run-length coded: within the rectangle (x, y, width, height) of the picture, rows from the top,
 * alternating runs of 0 and 1 beginning with 0 (the first run may be 0 long); runs continue over row ends; they add up
 * to width * height. */
struct mask {
    int x, y, width, height;
    uint32_t *runs; /* owned */
    size_t run_count;
};

void mask_destroy(struct mask *m); /* NULL-safe */

/* From one byte a pixel (0 or not) of a width x height rectangle at (x, y); `stride` bytes a row. -ENOMEM */
int mask_encode(const uint8_t *bits, ptrdiff_t stride, int x, int y, int width, int height, struct mask **ret_mask);

/* Writes 0 and `value` into out, a buffer of m->height rows of m->width bytes. */
void mask_decode(const struct mask *m, uint8_t value, uint8_t *out, ptrdiff_t stride);

struct detection {
    enum object_type type;
    float score; /* 0..1 */
    struct box box;
    struct mask
        *mask; /* owned; NULL: the type's own shape (ellipse of the box for faces, the box for license plates) */
    int offset_x, offset_y; /* top-left corner of the patch in which the mask was computed; never right of or below the
                               box's own */
    int64_t track_id;       /* -1 where there is none */
    bool anonymised;        /* false inside an `ignores` area */
};

struct detections {
    struct detection *items; /* owned */
    size_t len, cap;
};

void detections_finish(struct detections *d); /* frees the items and their masks; leaves an empty list */
int detections_append(struct detections *d, const struct detection *item); /* takes the mask; -ENOMEM */

float box_area(const struct box *b);
float box_longest(const struct box *b);                           /* its longer side */
float box_intersection(const struct box *a, const struct box *b); /* area of */
float box_iou(const struct box *a, const struct box *b);
struct box box_union(const struct box *a, const struct box *b); /* the smallest box around both */

#endif
