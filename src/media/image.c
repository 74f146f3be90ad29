/* See image.h. */
#include "media/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "media/codec.h"
#include "media/jpeg_source.h"

#define MAX_METADATA ((size_t)8 << 20) /* bytes of each kind */

enum image_format image_probe(const uint8_t *data, size_t len)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (len >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff)
        return IMAGE_JPEG;
    if (len >= sizeof png && memcmp(data, png, sizeof png) == 0)
        return IMAGE_PNG;
    return IMAGE_NONE;
}

const char *image_format_content_type(enum image_format format)
{
    return format == IMAGE_JPEG ? "image/jpeg" : format == IMAGE_PNG ? "image/png" : "application/octet-stream";
}

int image_check_size(
    int64_t width, int64_t height, int sample_bytes, const struct image_limits *limits, struct error *err)
{
    if (width < IMAGE_MIN_SIDE || height < IMAGE_MIN_SIDE)
        return error_set(err, -EINVAL,
            "the image has %" PRId64 " x %" PRId64 " pixels; each side must have at least %d to show anything", width,
            height, IMAGE_MIN_SIDE);
    if (width > limits->max_side || height > limits->max_side)
        return error_set(err, -EFBIG, "the image has %" PRId64 " x %" PRId64 " pixels; a side may have at most %d",
            width, height, limits->max_side);
    if (width > limits->max_pixels / height)
        return error_set(err, -EFBIG,
            "the image has %" PRId64 " x %" PRId64 " pixels; it may have at most %" PRId64 " in all", width, height,
            limits->max_pixels);
    if (width * height > limits->max_memory / sample_bytes)
        return error_set(err, -EFBIG,
            "the image would take %" PRId64 " bytes of memory; at most %" PRId64 " are allowed",
            width * height * sample_bytes, limits->max_memory);
    return 0;
}

/* Makes the picture upright and what depends on which way is up follow it. */
static int make_upright(struct image *image, struct error *err)
{
    int r = orient_frame(&image->frame, image->orientation);
    if (r < 0)
        return error_set(err, r, "out of memory for turning the image");
    if (image->orientation >= 5) {
        struct image_metadata *m = &image->metadata;
        int v = image->jpeg_h, density = m->density_x;
        image->jpeg_h = image->jpeg_v;
        image->jpeg_v = v;
        m->density_x = m->density_y;
        m->density_y = density;
    }
    return 0;
}

int image_decode(
    const uint8_t *data, size_t len, const struct image_limits *limits, struct image **ret_image, struct error *err)
{
    enum image_format format = image_probe(data, len);
    if (len == 0)
        return error_set(err, -EBADMSG, "the file is empty");
    if (format == IMAGE_NONE)
        return error_set(err, -EBADMSG, "the file is neither a JPEG nor a PNG image");
    struct image *image = calloc(1, sizeof *image);
    if (!image)
        return error_set(err, -ENOMEM, "out of memory");
    image->format = format;
    image->orientation = 1;
    struct image_metadata *m = &image->metadata;
    m->exif.max = m->icc.max = m->xmp.max = m->iptc.max = MAX_METADATA;
    int r = format == IMAGE_JPEG ? jpeg_read(data, len, limits, image, err) : png_read(data, len, limits, image, err);
    if (r == 0)
        r = make_upright(image, err);
    if (r < 0) {
        image_destroy(image);
        return r;
    }
    *ret_image = image;
    return 0;
}

int image_encode(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err)
{
    int r = -EOPNOTSUPP;
    switch (options->format) {
    case IMAGE_JPEG:
        if (options->keep_source)
            r = jpeg_write_kept(image, options, out, err);
        return r != -EOPNOTSUPP ? r : jpeg_write(image, options, out, err);
    case IMAGE_PNG:
        return png_write(
            image->frame, options->strip_metadata ? NULL : &image->metadata, options->compress_level, out, err);
    case IMAGE_NONE:
        break;
    }
    return error_set(err, -EOPNOTSUPP, "no image format to write was chosen");
}

int image_encode_png(const struct frame *f, int compress_level, struct buffer *out, struct error *err)
{
    return png_write(f, NULL, compress_level, out, err);
}

void image_destroy(struct image *image)
{
    if (!image)
        return;
    struct image_metadata *m = &image->metadata;
    frame_unref(image->frame);
    frame_unref(image->original);
    jpeg_source_destroy(image->source);
    buffer_finish(&m->exif);
    buffer_finish(&m->icc);
    buffer_finish(&m->xmp);
    buffer_finish(&m->iptc);
    for (size_t i = 0; i < m->text_count; i++)
        free(m->texts[i].text);
    free(m->texts);
    free(image);
}
