/* Result files of videos: what is written comes out again in each document, whole or in part. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/video_result.h"

#define FRAMES 200

static struct request_options request = {.types = OBJECT_ALL, .save_instance = true, .bbox = true};

static int write_file(void)
{
    char path[] = "/tmp/obscura-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    struct video_result_writer *w;
    assert_int_equal(video_result_writer_create(fd, &w, NULL), 0);
    for (int i = 0; i < FRAMES; i++) {
        struct detections found = {0};
        struct detection d = {.type = OBJECT_FACE,
            .score = 0.5f,
            .box = {10, 10, 20 + (float)i / 10, 30},
            .track_id = 7,
            .anonymised = true};
        const bool filled[] = {i % 2 == 1};
        assert_int_equal(detections_append(&found, &d), 0);
        struct video_result_frame f = {
            .time = i * 0.04, .seconds = 0.01, .whole = i == 150, .filled = filled, .entries = &found};
        assert_int_equal(video_result_write_frame(w, &f, NULL), 0);
        detections_finish(&found);
    }
    const int64_t gaps[][2] = {{3, 5}};
    struct video_result_track t = {.id = 7,
        .type = OBJECT_FACE,
        .first = 0,
        .last = FRAMES - 1,
        .detected = 100,
        .filled = 100,
        .lowest_score = 0.25f,
        .gaps = gaps,
        .gap_count = 1};
    assert_int_equal(video_result_write_track(w, &t, NULL), 0);
    struct video_summary s = {.width = 64, .height = 48, .seconds = 1, .content_type = "video/mp4"};
    assert_int_equal(video_result_write_end(w, &s, NULL), 0);
    video_result_writer_destroy(w);
    return fd;
}

/* The whole document as one piece of memory. */
static struct buffer document(int fd, enum video_document kind, int64_t start, int64_t end)
{
    struct video_result *r;
    struct video_stream *s;
    struct video_query q = {.view = {.id = "x", .request = &request}, .start = start, .end = end, .scale = 50};
    struct buffer all = BUFFER_INIT(1 << 24), piece = BUFFER_INIT(1 << 24);
    assert_int_equal(video_result_open(dup(fd), &r, NULL), 0);
    assert_int_equal(video_result_summary(r)->frames, FRAMES);
    assert_int_equal(video_stream_open(r, kind, &q, &s, NULL), 0);
    do {
        assert_int_equal(video_stream_next(s, &piece, NULL), 0);
        assert_int_equal(buffer_append(&all, piece.data, piece.len), 0);
    } while (piece.len);
    buffer_finish(&piece);
    video_stream_destroy(s);
    video_result_close(r);
    return all;
}

static json_t *load(struct buffer *b)
{
    json_t *root = json_loadb((const char *)b->data, b->len, 0, NULL);
    buffer_finish(b);
    assert_non_null(root);
    return root;
}

static void metadata_of_a_range(void **state)
{
    int fd = write_file();
    struct buffer text = document(fd, VIDEO_METADATA, 130, 140);
    json_t *list = load(&text);
    assert_int_equal(json_array_size(list), 11);
    json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_int_equal(json_integer_value(json_object_get(first, "id")), 130);
    json_t *d = json_array_get(json_object_get(first, "detections"), 0);
    assert_int_equal(json_integer_value(json_object_get(d, "track_id")), 7);
    assert_int_equal(json_integer_value(json_object_get(d, "parent_image")), 130);
    assert_null(json_object_get(d, "filled"));
    d = json_array_get(json_object_get(second, "detections"), 0);
    assert_true(json_is_true(json_object_get(d, "filled")));
    json_decref(list);
    close(fd);
}

static void metadata_of_all_and_past_the_end(void **state)
{
    int fd = write_file();
    struct buffer text = document(fd, VIDEO_METADATA, 0, INT64_MAX);
    json_t *list = load(&text);
    assert_int_equal(json_array_size(list), FRAMES);
    for (size_t i = 0; i < FRAMES; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(list, i), "id")), i);
    json_decref(list);
    close(fd);
}

static void report_lists_tracks(void **state)
{
    int fd = write_file();
    struct buffer text = document(fd, VIDEO_REPORT, 0, INT64_MAX);
    json_t *root = load(&text), *t = json_array_get(json_object_get(root, "tracks"), 0);
    assert_int_equal(json_integer_value(json_object_get(root, "frames")), FRAMES);
    assert_int_equal(json_integer_value(json_object_get(t, "filled")), 100);
    assert_int_equal(json_array_size(json_object_get(t, "gaps")), 1);
    json_decref(root);
    close(fd);
}

static void masks_are_a_zip(void **state)
{
    int fd = write_file();
    struct buffer zip = document(fd, VIDEO_BINARY_MASKS, 148, 151);
    static const unsigned char end[] = {'P', 'K', 5, 6, 0, 0, 0, 0, 4, 0, 4, 0};
    assert_true(zip.len > 22);
    assert_memory_equal(zip.data, "PK\3\4", 4);
    assert_memory_equal(zip.data + zip.len - 22, end, sizeof end);
    assert_memory_equal(zip.data + 30, "frame-00000148.png", 18);
    buffer_finish(&zip);
    close(fd);
}

static void ranges_that_are_wrong(void **state)
{
    int fd = write_file();
    struct video_result *r;
    struct video_stream *s;
    struct error err = {0};
    struct video_query q = {.view = {.id = "x", .request = &request}, .start = 5, .end = 4};
    assert_int_equal(video_result_open(fd, &r, &err), 0);
    assert_int_equal(video_stream_open(r, VIDEO_METADATA, &q, &s, &err), -EINVAL);
    q.start = FRAMES;
    q.end = FRAMES + 5;
    assert_int_equal(video_stream_open(r, VIDEO_METADATA, &q, &s, &err), -EINVAL);
    video_result_close(r);
}

static void a_damaged_file_is_refused(void **state)
{
    int fd = write_file();
    struct video_result *r;
    struct error err = {0};
    assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 30), 0);
    assert_int_equal(video_result_open(fd, &r, &err), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_of_a_range),
        cmocka_unit_test(metadata_of_all_and_past_the_end),
        cmocka_unit_test(report_lists_tracks),
        cmocka_unit_test(masks_are_a_zip),
        cmocka_unit_test(ranges_that_are_wrong),
        cmocka_unit_test(a_damaged_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
