/* Networks that are broken or mean ill: every one is an error with a text, none a crash. And the cache of shapes, and
 * the memory plan. */
#include "infer_net.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "infer/plan.h"

static const int dims[4] = {1, 2, 6, 6};

/* conv -> relu -> reshape by a computed shape: a bit of everything. */
static void small_net(struct net *net)
{
    float *k = noise_array(3 * 2 * 9, 1);
    net_init(net, 13);
    net_floats(net, "k", k, 4, (int64_t[]){3, 2, 3, 3});
    net_ints(net, "target", (int64_t[]){1, 3, -1}, 3);
    net_node(net, "Conv", "x,k", "a");
    net_attr_ints(net, "pads", 4, (int64_t[]){1, 1, 1, 1});
    net_node(net, "Relu", "a", "b");
    net_node(net, "Reshape", "b,target", "y");
    net_output(net, "y");
    free(k);
}

/* Loads, and runs where loading succeeds; the code of the first error, or 0. */
static int try_bytes(const uint8_t *data, size_t len, struct error *err)
{
    struct infer_options options = {.precision = INFER_AUTO, .threads = 1};
    struct infer_model *model;
    const struct infer_output *o;
    float x[72] = {0};
    int count, r = infer_model_load(data, len, &options, &model, err);
    if (r < 0)
        return r;
    r = infer_run_tensor(model, x, dims, &o, &count, err);
    infer_model_destroy(model);
    return r;
}

static int try_net(struct net *net, struct error *err)
{
    size_t len;
    uint8_t *data = net_pack(net, &len);
    *err = (struct error){0};
    int r = try_bytes(data, len, err);
    if (r < 0)
        assert_true(*err->text != 0);
    free(data);
    net_finish(net);
    return r;
}

static void not_onnx(void **state)
{
    struct error err;
    assert_int_equal(try_bytes((const uint8_t *)"", 0, &err), -EINVAL);
    assert_int_equal(try_bytes((const uint8_t *)"GIF89a this is no network", 25, &err), -EINVAL);
}

static void truncated(void **state)
{
    struct net net;
    struct error err;
    size_t len;
    small_net(&net);
    uint8_t *data = net_pack(&net, &len);
    assert_int_equal(try_bytes(data, len, &err), 0);
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut =
            memcpy(malloc(n + 1), data, n); /* its own allocation, so that a sanitizer sees reads past the end */
        assert_true(try_bytes(cut, n, &err) < 0);
        free(cut);
    }
    free(data);
    net_finish(&net);
}

/* 1,500 times up to `most` random bytes of a packed network are changed: any result will do but a crash. The count of
 * refusals only proves that the loop does something. Finishes the net. */
static void mutate(struct net *net, int most)
{
    struct error err;
    size_t len;
    unsigned seed = 7;
    int refused = 0;
    uint8_t *data = net_pack(net, &len), *copy = malloc(len);
    for (int i = 0; i < 1500; i++) {
        memcpy(copy, data, len);
        for (int k = 0; k < 1 + i % most; k++) {
            seed = seed * 1664525u + 1013904223u;
            copy[(seed >> 8) % len] = (uint8_t)(seed >> 24);
        }
        refused += try_bytes(copy, len, &err) < 0;
    }
    assert_true(refused > 100);
    free(data), free(copy);
    net_finish(net);
}

static void mutated(void **state)
{
    struct net net;
    small_net(&net);
    mutate(&net, 3);
}

/* A quantized network: weights and a value as codes. */
static void codes_net(struct net *net)
{
    int8_t codes[2 * 2 * 9];
    for (size_t i = 0; i < sizeof codes; i++)
        codes[i] = (int8_t)(i * 37);
    net_init(net, 13);
    net_codes(net, "k", 3, codes, 4, (int64_t[]){2, 2, 3, 3});
    net_floats(net, "ks", (float[]){0.01f, 0.02f}, 1, (int64_t[]){2});
    net_floats(net, "s", (float[]){0.05f}, 0, NULL);
    net_codes(net, "z", 2, "", 0, NULL);
    net_node(net, "QuantizeLinear", "x,s,z", "q");
    net_node(net, "DequantizeLinear", "q,s,z", "d");
    net_node(net, "DequantizeLinear", "k,ks", "w");
    net_attr_int(net, "axis", 0);
    net_node(net, "Conv", "d,w", "a");
    net_node(net, "QuantizeLinear", "a,s,z", "aq");
    net_node(net, "DequantizeLinear", "aq,s,z", "b");
    net_node(net, "Conv", "b,w", "y");
    net_output(net, "y");
}

/* The same with one of the bytes changed that matter to quantization; and scales that are none. */
static void mutated_codes(void **state)
{
    struct net net;
    struct error err;
    codes_net(&net);
    assert_int_equal(try_net(&net, &err), 0);
    codes_net(&net);
    mutate(&net, 1);
    static const float scales[] = {0, -1, 1e-45f, 3e38f, NAN, INFINITY};
    for (size_t i = 0; i < 2 * sizeof scales / sizeof *scales; i++) {
        codes_net(&net);
        Onnx__TensorProto *t = net.graph.initializer[i % 2 ? 2 : 1];
        memcpy(t->raw_data.data, &scales[i / 2], sizeof *scales);
        try_net(&net, &err); /* whatever comes of it */
    }
}

static void unsupported_operator(void **state)
{
    struct net net;
    struct error err;
    net_init(&net, 13);
    net_node(&net, "Einsum", "x", "the_node");
    net_output(&net, "the_node");
    assert_int_equal(try_net(&net, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.text, "the_node"));
    assert_non_null(strstr(err.text, "Einsum"));
}

static void missing_and_cyclic_inputs(void **state)
{
    struct net net;
    struct error err;
    net_init(&net, 13);
    net_node(&net, "Add", "x,b", "a");
    net_node(&net, "Relu", "a", "b");
    net_output(&net, "b");
    assert_int_equal(try_net(&net, &err), -EINVAL);
    assert_non_null(strstr(err.text, "'b'"));
    net_init(&net, 13);
    net_node(&net, "Relu", "x", "a");
    net_node(&net, "Exp", "x", "a");
    net_output(&net, "a");
    assert_int_equal(try_net(&net, &err), -EINVAL);
    net_init(&net, 13);
    net_node(&net, "Relu", "x", "a");
    net_output(&net, "nowhere");
    assert_int_equal(try_net(&net, &err), -EINVAL);
}

static void weights_that_lie(void **state)
{
    struct net net;
    struct error err;
    small_net(&net); /* fewer bytes than the dimensions say */
    net.graph.initializer[0]->raw_data.len -= 4;
    assert_int_equal(try_net(&net, &err), -EINVAL);
    small_net(&net); /* sizes whose product overflows */
    for (int i = 0; i < 4; i++)
        net.graph.initializer[0]->dims[i] = INT64_MAX / 2;
    assert_true(try_net(&net, &err) < 0);
    small_net(&net);
    net.graph.initializer[0]->dims[0] = -3;
    assert_true(try_net(&net, &err) < 0);
    small_net(&net);
    net.graph.initializer[0]->has_data_location = 1;
    net.graph.initializer[0]->data_location = 1;
    assert_int_equal(try_net(&net, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.text, "outside"));
    static const int8_t bytes[64 * 2 * 9 * 9]; /* a quarter of what real numbers would take */
    net_init(&net, 13);
    net_codes(&net, "k", 3, bytes, 4, (int64_t[]){64, 2, 9, 9});
    net_node(&net, "Conv", "x,k", "y");
    net_attr_ints(&net, "pads", 4, (int64_t[]){4, 4, 4, 4});
    net_output(&net, "y");
    assert_int_equal(try_net(&net, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.text, "real numbers"));
}

static void absurd_shapes(void **state)
{
    struct net net;
    struct error err;
    static const int64_t targets[][3] = {{1 << 28, 1 << 28, 1 << 28}, {-1, -1, 1}, {5, 5, 5}, {-7, 1, 1}};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        net_init(&net, 13);
        net_ints(&net, "target", targets[i], 3);
        net_node(&net, "Reshape", "x,target", "y");
        net_output(&net, "y");
        assert_int_equal(try_net(&net, &err), -EINVAL);
    }
    net_init(&net, 13); /* each resize alone is allowed; together they would fill any memory */
    net_floats(&net, "s", (float[]){1, 1, 4096, 4096}, 1, (int64_t[]){4});
    net_node(&net, "Resize", "x,,s", "a");
    net_node(&net, "Resize", "a,,s", "y");
    net_output(&net, "y");
    assert_int_equal(try_net(&net, &err), -EFBIG);
    net_init(&net, 13); /* a kernel larger than the picture */
    float *k = noise_array(2 * 81, 1);
    net_floats(&net, "k", k, 4, (int64_t[]){1, 2, 9, 9});
    net_node(&net, "Conv", "x,k", "y");
    net_output(&net, "y");
    assert_int_equal(try_net(&net, &err), -EINVAL);
    free(k);
}

/* Outputs are read as real numbers; others are refused by name. 64 nodes fill their array: nothing lies behind. */
static void outputs_of_other_types(void **state)
{
    static const char *const names[] = {"whole", "codes", "dims"};
    struct net net;
    struct error err;
    for (int kind = 0; kind < 3; kind++) {
        char from[16] = "x", to[16];
        net_init(&net, 13);
        net_ints(&net, "whole", (int64_t[]){1, 2}, 2);
        net_codes(&net, "codes", 3, "ab", 1, (int64_t[]){2});
        for (int i = 0; i < 64; i++) {
            snprintf(to, sizeof to, "a%d", i);
            net_node(&net, "Exp", from, to);
            memcpy(from, to, sizeof to);
        }
        net_node(&net, "Shape", "x", "dims");
        net_output(&net, to);
        net_output(&net, names[kind]);
        assert_int_equal(try_net(&net, &err), -EOPNOTSUPP);
        assert_non_null(strstr(err.text, names[kind]));
    }
}

/* A picture without rows or columns has no nearest one: resized to any size, it is refused. */
static void resizing_nothing(void **state)
{
    struct net net;
    struct error err;
    for (int axis = 2; axis < 4; axis++) {
        net_init(&net, 13);
        net_ints(&net, "nought", (int64_t[]){0}, 1);
        net_ints(&net, "axis", (int64_t[]){axis}, 1);
        net_ints(&net, "sizes", (int64_t[]){1, 2, 6, 6}, 4);
        net_node(&net, "Slice", "x,nought,nought,axis", "empty");
        net_node(&net, "Resize", "empty,,,sizes", "y");
        net_output(&net, "y");
        assert_int_equal(try_net(&net, &err), -EINVAL);
    }
    net_init(&net, 13); /* a constant, resized when the file is read */
    net_floats(&net, "empty", NULL, 4, (int64_t[]){1, 1, 0, 1 << 27});
    net_ints(&net, "sizes", (int64_t[]){1, 1, 1, 1}, 4);
    net_node(&net, "Resize", "empty,,,sizes", "a");
    net_node(&net, "Add", "x,a", "y");
    net_output(&net, "y");
    assert_int_equal(try_net(&net, &err), -EINVAL);
}

/* More shapes than are kept, coming back to earlier ones: always the same result. */
static void cache_of_shapes(void **state)
{
    struct net net;
    struct infer_model *model;
    struct error err;
    size_t len;
    float *x = noise_array(2 * 20 * 20, 3), first[10] = {0};
    small_net(&net);
    uint8_t *data = net_pack(&net, &len);
    struct infer_options options = {.precision = INFER_F32, .threads = 1, .cache_shapes = 2};
    assert_int_equal(infer_model_load(data, len, &options, &model, &err), 0);
    for (int i = 0; i < 30; i++) {
        const struct infer_output *o;
        int side = 6 + i % 5, count, size[4] = {1, 2, side, side};
        assert_int_equal(infer_run_tensor(model, x, size, &o, &count, &err), 0);
        assert_int_equal(o->w, side * side);
        if (i < 5)
            first[i] = infer_at(o, 1, 0, 7);
        assert_true(first[i % 5] == infer_at(o, 1, 0, 7));
    }
    assert_int_equal(infer_model_prepare(model, (const int[]){1, 3, 6, 6}, &err), -EINVAL); /* weights for 2 channels */
    assert_int_equal(infer_model_prepare(model, (const int[]){1, 2, 0, 6}, &err), -EINVAL);
    assert_int_equal(infer_model_prepare(model, (const int[]){1, 2, 1 << 20, 1 << 20}, &err), -EINVAL);
    infer_model_destroy(model);
    net_finish(&net);
    free(x), free(data);
}

/* Bytes of address space in use. */
static size_t address_space(void)
{
    char line[64] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    return strtoul(line, NULL, 10) * 4096;
}

/* Where memory is short, shapes that were used before make room for a new one, whether or not the cache is full. */
static void cache_makes_room(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    PASS_OVER("the sanitizer's allocator does not live with a limit");
#endif
    for (int kept = 1; kept < 4; kept++) {
        struct net net;
        struct infer_model *model;
        struct error err = {0};
        struct rlimit before, few;
        size_t len;
        net_init(&net, 13);
        net_node(&net, "Exp", "x", "a");
        net_node(&net, "MaxPool", "a", "b");
        net_attr_ints(&net, "kernel_shape", 2, (int64_t[]){3, 3});
        net_output(&net, "b");
        uint8_t *data = net_pack(&net, &len);
        struct infer_options options = {.precision = INFER_F32, .threads = 1, .cache_shapes = kept};
        assert_int_equal(infer_model_load(data, len, &options, &model, &err), 0);
        assert_int_equal(infer_model_prepare(model, (const int[]){1, 2, 64, 64}, &err), 0);
        getrlimit(RLIMIT_AS, &before);
        few = before;
        few.rlim_cur = address_space() + ((size_t)100 << 20); /* room for one of 64 MiB */
        setrlimit(RLIMIT_AS, &few);
        int r = 0;
        for (int i = 0; r >= 0 && i < 5; i++)
            r = infer_model_prepare(model, (const int[]){1, 2, 2048, 2040 + 2 * i}, &err);
        int too_large = infer_model_prepare(model, (const int[]){1, 2, 8192, 8192}, &err);
        int after = infer_model_prepare(model, (const int[]){1, 2, 64, 64}, &err);
        setrlimit(RLIMIT_AS, &before);
        assert_int_equal(r, 0);
        assert_int_equal(too_large, -ENOMEM);
        assert_int_equal(after, 0);
        infer_model_destroy(model);
        net_finish(&net);
        free(data);
    }
}

/* No two buffers that live at the same time overlap, and children lie in their parents. */
static void memory_plan(void **state)
{
    enum { N = 60 };
    unsigned seed = 5;
    for (int round = 0; round < 50; round++) {
        struct plan_item items[N];
        size_t total, sum = 0;
        for (int i = 0; i < N; i++) {
            int first = (int)((noise(&seed) + 1) * 40);
            items[i] = (struct plan_item){.size = (size_t)((noise(&seed) + 1) * 5000) + 1,
                .first = first,
                .last = first + (int)((noise(&seed) + 1) * 6),
                .parent = -1};
            if (i > 10 && i % 7 == 0) {
                items[i].parent = i - 3;
                items[i].size = items[i - 3].size / 2;
                items[i].parent_offset = 64;
            }
            sum += items[i].size + 64;
        }
        assert_int_equal(plan_layout(items, N, &total), 0);
        assert_true(total < sum);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < i; k++) {
                bool together = items[i].first <= items[k].last && items[k].first <= items[i].last;
                bool apart = items[i].offset >= items[k].offset + items[k].size ||
                             items[k].offset >= items[i].offset + items[i].size;
                if (items[i].parent == k)
                    assert_int_equal(items[i].offset, items[k].offset + 64);
                else if (items[k].parent < 0 && items[i].parent < 0)
                    assert_true(!together || apart);
            }
    }
    struct plan_item cycle[2] = {{.parent = 1}, {.parent = 0}};
    size_t total;
    assert_int_equal(plan_layout(cycle, 2, &total), -EINVAL);
}

/* Thousands of buffers that all live at once, as of a network with as many outputs, are placed in no time. */
static void large_memory_plan(void **state)
{
    enum { N = 6000 };
    struct plan_item *items = calloc(N, sizeof *items);
    size_t total;
    for (int i = 0; i < N; i++)
        items[i] = (struct plan_item){.size = 100, .first = i / 2, .last = N, .parent = -1};
    clock_t start = clock();
    assert_int_equal(plan_layout(items, N, &total), 0);
    assert_true(clock() - start < 3 * CLOCKS_PER_SEC);
    assert_int_equal(total, (N - 1) * 128 + 100);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_onnx),
        cmocka_unit_test(truncated),
        cmocka_unit_test(mutated),
        cmocka_unit_test(mutated_codes),
        cmocka_unit_test(unsupported_operator),
        cmocka_unit_test(missing_and_cyclic_inputs),
        cmocka_unit_test(weights_that_lie),
        cmocka_unit_test(absurd_shapes),
        cmocka_unit_test(resizing_nothing),
        cmocka_unit_test(outputs_of_other_types),
        cmocka_unit_test(cache_of_shapes),
        cmocka_unit_test(cache_makes_room),
        cmocka_unit_test(memory_plan),
        cmocka_unit_test(large_memory_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
