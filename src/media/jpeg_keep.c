/* Writes a redacted JPEG so that nothing but the redacted blocks is coded anew.
 *
 * A JPEG is made of 8 x 8 blocks of quantized coefficients. Decoding and encoding a whole picture rounds every one of
 * them again, which costs quality all over it for the sake of a few faces. Here the source's coefficients are read
 * again, those of each block that covers a changed pixel are replaced by the redacted frame's, and the arrays are
 * written. So are blocks that reach over the picture's edge. Which pixels changed is not asked of anybody: the frame is
 * compared with what was decoded, so that whatever drew into it counts.
 *
 * Why no original shines through: a block's coefficients say something only about the pixels that the block covers.
 * If one of them changed, all coefficients of the block are computed from the redacted frame. (A decoder's smooth
 * chroma upsampling looks one chroma sample over a block's edge, but that sample comes from the neighbour's block.) */
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#include "media/jpeg_dct.h"
#include "media/jpeg_error.h"
#include "media/jpeg_sink.h"
#include "media/metadata.h"

#define CELL 8 /* px: the smallest block there is */

struct keeper {
    struct jpeg_failure failure;
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct out;
    struct jpeg_sink sink;
    const struct image *image;
    const struct image_encode_options *options;
    uint8_t *changed; /* a byte a cell, rows of `columns`; owned */
    int columns, rows;
};

/* Marks the cells in which the frame differs from the original. */
static int find_changes(struct keeper *k)
{
    const struct plane *a = &k->image->frame->planes[0], *b = &k->image->original->planes[0];
    k->columns = (a->width + CELL - 1) / CELL;
    k->rows = (a->height + CELL - 1) / CELL;
    k->changed = calloc((size_t)k->columns, (size_t)k->rows);
    if (!k->changed)
        return -ENOMEM;
    size_t row = (size_t)a->width * (size_t)a->channels, cell = CELL * (size_t)a->channels;
    for (int y = 0; y < a->height; y++) {
        const uint8_t *p = a->data + y * a->stride, *q = b->data + y * b->stride;
        if (memcmp(p, q, row) == 0)
            continue;
        uint8_t *changed = k->changed + (size_t)(y / CELL) * (size_t)k->columns;
        for (size_t at = 0; at < row; at += cell)
            changed[at / cell] |= memcmp(p + at, q + at, row - at < cell ? row - at : cell) != 0;
    }
    return 0;
}

/* True where a block of scale_x x scale_y cells holds a changed one, or pixels beyond the picture's edge: those are
 * never shown, so nobody has looked at them (a lossless crop leaves what it cut off there). */
static bool must_replace(const struct keeper *k, int bx, int by, int scale_x, int scale_y)
{
    const struct frame *f = k->image->frame;
    if ((bx + 1) * scale_x * CELL > f->width || (by + 1) * scale_y * CELL > f->height)
        return true;
    for (int y = by * scale_y; y < (by + 1) * scale_y && y < k->rows; y++)
        for (int x = bx * scale_x; x < (bx + 1) * scale_x && x < k->columns; x++)
            if (k->changed[(size_t)y * (size_t)k->columns + (size_t)x])
                return true;
    return false;
}

static bool replace_blocks(struct keeper *k, int component, jvirt_barray_ptr coefficients)
{
    const jpeg_component_info *c = &k->in.comp_info[component];
    uint16_t quantizers[DCTSIZE2];
    struct jpeg_block_source source = {
        .frame = k->image->frame,
        .component = component,
        .rgb = k->in.jpeg_color_space == JCS_RGB,
        .scale_x = k->in.max_h_samp_factor / c->h_samp_factor,
        .scale_y = k->in.max_v_samp_factor / c->v_samp_factor,
        .quantizers = quantizers,
    };
    if (k->in.max_h_samp_factor % c->h_samp_factor || k->in.max_v_samp_factor % c->v_samp_factor || !c->quant_table)
        return false;
    for (int i = 0; i < DCTSIZE2; i++) {
        quantizers[i] = c->quant_table->quantval[i];
        if (quantizers[i] == 0)
            return false;
    }
    for (JDIMENSION by = 0; by < c->height_in_blocks; by++) {
        JBLOCKARRAY row = k->in.mem->access_virt_barray((j_common_ptr)&k->in, coefficients, by, 1, TRUE);
        for (JDIMENSION bx = 0; bx < c->width_in_blocks; bx++)
            if (must_replace(k, (int)bx, (int)by, source.scale_x, source.scale_y))
                jpeg_code_block(&source, (int)bx, (int)by, row[0][bx]);
    }
    return true;
}

static int write_file(struct keeper *k, struct buffer *out, struct error *err)
{
    const struct image *image = k->image;
    jpeg_create_decompress(&k->in);
    jpeg_create_compress(&k->out);
    jpeg_mem_src(&k->in, image->source.data, image->source.len);
    jpeg_read_header(&k->in, TRUE);
    jvirt_barray_ptr *coefficients = jpeg_read_coefficients(&k->in);
    for (int i = 0; i < k->in.num_components; i++)
        if (!replace_blocks(k, i, coefficients[i]))
            return -EOPNOTSUPP;

    jpeg_sink_init(&k->sink, &k->out, out, err);
    jpeg_copy_critical_parameters(&k->in, &k->out);
    k->out.optimize_coding = TRUE;
    if (image->progressive)
        jpeg_simple_progression(&k->out);
    if (!k->options->strip_metadata)
        metadata_set_density(&k->out, &image->metadata);
    jpeg_write_coefficients(&k->out, coefficients);
    if (!k->options->strip_metadata)
        metadata_to_jpeg(&k->out, &image->metadata);
    jpeg_finish_compress(&k->out);
    jpeg_finish_decompress(&k->in);
    return 0;
}

static bool comparable(const struct frame *a, const struct frame *b)
{
    return a && b && a->width == b->width && a->height == b->height && a->color == b->color && a->depth == 8 &&
           b->depth == 8 && !a->alpha && !b->alpha;
}

int jpeg_write_kept(
    const struct image *image, const struct image_encode_options *options, struct buffer *out, struct error *err)
{
    if (image->source.len == 0 || !comparable(image->frame, image->original))
        return -EOPNOTSUPP;
    struct keeper *k = calloc(1, sizeof *k);
    if (!k)
        return error_set(err, -ENOMEM, "out of memory");
    const size_t before = out->len;
    k->image = image;
    k->options = options;
    k->in.err = k->out.err = jpeg_failure_init(&k->failure, err);
    int code = find_changes(k);
    if (code < 0)
        error_set(err, code, "out of memory");
    else if (setjmp(k->failure.jump) == 0)
        code = write_file(k, out, err);
    else /* what libjpeg cannot copy can still be encoded plainly */
        code = k->failure.code == -EBADMSG ? -EOPNOTSUPP : k->failure.code;
    if (code < 0)
        out->len = before;
    jpeg_destroy_compress(&k->out);
    jpeg_destroy_decompress(&k->in);
    free(k->changed);
    free(k);
    return code;
}
