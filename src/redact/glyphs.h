/* Private to redact/: an own stroke alphabet, enough for labels: the letters of the types' names, digits, and . - # %
 * and space.
 *
 * Glyphs are polylines on a grid of units: x from 0 to at most 4, y from 1 (tops of tall letters) over 3 (of short
 * ones) and 7 (base line) to 9. */
#ifndef OBSCURA_REDACT_GLYPHS_H
#define OBSCURA_REDACT_GLYPHS_H

#include "redact/region.h"

#define GLYPH_TOP 1    /* units from the grid's origin to the top of tall letters */
#define GLYPH_BOTTOM 9 /* and to the lowest descender */

/* Width of the text in units; characters without a glyph count as spaces. */
int glyphs_width(const char *text);

/* Adds the text's strokes to the region's alpha, anti-aliased, the larger value winning. (x, y) is the place of the
 * grid's origin, px of the picture; `unit` and the strokes' half width `radius` are in px. What falls outside the
 * region is cut. */
void glyphs_draw(struct region *region, const char *text, double x, double y, double unit, double radius);

#endif
