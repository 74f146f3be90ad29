/* Quantized networks: a small one with everything the shipped ones have (a first layer on a picture, a residual, an
 * enlarged value added behind an activation, real outputs), against plain loops that round where the file says so. Run
 * in 8 bits where the processor can, else in real numbers, which lack only the rounding. */
#include "infer_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H = 20, W = 28, C = 16, TAPS_MAX = C * C * 9 };

static const float step_a = 0.02f, step_b = 0.03f, step_d = 0.05f, step_up = 0.02f, step_e = 0.06f;

struct conv {
    int in, out, side, stride;
    int8_t codes[TAPS_MAX];
    float scales[C], bias[C];
};

struct plane { /* CHW */
    int c, h, w;
    float *v;
};

static struct plane plane(int c, int h, int w)
{
    return (struct plane){c, h, w, calloc((size_t)(c * h * w), sizeof(float))};
}

static struct conv random_conv(int in, int out, int side, int stride, unsigned seed)
{
    struct conv k = {.in = in, .out = out, .side = side, .stride = stride};
    for (int i = 0; i < out * in * side * side; i++)
        k.codes[i] = (int8_t)(noise(&seed) * 127);
    for (int i = 0; i < out; i++) {
        k.scales[i] = (1.5f + noise(&seed)) / 127 / sqrtf((float)(in * side * side));
        k.bias[i] = noise(&seed) / 4;
    }
    return k;
}

static struct plane convolve(const struct plane *x, const struct conv *k)
{
    struct plane y = plane(k->out, (x->h + k->stride - 1) / k->stride, (x->w + k->stride - 1) / k->stride);
    int pad = k->side / 2;
    for (int o = 0; o < y.c; o++)
        for (int i = 0; i < y.h * y.w; i++) {
            double sum = 0;
            for (int t = 0; t < k->in * k->side * k->side; t++) {
                int c = t / (k->side * k->side), row = i / y.w * k->stride - pad + t / k->side % k->side;
                int column = i % y.w * k->stride - pad + t % k->side;
                if (row >= 0 && row < x->h && column >= 0 && column < x->w)
                    sum += (double)x->v[(c * x->h + row) * x->w + column] * k->codes[o * k->in * k->side * k->side + t];
            }
            y.v[o * y.h * y.w + i] = (float)(sum * (double)k->scales[o] + (double)k->bias[o]);
        }
    return y;
}

static void relu(struct plane *x)
{
    for (int i = 0; i < x->c * x->h * x->w; i++)
        x->v[i] = fmaxf(x->v[i], 0);
}

static void round_to(struct plane *x, float step, float low, float high)
{
    for (int i = 0; i < x->c * x->h * x->w; i++)
        x->v[i] = fminf(fmaxf(rintf(x->v[i] / step), low), high) * step;
}

static void add(struct plane *x, const struct plane *y)
{
    for (int i = 0; i < x->c * x->h * x->w; i++)
        x->v[i] += y->v[i];
}

static struct plane twice(const struct plane *x)
{
    struct plane y = plane(x->c, 2 * x->h, 2 * x->w);
    for (int i = 0; i < y.c * y.h * y.w; i++)
        y.v[i] = x->v[(i / (y.w * y.h) * x->h + i / y.w % y.h / 2) * x->w + i % y.w / 2];
    return y;
}

/* a = relu(stem(x)); b = relu(conv(a)); d = relu(conv(b) + a); up = 2x(relu(conv/2(d))); e = relu(1x1(d)) + up;
 * y = 1x1(e). */
static struct plane expected(const struct plane *x, const struct conv k[6])
{
    struct plane a = convolve(x, &k[0]);
    relu(&a), round_to(&a, step_a, 0, 255);
    struct plane b = convolve(&a, &k[1]);
    relu(&b), round_to(&b, step_b, 0, 255);
    struct plane d = convolve(&b, &k[2]);
    add(&d, &a), relu(&d), round_to(&d, step_d, 0, 255);
    struct plane half = convolve(&d, &k[3]);
    relu(&half), round_to(&half, step_up, 0, 255);
    struct plane up = twice(&half), e = convolve(&d, &k[4]);
    relu(&e), add(&e, &up), round_to(&e, step_e, -128, 127);
    struct plane y = convolve(&e, &k[5]);
    free(a.v), free(b.v), free(d.v), free(half.v), free(up.v), free(e.v);
    return y;
}

static void conv_node(struct net *net, const char *in, const struct conv *k, const char *name)
{
    char codes[16], scales[16], weights[16], bias[16], inputs[64];
    snprintf(codes, sizeof codes, "%s_k", name);
    snprintf(scales, sizeof scales, "%s_s", name);
    snprintf(weights, sizeof weights, "%s_w", name);
    snprintf(bias, sizeof bias, "%s_b", name);
    net_codes(net, codes, 3, k->codes, 4, (int64_t[]){k->out, k->in, k->side, k->side});
    net_floats(net, scales, k->scales, 1, (int64_t[]){k->out});
    net_floats(net, bias, k->bias, 1, (int64_t[]){k->out});
    snprintf(inputs, sizeof inputs, "%s,%s", codes, scales);
    net_node(net, "DequantizeLinear", inputs, weights);
    net_attr_int(net, "axis", 0);
    snprintf(inputs, sizeof inputs, "%s,%s,%s", in, weights, bias);
    net_node(net, "Conv", inputs, name);
    net_attr_ints(net, "strides", 2, (int64_t[]){k->stride, k->stride});
    int64_t p = k->side / 2;
    net_attr_ints(net, "pads", 4, (int64_t[]){p, p, p, p});
}

/* The pair of nodes that rounds `in` (type 2: u8, 3: s8). */
static void rounded(struct net *net, const char *in, float step, int type, int zero, const char *out)
{
    char scale[16], point[16], codes[16], inputs[64];
    int8_t byte = (int8_t)zero;
    snprintf(scale, sizeof scale, "%s_t", out);
    snprintf(point, sizeof point, "%s_z", out);
    snprintf(codes, sizeof codes, "%s_q", out);
    net_floats(net, scale, &step, 0, NULL);
    net_codes(net, point, type, &byte, 0, NULL);
    snprintf(inputs, sizeof inputs, "%s,%s,%s", in, scale, point);
    net_node(net, "QuantizeLinear", inputs, codes);
    snprintf(inputs, sizeof inputs, "%s,%s,%s", codes, scale, point);
    net_node(net, "DequantizeLinear", inputs, out);
}

static void whole_net(struct net *net, const struct conv k[6])
{
    net_init(net, 13);
    conv_node(net, "x", &k[0], "c0");
    net_node(net, "Relu", "c0", "r0");
    rounded(net, "r0", step_a, 2, 0, "a");
    conv_node(net, "a", &k[1], "c1");
    net_node(net, "Relu", "c1", "r1");
    rounded(net, "r1", step_b, 2, 0, "b");
    conv_node(net, "b", &k[2], "c2");
    net_node(net, "Add", "a,c2", "s2");
    net_node(net, "Relu", "s2", "r2");
    rounded(net, "r2", step_d, 2, 0, "d");
    conv_node(net, "d", &k[3], "c3");
    net_node(net, "Relu", "c3", "r3");
    rounded(net, "r3", step_up, 2, 0, "half");
    net_floats(net, "two", (float[]){1, 1, 2, 2}, 1, (int64_t[]){4});
    net_node(net, "Resize", "half,,two", "z");
    net_attr_text(net, "mode", "nearest");
    net_attr_text(net, "coordinate_transformation_mode", "asymmetric");
    net_attr_text(net, "nearest_mode", "floor");
    rounded(net, "z", step_up, 2, 0, "up");
    conv_node(net, "d", &k[4], "c4");
    net_node(net, "Relu", "c4", "r4");
    net_node(net, "Add", "r4,up", "s4");
    rounded(net, "s4", step_e, 3, 0, "e");
    conv_node(net, "e", &k[5], "y");
    net_output(net, "y");
}

static void make_convs(struct conv k[6])
{
    k[0] = random_conv(3, C, 3, 2, 1);
    k[1] = random_conv(C, C, 3, 1, 2);
    k[2] = random_conv(C, C, 3, 1, 3);
    k[3] = random_conv(C, C, 3, 2, 4);
    k[4] = random_conv(C, C, 1, 1, 5);
    k[5] = random_conv(C, 3, 1, 1, 6);
}

static struct infer_model *load(struct net *net, enum infer_precision precision, int threads)
{
    struct infer_model *model;
    struct error err = {0};
    size_t len;
    uint8_t *data = net_pack(net, &len);
    if (infer_model_load(data, len, &(struct infer_options){.precision = precision, .threads = threads}, &model, &err) <
        0)
        fail_msg("%s", err.text);
    free(data);
    return model;
}

/* Values near the middle between two codes may be rounded either way, and what follows moves with them; so most numbers
 * have to agree closely, and all roughly. */
static void check(const struct infer_output *o, const struct plane *want, float mean_error, float largest_error)
{
    double sum = 0, size = 0;
    assert_int_equal(o->c, want->c);
    assert_int_equal(o->h, want->h);
    assert_int_equal(o->w, want->w);
    for (int i = 0; i < want->c * want->h * want->w; i++) {
        float got = infer_at(o, i / (want->h * want->w), i / want->w % want->h, i % want->w);
        sum += (double)fabsf(got - want->v[i]);
        size += (double)fabsf(want->v[i]);
        if (!(fabsf(got - want->v[i]) < largest_error))
            fail_msg("element %d: %g where %g is expected", i, (double)got, (double)want->v[i]);
    }
    if (!(sum < (double)mean_error * size))
        fail_msg("the error is %g of the size", sum / size);
}

static void against_loops(void **state)
{
    static struct conv k[6];
    struct net net;
    struct error err = {0};
    const struct infer_output *o;
    uint8_t rgb[H * W * 3];
    unsigned seed = 9;
    int count;
    make_convs(k);
    whole_net(&net, k);
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(128 + noise(&seed) * 127);
    struct infer_picture picture = {
        .rgb = rgb, .stride = W * 3, .width = W, .height = H, .mean = 127.5f, .scale = 1.0f / 64};
    struct plane x = plane(3, H, W);
    for (int i = 0; i < 3 * H * W; i++)
        x.v[i] = ((float)rgb[i % (H * W) * 3 + i / (H * W)] - picture.mean) * picture.scale;
    struct plane want = expected(&x, k);
    for (int threads = 1; threads <= 3; threads++) {
        struct infer_model *model = load(&net, INFER_INT8, threads);
        bool codes = infer_gains(INFER_INT8);           /* a picture's bytes and a tensor go two ways */
        bool close = codes && !infer_gains(INFER_BF16); /* with bf16 between the codes more of them are off by one */
        assert_true(!strcmp(infer_model_precision(model), "int8") == codes);
        assert_int_equal(infer_run_picture(model, &picture, &o, &count, &err), 0);
        check(o, &want, close ? 0.002f : 0.05f, close ? 0.05f : 0.3f);
        assert_int_equal(infer_run_tensor(model, x.v, (const int[]){1, 3, H, W}, &o, &count, &err), 0);
        check(o, &want, close ? 0.002f : 0.05f, close ? 0.05f : 0.3f);
        infer_model_destroy(model);
    }
    struct infer_model *real = load(&net, INFER_F32, 1); /* no rounding, but the codes' ranges */
    assert_string_equal(infer_model_precision(real), "f32");
    assert_int_equal(infer_run_picture(real, &picture, &o, &count, &err), 0);
    check(o, &want, 0.05f, 0.3f);
    infer_model_destroy(real);
    free(x.v), free(want.v);
    net_finish(&net);
}

/* The first layer's picture path at sizes where windows reach over every border, against the tensor path. */
static void borders(void **state)
{
    static struct conv k[6];
    make_convs(k);
    for (int i = 0; i < 24; i++) {
        int h = 1 + i % 5 + (i > 12 ? 7 : 0), w = 1 + i % 7 + (i % 3) * 9, count;
        struct conv first = random_conv(3, C, 3, 1 + i % 3, (unsigned)i);
        struct net net;
        struct error err = {0};
        const struct infer_output *o;
        uint8_t *rgb = malloc((size_t)(h * w * 3)); /* of its own, so that a sanitizer sees reads past the end */
        struct plane x = plane(3, h, w);
        unsigned seed = (unsigned)i;
        for (int e = 0; e < h * w * 3; e++)
            rgb[e] = (uint8_t)(128 + noise(&seed) * 127);
        for (int e = 0; e < h * w * 3; e++)
            x.v[e] = ((float)rgb[e % (h * w) * 3 + e / (h * w)] - 114) / 32;
        net_init(&net, 13);
        conv_node(&net, "x", &first, "c0");
        net_node(&net, "Relu", "c0", "r0");
        rounded(&net, "r0", step_a, 2, 0, "a");
        conv_node(&net, "a", &k[5], "y");
        net_output(&net, "y");
        struct infer_model *model = load(&net, INFER_INT8, 2);
        struct plane a = convolve(&x, &first);
        relu(&a), round_to(&a, step_a, 0, 255);
        struct plane want = convolve(&a, &k[5]);
        struct infer_picture picture = {
            .rgb = rgb, .stride = w * 3, .width = w, .height = h, .mean = 114, .scale = 1.0f / 32};
        assert_int_equal(infer_run_picture(model, &picture, &o, &count, &err), 0);
        check(o, &want, 0.02f, 0.05f);
        infer_model_destroy(model);
        free(rgb), free(x.v), free(a.v), free(want.v);
        net_finish(&net);
    }
}

/* Pairs that cannot be codes are clips: with a zero point, or where codes' range does the work of an activation. */
static void ranges(void **state)
{
    struct net net;
    struct error err = {0};
    const struct infer_output *o;
    float x[4] = {-3, 0.25f, 1, 9};
    int count;
    net_init(&net, 13);
    rounded(&net, "x", 0.01f, 2, 100, "y"); /* -1 to 1.55 */
    net_output(&net, "y");
    struct infer_model *model = load(&net, INFER_INT8, 1);
    assert_int_equal(infer_run_tensor(model, x, (const int[]){1, 1, 2, 2}, &o, &count, &err), 0);
    const float want[4] = {-1, 0.25f, 1, 1.55f};
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(infer_at(o, 0, i / 2, i % 2) - want[i]) < 0.006f);
    infer_model_destroy(model);
    net_finish(&net);
}

/* Nodes that do nothing go, but not the range of the codes behind them. */
static void ranges_behind_nothing(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct net net;
        struct error err = {0};
        const struct infer_output *o;
        float x[4] = {-3, 0.25f, 1, 9};
        int count;
        net_init(&net, 13);
        net_node(&net, i ? "Cast" : "Identity", "x", "same");
        if (i)
            net_attr_int(&net, "to", 1);
        rounded(&net, "same", 0.01f, 2, 0, "y");
        net_output(&net, "y");
        struct infer_model *model = load(&net, INFER_INT8, 1);
        assert_int_equal(infer_run_tensor(model, x, (const int[]){1, 1, 2, 2}, &o, &count, &err), 0);
        const float want[4] = {0, 0.25f, 1, 2.55f};
        for (int k = 0; k < 4; k++)
            assert_true(fabsf(infer_at(o, 0, k / 2, k % 2) - want[k]) < 0.006f);
        infer_model_destroy(model);
        net_finish(&net);
    }
}

/* A channel of weights that are nought or nearly has no unit in which its bias could be added to sums of codes. */
static void channels_without_weights(void **state)
{
    static struct conv k;
    static const float scales[3] = {0, 1e-42f, 1e-38f};
    k = random_conv(C, C, 3, 1, 7);
    for (int i = 0; i < 3; i++) {
        k.scales[2 + i] = scales[i];
        k.bias[2 + i] = 1.5f;
    }
    struct net net;
    struct error err = {0};
    const struct infer_output *o;
    struct plane x = plane(C, 6, 8);
    unsigned seed = 3;
    int count;
    for (int i = 0; i < C * 6 * 8; i++)
        x.v[i] = noise(&seed);
    net_init(&net, 13);
    rounded(&net, "x", 0.01f, 3, 0, "a");
    conv_node(&net, "a", &k, "c");
    rounded(&net, "c", 0.02f, 3, 0, "y");
    net_output(&net, "y");
    struct infer_model *model = load(&net, INFER_INT8, 1);
    assert_int_equal(infer_run_tensor(model, x.v, (const int[]){1, C, 6, 8}, &o, &count, &err), 0);
    round_to(&x, 0.01f, -128, 127);
    struct plane want = convolve(&x, &k);
    round_to(&want, 0.02f, -128, 127);
    check(o, &want, 0.05f, 0.1f);
    infer_model_destroy(model);
    free(x.v), free(want.v);
    net_finish(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_loops),
        cmocka_unit_test(borders),
        cmocka_unit_test(ranges),
        cmocka_unit_test(ranges_behind_nothing),
        cmocka_unit_test(channels_without_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
