/* See draw.h. Lines and letters are painted over what is there, so nothing that was redacted comes back; ignored areas
 * stay as they are even here. Every mark is drawn twice, first wider in black: it stands out from any background.
 * Labels come last, over all lines. */
#include "redact/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redact/glyphs.h"
#include "redact/paint.h"
#include "redact/region.h"

/* Sizes in px, from the picture's. */
struct pen {
    struct frame *f;
    const struct request_options *request;
    int line, halo;      /* width of lines, and of the black on either side */
    double unit, radius; /* of letters, see glyphs.h */
    struct rect *labels; /* owned by draw_detections: those drawn so far */
    size_t label_count;
};

static const unsigned char type_color[OBJECT_TYPES][3] = {[OBJECT_FACE] = {255, 220, 0},
    [OBJECT_LICENSE_PLATE] = {0, 220, 255},
    [OBJECT_PERSON] = {90, 255, 90},
    [OBJECT_VEHICLE] = {255, 120, 220}};
static const unsigned char black[3] = {0, 0, 0};

static struct pen pen_for(struct frame *f, const struct request_options *request)
{
    struct pen p = {.f = f, .request = request};
    int size = f->width > f->height ? f->width : f->height;
    p.line = size / 800 > 1 ? size / 800 : 1;
    p.halo = (p.line + 1) / 2;
    p.unit = fmax(size / 500.0, 1.5); /* letters of 6 units: 1/83 of the picture */
    p.radius = p.unit * 0.5;
    return p;
}

static int paint(const struct pen *p, struct region *region, const unsigned char rgb[3])
{
    struct paint paint = paint_color(p->f, rgb[0], rgb[1], rgb[2]);
    region_clear_ignored(region, p->request);
    return paint_region(p->f, region, &paint, p->request);
}

static int draw_bar(const struct pen *p, int x0, int y0, int x1, int y1, const unsigned char rgb[3])
{
    struct rect r = {
        x0 < 0 ? 0 : x0, y0 < 0 ? 0 : y0, x1 > p->f->width ? p->f->width : x1, y1 > p->f->height ? p->f->height : y1};
    struct region region;
    if (r.x0 >= r.x1 || r.y0 >= r.y1)
        return 0;
    int e = region_fill_rect(&r, 255, &region);
    if (e < 0)
        return e;
    e = paint(p, &region, rgb);
    region_finish(&region);
    return e;
}

/* The frame of a rectangle, `width` px thick, inwards. */
static int draw_frame(const struct pen *p, const struct rect *r, int width, const unsigned char rgb[3])
{
    int e = draw_bar(p, r->x0, r->y0, r->x1, r->y0 + width, rgb);
    if (e == 0)
        e = draw_bar(p, r->x0, r->y1 - width, r->x1, r->y1, rgb);
    if (e == 0)
        e = draw_bar(p, r->x0, r->y0 + width, r->x0 + width, r->y1 - width, rgb);
    if (e == 0)
        e = draw_bar(p, r->x1 - width, r->y0 + width, r->x1, r->y1 - width, rgb);
    return e;
}

static int draw_box(const struct pen *p, const struct rect *body, const unsigned char rgb[3])
{
    struct rect wide = {body->x0 - p->halo, body->y0 - p->halo, body->x1 + p->halo, body->y1 + p->halo};
    int e = draw_frame(p, &wide, p->line + 2 * p->halo, black);
    return e < 0 ? e : draw_frame(p, body, p->line, rgb);
}

static bool full(const struct region *r, int x, int y)
{
    return x >= 0 && y >= 0 && x < rect_width(&r->rect) && y < rect_height(&r->rect) &&
           r->alpha[(size_t)y * (size_t)rect_width(&r->rect) + (size_t)x] == 255;
}

/* Paints the rim of the fully covered part of `shape`, `width` px inwards. */
static int draw_rim(const struct pen *p, const struct region *shape, int width, const unsigned char rgb[3])
{
    struct region rim;
    int e = region_fill_rect(&shape->rect, 0, &rim);
    if (e < 0)
        return e;
    uint8_t *out = rim.alpha;
    for (int y = 0; y < rect_height(&shape->rect); y++) {
        for (int x = 0; x < rect_width(&shape->rect); x++, out++) {
            bool rim_here = full(shape, x, y) && !(full(shape, x - width, y) && full(shape, x + width, y) &&
                                                     full(shape, x, y - width) && full(shape, x, y + width));
            *out = rim_here ? 255 : 0;
        }
    }
    e = paint(p, &rim, rgb);
    region_finish(&rim);
    return e;
}

static int draw_shape(const struct pen *p, struct region_outline outline, const unsigned char rgb[3])
{
    static const struct request_options nothing_ignored;
    struct region shape;
    outline.stop = 0;
    int e = region_fill(&outline, &nothing_ignored, &shape);
    if (e < 0)
        return e;
    e = draw_rim(p, &shape, p->line + p->halo, black);
    if (e == 0)
        e = draw_rim(p, &shape, p->line, rgb);
    region_finish(&shape);
    return e;
}

static bool overlaps(const struct rect *a, const struct rect *b)
{
    return a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1;
}

/* The label's place: above the box, below it, inside at its top, or a line farther off; the first of these that is free
 * of other labels, else the first that fits. Moved into the picture where nothing fits. */
static struct rect label_place(struct pen *p, const struct rect *body, int width, int height)
{
    const int above = body->y0 - p->halo - height, below = body->y1 + p->halo;
    const int tries[] = {above, below, body->y0 + p->line + p->halo, above - height, below + height};
    int x = body->x0 + width > p->f->width ? p->f->width - width : body->x0;
    int bottom = p->f->height - height, best = -1;
    x = x < 0 ? 0 : x;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct rect r = {x, tries[i], x + width, tries[i] + height};
        size_t k = 0;
        if (tries[i] < 0 || tries[i] > bottom)
            continue;
        while (k < p->label_count && !overlaps(&r, &p->labels[k]))
            k++;
        if (best < 0 || k == p->label_count)
            best = tries[i];
        if (k == p->label_count)
            break;
    }
    if (best < 0)
        best = bottom < 0 ? 0 : above < 0 ? 0 : bottom;
    struct rect r = {x, best, x + width < p->f->width ? x + width : p->f->width,
        best + height < p->f->height ? best + height : p->f->height};
    p->labels[p->label_count++] = r;
    return r;
}

static int draw_label(struct pen *pen, const struct rect *body, const char *text, const unsigned char rgb[3])
{
    struct pen p = *pen;
    double units = glyphs_width(text) + 3; /* with half a stroke and the halo on both sides */
    if (units * p.unit > p.f->width) {
        p.unit = p.f->width / units;
        p.radius = fmax(p.unit * 0.5, 0.5);
    }
    double margin = 1.5 * p.unit;
    int height = (int)ceil((GLYPH_BOTTOM - GLYPH_TOP) * p.unit + 2 * margin);
    struct rect place = label_place(&p, body, (int)ceil(units * p.unit), height);
    pen->label_count = p.label_count;
    double x = place.x0 + margin, y = place.y0 + margin - GLYPH_TOP * p.unit;
    int e = 0;
    for (int pass = 0; pass < 2 && e == 0; pass++) {
        struct region region;
        e = region_fill_rect(&place, 0, &region);
        if (e < 0)
            break;
        glyphs_draw(&region, text, x, y, p.unit, pass == 0 ? p.radius + p.unit * 0.8 : p.radius);
        e = paint(&p, &region, pass == 0 ? black : rgb);
        region_finish(&region);
    }
    return e;
}

static void label_text(const struct detection *d, const struct request_options *request, char *out, size_t size)
{
    int n = snprintf(out, size, "%s", object_info(d->type)->name);
    if (request->score)
        n += snprintf(out + n, size - (size_t)n, " %.2f", (double)d->score);
    if (d->track_id >= 0)
        snprintf(out + n, size - (size_t)n, " #%" PRId64, d->track_id);
}

static int draw_detection(struct pen *p, const struct detection *d, bool label)
{
    struct region_outline outline;
    const unsigned char *rgb = type_color[d->type];
    int e = region_place(d, p->request, p->f->width, p->f->height, &outline);
    if (e != 0)
        return e < 0 ? e : 0;
    if (label) {
        char text[96];
        label_text(d, p->request, text, sizeof text);
        return draw_label(p, &outline.body, text, rgb);
    }
    if (outline.shape != REGION_BOX)
        e = draw_shape(p, outline, rgb);
    return e < 0 ? e : draw_box(p, &outline.body, rgb);
}

int draw_detections(
    struct frame **f, const struct detections *d, const struct request_options *request, struct error *err)
{
    if (d->len == 0)
        return 0;
    int e = frame_make_writable(f);
    struct pen pen = pen_for(*f, request);
    pen.labels = malloc(d->len * sizeof *pen.labels);
    if (!pen.labels)
        e = -ENOMEM;
    for (size_t i = 0; i < 2 * d->len && e == 0; i++)
        e = draw_detection(&pen, &d->items[i % d->len], i >= d->len);
    free(pen.labels);
    return e < 0 ? error_set(err, e, "cannot draw what was found") : 0;
}
