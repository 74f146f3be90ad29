/* See score.h. */
#include "score.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_IOU 0.5f

static const int categories[OBJECT_TYPES] = {
    [OBJECT_FACE] = 3, [OBJECT_LICENSE_PLATE] = 4, [OBJECT_PERSON] = 1, [OBJECT_VEHICLE] = 2};

struct truth {
    struct box box;
    bool ignored, used, found;
    json_t *polygons; /* borrowed; NULL where there are none */
};

static bool flag(json_t *annotation, const char *key)
{
    json_t *v = json_object_get(annotation, key);
    return json_is_true(v) || (json_is_integer(v) && json_integer_value(v) != 0);
}

static size_t read_truths(json_t *annotations, enum object_type type, struct truth *out)
{
    size_t n = 0, i;
    json_t *a;
    json_array_foreach(annotations, i, a)
    {
        double x = 0, y = 0, w = 0, h = 0;
        json_error_t why;
        if (json_integer_value(json_object_get(a, "category_id")) != categories[type])
            continue;
        if (json_unpack_ex(json_object_get(a, "bbox"), &why, 0, "[F,F,F,F]", &x, &y, &w, &h) < 0)
            continue;
        json_t *polygons = json_object_get(a, "segmentation");
        out[n++] = (struct truth){.box = {(float)x, (float)y, (float)(x + w), (float)(y + h)},
            .ignored = flag(a, "ignore") || flag(a, "iscrowd"),
            .polygons = json_array_size(polygons) ? polygons : NULL};
    }
    return n;
}

static float inside(const struct box *what, const struct box *where)
{
    float area = box_area(what);
    return area > 0 ? box_intersection(what, where) / area : 0;
}

/* Whether a point is inside a polygon [x, y, x, y, ...], by the even-odd rule. */
static bool polygon_holds(const double *v, size_t points, double x, double y)
{
    bool in = false;
    for (size_t i = 0, k = points - 1; i < points; k = i++) {
        double xi = v[2 * i], yi = v[2 * i + 1], xk = v[2 * k], yk = v[2 * k + 1];
        if ((yi > y) != (yk > y) && x < (xk - xi) * (y - yi) / (yk - yi) + xi)
            in = !in;
    }
    return in;
}

enum { INSIDE = 1, OUTLINE = 2 };

/* Marks the pixels that the line from point i to point k of a polygon passes. */
static void draw_edge(const double *v, size_t i, size_t k, const struct mask *area, uint8_t *bits)
{
    double dx = v[2 * k] - v[2 * i], dy = v[2 * k + 1] - v[2 * i + 1];
    int steps = (int)ceil(fmax(fabs(dx), fabs(dy)));
    for (int j = 0; j <= steps; j++) {
        double part = steps ? (double)j / steps : 0;
        long x = lround(v[2 * i] + dx * part) - area->x, y = lround(v[2 * i + 1] + dy * part) - area->y;
        if (x >= 0 && y >= 0 && x < area->width && y < area->height)
            bits[y * area->width + x] |= OUTLINE;
    }
}

/* A polygon's points in whole pixels, owned by the caller; NULL where there are too few. */
static double *points_of(json_t *polygon)
{
    size_t n = json_array_size(polygon);
    double *v = n >= 6 ? malloc(n * sizeof *v) : NULL;
    for (size_t i = 0; v && i < n; i++)
        v[i] = round(json_number_value(json_array_get(polygon, i)));
    return v;
}

/* As score.py draws them (fillPoly: the even-odd rule, and the outlines): the sets' polygons run through the centres of
 * an object's outermost pixels, whose coordinates are whole numbers, and those pixels are the object's. */
static void fill(json_t *polygons, const struct mask *area, uint8_t *bits)
{
    json_t *polygon;
    size_t number;
    json_array_foreach(polygons, number, polygon)
    {
        double *v = points_of(polygon);
        size_t points = json_array_size(polygon) / 2;
        for (int y = 0; v && y < area->height; y++)
            for (int x = 0; x < area->width; x++)
                bits[(size_t)y * area->width + x] ^= polygon_holds(v, points, area->x + x, area->y + y) ? INSIDE : 0;
        for (size_t i = 0, k = points - 1; v && i < points; k = i++)
            draw_edge(v, i, k, area, bits);
        free(v);
    }
}

/* IoU of a mask with the polygons of an object, counted over a rectangle around both. */
static double mask_agreement(const struct mask *m, const struct truth *t)
{
    struct mask area = {.x = (int)fminf(m->x, floorf(t->box.x1)), .y = (int)fminf(m->y, floorf(t->box.y1))};
    area.width = (int)fmaxf(m->x + m->width, ceilf(t->box.x2)) - area.x;
    area.height = (int)fmaxf(m->y + m->height, ceilf(t->box.y2)) - area.y;
    size_t n = (size_t)area.width * area.height;
    uint8_t *bits = calloc(n, 2);
    if (!bits)
        return 0;
    fill(t->polygons, &area, bits);
    mask_decode(m, 1, bits + n + (size_t)(m->y - area.y) * area.width + (m->x - area.x), area.width);
    size_t both = 0, either = 0;
    for (size_t k = 0; k < n; k++) {
        both += bits[k] && bits[n + k];
        either += bits[k] || bits[n + k];
    }
    free(bits);
    return either ? (double)both / (double)either : 0;
}

static int add_row(struct score *s, float score, bool hit)
{
    if (s->len == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 1024;
        struct score_row *rows = reallocarray(s->rows, cap, sizeof *rows);
        if (!rows)
            return -ENOMEM;
        s->rows = rows;
        s->cap = cap;
    }
    s->rows[s->len++] = (struct score_row){score, hit};
    return 0;
}

static struct truth *match(struct truth *truths, size_t n, const struct box *box)
{
    struct truth *best = NULL;
    float most = MATCH_IOU;
    for (size_t i = 0; i < n; i++) {
        float v = truths[i].ignored || truths[i].used ? -1 : box_iou(&truths[i].box, box);
        if (v >= most) {
            most = v;
            best = &truths[i];
        }
    }
    return best;
}

static int count_detection(struct score *s, struct truth *truths, size_t n, const struct detection *d, float threshold)
{
    struct truth *t = match(truths, n, &d->box);
    if (t) {
        t->used = true;
        t->found = d->score >= threshold;
        if (d->mask && t->polygons) {
            s->mask_iou += mask_agreement(d->mask, t);
            s->masks++;
        }
        return add_row(s, d->score, true);
    }
    for (size_t i = 0; i < n; i++)
        if (truths[i].ignored && inside(&d->box, &truths[i].box) > 0.5f)
            return 0;
    s->false_positives += d->score >= threshold;
    return add_row(s, d->score, false);
}

int score_image(
    struct score *s, enum object_type type, json_t *annotations, const struct detections *found, float threshold)
{
    struct truth *truths = calloc(json_array_size(annotations) + 1, sizeof *truths);
    if (!truths)
        return -ENOMEM;
    size_t n = read_truths(annotations, type, truths);
    int r = 0;
    for (size_t i = 0; r == 0 && i < found->len; i++) /* best first within a type */
        if (found->items[i].type == type)
            r = count_detection(s, truths, n, &found->items[i], threshold);
    for (size_t i = 0; i < n; i++) {
        if (truths[i].ignored)
            continue;
        s->objects++;
        s->found += truths[i].found;
        bool covered = false;
        for (size_t k = 0; k < found->len; k++)
            covered |= found->items[k].type == type && found->items[k].score >= threshold &&
                       inside(&truths[i].box, &found->items[k].box) >= 0.8f;
        s->covered += covered;
    }
    free(truths);
    return r;
}

static int by_score(const void *pa, const void *pb)
{
    const struct score_row *a = pa, *b = pb;
    return a->score < b->score ? 1 : a->score > b->score ? -1 : a->hit - b->hit;
}

/* Area under the curve of precision over recall, precision made falling from the right (all-point interpolation). */
double score_average_precision(struct score *s)
{
    if (s->len == 0 || s->objects == 0)
        return 0;
    qsort(s->rows, s->len, sizeof *s->rows, by_score);
    size_t hits = 0;
    for (size_t i = 0; i < s->len; i++)
        hits += s->rows[i].hit;
    double area = 0, best = 0;
    for (size_t i = s->len; i-- > 0;) {
        best = fmax(best, (double)hits / (double)(i + 1));
        if (s->rows[i].hit) {
            area += best / s->objects;
            hits--;
        }
    }
    return area;
}

double score_best_threshold(struct score *s)
{
    qsort(s->rows, s->len, sizeof *s->rows, by_score);
    size_t hits = 0;
    double best = 0, at = 0;
    for (size_t i = 0; i < s->len; i++) {
        hits += s->rows[i].hit;
        double f2 = 5.0 * hits / (4.0 * s->objects + (double)(i + 1)); /* 5 P R / (4 P + R) */
        if (hits && f2 > best) {
            best = f2;
            at = s->rows[i].score;
        }
    }
    return at;
}

void score_finish(struct score *s)
{
    free(s->rows);
    *s = (struct score){0};
}
