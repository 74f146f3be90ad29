/* The detector with the models that ship: it loads what is asked for, refuses foreign files with a reason, and gives
 * boxes inside the picture. */
#include "infer_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect/detect.h"
#include "detect/embedded.h"
#include "detect/mask.h"
#include "detect/network.h"

static const struct infer_options plain = {.precision = INFER_F32, .threads = 1};

static void shipped_models_say_what_they_are(void **state)
{
    size_t len = 0;
    const void *data = embedded_model("scene.onnx", &len);
    struct network *n = NULL;
    struct error err = {0};
    assert_non_null(data);
    assert_int_equal(network_create("scene.onnx", data, len, &plain, &n, &err), 0);
    assert_int_equal(n->type_bits, OBJECT_BIT(OBJECT_PERSON) | OBJECT_BIT(OBJECT_VEHICLE));
    assert_true(n->coefs > 0 && n->level_count > 0);
    network_destroy(n);
    assert_null(embedded_model("other.onnx", &len));
}

/* Replaces the first `what` in a copy of a shipped model by `with` of the same length, and tells what the loader says.
 */
static void spoil(const char *what, const char *with, const char *expect)
{
    size_t len = 0, n = strlen(what);
    const void *data = embedded_model("scene.onnx", &len);
    char *copy = malloc(len);
    memcpy(copy, data, len);
    char *at = memmem(copy, len, what, n);
    assert_non_null(at);
    for (; at; at = memmem(at, len - (size_t)(at - copy), what, n))
        memcpy(at, with, n);
    struct network *network = NULL;
    struct error err = {0};
    assert_int_equal(network_create("own.onnx", copy, len, &plain, &network, &err), -EINVAL);
    assert_non_null(strstr(err.text, "own.onnx"));
    if (!strstr(err.text, expect))
        fail_msg("\"%s\" does not name %s", err.text, expect);
    free(copy);
}

static void foreign_models_are_refused_with_a_reason(void **state)
{
    spoil("obscura.classes", "obscura.klasses", "obscura.classes");
    spoil("person,vehicle", "camel,elephant", "obscura.classes");
    spoil("distance", "anchors!", "obscura.head");
    spoil("8,16,32", "8,x6,32", "obscura.strides");
    spoil("8,16,32", "8,16,48", "obscura.multiple");
    spoil("obscura.mean\x12\x05", "obscura.mean\x12\x04", "own.onnx"); /* broken protobuf */
    spoil("127.5", "fifty", "obscura.mean");
    spoil("obscura.enlarge\x12\x09\x31", "obscura.enlarge\x12\x09\x39", "obscura.enlarge");
    spoil(",1.0", "0000", "2 classes"); /* of obscura.enlarge */
    spoil("proto", "other", "proto");
    spoil("coef_16", "coef_17", "coef_16");
    struct network *n = NULL;
    struct error err = {0};
    assert_int_equal(network_create("own.onnx", "not a model", 11, &plain, &n, &err), -EINVAL);
    assert_non_null(strstr(err.text, "own.onnx"));
}

/* Outputs of the right sizes in a batch of none have no memory behind them. */
static void a_batch_of_none_is_refused(void **state)
{
    static const char *const meta[][2] = {{"classes", "face,license-plate"}, {"strides", "8"}, {"head", "distance"},
        {"color", "RGB"}, {"mean", "127.5"}, {"scale", "0.0156"}, {"pad", "114"}, {"multiple", "32"}};
    float *k = noise_array(6 * 3 * 64, 1);
    for (int64_t batch = 0; batch < 2; batch++) {
        struct net net;
        struct network *n = NULL;
        struct error err = {0};
        size_t len;
        net_init(&net, 13);
        for (size_t i = 0; i < sizeof meta / sizeof *meta; i++) {
            char key[32];
            snprintf(key, sizeof key, "obscura.%s", meta[i][0]);
            net_meta(&net, key, meta[i][1]);
        }
        net_floats(&net, "k", k, 4, (int64_t[]){6, 3, 8, 8});
        net_ints(&net, "parts", (int64_t[]){2, 4}, 2);
        net_ints(&net, "nought", (int64_t[]){0}, 1);
        net_ints(&net, "batch", &batch, 1);
        net_node(&net, "Conv", "x,k", "a");
        net_attr_ints(&net, "strides", 2, (int64_t[]){8, 8});
        net_node(&net, "Slice", "a,nought,batch,nought", "b");
        net_node(&net, "Split", "b,parts", "cls_8,box_8");
        net_attr_int(&net, "axis", 1);
        net_output(&net, "cls_8");
        net_output(&net, "box_8");
        uint8_t *data = net_pack(&net, &len);
        assert_int_equal(network_create("own.onnx", data, len, &plain, &n, &err), batch ? 0 : -EINVAL);
        assert_true(batch || strstr(err.text, "cls_8"));
        network_destroy(n);
        net_finish(&net);
        free(data);
    }
    free(k);
}

static struct frame *drawn(int width, int height)
{
    struct frame *f = NULL;
    assert_int_equal(frame_create(FRAME_RGB, width, height, 8, false, &f), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width * 3; x++)
            f->planes[0].data[y * f->planes[0].stride + x] = (uint8_t)((x * 7 + y * 13 + (x * y) % 17) % 256);
    return f;
}

static void finds_only_what_is_asked_for_inside_the_picture(void **state)
{
    const struct detector_options o = {.types = OBJECT_ALL, .threads = 1, .precision = INFER_F32};
    struct detector *d = NULL;
    struct error err = {0};
    assert_int_equal(detector_create(&o, &d, &err), 0);
    const int sizes[][2] = {{1, 1}, {333, 217}, {700, 40}};
    const struct tiling tilings[] = {{.kind = TILING_WHOLE},
        {.kind = TILING_GRID, .columns = 2, .rows = 1, .overlap_x = 0.2}, {.kind = TILING_PANO, .pano_width = 4096}};
    for (int i = 0; i < 3; i++)
        for (int t = 0; t < 3; t++) {
            struct frame *f = drawn(sizes[i][0], sizes[i][1]);
            /* a threshold of nearly nothing: noise gives boxes too */
            struct detect_params params = {.types = OBJECT_BIT(OBJECT_PERSON) | OBJECT_BIT(OBJECT_FACE),
                .threshold = {0.01f, 0.01f, 0.02f, 0.02f},
                .masks = true,
                .tiling = tilings[t]};
            struct detections found = {0};
            if (detector_run(d, f, &params, &found, &err) < 0)
                fail_msg("%d x %d, tiling %d: %s", f->width, f->height, t, err.text);
            for (size_t k = 0; k < found.len; k++) {
                const struct detection *it = &found.items[k];
                assert_true(params.types & OBJECT_BIT(it->type));
                assert_true(it->score >= params.threshold[it->type] && it->score <= 1);
                assert_true(it->box.x1 >= 0 && it->box.y1 >= 0 && it->box.x1 < it->box.x2 && it->box.y1 < it->box.y2);
                assert_true(it->box.x2 <= f->width && it->box.y2 <= f->height);
                assert_true(it->offset_x <= it->box.x1 && it->offset_y <= it->box.y1);
                assert_true(it->type != OBJECT_PERSON || it->mask);
                if (it->mask) {
                    assert_true(it->mask->x >= 0 && it->mask->x + it->mask->width <= f->width);
                    assert_true(it->mask->y >= 0 && it->mask->y + it->mask->height <= f->height);
                    assert_true(mask_count(it->mask) > 0);
                }
                if (k > 0 && found.items[k - 1].type == it->type)
                    assert_true(found.items[k - 1].score >= it->score);
            }
            detections_finish(&found);
            frame_unref(f);
        }
    detector_destroy(d);
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

/* What the shipped identity network finds in a drawn picture when it asks for faces this much larger ("1.00"). */
static void find_enlarged(const char *factor, struct detections *ret)
{
    char folder[] = "/tmp/obscura-models-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/identity.onnx", folder);
    size_t len = 0;
    const void *data = embedded_model("identity.onnx", &len);
    char *copy = malloc(len);
    memcpy(copy, data, len);
    char *at = memmem(copy, len, "obscura.enlarge\x12\x09", 17);
    assert_non_null(at);
    memcpy(at + 17, factor, 4);
    write_file(path, copy, len);
    free(copy);
    const struct detector_options o = {
        .models = folder, .types = OBJECT_BIT(OBJECT_FACE), .threads = 1, .precision = INFER_F32};
    const struct detect_params params = {.types = OBJECT_BIT(OBJECT_FACE), .threshold = {[OBJECT_FACE] = 0.001f}};
    struct detector *d = NULL;
    struct error err = {0};
    struct frame *f = drawn(333, 217);
    assert_int_equal(detector_create(&o, &d, &err), 0);
    assert_int_equal(detector_run(d, f, &params, ret, &err), 0);
    detector_destroy(d);
    frame_unref(f);
    unlink(path);
    rmdir(folder);
}

static void boxes_are_enlarged_about_their_centres(void **state)
{
    struct detections fit = {0}, large = {0};
    int inner = 0;
    find_enlarged("1.00", &fit);
    find_enlarged("1.50", &large);
    assert_int_equal(fit.len, large.len);
    for (size_t i = 0; i < fit.len; i++) {
        const struct box *a = &fit.items[i].box, *b = &large.items[i].box;
        float dx = (a->x2 - a->x1) / 4, dy = (a->y2 - a->y1) / 4;
        assert_float_equal(b->x1, a->x1 - dx > 0 ? a->x1 - dx : 0, 1e-2);
        assert_float_equal(b->y1, a->y1 - dy > 0 ? a->y1 - dy : 0, 1e-2);
        assert_float_equal(b->x2, a->x2 + dx < 333 ? a->x2 + dx : 333, 1e-2);
        assert_float_equal(b->y2, a->y2 + dy < 217 ? a->y2 + dy : 217, 1e-2);
        inner += a->x1 > dx && a->y1 > dy && a->x2 + dx < 333 && a->y2 + dy < 217;
    }
    assert_true(inner > 0);
    detections_finish(&fit);
    detections_finish(&large);
}

/* A queue outlives a restart with fewer types; its tasks may not come out as if there were nothing to hide. */
static void types_that_were_not_loaded_are_refused(void **state)
{
    const struct detector_options o = {.types = OBJECT_BIT(OBJECT_FACE), .threads = 1, .precision = INFER_F32};
    struct detector *d = NULL;
    struct detections found = {0};
    struct error err = {0};
    struct frame *f = drawn(64, 48);
    assert_int_equal(detector_create(&o, &d, &err), 0);
    for (int t = OBJECT_LICENSE_PLATE; t < OBJECT_TYPES; t++) {
        const struct detect_params params = {
            .types = OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(t), .threshold = {0.001f, 0.001f, 0.001f, 0.001f}};
        assert_int_equal(detector_run(d, f, &params, &found, &err), -EOPNOTSUPP);
        assert_non_null(strstr(err.text, object_info(t)->name));
        assert_int_equal(found.len, 0);
    }
    frame_unref(f);
    detector_destroy(d);
}

static void networks_that_nobody_needs_are_not_read(void **state)
{
    char folder[] = "/tmp/obscura-models-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/identity.onnx", folder);
    size_t len = 0;
    const void *data = embedded_model("identity.onnx", &len);
    write_file(path, data, len);
    struct detector_options o = {.models = folder, .types = OBJECT_BIT(OBJECT_FACE), .threads = 1};
    struct detector *d = NULL;
    struct error err = {0};
    assert_int_equal(detector_create(&o, &d, &err), 0);
    detector_destroy(d);
    o.types = OBJECT_ALL;
    assert_int_equal(detector_create(&o, &d, &err), -ENOENT);
    assert_non_null(strstr(err.text, "scene.onnx"));
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_models_say_what_they_are),
        cmocka_unit_test(foreign_models_are_refused_with_a_reason),
        cmocka_unit_test(a_batch_of_none_is_refused),
        cmocka_unit_test(finds_only_what_is_asked_for_inside_the_picture),
        cmocka_unit_test(boxes_are_enlarged_about_their_centres),
        cmocka_unit_test(types_that_were_not_loaded_are_refused),
        cmocka_unit_test(networks_that_nobody_needs_are_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
