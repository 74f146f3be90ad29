/* Which frames are looked at, and that those left out are covered by the tracks around them. */
#include "unit.h"

#include "track/pace.h"

#define FRAMES 60

static const float threshold[OBJECT_TYPES] = {0.5f, 0.5f, 0.4f, 0.4f};

/* Moves right by 3 px a frame. */
static struct box place(int frame)
{
    float x = 20 + 3.0f * (float)frame;
    return (struct box){x, 100, x + 40, 140};
}

static void add(struct detections *out, struct box b, float score)
{
    struct detection d = {.type = OBJECT_FACE, .score = score, .box = b, .track_id = -1};
    assert_int_equal(detections_append(out, &d), 0);
}

/* One frame, shown from `time` until `until`: whether it was looked at, where `b` (may be NULL) would be found. */
static bool look_at(struct pace *p, const struct track_motion *motion, const struct box *b, double time, double until)
{
    struct detections found = {0};
    if (!pace_look(p, motion, time, until))
        return false;
    if (b)
        add(&found, *b, 0.9f);
    assert_int_equal(pace_found(p, &found, threshold), 0);
    detections_finish(&found);
    return true;
}

/* The next one of 25 a second. */
static bool look(struct pace *p, const struct track_motion *motion, const struct box *b)
{
    double time = p->now + 1 / 25.0;
    return look_at(p, motion, b, time, time + 1 / 25.0);
}

static void frames_between_looks_are_covered(void **state)
{
    struct tracker_options o = {
        .width = 640, .height = 360, .frame_rate = 25, .delay = 30, .threshold = {0.5f, 0.5f, 0.4f, 0.4f}};
    struct tracker *t;
    struct pace p;
    struct track_frame f;
    struct track_summary s;
    int looks = 0, popped = 0;
    assert_int_equal(tracker_create(&o, &t), 0);
    pace_init(&p, 3, 25, 30, 640);
    for (int i = 0; i <= FRAMES; i++) {
        struct track_motion motion = {0};
        struct detections found = {0};
        struct box b = place(i);
        motion.skipped = i < FRAMES && !look(&p, &motion, &b);
        looks += i < FRAMES && !motion.skipped;
        if (!motion.skipped)
            add(&found, b, 0.9f);
        assert_int_equal(i < FRAMES ? tracker_push(t, &found, &motion, NULL) : tracker_flush(t), 0);
        detections_finish(&found);
        while (tracker_pop(t, &f) > 0) {
            struct box want = place(popped++);
            assert_int_equal(f.found.len, 1);
            assert_true(box_intersection(&f.found.items[0].box, &want) >= 0.99f * box_area(&want));
            assert_true(f.filled[0] == ((popped - 1) % 3 != 0));
            track_frame_finish(&f);
        }
    }
    assert_int_equal(popped, FRAMES);
    assert_int_equal(looks, FRAMES / 3);
    assert_true(tracker_ended(t, &s));
    assert_int_equal(s.detected, FRAMES / 3);
    assert_int_equal(s.gap_count, 0); /* nothing was missed by a look */
    assert_false(tracker_ended(t, &s));
    pace_finish(&p);
    tracker_destroy(t);
}

static void looks_where_things_change(void **state)
{
    const struct track_motion still = {0}, cut = {.cut = true}, turn = {.dx = 40};
    struct box b = place(0), far = place(100);
    struct pace p;
    pace_init(&p, 0, 25, 30, 640);
    assert_true(look(&p, &still, NULL)); /* the first */
    assert_false(look(&p, &still, NULL));
    assert_true(look(&p, &cut, &b));
    assert_true(look(&p, &still, &b)); /* what is new is looked at twice */
    assert_false(look(&p, &still, &b));
    assert_false(look(&p, &still, &b));
    assert_true(look(&p, &still, &far)); /* at least eight times a second */
    assert_true(look(&p, &still, &far)); /* what is far from where it was, too */
    assert_true(look(&p, &turn, &far));
    pace_restart(&p);
    assert_true(look(&p, &still, &far));
    pace_finish(&p);
}

static void few_frames_a_second_are_all_looked_at(void **state)
{
    const struct track_motion still = {0};
    struct pace p;
    pace_init(&p, 0, 12.5, 15, 640);
    for (int i = 0; i < 10; i++)
        assert_true(look(&p, &still, NULL));
    assert_true(pace_begin_share(&p) == 1);
    pace_finish(&p);
    pace_init(&p, 4, 25, 8, 640); /* nor can a short delay line fill much */
    assert_true(look(&p, &still, NULL) && look(&p, &still, NULL));
    pace_finish(&p);
    pace_init(&p, 2, 25, 30, 640);
    assert_true(pace_begin_share(&p) < 1);
    pace_finish(&p);
}

/* A camera that sends frames when something moves. */
static void time_counts_where_frames_come_as_they_like(void **state)
{
    const struct track_motion still = {0};
    struct pace p;
    pace_init(&p, 0, 30, 36, 640);
    assert_true(look_at(&p, &still, NULL, 0, 0.04));
    assert_false(look_at(&p, &still, NULL, 0.04, 0.08));
    assert_true(look_at(&p, &still, NULL, 0.08, 0.9)); /* stands for long */
    assert_true(look_at(&p, &still, NULL, 0.9, 1.2));
    assert_true(look_at(&p, &still, NULL, 1.2, 1.24));
    assert_false(look_at(&p, &still, NULL, 1.24, 1.3255)); /* an eighth, rounded by the container */
    assert_true(look_at(&p, &still, NULL, 1.3255, 1.33));
    pace_finish(&p);
    pace_init(&p, 3, 30, 36, 640); /* as was asked for */
    assert_true(look_at(&p, &still, NULL, 0, 1));
    assert_false(look_at(&p, &still, NULL, 1, 2) || look_at(&p, &still, NULL, 2, 3));
    assert_true(look_at(&p, &still, NULL, 3, 4));
    pace_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_between_looks_are_covered),
        cmocka_unit_test(looks_where_things_change),
        cmocka_unit_test(few_frames_a_second_are_all_looked_at),
        cmocka_unit_test(time_counts_where_frames_come_as_they_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
