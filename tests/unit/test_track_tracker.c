/* Tracks: gaps are filled, ends are covered, scene cuts end everything, weak detections continue but never begin. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/assign.h"
#include "track/scene.h"
#include "track/track.h"

#define FRAMES 80

struct covered {
    struct track_frame frames[FRAMES];
    int count;
};

/* What the detector sees in a frame. */
typedef int (*see_function)(int frame, struct detections *out, struct track_motion *motion);

static void drain(struct tracker *t, struct covered *c)
{
    while (c->count < FRAMES && tracker_pop(t, &c->frames[c->count]) > 0)
        c->count++;
}

static float begin_share; /* tracker_options', for the tests that set it */

static void run(struct covered *c, bool off, see_function see)
{
    struct tracker *t;
    struct tracker_options o = {
        .off = off, .width = 640, .height = 360, .frame_rate = 25, .delay = 30, .threshold = {0.5f, 0.5f, 0.4f, 0.4f}};
    o.begin_share = begin_share;
    assert_int_equal(tracker_create(&o, &t), 0);
    *c = (struct covered){0};
    for (int i = 0; i < FRAMES; i++) {
        struct detections found = {0};
        struct track_motion motion = {0};
        assert_int_equal(see(i, &found, &motion), 0);
        assert_int_equal(tracker_push(t, &found, &motion, NULL), 0);
        drain(t, c);
    }
    assert_int_equal(tracker_flush(t), 0);
    drain(t, c);
    assert_int_equal(c->count, FRAMES);
    tracker_destroy(t);
}

static void finish(struct covered *c)
{
    for (int i = 0; i < c->count; i++)
        track_frame_finish(&c->frames[i]);
}

/* An object of 40 px that moves right by 4 px a frame. */
static struct box place(int frame)
{
    float x = 20 + 4.0f * (float)frame;
    return (struct box){x, 100, x + 40, 140};
}

static int add(struct detections *out, int frame, float score)
{
    struct detection d = {.type = OBJECT_FACE, .score = score, .box = place(frame), .track_id = -1};
    return detections_append(out, &d);
}

static int see_with_a_gap(int frame, struct detections *out, struct track_motion *motion)
{
    bool seen = (frame >= 20 && frame < 30) || (frame >= 45 && frame < 50);
    return seen ? add(out, frame, 0.9f) : 0;
}

static bool covers(const struct track_frame *f, const struct box *b, float share)
{
    for (size_t i = 0; i < f->found.len; i++)
        if (box_intersection(&f->found.items[i].box, b) >= share * box_area(b))
            return true;
    return false;
}

static void gaps_and_ends_are_covered(void **state)
{
    struct covered c;
    run(&c, false, see_with_a_gap);
    for (int i = 15; i < 55; i++) {
        struct box b = place(i);
        assert_true(covers(&c.frames[i], &b, 0.9f));
        assert_int_equal(c.frames[i].found.len, 1);
        assert_int_equal(c.frames[i].found.items[0].track_id, c.frames[20].found.items[0].track_id);
    }
    assert_true(c.frames[35].filled[0]);
    assert_false(c.frames[25].filled[0]);
    assert_int_equal(c.frames[2].found.len, 0);
    assert_int_equal(c.frames[75].found.len, 0);
    finish(&c);
}

static void off_leaves_every_frame_for_itself(void **state)
{
    struct covered c;
    run(&c, true, see_with_a_gap);
    for (int i = 0; i < FRAMES; i++) {
        bool seen = (i >= 20 && i < 30) || (i >= 45 && i < 50);
        assert_int_equal(c.frames[i].found.len, seen);
        if (seen)
            assert_int_equal(c.frames[i].found.items[0].track_id, -1);
    }
    finish(&c);
}

static int see_weakly(int frame, struct detections *out, struct track_motion *motion)
{
    if (frame < 30)
        return add(out, frame, 0.3f);
    return frame < 40 ? add(out, frame, 0.9f) : frame < 60 ? add(out, frame, 0.3f) : 0;
}

static void weak_detections_only_continue(void **state)
{
    struct covered c;
    run(&c, false, see_weakly);
    assert_int_equal(c.frames[10].found.len, 0);
    for (int i = 40; i < 60; i++) {
        assert_int_equal(c.frames[i].found.len, 1);
        assert_false(c.frames[i].filled[0]);
    }
    finish(&c);
}

/* Below the threshold, small and large. */
static int see_weakly_from_the_beginning(int frame, struct detections *out, struct track_motion *motion)
{
    struct detection large = {.type = OBJECT_FACE, .score = 0.45f, .box = {300, 20, 500, 300}, .track_id = -1};
    int r = add(out, frame, 0.45f);
    return r < 0 ? r : detections_append(out, &large);
}

static void small_objects_may_begin_below_the_threshold(void **state)
{
    struct covered c;
    begin_share = 0.8f;
    run(&c, false, see_weakly_from_the_beginning);
    begin_share = 0;
    for (int i = 0; i < FRAMES; i++) {
        assert_int_equal(c.frames[i].found.len, 1);
        assert_true(c.frames[i].found.items[0].box.x2 < 300 + 4.0f * (float)i);
    }
    finish(&c);
    run(&c, false, see_weakly_from_the_beginning);
    assert_int_equal(c.frames[FRAMES / 2].found.len, 0);
    finish(&c);
}

static int see_a_cut(int frame, struct detections *out, struct track_motion *motion)
{
    motion->cut = frame == 30;
    return frame == 25 || frame == 26 || frame == 27 || frame == 33 ? add(out, frame, 0.9f) : 0;
}

static void cuts_end_tracks(void **state)
{
    struct covered c;
    run(&c, false, see_a_cut);
    assert_int_equal(c.frames[29].found.len, 1);
    assert_int_equal(c.frames[30].found.len, 1); /* the head of the one after the cut */
    assert_int_not_equal(c.frames[29].found.items[0].track_id, c.frames[30].found.items[0].track_id);
    finish(&c);
}

static int see_a_shaking_camera(int frame, struct detections *out, struct track_motion *motion)
{
    struct box b = place(frame);
    float shake = frame % 2 ? 60 : 0;
    motion->dx = frame ? (frame % 2 ? 60 : -60) : 0;
    struct detection d = {
        .type = OBJECT_PERSON, .score = 0.9f, .box = {b.x1 + shake, b.y1, b.x2 + shake, b.y2}, .track_id = -1};
    return detections_append(out, &d);
}

static void tracks_follow_the_camera(void **state)
{
    struct covered c;
    run(&c, false, see_a_shaking_camera);
    for (int i = 0; i < FRAMES; i++) {
        assert_int_equal(c.frames[i].found.len, 1);
        assert_int_equal(c.frames[i].found.items[0].track_id, c.frames[0].found.items[0].track_id);
    }
    finish(&c);
}

static void assignment_is_the_cheapest(void **state)
{
    const float cost[] = {1, 2, 9, 2, 4, 9};
    int match[3];
    assert_int_equal(assign_least_cost(cost, 2, 3, 8, match), 0);
    assert_int_equal(match[0], 1);
    assert_int_equal(match[1], 0);
    assert_int_equal(assign_least_cost(cost, 3, 2, 3, match), 0);
    assert_int_equal(match[0], 0);
    assert_int_equal(match[1], 1);
    assert_int_equal(match[2], -1);
}

static void draw(uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH], int dx, unsigned seed)
{
    for (int y = 0; y < SCENE_HEIGHT; y++)
        for (int x = 0; x < SCENE_WIDTH; x++) {
            unsigned v = ((unsigned)((x - dx + 64) / 4) * 73u ^ (unsigned)(y / 4) * 151u ^ seed) * 2654435761u;
            picture[y][x] = seed ? (uint8_t)(v >> 26) : (uint8_t)(v >> 24);
        }
}

static void scenes_move_and_cut(void **state)
{
    struct scene s = {0};
    struct track_motion m;
    uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH];
    draw(picture, 0, 0);
    scene_update(&s, picture, 640, 360, &m);
    assert_false(m.cut);
    draw(picture, 3, 0);
    scene_update(&s, picture, 640, 360, &m);
    assert_false(m.cut);
    assert_true(fabsf(m.dx - 30) < 6 && fabsf(m.dy) < 6);
    draw(picture, 3, 12345);
    scene_update(&s, picture, 640, 360, &m);
    assert_true(m.cut);
    for (int lit = 1; lit >= 0; lit--) { /* a flash: much brighter, and the next picture is as before */
        draw(picture, 3, 12345);
        for (int y = 0; lit && y < SCENE_HEIGHT; y++)
            for (int x = 0; x < SCENE_WIDTH; x++)
                picture[y][x] = (uint8_t)(picture[y][x] * 3 + 60);
        scene_update(&s, picture, 640, 360, &m);
        assert_false(m.cut);
    }
    memset(picture, 250, sizeof picture); /* nothing of the scene is left */
    scene_update(&s, picture, 640, 360, &m);
    assert_true(m.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_and_ends_are_covered),
        cmocka_unit_test(off_leaves_every_frame_for_itself),
        cmocka_unit_test(weak_detections_only_continue),
        cmocka_unit_test(small_objects_may_begin_below_the_threshold),
        cmocka_unit_test(cuts_end_tracks),
        cmocka_unit_test(tracks_follow_the_camera),
        cmocka_unit_test(assignment_is_the_cheapest),
        cmocka_unit_test(scenes_move_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
