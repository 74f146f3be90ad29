/* Private to media/: PNG's row filters, which turn samples into differences that pack better. */
#ifndef OBSCURA_MEDIA_PNG_FILTER_H
#define OBSCURA_MEDIA_PNG_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define PNG_FILTERS 5
#define PNG_FILTER_MARGIN 8 /* zeros that stand before a row: the widest pixel, 16-bit RGBA */

/* Writes the filter's number and the filtered row, 1 + len bytes, into `out`: of the five filters the one whose
 * differences are smallest in sum, which is what the PNG specification recommends. `row` and `above` (zeros for the
 * first row) stand behind PNG_FILTER_MARGIN zeros; `pixel` is the bytes of a pixel; `scratch` holds 4 * len bytes. */
void png_filter_row(const uint8_t *row, const uint8_t *above, size_t len, size_t pixel, uint8_t *scratch, uint8_t *out);

#endif
