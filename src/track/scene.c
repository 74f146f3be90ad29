/* See scene.h. The movement is the shift at which both pictures differ least, found among whole pixels of the small
 * picture and refined by a parabola. A cut is a picture that at its best shift has little to do with the one before:
 * the correlation tells, in dark scenes as in bright ones; a spread of brightness that changes as well tells it from a
 * fast swing of the camera. */
#include "track/scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH 6             /* small pixels a frame in each direction */
#define CUT_DIFFERENCE 5.0  /* mean of absolute differences at the best shift, of 255: less is no cut */
#define CUT_CORRELATION 0.4 /* at the best shift; more is no cut */
#define CUT_SPREAD 0.15     /* share of pixels that change their bin of brightness */
#define CUT_CERTAIN 45.0    /* a difference for which the spread need not have changed */
#define MOVE_GAIN 0.9       /* a shift counts where it leaves less than this of the difference */

/* Mean absolute difference where `now` is `last` moved by (dx, dy). */
static double difference(uint8_t last[][SCENE_WIDTH], uint8_t now[][SCENE_WIDTH], int dx, int dy)
{
    int x1 = dx > 0 ? dx : 0, x2 = SCENE_WIDTH + (dx < 0 ? dx : 0);
    int y1 = dy > 0 ? dy : 0, y2 = SCENE_HEIGHT + (dy < 0 ? dy : 0);
    unsigned sum = 0;
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++)
            sum += (unsigned)abs(now[y][x] - last[y - dy][x - dx]);
    return (double)sum / ((x2 - x1) * (y2 - y1));
}

/* Pearson's coefficient over what both pictures show, `now` being `last` moved by (dx, dy). */
static double correlation(uint8_t last[][SCENE_WIDTH], uint8_t now[][SCENE_WIDTH], int dx, int dy)
{
    int x1 = dx > 0 ? dx : 0, x2 = SCENE_WIDTH + (dx < 0 ? dx : 0);
    int y1 = dy > 0 ? dy : 0, y2 = SCENE_HEIGHT + (dy < 0 ? dy : 0);
    double n = (x2 - x1) * (y2 - y1), a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++) {
            double p = now[y][x], q = last[y - dy][x - dx];
            a += p;
            b += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    double spread_a = aa - a * a / n, spread_b = bb - b * b / n;
    return spread_a > n && spread_b > n ? (ab - a * b / n) / sqrt(spread_a * spread_b) : 0;
}

static double spread(const uint8_t *a, const uint8_t *b)
{
    int bins[16] = {0}, moved = 0, n = SCENE_WIDTH * SCENE_HEIGHT;
    for (int i = 0; i < n; i++) {
        bins[a[i] >> 4]++;
        bins[b[i] >> 4]--;
    }
    for (int i = 0; i < 16; i++)
        moved += abs(bins[i]);
    return (double)moved / (2 * n);
}

/* Where between -1 and 1 the parabola through three differences is lowest. */
static double refine(double before, double at, double after)
{
    double bend = before - 2 * at + after;
    return bend > 1e-9 ? fmax(-0.5, fmin(0.5, (before - after) / (2 * bend))) : 0;
}

void scene_update(
    struct scene *s, uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH], int width, int height, struct track_motion *ret)
{
    double cost[2 * REACH + 1][2 * REACH + 1], best = 1e9;
    int bx = 0, by = 0;
    *ret = (struct track_motion){0};
    for (int dy = -REACH; dy <= REACH && s->begun; dy++)
        for (int dx = -REACH; dx <= REACH; dx++) {
            double c = cost[dy + REACH][dx + REACH] = difference(s->last, picture, dx, dy);
            if (c < best) {
                best = c;
                bx = dx;
                by = dy;
            }
        }
    if (s->begun) {
        /* A flash changes every pixel and nothing in what is where: tracks have to live through it. The shift of the
         * least difference says little then, so what stands still counts as well. */
        bool other = best > CUT_CERTAIN || (best > CUT_DIFFERENCE && spread(s->last[0], picture[0]) > CUT_SPREAD);
        ret->cut = other && correlation(s->last, picture, bx, by) < CUT_CORRELATION &&
                   correlation(s->last, picture, 0, 0) < CUT_CORRELATION;
        double still = cost[REACH][REACH];
        bool inside = abs(bx) < REACH && abs(by) < REACH;
        if (!ret->cut && inside && (bx || by) && best < still * MOVE_GAIN) {
            const double *row = cost[by + REACH];
            double fx = bx + refine(row[bx + REACH - 1], best, row[bx + REACH + 1]);
            double fy = by + refine(cost[by + REACH - 1][bx + REACH], best, cost[by + REACH + 1][bx + REACH]);
            ret->dx = (float)(fx * width / SCENE_WIDTH);
            ret->dy = (float)(fy * height / SCENE_HEIGHT);
        }
    }
    memcpy(s->last, picture, sizeof s->last);
    s->begun = true;
}
