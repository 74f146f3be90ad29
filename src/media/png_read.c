/* PNG to frames by libspng: every bit depth and colour type, interlaced or not. Grey stays grey, 16 bits stay 16;
 * palettes become RGB, tRNS becomes an alpha channel. An animation gives its still picture. */
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#include <spng.h>

#include "media/png_metadata.h"

#define MAX_CHUNK ((size_t)32 << 20)  /* bytes of one ancillary chunk, unpacked */
#define MAX_CHUNKS ((size_t)64 << 20) /* and of all of them */

static int code_of(int e)
{
    switch (e) {
    case SPNG_EMEM:
        return -ENOMEM;
    case SPNG_EUSER_WIDTH:
    case SPNG_EUSER_HEIGHT:
    case SPNG_ECHUNK_LIMITS:
        return -EFBIG;
    default:
        return -EBADMSG;
    }
}

static int fail(int e, struct error *err)
{
    if (e == SPNG_IO_EOF)
        return error_set(err, -EBADMSG, "PNG: the file ends too early");
    return error_set(err, code_of(e), "PNG: %s", spng_strerror(e));
}

/* How libspng shall write its samples for a picture, and what frame that makes. */
struct form {
    enum frame_color color;
    int depth;
    bool alpha;
    int format; /* enum spng_format */
};

static struct form form_of(const struct spng_ihdr *h, bool trns)
{
    bool grey = h->color_type == SPNG_COLOR_TYPE_GRAYSCALE || h->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    bool own_alpha =
        h->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || h->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
    struct form f = {grey ? FRAME_GREY : FRAME_RGB, h->bit_depth == 16 ? 16 : 8, own_alpha || trns, SPNG_FMT_PNG};
    if (own_alpha || (f.depth == 16 && !trns))
        f.format = SPNG_FMT_PNG; /* as it is, in the host's byte order */
    else if (grey)
        f.format = f.depth == 16 ? SPNG_FMT_GA16 : trns ? SPNG_FMT_GA8 : SPNG_FMT_G8;
    else
        f.format = f.depth == 16 ? SPNG_FMT_RGBA16 : trns ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8;
    return f;
}

static int read_pixels(spng_ctx *ctx, const struct form *form, struct frame *f, struct error *err)
{
    const struct plane *p = &f->planes[0];
    size_t row = (size_t)p->width * (size_t)p->channels * (size_t)frame_sample_bytes(f);
    int flags = SPNG_DECODE_PROGRESSIVE | (form->alpha ? SPNG_DECODE_TRNS : 0);
    int e = spng_decode_image(ctx, NULL, 0, form->format, flags);
    while (e == 0) {
        struct spng_row_info info;
        e = spng_get_row_info(ctx, &info);
        if (e == 0)
            e = spng_decode_row(ctx, p->data + (ptrdiff_t)info.row_num * p->stride, row);
    }
    if (e == SPNG_EOI)
        e = spng_decode_chunks(ctx); /* to IEND: what ends before it is not whole */
    return e ? fail(e, err) : 0;
}

static int read_file(spng_ctx *ctx, const uint8_t *data, size_t len, const struct image_limits *limits,
    struct image *image, struct error *err)
{
    struct spng_ihdr h;
    int e = spng_get_ihdr(ctx, &h);
    if (e)
        return fail(e, err);
    struct spng_trns trns;
    struct form form = form_of(&h, false);
    int channels = (form.color == FRAME_RGB ? 3 : 1) + 1; /* with the alpha that a tRNS may add */
    int r = image_check_size(h.width, h.height, channels * form.depth / 8, limits, err);
    if (r < 0)
        return r;
    e = spng_get_trns(ctx, &trns); /* reads all chunks before the picture */
    if (e && e != SPNG_ECHUNKAVAIL)
        return fail(e, err);
    form = form_of(&h, e == 0);
    r = frame_create(form.color, (int)h.width, (int)h.height, form.depth, form.alpha, &image->frame);
    if (r == 0)
        r = read_pixels(ctx, &form, image->frame, err);
    else
        error_set(err, r, "out of memory for a PNG of %u x %u", h.width, h.height);
    if (r == 0 && (r = metadata_from_png(ctx, data, len, image)) < 0)
        error_set(err, r, "out of memory for a PNG's metadata");
    return r;
}

int png_read(const uint8_t *data, size_t len, const struct image_limits *limits, struct image *image, struct error *err)
{
    spng_ctx *ctx = spng_ctx_new(0);
    if (!ctx)
        return error_set(err, -ENOMEM, "out of memory");
    int e = spng_set_png_buffer(ctx, data, len);
    if (!e)
        e = spng_set_chunk_limits(ctx, MAX_CHUNK, MAX_CHUNKS);
    int r = e ? fail(e, err) : read_file(ctx, data, len, limits, image, err);
    spng_ctx_free(ctx);
    return r;
}
