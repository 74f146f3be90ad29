/* Private to media/: what each format's reader and writer give image.c.
 *
 * Readers fill a zeroed image: frame (not yet upright), orientation, metadata already cleaned but for what depends on
 * the final size, which image.c mends. On failure what they left in the image is the caller's to destroy. */
#ifndef OBSCURA_MEDIA_CODEC_H
#define OBSCURA_MEDIA_CODEC_H

#include "media/image.h"

/* Refuses sizes before memory is taken for them: -EINVAL where a side is under IMAGE_MIN_SIDE, -EFBIG over a limit. */
int image_check_size(
    int64_t width, int64_t height, int sample_bytes, const struct image_limits *limits, struct error *err);

int jpeg_read(
    const uint8_t *data, size_t len, const struct image_limits *limits, struct image *image, struct error *err);
int jpeg_write(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err);

/* jpeg_write with keep_source. -EOPNOTSUPP where the image is not one of which blocks can be kept, or the source has
 * something that cannot be copied: then `out` is as before. */
int jpeg_write_kept(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err);

int png_read(
    const uint8_t *data, size_t len, const struct image_limits *limits, struct image *image, struct error *err);
/* `metadata` may be NULL: none is written. */
int png_write(const struct frame *f, const struct image_metadata *metadata, int compress_level, struct buffer *out,
    struct error *err);

/* Turns a frame (interleaved or planar) so that it is as shown: `orientation` 1..8 as EXIF counts. Replaces *f.
 * -ENOMEM, -EOPNOTSUPP (YUV of two planes) */
int orient_frame(struct frame **f, int orientation);

#endif
