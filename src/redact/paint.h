/* Painting over the pixels of a region: with what is left of an object (cells.h), or with a colour. One way for every
 * kind of frame: each plane is painted at its own resolution through an alpha derived from the region's.
 *
 * A chroma sample stands for several pixels. It takes the largest alpha among them, so that no colour survives next to
 * a redacted pixel, but stays as it is where any of them lies in an ignored area, because no pixel in there may change.
 * Alpha channels and alpha planes are never painted: an object cut out by transparency keeps its outline. */
#ifndef OBSCURA_REDACT_PAINT_H
#define OBSCURA_REDACT_PAINT_H

#include "base/request.h"
#include "media/frame.h"
#include "redact/cells.h"
#include "redact/region.h"

/* What to paint: cells where `cells` is set, else the colour. */
struct paint {
    const struct cells *cells;           /* borrowed; of the same rectangle as the region */
    bool smooth;                         /* a smooth surface over the cells instead of squares */
    uint16_t color[FRAME_MAX_PLANES][4]; /* samples (not scaled) for each plane and channel */
};

/* A paint of one colour, 0..255 each, as the samples that `f` has for it. */
struct paint paint_color(const struct frame *f, int red, int green, int blue);

/* Paints the writable frame `f`. -ENOMEM. */
int paint_region(
    struct frame *f, const struct region *region, const struct paint *paint, const struct request_options *request);

#endif
