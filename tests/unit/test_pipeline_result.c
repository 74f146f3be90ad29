/* Result files: what is written comes back, damaged ones are refused, and the metadata has the reference's form. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/result.h"

/* Two detections: a face, and a person with a ring-shaped mask. */
static void make_result(struct result *r)
{
    *r = (struct result){.width = 640, .height = 480, .seconds = 0.25, .content_type = "image/png"};
    struct detection face = {.type = OBJECT_FACE,
        .score = 0.875f,
        .box = {10.4f, 20.6f, 30.4f, 44.5f},
        .offset_x = 10,
        .offset_y = 20,
        .track_id = -1,
        .anonymised = true};
    uint8_t ring[64 * 300];
    for (int i = 0; i < 64 * 300; i++)
        ring[i] = i % 64 > 3 && i % 64 < 60 && !(i / 64 > 100 && i / 64 < 200);
    struct detection person = {.type = OBJECT_PERSON,
        .score = 0.5f,
        .box = {100, 50, 164, 350},
        .offset_x = 96,
        .offset_y = 48,
        .track_id = 7};
    assert_int_equal(mask_encode(ring, 64, 100, 50, 64, 300, &person.mask), 0);
    assert_int_equal(detections_append(&r->detections, &face), 0);
    assert_int_equal(detections_append(&r->detections, &person), 0);
}

static void comes_back_as_written(void **state)
{
    struct result r, back;
    struct error err = {0};
    struct buffer text = BUFFER_INIT(1 << 20);
    make_result(&r);
    assert_int_equal(result_to_json(&r, &text), 0);
    assert_int_equal(result_from_json((char *)text.data, text.len, &back, &err), 0);
    assert_int_equal(back.detections.len, 2);
    const struct detection *a = &r.detections.items[1], *b = &back.detections.items[1];
    assert_int_equal(b->type, OBJECT_PERSON);
    assert_memory_equal(&a->box, &b->box, sizeof a->box);
    assert_int_equal(b->track_id, 7);
    assert_false(b->anonymised);
    assert_int_equal(a->mask->run_count, b->mask->run_count);
    assert_memory_equal(a->mask->runs, b->mask->runs, a->mask->run_count * sizeof *a->mask->runs);
    assert_null(back.detections.items[0].mask);
    assert_true(back.detections.items[0].score == 0.875f);
    result_finish(&back);
    result_finish(&r);
    buffer_finish(&text);
}

static void damaged_files_are_refused(void **state)
{
    struct result r, back;
    struct error err = {0};
    struct buffer text = BUFFER_INIT(1 << 20);
    make_result(&r);
    assert_int_equal(result_to_json(&r, &text), 0);
    int refused = 0;
    for (size_t cut = 0; cut < text.len; cut += 7)
        refused += result_from_json((char *)text.data, cut, &back, &err) < 0;
    assert_int_equal(refused, (text.len + 6) / 7);
    /* A changed run no longer adds up to the rectangle. */
    char *runs = strstr((char *)text.data, "\"runs\":\"");
    assert_non_null(runs);
    runs[8] = runs[8] == 'Z' ? 'Y' : 'Z';
    assert_int_equal(result_from_json((char *)text.data, text.len, &back, &err), -EIO);
    assert_non_null(strstr(err.text, "damaged"));
    result_finish(&r);
    buffer_finish(&text);
}

static void metadata_has_the_references_form(void **state)
{
    struct result r;
    make_result(&r);
    struct request_options request = {.save_instance = true};
    struct result_view view = {.id = "x.png", .folder = "/tmp/input", .request = &request};
    char *json;
    assert_int_equal(result_metadata(&r, &view, &json), 0);
    json_t *root = json_loads(json, 0, NULL), *list = json_object_get(root, "detections"),
           *face = json_array_get(list, 0);
    int x1, y1, x2, y2, h, w, type, id;
    const char *label, *parent;
    assert_int_equal(json_unpack(root, "{s[ii]}", "size", &h, &w), 0);
    assert_int_equal(h * 10000 + w, 4800640);
    assert_int_equal(json_unpack(face, "{si ss s[iiii] si ss}", "id", &id, "parent_image", &parent, "bbox", &x1, &y1,
                         &x2, &y2, "type", &type, "type_label", &label),
        0);
    assert_true(x1 == 10 && y1 == 21 && x2 == 30 && y2 == 45 && type == 103 && id == 0);
    assert_string_equal(label, "face");
    assert_string_equal(parent, "x.png");
    assert_int_equal(json_array_size(json_object_get(face, "color")), 3);
    assert_null(json_object_get(face, "track_id"));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "track_id")), 7);
    json_decref(root);
    free(json);

    request.save_instance = false;
    view.folder = NULL;
    assert_int_equal(result_metadata(&r, &view, &json), 0);
    root = json_loads(json, 0, NULL);
    assert_true(json_is_null(json_object_get(root, "folder")));
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(root, "detections"), 0), "color")));
    json_decref(root);
    free(json);
    result_finish(&r);
}

/* A sliver at the edge, as a low threshold brings it. */
static void a_box_stays_in_the_picture(void **state)
{
    struct result r;
    make_result(&r);
    r.detections.items[0].box = (struct box){10, 479.6f, 639.9f, 480};
    struct request_options request = {0};
    struct result_view view = {.id = "x.png", .request = &request};
    char *json;
    assert_int_equal(result_metadata(&r, &view, &json), 0);
    json_t *root = json_loads(json, 0, NULL);
    int x1, y1, x2, y2;
    assert_int_equal(
        json_unpack(json_array_get(json_object_get(root, "detections"), 0), "{s[iiii]}", "bbox", &x1, &y1, &x2, &y2),
        0);
    assert_true(x1 == 10 && y1 == 479 && x2 == 640 && y2 == 480);
    json_decref(root);
    free(json);
    result_finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(metadata_has_the_references_form),
        cmocka_unit_test(a_box_stays_in_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
