/* See scale.h. Each plane is resampled by itself; colour is converted at the output's size, where there is least to
 * convert. Chroma is taken as lying in the middle of its luma samples: off by half a luma sample for left-sited video,
 * which no detector notices. */
#include "media/scale.h"

#include <string.h>

#include "media/sampler.h"
#include "media/simd.h"

/* R = y + rv * v, G = y + gu * u + gv * v, B = y + bu * u after offsets and gains. */
struct yuv_convert {
    float y_offset, y_gain, c_offset;
    float rv, gu, gv, bu;
};

static void yuv_convert_init(struct yuv_convert *c, const struct frame *f)
{
    static const float kr_kb[][2] = {
        [FRAME_MATRIX_BT601] = {0.299f, 0.114f},
        [FRAME_MATRIX_BT709] = {0.2126f, 0.0722f},
        [FRAME_MATRIX_BT2020] = {0.2627f, 0.0593f},
    };
    float kr = kr_kb[f->matrix][0], kb = kr_kb[f->matrix][1], kg = 1 - kr - kb;
    float unit = (float)(1 << (f->depth - 8)), top = (float)((1 << f->depth) - 1);
    c->y_offset = f->full_range ? 0 : 16 * unit;
    c->y_gain = f->full_range ? 255 / top : 255 / (219 * unit);
    c->c_offset = 128 * unit;
    float c_gain = f->full_range ? 255 / top : 255 / (224 * unit);
    c->rv = 2 * (1 - kr) * c_gain;
    c->bu = 2 * (1 - kb) * c_gain;
    c->gu = -2 * (1 - kb) * kb / kg * c_gain;
    c->gv = -2 * (1 - kr) * kr / kg * c_gain;
}

static inline uint8_t to_byte(float v)
{
    v = v < 0 ? 0 : v > 255 ? 255 : v;
    return (uint8_t)(int)(v + 0.5f);
}

SIMD_CLONES static void store_scaled(const float *restrict row, uint8_t *restrict out, int n, float gain)
{
    for (int i = 0; i < n; i++)
        out[i] = to_byte(row[i] * gain);
}

static void store_channels(const float *row, uint8_t *out, int width, int channels, float gain)
{
    if (channels == 3) {
        store_scaled(row, out, width * 3, gain);
        return;
    }
    int g = channels == 4 ? 1 : 0, b = channels == 4 ? 2 : 0; /* grey is repeated */
    for (int i = 0; i < width; i++, row += channels, out += 3) {
        out[0] = to_byte(row[0] * gain);
        out[1] = to_byte(row[g] * gain);
        out[2] = to_byte(row[b] * gain);
    }
}

static void store_yuv(
    const struct yuv_convert *c, const float *y, const float *u, const float *v, int step, uint8_t *out, int width)
{
    for (int i = 0; i < width; i++, out += 3) {
        float l = (y[i] - c->y_offset) * c->y_gain;
        float cb = u[i * step] - c->c_offset, cr = v[i * step] - c->c_offset;
        out[0] = to_byte(l + c->rv * cr);
        out[1] = to_byte(l + c->gu * cb + c->gv * cr);
        out[2] = to_byte(l + c->bu * cb);
    }
}

static void copy_rgb24(const struct frame *f, int x, int y, uint8_t *out, ptrdiff_t stride, int width, int height)
{
    const struct plane *p = &f->planes[0];
    for (int i = 0; i < height; i++)
        memcpy(out + i * stride, p->data + (y + i) * p->stride + (ptrdiff_t)x * 3, (size_t)width * 3);
}

int scale_to_rgb(const struct frame *f, int x, int y, int width, int height, uint8_t *out, ptrdiff_t stride,
    int out_width, int out_height)
{
    if (x < 0 || y < 0 || width < 1 || height < 1 || out_width < 1 || out_height < 1 || width > f->width - x ||
        height > f->height - y)
        return -EINVAL;
    if (f->color == FRAME_RGB && f->depth == 8 && f->planes[0].channels == 3 && width == out_width &&
        height == out_height) {
        copy_rgb24(f, x, y, out, stride, width, height);
        return 0;
    }

    bool yuv = f->color == FRAME_YUV;
    bool two_planes = yuv && f->planes[1].channels == 2;
    int planes = !yuv ? 1 : two_planes ? 2 : 3;
    struct sampler s[3] = {0};
    int r = 0;
    for (int i = 0; i < planes && r == 0; i++) {
        double sx = i ? 1.0 / (1 << f->shift_x) : 1, sy = i ? 1.0 / (1 << f->shift_y) : 1;
        r = sampler_init(&s[i], &f->planes[i], frame_sample_bytes(f), x * sx, y * sy, width * sx, height * sy,
            out_width, out_height);
    }
    struct yuv_convert convert = {0};
    if (yuv)
        yuv_convert_init(&convert, f);
    float gain = 255.0f / (float)((1 << f->depth) - 1);
    for (int i = 0; i < out_height && r == 0; i++, out += stride) {
        for (int p = 0; p < planes; p++)
            sampler_run(&s[p], i);
        if (!yuv)
            store_channels(s[0].row, out, out_width, f->planes[0].channels, gain);
        else if (two_planes)
            store_yuv(&convert, s[0].row, s[1].row, s[1].row + 1, 2, out, out_width);
        else
            store_yuv(&convert, s[0].row, s[1].row, s[2].row, 1, out, out_width);
    }
    for (int i = 0; i < planes; i++)
        sampler_finish(&s[i]);
    return r;
}

int scale_luma(const struct frame *f, uint8_t *out, ptrdiff_t stride, int out_width, int out_height)
{
    struct sampler s;
    if (f->color != FRAME_YUV || out_width < 1 || out_height < 1)
        return -EINVAL;
    int r = sampler_init(&s, &f->planes[0], frame_sample_bytes(f), 0, 0, f->width, f->height, out_width, out_height);
    for (int i = 0; i < out_height && r == 0; i++, out += stride) {
        sampler_run(&s, i);
        store_scaled(s.row, out, out_width, 255.0f / (float)((1 << f->depth) - 1));
    }
    sampler_finish(&s);
    return r;
}
