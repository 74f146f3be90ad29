/* Frames to JPEG by libjpeg-turbo. */
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#include "media/jpeg_error.h"
#include "media/jpeg_sink.h"
#include "media/metadata.h"

struct writer {
    struct jpeg_failure failure;
    struct jpeg_compress_struct cinfo;
    struct jpeg_sink sink;
    const struct image *image;
    const struct image_encode_options *options;
    struct buffer *out;
    struct error *err;
    JSAMPLE *row; /* of frames that libjpeg does not take as they are; owned */
};

/* To 8-bit grey or RGB: the high byte of 16 bits, alpha over white. */
static void flatten_row(const struct frame *f, int y, uint8_t *out)
{
    const struct plane *p = &f->planes[0];
    const uint8_t *row = p->data + y * p->stride;
    const uint16_t *row16 = (const uint16_t *)(const void *)row;
    unsigned top = (1u << f->depth) - 1;
    int channels = p->channels, colors = channels - f->alpha;
    for (int i = 0; i < f->width * channels; i += channels) {
        unsigned alpha = !f->alpha ? top : f->depth > 8 ? row16[i + colors] : row[i + colors];
        for (int c = 0; c < colors; c++) {
            unsigned v = f->depth > 8 ? row16[i + c] : row[i + c];
            uint64_t over_white = (uint64_t)v * alpha + (uint64_t)top * (top - alpha);
            *out++ = (uint8_t)((over_white * 255 + (uint64_t)top * top / 2) / ((uint64_t)top * top));
        }
    }
}

static void write_pixels(struct writer *w)
{
    const struct frame *f = w->image->frame;
    const struct plane *p = &f->planes[0];
    while (w->cinfo.next_scanline < w->cinfo.image_height) {
        JSAMPROW row = p->data + (ptrdiff_t)w->cinfo.next_scanline * p->stride;
        if (w->row) {
            flatten_row(f, (int)w->cinfo.next_scanline, w->row);
            row = w->row;
        }
        jpeg_write_scanlines(&w->cinfo, &row, 1);
    }
}

static void set_parameters(struct writer *w)
{
    struct jpeg_compress_struct *c = &w->cinfo;
    const struct image *image = w->image;
    int quality = w->options->quality;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    if (c->num_components == 3) {
        bool known = image->jpeg_h > 0 && image->jpeg_v > 0;
        int plain = quality >= 90 ? 1 : 2;
        c->comp_info[0].h_samp_factor = known ? image->jpeg_h : plain;
        c->comp_info[0].v_samp_factor = known ? image->jpeg_v : plain;
    }
    if (image->progressive)
        jpeg_simple_progression(c);
    if (!w->options->strip_metadata)
        metadata_set_density(c, &image->metadata);
}

static int write_file(struct writer *w)
{
    struct jpeg_compress_struct *c = &w->cinfo;
    const struct frame *f = w->image->frame;
    jpeg_create_compress(c);
    jpeg_sink_init(&w->sink, c, w->out, w->err);
    c->image_width = (JDIMENSION)f->width;
    c->image_height = (JDIMENSION)f->height;
    c->input_components = f->color == FRAME_GREY ? 1 : 3;
    c->in_color_space = f->color == FRAME_GREY ? JCS_GRAYSCALE : JCS_RGB;
    if ((f->depth > 8 || f->alpha) && !(w->row = malloc((size_t)f->width * 3)))
        return error_set(w->err, -ENOMEM, "out of memory");
    set_parameters(w);
    jpeg_start_compress(c, TRUE);
    if (!w->options->strip_metadata)
        metadata_to_jpeg(c, &w->image->metadata);
    write_pixels(w);
    jpeg_finish_compress(c);
    return 0;
}

int jpeg_write(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err)
{
    const struct frame *f = image->frame;
    if (f->color == FRAME_YUV || f->width > JPEG_MAX_DIMENSION || f->height > JPEG_MAX_DIMENSION)
        return error_set(err, -EINVAL, "a picture of %d x %d cannot be written as JPEG (at most %ld a side)", f->width,
            f->height, (long)JPEG_MAX_DIMENSION);
    if (options->quality < 1 || options->quality > 100)
        return error_set(err, -EINVAL, "JPEG quality %d is not within 1..100", options->quality);
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return error_set(err, -ENOMEM, "out of memory");
    w->image = image;
    w->options = options;
    w->out = out;
    w->err = err;
    w->cinfo.err = jpeg_failure_init(&w->failure, err);
    int code;
    if (setjmp(w->failure.jump) == 0)
        code = write_file(w);
    else
        code = w->failure.code;
    jpeg_destroy_compress(&w->cinfo);
    free(w->row);
    free(w);
    return code;
}
