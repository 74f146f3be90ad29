/* Scenes with known objects, seen through tiles by an ideal detector: after merging, each object stands there once,
 * whole. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/mask.h"
#include "detect/merge.h"

/* What an ideal detector sees of an object (a rectangle, with a mask that fills it) in a view. */
static void see(struct parts *p, const struct view *v, struct box object, float score, float reach, int turn)
{
    const struct box window = {v->x, v->y, v->x + v->width, v->y + v->height};
    for (int dx = 0; dx <= turn; dx += turn ? turn : 1) {
        struct box b = object;
        b.x1 = fmaxf(b.x1 + dx, window.x1), b.x2 = fminf(b.x2 + dx, window.x2);
        b.y1 = fmaxf(b.y1, window.y1), b.y2 = fminf(b.y2, window.y2);
        if (b.x2 - b.x1 < 12 || b.y2 - b.y1 < 12)
            continue;
        struct part part = {.d = {.type = OBJECT_VEHICLE, .score = score, .box = b, .track_id = -1},
            .view = window,
            .reach = reach,
            .cut = merge_cut(v, &b, 4)};
        assert_int_equal(mask_rectangle(&b, &part.d.mask), 0);
        part.d.offset_x = part.d.mask->x;
        part.d.offset_y = part.d.mask->y;
        assert_int_equal(parts_append(p, &part), 0);
        if (!turn)
            break;
    }
}

static void see_all(
    struct parts *p, const struct plan *plan, size_t from, const struct box *objects, int count, int turn)
{
    for (size_t v = from; v < plan->count; v++)
        for (int i = 0; i < count; i++)
            see(p, &plan->views[v], objects[i], 0.9f - 0.01f * (float)v, v ? 300 : INFINITY, turn);
}

static const struct detection *find(const struct detections *d, struct box want)
{
    for (size_t i = 0; i < d->len; i++)
        if (box_iou(&d->items[i].box, &want) > 0.98f)
            return &d->items[i];
    return NULL;
}

static struct plan grid(int columns, int rows, double overlap)
{
    struct plan_options o = {
        .tiling = {.kind = TILING_GRID, .columns = columns, .rows = rows, .overlap_x = overlap, .overlap_y = overlap}};
    struct plan plan = {0};
    assert_int_equal(plan_make(&o, 1000, 1000, &plan), 0);
    return plan;
}

static const struct box street[] = {
    {470, 100, 530, 140}, /* across the middle, within the overlap */
    {300, 300, 700, 400}, /* across the middle, longer than the overlap */
    {400, 420, 600, 620}, /* in all four tiles */
    {100, 700, 160, 740}, /* in one tile */
    {40, 850, 960, 950},  /* nearly as wide as the picture */
    {480, 200, 520, 230},
};
enum { STREET = sizeof street / sizeof *street };

static void check_street(struct parts *p)
{
    struct detections d = {0};
    assert_int_equal(parts_merge(p, 0), 0);
    assert_int_equal(parts_move(p, 0, &d), 0);
    assert_int_equal(d.len, STREET);
    for (int i = 0; i < STREET; i++) {
        const struct detection *found = find(&d, street[i]);
        assert_non_null(found);
        assert_non_null(found->mask);
        assert_true(mask_count(found->mask) >= 0.98 * box_area(&street[i]));
        assert_true(found->offset_x <= street[i].x1 && found->offset_y <= street[i].y1);
    }
    detections_finish(&d);
}

static void cut_objects_come_out_once_and_whole(void **state)
{
    const double overlaps[] = {0, 20, 100, 0.3};
    for (int i = 0; i < 4; i++)
        for (int size = 2; size <= 4; size++) {
            struct plan plan = grid(size, size == 4 ? 1 : size, overlaps[i]);
            struct parts p = {0};
            see_all(&p, &plan, 1, street, STREET, 0); /* tiles alone */
            check_street(&p);
            see_all(&p, &plan, 0, street, STREET, 0); /* with the whole picture */
            check_street(&p);
            plan_finish(&plan);
        }
}

static void neighbours_stay_apart(void **state)
{
    /* Two objects on either side of the border, seen whole by one tile each and cut by the other. */
    const struct box pair[] = {{380, 100, 498, 160}, {505, 100, 640, 160}, {440, 500, 520, 560}, {522, 505, 600, 560}};
    struct plan plan = grid(2, 1, 100);
    struct parts p = {0};
    struct detections d = {0};
    see_all(&p, &plan, 1, pair, 4, 0);
    assert_int_equal(parts_merge(&p, 0), 0);
    assert_int_equal(parts_move(&p, 0, &d), 0);
    assert_int_equal(d.len, 4);
    for (int i = 0; i < 4; i++)
        assert_non_null(find(&d, pair[i]));
    detections_finish(&d);
    plan_finish(&plan);
}

static void add(struct parts *p, struct box b, float score, float reach, enum object_type type)
{
    struct part part = {.d = {.type = type, .score = score, .box = b}, .view = {0, 0, 1000, 1000}, .reach = reach};
    assert_int_equal(mask_rectangle(&b, &part.d.mask), 0);
    assert_int_equal(parts_append(p, &part), 0);
}

static void fragments_of_large_objects_vanish(void **state)
{
    struct parts p = {0};
    struct detections d = {0};
    add(&p, (struct box){100, 100, 800, 500}, 0.7f, INFINITY, OBJECT_VEHICLE);
    add(&p, (struct box){120, 120, 300, 280}, 0.8f, 250,
        OBJECT_VEHICLE); /* a piece of it: vanishes, its score counts */
    add(&p, (struct box){700, 400, 900, 560}, 0.6f, 250, OBJECT_VEHICLE); /* stands out: another object */
    add(&p, (struct box){200, 200, 260, 300}, 0.6f, 250, OBJECT_PERSON);  /* another type */
    add(&p, (struct box){300, 300, 400, 360}, 0.5f, INFINITY,
        OBJECT_VEHICLE); /* from a pass that sees both: an object in front */
    assert_int_equal(parts_merge(&p, 0), 0);
    assert_int_equal(parts_move(&p, 0, &d), 0);
    assert_int_equal(d.len, 4);
    assert_int_equal(d.items[0].type, OBJECT_PERSON);
    assert_float_equal(d.items[1].score, 0.8f, 1e-6);
    assert_float_equal(d.items[1].box.x2, 800, 1e-6);
    detections_finish(&d);
}

/* Whoever reads the box must not be told less than the mask covers. */
static void boxes_reach_around_what_they_took_in(void **state)
{
    struct parts p = {0};
    struct detections d = {0};
    add(&p, (struct box){100, 100, 800, 500}, 0.7f, INFINITY, OBJECT_VEHICLE);
    add(&p, (struct box){400, 60, 500, 260}, 0.6f, 250, OBJECT_VEHICLE); /* a fifth of it stands out at the top */
    add(&p, (struct box){420, 80, 480, 240}, 0.6f, 250, OBJECT_VEHICLE);
    assert_int_equal(parts_merge(&p, 0), 0);
    assert_int_equal(parts_move(&p, 0, &d), 0);
    assert_int_equal(d.len, 1);
    assert_float_equal(d.items[0].box.x1, 100, 1e-6);
    assert_float_equal(d.items[0].box.y1, 60, 1e-6);
    assert_float_equal(d.items[0].box.x2, 800, 1e-6);
    assert_int_equal(d.items[0].mask->y, 60);
    detections_finish(&d);
}

/* A piece of a face behind another one is taken for a part of that: then that one's box has to cover it. */
static void a_face_that_takes_in_a_piece_covers_it(void **state)
{
    struct parts p = {0};
    struct detections d = {0};
    const struct part whole = {
        .d = {.type = OBJECT_FACE, .score = 0.9f, .box = {48, 0, 90, 40}}, .view = {0, 0, 100, 100}, .reach = 256};
    struct part piece = {.d = {.type = OBJECT_FACE, .score = 0.6f, .box = {76, 0, 100, 40}},
        .view = {0, 0, 100, 100},
        .reach = 256,
        .cut = SIDE_RIGHT};
    assert_int_equal(parts_append(&p, &whole), 0);
    assert_int_equal(parts_append(&p, &piece), 0);
    piece = (struct part){.d = {.type = OBJECT_FACE, .score = 0.6f, .box = {100, 0, 116, 40}},
        .view = {100, 0, 200, 100},
        .reach = 256,
        .cut = SIDE_LEFT};
    assert_int_equal(parts_append(&p, &piece), 0);
    assert_int_equal(parts_merge(&p, 0), 0);
    assert_int_equal(parts_move(&p, 0, &d), 0);
    for (float x = 50; x < 116; x += 2) {
        bool covered = false;
        for (size_t i = 0; i < d.len; i++)
            covered |= d.items[i].box.x1 <= x && x <= d.items[i].box.x2;
        assert_true(covered);
    }
    detections_finish(&d);
}

static void a_doubtful_giant_swallows_nothing_certain(void **state)
{
    struct parts p = {0};
    struct detections d = {0};
    add(&p, (struct box){0, 0, 1000, 1000}, 0.4f, INFINITY, OBJECT_VEHICLE);
    add(&p, (struct box){120, 120, 300, 280}, 0.9f, 250, OBJECT_VEHICLE);
    assert_int_equal(parts_merge(&p, 0), 0);
    assert_int_equal(parts_move(&p, 0, &d), 0);
    assert_int_equal(d.len, 2);
    detections_finish(&d);
}

static void the_seam_of_a_panorama_is_covered_on_both_sides(void **state)
{
    enum { WIDTH = 8000, HEIGHT = 2000 };
    struct plan_options o = {.tiling = {.kind = TILING_PANO, .pano_width = WIDTH}};
    struct plan plan = {0};
    assert_int_equal(plan_make(&o, WIDTH, HEIGHT, &plan), 0);
    /* across the seam: within the overlap, longer than it, and one away from it; x counts on past the edge */
    const struct box objects[] = {
        {7950, 500, 8090, 600}, {7500, 900, 8700, 1300}, {2000, 200, 2300, 300}, {20, 1500, 90, 1560}};
    for (size_t from = 0; from < 2; from++) {
        struct parts p = {0};
        struct detections d = {0};
        for (size_t v = from; v < plan.count; v++)
            for (int i = 0; i < 4; i++) {
                struct box left = objects[i];
                left.x1 -= WIDTH, left.x2 -= WIDTH;
                see(&p, &plan.views[v], left, 0.8f, v ? 300 : INFINITY, WIDTH);
            }
        assert_int_equal(parts_merge(&p, WIDTH), 0);
        assert_int_equal(parts_move(&p, WIDTH, &d), 0);
        /* see() looks one turn to the right of what it is given, so both readings of each object were offered. */
        assert_int_equal(d.len, 6);
        assert_non_null(find(&d, (struct box){7950, 500, 8000, 600}));
        assert_non_null(find(&d, (struct box){0, 500, 90, 600}));
        assert_non_null(find(&d, (struct box){7500, 900, 8000, 1300}));
        assert_non_null(find(&d, (struct box){0, 900, 700, 1300}));
        assert_non_null(find(&d, objects[2]));
        assert_non_null(find(&d, objects[3]));
        for (size_t i = 0; i < d.len; i++) {
            const struct detection *it = &d.items[i];
            assert_true(it->box.x1 >= 0 && it->box.x2 <= WIDTH);
            assert_true(it->mask->x >= 0 && it->mask->x + it->mask->width <= WIDTH);
            assert_true(mask_count(it->mask) >= 0.98 * box_area(&it->box));
        }
        detections_finish(&d);
    }
    plan_finish(&plan);
}

static void a_side_of_the_seam_without_a_bit_of_the_mask_is_a_box(void **state)
{
    struct part part = {
        .d = {.type = OBJECT_PERSON, .score = 0.5f, .box = {980, 100, 1020, 104}}, .view = {600, 0, 1600, 1000}};
    struct mask_writer w;
    uint8_t bits[40] = {0};
    memset(bits, 1, 10);
    assert_int_equal(mask_writer_begin(&w, 980, 100, 40, 4), 0);
    for (int y = 0; y < 4; y++)
        assert_int_equal(mask_writer_row(&w, bits), 0);
    assert_int_equal(mask_writer_end(&w, &part.d.mask), 0);
    struct parts p = {0};
    struct detections d = {0};
    assert_int_equal(parts_append(&p, &part), 0);
    assert_int_equal(parts_move(&p, 1000, &d), 0);
    assert_int_equal(d.len, 2);
    assert_int_equal(mask_count(d.items[0].mask), 20 * 4); /* at the left edge: all of its box */
    assert_int_equal(mask_count(d.items[1].mask), 10 * 4);
    detections_finish(&d);
}

static void faces_at_the_seam_keep_their_ellipse(void **state)
{
    struct parts p = {0};
    struct detections d = {0};
    struct part face = {
        .d = {.type = OBJECT_FACE, .score = 0.9f, .box = {980, 100, 1040, 200}, .offset_x = 980, .offset_y = 100}};
    assert_int_equal(parts_append(&p, &face), 0);
    assert_int_equal(parts_move(&p, 1000, &d), 0);
    assert_int_equal(d.len, 2);
    uint64_t sum = 0;
    for (size_t i = 0; i < 2; i++) {
        assert_non_null(d.items[i].mask);
        sum += mask_count(d.items[i].mask);
    }
    double share = sum / (60.0 * 100.0);
    assert_true(share > 0.77 && share < 0.80);
    assert_int_equal(d.items[0].mask->x, 0);
    assert_int_equal(d.items[0].mask->width, 40);
    assert_int_equal(d.items[1].mask->x, 980);
    assert_int_equal(d.items[1].mask->width, 20);
    detections_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_objects_come_out_once_and_whole),
        cmocka_unit_test(neighbours_stay_apart),
        cmocka_unit_test(fragments_of_large_objects_vanish),
        cmocka_unit_test(boxes_reach_around_what_they_took_in),
        cmocka_unit_test(a_face_that_takes_in_a_piece_covers_it),
        cmocka_unit_test(a_doubtful_giant_swallows_nothing_certain),
        cmocka_unit_test(the_seam_of_a_panorama_is_covered_on_both_sides),
        cmocka_unit_test(a_side_of_the_seam_without_a_bit_of_the_mask_is_a_box),
        cmocka_unit_test(faces_at_the_seam_keep_their_ellipse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
