/* redact_frame and redact_whole on every kind of frame: what changes, what does not, and what is left of an object. */
#include "redact_scene.h"

#include "redact/cells.h"
#include "redact/region.h"

#define WIDTH 203 /* odd: chroma planes round up */
#define HEIGHT 149

static const enum method methods[] = {METHOD_BLUR, METHOD_PIXELATE, METHOD_BLACKEN};

/* A face, a plate, a person with a mask and a vehicle cut by the border. */
static struct detections four(void)
{
    struct detections d = {0};
    scene_add(&d, OBJECT_FACE, 31, 21, 75, 77);
    scene_add(&d, OBJECT_LICENSE_PLATE, 101.5f, 11.5f, 150, 25);
    struct detection person = scene_detection(OBJECT_PERSON, 90, 50, 130, 130);
    person.mask = scene_mask(90, 50, 40, 80);
    assert_int_equal(detections_append(&d, &person), 0);
    scene_add(&d, OBJECT_VEHICLE, 160, 90, 203, 149);
    return d;
}

/* The largest alpha of any region, for every pixel of the picture. */
static uint8_t *union_alpha(const struct detections *d, const struct request_options *request, int width, int height)
{
    uint8_t *all = calloc((size_t)width * (size_t)height, 1);
    for (size_t i = 0; i < d->len; i++) {
        struct region_outline o;
        struct region r;
        assert_int_equal(region_place(&d->items[i], request, width, height, &o), 0);
        assert_int_equal(region_fill(&o, request, &r), 0);
        for (int y = o.rect.y0; y < o.rect.y1; y++)
            for (int x = o.rect.x0; x < o.rect.x1; x++) {
                uint8_t a = r.alpha[(y - o.rect.y0) * rect_width(&o.rect) + x - o.rect.x0];
                all[y * width + x] = a > all[y * width + x] ? a : all[y * width + x];
            }
        region_finish(&r);
    }
    return all;
}

/* The largest and smallest alpha among the pixels that a sample stands for. */
static void sample_alpha(
    const struct frame *f, const uint8_t *all, int plane, int x, int y, int *ret_most, int *ret_least)
{
    struct rect whole = {0, 0, f->width, f->height};
    struct plane_place p = plane_place(f, plane, &whole);
    *ret_most = 0;
    *ret_least = 255;
    for (int j = y << p.shift_y; j < (y + 1) << p.shift_y && j < f->height; j++)
        for (int i = x << p.shift_x; i < (x + 1) << p.shift_x && i < f->width; i++) {
            int a = all[j * f->width + i];
            *ret_most = a > *ret_most ? a : *ret_most;
            *ret_least = a < *ret_least ? a : *ret_least;
        }
}

/* Every plane of every kind: unchanged where no alpha is, changed where it is full (noise seldom equals what is
 * painted). */
static void check_geometry(enum scene_kind kind, enum method method)
{
    struct request_options request = scene_request(method);
    struct detections d = four();
    struct frame *before = scene_frame(kind, WIDTH, HEIGHT, 7), *after = scene_copy(before);
    uint8_t *all = union_alpha(&d, &request, WIDTH, HEIGHT);
    scene_redact(&after, &d, &request);
    int changed = 0, full = 0;
    for (int p = 0; p < before->plane_count; p++) {
        bool alpha_plane = before->alpha && before->plane_count > 1 && p == before->plane_count - 1;
        for (int y = 0; y < before->planes[p].height; y++)
            for (int x = 0; x < before->planes[p].width; x++)
                for (int c = 0; c < before->planes[p].channels; c++) {
                    int most, least;
                    bool same = scene_get(before, p, x, y, c) == scene_get(after, p, x, y, c);
                    sample_alpha(before, all, p, x, y, &most, &least);
                    bool alpha = alpha_plane ||
                                 (before->alpha && before->plane_count == 1 && c == before->planes[0].channels - 1);
                    if (most == 0 || alpha) {
                        assert_true(same);
                    } else if (most == 255) {
                        full++;
                        changed += !same;
                    }
                }
    }
    assert_true(full > 4000 && changed > full * 97 / 100);
    free(all);
    frame_unref(before);
    frame_unref(after);
    detections_finish(&d);
}

static void only_regions_change(void **state)
{
    for (int kind = 0; kind < SCENE_KINDS; kind++)
        for (size_t m = 0; m < 3; m++)
            check_geometry((enum scene_kind)kind, methods[m]);
}

/* The first plane of YUV 4:4:4, of 4:2:0 and of grey get the same bytes: one geometry, one set of kernels. */
static void kinds_agree(void **state)
{
    for (size_t m = 0; m < 2; m++) {
        struct request_options request = scene_request(methods[m]);
        struct detections d = four();
        struct frame *grey = scene_frame(SCENE_GREY, WIDTH, HEIGHT, 3), *rgb = scene_frame(SCENE_RGB, WIDTH, HEIGHT, 4);
        struct frame *full = scene_frame(SCENE_YUV444, WIDTH, HEIGHT, 5),
                     *half = scene_frame(SCENE_YUV420, WIDTH, HEIGHT, 6);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int v = scene_get(grey, 0, x, y, 0);
                scene_set(full, 0, x, y, 0, v);
                scene_set(half, 0, x, y, 0, v);
                for (int c = 0; c < 3; c++)
                    scene_set(rgb, 0, x, y, c, v);
            }
        scene_redact(&grey, &d, &request);
        scene_redact(&rgb, &d, &request);
        scene_redact(&full, &d, &request);
        scene_redact(&half, &d, &request);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int v = scene_get(grey, 0, x, y, 0);
                assert_int_equal(scene_get(full, 0, x, y, 0), v);
                assert_int_equal(scene_get(half, 0, x, y, 0), v);
                for (int c = 0; c < 3; c++)
                    assert_int_equal(scene_get(rgb, 0, x, y, c), v);
            }
        frame_unref(grey);
        frame_unref(rgb);
        frame_unref(full);
        frame_unref(half);
        detections_finish(&d);
    }
}

static void black_is_black(void **state)
{
    struct request_options request = scene_request(METHOD_BLACKEN);
    struct detections d = {0};
    scene_add(&d, OBJECT_VEHICLE, 20, 20, 60, 60);
    const struct {
        enum scene_kind kind;
        bool full_range;
        int luma, chroma;
    } cases[] = {{SCENE_GREY, true, 0, 0}, {SCENE_RGB16, true, 0, 0}, {SCENE_YUV420, false, 16, 128},
        {SCENE_YUV420, true, 0, 128}, {SCENE_YUV420_10, false, 64, 512}, {SCENE_NV12, false, 16, 128}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame *f = scene_frame(cases[i].kind, 90, 90, 1);
        f->full_range = cases[i].full_range;
        scene_redact(&f, &d, &request);
        for (int c = 0; c < f->planes[0].channels; c++)
            assert_int_equal(scene_get(f, 0, 40, 40, c), cases[i].luma);
        for (int p = 1; p < f->plane_count; p++)
            for (int c = 0; c < f->planes[p].channels; c++)
                assert_int_equal(scene_get(f, p, 20, 20, c), cases[i].chroma);
        frame_unref(f);
    }
    detections_finish(&d);
}

/* A flat picture stays exactly as it is: no colour cast from rounding. Levels that the rounding keeps: black, neutral,
 * white. */
static void neutral_colours_stay(void **state)
{
    struct detections d = four();
    static const int values[] = {0, 64, 128, 255};
    for (size_t i = 0; i < 4; i++) {
        int value = values[i];
        struct request_options request = scene_request(METHOD_BLUR);
        struct frame *f = scene_frame(SCENE_RGB, WIDTH, HEIGHT, 1);
        for (int y = 0; y < HEIGHT; y++)
            memset(f->planes[0].data + y * f->planes[0].stride, value, WIDTH * 3);
        struct frame *before = scene_copy(f);
        scene_redact(&f, &d, &request);
        assert_true(scene_equal(before, f));
        frame_unref(before);
        frame_unref(f);
    }
    detections_finish(&d);
}

static void ignored_pixels_stay(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    request.ignores[0] = (struct ignore_rect){45, 33, 21, 17}; /* odd edges: chroma samples straddle them */
    request.ignores[1] = (struct ignore_rect){-10, 120, 1000, 7};
    request.ignore_count = 2;
    for (int kind = 0; kind < SCENE_KINDS; kind++)
        for (size_t m = 0; m < 3; m++) {
            request.method = methods[m];
            struct detections d = four();
            redact_decide(&d, &request);
            struct frame *before = scene_frame((enum scene_kind)kind, WIDTH, HEIGHT, 9), *after = scene_copy(before);
            scene_redact(&after, &d, &request);
            assert_false(scene_equal(before, after));
            struct rect picture = {0, 0, WIDTH, HEIGHT};
            for (int i = 0; i < 2; i++)
                for (int p = 0; p < before->plane_count; p++) {
                    struct rect area = region_ignored(&request.ignores[i], &picture);
                    struct rect s = plane_place(before, p, &area).rect;
                    for (int y = s.y0; y < s.y1; y++)
                        for (int x = s.x0; x < s.x1; x++)
                            for (int c = 0; c < before->planes[p].channels; c++)
                                assert_int_equal(scene_get(before, p, x, y, c), scene_get(after, p, x, y, c));
                }
            frame_unref(before);
            frame_unref(after);
            detections_finish(&d);
        }
}

static void decisions(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    request.types = OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(OBJECT_PERSON);
    request.ignores[0] = (struct ignore_rect){0, 0, 50, 100};
    request.ignores[1] = (struct ignore_rect){50, 0, 50, 60};
    request.ignores[2] = (struct ignore_rect){50, 60, 50, 40};
    request.ignores[3] = (struct ignore_rect){150, 0, 0, 40};
    request.ignore_count = 4;
    struct detections d = {0};
    scene_add(&d, OBJECT_FACE, 10, 10, 40, 40);        /* inside one area */
    scene_add(&d, OBJECT_FACE, 30, 30, 70, 90);        /* inside three together */
    scene_add(&d, OBJECT_PERSON, 30, 30, 100.5f, 90);  /* half a pixel outside */
    scene_add(&d, OBJECT_VEHICLE, 120, 120, 180, 180); /* nobody asked for it */
    scene_add(&d, OBJECT_PERSON, 120, 20, 180, 30);
    redact_decide(&d, &request);
    const bool expected[] = {false, false, true, false, true};
    for (size_t i = 0; i < d.len; i++)
        assert_int_equal(d.items[i].anonymised, expected[i]);
    struct frame *before = scene_frame(SCENE_RGB, 200, 200, 2), *after = scene_copy(before);
    d.items[2].anonymised = d.items[4].anonymised = false;
    scene_redact(&after, &d, &request);
    assert_true(scene_equal(before, after));
    frame_unref(before);
    frame_unref(after);
    detections_finish(&d);
}

static void detect_changes_nothing_and_shared_frames_are_copied(void **state)
{
    struct request_options request = scene_request(METHOD_DETECT);
    struct detections d = four();
    struct frame *f = scene_frame(SCENE_RGB, WIDTH, HEIGHT, 2), *other = frame_ref(f), *copy = scene_copy(f);
    scene_redact(&f, &d, &request);
    assert_ptr_equal(f, other);
    request.method = METHOD_BLUR;
    scene_redact(&f, &d, &request);
    assert_ptr_not_equal(f, other);
    assert_true(scene_equal(other, copy));
    assert_false(scene_equal(f, copy));
    frame_unref(f);
    frame_unref(other);
    frame_unref(copy);
    detections_finish(&d);
}

static void order_does_not_matter(void **state)
{
    uint32_t state32 = 99;
    struct detections d = {0}, turned = {0};
    for (int i = 0; i < 40; i++) {
        float x = (float)(scene_random(&state32) % 150), y = (float)(scene_random(&state32) % 100);
        float size = (float)(5 + scene_random(&state32) % 90);
        scene_add(&d, (enum object_type)(i % OBJECT_TYPES), x, y, x + size, y + size);
    }
    for (size_t i = d.len; i-- > 0;)
        assert_int_equal(detections_append(&turned, &d.items[i]), 0);
    for (size_t m = 0; m < 3; m++) {
        struct request_options request = scene_request(methods[m]);
        struct frame *a = scene_frame(SCENE_YUV420, WIDTH, HEIGHT, 5), *b = scene_copy(a);
        scene_redact(&a, &d, &request);
        scene_redact(&b, &turned, &request);
        assert_true(scene_equal(a, b));
        frame_unref(a);
        frame_unref(b);
    }
    detections_finish(&d);
    detections_finish(&turned);
}

static void strength_follows_size(void **state)
{
    for (int type = 0; type < OBJECT_TYPES; type++) {
        struct request_options defaults = scene_request(METHOD_BLUR);
        double kernel = defaults.kernel_size[type];
        for (int size = 1; size < 6000; size += 1 + size / 7) {
            double blur = cells_side((enum object_type)type, size, size / 2 + 1, METHOD_BLUR, kernel);
            assert_true(blur >= 4 && blur * CELLS_OBJECT >= size);
            assert_true(cells_side((enum object_type)type, size, size, METHOD_PIXELATE, 0.01) * CELLS_OBJECT >= size);
            assert_true(cells_side((enum object_type)type, size, size, METHOD_BLUR, NAN) * CELLS_OBJECT >= size);
            /* a larger kernel never weakens, a smaller one may */
            assert_true(cells_side((enum object_type)type, size, size / 2 + 1, METHOD_BLUR, kernel * 1.5) >= blur);
            assert_true(cells_side((enum object_type)type, size, size / 2 + 1, METHOD_BLUR, kernel / 4) <= blur);
        }
    }
    assert_true(cells_side(OBJECT_FACE, 600, 600, METHOD_BLUR, 0.05) < 600.0 / 24);
}

/* Turns the pixels around within every cell's rows: all detail changes, no mean does. */
static void turn_within_cells(struct frame *f, const struct rect *rect, double side)
{
    struct cells c = {.rect = *rect, .side = side, .columns = (int)ceil(rect_width(rect) / side), .rows = 1};
    struct plane_place place = plane_place(f, 0, rect);
    int *x = malloc(((size_t)c.columns + 1) * sizeof *x);
    cells_bounds(&c, &place, true, x);
    for (int y = rect->y0; y < rect->y1; y++)
        for (int i = 0; i < c.columns; i++)
            for (int a = x[i], b = x[i + 1] - 1; a < b; a++, b--)
                for (int ch = 0; ch < 3; ch++) {
                    int keep = scene_get(f, 0, a, y, ch);
                    scene_set(f, 0, a, y, ch, scene_get(f, 0, b, y, ch));
                    scene_set(f, 0, b, y, ch, keep);
                }
    free(x);
}

/* Correlation between the detail of `before` (what differs from the mean of the 5 x 5 px around) and `after`, inside
 * the box. */
static double detail_left(const struct frame *before, const struct frame *after, int begin, int end)
{
    double xx = 0, yy = 0, xy = 0, sum = 0;
    for (int y = begin; y < end; y++)
        for (int x = begin; x < end; x++)
            sum += scene_get(after, 0, x, y, 0);
    double mean = sum / (end - begin) / (end - begin);
    for (int y = begin; y < end; y++)
        for (int x = begin; x < end; x++) {
            double around = 0;
            for (int j = -2; j <= 2; j++)
                for (int i = -2; i <= 2; i++)
                    around += scene_get(before, 0, x + i, y + j, 0) / 25.0;
            double a = scene_get(before, 0, x, y, 0) - around, b = scene_get(after, 0, x, y, 0) - mean;
            xx += a * a;
            yy += b * b;
            xy += a * b;
        }
    return yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Faces from 20 to 800 px: at most 12 cells along them, what is painted depends on the cells' means alone, and no fine
 * detail is left. */
static void nothing_finer_than_cells_is_left(void **state)
{
    static const int sizes[] = {20, 33, 64, 150, 377, 800};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (size_t m = 0; m < 3; m++) {
            int size = sizes[k], begin = size / 4, picture = size + 2 * begin;
            struct request_options request = scene_request(methods[m]);
            request.gradient_start[OBJECT_FACE] = 0;
            request.bbox = true;
            struct detections d = {0};
            scene_add(&d, OBJECT_FACE, (float)begin, (float)begin, (float)(begin + size), (float)(begin + size));
            struct rect box = {begin, begin, begin + size, begin + size};
            double side = cells_side(OBJECT_FACE, size, size, request.method, request.kernel_size[OBJECT_FACE]);
            assert_true(size / side <= CELLS_OBJECT);
            struct frame *before = scene_frame(SCENE_RGB, picture, picture, 11), *after = scene_copy(before),
                         *turned = scene_copy(before);
            turn_within_cells(turned, &box, side);
            assert_false(scene_equal(before, turned));
            scene_redact(&after, &d, &request);
            scene_redact(&turned, &d, &request);
            assert_true(scene_equal(after, turned));
            assert_true(fabs(detail_left(before, before, begin, begin + size)) > 0.9);
            assert_true(fabs(detail_left(before, after, begin, begin + size)) < (size < 100 ? 0.2 : 0.05));
            frame_unref(before);
            frame_unref(after);
            frame_unref(turned);
            detections_finish(&d);
        }
}

/* A small face inside a large person shows only the person's cells, in whichever order they come. */
static void coarse_cells_win(void **state)
{
    struct request_options request = scene_request(METHOD_PIXELATE);
    struct detections both = {0}, one = {0};
    scene_add(&both, OBJECT_PERSON, 20, 20, 180, 180);
    scene_add(&both, OBJECT_FACE, 80, 50, 110, 80);
    scene_add(&one, OBJECT_PERSON, 20, 20, 180, 180);
    struct frame *a = scene_frame(SCENE_RGB, 200, 200, 5), *b = scene_copy(a);
    scene_redact(&a, &both, &request);
    scene_redact(&b, &one, &request);
    assert_true(scene_equal(a, b));
    frame_unref(a);
    frame_unref(b);
    detections_finish(&both);
    detections_finish(&one);
}

static void many_and_broken_objects(void **state)
{
    uint32_t seed = 5;
    struct detections d = {0};
    const float odd[] = {0, 1, 0.5f, -3, 1e9f, -1e9f, INFINITY, 96, 95.5f, 63.99f, 64};
    for (int i = 0; i < 1000; i++)
        scene_add(&d, (enum object_type)(i % OBJECT_TYPES), odd[scene_random(&seed) % 11],
            odd[scene_random(&seed) % 11], odd[scene_random(&seed) % 11], odd[scene_random(&seed) % 11]);
    for (size_t m = 0; m < 3; m++) {
        struct request_options request = scene_request(methods[m]);
        struct frame *f = scene_frame(SCENE_YUV411, 97, 65, 5);
        scene_redact(&f, &d, &request);
        frame_unref(f);
    }
    struct frame *pixel = scene_frame(SCENE_YUV420, 1, 1, 5);
    struct request_options request = scene_request(METHOD_BLUR);
    scene_redact(&pixel, &d, &request);
    frame_unref(pixel);
    detections_finish(&d);
}

/* A detection that cannot be placed must not let the frame pass. */
static void no_place_fails_closed(void **state)
{
    struct request_options request = scene_request(METHOD_BLUR);
    struct detections d = {0};
    struct error err = {0};
    scene_add(&d, OBJECT_FACE, NAN, 1, 20, 20);
    struct frame *f = scene_frame(SCENE_RGB, 30, 30, 5);
    assert_int_equal(redact_frame(&f, &d, &request, &err), -ERANGE);
    assert_true(err.text[0]);
    frame_unref(f);
    detections_finish(&d);
}

static void whole_frames(void **state)
{
    const enum method all[] = {METHOD_BLUR, METHOD_PIXELATE, METHOD_BLACKEN, METHOD_DETECT};
    for (size_t m = 0; m < 4; m++)
        for (int kind = 0; kind < SCENE_KINDS; kind++) {
            struct error err = {0};
            struct frame *f = scene_frame((enum scene_kind)kind, WIDTH, HEIGHT, 5), *before = scene_copy(f);
            assert_int_equal(redact_whole(&f, all[m], &err), 0);
            double xy = 0;
            for (int y = 2; y < HEIGHT - 2; y++)
                for (int x = 2; x < WIDTH - 2; x++)
                    xy += scene_get(f, 0, x, y, 0) == scene_get(before, 0, x, y, 0);
            assert_true(xy < WIDTH * HEIGHT / 20.0);
            assert_true(fabs(detail_left(before, f, 2, HEIGHT - 2)) < 0.1);
            frame_unref(before);
            frame_unref(f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_regions_change),
        cmocka_unit_test(kinds_agree),
        cmocka_unit_test(black_is_black),
        cmocka_unit_test(neutral_colours_stay),
        cmocka_unit_test(ignored_pixels_stay),
        cmocka_unit_test(decisions),
        cmocka_unit_test(detect_changes_nothing_and_shared_frames_are_copied),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(strength_follows_size),
        cmocka_unit_test(nothing_finer_than_cells_is_left),
        cmocka_unit_test(coarse_cells_win),
        cmocka_unit_test(many_and_broken_objects),
        cmocka_unit_test(no_place_fails_closed),
        cmocka_unit_test(whole_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
