/* Frames to PNG: rows are filtered, packed at once and framed as chunks. By ourselves and libdeflate, because libspng
 * knows only zlib, with which packing a 12-megapixel photograph takes longer than finding the people in it. */
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#include "media/png_chunk.h"
#include "media/png_filter.h"
#include "media/png_metadata.h"

/* The rows of a frame as PNG has them, two of them at a time. */
struct rows {
    uint8_t *memory; /* owned: margin, row, margin, row, scratch */
    uint8_t *row, *above, *scratch;
    size_t len, pixel; /* bytes of a row, of a pixel */
};

static int rows_init(struct rows *r, const struct frame *f)
{
    r->pixel = (size_t)f->planes[0].channels * (size_t)frame_sample_bytes(f);
    r->len = r->pixel * (size_t)f->width;
    r->memory = calloc(2 * (PNG_FILTER_MARGIN + r->len) + (PNG_FILTERS - 1) * r->len, 1);
    if (!r->memory)
        return -ENOMEM;
    r->row = r->memory + PNG_FILTER_MARGIN;
    r->above = r->row + r->len + PNG_FILTER_MARGIN;
    r->scratch = r->above + r->len;
    return 0;
}

/* Loads row y; 16-bit samples become big endian. */
static void rows_load(struct rows *r, const struct frame *f, int y)
{
    const struct plane *p = &f->planes[0];
    const uint8_t *from = p->data + y * p->stride;
    uint8_t *last = r->above;
    r->above = r->row;
    r->row = last;
    if (f->depth == 8) {
        memcpy(r->row, from, r->len);
        return;
    }
    for (size_t i = 0; i < r->len; i += 2) {
        uint16_t v;
        memcpy(&v, from + i, 2);
        r->row[i] = (uint8_t)(v >> 8);
        r->row[i + 1] = (uint8_t)v;
    }
}

/* All rows behind their filter's number. Unpacked pictures are not filtered. */
static int filter_picture(const struct frame *f, bool filter, uint8_t **ret_data, size_t *ret_len)
{
    struct rows rows;
    int r = rows_init(&rows, f);
    if (r < 0)
        return r;
    size_t len = (rows.len + 1) * (size_t)f->height;
    uint8_t *data = malloc(len);
    for (int y = 0; data && y < f->height; y++) {
        uint8_t *to = data + (size_t)y * (rows.len + 1);
        rows_load(&rows, f, y);
        if (filter) {
            png_filter_row(rows.row, rows.above, rows.len, rows.pixel, rows.scratch, to);
        } else {
            to[0] = 0;
            memcpy(to + 1, rows.row, rows.len);
        }
    }
    free(rows.memory);
    *ret_data = data;
    *ret_len = len;
    return data ? 0 : -ENOMEM;
}

static int put_header(const struct frame *f, struct buffer *out)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t ihdr[13] = {0};
    png_put_u32(ihdr, (uint32_t)f->width);
    png_put_u32(ihdr + 4, (uint32_t)f->height);
    ihdr[8] = (uint8_t)f->depth;
    ihdr[9] = (uint8_t)((f->color == FRAME_RGB ? 2 : 0) + (f->alpha ? 4 : 0));
    int r = buffer_append(out, signature, sizeof signature);
    return r < 0 ? r : png_chunk_put(out, "IHDR", ihdr, sizeof ihdr);
}

static int put_picture(const struct frame *f, int level, struct buffer *out)
{
    uint8_t *data = NULL;
    size_t len = 0, place;
    int r = filter_picture(f, level > 0, &data, &len);
    if (r == 0)
        r = png_chunk_begin(out, "IDAT", &place);
    if (r == 0)
        r = png_deflate(out, data, len, level);
    if (r == 0)
        r = png_chunk_end(out, place);
    free(data);
    return r;
}

int png_write(const struct frame *f, const struct image_metadata *metadata, int compress_level, struct buffer *out,
    struct error *err)
{
    if (f->color == FRAME_YUV || (f->depth != 8 && f->depth != 16))
        return error_set(err, -EINVAL, "only grey and RGB frames of 8 or 16 bits are written as PNG");
    if (compress_level < 0 || compress_level > 9)
        return error_set(err, -EINVAL, "PNG compress-level %d is not within 0..9", compress_level);
    const size_t before = out->len;
    int r = put_header(f, out);
    if (r == 0 && metadata)
        r = metadata_to_png(out, metadata);
    if (r == 0)
        r = put_picture(f, compress_level, out);
    if (r == 0)
        r = png_chunk_put(out, "IEND", NULL, 0);
    if (r < 0) {
        out->len = before;
        return error_set(err, r, "cannot write a PNG of %d x %d: %s", f->width, f->height,
            r == -EFBIG ? "larger than allowed" : "out of memory");
    }
    return 0;
}
