/* See redact.h. Two rounds over the objects: first each is measured on the untouched picture, then each is painted,
 * from fine cells to coarse ones.
 *
 * So the result does not depend on the order of the detections, and where objects overlap the coarsest cells win: a
 * face that was found twice, or inside a person, shows no more than the strongest of its redactions. Nothing original
 * comes back either: in the feather of the later object what shines through is the earlier one's redaction. */
#include "redact/redact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "redact/cells.h"
#include "redact/paint.h"
#include "redact/region.h"

struct object {
    const struct detection *detection;
    struct region_outline outline;
    double side; /* of a cell, px */
    struct cells cells;
};

/* True where the ignored areas from `first` on cover every point of the box together. */
static bool covered(double x1, double y1, double x2, double y2, const struct request_options *request, int first)
{
    if (!(x1 < x2 && y1 < y2))
        return true;
    for (int i = first; i < request->ignore_count; i++) {
        const struct ignore_rect *a = &request->ignores[i];
        double ax2 = (double)a->x + a->width, ay2 = (double)a->y + a->height;
        if (a->width <= 0 || a->height <= 0 || a->x >= x2 || a->y >= y2 || ax2 <= x1 || ay2 <= y1)
            continue;
        /* The area takes a bite; what is left is above, below, left and right of it. */
        double top = fmax(y1, a->y), bottom = fmin(y2, ay2);
        return covered(x1, y1, x2, top, request, i + 1) && covered(x1, bottom, x2, y2, request, i + 1) &&
               covered(x1, top, a->x, bottom, request, i + 1) && covered(ax2, top, x2, bottom, request, i + 1);
    }
    return false;
}

void redact_decide(struct detections *d, const struct request_options *request)
{
    for (size_t i = 0; i < d->len; i++) {
        struct detection *item = &d->items[i];
        const struct box *b = &item->box;
        bool inside = b->x1 < b->x2 && b->y1 < b->y2 && covered(b->x1, b->y1, b->x2, b->y2, request, 0);
        item->anonymised = (request->types & OBJECT_BIT(item->type)) && !inside;
    }
}

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

/* Coarse cells come last. The rest only makes the order the same for the same objects. */
static int compare_objects(const void *pa, const void *pb)
{
    const struct object *a = pa, *b = pb;
    const struct rect *ra = &a->outline.rect, *rb = &b->outline.rect;
    const int x[] = {ra->x0, ra->y0, ra->x1, ra->y1, (int)a->outline.shape, (int)a->detection->type};
    const int y[] = {rb->x0, rb->y0, rb->x1, rb->y1, (int)b->outline.shape, (int)b->detection->type};
    int order = compare_numbers(a->side, b->side);
    for (size_t i = 0; i < sizeof x / sizeof *x && order == 0; i++)
        order = (x[i] > y[i]) - (x[i] < y[i]);
    return order;
}

static int measure_objects(const struct frame *f, const struct detections *d, const struct request_options *request,
    struct object *objects, size_t *ret_len, struct error *err)
{
    for (size_t i = 0; i < d->len; i++) {
        const struct detection *item = &d->items[i];
        struct object *o = &objects[*ret_len];
        if (!item->anonymised)
            continue;
        int r = region_place(item, request, f->width, f->height, &o->outline);
        if (r < 0)
            return error_set(err, r, "detection %zu has no place in the picture", i);
        if (r > 0)
            continue;
        const struct rect *body = &o->outline.body;
        o->detection = item;
        o->side = cells_side(
            item->type, rect_width(body), rect_height(body), request->method, request->kernel_size[item->type]);
        r = request->method == METHOD_BLACKEN ? 0 : cells_measure(f, &o->outline.rect, o->side, &o->cells);
        if (r < 0)
            return error_set(err, r, "out of memory while redacting");
        ++*ret_len;
    }
    return 0;
}

static int paint_object(struct frame *f, const struct object *o, const struct request_options *request)
{
    struct region region;
    int r = region_fill(&o->outline, request, &region);
    if (r < 0)
        return r;
    struct paint paint = paint_color(f, 0, 0, 0);
    if (request->method != METHOD_BLACKEN)
        paint.cells = &o->cells;
    paint.smooth = request->method == METHOD_BLUR;
    r = paint_region(f, &region, &paint, request);
    region_finish(&region);
    return r;
}

int redact_frame(struct frame **f, const struct detections *d, const struct request_options *request, struct error *err)
{
    if (request->method == METHOD_DETECT || d->len == 0)
        return 0;
    size_t len = 0;
    struct object *objects = calloc(d->len, sizeof *objects);
    if (!objects)
        return error_set(err, -ENOMEM, "out of memory while redacting");
    int r = measure_objects(*f, d, request, objects, &len, err);
    if (r < 0 || len == 0)
        goto out;
    qsort(objects, len, sizeof *objects, compare_objects);
    r = frame_make_writable(f);
    for (size_t i = 0; i < len && r == 0; i++)
        r = paint_object(*f, &objects[i], request);
    if (r < 0)
        error_set(err, r, "out of memory while redacting");
out:
    for (size_t i = 0; i < d->len; i++)
        cells_finish(&objects[i].cells);
    free(objects);
    return r;
}

int redact_whole(struct frame **f, enum method method, struct error *err)
{
    static const struct request_options nothing_ignored;
    struct rect picture = {0, 0, (*f)->width, (*f)->height};
    double side = fmax(fmax(picture.x1, picture.y1) / CELLS_OBJECT, 4);
    struct cells cells = {0};
    struct region region = {0};
    struct paint paint = {0};
    bool black = method != METHOD_BLUR && method != METHOD_PIXELATE;
    int r = frame_make_writable(f);
    if (r == 0)
        r = region_fill_rect(&picture, 255, &region);
    if (r == 0 && !black)
        r = cells_measure(*f, &picture, side, &cells);
    if (r == 0) {
        paint = paint_color(*f, 0, 0, 0);
        paint.cells = black ? NULL : &cells;
        paint.smooth = method == METHOD_BLUR;
        r = paint_region(*f, &region, &paint, &nothing_ignored);
    }
    region_finish(&region);
    cells_finish(&cells);
    return r < 0 ? error_set(err, r, "out of memory while redacting") : 0;
}
