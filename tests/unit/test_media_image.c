/* image: every kind of JPEG and PNG is read and comes back the same. What is refused: test_media_damage.c. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "media_files.h"

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

#define FILE_BUFFER BUFFER_INIT((size_t)64 << 20)

static int sample_at(const struct frame *f, int x, int y, int c)
{
    const uint8_t *row = f->planes[0].data + y * f->planes[0].stride;
    int i = x * f->planes[0].channels + c;
    return f->depth > 8 ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

/* The picture is the smooth one, within `tolerance` at every sample. */
static void assert_smooth(const struct frame *f, int tolerance)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            for (int c = 0; c < (f->color == FRAME_RGB ? 3 : 1); c++) {
                int want = media_files_sample(x, y, c, f->width, f->height), got = sample_at(f, x, y, c);
                if (abs(got - want) > tolerance)
                    fail_msg("(%d, %d) channel %d: %d, not %d", x, y, c, got, want);
            }
}

static struct image *decode(const struct buffer *file)
{
    struct image *image = NULL;
    struct error err = {0};
    if (image_decode(file->data, file->len, &limits, &image, &err) < 0)
        fail_msg("%s", err.text);
    return image;
}

static void check_jpeg_within(const struct jpeg_spec *spec, int tolerance)
{
    struct buffer file = FILE_BUFFER, again = FILE_BUFFER;
    media_files_jpeg(spec, &file);
    struct image *image = decode(&file);
    assert_int_equal(image->format, IMAGE_JPEG);
    assert_int_equal(image->frame->width, spec->width);
    assert_int_equal(image->frame->height, spec->height);
    assert_int_equal(image->frame->color, spec->components == 1 ? FRAME_GREY : FRAME_RGB);
    assert_smooth(image->frame, tolerance);

    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 95};
    struct error err = {0};
    assert_int_equal(image_encode(image, &options, &again, &err), 0);
    struct image *second = decode(&again);
    assert_int_equal(second->frame->color, image->frame->color);
    assert_int_equal(second->progressive, spec->progressive);
    if (spec->components == 3) {
        assert_int_equal(second->jpeg_h, spec->h ? spec->h : 1);
        assert_int_equal(second->jpeg_v, spec->v ? spec->v : 1);
    }
    assert_smooth(second->frame, tolerance + tolerance / 3);
    image_destroy(second);
    image_destroy(image);
    buffer_finish(&file);
    buffer_finish(&again);
}

static void check_jpeg(const struct jpeg_spec *spec)
{
    check_jpeg_within(spec, 12);
}

static void reads_every_jpeg(void **state)
{
    static const int samplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {4, 1}, {1, 2}, {4, 2}};
    for (int s = 0; s < 6; s++)
        for (int progressive = 0; progressive < 2; progressive++)
            for (int restart = 0; restart < 2; restart++)
                check_jpeg(&(struct jpeg_spec){.width = 101 + s,
                    .height = 67 + restart,
                    .components = 3,
                    .h = samplings[s][0],
                    .v = samplings[s][1],
                    .progressive = progressive,
                    .restart = restart});
    for (int progressive = 0; progressive < 2; progressive++) {
        bool p = progressive;
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 1, .progressive = p});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 3, .rgb = true, .progressive = p});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 4, .progressive = p});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 4, .ycck = true, .progressive = p});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 4, .ycck = true, .h = 2, .v = 2});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 4, .no_adobe = true});
        check_jpeg(&(struct jpeg_spec){.width = 65, .height = 33, .components = 3, .arithmetic = true});
    }
    /* Steep ones, which coarse chroma cannot follow closely. */
    check_jpeg_within(&(struct jpeg_spec){.width = 8, .height = 8, .components = 3, .h = 2, .v = 2}, 60);
    check_jpeg_within(&(struct jpeg_spec){.width = 9000, .height = 9, .components = 3, .h = 2, .v = 2}, 60);
}

/* What a PNG of this kind must hold at pixel (x, y), in the frame's own depth; alpha included. */
static int png_expected(const struct png_spec *spec, const struct frame *f, int x, int y, int c)
{
    int depth = spec->bit_depth, channels = f->planes[0].channels;
    bool alpha = f->alpha && c == channels - 1;
    int v = media_files_sample(x, y, alpha && spec->color_type >= 4 ? 3 : c, spec->width, spec->height);
    if (depth == 16)
        v *= 257;
    else
        v >>= 8 - depth;
    if (spec->color_type == 3) {
        int index = media_files_sample(x, y, 0, spec->width, spec->height) >> (8 - depth);
        return alpha ? index : index * 255 / ((1 << depth) - 1);
    }
    if (alpha && spec->color_type < 4) {
        bool match = true;
        for (int i = 0; i < channels - 1; i++) {
            int here = media_files_sample(x, y, i, spec->width, spec->height);
            int key = media_files_sample(0, 0, i, spec->width, spec->height);
            match &= depth >= 8 ? here == key : here >> (8 - depth) == key >> (8 - depth);
        }
        return match ? 0 : f->depth == 16 ? 65535 : 255;
    }
    return depth < 8 ? v * 255 / ((1 << depth) - 1) : v;
}

static void assert_png_exact(const struct png_spec *spec, const struct frame *f)
{
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            for (int c = 0; c < f->planes[0].channels; c++)
                if (sample_at(f, x, y, c) != png_expected(spec, f, x, y, c))
                    fail_msg("type %d depth %d interlaced %d tRNS %d: (%d, %d) channel %d: %d, not %d",
                        spec->color_type, spec->bit_depth, spec->interlaced, spec->trns, x, y, c, sample_at(f, x, y, c),
                        png_expected(spec, f, x, y, c));
}

static void check_png(const struct png_spec *spec)
{
    struct buffer file = FILE_BUFFER, again = FILE_BUFFER;
    media_files_png(spec, &file);
    struct image *image = decode(&file);
    assert_int_equal(image->format, IMAGE_PNG);
    assert_int_equal(image->frame->depth, spec->bit_depth == 16 ? 16 : 8);
    assert_int_equal(image->frame->color, spec->color_type == 0 || spec->color_type == 4 ? FRAME_GREY : FRAME_RGB);
    assert_int_equal(image->frame->alpha, spec->color_type >= 4 || spec->trns);
    assert_png_exact(spec, image->frame);

    struct image_encode_options options = {.format = IMAGE_PNG, .compress_level = 1};
    struct error err = {0};
    assert_int_equal(image_encode(image, &options, &again, &err), 0);
    struct image *second = decode(&again);
    assert_int_equal(second->frame->depth, image->frame->depth);
    assert_int_equal(second->frame->color, image->frame->color);
    assert_int_equal(second->frame->alpha, image->frame->alpha);
    assert_png_exact(spec, second->frame);
    image_destroy(second);
    image_destroy(image);
    buffer_finish(&file);
    buffer_finish(&again);
}

static void reads_every_png(void **state)
{
    static const int kinds[][2] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1}, {3, 2}, {3, 4},
        {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (int interlaced = 0; interlaced < 2; interlaced++)
            for (int trns = 0; trns < (kinds[k][0] < 4 ? 2 : 1); trns++)
                check_png(&(struct png_spec){.width = 37,
                    .height = 23,
                    .color_type = kinds[k][0],
                    .bit_depth = kinds[k][1],
                    .interlaced = interlaced,
                    .trns = trns});
}

/* A minimal EXIF with nothing but an orientation. */
static size_t put_exif(uint8_t *out, bool big_endian, int orientation)
{
    static const uint8_t little[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    static const uint8_t big[] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    memcpy(out, big_endian ? big : little, 26);
    out[big_endian ? 19 : 18] = (uint8_t)orientation;
    return 26;
}

/* Which pixel of the stored picture is shown at (x, y), after the EXIF standard's table. */
static void stored_position(int orientation, int w, int h, int x, int y, int *sx, int *sy)
{
    switch (orientation) {
    case 2:
        *sx = w - 1 - x, *sy = y;
        break;
    case 3:
        *sx = w - 1 - x, *sy = h - 1 - y;
        break;
    case 4:
        *sx = x, *sy = h - 1 - y;
        break;
    case 5:
        *sx = y, *sy = x;
        break;
    case 6:
        *sx = y, *sy = h - 1 - x;
        break;
    case 7:
        *sx = w - 1 - y, *sy = h - 1 - x;
        break;
    case 8:
        *sx = w - 1 - y, *sy = x;
        break;
    default:
        *sx = x, *sy = y;
        break;
    }
}

static void check_orientation(int orientation, int color_type, int depth)
{
    enum { W = 70, H = 43 };
    uint8_t exif[26];
    struct png_chunk chunk = {"eXIf", exif, put_exif(exif, orientation % 2, orientation), false};
    struct buffer file = FILE_BUFFER;
    media_files_png(
        &(struct png_spec){
            .width = W, .height = H, .color_type = color_type, .bit_depth = depth, .chunks = &chunk, .chunk_count = 1},
        &file);
    struct image *image = decode(&file);
    assert_int_equal(image->orientation, orientation);
    assert_int_equal(image->frame->width, orientation >= 5 ? H : W);
    for (int y = 0; y < image->frame->height; y++)
        for (int x = 0; x < image->frame->width; x++) {
            int sx, sy;
            stored_position(orientation, W, H, x, y, &sx, &sy);
            for (int c = 0; c < (color_type == 2 ? 3 : 1); c++)
                assert_int_equal(
                    sample_at(image->frame, x, y, c), media_files_sample(sx, sy, c, W, H) * (depth == 16 ? 257 : 1));
        }
    image_destroy(image);
    buffer_finish(&file);
}

static void applies_orientations(void **state)
{
    for (int o = 1; o <= 8; o++) {
        check_orientation(o, 0, 8);
        check_orientation(o, 0, 16);
        check_orientation(o, 2, 8);
        check_orientation(o, 6, 8);
        check_orientation(o, 2, 16);
        uint8_t app1[32] = "Exif\0";
        put_exif(app1 + 6, o % 2, o);
        struct jpeg_segment segment = {0xe1, app1, sizeof app1};
        struct buffer file = FILE_BUFFER;
        media_files_jpeg(
            &(struct jpeg_spec){
                .width = 64, .height = 40, .components = 3, .h = 2, .segments = &segment, .segment_count = 1},
            &file);
        struct image *image = decode(&file);
        assert_int_equal(image->orientation, o);
        assert_int_equal(image->frame->width, o >= 5 ? 40 : 64);
        assert_int_equal(image->jpeg_h, o >= 5 ? 1 : 2);
        assert_int_equal(image->jpeg_v, o >= 5 ? 2 : 1);
        image_destroy(image);
        buffer_finish(&file);
    }
}

static void writes_alpha_over_white_as_jpeg(void **state)
{
    struct image image = {.format = IMAGE_PNG};
    assert_int_equal(frame_create(FRAME_RGB, 32, 32, 16, true, &image.frame), 0);
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            uint16_t *p = (uint16_t *)(void *)(image.frame->planes[0].data + y * image.frame->planes[0].stride) + x * 4;
            p[0] = p[1] = p[2] = 0;
            p[3] = x < 16 ? 0 : 0xffff;
        }
    struct buffer out = FILE_BUFFER;
    struct error err = {0};
    struct image_encode_options options = {.format = IMAGE_JPEG, .quality = 95};
    assert_int_equal(image_encode(&image, &options, &out, &err), 0);
    struct image *back = decode(&out);
    assert_int_equal(sample_at(back->frame, 4, 16, 1), 255);
    assert_int_equal(sample_at(back->frame, 28, 16, 1), 0);
    image_destroy(back);
    frame_unref(image.frame);
    buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_jpeg),
        cmocka_unit_test(reads_every_png),
        cmocka_unit_test(applies_orientations),
        cmocka_unit_test(writes_alpha_over_white_as_jpeg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
