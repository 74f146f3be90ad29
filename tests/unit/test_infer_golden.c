/* The shipped networks: outputs against the golden values beside them, which PyTorch computed. */
#include "unit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/sha256.h"
#include "infer/infer.h"

/* The repository's models/, given by meson. */
static const char *models(void)
{
    const char *dir = getenv("OBSCURA_MODELS");
    return dir ? dir : "models";
}

static struct infer_model *load(struct buffer *bytes, const char *name, enum infer_precision precision)
{
    char path[512];
    struct error err = {0};
    struct infer_model *model;
    snprintf(path, sizeof path, "%s/%s.onnx", models(), name);
    assert_int_equal(buffer_read_file(bytes, path), 0);
    struct infer_options options = {.precision = precision, .threads = 2};
    if (infer_model_load(bytes->data, bytes->len, &options, &model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

/* v(c,y,x) = (x*7 + y*13 + c*29 + (x*y)%17) % 256, as the golden files say. */
static uint8_t *golden_picture(int h, int w)
{
    uint8_t *rgb = malloc((size_t)h * (size_t)w * 3);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                rgb[(y * w + x) * 3 + c] = (uint8_t)((x * 7 + y * 13 + c * 29 + (x * y) % 17) % 256);
    return rgb;
}

/* single: what one value may be off by; in 8 bits, on a picture of noise, that is chance. */
static void check_output(const struct infer_output *o, json_t *expect, double tolerance, double single)
{
    json_t *shape = json_object_get(expect, "shape"), *point;
    int c = (int)json_integer_value(json_array_get(shape, 0));
    size_t index;
    assert_int_equal(o->c, c);
    assert_int_equal(o->h, json_integer_value(json_array_get(shape, 1)));
    assert_int_equal(o->w, json_integer_value(json_array_get(shape, 2)));
    double sum = 0, sum_abs = 0, max = -INFINITY, n = (double)o->c * o->h * o->w;
    for (int k = 0; k < o->c; k++)
        for (int y = 0; y < o->h; y++)
            for (int x = 0; x < o->w; x++) {
                double v = infer_at(o, k, y, x);
                sum += v;
                sum_abs += fabs(v);
                max = fmax(max, v);
            }
    /* Differences are measured against the output's own size: single values may be near nought. */
    double size = json_real_value(json_object_get(expect, "abs_mean")), allowed = tolerance * size;
    assert_true(fabs(sum / n - json_number_value(json_object_get(expect, "mean"))) < allowed);
    assert_true(fabs(sum_abs / n - size) < allowed);
    assert_true(fabs(max - json_number_value(json_object_get(expect, "max"))) < tolerance * fmax(size, fabs(max)));
    json_array_foreach(json_object_get(expect, "at"), index, point)
    {
        int at[3];
        for (size_t i = 0; i < 3; i++)
            at[i] = (int)json_integer_value(json_array_get(point, i));
        double want = json_number_value(json_array_get(point, 3)), got = infer_at(o, at[0], at[1], at[2]);
        if (fabs(want - got) > single * fmax(size, fabs(want)))
            fail_msg("%s (%d, %d, %d): %g where %g is expected", o->name, at[0], at[1], at[2], got, want);
    }
}

static void check_network(const char *name, const char *golden_name, enum infer_precision precision, double tolerance)
{
    struct buffer bytes = BUFFER_INIT(64 << 20);
    struct infer_model *model = load(&bytes, name, precision);
    char path[512];
    snprintf(path, sizeof path, "%s/%s.golden.json", models(), golden_name);
    json_t *golden = json_load_file(path, 0, NULL), *outputs;
    const char *size, *output;
    assert_non_null(golden);
    json_object_foreach(json_object_get(golden, "outputs"), size, outputs)
    {
        json_t *expect;
        int h, w, count;
        assert_int_equal(sscanf(size, "%dx%d", &h, &w), 2);
        uint8_t *rgb = golden_picture(h, w);
        struct infer_picture picture = {
            .rgb = rgb, .stride = w * 3, .width = w, .height = h, .mean = 127.5f, .scale = 1.0f / 64};
        const struct infer_output *results;
        struct error err = {0};
        if (infer_run_picture(model, &picture, &results, &count, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(count, json_object_size(outputs));
        json_object_foreach(outputs, output, expect)
        {
            const struct infer_output *o = infer_output_find(results, count, output);
            assert_non_null(o);
            check_output(o, expect, tolerance, precision == INFER_INT8 ? 0.5 : tolerance);
        }
        free(rgb);
    }
    json_decref(golden);
    infer_model_destroy(model);
    buffer_finish(&bytes);
}

static void identity_f32(void **state)
{
    check_network("identity", "identity", INFER_F32, 1e-3);
}

static void scene_f32(void **state)
{
    check_network("scene", "scene", INFER_F32, 1e-3);
}

/* bf16 keeps 8 bits of each number. Where the processor has no use for it, this runs, and passes, in f32. */
static void identity_bf16(void **state)
{
    check_network("identity", "identity", INFER_BF16, 0.1);
}

static void scene_bf16(void **state)
{
    check_network("scene", "scene", INFER_BF16, 0.1);
}

/* The quantized files in 8 bits, or where the processor has no such instructions in f32 with weights of 8 bits. They
 * are held against the golden values only where they were made of the same weights (make int8 brings them up to date).
 */
static void check_codes(const char *name)
{
    struct buffer bytes[2] = {BUFFER_INIT(64 << 20), BUFFER_INIT(64 << 20)};
    char codes[64], hex[2 * SHA256_SIZE + 1];
    uint8_t digest[SHA256_SIZE];
    struct sha256 sum;
    snprintf(codes, sizeof codes, "%s.int8", name);
    struct infer_model *real = load(&bytes[0], name, INFER_F32), *model = load(&bytes[1], codes, INFER_INT8);
    assert_int_equal(sha256_init(&sum), 0);
    sha256_update(&sum, bytes[0].data, bytes[0].len);
    sha256_final(&sum, digest);
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_non_null(infer_model_meta(model, "obscura.source_sha256"));
    bool same = !strcmp(infer_model_meta(model, "obscura.source_sha256"), hex);
    assert_string_equal(infer_model_precision(model), infer_gains(INFER_INT8) ? "int8" : "f32");
    assert_string_equal(infer_model_meta(model, "obscura.classes"), infer_model_meta(real, "obscura.classes"));
    infer_model_destroy(real);
    infer_model_destroy(model);
    buffer_finish(&bytes[0]);
    buffer_finish(&bytes[1]);
    if (!same) {
        print_message("%s.onnx was made of other weights than %s.onnx: run make int8\n", codes, name);
        skip();
    }
    check_network(codes, name, INFER_INT8, 0.35);
}

static void identity_int8(void **state)
{
    check_codes("identity");
}

static void scene_int8(void **state)
{
    check_codes("scene");
}

/* The same picture gives the same bits, from the same model and from one that is loaded again. */
static void check_deterministic(const char *name)
{
    struct buffer bytes[2] = {BUFFER_INIT(64 << 20), BUFFER_INIT(64 << 20)};
    struct infer_model *models_[2];
    enum { H = 96, W = 160 };
    uint8_t *rgb = golden_picture(H, W);
    struct infer_picture picture = {
        .rgb = rgb, .stride = W * 3, .width = W, .height = H, .mean = 127.5f, .scale = 1.0f / 64};
    float first[64];
    for (int i = 0; i < 6; i++) {
        const struct infer_output *o;
        struct error err = {0};
        int count;
        if (i < 2)
            models_[i] = load(&bytes[i], name, INFER_AUTO);
        assert_int_equal(infer_run_picture(models_[i % 2], &picture, &o, &count, &err), 0);
        for (int k = 0; k < 64; k++) {
            const struct infer_output *from = &o[k % count];
            float v = infer_at(from, k % from->c, k * 5 % from->h, k * 3 % from->w);
            if (i == 0)
                first[k] = v;
            assert_true(first[k] == v);
        }
    }
    for (int i = 0; i < 2; i++) {
        infer_model_destroy(models_[i]);
        buffer_finish(&bytes[i]);
    }
    free(rgb);
}

static void deterministic(void **state)
{
    check_deterministic("scene");
}

static void deterministic_codes(void **state)
{
    check_deterministic("scene.int8");
}

static void metadata(void **state)
{
    struct buffer bytes = BUFFER_INIT(64 << 20);
    struct infer_model *model = load(&bytes, "identity", INFER_F32);
    assert_string_equal(infer_model_meta(model, "obscura.classes"), "face,license-plate");
    assert_null(infer_model_meta(model, "no.such.key"));
    assert_string_equal(infer_model_precision(model), "f32");
    infer_model_destroy(model);
    buffer_finish(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_f32),
        cmocka_unit_test(scene_f32),
        cmocka_unit_test(identity_bf16),
        cmocka_unit_test(scene_bf16),
        cmocka_unit_test(identity_int8),
        cmocka_unit_test(scene_int8),
        cmocka_unit_test(deterministic),
        cmocka_unit_test(deterministic_codes),
        cmocka_unit_test(metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
