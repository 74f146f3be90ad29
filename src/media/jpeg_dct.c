/* See jpeg_dct.h. The transform is the definition (ITU-T T.81 A.3.3) as two products with the cosine matrix, in floats:
 * only redacted blocks go through it, and it is as exact as any. Colours as in JFIF (BT.601, full range). */
#include "media/jpeg_dct.h"

#include <math.h>

#define N 8

/* cosines[u][x] = C(u) / 2 * cos((2x + 1) u pi / 16) */
static const float cosines[N][N] = {
    {0.35355339f, 0.35355339f, 0.35355339f, 0.35355339f, 0.35355339f, 0.35355339f, 0.35355339f, 0.35355339f},
    {0.49039264f, 0.41573481f, 0.27778512f, 0.09754516f, -0.09754516f, -0.27778512f, -0.41573481f, -0.49039264f},
    {0.46193977f, 0.19134172f, -0.19134172f, -0.46193977f, -0.46193977f, -0.19134172f, 0.19134172f, 0.46193977f},
    {0.41573481f, -0.09754516f, -0.49039264f, -0.27778512f, 0.27778512f, 0.49039264f, 0.09754516f, -0.41573481f},
    {0.35355339f, -0.35355339f, -0.35355339f, 0.35355339f, 0.35355339f, -0.35355339f, -0.35355339f, 0.35355339f},
    {0.27778512f, -0.49039264f, 0.09754516f, 0.41573481f, -0.41573481f, -0.09754516f, 0.49039264f, -0.27778512f},
    {0.19134172f, -0.46193977f, 0.46193977f, -0.19134172f, -0.19134172f, 0.46193977f, -0.46193977f, 0.19134172f},
    {0.09754516f, -0.27778512f, 0.41573481f, -0.49039264f, 0.49039264f, -0.41573481f, 0.27778512f, -0.09754516f},
};

static float component_of(const struct jpeg_block_source *s, const uint8_t *p)
{
    if (s->frame->color == FRAME_GREY)
        return (float)p[0] - 128;
    if (s->rgb)
        return (float)p[s->component] - 128;
    switch (s->component) {
    case 0:
        return 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2] - 128;
    case 1:
        return -0.168735892f * p[0] - 0.331264108f * p[1] + 0.5f * p[2];
    default:
        return 0.5f * p[0] - 0.418687589f * p[1] - 0.081312411f * p[2];
    }
}

static int at_most(int v, int top)
{
    return v < top ? v : top;
}

/* The mean over the pixels that sample (x, y) of the component stands for. */
static float sample_of(const struct jpeg_block_source *s, int x, int y)
{
    const struct plane *p = &s->frame->planes[0];
    float sum = 0;
    for (int j = 0; j < s->scale_y; j++)
        for (int i = 0; i < s->scale_x; i++) {
            int px = at_most(x * s->scale_x + i, p->width - 1), py = at_most(y * s->scale_y + j, p->height - 1);
            sum += component_of(s, p->data + py * p->stride + (ptrdiff_t)px * p->channels);
        }
    return sum / (float)(s->scale_x * s->scale_y);
}

void jpeg_code_block(const struct jpeg_block_source *s, int bx, int by, int16_t *coefficients)
{
    float samples[N][N], rows[N][N];
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++)
            samples[y][x] = sample_of(s, bx * N + x, by * N + y);
    for (int y = 0; y < N; y++)
        for (int u = 0; u < N; u++) {
            rows[y][u] = 0;
            for (int x = 0; x < N; x++)
                rows[y][u] += cosines[u][x] * samples[y][x];
        }
    for (int v = 0; v < N; v++)
        for (int u = 0; u < N; u++) {
            float sum = 0;
            for (int y = 0; y < N; y++)
                sum += cosines[v][y] * rows[y][u];
            float q = roundf(sum / (float)s->quantizers[v * N + u]);
            coefficients[v * N + u] = (int16_t)fminf(fmaxf(q, -1023), 1023); /* what baseline can code */
        }
}
