/* See kalman.h. Noise grows with the object's size, by the shares that SORT's descendants use. */
#include "track/kalman.h"

#define POSITION_SHARE (1.0f / 20)
#define SPEED_SHARE (1.0f / 80) /* twice the usual: cameras are held by hand */

static void measure(const struct box *b, float z[4])
{
    z[0] = (b->x1 + b->x2) / 2;
    z[1] = (b->y1 + b->y2) / 2;
    z[2] = b->x2 - b->x1;
    z[3] = b->y2 - b->y1;
}

static float scale_of(const struct kalman *k)
{
    float s = (k->axis[2].x + k->axis[3].x) / 2;
    return s > 4 ? s : 4;
}

void kalman_init(struct kalman *k, const struct box *b)
{
    float z[4];
    measure(b, z);
    k->axis[2].x = z[2];
    k->axis[3].x = z[3];
    float s = scale_of(k), p = 2 * POSITION_SHARE * s, v = 10 * SPEED_SHARE * s;
    for (int i = 0; i < 4; i++)
        k->axis[i] = (struct kalman_axis){.x = z[i], .p00 = p * p, .p11 = v * v};
}

void kalman_predict(struct kalman *k)
{
    float s = scale_of(k), q = POSITION_SHARE * s, w = SPEED_SHARE * s;
    for (int i = 0; i < 4; i++) {
        struct kalman_axis *a = &k->axis[i];
        a->x += a->v;
        a->p00 += 2 * a->p01 + a->p11 + q * q;
        a->p01 += a->p11;
        a->p11 += w * w;
    }
}

void kalman_shift(struct kalman *k, float dx, float dy)
{
    k->axis[0].x += dx;
    k->axis[1].x += dy;
}

void kalman_update(struct kalman *k, const struct box *b)
{
    float z[4], s = scale_of(k), r = POSITION_SHARE * s;
    measure(b, z);
    for (int i = 0; i < 4; i++) {
        struct kalman_axis *a = &k->axis[i];
        float total = a->p00 + r * r, gain = a->p00 / total, gain_v = a->p01 / total, error = z[i] - a->x;
        a->x += gain * error;
        a->v += gain_v * error;
        a->p11 -= gain_v * a->p01;
        a->p01 *= 1 - gain;
        a->p00 *= 1 - gain;
    }
}

struct box kalman_box(const struct kalman *k)
{
    float w = k->axis[2].x > 1 ? k->axis[2].x : 1, h = k->axis[3].x > 1 ? k->axis[3].x : 1;
    float x = k->axis[0].x - w / 2, y = k->axis[1].x - h / 2;
    return (struct box){x, y, x + w, y + h};
}

struct box kalman_extrapolate(const struct kalman *k, const struct box *from, float frames)
{
    float dx = k->axis[0].v * frames, dy = k->axis[1].v * frames;
    return (struct box){from->x1 + dx, from->y1 + dy, from->x2 + dx, from->y2 + dy};
}
