/* See jpeg_dct.h. The transform is the definition (ITU-T T.81 A.3.3) as two products with the cosine matrix, in floats,
 * a row of eight at a time. Colours as in JFIF (BT.601, full range). */
#include "media/jpeg_dct.h"

#include "media/simd.h"

#define N 8
#define MAX_SCALE 4                                                /* ITU-T T.81 B.2.2: a sampling factor's largest */
typedef float vec __attribute__((vector_size(N * sizeof(float)))); /* the compiler splits it up */

#define LARGEST 1023 /* what baseline can code */

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

/* The same, rows and columns exchanged. */
static const vec turned[N] = {
    {0.35355339f, 0.49039264f, 0.46193977f, 0.41573481f, 0.35355339f, 0.27778512f, 0.19134172f, 0.09754516f},
    {0.35355339f, 0.41573481f, 0.19134172f, -0.09754516f, -0.35355339f, -0.49039264f, -0.46193977f, -0.27778512f},
    {0.35355339f, 0.27778512f, -0.19134172f, -0.49039264f, -0.35355339f, 0.09754516f, 0.46193977f, 0.41573481f},
    {0.35355339f, 0.09754516f, -0.46193977f, -0.27778512f, 0.35355339f, 0.41573481f, -0.19134172f, -0.49039264f},
    {0.35355339f, -0.09754516f, -0.46193977f, 0.27778512f, 0.35355339f, -0.41573481f, -0.19134172f, 0.49039264f},
    {0.35355339f, -0.27778512f, -0.19134172f, 0.49039264f, -0.35355339f, -0.09754516f, 0.46193977f, -0.41573481f},
    {0.35355339f, -0.41573481f, 0.19134172f, 0.09754516f, -0.35355339f, 0.49039264f, -0.46193977f, 0.27778512f},
    {0.35355339f, -0.49039264f, 0.46193977f, -0.41573481f, 0.35355339f, -0.27778512f, 0.19134172f, -0.09754516f},
};

/* Of a component: its value is the sum of these times R, G, B (or grey three times), less an offset. */
struct mix {
    float r, g, b, offset;
};

static struct mix mix_of(const struct jpeg_block_source *s)
{
    static const struct mix jfif[] = {{0.299f, 0.587f, 0.114f, 128}, {-0.168735892f, -0.331264108f, 0.5f, 0},
        {0.5f, -0.418687589f, -0.081312411f, 0}};
    if (s->frame->color == FRAME_GREY)
        return (struct mix){1, 0, 0, 128};
    if (s->rgb)
        return (struct mix){s->component == 0, s->component == 1, s->component == 2, 128};
    return jfif[s->component];
}

static int at_most(int v, int top)
{
    return v < top ? v : top;
}

/* Sums of the pixels that each of a row of eight samples stands for, a colour at a time. `columns`: the pixels' offsets
 * in the row. */
static void add_pixels(const uint8_t *row, const int *columns, int scale_x, int channels, int sums[3][N])
{
    const int g = channels > 1 ? 1 : 0, b = channels > 1 ? 2 : 0;
    for (int i = 0; i < N; i++) {
        int red = 0, green = 0, blue = 0; /* no stores in between: to the compiler, bytes may be anything's */
        for (int j = 0; j < scale_x; j++) {
            const uint8_t *pixel = row + *columns++;
            red += pixel[0];
            green += pixel[g];
            blue += pixel[b];
        }
        sums[0][i] += red;
        sums[1][i] += green;
        sums[2][i] += blue;
    }
}

static void read_samples(const struct jpeg_block_source *s, int bx, int by, float samples[N][N])
{
    const struct plane *p = &s->frame->planes[0];
    const struct mix m = mix_of(s);
    const float share = 1.0f / (float)(s->scale_x * s->scale_y);
    int columns[N * MAX_SCALE];
    for (int i = 0; i < N * s->scale_x; i++)
        columns[i] = at_most(bx * N * s->scale_x + i, p->width - 1) * p->channels;
    for (int y = 0; y < N; y++) {
        int sums[3][N] = {{0}};
        for (int j = 0; j < s->scale_y; j++) {
            int py = at_most((by * N + y) * s->scale_y + j, p->height - 1);
            add_pixels(p->data + py * p->stride, columns, s->scale_x, p->channels, sums);
        }
        for (int x = 0; x < N; x++)
            samples[y][x] =
                (m.r * (float)sums[0][x] + m.g * (float)sums[1][x] + m.b * (float)sums[2][x]) * share - m.offset;
    }
}

SIMD_CLONES static void transform(float samples[N][N], const uint16_t *quantizers, int16_t *coefficients)
{
    vec rows[N];
    for (int y = 0; y < N; y++) {
        rows[y] = (vec){0};
        for (int x = 0; x < N; x++)
            rows[y] += turned[x] * samples[y][x];
    }
    for (int v = 0; v < N; v++) {
        vec sum = {0};
        for (int y = 0; y < N; y++)
            sum += rows[y] * cosines[v][y];
        for (int u = 0; u < N; u++) {
            float q = sum[u] / (float)quantizers[v * N + u];
            int rounded = (int)(q < 0 ? q - 0.5f : q + 0.5f);
            rounded = rounded > LARGEST ? LARGEST : rounded;
            coefficients[v * N + u] = (int16_t)(rounded < -LARGEST ? -LARGEST : rounded);
        }
    }
}

void jpeg_code_block(const struct jpeg_block_source *s, int bx, int by, int16_t *coefficients)
{
    float samples[N][N];
    read_samples(s, bx, by, samples);
    transform(samples, s->quantizers, coefficients);
}
