/* A picture in memory: up to four refcounted planes, copy on write.
 *
 * One form serves images and videos: an interleaved RGB(A) image is one plane of 3 or 4 channels, a grey one is one
 * plane of 1 (or 2 with alpha), a 4:2:0 video frame is three planes of 1 channel whose chroma planes are half the size,
 * NV12 is two planes (1 and 2 channels). Samples are 8-bit bytes, or 16-bit native-endian words holding `depth`
 * significant low bits.
 */
#ifndef OBSCURA_MEDIA_FRAME_H
#define OBSCURA_MEDIA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAME_MAX_PLANES 4

enum frame_color { FRAME_GREY, FRAME_RGB, FRAME_YUV };

/* How YUV becomes RGB; ignored for the other kinds. */
enum frame_matrix { FRAME_MATRIX_BT601, FRAME_MATRIX_BT709, FRAME_MATRIX_BT2020 };

struct plane {
    uint8_t *data;     /* first sample of the top row; writable only after frame_make_writable */
    ptrdiff_t stride;  /* bytes from row to row */
    int width, height; /* in samples */
    int channels;      /* interleaved samples a pixel, 1..4 */
};

struct frame {
    int width, height; /* of the picture, px; planes may be smaller by shift_x, shift_y */
    enum frame_color color;
    int depth;            /* bits a sample, 8..16; more than 8 are stored in 16-bit words */
    bool alpha;           /* the last channel (interleaved) or the last plane (planar) is alpha */
    int shift_x, shift_y; /* log2 of the chroma planes' subsampling */
    bool full_range;      /* YUV: 0..255 rather than 16..235 */
    enum frame_matrix matrix;
    int plane_count;
    struct plane planes[FRAME_MAX_PLANES];
    struct frame_owner *owner; /* private: refcount and how the memory is freed */
};

static inline int frame_sample_bytes(const struct frame *f)
{
    return f->depth > 8 ? 2 : 1;
}

/* A new interleaved frame (color GREY or RGB), one plane, memory uninitialised, rows aligned to 64 bytes. -ENOMEM,
 * -EINVAL. */
int frame_create(enum frame_color color, int width, int height, int depth, bool alpha, struct frame **ret_frame);

/* A new planar YUV frame of three planes (four with alpha), memory uninitialised. */
int frame_create_yuv(int width, int height, int depth, int shift_x, int shift_y, bool alpha, struct frame **ret_frame);

/* Wraps memory that lives elsewhere (an AVFrame). `desc` is copied; `release(opaque)` runs when the last reference
 * goes. Frames wrapped as read-only are copied by frame_make_writable. */
int frame_wrap(
    const struct frame *desc, bool writable, void (*release)(void *opaque), void *opaque, struct frame **ret_frame);

struct frame *frame_ref(struct frame *f); /* another owner of the same planes; returns f; safe across threads */
void frame_unref(struct frame *f);        /* NULL-safe */

/* Makes *f safe to write: where others hold it or it is read-only, replaces *f by a copy (and drops the reference to
 * the old one). */
int frame_make_writable(struct frame **f);

#endif
