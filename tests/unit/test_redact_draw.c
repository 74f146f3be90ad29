/* Debug drawing: on every kind of frame and size, inside the picture, outside ignored areas, with every character that
 * labels need. */
#include "redact_scene.h"

#include "redact/draw.h"
#include "redact/glyphs.h"

static void flat(struct frame *f, int value)
{
    for (int i = 0; i < f->plane_count; i++)
        for (int y = 0; y < f->planes[i].height; y++)
            for (int x = 0; x < f->planes[i].width; x++)
                for (int c = 0; c < f->planes[i].channels; c++)
                    scene_set(f, i, x, y, c, value);
}

static void draw(struct frame **f, const struct detections *d, const struct request_options *request)
{
    struct error err = {0};
    assert_int_equal(draw_detections(f, d, request, &err), 0);
}

static void box_has_its_colour(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detections d = {0};
    scene_add(&d, OBJECT_LICENSE_PLATE, 100, 100, 200, 150);
    struct frame *f = scene_frame(SCENE_RGB, 400, 300, 1);
    flat(f, 77);
    draw(&f, &d, &request);
    const int cyan[] = {0, 220, 255};
    for (int c = 0; c < 3; c++) {
        assert_int_equal(scene_get(f, 0, 100, 120, c), cyan[c]);
        assert_int_equal(scene_get(f, 0, 150, 149, c), cyan[c]);
        assert_int_equal(scene_get(f, 0, 99, 120, c), 0); /* halo */
        assert_int_equal(scene_get(f, 0, 150, 125, c), 77);
    }
    frame_unref(f);
    detections_finish(&d);
}

static void yuv_gets_the_same_colour(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detections d = {0};
    scene_add(&d, OBJECT_FACE, 100, 100, 200, 150); /* yellow, 255 220 0 */
    struct frame *f = scene_frame(SCENE_YUV444, 400, 300, 1);
    f->matrix = FRAME_MATRIX_BT601;
    flat(f, 128);
    draw(&f, &d, &request);
    assert_in_range(scene_get(f, 0, 100, 120, 0), 192, 194); /* 16 + 219 * (0.299 * 255 + 0.587 * 220) / 255 */
    assert_in_range(scene_get(f, 1, 100, 120, 0), 26, 30);   /* 128 - 224 * 0.8054 / 1.772 */
    assert_in_range(scene_get(f, 2, 100, 120, 0), 158, 160); /* 128 + 224 * 0.1946 / 1.402 */
    frame_unref(f);
    detections_finish(&d);
}

static void labels_have_all_their_characters(void **state)
{
    for (const char *c = "face license-plate person vehicle 0123456789.#-%"; *c; c++) {
        struct region r;
        struct rect place = {0, 0, 40, 60};
        char text[] = {*c, 0};
        int set = 0;
        assert_int_equal(region_fill_rect(&place, 0, &r), 0);
        glyphs_draw(&r, text, 8, 8, 4, 2);
        for (int i = 0; i < 40 * 60; i++)
            set += r.alpha[i] > 0;
        assert_int_equal(set > 0, *c != ' ');
        region_finish(&r);
    }
    assert_true(glyphs_width("license-plate 0.93 #12") > glyphs_width("license-plate"));
}

/* Ink outside the box, and nowhere else than near it: the label moves into the picture at every corner. */
static void labels_stay_inside(void **state)
{
    static const float at[][2] = {{0, 0}, {360, 0}, {0, 260}, {360, 260}, {180, 130}};
    for (size_t i = 0; i < 5; i++) {
        struct request_options request = scene_request(METHOD_BLUR);
        request.score = true;
        struct detections d = {0};
        scene_add(&d, OBJECT_LICENSE_PLATE, at[i][0], at[i][1], at[i][0] + 40, at[i][1] + 40);
        struct frame *f = scene_frame(SCENE_GREY, 400, 300, 1);
        flat(f, 77);
        draw(&f, &d, &request);
        int ink = 0;
        for (int y = 0; y < 300; y++)
            for (int x = 0; x < 400; x++) {
                bool near_box = x >= at[i][0] - 3 && x < at[i][0] + 43 && y >= at[i][1] - 3 && y < at[i][1] + 43;
                ink += scene_get(f, 0, x, y, 0) != 77 && !near_box;
            }
        assert_true(ink > 500); /* about 120 x 15 px of label, of which the box covers 40 at most */
        frame_unref(f);
        detections_finish(&d);
    }
}

/* Two objects side by side: as much ink as two apart, so neither label covers the other. */
static void labels_avoid_each_other(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    int ink[2] = {0, 0};
    for (int apart = 0; apart < 2; apart++) {
        struct detections d = {0};
        scene_add(&d, OBJECT_LICENSE_PLATE, 100, 100, 130, 120);
        scene_add(&d, OBJECT_LICENSE_PLATE, 140, apart ? 200 : 100, 170, apart ? 220 : 120);
        struct frame *f = scene_frame(SCENE_GREY, 400, 300, 1);
        flat(f, 77);
        draw(&f, &d, &request);
        for (int y = 0; y < 300; y++)
            for (int x = 0; x < 400; x++)
                ink[apart] += scene_get(f, 0, x, y, 0) != 77;
        frame_unref(f);
        detections_finish(&d);
    }
    assert_int_equal(ink[0], ink[1]);
}

static void every_kind_and_size(void **state)
{
    static const int sizes[][2] = {{1, 1}, {3, 50}, {50, 2}, {97, 65}};
    struct request_options request = scene_request(METHOD_BLUR);
    request.score = true;
    for (int kind = 0; kind < SCENE_KINDS; kind++)
        for (size_t i = 0; i < 4; i++) {
            struct detections d = {0};
            scene_add(&d, OBJECT_FACE, 0, 0, 1e9f, 1e9f);
            struct detection person = scene_detection(OBJECT_PERSON, 0, 0, 30, 40);
            person.mask = scene_mask(0, 0, 30, 40);
            person.track_id = 1234567890123;
            assert_int_equal(detections_append(&d, &person), 0);
            struct frame *f = scene_frame((enum scene_kind)kind, sizes[i][0], sizes[i][1], 1);
            draw(&f, &d, &request);
            frame_unref(f);
            detections_finish(&d);
        }
}

static void ignored_areas_stay(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    request.ignores[0] = (struct ignore_rect){95, 75, 30, 60};
    request.ignore_count = 1;
    struct detections d = {0};
    scene_add(&d, OBJECT_FACE, 100, 100, 200, 150);
    struct frame *f = scene_frame(SCENE_YUV420, 400, 300, 1), *before = scene_copy(f);
    draw(&f, &d, &request);
    assert_false(scene_equal(f, before));
    for (int y = 75; y < 135; y++)
        for (int x = 95; x < 125; x++) {
            assert_int_equal(scene_get(f, 0, x, y, 0), scene_get(before, 0, x, y, 0));
            assert_int_equal(scene_get(f, 1, x / 2, y / 2, 0), scene_get(before, 1, x / 2, y / 2, 0));
        }
    frame_unref(f);
    frame_unref(before);
    detections_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_has_its_colour),
        cmocka_unit_test(yuv_gets_the_same_colour),
        cmocka_unit_test(labels_have_all_their_characters),
        cmocka_unit_test(labels_stay_inside),
        cmocka_unit_test(labels_avoid_each_other),
        cmocka_unit_test(every_kind_and_size),
        cmocka_unit_test(ignored_areas_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
