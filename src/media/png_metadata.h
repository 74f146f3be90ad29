/* Private to media/: metadata in PNG chunks. What is kept is said in metadata.h. */
#ifndef OBSCURA_MEDIA_PNG_METADATA_H
#define OBSCURA_MEDIA_PNG_METADATA_H

#include <spng.h>

#include "media/image.h"

/* When the whole file has been read: sets image->orientation and the cleaned image->metadata. -ENOMEM */
int metadata_from_png(spng_ctx *ctx, struct image *image);

/* Before the picture is written. Returns 0 or libspng's error. */
int metadata_to_png(spng_ctx *ctx, const struct image_metadata *metadata);

#endif
