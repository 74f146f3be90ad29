/* Private to media/: codes single 8 x 8 blocks of a frame as JPEG does. */
#ifndef OBSCURA_MEDIA_JPEG_DCT_H
#define OBSCURA_MEDIA_JPEG_DCT_H

#include <stdint.h>

#include "media/frame.h"

/* What a block of one component is made of. */
struct jpeg_block_source {
    const struct frame *frame; /* 8 bits, grey or RGB without alpha */
    int component;             /* 0..2: Y, Cb, Cr, or R, G, B where `rgb` */
    bool rgb;
    int scale_x, scale_y;       /* pixels that make one sample */
    const uint16_t *quantizers; /* 64, in natural order */
};

/* Writes the 64 quantized coefficients, in natural order, of the block in column bx and row by of the component.
 * Samples beyond the picture's edge repeat its last ones. */
void jpeg_code_block(const struct jpeg_block_source *s, int bx, int by, int16_t *coefficients);

#endif
