/* Pictures whose transparency is the picture: ink of one colour, drawn by alpha alone (scans and drawings "colour to
 * alpha"). What a network looks at is the colours, where nothing is to be seen of them. */
#ifndef OBSCURA_MEDIA_FLATTEN_H
#define OBSCURA_MEDIA_FLATTEN_H

#include "media/frame.h"

/* Whether of the pixels that can be seen at least an eighth are neither opaque nor clear. Cut-outs with soft edges have
 * far fewer. False for frames without alpha and for planar ones. */
bool frame_alpha_is_picture(const struct frame *f);

/* Puts an interleaved frame on white; its alpha stays, and is opaque. -ENOMEM */
int frame_flatten(struct frame **f);

#endif
