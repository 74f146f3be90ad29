/* What is left of an object: a grid of at most about 12 x 12 cells, from which blur and pixelate paint everything.
 *
 * Why not an ordinary blur. A Gaussian blur is a convolution: all of the picture is still in it, only with the fine
 * detail made small, and inverse filters or trained networks bring it back as far as the samples' rounding allows; with
 * a known kernel that is far. The larger the picture of a face, the more of it a kernel of fixed size leaves. So
 * nothing here is convolved. The object is first reduced to the mean colours of a grid whose cells are a fixed share of
 * the object, and each mean is rounded to one of 33 levels; the original's pixels inside are not used again. Pixelate
 * paints the cells as they are; blur lays a smooth surface (a uniform cubic B-spline, second derivative continuous)
 * over them. An attacker who undoes the surface perfectly gets the rounded cells, and nothing can give him more: a face
 * at the default strength is about 7 x 6 cells of 3 x 5 bits. Added noise would hide nothing that rounding does not: it
 * has to be the same for the same input, so it could be taken off again. (Mosaics of known alphabets in known fonts can
 * still be guessed by trying candidates, which is why plates get the coarsest cells.)
 *
 * Strength. A kernel of k pixels in the usual reading (OpenCV's sigma, about 0.15 k; a width at half height of 0.35 k)
 * leaves details of about 0.4 k, and this is a cell's side. It is never less than 1/12 of the object's longer side, nor
 * than 4 px: a face of 12 px becomes 3 cells, not 12 of one pixel each. Where a request names a kernel smaller than the
 * default, the 1/12 shrinks in the same proportion, down to 1/128. */
#ifndef OBSCURA_REDACT_CELLS_H
#define OBSCURA_REDACT_CELLS_H

#include <stdint.h>

#include "base/request.h"
#include "media/frame.h"
#include "redact/region.h"

#define CELLS_OBJECT 12 /* at most so many cells along an object, at the default strength */

/* The side of a cell for an object of that size: px of the picture, at least 4. `kernel` as in request->kernel_size;
 * the defaults where it is not above 0. Kernels count for blur only. */
double cells_side(enum object_type type, int width, int height, enum method method, double kernel);

/* A grid over a rectangle of the picture, with its cells' colours in each plane. */
struct cells {
    struct rect rect;
    double side;       /* px of the picture */
    int columns, rows; /* >= 1; the last of each may be smaller */
    uint16_t
        *values[FRAME_MAX_PLANES]; /* owned; scaled to 16 bits; [row][column][channel]; NULL for an untouched plane */
};

/* Measures the cells in every plane of `f`. -ENOMEM. */
int cells_measure(const struct frame *f, const struct rect *rect, double side, struct cells *ret);
void cells_finish(struct cells *c); /* NULL-safe */

/* How a plane's samples lie on the picture. */
struct plane_place {
    int shift_x, shift_y;
    struct rect rect; /* the samples that a rectangle of the picture touches */
    bool untouched;   /* a plane of alpha, which stays as it is; or none of its samples are touched */
};
struct plane_place plane_place(const struct frame *f, int plane, const struct rect *rect);

/* The samples at which the cells of a plane begin, along x (`across`) or y, and behind them the end: count + 1 numbers,
 * ascending. */
void cells_bounds(const struct cells *c, const struct plane_place *place, bool across, int *bounds);

#endif
