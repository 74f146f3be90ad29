/* Mask pictures: colours, order, scaling, and that they show what redact_frame changes. */
#include "redact_scene.h"

#include "base/object.h"

#define WIDTH 203
#define HEIGHT 149

static struct detections scene(void)
{
    struct detections d = {0};
    scene_add(&d, OBJECT_VEHICLE, 20, 20, 180, 140);
    struct detection person = scene_detection(OBJECT_PERSON, 60, 30, 120, 130);
    person.mask = scene_mask(60, 30, 60, 100);
    assert_int_equal(detections_append(&d, &person), 0);
    scene_add(&d, OBJECT_FACE, 80, 40, 100, 66);
    scene_add(&d, OBJECT_LICENSE_PLATE, 150, 120, 195, 130);
    return d;
}

static struct frame *make(int (*function)(const struct detections *, const struct request_options *,
                              const struct mask_picture *, struct frame **, struct error *),
    const struct detections *d, const struct request_options *request, double scale, enum mask_palette palette)
{
    struct mask_picture picture = {WIDTH, HEIGHT, scale, palette};
    struct frame *f = NULL;
    struct error err = {0};
    assert_int_equal(function(d, request, &picture, &f, &err), 0);
    return f;
}

static void assert_color(const struct frame *f, int x, int y, int r, int g, int b)
{
    assert_int_equal(scene_get(f, 0, x, y, 0), r);
    assert_int_equal(scene_get(f, 0, x, y, 1), g);
    assert_int_equal(scene_get(f, 0, x, y, 2), b);
}

static void colours_number_instances(void **state)
{
    struct detections d = {0};
    for (int i = 0; i < 600; i++)
        scene_add(&d, OBJECT_FACE, 0, 0, 1, 1);
    bool seen[3][256] = {{false}};
    int before = 0;
    for (size_t i = 0; i < d.len; i++) {
        unsigned char rgb[3];
        masks_color(&d, i, MASK_PALETTE_CURRENT, rgb);
        assert_int_equal(rgb[0], i / 255);
        assert_true(rgb[1] > 0);
        assert_false(seen[rgb[0]][rgb[1]]);
        seen[rgb[0]][rgb[1]] = true;
        assert_int_equal(rgb[2], 32);
        assert_true(i == 0 || abs(rgb[1] - before) > 60);
        before = rgb[1];
    }
    detections_finish(&d);
}

static void instance_colours_and_order(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detections d = scene();
    unsigned char rgb[4][3];
    for (size_t i = 0; i < d.len; i++)
        masks_color(&d, i, MASK_PALETTE_CURRENT, rgb[i]);
    struct frame *f = make(masks_instance, &d, &request, 100, MASK_PALETTE_CURRENT);
    assert_color(f, 5, 5, 0, 0, 0);
    assert_color(f, 30, 30, 0, rgb[0][1], 16);
    assert_color(f, 90, 100, 0, rgb[1][1], 128 | 16);
    assert_color(f, 90, 50, 0, rgb[2][1], 32 | 128 | 16);
    assert_color(f, 170, 125, 0, rgb[3][1], 64 | 16);
    assert_color(f, 190, 125, 0, rgb[3][1], 64);
    frame_unref(f);
    f = make(masks_instance, &d, &request, 100, MASK_PALETTE_LEGACY);
    assert_color(f, 30, 30, 0, rgb[0][1], 255);
    assert_color(f, 90, 100, 0, rgb[1][1], 128);
    assert_color(f, 90, 50, 0, rgb[2][1], 192);
    assert_color(f, 170, 125, 0, rgb[3][1], 64);
    frame_unref(f);
    f = make(masks_instance, &d, &request, 100, MASK_PALETTE_LEGACY_R);
    assert_color(f, 90, 50, 192, rgb[2][1], 0);
    assert_color(f, 30, 30, 255, rgb[0][1], 0);
    frame_unref(f);
    detections_finish(&d);
}

/* Every scale is the full mask's nearest neighbours. */
static void scaling_is_nearest_neighbour(void **state)
{
    static const double scales[] = {0.01, 1, 13, 50, 66.6, 99};
    struct request_options request = scene_request(METHOD_BLUR);
    struct detections d = scene();
    struct frame *full = make(masks_instance, &d, &request, 100, MASK_PALETTE_CURRENT);
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct frame *f = make(masks_instance, &d, &request, scales[i], MASK_PALETTE_CURRENT);
        int width = (int)fmax(1, round(WIDTH * scales[i] / 100)),
            height = (int)fmax(1, round(HEIGHT * scales[i] / 100));
        assert_int_equal(f->width, width);
        assert_int_equal(f->height, height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(scene_get(f, 0, x, y, c),
                        scene_get(full, 0, (int)((x + 0.5) * WIDTH / width), (int)((y + 0.5) * HEIGHT / height), c));
        frame_unref(f);
    }
    frame_unref(full);
    detections_finish(&d);
}

/* 255 exactly where blackening leaves black, for all three shapes and with an ignored area; the same pixels have a
 * colour in the instance mask. */
static void binary_mask_is_what_is_redacted(void **state)
{
    for (int bbox = 0; bbox < 2; bbox++) {
        struct request_options request = scene_request(METHOD_BLACKEN);
        request.bbox = bbox;
        request.ignores[0] = (struct ignore_rect){70, 0, 15, 149};
        request.ignore_count = 1;
        struct detections d = scene();
        d.items[0].anonymised = false;
        struct frame *f = scene_frame(SCENE_GREY, WIDTH, HEIGHT, 3);
        for (int y = 0; y < HEIGHT; y++)
            memset(f->planes[0].data + y * f->planes[0].stride, 255, WIDTH);
        scene_redact(&f, &d, &request);
        struct frame *binary = make(masks_binary, &d, &request, 100, MASK_PALETTE_CURRENT);
        struct frame *instance = make(masks_instance, &d, &request, 100, MASK_PALETTE_CURRENT);
        int set = 0;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int expected = scene_get(f, 0, x, y, 0) == 0 ? 255 : 0;
                assert_int_equal(scene_get(binary, 0, x, y, 0), expected);
                assert_int_equal(scene_get(instance, 0, x, y, 2) != 0, expected == 255);
                set += expected == 255;
            }
        assert_true(set > 1500);
        frame_unref(f);
        frame_unref(binary);
        frame_unref(instance);
        detections_finish(&d);
    }
}

static void empty_lists_give_black(void **state)
{
    struct request_options request = scene_request(METHOD_DETECT);
    struct detections d = {0};
    struct frame *f = make(masks_binary, &d, &request, 50, MASK_PALETTE_CURRENT);
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            assert_int_equal(scene_get(f, 0, x, y, 0), 0);
    frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_number_instances),
        cmocka_unit_test(instance_colours_and_order),
        cmocka_unit_test(scaling_is_nearest_neighbour),
        cmocka_unit_test(binary_mask_is_what_is_redacted),
        cmocka_unit_test(empty_lists_give_black),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
