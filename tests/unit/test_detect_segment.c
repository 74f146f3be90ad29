/* Masks from prototypes against the plain formula, evaluated for every pixel of the box. */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/mask.h"
#include "detect/segment.h"

enum { PLANES = 5, WIDTH = 20, HEIGHT = 12 };

static float plane_value(int k, int y, int x)
{
    return sinf(0.9f * k + 0.35f * x) * cosf(0.4f * y - 0.7f * k);
}

static void make(struct prototypes *p, int pixel_stride)
{
    float *data = calloc((size_t)WIDTH * HEIGHT * pixel_stride, sizeof *data);
    for (int k = 0; k < PLANES; k++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                data[(y * WIDTH + x) * pixel_stride + k] = plane_value(k, y, x);
    struct infer_output o = {.data = data,
        .n = 1,
        .c = PLANES,
        .h = HEIGHT,
        .w = WIDTH,
        .stride_c = 1,
        .stride_x = pixel_stride,
        .stride_y = WIDTH * pixel_stride};
    assert_int_equal(prototypes_copy(p, &o, false), 0);
    free(data);
}

static const float coefs[PLANES] = {0.6f, -1.1f, 0.9f, 0.3f, -0.4f};

static float sum_at(int y, int x)
{
    float v = 0;
    for (int k = 0; k < PLANES; k++)
        v += coefs[k] * plane_value(k, y, x);
    return v;
}

/* The logit at a picture pixel: bilinear between prototype pixels, the outermost ones hold beyond the border. */
static float logit_at(const struct prototypes *p, int px, int py)
{
    float x = fminf(fmaxf((px + 0.5f - p->origin_x) / p->scale_x - 0.5f, 0), WIDTH - 1);
    float y = fminf(fmaxf((py + 0.5f - p->origin_y) / p->scale_y - 0.5f, 0), HEIGHT - 1);
    int x0 = (int)x, y0 = (int)y, x1 = x0 + 1 < WIDTH ? x0 + 1 : x0, y1 = y0 + 1 < HEIGHT ? y0 + 1 : y0;
    float top = sum_at(y0, x0) + (sum_at(y0, x1) - sum_at(y0, x0)) * (x - x0);
    float bottom = sum_at(y1, x0) + (sum_at(y1, x1) - sum_at(y1, x0)) * (x - x0);
    return top + (bottom - top) * (y - y0);
}

static float mean_at(const struct mask_source *sources, int count, int px, int py)
{
    float v = 0;
    for (int i = 0; i < count; i++)
        v += sources[i].weight * logit_at(sources[i].prototypes, px, py);
    return v;
}

static void compare_mean(const struct mask_source *sources, int count, struct box box)
{
    struct mask *m = NULL;
    assert_int_equal(segment_mask(sources, count, &box, &m), 0);
    assert_int_equal(m->x, (int)floorf(box.x1));
    assert_int_equal(m->y, (int)floorf(box.y1));
    assert_int_equal(m->x + m->width, (int)ceilf(box.x2));
    assert_int_equal(m->y + m->height, (int)ceilf(box.y2));
    uint8_t *bits = malloc((size_t)m->width * m->height);
    mask_decode(m, 1, bits, m->width);
    int ones = 0;
    for (int i = 0; i < m->width * m->height; i++)
        ones += mean_at(sources, count, m->x + i % m->width, m->y + i / m->width) > 0;
    bool failed = ones < 0.05 * m->width * m->height; /* then the whole rectangle counts */
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++) {
            float v = mean_at(sources, count, m->x + x, m->y + y);
            if (fabsf(v) > 1e-4f)
                assert_int_equal(bits[y * m->width + x], failed || v > 0);
        }
    free(bits);
    mask_destroy(m);
}

static void compare(const struct prototypes *p, struct box box)
{
    compare_mean(&(struct mask_source){p, coefs, 1}, 1, box);
}

static void agrees_with_the_formula(void **state)
{
    struct prototypes p = {0};
    make(&p, 16);
    p.scale_x = p.scale_y = 4;
    compare(&p, (struct box){0, 0, 80, 48});
    compare(&p, (struct box){13.4f, 7.7f, 44.2f, 40.1f});
    p = (struct prototypes){.planes = p.planes,
        .cap = p.cap,
        .count = p.count,
        .width = p.width,
        .height = p.height,
        .origin_x = 300,
        .origin_y = 40,
        .scale_x = 11.3f,
        .scale_y = 10.9f};
    compare(&p, (struct box){300, 40, 526, 170});
    compare(&p, (struct box){340.5f, 90, 341, 91.5f}); /* smaller than a prototype pixel */
    compare(&p, (struct box){515, 150, 526, 170});     /* the outermost samples */
    p.scale_x = p.scale_y = 0.7f;                      /* prototypes finer than the picture */
    compare(&p, (struct box){300, 40, 314, 48});
    make(&p, 1 + PLANES); /* copied again over the old ones */
    prototypes_finish(&p);
}

static void two_passes_give_their_mean(void **state)
{
    struct prototypes fine = {0}, coarse = {0};
    make(&fine, 16);
    make(&coarse, 16);
    fine.scale_x = fine.scale_y = 4;
    coarse.scale_x = coarse.scale_y = 6.7f;
    coarse.origin_x = -30;
    const struct mask_source sources[] = {{&fine, coefs, 0.7f}, {&coarse, coefs, 0.4f}};
    compare_mean(sources, 2, (struct box){0, 0, 80, 48});
    compare_mean(sources, 2, (struct box){13.4f, 7.7f, 44.2f, 40.1f});
    struct mask *m;
    assert_int_equal(segment_mask(sources, 0, &(struct box){0, 0, 80, 48}, &m), -EINVAL);
    prototypes_finish(&fine);
    prototypes_finish(&coarse);
}

static void planes_of_a_mirrored_input_are_turned_back(void **state)
{
    const float data[] = {1, 2, 3, 4, 5, 6};
    const struct infer_output o = {
        .data = data, .n = 1, .c = 1, .h = 2, .w = 3, .stride_c = 6, .stride_x = 1, .stride_y = 3};
    const float turned[] = {3, 2, 1, 6, 5, 4};
    struct prototypes p = {0};
    assert_int_equal(prototypes_copy(&p, &o, true), 0);
    assert_memory_equal(p.planes, turned, sizeof turned);
    prototypes_finish(&p);
}

static void an_empty_mask_covers_the_box(void **state)
{
    struct prototypes p = {0};
    make(&p, 8);
    p.scale_x = p.scale_y = 4;
    for (size_t i = 0; i < p.cap; i++)
        p.planes[i] = 1;
    const float against[PLANES] = {-1, -1, -1, -1, -1};
    const struct mask_source source = {&p, against, 1};
    struct mask *m = NULL;
    assert_int_equal(segment_mask(&source, 1, &(struct box){3, 4, 33, 44}, &m), 0);
    assert_int_equal(mask_count(m), 30 * 40);
    mask_destroy(m);
    assert_int_equal(segment_mask(&source, 1, &(struct box){3, 4, 3, 44}, &m), -EINVAL);
    prototypes_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_formula),
        cmocka_unit_test(two_passes_give_their_mean),
        cmocka_unit_test(planes_of_a_mirrored_input_are_turned_back),
        cmocka_unit_test(an_empty_mask_covers_the_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
