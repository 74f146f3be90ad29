/* Frames to PNG by libspng. */
#include "media/codec.h"

#include <string.h>

#include <spng.h>
#include <zlib.h>

#include "media/png_metadata.h"

static int fail(int e, int code, struct error *err)
{
    return error_set(err,
        code < 0         ? code
        : e == SPNG_EMEM ? -ENOMEM
                         : -EIO,
        "writing PNG: %s", code == -EFBIG ? "larger than allowed" : spng_strerror(e));
}

struct sink {
    struct buffer *out;
    int code; /* why appending failed */
};

static int append(spng_ctx *ctx, void *user, void *data, size_t len)
{
    struct sink *sink = user;
    sink->code = buffer_append(sink->out, data, len);
    return sink->code < 0 ? SPNG_IO_ERROR : 0;
}

static int write_pixels(spng_ctx *ctx, const struct frame *f)
{
    const struct plane *p = &f->planes[0];
    size_t row = (size_t)p->width * (size_t)p->channels * (size_t)frame_sample_bytes(f);
    int e = spng_encode_image(ctx, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    for (int y = 0; y < p->height && e == 0; y++)
        e = spng_encode_row(ctx, p->data + y * p->stride, row);
    return e == SPNG_EOI ? 0 : e;
}

int png_write(const struct frame *f, const struct image_metadata *metadata, int compress_level, struct buffer *out,
    struct error *err)
{
    if (f->color == FRAME_YUV || (f->depth != 8 && f->depth != 16))
        return error_set(err, -EINVAL, "only grey and RGB frames of 8 or 16 bits are written as PNG");
    if (compress_level < 0 || compress_level > 9)
        return error_set(err, -EINVAL, "PNG compress-level %d is not within 0..9", compress_level);
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!ctx)
        return error_set(err, -ENOMEM, "out of memory");
    struct sink sink = {.out = out};
    struct spng_ihdr h = {
        .width = (uint32_t)f->width,
        .height = (uint32_t)f->height,
        .bit_depth = (uint8_t)f->depth,
        .color_type = f->color == FRAME_GREY ? (f->alpha ? SPNG_COLOR_TYPE_GRAYSCALE_ALPHA : SPNG_COLOR_TYPE_GRAYSCALE)
                                             : (f->alpha ? SPNG_COLOR_TYPE_TRUECOLOR_ALPHA : SPNG_COLOR_TYPE_TRUECOLOR),
    };
    int e = spng_set_png_stream(ctx, append, &sink);
    if (!e)
        e = spng_set_ihdr(ctx, &h);
    if (!e)
        e = spng_set_option(ctx, SPNG_IMG_COMPRESSION_LEVEL, compress_level);
    /* libspng would take zlib's strategy for filtered data: for photographs that is slower and larger. */
    if (!e)
        e = spng_set_option(ctx, SPNG_IMG_COMPRESSION_STRATEGY, Z_DEFAULT_STRATEGY);
    if (!e && metadata)
        e = metadata_to_png(ctx, metadata);
    if (!e)
        e = write_pixels(ctx, f);
    spng_ctx_free(ctx);
    return e ? fail(e, sink.code, err) : 0;
}
