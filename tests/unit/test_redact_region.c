/* Shapes and their alpha: boxes, ellipses and masks, whole, cut and broken ones. */
#include "redact_scene.h"

#include "redact/region.h"

static const struct request_options plain;

static int alpha_at(const struct region *r, int x, int y)
{
    if (x < r->rect.x0 || x >= r->rect.x1 || y < r->rect.y0 || y >= r->rect.y1)
        return 0;
    return r->alpha[(y - r->rect.y0) * rect_width(&r->rect) + x - r->rect.x0];
}

static struct region fill(const struct detection *d, const struct request_options *request, int width, int height)
{
    struct region_outline o;
    struct region r;
    assert_int_equal(region_place(d, request, width, height, &o), 0);
    assert_int_equal(region_fill(&o, request, &r), 0);
    return r;
}

static void box_is_full_and_falls_linearly(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detection d = scene_detection(OBJECT_LICENSE_PLATE, 100, 50, 200, 90);
    struct region r = fill(&d, &request, 400, 200);
    for (int y = 50; y < 90; y++)
        for (int x = 100; x < 200; x++)
            assert_int_equal(alpha_at(&r, x, y), 255);
    assert_int_equal(r.rect.x0, 85);
    assert_int_equal(r.rect.x1, 215);
    assert_int_equal(r.rect.y0, 44);
    assert_int_equal(r.rect.y1, 96);
    for (int x = 200; x < 215; x++)
        assert_in_range(alpha_at(&r, x, 70), (214.5 - x) / 15 * 255 - 1, (214.5 - x) / 15 * 255 + 1);
    region_finish(&r);
}

static void positive_stop_weakens_the_rim(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    request.gradient_stop[OBJECT_LICENSE_PLATE] = 0.5;
    struct detection d = scene_detection(OBJECT_LICENSE_PLATE, 100, 100, 200, 200);
    struct region r = fill(&d, &request, 400, 400);
    assert_int_equal(alpha_at(&r, 150, 126), 255);
    assert_in_range(alpha_at(&r, 150, 100), 90, 110); /* 0.3 / 0.8 of full, at the box's border */
    region_finish(&r);
}

static void ellipse_fills_the_box_up_to_its_corners(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detection d = scene_detection(OBJECT_FACE, 100, 100, 200, 240);
    struct region r = fill(&d, &request, 400, 400);
    for (int y = 100; y < 240; y++)
        assert_int_equal(alpha_at(&r, 150, y), 255); /* forehead to chin */
    for (int x = 100; x < 200; x++)
        assert_int_equal(alpha_at(&r, x, 170), 255);
    for (int y = 100; y < 240; y++)
        for (int x = 100; x < 200; x++)
            assert_true(alpha_at(&r, x, y) > 100); /* the corners: half, not nothing */
    assert_true(alpha_at(&r, 101, 101) < 160);
    region_finish(&r);
}

static void ellipse_is_open_where_the_picture_cuts_it(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detection d = scene_detection(OBJECT_FACE, 0, 100, 60, 240);
    struct region r = fill(&d, &request, 400, 400);
    for (int y = 100; y < 240; y++)
        assert_int_equal(alpha_at(&r, 0, y), 255);
    region_finish(&r);
    d.box = (struct box){100, 0, 160, 80};
    r = fill(&d, &request, 400, 400);
    for (int x = 100; x < 160; x++)
        assert_int_equal(alpha_at(&r, x, 0), 255);
    region_finish(&r);
    d.box = (struct box){340, 300, 400, 400};
    r = fill(&d, &request, 400, 400);
    assert_int_equal(alpha_at(&r, 345, 399), 255);
    assert_int_equal(alpha_at(&r, 399, 305), 255);
    assert_true(alpha_at(&r, 341, 301) < 160);
    region_finish(&r);
    d.box = (struct box){0, 0, 400, 400};
    r = fill(&d, &request, 400, 400);
    for (int i = 0; i < 400 * 400; i++)
        assert_int_equal(r.alpha[i], 255);
    region_finish(&r);
}

static void boxes_round_outwards(void **state)
{
    struct detection d = scene_detection(OBJECT_LICENSE_PLATE, 10.9f, 10.9f, 12.1f, 11.2f);
    struct region r = fill(&d, &plain, 40, 40);
    assert_int_equal(r.rect.x0, 10);
    assert_int_equal(r.rect.x1, 13);
    assert_int_equal(r.rect.y0, 10);
    assert_int_equal(r.rect.y1, 12);
    assert_int_equal(alpha_at(&r, 10, 10), 255);
    assert_int_equal(alpha_at(&r, 12, 11), 255);
    region_finish(&r);
}

static void broken_boxes(void **state)
{
    struct region_outline o;
    struct detection d = scene_detection(OBJECT_FACE, NAN, 0, 5, 5);
    assert_int_equal(region_place(&d, &plain, 40, 40, &o), -ERANGE);
    d.box = (struct box){-50, -50, -10, -10};
    assert_int_equal(region_place(&d, &plain, 40, 40, &o), 1);
    d.box = (struct box){40, 0, 60, 10};
    assert_int_equal(region_place(&d, &plain, 40, 40, &o), 1);
    d.box = (struct box){-INFINITY, -1e30f, INFINITY, 1e30f};
    assert_int_equal(region_place(&d, &plain, 40, 30, &o), 0);
    assert_int_equal(rect_width(&o.body), 40);
    assert_int_equal(rect_height(&o.body), 30);
    d.box = (struct box){20, 20, 10, 10}; /* inside out */
    assert_int_equal(region_place(&d, &plain, 40, 40, &o), 0);
    assert_int_equal(o.body.x0, 10);
    assert_int_equal(o.body.x1, 20);
    d.box = (struct box){7, 7, 7, 7}; /* without area: still a pixel */
    assert_int_equal(region_place(&d, &plain, 40, 40, &o), 0);
    assert_int_equal(rect_width(&o.body), 1);
}

/* What region.h says about masks: full within `grow` px of a set pixel, nothing beyond grow + 2 * half_soft. */
static void mask_grows_and_softens(void **state)
{
    struct detection d = scene_detection(OBJECT_PERSON, 60, 40, 140, 160);
    d.mask = scene_mask(60, 40, 80, 120);
    struct region_outline o;
    struct region r;
    assert_int_equal(region_place(&d, &plain, 300, 200, &o), 0);
    assert_int_equal(o.shape, REGION_MASK);
    assert_int_equal(region_fill(&o, &plain, &r), 0);
    uint8_t bits[120 * 80];
    mask_decode(d.mask, 1, bits, 80);
    for (int y = 0; y < 200; y++) {
        for (int x = 0; x < 300; x++) {
            int nearest = 1000;
            for (int j = 0; j < 120; j++)
                for (int i = 0; i < 80; i++)
                    if (bits[j * 80 + i]) {
                        int dx = abs(x - 60 - i), dy = abs(y - 40 - j);
                        int far = dx > dy ? dx : dy;
                        nearest = far < nearest ? far : nearest;
                    }
            if (nearest <= o.grow)
                assert_int_equal(alpha_at(&r, x, y), 255);
            if (nearest > o.grow + 2 * o.half_soft)
                assert_int_equal(alpha_at(&r, x, y), 0);
        }
    }
    region_finish(&r);
    mask_destroy(d.mask);
}

static void mask_goes_on_behind_the_border(void **state)
{
    struct detection d = scene_detection(OBJECT_PERSON, 0, 0, 40, 100);
    uint8_t bits[4000];
    memset(bits, 1, sizeof bits);
    assert_int_equal(mask_encode(bits, 40, 0, 0, 40, 100, &d.mask), 0);
    struct region r = fill(&d, &plain, 100, 100);
    for (int y = 0; y < 100; y++)
        assert_int_equal(alpha_at(&r, 0, y), 255);
    assert_int_equal(alpha_at(&r, 39, 99), 255);
    region_finish(&r);
    mask_destroy(d.mask);
}

static void failed_masks_fall_back_to_the_shape(void **state)
{
    struct detection d = scene_detection(OBJECT_PERSON, 10, 10, 50, 90);
    uint8_t bits[3200] = {0};
    struct region_outline o;
    assert_int_equal(mask_encode(bits, 40, 10, 10, 40, 80, &d.mask), 0);
    assert_int_equal(region_place(&d, &plain, 100, 100, &o), 0);
    assert_int_equal(o.shape, REGION_BOX);
    mask_destroy(d.mask);
    memset(bits, 1, 100); /* 100 of 3,200 px */
    assert_int_equal(mask_encode(bits, 40, 10, 10, 40, 80, &d.mask), 0);
    assert_int_equal(region_place(&d, &plain, 100, 100, &o), 0);
    assert_int_equal(o.shape, REGION_BOX);
    d.box.x1 = NAN; /* the mask alone tells the place */
    assert_int_equal(region_place(&d, &plain, 100, 100, &o), 0);
    assert_int_equal(o.shape, REGION_MASK);
    mask_destroy(d.mask);
}

/* Runs longer than their rectangle, and a rectangle outside of the picture: cut, not followed. */
static void damaged_masks_do_no_harm(void **state)
{
    uint32_t runs[] = {3, 4000000000u, 4000000000u, 4000000000u};
    struct mask m = {.x = 5, .y = 5, .width = 10, .height = 10, .runs = runs, .run_count = 4};
    struct detection d = scene_detection(OBJECT_PERSON, 5, 5, 15, 15);
    d.mask = &m;
    struct region r = fill(&d, &plain, 20, 20);
    assert_int_equal(alpha_at(&r, 10, 10), 255);
    region_finish(&r);
    m.x = 2147483000;
    m.y = -100;
    r = fill(&d, &plain, 20, 20);
    assert_int_equal(alpha_at(&r, 14, 14), 255); /* the box's shape instead */
    region_finish(&r);
}

static void ignored_areas_are_cut_out(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    request.ignores[0] = (struct ignore_rect){-5, 60, 2147483647, 10};
    request.ignores[1] = (struct ignore_rect){120, -2147483647, 10, 2147483647};
    request.ignore_count = 2;
    struct detection d = scene_detection(OBJECT_FACE, 100, 20, 150, 90);
    struct region r = fill(&d, &request, 400, 200);
    for (int x = r.rect.x0; x < r.rect.x1; x++)
        for (int y = 60; y < 70; y++)
            assert_int_equal(alpha_at(&r, x, y), 0);
    assert_int_equal(alpha_at(&r, 125, 59), 255);
    region_finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_is_full_and_falls_linearly),
        cmocka_unit_test(positive_stop_weakens_the_rim),
        cmocka_unit_test(ellipse_fills_the_box_up_to_its_corners),
        cmocka_unit_test(ellipse_is_open_where_the_picture_cuts_it),
        cmocka_unit_test(boxes_round_outwards),
        cmocka_unit_test(broken_boxes),
        cmocka_unit_test(mask_grows_and_softens),
        cmocka_unit_test(mask_goes_on_behind_the_border),
        cmocka_unit_test(failed_masks_fall_back_to_the_shape),
        cmocka_unit_test(damaged_masks_do_no_harm),
        cmocka_unit_test(ignored_areas_are_cut_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
