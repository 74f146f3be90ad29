/* frame: shapes, reference counts, copy on write. */
#include "unit.h"

#include <string.h>

#include "media/flatten.h"
#include "media/frame.h"

static void creates_shapes(void **state)
{
    struct frame *f = NULL;
    assert_int_equal(frame_create(FRAME_RGB, 7, 5, 16, true, &f), 0);
    assert_int_equal(f->plane_count, 1);
    assert_int_equal(f->planes[0].channels, 4);
    assert_int_equal(f->planes[0].stride % 64, 0);
    assert_true(f->planes[0].stride >= 7 * 4 * 2);
    frame_unref(f);

    assert_int_equal(frame_create_yuv(7, 5, 8, 1, 1, false, &f), 0);
    assert_int_equal(f->plane_count, 3);
    assert_int_equal(f->planes[1].width, 4);
    assert_int_equal(f->planes[2].height, 3);
    frame_unref(f);

    assert_int_equal(frame_create(FRAME_RGB, 0, 5, 8, false, &f), -EINVAL);
    assert_int_equal(frame_create(FRAME_RGB, 5, 5, 17, false, &f), -EINVAL);
    assert_int_equal(frame_create(FRAME_YUV, 5, 5, 8, false, &f), -EINVAL);
    frame_unref(NULL);
}

static void copies_when_shared(void **state)
{
    struct frame *f = NULL;
    assert_int_equal(frame_create(FRAME_GREY, 4, 3, 8, false, &f), 0);
    for (int y = 0; y < 3; y++)
        memset(f->planes[0].data + y * f->planes[0].stride, 10 + y, 4);
    struct frame *alone = f;
    assert_int_equal(frame_make_writable(&f), 0);
    assert_ptr_equal(f, alone);

    struct frame *other = frame_ref(f);
    assert_int_equal(frame_make_writable(&f), 0);
    assert_ptr_not_equal(f, other);
    f->planes[0].data[0] = 99;
    assert_int_equal(other->planes[0].data[0], 10);
    assert_int_equal(f->planes[0].data[2 * f->planes[0].stride + 3], 12);
    frame_unref(f);
    frame_unref(other);
}

static void count_release(void *opaque)
{
    ++*(int *)opaque;
}

static void wraps_foreign_memory(void **state)
{
    uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    int released = 0;
    struct frame desc = {.width = 3, .height = 2, .color = FRAME_GREY, .depth = 8, .plane_count = 1};
    desc.planes[0] = (struct plane){.data = pixels, .stride = 3, .width = 3, .height = 2, .channels = 1};
    struct frame *f = NULL;
    assert_int_equal(frame_wrap(&desc, false, count_release, &released, &f), 0);
    assert_int_equal(frame_make_writable(&f), 0); /* read-only: copied, the wrapped one let go */
    assert_int_equal(released, 1);
    assert_int_equal(f->planes[0].data[f->planes[0].stride + 2], 6);
    frame_unref(f);
    assert_int_equal(released, 1);
}

static void draw(struct frame *f, int x, int y, unsigned value, unsigned alpha)
{
    struct plane *p = &f->planes[0];
    for (int c = 0; c < p->channels; c++) {
        unsigned v = c < p->channels - 1 ? value : alpha;
        if (f->depth > 8)
            ((uint16_t *)(void *)(p->data + y * p->stride))[x * p->channels + c] = (uint16_t)v;
        else
            p->data[y * p->stride + x * p->channels + c] = (uint8_t)v;
    }
}

/* Ink by alpha alone is put on white; a cut-out with a soft edge is none. */
static void pictures_in_alpha_become_colours(void **state)
{
    static const struct {
        enum frame_color color;
        int depth;
    } kinds[] = {{FRAME_RGB, 8}, {FRAME_GREY, 8}, {FRAME_RGB, 16}, {FRAME_GREY, 16}};
    for (int k = 0; k < 4; k++) {
        struct frame *f = NULL;
        unsigned top = (1u << kinds[k].depth) - 1;
        assert_int_equal(frame_create(kinds[k].color, 64, 64, kinds[k].depth, true, &f), 0);
        for (int i = 0; i < 64 * 64; i++) {
            int edge = i % 64 - 40;
            draw(f, i % 64, i / 64, 0, edge < 0 ? top : edge == 0 ? top / 2 : 0);
        }
        assert_false(frame_alpha_is_picture(f));
        for (int i = 0; i < 64 * 64; i++)
            draw(f, i % 64, i / 64, top / 4, top * (unsigned)(i % 64) / 63);
        assert_true(frame_alpha_is_picture(f));
        assert_int_equal(frame_flatten(&f), 0);
        assert_false(frame_alpha_is_picture(f));
        for (int x = 0; x < 64; x++) {
            const struct plane *p = &f->planes[0];
            int at = x * p->channels;
            const uint16_t *wide = (const uint16_t *)(const void *)(p->data + 5 * p->stride);
            const uint8_t *narrow = p->data + 5 * p->stride;
            unsigned value = kinds[k].depth > 8 ? wide[at] : narrow[at];
            unsigned alpha = kinds[k].depth > 8 ? wide[at + p->channels - 1] : narrow[at + p->channels - 1];
            assert_float_equal(value / (double)top, 1 - 0.75 * x / 63, 0.01);
            assert_int_equal(alpha, top);
        }
        frame_unref(f);
    }
    struct frame *plain = NULL;
    assert_int_equal(frame_create(FRAME_RGB, 8, 8, 8, false, &plain), 0);
    assert_false(frame_alpha_is_picture(plain));
    frame_unref(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_shapes),
        cmocka_unit_test(copies_when_shared),
        cmocka_unit_test(wraps_foreign_memory),
        cmocka_unit_test(pictures_in_alpha_become_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
