/* Private to redact/: the alpha of a segmentation mask, grown and softened. */
#ifndef OBSCURA_REDACT_REGION_MASK_H
#define OBSCURA_REDACT_REGION_MASK_H

#include "redact/region.h"

/* The bounds of the mask's set pixels within the picture, and their number; 0 (bounds not set) where there is none.
 * Runs that do not fit the mask's rectangle are cut, so that a damaged mask does no harm. */
int64_t region_mask_bounds(const struct mask *m, const struct rect *picture, struct rect *ret_bounds);

/* Fills `alpha` (zeroed; outline->rect) from outline->mask. -ENOMEM. */
int region_mask_fill(const struct region_outline *outline, uint8_t *alpha);

#endif
