/* One list from the detections of several views and passes: what several of them saw comes out once, what a tile's
 * border cut comes out whole, and parts of large objects that a fine pass took for objects vanish. */
#ifndef OBSCURA_DETECT_MERGE_H
#define OBSCURA_DETECT_MERGE_H

#include "detect/detection.h"
#include "detect/plan.h"

struct part {
    struct detection d; /* px of the picture; in a panorama x may pass its right edge, never by a whole turn */
    struct box view;    /* that saw it */
    unsigned cut;       /* SIDE_ bits: inner sides of the view that the box reaches */
    float reach;        /* px: longest side of an object that its pass can be trusted to see as one */
    struct box taken;   /* around what parts_merge took into its mask; all 0 where nothing */
};

struct parts {
    struct part *items; /* owned, with the masks */
    size_t len, cap;
};

void parts_finish(struct parts *p);
int parts_append(struct parts *p, const struct part *part); /* takes the mask; -ENOMEM */

/* The inner sides of a view that a box reaches. `slack` px: how near is reaching. */
unsigned merge_cut(const struct view *view, const struct box *box, float slack);

/* Merges within each type; `turn` is the width of a panorama whose edges meet, 0 for other pictures. Of two detections
 * - that cover the same (IoU >= 0.5), the better one stays, and one that no border cut takes in the other's mask;
 * - where one is the cut part of the other, its mask goes into that;
 * - where one lies inside the other, box and mask, and came from a pass that cannot see objects of the other's size,
 * the same;
 * - that a border cuts on facing sides and whose extents agree, one is made around both boxes, with the union of the
 * masks. Scores: the best of those merged. -ENOMEM (then the list is as good as before, only less merged) */
int parts_merge(struct parts *p, int turn);

/* Moves what is left into a list of a picture of that width, best score first within each type; boxes now reach around
 * what their masks took in. In a panorama an object
 * across the seam becomes two detections, one at each edge, each with its part of the mask (faces get their part of the
 * ellipse), so that boxes stay inside the picture and both sides are covered. Empties `p`. -ENOMEM: nothing was
 * appended. */
int parts_move(struct parts *p, int turn, struct detections *out);

#endif
