/* Head decoding and NMS against plain readings of what they must do. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/head.h"

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static float uniform(unsigned *state, float from, float to)
{
    return from + (to - from) * (next_random(state) & 0xffff) / 65535.0f;
}

/* A level of one 4 x 3 map whose channels lie in blocks of 8, as an engine may hand them out. */
struct level {
    float cls[3 * 4 * 8], box[3 * 4 * 8], coef[3 * 4 * 8];
    struct infer_output o[3];
    struct head_level head;
};

static void make_level(struct level *l, int classes, int coefs)
{
    memset(l, 0, sizeof *l);
    for (int i = 0; i < 3 * 4 * 8; i++)
        l->cls[i] = -10;
    float *data[] = {l->cls, l->box, l->coef};
    const int channels[] = {classes, 4, coefs};
    for (int i = 0; i < 3; i++)
        l->o[i] = (struct infer_output){
            .data = data[i], .n = 1, .c = channels[i], .h = 3, .w = 4, .stride_c = 1, .stride_x = 8, .stride_y = 32};
    l->head = (struct head_level){&l->o[0], &l->o[1], coefs ? &l->o[2] : NULL, 8};
}

static void set_cell(
    struct level *l, int class, int y, int x, float score, float left, float top, float right, float bottom)
{
    float *cell = l->box + y * 32 + x * 8;
    l->cls[y * 32 + x * 8 + class] = logf(score / (1 - score));
    cell[0] = left, cell[1] = top, cell[2] = right, cell[3] = bottom;
    for (int k = 0; k < 8; k++)
        l->coef[y * 32 + x * 8 + k] = (float)(100 * y + 10 * x + k);
}

static const int both[] = {OBJECT_PERSON, OBJECT_VEHICLE};
static const float thresholds[OBJECT_TYPES] = {[OBJECT_PERSON] = 0.5f, [OBJECT_VEHICLE] = 0.25f};

static void cells_become_boxes_of_the_picture(void **state)
{
    struct level l;
    make_level(&l, 2, 3);
    set_cell(&l, 1, 1, 2, 0.3f, 1, 0.5f, 0.5f, 0.25f);
    struct head_window w = {.origin_x = 100,
        .origin_y = 50,
        .scale_x = 2,
        .scale_y = 4,
        .width = 32,
        .height = 24,
        .types = both,
        .threshold = thresholds,
        .pass = 7};
    struct candidates c = {.coef_count = 3};
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 1);
    assert_int_equal(c.items[0].type, OBJECT_VEHICLE);
    assert_int_equal(c.items[0].best.pass, 7);
    assert_float_equal(c.items[0].score, 0.3f, 1e-6);
    /* centre (20, 12) of the input: box 12..24 x 8..14 */
    assert_float_equal(c.items[0].box.x1, 124, 1e-4);
    assert_float_equal(c.items[0].box.x2, 148, 1e-4);
    assert_float_equal(c.items[0].box.y1, 82, 1e-4);
    assert_float_equal(c.items[0].box.y2, 106, 1e-4);
    const float coefs[] = {120, 121, 122};
    assert_memory_equal(c.coefs + c.items[0].best.coef, coefs, sizeof coefs);
    candidates_finish(&c);
}

static void a_mirrored_input_gives_the_boxes_of_the_picture(void **state)
{
    struct level l;
    make_level(&l, 2, 0);
    set_cell(&l, 1, 1, 2, 0.3f, 1, 0.5f, 0.5f, 0.25f);
    struct head_window w = {.origin_x = 164, /* the picture's right edge */
        .origin_y = 50,
        .scale_x = -2,
        .scale_y = 4,
        .width = 32,
        .height = 24,
        .types = both,
        .threshold = thresholds};
    struct candidates c = {0};
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 1);
    /* box 12..24 x 8..14 of the input: 24..48 px from the right edge */
    assert_float_equal(c.items[0].box.x1, 116, 1e-4);
    assert_float_equal(c.items[0].box.x2, 140, 1e-4);
    assert_float_equal(c.items[0].box.y1, 82, 1e-4);
    assert_float_equal(c.items[0].box.y2, 106, 1e-4);
    candidates_finish(&c);
}

static void only_what_is_wanted_comes_out(void **state)
{
    struct level l;
    make_level(&l, 2, 0);
    set_cell(&l, 0, 0, 0, 0.49f, 1, 1, 1, 1);            /* under the person threshold */
    set_cell(&l, 1, 0, 1, 0.26f, 1, 1, 1, 1);            /* over the vehicle threshold */
    set_cell(&l, 1, 0, 2, 0.9f, 0.1f, 0.1f, 0.1f, 0.1f); /* small: 1.6 px */
    set_cell(&l, 1, 2, 3, 0.9f, 0, 0, 0, 1);             /* no width */
    l.cls[2 * 32 + 1] = NAN;
    struct head_window w = {.scale_x = 1,
        .scale_y = 1,
        .width = 32,
        .height = 20,
        .types = both,
        .threshold = thresholds,
        .longest_min = {[OBJECT_PERSON] = 2, [OBJECT_VEHICLE] = 2}};
    struct candidates c = {0};
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 1);
    assert_float_equal(c.items[0].box.x1, 4, 1e-5);
    assert_float_equal(c.items[0].box.y1, 0, 1e-5); /* clipped */
    candidates_clear(&c);
    w.longest_min[OBJECT_VEHICLE] = 0;
    w.longest_max = 10;
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 1); /* now the small one alone */
    assert_float_equal(c.items[0].box.x2 - c.items[0].box.x1, 1.6f, 1e-5);
    assert_false(c.items[0].says_only);
    candidates_clear(&c);
    w.longest_max = 1;
    w.say_max = 10;
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 1);
    assert_true(c.items[0].says_only);
    candidates_clear(&c);
    const int none[] = {OBJECT_PERSON, -1};
    w.types = none;
    w.longest_max = 0;
    assert_int_equal(head_decode(&l.head, &w, &c), 0);
    assert_int_equal(c.len, 0);
    candidates_finish(&c);
}

/* The definition, in the plainest words. */
static size_t plain_nms(struct candidate *in, size_t n, float iou)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool stays = true;
        for (size_t k = 0; k < kept; k++)
            stays &= in[k].type != in[i].type || box_iou(&in[k].box, &in[i].box) < iou;
        if (stays)
            in[kept++] = in[i];
    }
    return kept;
}

static int by_type_and_score(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    if (a->type != b->type)
        return a->type - b->type;
    return a->score < b->score ? 1 : a->score > b->score ? -1 : 0;
}

static void nms_keeps_what_the_definition_keeps(void **state)
{
    unsigned seed = 5;
    enum { COUNT = 1500 };
    struct candidates c = {.items = malloc(COUNT * sizeof *c.items), .cap = COUNT, .len = COUNT};
    struct candidate *plain = malloc(COUNT * sizeof *plain);
    for (int i = 0; i < COUNT; i++) {
        float x = uniform(&seed, 0, 500), y = uniform(&seed, 0, 500);
        plain[i] = (struct candidate){.type = next_random(&seed) % 3,
            .score = (float)((i * 7919) % COUNT) / COUNT,
            .box = {x, y, x + uniform(&seed, 5, 90), y + uniform(&seed, 5, 90)}};
    }
    memcpy(c.items, plain, COUNT * sizeof *plain);
    qsort(plain, COUNT, sizeof *plain, by_type_and_score);
    size_t n = plain_nms(plain, COUNT, 0.4f);
    assert_int_equal(nms_run(&c, &(struct nms_rules){.iou = 0.4f}), 0);
    assert_true(n > 100 && n < 1200);
    assert_int_equal(c.len, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(c.items[i].type, plain[i].type);
        assert_memory_equal(&c.items[i].box, &plain[i].box, sizeof plain[i].box);
    }
    free(plain);
    candidates_finish(&c);
}

/* Each object has several candidates: a bound on those would leave the weaker objects of a crowd uncovered. */
static void nms_keeps_every_object_of_a_crowd(void **state)
{
    enum { OBJECTS = 2000, CELLS = 9 };
    struct candidates c = {.items = calloc(OBJECTS * CELLS, sizeof *c.items), .cap = OBJECTS * CELLS};
    for (int i = 0; i < OBJECTS; i++)
        for (int k = 0; k < CELLS; k++) {
            float x = 20.0f * (i % 50) + 0.1f * k, y = 20.0f * (i / 50), score = 0.9f - 0.4f * i / OBJECTS - 0.01f * k;
            c.items[c.len++] = (struct candidate){.score = score, .box = {x, y, x + 15, y + 15}};
        }
    assert_int_equal(nms_run(&c, &(struct nms_rules){.iou = 0.5f}), 0);
    assert_int_equal(c.len, OBJECTS);
    assert_float_equal(c.items[OBJECTS - 1].score, 0.9f - 0.4f * (OBJECTS - 1) / OBJECTS, 1e-6);
    candidates_finish(&c);
    assert_int_equal(nms_run(&c, &(struct nms_rules){.iou = 0.5f}), 0);
}

static void agreeing_candidates_vote_on_the_box(void **state)
{
    const struct candidate cells[] = {
        {.score = 0.8f, .box = {100, 100, 200, 200}},
        {.score = 0.6f, .box = {110, 100, 210, 200}},
        {.score = 0.3f, .box = {80, 100, 180, 200}},  /* too weak to vote */
        {.score = 0.7f, .box = {130, 100, 230, 200}}, /* suppressed (IoU .54), but does not agree (.6) */
        {.score = 0.5f, .box = {500, 100, 600, 200}},
    };
    struct candidates c = {.items = malloc(sizeof cells), .cap = 5, .len = 5};
    memcpy(c.items, cells, sizeof cells);
    assert_int_equal(nms_run(&c, &(struct nms_rules){.iou = 0.5f, .votes = true}), 0);
    assert_int_equal(c.len, 2);
    assert_float_equal(c.items[0].box.x1, (0.8 * 100 + 0.6 * 110) / 1.4, 1e-3);
    assert_float_equal(c.items[0].box.x2, (0.8 * 200 + 0.6 * 210) / 1.4, 1e-3);
    assert_float_equal(c.items[0].score, 0.8f, 1e-6);
    assert_float_equal(c.items[1].box.x1, 500, 1e-3);
    candidates_finish(&c);
}

static struct candidate seen(float score, int pass, struct box box)
{
    return (struct candidate){.score = score, .box = box, .best = {score, pass, 0}};
}

static void scores_are_what_the_passes_agree_on(void **state)
{
    const struct nms_sight passes[] = {{1, 0, 0}, {1, 40, 0}, {2, 0, 150}};
    const struct candidate found[] = {
        seen(0.8f, 0, (struct box){100, 100, 200, 200}),
        seen(0.5f, 1, (struct box){102, 100, 202, 200}),
        seen(0.6f, 2, (struct box){104, 100, 204, 200}),
        seen(0.7f, 0, (struct box){104, 100, 204, 200}), /* the same pass says nothing more */
        seen(0.9f, 1, (struct box){300, 100, 400, 200}), /* alone: the others count 0.3 of it */
        seen(0.2f, 0, (struct box){300, 100, 400, 200}), /* as much as nothing */
        seen(0.4f, 0, (struct box){500, 100, 530, 130}), /* too small for the second pass */
        seen(0.4f, 2, (struct box){500, 100, 530, 130}),
        seen(0.6f, 0, (struct box){600, 100, 800, 200}), /* too large for the third */
        seen(0.6f, 1, (struct box){600, 100, 800, 200}),
    };
    struct candidates c = {.items = malloc(sizeof found), .cap = 10, .len = 10};
    memcpy(c.items, found, sizeof found);
    struct nms_rules rules = {.iou = 0.5f, .agree = 1, .passes = passes, .pass_count = 3};
    assert_int_equal(nms_run(&c, &rules), 0);
    /* the third pass sees everything at half the size of the others, and what it says weighs half */
    const float x1[] = {100, 600, 300, 500}, score[] = {1.6f / 2.5f, 0.6f, 0.9f * 1.45f / 2.5f, 0.4f};
    assert_int_equal(c.len, 4);
    for (int i = 0; i < 4; i++)
        assert_float_equal(c.items[i].score, score[i], 1e-6);
    assert_float_equal(c.items[0].box.x1, x1[0], 1e-3);
    assert_float_equal(c.items[3].box.x1, x1[3], 1e-3);
    /* the first object's second opinion is the better one of the two others'; the one at 300 has none */
    assert_int_equal(c.items[0].second.pass, 2);
    assert_float_equal(c.items[0].second.score, 0.6f, 1e-6);
    assert_float_equal(c.items[0].best.score, 0.8f, 1e-6);
    for (int i = 1; i < 4; i++)
        assert_true((c.items[i].second.score > 0) == (c.items[i].box.x1 != 300));
    /* A threshold holds for what they agree on (the 0.9 is none any more), and those below it have their say still. */
    memcpy(c.items, found, sizeof found);
    c.len = 10;
    rules.threshold[0] = 0.61f;
    assert_int_equal(nms_run(&c, &rules), 0);
    assert_int_equal(c.len, 1);
    assert_float_equal(c.items[0].score, score[0], 1e-6);
    assert_float_equal(c.items[0].second.score, 0.6f, 1e-6);
    candidates_finish(&c);
}

static struct candidate saying(float score, int pass, struct box box)
{
    struct candidate ret = seen(score, pass, box);
    ret.says_only = true;
    return ret;
}

/* Boxes that are too large for their pass to give count in the scores of what the others give, and nowhere else. */
static void what_only_has_a_say_is_never_kept(void **state)
{
    const struct nms_sight passes[] = {{1, 0, 0}, {0.5f, 0, 0}};
    const struct candidate found[] = {
        seen(0.6f, 0, (struct box){100, 100, 164, 164}),
        saying(0.2f, 1, (struct box){102, 100, 166, 164}), /* does not believe it, and sees it twice as large */
        seen(0.5f, 0, (struct box){300, 100, 364, 164}),
        saying(0.8f, 1, (struct box){300, 100, 364, 164}), /* surer than the one that is kept */
        saying(0.9f, 1, (struct box){500, 100, 564, 164}), /* nobody to say it to */
        seen(0.7f, 0, (struct box){700, 100, 764, 164}),
        saying(0.6f, 1, (struct box){700, 100, 764, 164}),
    };
    size_t n = sizeof found / sizeof *found;
    struct candidates c = {.items = malloc(sizeof found), .cap = n, .len = n};
    memcpy(c.items, found, sizeof found);
    struct nms_rules rules = {
        .iou = 0.5f, .votes = true, .agree = 1, .passes = passes, .pass_count = 2, .threshold = {0.4f}};
    assert_int_equal(nms_run(&c, &rules), 0);
    assert_int_equal(c.len, 2);
    assert_float_equal(c.items[0].score, (0.5f + 2 * 0.8f) / 3, 1e-6);
    assert_float_equal(c.items[0].box.x1, 300, 1e-3);
    assert_float_equal(c.items[1].score, (0.7f + 2 * 0.6f) / 3, 1e-6);
    for (size_t i = 0; i < c.len; i++)
        assert_true(c.items[i].second.score == 0);
    rules.threshold[0] = 0.2f; /* and the first one's box is its own */
    memcpy(c.items, found, sizeof found);
    c.len = n;
    assert_int_equal(nms_run(&c, &rules), 0);
    assert_int_equal(c.len, 3);
    assert_float_equal(c.items[2].score, 0.6f * 1.6f / 3, 1e-6);
    assert_float_equal(c.items[2].box.x1, 100, 1e-3);
    candidates_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_become_boxes_of_the_picture),
        cmocka_unit_test(a_mirrored_input_gives_the_boxes_of_the_picture),
        cmocka_unit_test(only_what_is_wanted_comes_out),
        cmocka_unit_test(nms_keeps_what_the_definition_keeps),
        cmocka_unit_test(nms_keeps_every_object_of_a_crowd),
        cmocka_unit_test(agreeing_candidates_vote_on_the_box),
        cmocka_unit_test(scores_are_what_the_passes_agree_on),
        cmocka_unit_test(what_only_has_a_say_is_never_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
