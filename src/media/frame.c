/* See frame.h. A frame and its owner are one allocation each; the planes of frame_create lie in one block behind the
 * owner's `release`. */
#include "media/frame.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROW_ALIGN 64
#define MAX_SIDE (1 << 20) /* px; keeps every product below in 64 bits, real limits are the decoders' */

struct frame_owner {
    atomic_int refs;
    bool writable;
    void (*release)(void *opaque);
    void *opaque;
};

static int owner_create(bool writable, void (*release)(void *), void *opaque, struct frame_owner **ret)
{
    struct frame_owner *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    atomic_init(&o->refs, 1);
    o->writable = writable;
    o->release = release;
    o->opaque = opaque;
    *ret = o;
    return 0;
}

int frame_wrap(
    const struct frame *desc, bool writable, void (*release)(void *opaque), void *opaque, struct frame **ret_frame)
{
    struct frame *f = malloc(sizeof *f);
    if (!f)
        return -ENOMEM;
    *f = *desc;
    int r = owner_create(writable, release, opaque, &f->owner);
    if (r < 0) {
        free(f);
        return r;
    }
    *ret_frame = f;
    return 0;
}

/* Takes memory for the planes of `desc`, whose sizes and channels are set, and makes a frame of it. */
static int allocate(struct frame *desc, struct frame **ret_frame)
{
    size_t offsets[FRAME_MAX_PLANES], total = 0;
    for (int i = 0; i < desc->plane_count; i++) {
        struct plane *p = &desc->planes[i];
        size_t row = (size_t)p->width * (size_t)p->channels * (size_t)frame_sample_bytes(desc);
        row = (row + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
        p->stride = (ptrdiff_t)row;
        offsets[i] = total;
        total += row * (size_t)p->height;
    }
    /* One row's alignment more: vector loads may look past the last sample. */
    uint8_t *memory = aligned_alloc(ROW_ALIGN, total + ROW_ALIGN);
    if (!memory)
        return -ENOMEM;
    for (int i = 0; i < desc->plane_count; i++)
        desc->planes[i].data = memory + offsets[i];
    int r = frame_wrap(desc, true, free, memory, ret_frame);
    if (r < 0)
        free(memory);
    return r;
}

static bool size_valid(int width, int height, int depth)
{
    return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE && depth >= 8 && depth <= 16;
}

int frame_create(enum frame_color color, int width, int height, int depth, bool alpha, struct frame **ret_frame)
{
    if (!size_valid(width, height, depth) || (color != FRAME_GREY && color != FRAME_RGB))
        return -EINVAL;
    struct frame f = {
        .width = width,
        .height = height,
        .color = color,
        .depth = depth,
        .alpha = alpha,
        .full_range = true,
        .plane_count = 1,
    };
    f.planes[0].width = width;
    f.planes[0].height = height;
    f.planes[0].channels = (color == FRAME_RGB ? 3 : 1) + alpha;
    return allocate(&f, ret_frame);
}

int frame_create_yuv(int width, int height, int depth, int shift_x, int shift_y, bool alpha, struct frame **ret_frame)
{
    if (!size_valid(width, height, depth) || shift_x < 0 || shift_x > 2 || shift_y < 0 || shift_y > 2)
        return -EINVAL;
    struct frame f = {
        .width = width,
        .height = height,
        .color = FRAME_YUV,
        .depth = depth,
        .alpha = alpha,
        .shift_x = shift_x,
        .shift_y = shift_y,
        .plane_count = alpha ? 4 : 3,
    };
    for (int i = 0; i < f.plane_count; i++) {
        bool chroma = i == 1 || i == 2;
        f.planes[i].width = chroma ? (width + (1 << shift_x) - 1) >> shift_x : width;
        f.planes[i].height = chroma ? (height + (1 << shift_y) - 1) >> shift_y : height;
        f.planes[i].channels = 1;
    }
    return allocate(&f, ret_frame);
}

struct frame *frame_ref(struct frame *f)
{
    if (f)
        atomic_fetch_add_explicit(&f->owner->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame *f)
{
    if (!f || atomic_fetch_sub_explicit(&f->owner->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (f->owner->release)
        f->owner->release(f->owner->opaque);
    free(f->owner);
    free(f);
}

int frame_make_writable(struct frame **f)
{
    struct frame *old = *f;
    if (old->owner->writable && atomic_load_explicit(&old->owner->refs, memory_order_acquire) == 1)
        return 0;
    struct frame desc = *old, *copy;
    int r = allocate(&desc, &copy);
    if (r < 0)
        return r;
    for (int i = 0; i < old->plane_count; i++) {
        const struct plane *from = &old->planes[i];
        const struct plane *to = &copy->planes[i];
        size_t row = (size_t)from->width * (size_t)from->channels * (size_t)frame_sample_bytes(old);
        for (int y = 0; y < from->height; y++)
            memcpy(to->data + y * to->stride, from->data + y * from->stride, row);
    }
    frame_unref(old);
    *f = copy;
    return 0;
}
