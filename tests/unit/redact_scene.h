/* Small scenes for the tests of redact/: frames of every kind full of noise, requests with the API's defaults, lists of
 * detections. */
#ifndef OBSCURA_TESTS_REDACT_SCENE_H
#define OBSCURA_TESTS_REDACT_SCENE_H

#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/masks.h"
#include "redact/redact.h"

static inline struct request_options scene_request(enum method method)
{
    return (struct request_options){.method = method,
        .types = OBJECT_ALL,
        .gradient_start = {[OBJECT_FACE] = 0.3, [OBJECT_LICENSE_PLATE] = 0.3},
        .kernel_size = {
            [OBJECT_FACE] = 0.35, [OBJECT_LICENSE_PLATE] = 0.5, [OBJECT_PERSON] = 91, [OBJECT_VEHICLE] = 61}};
}

static inline struct detection scene_detection(enum object_type type, float x1, float y1, float x2, float y2)
{
    return (struct detection){.type = type, .score = 0.9f, .box = {x1, y1, x2, y2}, .track_id = -1, .anonymised = true};
}

static inline void scene_add(struct detections *d, enum object_type type, float x1, float y1, float x2, float y2)
{
    struct detection item = scene_detection(type, x1, y1, x2, y2);
    assert_int_equal(detections_append(d, &item), 0);
}

/* A diamond, which neither its box nor an ellipse is. */
static inline struct mask *scene_mask(int x, int y, int width, int height)
{
    uint8_t *bits = calloc((size_t)width * (size_t)height, 1);
    struct mask *m = NULL;
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++)
            bits[j * width + i] = fabs((2.0 * i + 1) / width - 1) + fabs((2.0 * j + 1) / height - 1) <= 1;
    assert_int_equal(mask_encode(bits, width, x, y, width, height, &m), 0);
    free(bits);
    return m;
}

static inline uint32_t scene_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static inline int scene_get(const struct frame *f, int plane, int x, int y, int channel)
{
    const struct plane *p = &f->planes[plane];
    const uint8_t *row = p->data + y * p->stride;
    int i = x * p->channels + channel;
    return f->depth > 8 ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

static inline void scene_set(struct frame *f, int plane, int x, int y, int channel, int value)
{
    struct plane *p = &f->planes[plane];
    uint8_t *row = p->data + y * p->stride;
    int i = x * p->channels + channel;
    if (f->depth > 8)
        ((uint16_t *)(void *)row)[i] = (uint16_t)value;
    else
        row[i] = (uint8_t)value;
}

static inline void scene_noise(struct frame *f, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (int i = 0; i < f->plane_count; i++)
        for (int y = 0; y < f->planes[i].height; y++)
            for (int x = 0; x < f->planes[i].width; x++)
                for (int c = 0; c < f->planes[i].channels; c++)
                    scene_set(f, i, x, y, c, (int)(scene_random(&state) >> 8) & ((1 << f->depth) - 1));
}

enum scene_kind {
    SCENE_GREY,
    SCENE_RGB,
    SCENE_RGBA,
    SCENE_RGB16,
    SCENE_RGBA16,
    SCENE_YUV420,
    SCENE_YUV422,
    SCENE_YUV444,
    SCENE_YUV411,
    SCENE_YUV420_10,
    SCENE_YUVA420,
    SCENE_NV12,
    SCENE_KINDS
};

static inline void scene_free_nv12(void *memory)
{
    free(memory);
}

static inline struct frame *scene_frame(enum scene_kind kind, int width, int height, uint32_t seed)
{
    struct frame *f = NULL;
    int r = -1;
    switch (kind) {
    case SCENE_GREY:
        r = frame_create(FRAME_GREY, width, height, 8, false, &f);
        break;
    case SCENE_RGB:
    case SCENE_RGBA:
        r = frame_create(FRAME_RGB, width, height, 8, kind == SCENE_RGBA, &f);
        break;
    case SCENE_RGB16:
    case SCENE_RGBA16:
        r = frame_create(FRAME_RGB, width, height, 16, kind == SCENE_RGBA16, &f);
        break;
    case SCENE_NV12: {
        int w = (width + 1) / 2, h = (height + 1) / 2;
        uint8_t *memory = malloc((size_t)width * (size_t)height + (size_t)w * 2 * (size_t)h);
        struct frame desc = {.width = width,
            .height = height,
            .color = FRAME_YUV,
            .depth = 8,
            .shift_x = 1,
            .shift_y = 1,
            .plane_count = 2};
        desc.planes[0] = (struct plane){memory, width, width, height, 1};
        desc.planes[1] = (struct plane){memory + (size_t)width * (size_t)height, 2 * w, w, h, 2};
        r = frame_wrap(&desc, true, scene_free_nv12, memory, &f);
        break;
    }
    default: {
        int sx = kind == SCENE_YUV444 ? 0 : kind == SCENE_YUV411 ? 2 : 1;
        int sy = kind == SCENE_YUV420 || kind == SCENE_YUV420_10 || kind == SCENE_YUVA420;
        r = frame_create_yuv(width, height, kind == SCENE_YUV420_10 ? 10 : 8, sx, sy, kind == SCENE_YUVA420, &f);
    }
    }
    assert_int_equal(r, 0);
    scene_noise(f, seed);
    return f;
}

static inline struct frame *scene_copy(struct frame *f)
{
    struct frame *copy = frame_ref(f);
    frame_ref(f); /* held twice for a moment, so that it is copied in any case */
    assert_int_equal(frame_make_writable(&copy), 0);
    frame_unref(f);
    return copy;
}

static inline bool scene_equal(const struct frame *a, const struct frame *b)
{
    for (int i = 0; i < a->plane_count; i++) {
        size_t row = (size_t)a->planes[i].width * (size_t)a->planes[i].channels * (size_t)frame_sample_bytes(a);
        for (int y = 0; y < a->planes[i].height; y++)
            if (memcmp(a->planes[i].data + y * a->planes[i].stride, b->planes[i].data + y * b->planes[i].stride, row))
                return false;
    }
    return true;
}

static inline void scene_redact(struct frame **f, const struct detections *d, const struct request_options *request)
{
    struct error err = {0};
    assert_int_equal(redact_frame(f, d, request, &err), 0);
}

#endif
