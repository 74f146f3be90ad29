/* See media_files.h. Failures abort: a test that cannot make its file cannot go on. */
#include "media_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <spng.h>
#include <zlib.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "media_files: %s\n", what);
    abort();
}

uint8_t media_files_sample(int x, int y, int c, int width, int height)
{
    switch (c) {
    case 0:
        return (uint8_t)(20 + x * 215 / width);
    case 1:
        return (uint8_t)(20 + y * 215 / height);
    case 2:
        return (uint8_t)(235 - (x + y) * 215 / (width + height));
    default:
        return (uint8_t)(x * 255 / width);
    }
}

static void start_jpeg(const struct jpeg_spec *spec, struct jpeg_compress_struct *c)
{
    c->image_width = (JDIMENSION)spec->width;
    c->image_height = (JDIMENSION)spec->height;
    c->input_components = spec->components;
    c->in_color_space = spec->components == 1 ? JCS_GRAYSCALE : spec->components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(c);
    if (spec->components == 4)
        jpeg_set_colorspace(c, spec->ycck ? JCS_YCCK : JCS_CMYK);
    if (spec->rgb)
        jpeg_set_colorspace(c, JCS_RGB);
    if (spec->no_adobe)
        c->write_Adobe_marker = FALSE;
    jpeg_set_quality(c, spec->quality ? spec->quality : 95, TRUE);
    c->comp_info[0].h_samp_factor = spec->h ? spec->h : 1;
    c->comp_info[0].v_samp_factor = spec->v ? spec->v : 1;
    if (spec->ycck) {
        c->comp_info[3].h_samp_factor = c->comp_info[0].h_samp_factor;
        c->comp_info[3].v_samp_factor = c->comp_info[0].v_samp_factor;
    }
    c->arith_code = spec->arithmetic;
    c->restart_in_rows = spec->restart;
    if (spec->progressive)
        jpeg_simple_progression(c);
    jpeg_start_compress(c, TRUE);
    for (int i = 0; i < spec->segment_count; i++)
        jpeg_write_marker(c, spec->segments[i].marker, spec->segments[i].data, (unsigned)spec->segments[i].len);
}

static void finish_jpeg(struct jpeg_compress_struct *c, uint8_t **memory, unsigned long *len, struct buffer *out)
{
    jpeg_finish_compress(c);
    jpeg_destroy_compress(c);
    must(buffer_append(out, *memory, *len) == 0, "no room for a JPEG");
    free(*memory);
}

void media_files_jpeg(const struct jpeg_spec *spec, struct buffer *out)
{
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr e;
    uint8_t *memory = NULL;
    unsigned long len = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &memory, &len);
    start_jpeg(spec, &c);
    uint8_t *row = calloc((size_t)spec->width, 4);
    must(row, "out of memory");
    for (int y = 0; y < spec->height; y++) {
        for (int x = 0; x < spec->width; x++)
            for (int i = 0; i < spec->components; i++) {
                uint8_t v = i == 3 ? 255 : media_files_sample(x, y, i, spec->width, spec->height);
                if (spec->components == 4 && spec->no_adobe)
                    v = (uint8_t)(255 - v);
                row[x * spec->components + i] = v;
            }
        jpeg_write_scanlines(&c, &row, 1);
    }
    free(row);
    finish_jpeg(&c, &memory, &len, out);
}

void media_files_jpeg_of(const struct frame *f, int quality, struct buffer *out)
{
    struct jpeg_spec spec = {
        .width = f->width, .height = f->height, .components = f->planes[0].channels, .quality = quality};
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr e;
    uint8_t *memory = NULL;
    unsigned long len = 0;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &memory, &len);
    start_jpeg(&spec, &c);
    for (int y = 0; y < f->height; y++) {
        JSAMPROW row = f->planes[0].data + y * f->planes[0].stride;
        jpeg_write_scanlines(&c, &row, 1);
    }
    finish_jpeg(&c, &memory, &len, out);
}

static void put_sample(uint8_t *row, int index, int depth, unsigned v8)
{
    unsigned v = depth == 16 ? v8 * 257 : v8 >> (8 - depth);
    if (depth == 16) {
        uint16_t v16 = (uint16_t)v; /* libspng takes the host's order */
        memcpy(row + (size_t)index * 2, &v16, 2);
    } else if (depth == 8) {
        row[index] = (uint8_t)v;
    } else {
        int per_byte = 8 / depth, shift = (per_byte - 1 - index % per_byte) * depth;
        row[index / per_byte] |= (uint8_t)(v << shift);
    }
}

static void set_transparency(spng_ctx *ctx, const struct png_spec *spec)
{
    struct spng_trns trns = {0};
    if (spec->color_type == SPNG_COLOR_TYPE_INDEXED) {
        trns.n_type3_entries = 1u << spec->bit_depth;
        for (unsigned i = 0; i < trns.n_type3_entries; i++)
            trns.type3_alpha[i] = (uint8_t)i;
    }
    uint16_t samples[3];
    for (int c = 0; c < 3; c++) {
        unsigned v = media_files_sample(0, 0, c, spec->width, spec->height);
        samples[c] = (uint16_t)(spec->bit_depth == 16 ? v * 257 : v >> (8 - spec->bit_depth));
    }
    trns.gray = trns.red = samples[0];
    trns.green = samples[1];
    trns.blue = samples[2];
    must(spng_set_trns(ctx, &trns) == 0, "tRNS");
}

static void set_palette(spng_ctx *ctx, int depth)
{
    struct spng_plte palette = {.n_entries = 1u << depth};
    for (unsigned i = 0; i < palette.n_entries; i++) {
        uint8_t v = (uint8_t)(i * 255 / (palette.n_entries - 1));
        palette.entries[i] = (struct spng_plte_entry){v, v, v, 255};
    }
    must(spng_set_plte(ctx, &palette) == 0, "PLTE");
}

static uint8_t *draw_png(const struct png_spec *spec, size_t *ret_len)
{
    static const int channels_of[] = {1, 0, 3, 1, 2, 0, 4};
    int channels = channels_of[spec->color_type];
    size_t row = ((size_t)spec->width * (size_t)channels * (size_t)spec->bit_depth + 7) / 8;
    uint8_t *pixels = calloc(row, (size_t)spec->height);
    must(pixels, "out of memory");
    for (int y = 0; y < spec->height; y++)
        for (int x = 0; x < spec->width; x++)
            for (int c = 0; c < channels; c++) {
                bool alpha = spec->color_type >= 4 && c == channels - 1;
                put_sample(pixels + row * (size_t)y, x * channels + c, spec->bit_depth,
                    media_files_sample(x, y, alpha ? 3 : c, spec->width, spec->height));
            }
    *ret_len = row * (size_t)spec->height;
    return pixels;
}

void media_files_insert_chunk(struct buffer *png, size_t at, const char *type, const void *data, size_t len)
{
    must(buffer_reserve(png, len + 12) == 0, "no room for a chunk");
    uint8_t *p = png->data + at;
    memmove(p + len + 12, p, png->len - at);
    png->len += len + 12;
    uint32_t big = __builtin_bswap32((uint32_t)len);
    memcpy(p, &big, 4);
    memcpy(p + 4, type, 4);
    if (len)
        memcpy(p + 8, data, len);
    big = __builtin_bswap32((uint32_t)crc32(0, p + 4, (unsigned)len + 4));
    memcpy(p + 8 + len, &big, 4);
}

void media_files_png(const struct png_spec *spec, struct buffer *out)
{
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    must(ctx, "out of memory");
    spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
    struct spng_ihdr h = {.width = (uint32_t)spec->width,
        .height = (uint32_t)spec->height,
        .bit_depth = (uint8_t)spec->bit_depth,
        .color_type = (uint8_t)spec->color_type,
        .interlace_method = spec->interlaced};
    must(spng_set_ihdr(ctx, &h) == 0, "IHDR");
    if (spec->color_type == SPNG_COLOR_TYPE_INDEXED)
        set_palette(ctx, spec->bit_depth);
    if (spec->trns)
        set_transparency(ctx, spec);
    size_t len = 0;
    uint8_t *pixels = draw_png(spec, &len);
    must(spng_encode_image(ctx, pixels, len, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) == 0, "encoding");
    free(pixels);
    int e = 0;
    uint8_t *png = spng_get_png_buffer(ctx, &len, &e);
    must(png && buffer_append(out, png, len) == 0, "no room for a PNG");
    free(png);
    spng_ctx_free(ctx);
    for (int i = 0; i < spec->chunk_count; i++) {
        const struct png_chunk *c = &spec->chunks[i];
        size_t at = c->behind ? out->len - 12 : 8 + 12 + 13; /* before IEND, or after IHDR */
        media_files_insert_chunk(out, at, c->type, c->data, c->len);
    }
}
