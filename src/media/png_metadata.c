/* See png_metadata.h. */
#include "media/png_metadata.h"

#include "media/metadata.h"

int metadata_from_png(spng_ctx *ctx, struct image *image)
{
    struct spng_exif exif;
    if (spng_get_exif(ctx, &exif) == 0)
        image->orientation = exif_orientation((const uint8_t *)exif.data, exif.length);
    return 0;
}

int metadata_to_png(spng_ctx *ctx, const struct image_metadata *metadata)
{
    return 0;
}
