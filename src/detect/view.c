/* See view.h. */
#include "detect/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "media/scale.h"

#define NMS_IOU 0.5f
#define CUT_SLACK 8 /* px of the input: a box that ends so near to the view's border is taken to reach it */

void workspace_finish(struct workspace *w)
{
    free(w->canvas);
    candidates_finish(&w->candidates);
    for (int i = 0; i < PLAN_MAX_PASSES; i++)
        prototypes_finish(&w->prototypes[i]);
    *w = (struct workspace){0};
}

static double since(int64_t *mark)
{
    int64_t now = clock_mono_ns();
    double s = (double)(now - *mark) * 1e-9;
    *mark = now;
    return s;
}

/* Px of the picture in one of a pass's input. Where the picture's are not square, along the side on which they are
 * shorter: there an object is the longest. */
static float scale_of(const struct view *v, const struct pass *p)
{
    float x = (float)v->width / p->width, y = (float)v->height / p->height;
    return y > 1.1f * x ? y : x;
}

static int round_up(int v, int multiple)
{
    return (v + multiple - 1) / multiple * multiple;
}

/* Scales the view to width x height at the canvas' top left. A view past a panorama's edge goes on at the other one. */
static int scale_view(
    const struct frame *f, const struct view *v, uint8_t *canvas, ptrdiff_t stride, int width, int height)
{
    int beyond = v->x + v->width - f->width;
    if (beyond <= 0)
        return scale_to_rgb(f, v->x, v->y, v->width, v->height, canvas, stride, width, height);
    int here = v->width - beyond, columns = (int)lround((double)width * here / v->width);
    columns = columns < 1 ? 1 : columns > width - 1 ? width - 1 : columns;
    if (width < 2)
        return scale_to_rgb(f, v->x, v->y, here, v->height, canvas, stride, width, height);
    int r = scale_to_rgb(f, v->x, v->y, here, v->height, canvas, stride, columns, height);
    return r < 0 ? r
                 : scale_to_rgb(f, 0, v->y, beyond, v->height, canvas + 3 * columns, stride, width - columns, height);
}

static void mirror_row(uint8_t *rgb, int width)
{
    for (int a = 0, b = width - 1; a < b; a++, b--) {
        uint8_t t[3];
        memcpy(t, rgb + 3 * a, 3);
        memcpy(rgb + 3 * a, rgb + 3 * b, 3);
        memcpy(rgb + 3 * b, t, 3);
    }
}

/* Makes the input of a pass: the view scaled, mirrored if so planned, and the network's padding to its right and below.
 */
static int make_input(struct workspace *w, const struct network *n, const struct frame *f, const struct view *v,
    const struct pass *p, struct infer_picture *ret)
{
    int width = round_up(p->width, n->multiple), height = round_up(p->height, n->multiple);
    size_t stride = (size_t)width * 3, need = stride * height;
    if (need > w->canvas_cap) {
        free(w->canvas);
        w->canvas_cap = 0;
        w->canvas = malloc(need);
        if (!w->canvas)
            return -ENOMEM;
        w->canvas_cap = need;
    }
    int r = scale_view(f, v, w->canvas, (ptrdiff_t)stride, p->width, p->height);
    if (r < 0)
        return r;
    for (int y = 0; y < p->height; y++) {
        uint8_t *row = w->canvas + y * stride;
        if (p->mirrored)
            mirror_row(row, p->width);
        memset(row + (size_t)p->width * 3, n->pad, stride - (size_t)p->width * 3);
    }
    memset(w->canvas + p->height * stride, n->pad, (height - p->height) * stride);
    *ret = (struct infer_picture){.rgb = w->canvas, .stride = (ptrdiff_t)stride, .width = width, .height = height};
    return 0;
}

/* Types whose scores are better as the mean of what the passes say. Of faces more are found without. */
#define AGREE (OBJECT_BIT(OBJECT_LICENSE_PLATE) | OBJECT_BIT(OBJECT_PERSON) | OBJECT_BIT(OBJECT_VEHICLE))

#define SEEN_MIN 16.0f /* px of a pass's input: longer side from which on it can be expected to see an object */
#define SEEN_MAX 0.8f  /* of the largest boxes that it may give or only speak of: up to that it can */

/* Suppression over all passes of a view. */
static int settle(struct candidates *c, const struct view *v, const struct detect_params *params)
{
    struct nms_sight passes[PLAN_MAX_PASSES];
    for (int i = 0; i < v->pass_count; i++) {
        const struct pass *p = &v->passes[i];
        float px = scale_of(v, p);
        passes[i] = (struct nms_sight){
            .px = px, .least = SEEN_MIN * px, .most = SEEN_MAX * fmaxf(p->longest_max, p->say_max) * px};
    }
    struct nms_rules rules = {
        .iou = NMS_IOU, .votes = true, .agree = AGREE, .passes = passes, .pass_count = v->pass_count};
    memcpy(rules.threshold, params->threshold, sizeof rules.threshold);
    return nms_run(c, &rules);
}

static int decode_pass(struct workspace *w, const struct network *n, const struct network_outputs *o,
    const struct view *v, int pass, const struct detect_params *params)
{
    const struct pass *p = &v->passes[pass];
    int types[NETWORK_MAX_CLASSES];
    for (int i = 0; i < n->class_count; i++)
        types[i] = n->types[i] >= 0 && params->types & OBJECT_BIT(n->types[i]) ? n->types[i] : -1;
    float threshold[OBJECT_TYPES];
    float px = (float)v->width / p->width;
    struct head_window window = {.origin_x = (float)(p->mirrored ? v->x + v->width : v->x),
        .origin_y = (float)v->y,
        .scale_x = p->mirrored ? -px : px,
        .scale_y = (float)v->height / p->height,
        .width = p->width,
        .height = p->height,
        .longest_max = p->longest_max,
        .say_max = p->say_max,
        .types = types,
        .threshold = threshold,
        .pass = pass};
    for (int t = 0; t < OBJECT_TYPES; t++) {
        /* What has a say in others counts below the threshold too, so that neither boxes nor scores depend on it. */
        threshold[t] = params->threshold[t] * NMS_SAY_SHARE;
        window.longest_min[t] = AGREE & OBJECT_BIT(t) ? p->longest_min : p->longest_min_alone;
    }
    int r = 0;
    for (int i = 0; r == 0 && i < n->level_count; i++)
        r = head_decode(&o->levels[i], &window, &w->candidates);
    if (r < 0 || !w->candidates.coef_count)
        return r;
    struct prototypes *proto = &w->prototypes[pass];
    r = prototypes_copy(proto, o->proto, p->mirrored);
    proto->scale_x = px * n->proto_stride;
    /* In a mirror the planes' padding comes first. */
    proto->origin_x = p->mirrored ? window.origin_x - proto->width * proto->scale_x : window.origin_x;
    proto->origin_y = window.origin_y;
    proto->scale_y = window.scale_y * n->proto_stride;
    return r;
}

static int run_pass(struct workspace *w, struct network *n, const struct frame *f, const struct view *v, int pass,
    const struct detect_params *params, struct error *err)
{
    int64_t mark = clock_mono_ns();
    struct infer_picture input;
    int r = make_input(w, n, f, v, &v->passes[pass], &input);
    w->timing.scale += since(&mark);
    if (r < 0)
        return error_set(err, r, "cannot scale the picture for %s: %s", n->name, strerror(-r));
    struct network_outputs outputs;
    r = network_run(n, &input, &outputs, err);
    w->timing.network += since(&mark);
    w->timing.runs++;
    if (r < 0)
        return r;
    r = decode_pass(w, n, &outputs, v, pass, params);
    w->timing.decode += since(&mark);
    return r < 0 ? error_set(err, r, "cannot decode the outputs of %s: %s", n->name, strerror(-r)) : 0;
}

/* Rounding may carry a box a hair past its view. */
static bool clip(struct box *b, const struct view *v)
{
    b->x1 = fmaxf(b->x1, v->x);
    b->y1 = fmaxf(b->y1, v->y);
    b->x2 = fminf(b->x2, v->x + v->width);
    b->y2 = fminf(b->y2, v->y + v->height);
    return b->x1 < b->x2 && b->y1 < b->y2;
}

/* A box that fits best leaves the object's edge open as often as not; one a little too large does not, and its IoU
 * hardly falls. Done last, so that what the boxes agree on does not change. */
static struct box enlarged(const struct box *b, float factor)
{
    float dx = (b->x2 - b->x1) * (factor - 1) / 2, dy = (b->y2 - b->y1) * (factor - 1) / 2;
    return (struct box){b->x1 - dx, b->y1 - dy, b->x2 + dx, b->y2 + dy};
}

#define MASK_MOST 200.0f /* px of a pass's input: larger objects it knows less well than a coarser pass does */

/* What a pass says of the mask of an object whose longer side is `longest` px of the picture. */
static struct mask_source mask_source(
    const struct workspace *w, const struct view *v, const struct sighting *s, float longest)
{
    float seen = longest / scale_of(v, &v->passes[s->pass]), large = fmaxf(seen / MASK_MOST, 1);
    return (struct mask_source){
        &w->prototypes[s->pass], w->candidates.coefs + s->coef, fmaxf(s->score, 1e-6f) / (large * large)};
}

/* The mean of the two passes that know the object best: their errors are not the same. */
static int assemble_mask(const struct workspace *w, const struct view *v, const struct candidate *c,
    const struct box *box, struct mask **ret_mask)
{
    float longest = box_longest(box);
    const struct mask_source sources[] = {mask_source(w, v, &c->best, longest), mask_source(w, v, &c->second, longest)};
    return segment_mask(sources, c->second.score > 0 ? 2 : 1, box, ret_mask);
}

static int append_part(
    struct workspace *w, const struct network *n, const struct candidate *c, const struct view *v, struct parts *out)
{
    const struct pass *p = &v->passes[c->best.pass];
    struct part part = {.d = {.type = c->type, .score = c->score, .box = c->box, .track_id = -1, .anonymised = true},
        .reach = p->reach,
        .view = {v->x, v->y, v->x + v->width, v->y + v->height}};
    if (!clip(&part.d.box, v))
        return 0;
    part.cut = merge_cut(v, &part.d.box, CUT_SLACK * scale_of(v, p));
    part.d.box = enlarged(&part.d.box, n->enlarge[c->class]);
    clip(&part.d.box, v);
    part.d.offset_x = (int)floorf(part.d.box.x1);
    part.d.offset_y = (int)floorf(part.d.box.y1);
    int r = 0;
    if (w->candidates.coef_count)
        r = assemble_mask(w, v, c, &part.d.box, &part.d.mask);
    if (r == 0)
        r = parts_append(out, &part);
    if (r < 0)
        mask_destroy(part.d.mask);
    return r;
}

int view_run(struct workspace *w, struct network *n, const struct frame *f, const struct view *v,
    const struct detect_params *params, struct parts *out, struct error *err)
{
    candidates_clear(&w->candidates);
    w->candidates.coef_count = params->masks ? n->coefs : 0;
    int r = 0;
    for (int i = 0; r == 0 && i < v->pass_count; i++)
        r = run_pass(w, n, f, v, i, params, err);
    if (r < 0)
        return r;
    int64_t mark = clock_mono_ns();
    r = settle(&w->candidates, v, params);
    w->timing.decode += since(&mark);
    for (size_t i = 0; r == 0 && i < w->candidates.len; i++)
        r = append_part(w, n, &w->candidates.items[i], v, out);
    w->timing.mask += since(&mark);
    return r < 0 ? error_set(err, r, "cannot assemble masks: %s", strerror(-r)) : 0;
}
