/* Where one object is redacted: its shape in the picture, and from that an 8-bit alpha for every pixel near it (255:
 * fully redacted).
 *
 * Shapes. The box for license plates and for request->bbox; for faces the ellipse inscribed in the box; the
 * segmentation mask where there is one. Boxes are rounded outwards to whole pixels, so that a pixel which the box only
 * touches counts as inside. A box that lies on the picture's border was cut there: the ellipse is left open on that
 * side, or the parts of a cut-off face that lie in the corners would stay visible.
 *
 * Masks are grown before use, because they are coarse (a network's prototypes have a quarter of its input's resolution)
 * and a rim of hair or fingers gives more away than a rim of wall hides: by 1/40 of the object's longer side or 1/400
 * of the picture's, whichever is more, at least 2 px. A mask that is empty, or covers less than 1/16 of its box, is a
 * failed segmentation: the type's own shape is used instead.
 *
 * Feather. Full inside the shape shrunk by gradient_stop, nothing outside the box enlarged by gradient_start, linear
 * between (shares of the box's half sides). So the ellipse's feather reaches into the corners of the box: a tilted jaw
 * lies there. Masks take no gradients: full inside the grown mask, then falling over as many pixels again. What the
 * feather lets through counts as visible; it lies outside the shape, unless the caller asked for a positive stop. */
#ifndef OBSCURA_REDACT_REGION_H
#define OBSCURA_REDACT_REGION_H

#include <stdint.h>

#include "base/request.h"
#include "detect/detection.h"

/* Pixels of the picture; x1, y1 exclusive. */
struct rect {
    int x0, y0, x1, y1;
};

static inline int rect_width(const struct rect *r)
{
    return r->x1 - r->x0;
}

static inline int rect_height(const struct rect *r)
{
    return r->y1 - r->y0;
}

enum region_shape { REGION_BOX, REGION_ELLIPSE, REGION_MASK };

/* A shape's geometry, made by region_place. */
struct region_outline {
    enum region_shape shape;
    struct rect body;    /* the object's box, rounded outwards and cut to the picture: what strength is measured by */
    struct rect rect;    /* where alpha may be above 0; inside the picture, never empty */
    struct rect picture; /* the whole picture */
    double start, stop;  /* BOX, ELLIPSE: gradients, >= 0 and 0..1 */
    int grow, half_soft; /* MASK: full for `grow` px around it, then falling over 2 * half_soft px */
    const struct mask *mask; /* borrowed from the detection */
};

/* An outline's alpha. */
struct region {
    struct rect rect;
    uint8_t *alpha; /* owned; rect_height rows of rect_width bytes */
};

/* Returns 0; 1 where the object lies wholly outside the picture (*ret is not set); -ERANGE where its box is not a
 * number and no mask tells its place. */
int region_place(const struct detection *d, const struct request_options *request, int width, int height,
    struct region_outline *ret);

/* Alpha of the outline, 0 inside every ignored area. -ENOMEM. */
int region_fill(const struct region_outline *outline, const struct request_options *request, struct region *ret);

/* A region with the same alpha everywhere in `rect`, for drawing. -ENOMEM. */
int region_fill_rect(const struct rect *rect, uint8_t alpha, struct region *ret);

/* Sets alpha to 0 inside every ignored area. */
void region_clear_ignored(struct region *r, const struct request_options *request);

void region_finish(struct region *r); /* frees the alpha; NULL-safe */

/* The rectangle of an ignored area within `bounds`; x1 <= x0 or y1 <= y0 where they do not meet. */
struct rect region_ignored(const struct ignore_rect *area, const struct rect *bounds);

#endif
