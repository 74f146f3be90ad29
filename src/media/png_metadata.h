/* Private to media/: metadata in PNG chunks. What is kept is said in metadata.h. */
#ifndef OBSCURA_MEDIA_PNG_METADATA_H
#define OBSCURA_MEDIA_PNG_METADATA_H

#include <spng.h>

#include "media/image.h"

/* When the whole file (data, len) has been read: sets image->orientation and the cleaned image->metadata. -ENOMEM */
int metadata_from_png(spng_ctx *ctx, const uint8_t *data, size_t len, struct image *image);

/* Appends the chunks, all of which stand before the picture. -EFBIG, -ENOMEM */
int metadata_to_png(struct buffer *out, const struct image_metadata *metadata);

#endif
