/* image: damaged, truncated, oversized and lying files are refused with a reason, and so is output that cannot be. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "media_files.h"

static const struct image_limits limits = {.max_pixels = 1 << 24, .max_side = 20000, .max_memory = 1 << 28};

#define FILE_BUFFER BUFFER_INIT((size_t)64 << 20)

/* Every beginning of a file is refused, with a reason. */
static void check_truncations(const struct buffer *file, size_t whole)
{
    for (size_t len = 0; len < whole; len += len < 700 ? 1 : 37) {
        struct image *image = NULL;
        struct error err = {0};
        uint8_t *part = malloc(len + 1); /* its own memory, so that reading past the end shows */
        memcpy(part, file->data, len);
        int r = image_decode(part, len, &limits, &image, &err);
        free(part);
        if (r != -EBADMSG || err.text[0] == 0)
            fail_msg("cut to %zu of %zu bytes: %d %s", len, file->len, r, err.text);
    }
}

static void refuses_truncated_files(void **state)
{
    struct buffer file = FILE_BUFFER;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 3, .h = 2, .v = 2}, &file);
    check_truncations(&file, file.len);
    file.len = 0;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 3, .progressive = true}, &file);
    check_truncations(&file, file.len);
    file.len = 0;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 48, .components = 3, .restart = 1}, &file);
    check_truncations(&file, file.len);
    file.len = 0;
    media_files_png(&(struct png_spec){.width = 40, .height = 30, .color_type = 2, .bit_depth = 8}, &file);
    check_truncations(&file, file.len - 4); /* IEND's check sum says nothing about the picture */
    file.len = 0;
    media_files_png(
        &(struct png_spec){.width = 40, .height = 30, .color_type = 3, .bit_depth = 4, .interlaced = true}, &file);
    check_truncations(&file, file.len - 4);
    buffer_finish(&file);
}

static int decode_code(const struct buffer *file, const struct image_limits *l)
{
    struct image *image = NULL;
    struct error err = {0};
    int r = image_decode(file->data, file->len, l, &image, &err);
    if (r < 0 && err.text[0] == 0)
        fail_msg("no reason given for %d", r);
    image_destroy(image);
    return r;
}

static void refuses_sizes(void **state)
{
    static const int sizes[][3] = {{1, 1, -EINVAL}, {7, 100, -EINVAL}, {100, 7, -EINVAL}, {19999, 1, -EINVAL},
        {30000, 1, -EINVAL}, {30000, 8, -EFBIG}, {8, 8, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer file = FILE_BUFFER;
        media_files_jpeg(&(struct jpeg_spec){.width = sizes[i][0], .height = sizes[i][1], .components = 3}, &file);
        assert_int_equal(decode_code(&file, &limits), sizes[i][2]);
        file.len = 0;
        media_files_png(
            &(struct png_spec){.width = sizes[i][0], .height = sizes[i][1], .color_type = 2, .bit_depth = 8}, &file);
        assert_int_equal(decode_code(&file, &limits), sizes[i][2]);
        buffer_finish(&file);
    }
    struct buffer file = FILE_BUFFER;
    media_files_jpeg(&(struct jpeg_spec){.width = 100, .height = 100, .components = 3}, &file);
    assert_int_equal(
        decode_code(&file, &(struct image_limits){.max_pixels = 9999, .max_side = 100, .max_memory = 1 << 20}), -EFBIG);
    assert_int_equal(
        decode_code(&file, &(struct image_limits){.max_pixels = 10000, .max_side = 100, .max_memory = 29999}), -EFBIG);
    assert_int_equal(
        decode_code(&file, &(struct image_limits){.max_pixels = 10000, .max_side = 100, .max_memory = 30000}), 0);
    buffer_finish(&file);
}

/* A header that promises what the file does not hold must fail by its size, not by taking the memory. */
static void refuses_lying_headers(void **state)
{
    struct buffer file = FILE_BUFFER;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 64, .components = 3}, &file);
    for (size_t i = 0; i + 8 < file.len; i++)
        if (file.data[i] == 0xff && file.data[i + 1] == 0xc0) {
            memcpy(file.data + i + 5, "\xff\x00\xff\x00", 4); /* 65,280 x 65,280 */
            break;
        }
    assert_int_equal(decode_code(&file, &limits), -EFBIG);
    buffer_finish(&file);
}

/* Repeats the first scan of a progressive file, which depends on no other, many times. */
static void refuses_scan_bombs(void **state)
{
    struct buffer file = FILE_BUFFER, bomb = FILE_BUFFER;
    media_files_jpeg(&(struct jpeg_spec){.width = 64, .height = 64, .components = 1, .progressive = true}, &file);
    size_t scan = 0, next = 0;
    for (size_t i = 0; i + 1 < file.len && !next; i++) {
        if (scan && file.data[i] == 0xff && file.data[i + 1] != 0)
            next = i;
        if (!scan && file.data[i] == 0xff && file.data[i + 1] == 0xda)
            scan = i;
    }
    assert_true(next > scan && scan > 0);
    for (int times = 20; times <= 200; times += 180) {
        bomb.len = 0;
        buffer_append(&bomb, file.data, scan);
        for (int i = 0; i < times; i++)
            buffer_append(&bomb, file.data + scan, next - scan);
        buffer_append(&bomb, file.data + scan, file.len - scan);
        assert_int_equal(decode_code(&bomb, &limits), times > 100 ? -EBADMSG : 0);
    }
    buffer_finish(&file);
    buffer_finish(&bomb);
}

static void refuses_other_things(void **state)
{
    static const char *const things[] = {"", "GIF89a....", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "hello"};
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
        struct buffer b = FILE_BUFFER;
        buffer_append(&b, things[i], strlen(things[i]));
        assert_int_equal(decode_code(&b, &limits), -EBADMSG);
        buffer_finish(&b);
    }
}

static void refuses_impossible_output(void **state)
{
    struct frame *f = NULL;
    struct error err = {0};
    assert_int_equal(frame_create(FRAME_RGB, 64, 64, 8, false, &f), 0);
    memset(f->planes[0].data, 5, (size_t)f->planes[0].stride * 64);
    struct image image = {.frame = f};
    struct buffer small = BUFFER_INIT(40), out = FILE_BUFFER;
    assert_int_equal(image_encode_png(f, 1, &small, &err), -EFBIG);
    assert_int_equal(image_encode_png(f, 10, &out, &err), -EINVAL);
    assert_int_equal(
        image_encode(&image, &(struct image_encode_options){.format = IMAGE_JPEG, .quality = 0}, &out, &err), -EINVAL);
    small.len = 0;
    assert_int_equal(
        image_encode(&image, &(struct image_encode_options){.format = IMAGE_JPEG, .quality = 90}, &small, &err),
        -EFBIG);
    assert_int_equal(image_encode(&image, &(struct image_encode_options){.quality = 90}, &out, &err), -EOPNOTSUPP);
    buffer_finish(&small);
    buffer_finish(&out);
    frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_truncated_files),
        cmocka_unit_test(refuses_sizes),
        cmocka_unit_test(refuses_lying_headers),
        cmocka_unit_test(refuses_scan_bombs),
        cmocka_unit_test(refuses_other_things),
        cmocka_unit_test(refuses_impossible_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
