/* See flatten.h. */
#include "media/flatten.h"

#define GRADED_SHARE 8 /* one in so many */

static unsigned get(const uint8_t *sample, bool wide)
{
    return wide ? *(const uint16_t *)(const void *)sample : *sample;
}

static void set(uint8_t *sample, bool wide, unsigned value)
{
    if (wide)
        *(uint16_t *)(void *)sample = (uint16_t)value;
    else
        *sample = (uint8_t)value;
}

bool frame_alpha_is_picture(const struct frame *f)
{
    if (!f->alpha || f->plane_count != 1)
        return false;
    const struct plane *p = &f->planes[0];
    size_t bytes = (size_t)frame_sample_bytes(f), pixel = bytes * (size_t)p->channels;
    unsigned top = (1u << f->depth) - 1;
    uint64_t seen = 0, graded = 0;
    for (int y = 0; y < p->height; y++) {
        const uint8_t *alpha = p->data + y * p->stride + pixel - bytes;
        for (int x = 0; x < p->width; x++, alpha += pixel) {
            unsigned a = get(alpha, bytes == 2);
            seen += a > 0;
            graded += a > top / 16 && a < top - top / 16;
        }
    }
    return graded > 0 && graded * GRADED_SHARE >= seen;
}

int frame_flatten(struct frame **f)
{
    int r = frame_make_writable(f);
    if (r < 0)
        return r;
    struct plane *p = &(*f)->planes[0];
    size_t bytes = (size_t)frame_sample_bytes(*f);
    uint64_t top = (1u << (*f)->depth) - 1;
    for (int y = 0; y < p->height; y++) {
        uint8_t *at = p->data + y * p->stride;
        for (int x = 0; x < p->width; x++) {
            uint64_t a = get(at + bytes * (size_t)(p->channels - 1), bytes == 2);
            for (int c = 0; c < p->channels - 1; c++, at += bytes)
                set(at, bytes == 2, (unsigned)((get(at, bytes == 2) * a + top * (top - a) + top / 2) / top));
            set(at, bytes == 2, (unsigned)top);
            at += bytes;
        }
    }
    return 0;
}
