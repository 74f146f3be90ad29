/* See plan.h. */
#include "detect/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Long sides of the passes, px of the network's input; docs/MODELS.md says what was measured. */
#define IDENTITY_FINE 2048
#define IDENTITY_FINE_VIDEO 1280
#define IDENTITY_COARSE 384
#define SCENE_COARSEST 384
#define COARSE_MIN 8.0f        /* smaller boxes are the finer pass's business */
#define COARSE_MIN_ALONE 48.0f /* the same, of types whose passes do not agree on a score */
#define SCENE_COARSE 640
#define SCENE_ALONE 768 /* where the picture is too small for a fine pass */
#define SCENE_ENLARGED 1.5
#define SCENE_FINE 1280
#define SCENE_FINE_MAX 200.0f /* larger boxes break into parts at that size */
#define SCENE_SAY_MAX 400.0f  /* but up to that, the largest objects of its training, the network tells what is none */

/* Tiles look for what is small in the whole picture: larger boxes, px of the input, are left to the passes over all of
 * it. */
#define TILE_MAX 256.0f

/* Pixels that are so much wider than high, or higher than wide, are made square; beyond the most, a source is not
 * believed: no format of video has such pixels, and nothing would be found in so narrow a strip. */
#define ASPECT_FROM 1.15
#define ASPECT_MOST 4.0

/* A finer pass is worth its time only where it is that much finer. */
#define PASS_RATIO 0.7
#define SCENE_PASS_RATIO 0.8 /* of the coarsest pass to the next */

/* Longest object that a fine pass of the scene network sees as one, px of its input: it was trained on objects of up to
 * that. */
#define SCENE_REACH 256.0f

/* Tiles of panoramas: about so many px wide, sharing so much with the neighbour. */
#define PANO_TILE 2000.0
#define PANO_OVERLAP 0.15

static int whole_px(double v)
{
    return v < 1 ? 1 : (int)lround(v);
}

/* What the sides of a view are multiplied by for its pixels to be square: the short side of a pixel grows. */
static void stretch_of(const struct plan_options *o, double *ret_x, double *ret_y)
{
    double a = o->aspect;
    bool square = a < ASPECT_FROM && a > 1 / ASPECT_FROM, believed = a >= 1 / ASPECT_MOST && a <= ASPECT_MOST;
    *ret_x = believed && !square && a > 1 ? a : 1;
    *ret_y = believed && !square && a < 1 ? 1 / a : 1;
}

/* In square pixels. */
static double longer_side(const struct view *v, const struct plan_options *o)
{
    double x, y;
    stretch_of(o, &x, &y);
    return fmax(v->width * x, v->height * y);
}

/* Appends a pass over the view at that long side. */
static struct pass *add_pass(struct view *v, const struct plan_options *o, double longest, float reach)
{
    double scale = longest / longer_side(v, o), x, y;
    struct pass *p = &v->passes[v->pass_count++];
    stretch_of(o, &x, &y);
    *p = (struct pass){.width = whole_px(v->width * x * scale),
        .height = whole_px(v->height * y * scale),
        .reach = reach / (float)scale};
    return p;
}

/* The second opinion on what a finer pass sees. */
static void add_coarse_pass(struct view *v, const struct plan_options *o, double longest, bool mirrored)
{
    struct pass *p = add_pass(v, o, longest, INFINITY);
    p->mirrored = mirrored;
    p->longest_min = COARSE_MIN;
    p->longest_min_alone = COARSE_MIN_ALONE;
}

static void add_identity_passes(struct view *v, const struct plan_options *o, bool tile)
{
    double own = longer_side(v, o);
    double fine = o->detect_size > 0 ? o->detect_size : o->video ? IDENTITY_FINE_VIDEO : IDENTITY_FINE;
    fine = fmin(fine, own);
    struct pass *p = add_pass(v, o, fine, INFINITY);
    if (tile)
        p->longest_max = TILE_MAX;
    else if (IDENTITY_COARSE < PASS_RATIO * fine)
        add_coarse_pass(v, o, IDENTITY_COARSE, false);
}

static void add_scene_passes(struct view *v, const struct plan_options *o, bool tile)
{
    double own = longer_side(v, o), coarse = fmin(SCENE_COARSE, own);
    if (tile) {
        add_pass(v, o, coarse, SCENE_REACH)->longest_max = TILE_MAX;
        return;
    }
    if (o->video) {
        add_pass(v, o, coarse, INFINITY);
        return;
    }
    bool fine = SCENE_COARSE < PASS_RATIO * own;
    double whole = fine ? coarse : fmin(SCENE_ALONE, SCENE_ENLARGED * own);
    add_pass(v, o, whole, INFINITY);
    if (SCENE_COARSEST < SCENE_PASS_RATIO * whole)
        add_coarse_pass(v, o, fmin(SCENE_COARSEST, own), true);
    if (fine) {
        struct pass *p = add_pass(v, o, fmin(SCENE_FINE, own), SCENE_REACH);
        p->longest_max = SCENE_FINE_MAX;
        p->say_max = SCENE_SAY_MAX;
    }
}

/* The first view is the whole picture, the others are tiles of it. */
static void add_view(struct plan *plan, const struct plan_options *o, const struct view *view)
{
    bool tile = plan->count > 0;
    struct view *v = &plan->views[plan->count++];
    *v = *view;
    if (o->kind == PLAN_IDENTITY)
        add_identity_passes(v, o, tile);
    else
        add_scene_passes(v, o, tile);
}

/* One axis of a grid: `count` tiles of `size` px whose starts are spread evenly so that they cover `length`. */
struct spread {
    int count;
    double size;
    double step;
};

/* `overlap`: px where >= 1, share of the tile where < 1. Neighbours share at most half a tile. */
static int spread_tiles(int count, double overlap, int length, struct spread *ret)
{
    if (count < 1 || !(overlap >= 0))
        return -EINVAL;
    if (count > length)
        count = length;
    double half = length / (count - (count - 1) * 0.5);
    double size = overlap < 1 ? length / (count - (count - 1) * overlap) : (length + (count - 1) * overlap) / count;
    *ret = (struct spread){.count = count, .size = fmin(size, half)};
    ret->step = count > 1 ? (length - ret->size) / (count - 1) : 0;
    return 0;
}

/* The tiles of an axis that runs in a circle: the last one shares with the first. */
static struct spread spread_circle(int length)
{
    int count = whole_px(length / (PANO_TILE * (1 - PANO_OVERLAP)));
    count = count > 2 ? count : 2;
    double step = (double)length / count;
    return (struct spread){.count = count, .size = step / (1 - PANO_OVERLAP), .step = step};
}

static struct view tile_at(const struct spread *across, const struct spread *down, int column, int row)
{
    struct view v = {.x = (int)floor(column * across->step + 1e-6), .y = (int)floor(row * down->step + 1e-6)};
    v.width = (int)ceil(column * across->step + across->size - 1e-6) - v.x;
    v.height = (int)ceil(row * down->step + down->size - 1e-6) - v.y;
    return v;
}

static int spread_tiling(const struct tiling *t, int width, int height, struct spread *across, struct spread *down)
{
    if (t->kind == TILING_GRID) {
        int r = spread_tiles(t->columns, t->overlap_x, width, across);
        return r < 0 ? r : spread_tiles(t->rows, t->overlap_y, height, down);
    }
    *across = spread_circle(width);
    return spread_tiles(
        whole_px((height / PANO_TILE - PANO_OVERLAP) / (1 - PANO_OVERLAP) + 0.25), PANO_OVERLAP, height, down);
}

int plan_make(const struct plan_options *o, int width, int height, struct plan *ret_plan)
{
    struct plan plan = {.wraps = o->tiling.kind == TILING_PANO};
    struct spread across = {.count = 1, .size = width}, down = {.count = 1, .size = height};
    if (width < 1 || height < 1)
        return -EINVAL;
    int r = o->tiling.kind == TILING_WHOLE ? 0 : spread_tiling(&o->tiling, width, height, &across, &down);
    if (r < 0)
        return r;
    plan.views = calloc((size_t)across.count * down.count + 1, sizeof *plan.views);
    if (!plan.views)
        return -ENOMEM;
    struct view whole = {.width = width, .height = height, .inner = plan.wraps ? SIDE_LEFT | SIDE_RIGHT : 0};
    add_view(&plan, o, &whole);
    for (int row = 0; across.count * down.count > 1 && row < down.count; row++)
        for (int column = 0; column < across.count; column++) {
            struct view v = tile_at(&across, &down, column, row);
            v.inner = (plan.wraps || column > 0 ? SIDE_LEFT : 0) |
                      (plan.wraps || column + 1 < across.count ? SIDE_RIGHT : 0) | (row > 0 ? SIDE_TOP : 0) |
                      (row + 1 < down.count ? SIDE_BOTTOM : 0);
            v.width = v.width < width ? v.width : width;
            add_view(&plan, o, &v);
        }
    plan.merge = plan.count > 1;
    for (int i = 0; i < plan.views[0].pass_count; i++)
        plan.merge |= isfinite(plan.views[0].passes[i].reach);
    *ret_plan = plan;
    return 0;
}

void plan_finish(struct plan *plan)
{
    if (!plan)
        return;
    free(plan->views);
    *plan = (struct plan){0};
}
