/* scale: against a plain double-precision area average, on every kind of frame. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "media/scale.h"

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void fill(struct frame *f)
{
    unsigned seed = 7;
    for (int p = 0; p < f->plane_count; p++)
        for (int y = 0; y < f->planes[p].height; y++)
            for (int i = 0; i < f->planes[p].width * f->planes[p].channels; i++) {
                uint8_t *row = f->planes[p].data + y * f->planes[p].stride;
                if (f->depth > 8)
                    ((uint16_t *)(void *)row)[i] = (uint16_t)(next_random(&seed) & ((1u << f->depth) - 1));
                else
                    row[i] = (uint8_t)next_random(&seed);
            }
}

static double sample(const struct frame *f, int p, int x, int y, int channel)
{
    const uint8_t *row = f->planes[p].data + y * f->planes[p].stride;
    int i = x * f->planes[p].channels + channel;
    return f->depth > 8 ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

/* The mean of one channel over an area with fractional edges. */
static double area_mean(const struct frame *f, int p, int channel, double x1, double y1, double x2, double y2)
{
    double sum = 0, area = 0;
    for (int y = (int)y1; y < f->planes[p].height && y < y2; y++)
        for (int x = (int)x1; x < f->planes[p].width && x < x2; x++) {
            double w = (fmin(x2, x + 1) - fmax(x1, x)) * (fmin(y2, y + 1) - fmax(y1, y));
            sum += w * sample(f, p, x, y, channel);
            area += w;
        }
    return sum / area;
}

static void check_interleaved(enum frame_color color, int depth, bool alpha)
{
    enum { W = 97, H = 61, X = 5, Y = 3, PART_W = 90, PART_H = 55, OUT_W = 31, OUT_H = 22 };
    struct frame *f = NULL;
    uint8_t out[OUT_H][OUT_W * 3];
    assert_int_equal(frame_create(color, W, H, depth, alpha, &f), 0);
    fill(f);
    assert_int_equal(scale_to_rgb(f, X, Y, PART_W, PART_H, out[0], sizeof out[0], OUT_W, OUT_H), 0);
    double kx = (double)PART_W / OUT_W, ky = (double)PART_H / OUT_H, top = (1 << depth) - 1;
    for (int y = 0; y < OUT_H; y++)
        for (int x = 0; x < OUT_W; x++)
            for (int c = 0; c < 3; c++) {
                double want = area_mean(
                    f, 0, color == FRAME_RGB ? c : 0, X + x * kx, Y + y * ky, X + (x + 1) * kx, Y + (y + 1) * ky);
                assert_true(fabs(out[y][x * 3 + c] - want * 255 / top) < 0.51);
            }
    frame_unref(f);
}

static void averages_areas(void **state)
{
    check_interleaved(FRAME_RGB, 8, false);
    check_interleaved(FRAME_RGB, 8, true);
    check_interleaved(FRAME_RGB, 16, false);
    check_interleaved(FRAME_RGB, 16, true);
    check_interleaved(FRAME_GREY, 8, false);
    check_interleaved(FRAME_GREY, 8, true);
    check_interleaved(FRAME_GREY, 16, false);
}

static void keeps_what_is_not_scaled(void **state)
{
    struct frame *f = NULL;
    uint8_t out[8][10 * 3];
    for (int alpha = 0; alpha < 2; alpha++) { /* the copy and the general path */
        assert_int_equal(frame_create(FRAME_RGB, 20, 20, 8, alpha, &f), 0);
        fill(f);
        assert_int_equal(scale_to_rgb(f, 9, 11, 10, 8, out[0], sizeof out[0], 10, 8), 0);
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 10; x++)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(out[y][x * 3 + c], (int)sample(f, 0, x + 9, y + 11, c));
        frame_unref(f);
    }
}

static void enlarges_bilinearly(void **state)
{
    struct frame *f = NULL;
    uint8_t out[4][8 * 3];
    assert_int_equal(frame_create(FRAME_GREY, 2, 1, 8, false, &f), 0);
    f->planes[0].data[0] = 0;
    f->planes[0].data[1] = 200;
    assert_int_equal(scale_to_rgb(f, 0, 0, 2, 1, out[0], sizeof out[0], 8, 4), 0);
    static const int want[] = {0, 0, 25, 75, 125, 175, 200, 200};
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 8; x++)
            assert_int_equal(out[y][x * 3 + 1], want[x]);
    frame_unref(f);
}

static void put(struct frame *f, int p, int x, int y, int value)
{
    uint8_t *row = f->planes[p].data + y * f->planes[p].stride;
    if (f->depth > 8)
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
    else
        row[x] = (uint8_t)value;
}

/* A flat colour through every subsampling, depth, range and matrix comes back. */
static void check_yuv(int depth, int shift_x, int shift_y, bool full, enum frame_matrix matrix)
{
    static const double kr[] = {0.299, 0.2126, 0.2627}, kb[] = {0.114, 0.0722, 0.0593};
    static const int rgb[] = {200, 60, 30};
    struct frame *f = NULL;
    assert_int_equal(frame_create_yuv(21, 13, depth, shift_x, shift_y, false, &f), 0);
    f->full_range = full;
    f->matrix = matrix;
    double unit = 1 << (depth - 8), top = (1 << depth) - 1;
    double y = kr[matrix] * rgb[0] + (1 - kr[matrix] - kb[matrix]) * rgb[1] + kb[matrix] * rgb[2];
    double cb = (rgb[2] - y) / (2 * (1 - kb[matrix])), cr = (rgb[0] - y) / (2 * (1 - kr[matrix]));
    double c_gain = full ? top / 255 : 224 * unit / 255;
    double v[] = {
        full ? y * top / 255 : 16 * unit + y * 219 * unit / 255, 128 * unit + cb * c_gain, 128 * unit + cr * c_gain};
    for (int p = 0; p < 3; p++)
        for (int j = 0; j < f->planes[p].height; j++)
            for (int i = 0; i < f->planes[p].width; i++)
                put(f, p, i, j, (int)lround(v[p]));
    static const int sizes[][2] = {{21, 13}, {10, 6}, {40, 26}};
    for (int s = 0; s < 3; s++) {
        uint8_t out[26][40 * 3];
        assert_int_equal(scale_to_rgb(f, 0, 0, 21, 13, out[0], sizeof out[0], sizes[s][0], sizes[s][1]), 0);
        for (int j = 0; j < sizes[s][1]; j++)
            for (int i = 0; i < sizes[s][0] * 3; i++)
                assert_true(abs(out[j][i] - rgb[i % 3]) <= 2);
    }
    frame_unref(f);
}

static void converts_yuv(void **state)
{
    static const int shifts[][2] = {{1, 1}, {1, 0}, {0, 0}, {2, 0}};
    for (int i = 0; i < 4; i++)
        for (int depth = 8; depth <= 10; depth += 2)
            for (int full = 0; full < 2; full++)
                for (int m = FRAME_MATRIX_BT601; m <= FRAME_MATRIX_BT2020; m++)
                    check_yuv(depth, shifts[i][0], shifts[i][1], full, (enum frame_matrix)m);
}

/* Chroma must be looked up where the luma is, also for a part that does not begin at the corner. */
static void places_chroma(void **state)
{
    struct frame *f = NULL;
    uint8_t out[8][8 * 3];
    assert_int_equal(frame_create_yuv(32, 32, 8, 1, 1, false, &f), 0);
    f->full_range = true;
    for (int j = 0; j < 32; j++)
        for (int i = 0; i < 32; i++)
            put(f, 0, i, j, 128);
    for (int j = 0; j < 16; j++)
        for (int i = 0; i < 16; i++) {
            put(f, 1, i, j, 128);
            put(f, 2, i, j, i >= 8 && j >= 8 ? 228 : 128);
        }
    assert_int_equal(scale_to_rgb(f, 16, 16, 16, 16, out[0], sizeof out[0], 8, 8), 0);
    for (int j = 0; j < 8; j++)
        for (int i = 0; i < 8; i++)
            assert_int_equal(out[j][i * 3], 255);
    assert_int_equal(scale_to_rgb(f, 0, 0, 16, 32, out[0], sizeof out[0], 8, 8), 0);
    for (int j = 0; j < 8; j++)
        for (int i = 0; i < 8; i++)
            assert_int_equal(out[j][i * 3], 128);
    frame_unref(f);
}

static void refuses_what_lies_outside(void **state)
{
    struct frame *f = NULL;
    uint8_t out[3];
    assert_int_equal(frame_create(FRAME_RGB, 4, 4, 8, false, &f), 0);
    assert_int_equal(scale_to_rgb(f, 1, 0, 4, 4, out, 3, 1, 1), -EINVAL);
    assert_int_equal(scale_to_rgb(f, -1, 0, 2, 2, out, 3, 1, 1), -EINVAL);
    assert_int_equal(scale_to_rgb(f, 0, 0, 4, 4, out, 3, 0, 1), -EINVAL);
    assert_int_equal(scale_to_rgb(f, 3, 3, 1, 1, out, 3, 1, 1), 0);
    frame_unref(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_areas),
        cmocka_unit_test(keeps_what_is_not_scaled),
        cmocka_unit_test(enlarges_bilinearly),
        cmocka_unit_test(converts_yuv),
        cmocka_unit_test(places_chroma),
        cmocka_unit_test(refuses_what_lies_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
