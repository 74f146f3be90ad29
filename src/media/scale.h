/* From any frame to small 8-bit RGB, which is what networks look at. */
#ifndef OBSCURA_MEDIA_SCALE_H
#define OBSCURA_MEDIA_SCALE_H

#include "media/frame.h"

/* Converts and scales the part (x, y, width, height) of `f` to RGB24 of out_width x out_height at `out` (`stride` bytes
 * a row). Shrinking averages areas (box filter), enlarging is bilinear. 16-bit samples are cut to 8, grey is repeated,
 * alpha is ignored. The rectangle must lie inside the frame. -EINVAL, -ENOMEM. */
int scale_to_rgb(const struct frame *f, int x, int y, int width, int height, uint8_t *out, ptrdiff_t stride,
    int out_width, int out_height);

/* The whole frame's luma alone, as it is coded, scaled to 8 bits. -EINVAL (not YUV), -ENOMEM. */
int scale_luma(const struct frame *f, uint8_t *out, ptrdiff_t stride, int out_width, int out_height);

#endif
