/* Plans look at every pixel, enlarge only small whole pictures for the scene network, and tiles lie as the request
 * says. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/plan.h"

/* enlarged: whether the passes may be, by half. */
static void check_view(const struct view *v, int width, int height, bool wraps, bool enlarged)
{
    assert_true(v->x >= 0 && v->y >= 0 && v->width >= 1 && v->height >= 1);
    assert_true(v->width <= width && v->y + v->height <= height);
    assert_true(wraps ? v->x < width : v->x + v->width <= width);
    assert_true(v->pass_count >= 1 && v->pass_count <= PLAN_MAX_PASSES);
    for (int i = 0; i < v->pass_count; i++) {
        const struct pass *p = &v->passes[i];
        assert_true(p->width >= 1 && p->height >= 1);
        if (enlarged)
            assert_true(2 * p->width <= 3 * v->width + 1 && 2 * p->height <= 3 * v->height + 1);
        else
            assert_true(p->width <= v->width && p->height <= v->height);
        assert_true(p->reach > 0);
    }
}

/* Every column and row (the tiling is a product of both) lies in some tile. */
static void check_cover(const struct plan *plan, int width, int height)
{
    uint8_t *columns = calloc(width, 1), *rows = calloc(height, 1);
    for (size_t i = plan->count > 1; i < plan->count; i++) {
        const struct view *v = &plan->views[i];
        for (int x = v->x; x < v->x + v->width; x++)
            columns[x % width] = 1;
        memset(rows + v->y, 1, v->height);
    }
    assert_null(memchr(columns, 0, width));
    assert_null(memchr(rows, 0, height));
    free(columns);
    free(rows);
}

static void every_plan_covers_the_picture(void **state)
{
    const int sizes[][2] = {
        {1, 1}, {1, 3000}, {333, 500}, {4000, 3000}, {8192, 4096}, {6656, 3328}, {30000, 1}, {2, 2}};
    const struct tiling tilings[] = {{.kind = TILING_WHOLE},
        {.kind = TILING_GRID, .columns = 2, .rows = 2, .overlap_x = 100, .overlap_y = 0.2},
        {.kind = TILING_GRID, .columns = 64, .rows = 1},
        {.kind = TILING_GRID, .columns = 3, .rows = 5, .overlap_x = 0.99, .overlap_y = 1e6},
        {.kind = TILING_PANO, .pano_width = 8192}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t t = 0; t < sizeof tilings / sizeof *tilings; t++)
            for (int k = 0; k < 4; k++) {
                struct plan_options o = {
                    .kind = k & 1 ? PLAN_SCENE : PLAN_IDENTITY, .video = k & 2, .tiling = tilings[t]};
                struct plan plan = {0};
                int width = sizes[s][0], height = sizes[s][1];
                assert_int_equal(plan_make(&o, width, height, &plan), 0);
                assert_true(plan.count >= 1);
                assert_int_equal(plan.views[0].width, width);
                assert_int_equal(plan.views[0].height, height);
                for (size_t i = 0; i < plan.count; i++)
                    check_view(&plan.views[i], width, height, plan.wraps, i == 0 && k == 1);
                check_cover(&plan, width, height);
                plan_finish(&plan);
            }
}

static void grids_lie_as_asked(void **state)
{
    struct plan_options o = {
        .tiling = {.kind = TILING_GRID, .columns = 2, .rows = 3, .overlap_x = 100, .overlap_y = 0.25}};
    struct plan plan;
    assert_int_equal(plan_make(&o, 1000, 1000, &plan), 0);
    assert_int_equal(plan.count, 7);
    const struct view *v = plan.views + 1;
    assert_int_equal(v[0].width, 550);
    assert_int_equal(v[1].x, 450);
    assert_int_equal(v[2].y, 300); /* 1000 / (3 - 2 * .25) = 400 high, a quarter of it shared */
    assert_int_equal(v[2].height, 400);
    assert_int_equal(v[0].inner, SIDE_RIGHT | SIDE_BOTTOM);
    assert_int_equal(v[3].inner, SIDE_LEFT | SIDE_TOP | SIDE_BOTTOM);
    assert_int_equal(plan.views[0].inner, 0);
    plan_finish(&plan);
    o.tiling.columns = 0;
    assert_int_equal(plan_make(&o, 1000, 1000, &plan), -EINVAL);
    assert_int_equal(plan_make(&(struct plan_options){0}, 0, 10, &plan), -EINVAL);
}

static void panoramas_go_round(void **state)
{
    struct plan_options o = {.tiling = {.kind = TILING_PANO, .pano_width = 8192}};
    struct plan plan;
    assert_int_equal(plan_make(&o, 8192, 4096, &plan), 0);
    assert_true(plan.wraps);
    assert_int_equal(plan.count, 1 + 5 * 2);
    const struct view *last = &plan.views[5];
    assert_true(last->width > 1800 && last->width < 2100);
    assert_true(last->x + last->width > 8192 + 200); /* goes on at the left edge */
    assert_true(last->inner & SIDE_RIGHT);
    assert_true(plan.views[1].inner & SIDE_LEFT);
    assert_int_equal(plan.views[0].inner, SIDE_LEFT | SIDE_RIGHT);
    plan_finish(&plan);
}

static void identity_sees_native_size_and_large_objects(void **state)
{
    struct plan_options o = {.kind = PLAN_IDENTITY};
    struct plan plan;
    assert_int_equal(plan_make(&o, 1600, 900, &plan), 0);
    const struct view *v = plan.views;
    assert_int_equal(v->passes[0].width, 1600);
    assert_int_equal(v->passes[0].height, 900);
    assert_int_equal(v->passes[v->pass_count - 1].width, 384);
    assert_true(v->passes[v->pass_count - 1].longest_min > 0);
    plan_finish(&plan);
    o.detect_size = 800;
    assert_int_equal(plan_make(&o, 1600, 900, &plan), 0);
    assert_int_equal(plan.views[0].passes[0].width, 800);
    plan_finish(&plan);
    assert_int_equal(plan_make(&o, 300, 200, &plan), 0); /* small already: one pass */
    assert_int_equal(plan.views[0].pass_count, 1);
    plan_finish(&plan);
}

static void expect_scene(int width, int height, bool video, int count, const int *longest, bool merge)
{
    struct plan_options o = {.kind = PLAN_SCENE, .video = video};
    struct plan plan;
    assert_int_equal(plan_make(&o, width, height, &plan), 0);
    assert_int_equal(plan.views[0].pass_count, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(plan.views[0].passes[i].width, longest[i]);
        assert_int_equal(plan.views[0].passes[i].mirrored, longest[i] == 384);
        assert_true((plan.views[0].passes[i].say_max > 0) == (longest[i] == 1280));
    }
    assert_int_equal(plan.merge, merge);
    plan_finish(&plan);
}

static void scene_sees_large_and_small_objects(void **state)
{
    expect_scene(300, 200, false, 1, (int[]){450}, false);      /* enlarged, by no more than half */
    expect_scene(500, 375, false, 2, (int[]){750, 384}, false); /* suppression settles what both saw */
    expect_scene(900, 600, false, 2, (int[]){768, 384}, false);
    expect_scene(4000, 3000, false, 3, (int[]){640, 384, 1280}, true);
    expect_scene(1920, 1080, true, 1, (int[]){640}, false); /* videos: one pass, for speed */
}

static void expect_input(enum plan_kind kind, double aspect, int width, int height)
{
    struct plan_options o = {.kind = kind, .video = true, .aspect = aspect};
    struct plan plan;
    assert_int_equal(plan_make(&o, 640, 480, &plan), 0);
    assert_int_equal(plan.views[0].width, 640);
    assert_int_equal(plan.views[0].height, 480);
    assert_int_equal(plan.views[0].passes[0].width, width);
    assert_int_equal(plan.views[0].passes[0].height, height);
    plan_finish(&plan);
}

static void networks_see_square_pixels(void **state)
{
    expect_input(PLAN_IDENTITY, 0, 640, 480);
    expect_input(PLAN_IDENTITY, 1, 640, 480);
    expect_input(PLAN_IDENTITY, 12.0 / 11, 640, 480); /* hardly to be seen */
    expect_input(PLAN_IDENTITY, 1.5, 960, 480);
    expect_input(PLAN_IDENTITY, 3, 1280, 320); /* the largest that it gives of a video's frame */
    expect_input(PLAN_IDENTITY, 0.5, 640, 960);
    expect_input(PLAN_IDENTITY, 1000, 640, 480); /* not believed */
    expect_input(PLAN_IDENTITY, 0.001, 640, 480);
    expect_input(PLAN_SCENE, 2, 640, 240);
    expect_input(PLAN_SCENE, 0.5, 427, 640);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plan_covers_the_picture),
        cmocka_unit_test(grids_lie_as_asked),
        cmocka_unit_test(panoramas_go_round),
        cmocka_unit_test(identity_sees_native_size_and_large_objects),
        cmocka_unit_test(scene_sees_large_and_small_objects),
        cmocka_unit_test(networks_see_square_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
