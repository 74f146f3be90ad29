/* Masks survive coding, and joining, cropping and counting agree with plain bitmaps. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/mask.h"

#define SIDE 96

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* A picture-sized bitmap and a mask of some part of it, full of blobs so that runs are long and short. */
static struct mask *random_mask(unsigned *seed, uint8_t bitmap[SIDE][SIDE])
{
    memset(bitmap, 0, SIDE * SIDE);
    int x = next_random(seed) % 40, y = next_random(seed) % 40, w = 1 + next_random(seed) % 50,
        h = 1 + next_random(seed) % 50;
    for (int i = 0; i < 6; i++) {
        int bx = x + next_random(seed) % w, by = y + next_random(seed) % h, bw = 1 + next_random(seed) % 20;
        for (int v = by; v < y + h && v < by + bw; v++)
            for (int u = bx; u < x + w && u < bx + bw; u++)
                bitmap[v][u] = 1;
    }
    struct mask *m = NULL;
    assert_int_equal(mask_encode(&bitmap[y][x], SIDE, x, y, w, h, &m), 0);
    return m;
}

static void draw(const struct mask *m, uint8_t bitmap[SIDE][SIDE])
{
    memset(bitmap, 0, SIDE * SIDE);
    mask_decode(m, 1, &bitmap[m->y][m->x], SIDE);
}

static uint64_t sum(uint8_t bitmap[SIDE][SIDE])
{
    uint64_t n = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        n += bitmap[i / SIDE][i % SIDE];
    return n;
}

static void coding_is_lossless(void **state)
{
    unsigned seed = 1;
    uint8_t in[SIDE][SIDE], out[SIDE][SIDE];
    for (int i = 0; i < 200; i++) {
        struct mask *m = random_mask(&seed, in);
        uint64_t total = 0;
        for (size_t k = 0; k < m->run_count; k++)
            total += m->runs[k];
        assert_int_equal(total, m->width * m->height);
        draw(m, out);
        assert_memory_equal(in, out, sizeof in);
        assert_int_equal(mask_count(m), sum(in));
        mask_destroy(m);
    }
}

static void runs_begin_with_zero_and_any_byte_counts(void **state)
{
    const uint8_t bits[] = {255, 255, 3, 0, 0, 7};
    struct mask *m = NULL;
    assert_int_equal(mask_encode(bits, 3, 5, 6, 3, 2, &m), 0);
    const uint32_t want[] = {0, 3, 2, 1};
    assert_int_equal(m->run_count, 4);
    assert_memory_equal(m->runs, want, sizeof want);
    uint8_t out[6];
    mask_decode(m, 200, out, 3);
    const uint8_t back[] = {200, 200, 200, 0, 0, 200};
    assert_memory_equal(out, back, 6);
    mask_destroy(m);
    assert_int_equal(mask_encode(bits, 3, 0, 0, 0, 2, &m), -EINVAL);
}

static void union_and_common_agree_with_bitmaps(void **state)
{
    unsigned seed = 2;
    uint8_t a[SIDE][SIDE], b[SIDE][SIDE], out[SIDE][SIDE], both[SIDE][SIDE];
    for (int i = 0; i < 200; i++) {
        struct mask *ma = random_mask(&seed, a), *mb = random_mask(&seed, b), *u = NULL;
        assert_int_equal(mask_union(ma, mb, &u), 0);
        draw(u, out);
        uint64_t common = 0;
        for (int k = 0; k < SIDE * SIDE; k++) {
            both[k / SIDE][k % SIDE] = a[k / SIDE][k % SIDE] & b[k / SIDE][k % SIDE];
            a[k / SIDE][k % SIDE] |= b[k / SIDE][k % SIDE];
        }
        assert_memory_equal(a, out, sizeof a);
        assert_int_equal(mask_count_common(ma, mb, 0, &common), 0);
        assert_int_equal(common, sum(both));
        mb->x -= 1000;
        assert_int_equal(mask_count_common(ma, mb, 1000, &common), 0);
        assert_int_equal(common, sum(both));
        mask_destroy(ma);
        mask_destroy(mb);
        mask_destroy(u);
    }
}

static void columns_are_cropped(void **state)
{
    unsigned seed = 3;
    uint8_t a[SIDE][SIDE], l[SIDE][SIDE], r[SIDE][SIDE];
    for (int i = 0; i < 100; i++) {
        struct mask *m = random_mask(&seed, a), *left = NULL, *right = NULL;
        int cut = m->x + 1 + (m->width > 1 ? (int)(next_random(&seed) % (m->width - 1)) : 0);
        assert_int_equal(mask_crop_columns(m, 0, cut, &left), 0);
        draw(left, l);
        assert_int_equal(left->x + left->width, cut);
        if (cut < m->x + m->width) {
            assert_int_equal(mask_crop_columns(m, cut, SIDE, &right), 0);
            draw(right, r);
            for (int k = 0; k < SIDE * SIDE; k++)
                l[k / SIDE][k % SIDE] |= r[k / SIDE][k % SIDE];
        }
        assert_memory_equal(a, l, sizeof a);
        mask_destroy(m);
        mask_destroy(left);
        mask_destroy(right);
    }
}

static void shapes_of_boxes(void **state)
{
    const struct box box = {10.2f, 20.0f, 50.0f, 39.5f};
    struct mask *m = NULL;
    assert_int_equal(mask_rectangle(&box, &m), 0);
    assert_int_equal(m->x, 10);
    assert_int_equal(mask_count(m), 40 * 20);
    mask_destroy(m);
    assert_int_equal(mask_ellipse(&box, 0, 1000, &m), 0);
    double share = mask_count(m) / (39.8 * 19.5);
    assert_true(share > 0.77 && share < 0.80);
    mask_destroy(m);
    assert_int_equal(mask_ellipse(&box, 30, 1000, &m), 0);
    assert_int_equal(m->x, 30);
    assert_int_equal(m->width, 20);
    mask_destroy(m);
    assert_int_equal(mask_ellipse(&box, 60, 1000, &m), -EINVAL);
}

static void boxes_and_lists(void **state)
{
    const struct box a = {0, 0, 10, 10}, b = {5, 0, 15, 10}, c = {20, 20, 30, 30};
    assert_true(box_iou(&a, &b) > 0.333f && box_iou(&a, &b) < 0.334f);
    assert_true(box_iou(&a, &c) == 0);
    assert_true(box_union(&a, &c).x2 == 30);
    struct detections list = {0};
    for (int i = 0; i < 100; i++) {
        struct detection d = {.score = (float)i, .box = a};
        assert_int_equal(mask_rectangle(&a, &d.mask), 0);
        assert_int_equal(detections_append(&list, &d), 0);
    }
    assert_int_equal(list.len, 100);
    assert_true(list.items[99].score == 99);
    detections_finish(&list);
    assert_null(list.items);
    detections_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coding_is_lossless),
        cmocka_unit_test(runs_begin_with_zero_and_any_byte_counts),
        cmocka_unit_test(union_and_common_agree_with_bitmaps),
        cmocka_unit_test(columns_are_cropped),
        cmocka_unit_test(shapes_of_boxes),
        cmocka_unit_test(boxes_and_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
