/* Writes a redacted JPEG so that nothing but the redacted blocks is coded anew.
 *
 * A JPEG is made of 8 x 8 blocks of quantized coefficients. Decoding and encoding a whole picture rounds every one of
 * them again, which costs quality all over it for the sake of a few faces. Here, of the source's coefficients (the
 * picture was decoded from them: jpeg_read.c), those of each block that covers a changed pixel are replaced by the
 * redacted frame's, and all are written. So are blocks that reach over the picture's edge. Which pixels changed is not
 * asked of anybody: the frame is compared with what was decoded, so that whatever drew into it counts.
 *
 * Why no original shines through: a block's coefficients say something only about the pixels that the block covers.
 * If one of them changed, all coefficients of the block are computed from the redacted frame. (A decoder's smooth
 * chroma upsampling looks one chroma sample over a block's edge, but that sample comes from the neighbour's block.) */
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#include "media/jpeg_dct.h"
#include "media/jpeg_sink.h"
#include "media/jpeg_source.h"
#include "media/metadata.h"

#define CELL 8         /* px: the smallest block there is */
#define MAX_DC_BITS 11 /* of a difference, ITU-T T.81 F.1.2.1 */
#define MAX_AC_BITS 10 /* F.1.2.2 */

struct keeper {
    struct jpeg_decompress_struct *in; /* the source's */
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

/* False where a coefficient is larger than baseline codes: files out to break things have such, and libjpeg-turbo looks
 * for them only while it makes tables. */
static bool codable(const JCOEF *row, size_t count)
{
    int beyond = 0;
    for (size_t i = 0; i < count; i++)
        beyond |= row[i] > 1023 || row[i] < -1024;
    return beyond == 0;
}

static bool replace_blocks(struct keeper *k, int component, jvirt_barray_ptr coefficients)
{
    const jpeg_component_info *c = &k->in->comp_info[component];
    uint16_t quantizers[DCTSIZE2];
    struct jpeg_block_source source = {
        .frame = k->image->frame,
        .component = component,
        .rgb = k->in->jpeg_color_space == JCS_RGB,
        .scale_x = k->in->max_h_samp_factor / c->h_samp_factor,
        .scale_y = k->in->max_v_samp_factor / c->v_samp_factor,
        .quantizers = quantizers,
    };
    if (k->in->max_h_samp_factor % c->h_samp_factor || k->in->max_v_samp_factor % c->v_samp_factor || !c->quant_table)
        return false;
    for (int i = 0; i < DCTSIZE2; i++) {
        quantizers[i] = c->quant_table->quantval[i];
        if (quantizers[i] == 0)
            return false;
    }
    for (JDIMENSION by = 0; by < c->height_in_blocks; by++) {
        JBLOCKARRAY row = k->in->mem->access_virt_barray((j_common_ptr)k->in, coefficients, by, 1, TRUE);
        for (JDIMENSION bx = 0; bx < c->width_in_blocks; bx++)
            if (must_replace(k, (int)bx, (int)by, source.scale_x, source.scale_y))
                jpeg_code_block(&source, (int)bx, (int)by, row[0][bx]);
        if (!codable(row[0][0], (size_t)c->width_in_blocks * DCTSIZE2))
            return false;
    }
    return true;
}

static void copy_table(struct jpeg_compress_struct *c, JHUFF_TBL **to, const JHUFF_TBL *from)
{
    if (!*to)
        *to = jpeg_alloc_huff_table((j_common_ptr)c);
    memcpy((*to)->bits, from->bits, sizeof from->bits);
    memcpy((*to)->huffval, from->huffval, sizeof from->huffval);
}

/* True where a table has a code for every symbol that a baseline file can need, so that it suits changed blocks too. */
static bool complete(const JHUFF_TBL *t, bool ac)
{
    bool has[256] = {false};
    int codes = 0;
    if (!t)
        return false;
    for (int length = 1; length <= 16; length++)
        codes += t->bits[length];
    for (int i = 0; i < codes && i < 256; i++)
        has[t->huffval[i]] = true;
    for (int size = ac ? 1 : 0; size <= (ac ? MAX_AC_BITS : MAX_DC_BITS); size++)
        for (int run = 0; run <= (ac ? 15 : 0); run++)
            if (!has[run << 4 | size])
                return false;
    return !ac || (has[0x00] && has[0xF0]); /* end of block, sixteen zeros */
}

/* Codes with the source's own Huffman tables where those can code anything, as cameras' mostly can; else with tables
 * made for the new picture, which takes a pass over all coefficients of its own. */
static void choose_tables(struct keeper *k)
{
    k->out.optimize_coding = k->in->progressive_mode || k->in->arith_code;
    for (int i = 0; i < k->in->num_components && !k->out.optimize_coding; i++) {
        const jpeg_component_info *c = &k->in->comp_info[i];
        JHUFF_TBL *dc = k->in->dc_huff_tbl_ptrs[c->dc_tbl_no], *ac = k->in->ac_huff_tbl_ptrs[c->ac_tbl_no];
        if (!complete(dc, false) || !complete(ac, true) || c->dc_tbl_no > 1 || c->ac_tbl_no > 1) {
            k->out.optimize_coding = TRUE;
            break;
        }
        k->out.comp_info[i].dc_tbl_no = c->dc_tbl_no;
        k->out.comp_info[i].ac_tbl_no = c->ac_tbl_no;
        copy_table(&k->out, &k->out.dc_huff_tbl_ptrs[c->dc_tbl_no], dc);
        copy_table(&k->out, &k->out.ac_huff_tbl_ptrs[c->ac_tbl_no], ac);
    }
}

static int write_file(struct keeper *k, struct buffer *out, struct error *err)
{
    const struct image *image = k->image;
    jvirt_barray_ptr *coefficients = image->source->coefficients;
    jpeg_create_compress(&k->out);
    jpeg_copy_critical_parameters(k->in, &k->out);
    choose_tables(k);
    for (int i = 0; i < k->in->num_components; i++)
        if (!replace_blocks(k, i, coefficients[i]))
            return -EOPNOTSUPP;

    jpeg_sink_init(&k->sink, &k->out, out, err);
    if (image->progressive)
        jpeg_simple_progression(&k->out);
    if (!k->options->strip_metadata)
        metadata_set_density(&k->out, &image->metadata);
    jpeg_write_coefficients(&k->out, coefficients);
    if (!k->options->strip_metadata)
        metadata_to_jpeg(&k->out, &image->metadata);
    jpeg_finish_compress(&k->out);
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
    if (!image->source || !comparable(image->frame, image->original))
        return -EOPNOTSUPP;
    struct keeper *k = calloc(1, sizeof *k);
    if (!k)
        return error_set(err, -ENOMEM, "out of memory");
    const size_t before = out->len;
    k->image = image;
    k->options = options;
    struct jpeg_failure *failure = &image->source->failure;
    k->in = &image->source->in;
    k->out.err = jpeg_failure_init(failure, err);
    int code = find_changes(k);
    if (code < 0)
        error_set(err, code, "out of memory");
    else if (setjmp(failure->jump) == 0)
        code = write_file(k, out, err);
    else /* what libjpeg cannot copy can still be encoded plainly */
        code = failure->code == -EBADMSG ? -EOPNOTSUPP : failure->code;
    if (code < 0)
        out->len = before;
    jpeg_destroy_compress(&k->out);
    free(k->changed);
    free(k);
    return code;
}
