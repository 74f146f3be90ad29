/* keep_source: coefficients outside of what was changed stay bit for bit, inside nothing of the original is left. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "media/image.h"
#include "media_files.h"

#define FILE_BUFFER BUFFER_INIT((size_t)16 << 20)

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

struct rect {
    int x, y, width, height;
};

/* The coefficients of a file, read by libjpeg alone. */
struct coefficients {
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr e;
    jvirt_barray_ptr *arrays;
};

static void coefficients_read(struct coefficients *k, const struct buffer *file)
{
    memset(k, 0, sizeof *k);
    k->c.err = jpeg_std_error(&k->e);
    jpeg_create_decompress(&k->c);
    jpeg_mem_src(&k->c, file->data, file->len);
    jpeg_read_header(&k->c, TRUE);
    k->arrays = jpeg_read_coefficients(&k->c);
}

static bool same_block(struct coefficients *a, struct coefficients *b, int component, int bx, int by)
{
    JBLOCKARRAY p = a->c.mem->access_virt_barray((j_common_ptr)&a->c, a->arrays[component], (JDIMENSION)by, 1, FALSE);
    JBLOCKARRAY q = b->c.mem->access_virt_barray((j_common_ptr)&b->c, b->arrays[component], (JDIMENSION)by, 1, FALSE);
    return memcmp(p[0][bx], q[0][bx], sizeof(JBLOCK)) == 0;
}

/* Every block that neither touches the rectangle nor the edge is the same in both files; returns how many are not. */
static int compare_blocks(struct coefficients *a, struct coefficients *b, const struct rect *r)
{
    int different = 0;
    for (int i = 0; i < a->c.num_components; i++) {
        const jpeg_component_info *c = &a->c.comp_info[i];
        int w = 8 * a->c.max_h_samp_factor / c->h_samp_factor, h = 8 * a->c.max_v_samp_factor / c->v_samp_factor;
        assert_memory_equal(c->quant_table->quantval, b->c.comp_info[i].quant_table->quantval, 128);
        for (int by = 0; by < (int)c->height_in_blocks; by++)
            for (int bx = 0; bx < (int)c->width_in_blocks; bx++) {
                bool touched =
                    bx * w < r->x + r->width && (bx + 1) * w > r->x && by * h < r->y + r->height && (by + 1) * h > r->y;
                bool edge = (bx + 1) * w > (int)a->c.image_width || (by + 1) * h > (int)a->c.image_height;
                bool same = same_block(a, b, i, bx, by);
                if (!same && !touched && !edge)
                    fail_msg("component %d: block %d, %d changed", i, bx, by);
                different += !same;
            }
    }
    return different;
}

static struct image *decode(const struct buffer *file)
{
    struct image *image = NULL;
    struct error err = {0};
    if (image_decode(file->data, file->len, &limits, &image, &err) < 0)
        fail_msg("%s", err.text);
    return image;
}

static uint8_t *pixel(const struct frame *f, int x, int y)
{
    return f->planes[0].data + y * f->planes[0].stride + (ptrdiff_t)x * f->planes[0].channels;
}

static void paint(struct image *image, const struct rect *r)
{
    assert_int_equal(frame_make_writable(&image->frame), 0);
    for (int y = r->y; y < r->y + r->height; y++)
        for (int x = r->x; x < r->x + r->width; x++)
            memset(pixel(image->frame, x, y), 90, (size_t)image->frame->planes[0].channels);
}

static void check(const struct jpeg_spec *spec, const struct rect *r)
{
    struct buffer file = FILE_BUFFER, out = FILE_BUFFER;
    struct error err = {0};
    media_files_jpeg(spec, &file);
    struct image *image = decode(&file);
    paint(image, r);
    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 1, .keep_source = true};
    assert_int_equal(image_encode(image, &options, &out, &err), 0);

    struct coefficients a, b;
    coefficients_read(&a, &file);
    coefficients_read(&b, &out);
    assert_int_equal(b.c.progressive_mode, spec->progressive);
    int different = compare_blocks(&a, &b, r);
    if (r->width > 0)
        assert_true(different > 0);
    else if (spec->width % 32 == 0 && spec->height % 32 == 0)
        assert_int_equal(different, 0);
    jpeg_destroy_decompress(&a.c);
    jpeg_destroy_decompress(&b.c);

    struct image *back = decode(&out);
    for (int y = 0; y < spec->height; y++)
        for (int x = 0; x < spec->width; x++)
            for (int c = 0; c < image->frame->planes[0].channels; c++) {
                /* Deep enough inside that coarse chroma has one side to serve only. */
                bool inside = x >= r->x + 8 && y >= r->y + 8 && x < r->x + r->width - 8 && y < r->y + r->height - 8;
                int off = abs(pixel(back->frame, x, y)[c] - pixel(image->frame, x, y)[c]);
                bool near = x >= r->x - 40 && y >= r->y - 40 && x < r->x + r->width + 40 && y < r->y + r->height + 40;
                bool edge = x >= spec->width - 40 || y >= spec->height - 40;
                if (off > (inside ? 12 : near ? 120 : edge ? 12 : 0))
                    fail_msg("(%d, %d) channel %d is off by %d", x, y, c, off);
            }
    image_destroy(back);
    image_destroy(image);
    buffer_finish(&file);
    buffer_finish(&out);
}

static void keeps_untouched_blocks(void **state)
{
    static const int samplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {4, 1}, {1, 2}};
    static const struct rect rects[] = {{0, 0, 0, 0}, {40, 30, 50, 41}, {33, 47, 1, 1}, {0, 0, 160, 128}};
    for (int s = 0; s < 5; s++)
        for (int r = 0; r < 4; r++)
            for (int odd = 0; odd < 2; odd++) {
                struct jpeg_spec spec = {.width = 160 + 13 * odd,
                    .height = 128 + 7 * odd,
                    .components = 3,
                    .h = samplings[s][0],
                    .v = samplings[s][1],
                    .progressive = odd ^ (s & 1),
                    .restart = s == 2};
                check(&spec, &rects[r]);
            }
    check(&(struct jpeg_spec){.width = 160, .height = 128, .components = 1, .quality = 70}, &rects[1]);
    check(&(struct jpeg_spec){.width = 160, .height = 128, .components = 3, .rgb = true}, &rects[1]);
    check(&(struct jpeg_spec){.width = 160, .height = 128, .components = 3, .arithmetic = true}, &rects[1]);
}

/* What is not suited is encoded as without the option, and so is what was decoded from something else. */
static void falls_back(void **state)
{
    struct buffer file = FILE_BUFFER, out = FILE_BUFFER;
    struct error err = {0};
    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 90, .keep_source = true};
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 4, .ycck = true}, &file);
    struct image *image = decode(&file);
    assert_null(image->source);
    assert_int_equal(image_encode(image, &options, &out, &err), 0);
    image_destroy(image);

    file.len = out.len = 0;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 3}, &file);
    image = decode(&file);
    frame_unref(image->frame);
    image->frame = NULL;
    assert_int_equal(frame_create(FRAME_RGB, 32, 32, 8, false, &image->frame), 0);
    for (int y = 0; y < 32; y++)
        memset(image->frame->planes[0].data + y * image->frame->planes[0].stride, 7, 32 * 3);
    assert_int_equal(image_encode(image, &options, &out, &err), 0);
    struct image *back = decode(&out);
    assert_int_equal(back->frame->width, 32);
    image_destroy(back);
    image_destroy(image);
    buffer_finish(&file);
    buffer_finish(&out);
}

static void respects_the_cap(void **state)
{
    struct buffer file = FILE_BUFFER, out = BUFFER_INIT(100);
    struct error err = {0};
    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 90, .keep_source = true};
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 3}, &file);
    struct image *image = decode(&file);
    assert_int_equal(image_encode(image, &options, &out, &err), -EFBIG);
    assert_int_equal(out.len, 0);
    image_destroy(image);
    buffer_finish(&file);
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_untouched_blocks),
        cmocka_unit_test(falls_back),
        cmocka_unit_test(respects_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
