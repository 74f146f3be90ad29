/* Applies EXIF orientations. Each is a map of output to input that is at most a transposition and two mirrorings:
 * walking the output in square blocks keeps both sides in the cache. */
#include "media/codec.h"

#include <string.h>

#define BLOCK 32 /* px */

struct walk {
    const uint8_t *start;     /* the input pixel of output pixel (0, 0) */
    ptrdiff_t step_x, step_y; /* bytes in the input for one pixel right or down in the output */
};

static struct walk walk_of(const struct plane *in, int orientation, ptrdiff_t pixel)
{
    /* Bits by orientation: are x and y swapped, does the output's right (down) walk the input backwards. */
    static const struct {
        bool swap, back_x, back_y;
    } map[] = {
        [1] = {false, false, false},
        [2] = {false, true, false},
        [3] = {false, true, true},
        [4] = {false, false, true},
        [5] = {true, false, false},
        [6] = {true, true, false},
        [7] = {true, true, true},
        [8] = {true, false, true},
    };
    ptrdiff_t step_x = map[orientation].swap ? in->stride : pixel;
    ptrdiff_t step_y = map[orientation].swap ? pixel : in->stride;
    int out_width = map[orientation].swap ? in->height : in->width;
    int out_height = map[orientation].swap ? in->width : in->height;
    struct walk w = {.start = in->data};
    if (map[orientation].back_x)
        w.start += step_x * (out_width - 1);
    if (map[orientation].back_y)
        w.start += step_y * (out_height - 1);
    w.step_x = map[orientation].back_x ? -step_x : step_x;
    w.step_y = map[orientation].back_y ? -step_y : step_y;
    return w;
}

/* `pixel` is a constant at each call, so that the copies become single moves. */
static inline void copy_blocks(const struct walk *w, const struct plane *out, const ptrdiff_t pixel)
{
    for (int by = 0; by < out->height; by += BLOCK) {
        int y_end = out->height - by < BLOCK ? out->height : by + BLOCK;
        for (int bx = 0; bx < out->width; bx += BLOCK) {
            int x_end = out->width - bx < BLOCK ? out->width : bx + BLOCK;
            for (int y = by; y < y_end; y++) {
                uint8_t *to = out->data + y * out->stride + bx * pixel;
                const uint8_t *from = w->start + y * w->step_y + bx * w->step_x;
                for (int x = bx; x < x_end; x++, to += pixel, from += w->step_x)
                    memcpy(to, from, (size_t)pixel);
            }
        }
    }
}

static void orient_plane(const struct plane *in, const struct plane *out, int orientation, int pixel)
{
    struct walk w = walk_of(in, orientation, pixel);
    switch (pixel) {
    case 1:
        copy_blocks(&w, out, 1);
        break;
    case 2:
        copy_blocks(&w, out, 2);
        break;
    case 3:
        copy_blocks(&w, out, 3);
        break;
    case 4:
        copy_blocks(&w, out, 4);
        break;
    default:
        copy_blocks(&w, out, pixel);
        break;
    }
}

int orient_frame(struct frame **f, int orientation)
{
    const struct frame *in = *f;
    if (orientation <= 1 || orientation > 8)
        return 0;
    bool swap = orientation >= 5;
    int width = swap ? in->height : in->width, height = swap ? in->width : in->height;
    if (in->color == FRAME_YUV && in->plane_count != (in->alpha ? 4 : 3))
        return -EOPNOTSUPP;
    struct frame *out = NULL;
    int r = in->color == FRAME_YUV ? frame_create_yuv(width, height, in->depth, swap ? in->shift_y : in->shift_x,
                                         swap ? in->shift_x : in->shift_y, in->alpha, &out)
                                   : frame_create(in->color, width, height, in->depth, in->alpha, &out);
    if (r < 0)
        return r;
    out->full_range = in->full_range;
    out->matrix = in->matrix;
    for (int i = 0; i < in->plane_count; i++)
        orient_plane(&in->planes[i], &out->planes[i], orientation, in->planes[i].channels * frame_sample_bytes(in));
    frame_unref(*f);
    *f = out;
    return 0;
}
