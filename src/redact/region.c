/* See region.h: from a detection to its shape in the picture, and to the alpha of boxes and ellipses. Masks:
 * region_mask.c. */
#include "redact/region.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/region_mask.h"

#define MAX_START 8.0 /* a feather wider than this many boxes is a mistake, not a wish */

static double clamp(double v, double low, double high)
{
    return v >= low ? (v <= high ? v : high) : low; /* not a number: low */
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static struct rect intersect(const struct rect *a, const struct rect *b)
{
    return (struct rect){max_int(a->x0, b->x0), max_int(a->y0, b->y0), min_int(a->x1, b->x1), min_int(a->y1, b->y1)};
}

static bool empty(const struct rect *r)
{
    return r->x0 >= r->x1 || r->y0 >= r->y1;
}

/* The box's pixels, cut to the picture. A box that is inside out is taken as its outside in; one without area still has
 * a pixel. */
static struct rect box_pixels(const struct box *b, const struct rect *picture)
{
    double x0 = fmin(b->x1, b->x2), x1 = fmax(b->x1, b->x2);
    double y0 = fmin(b->y1, b->y2), y1 = fmax(b->y1, b->y2);
    x1 = fmax(ceil(x1), floor(x0) + 1);
    y1 = fmax(ceil(y1), floor(y0) + 1);
    return (struct rect){(int)clamp(floor(x0), 0, picture->x1), (int)clamp(floor(y0), 0, picture->y1),
        (int)clamp(x1, 0, picture->x1), (int)clamp(y1, 0, picture->y1)};
}

static bool box_known(const struct box *b)
{
    return !isnan(b->x1) && !isnan(b->y1) && !isnan(b->x2) && !isnan(b->y2);
}

/* Bounds enlarged by a share of each half side, cut to the picture. */
static struct rect enlarge(const struct rect *body, double share, const struct rect *picture)
{
    double dx = rect_width(body) * 0.5 * share, dy = rect_height(body) * 0.5 * share;
    return (struct rect){(int)clamp(floor(body->x0 - dx), 0, picture->x1),
        (int)clamp(floor(body->y0 - dy), 0, picture->y1), (int)clamp(ceil(body->x1 + dx), 0, picture->x1),
        (int)clamp(ceil(body->y1 + dy), 0, picture->y1)};
}

/* True where the mask is worth using; sets the outline's rectangle and growth. */
static bool place_mask(const struct mask *m, bool known, struct region_outline *o)
{
    struct rect bounds;
    int64_t set = region_mask_bounds(m, &o->picture, &bounds);
    if (set == 0)
        return false;
    if (!known || empty(&o->body))
        o->body = bounds;
    else if (set * 16 < (int64_t)rect_width(&o->body) * rect_height(&o->body))
        return false;
    int object = max_int(rect_width(&o->body), rect_height(&o->body));
    int picture = max_int(o->picture.x1, o->picture.y1);
    o->grow = max_int(2, max_int(object / 40, picture / 400));
    o->half_soft = (o->grow + 1) / 2;
    int margin = o->grow + 2 * o->half_soft;
    struct rect wide = {bounds.x0 - margin, bounds.y0 - margin, bounds.x1 + margin, bounds.y1 + margin};
    o->rect = intersect(&wide, &o->picture);
    o->shape = REGION_MASK;
    o->mask = m;
    return true;
}

int region_place(
    const struct detection *d, const struct request_options *request, int width, int height, struct region_outline *ret)
{
    struct region_outline o = {.picture = {0, 0, width, height}};
    bool known = box_known(&d->box);
    if (known)
        o.body = box_pixels(&d->box, &o.picture);
    o.start = clamp(request->gradient_start[d->type], 0, MAX_START);
    o.stop = clamp(request->gradient_stop[d->type], 0, 1);
    if (!d->mask || (request->bbox && known) || !place_mask(d->mask, known, &o)) {
        if (!known)
            return -ERANGE;
        if (empty(&o.body))
            return 1;
        o.shape = d->type == OBJECT_FACE && !request->bbox ? REGION_ELLIPSE : REGION_BOX;
        o.rect = enlarge(&o.body, o.start, &o.picture);
    }
    *ret = o;
    return 0;
}

/* Alpha at `r` half sides from the centre. */
static uint8_t falloff(double r, double start, double stop)
{
    double width = start + stop;
    if (r <= 1 - stop)
        return 255;
    if (r >= 1 + start || width <= 0)
        return 0;
    return (uint8_t)lrint((1 + start - r) / width * 255);
}

/* How far the centre of pixel `i` lies from the middle of low..high, in halves of that length. With `open_low` or
 * `open_high` everything on that side counts as the middle. */
static double distance(int i, int low, int high, bool open_low, bool open_high)
{
    double r = (2.0 * i + 1 - low - high) / (high - low);
    if ((r < 0 && open_low) || (r > 0 && open_high))
        return 0;
    return fabs(r);
}

static void fill_box(const struct region_outline *o, double *across, struct region *r)
{
    int width = rect_width(&o->rect);
    uint8_t *column = (uint8_t *)across; /* the columns' alpha, written over the distances it comes from */
    for (int x = 0; x < width; x++)
        column[x] = falloff(across[x], o->start, o->stop);
    for (int y = o->rect.y0; y < o->rect.y1; y++) {
        uint8_t *row = r->alpha + (size_t)(y - o->rect.y0) * (size_t)width;
        uint8_t limit = falloff(distance(y, o->body.y0, o->body.y1, false, false), o->start, o->stop);
        for (int x = 0; x < width; x++)
            row[x] = column[x] < limit ? column[x] : limit;
    }
}

/* Full inside the ellipse of the box, falling along the ray from the centre to nothing at the border of the enlarged
 * box. */
static void fill_ellipse(const struct region_outline *o, const double *across, struct region *r)
{
    int width = rect_width(&o->rect);
    bool open_top = o->body.y0 <= 0, open_bottom = o->body.y1 >= o->picture.y1;
    double full = 1 - o->stop, none = 1 + o->start;
    for (int y = o->rect.y0; y < o->rect.y1; y++) {
        uint8_t *row = r->alpha + (size_t)(y - o->rect.y0) * (size_t)width;
        double v = distance(y, o->body.y0, o->body.y1, open_top, open_bottom);
        for (int x = 0; x < width; x++) {
            double u = across[x], square = u * u + v * v, most = u > v ? u : v;
            if (square <= full * full) {
                row[x] = 255;
            } else if (most < none) {
                double at = sqrt(square), end = at / most * none;
                row[x] = (uint8_t)lrint(255 * (end - at) / (end - full));
            }
        }
    }
}

struct rect region_ignored(const struct ignore_rect *area, const struct rect *bounds)
{
    int64_t x1 = (int64_t)area->x + area->width, y1 = (int64_t)area->y + area->height;
    return (struct rect){max_int(area->x, bounds->x0), max_int(area->y, bounds->y0),
        x1 < bounds->x1 ? (int)x1 : bounds->x1, y1 < bounds->y1 ? (int)y1 : bounds->y1};
}

void region_clear_ignored(struct region *r, const struct request_options *request)
{
    int width = rect_width(&r->rect);
    for (int i = 0; i < request->ignore_count; i++) {
        struct rect c = region_ignored(&request->ignores[i], &r->rect);
        for (int y = c.y0; y < c.y1 && c.x0 < c.x1; y++)
            memset(r->alpha + (size_t)(y - r->rect.y0) * (size_t)width + (c.x0 - r->rect.x0), 0, (size_t)(c.x1 - c.x0));
    }
}

int region_fill_rect(const struct rect *rect, uint8_t alpha, struct region *ret)
{
    size_t size = (size_t)rect_width(rect) * (size_t)rect_height(rect);
    ret->rect = *rect;
    ret->alpha = malloc(size);
    if (!ret->alpha)
        return -ENOMEM;
    memset(ret->alpha, alpha, size);
    return 0;
}

int region_fill(const struct region_outline *o, const struct request_options *request, struct region *ret)
{
    double *across = NULL;
    int r = region_fill_rect(&o->rect, 0, ret);
    if (r < 0)
        return r;
    if (o->shape == REGION_MASK) {
        r = region_mask_fill(o, ret->alpha);
    } else {
        across = malloc((size_t)rect_width(&o->rect) * sizeof *across);
        r = across ? 0 : -ENOMEM;
    }
    if (r < 0) {
        region_finish(ret);
        return r;
    }
    if (across) {
        bool ellipse = o->shape == REGION_ELLIPSE;
        bool open_left = ellipse && o->body.x0 <= 0, open_right = ellipse && o->body.x1 >= o->picture.x1;
        for (int x = o->rect.x0; x < o->rect.x1; x++)
            across[x - o->rect.x0] = distance(x, o->body.x0, o->body.x1, open_left, open_right);
        ellipse ? fill_ellipse(o, across, ret) : fill_box(o, across, ret);
        free(across);
    }
    region_clear_ignored(ret, request);
    return 0;
}

void region_finish(struct region *r)
{
    if (!r)
        return;
    free(r->alpha);
    r->alpha = NULL;
}
