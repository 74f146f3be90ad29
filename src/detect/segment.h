/* Instance masks from prototypes, as in YOLACT (Bolya et al. 2019): a mask is the sum of a few prototype planes
 * weighted by the box's own coefficients, where that sum is above zero (sigmoid above one half). */
#ifndef OBSCURA_DETECT_SEGMENT_H
#define OBSCURA_DETECT_SEGMENT_H

#include "detect/detection.h"
#include "infer/infer.h"

/* A pass's prototypes, copied out of the network so that they outlive its next run, and where they lie in the picture.
 */
struct prototypes {
    float *planes; /* owned; count planes of height rows of width */
    size_t cap;    /* floats there is room for */
    int count, width, height;
    float origin_x, origin_y; /* px of the picture at the planes' top left corner */
    float scale_x, scale_y;   /* px of the picture for each prototype px */
};

/* Copies the output, right to left where the input was mirrored; the place in the picture is set by the caller. -ENOMEM
 */
int prototypes_copy(struct prototypes *p, const struct infer_output *output, bool mirrored);
void prototypes_finish(struct prototypes *p);

/* What one pass says of an object's mask. */
struct mask_source {
    const struct prototypes *prototypes;
    const float *coefs; /* prototypes->count of them */
    float weight;       /* > 0 */
};

#define SEGMENT_MAX_SOURCES 2

/* The mask of one box (px of the picture): assembled inside the box alone, scaled up bilinearly to px of the picture,
 * the weighted mean over 1..SEGMENT_MAX_SOURCES sources, cut at zero. Its rectangle is the pixels that the box touches.
 * Where hardly anything comes out the whole rectangle is set: a detection is never left uncovered.
 * -EINVAL (empty box), -ENOMEM */
int segment_mask(const struct mask_source *sources, int count, const struct box *box, struct mask **ret_mask);

#endif
