/* Elementwise, moving and matrix operators, and the ways in which nodes are folded and fused, against plain loops. */
#include "infer_net.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { C = 6, H = 4, W = 5, N = C * H * W };

static const int x_dims[4] = {1, C, H, W};

static float *run_one(struct net *net, const float *x, int dims[4])
{
    net_output(net, "y");
    float *y = net_run(net, x, x_dims, dims);
    net_finish(net);
    return y;
}

static float apply(const char *op, float a, float b, float x)
{
    float sigmoid = 1 / (1 + expf(-x));
    return !strcmp(op, "Relu")          ? fmaxf(x, 0)
           : !strcmp(op, "LeakyRelu")   ? (x < 0 ? a * x : x)
           : !strcmp(op, "Sigmoid")     ? sigmoid
           : !strcmp(op, "HardSigmoid") ? fmaxf(0, fminf(1, a * x + b))
           : !strcmp(op, "HardSwish")   ? x * fmaxf(0, fminf(1, x / 6 + 0.5f))
           : !strcmp(op, "Clip")        ? fmaxf(a, fminf(b, x))
           : !strcmp(op, "Exp")         ? expf(x)
                                        : x * sigmoid; /* Swish */
}

/* Each activation alone, and behind a convolution that doubles its input (where it is fused). */
static void activations(void **state)
{
    static const struct {
        const char *op;
        float a, b;
    } cases[] = {{"Relu", 0, 0}, {"LeakyRelu", 0.2f, 0}, {"Sigmoid", 0, 0}, {"HardSigmoid", 0.3f, 0.4f},
        {"HardSwish", 0, 0}, {"Clip", -0.25f, 0.5f}, {"Exp", 0, 0}, {"Swish", 0, 0}};
    float *x = noise_array(N, 1), doubling[C * C] = {0};
    for (int c = 0; c < C; c++)
        doubling[c * C + c] = 2;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const char *op = cases[i / 2].op;
        bool behind = i % 2;
        struct net net;
        int dims[4];
        net_init(&net, 14);
        net_floats(&net, "k", doubling, 4, (int64_t[]){C, C, 1, 1});
        if (behind)
            net_node(&net, "Conv", "x,k", "t");
        const char *in = behind ? "t" : "x";
        if (!strcmp(op, "Swish")) {
            net_node(&net, "Sigmoid", in, "s");
            net_node(&net, "Mul", behind ? "t,s" : "s,x", "y");
        } else if (!strcmp(op, "Clip")) {
            net_floats(&net, "low", &cases[i / 2].a, 0, NULL);
            net_floats(&net, "high", &cases[i / 2].b, 0, NULL);
            net_node(&net, op, behind ? "t,low,high" : "x,low,high", "y");
        } else {
            net_node(&net, op, in, "y");
            if (cases[i / 2].a != 0)
                net_attr_float(&net, "alpha", cases[i / 2].a);
            if (cases[i / 2].b != 0)
                net_attr_float(&net, "beta", cases[i / 2].b);
        }
        float *y = run_one(&net, x, dims), want[N];
        for (int k = 0; k < N; k++)
            want[k] = apply(op, cases[i / 2].a, cases[i / 2].b, behind ? 2 * x[k] : x[k]);
        assert_close(y, want, N, 1e-5f);
        free(y);
    }
    free(x);
}

static float arithmetic(const char *op, float a, float b)
{
    return *op == 'A' ? a + b : *op == 'S' ? a - b : *op == 'M' ? a * b : a / b;
}

/* With a constant on either side, of every shape that stretches to the input's. */
static void binary(void **state)
{
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div"};
    static const struct {
        int rank;
        int64_t dims[4];
    } shapes[] = {{0, {0}}, {3, {C, 1, 1}}, {4, {1, C, H, W}}, {1, {W}}, {2, {H, 1}}, {4, {1, 1, H, W}}};
    float *x = noise_array(N, 1), *k = noise_array(N, 2);
    for (int i = 0; i < N; i++) {
        k[i] += k[i] < 0 ? -0.5f : 0.5f; /* nothing near nought to divide by */
        x[i] += x[i] < 0 ? -0.5f : 0.5f;
    }
    for (int i = 0; i < 4 * 6 * 2; i++) {
        const char *op = ops[i % 4];
        int shape = i / 4 % 6, swap = i / 24, dims[4];
        struct net net;
        net_init(&net, 13);
        net_floats(&net, "k", k, shapes[shape].rank, shapes[shape].dims);
        net_node(&net, op, swap ? "k,x" : "x,k", "y");
        float *y = run_one(&net, x, dims), want[N];
        for (int e = 0; e < N; e++) {
            int at[4] = {0, e / (H * W), e / W % H, e % W}, from = 0;
            for (int a = 0; a < shapes[shape].rank; a++) {
                int64_t size = shapes[shape].dims[a];
                from = from * (int)size + (size == 1 ? 0 : at[a + 4 - shapes[shape].rank]);
            }
            want[e] = swap ? arithmetic(op, k[from], x[e]) : arithmetic(op, x[e], k[from]);
        }
        assert_close(y, want, N, 1e-5f);
        free(y);
    }
    free(x), free(k);
}

/* conv -> batch norm -> mul -> add, all of which go into the convolution's weights; then the same with a transposed
 * one. */
static void folding(void **state)
{
    for (int transpose = 0; transpose < 2; transpose++) {
        float *x = noise_array(N, 1), *k = noise_array(C * C, 2), *s = noise_array(6 * C, 3), want[N];
        for (int c = 0; c < C; c++)
            s[3 * C + c] = fabsf(s[3 * C + c]) + 0.1f;
        struct net net;
        int dims[4];
        net_init(&net, 13);
        net_floats(&net, "k", k, 4, (int64_t[]){C, C, 1, 1});
        static const char *const names[] = {"scale", "bias", "mean", "var", "m", "a"};
        for (int i = 0; i < 4; i++)
            net_floats(&net, names[i], s + i * C, 1, (int64_t[]){C});
        net_floats(&net, "m", s + 4 * C, 3, (int64_t[]){C, 1, 1});
        net_floats(&net, "a", s + 5 * C, 4, (int64_t[]){1, C, 1, 1});
        net_node(&net, transpose ? "ConvTranspose" : "Conv", "x,k", "t");
        net_node(&net, "BatchNormalization", "t,scale,bias,mean,var", "u");
        net_attr_float(&net, "epsilon", 1e-3f);
        net_node(&net, "Mul", "m,u", "v");
        net_node(&net, "Sub", "a,v", "y");
        float *y = run_one(&net, x, dims);
        for (int i = 0; i < N; i++) {
            int c = i / (H * W);
            float sum = 0;
            for (int q = 0; q < C; q++)
                sum += x[q * H * W + i % (H * W)] * k[transpose ? q * C + c : c * C + q];
            sum = (sum - s[2 * C + c]) / sqrtf(s[3 * C + c] + 1e-3f) * s[c] + s[C + c];
            want[i] = s[5 * C + c] - sum * s[4 * C + c];
        }
        assert_close(y, want, N, 1e-4f);
        free(x), free(k), free(s), free(y);
    }
}

static void batch_norm_alone(void **state)
{
    float *x = noise_array(N, 1), *s = noise_array(4 * C, 3), want[N];
    struct net net;
    int dims[4];
    net_init(&net, 13);
    static const char *const names[] = {"scale", "bias", "mean", "var"};
    for (int i = 0; i < 4; i++) {
        for (int c = 0; i == 3 && c < C; c++)
            s[3 * C + c] = fabsf(s[3 * C + c]) + 0.1f;
        net_floats(&net, names[i], s + i * C, 1, (int64_t[]){C});
    }
    net_node(&net, "BatchNormalization", "x,scale,bias,mean,var", "t");
    net_node(&net, "Relu", "t", "y");
    float *y = run_one(&net, x, dims);
    for (int i = 0; i < N; i++) {
        int c = i / (H * W);
        want[i] = fmaxf(0, (x[i] - s[2 * C + c]) / sqrtf(s[3 * C + c] + 1e-5f) * s[c] + s[C + c]);
    }
    assert_close(y, want, N, 1e-5f);
    free(x), free(s), free(y);
}

/* Residual additions in all orders, with readers that must not see what is written over. */
static void residuals(void **state)
{
    float *x = noise_array(N, 1), *k = noise_array(C * C, 2), t[N], want[N];
    struct net net;
    int dims[4];
    net_init(&net, 13);
    net_floats(&net, "k", k, 4, (int64_t[]){C, C, 1, 1});
    net_node(&net, "Conv", "x,k", "t");
    net_node(&net, "Relu", "t", "u");
    net_node(&net, "Conv", "u,k", "v");
    net_node(&net, "Add", "u,v", "w"); /* the convolution reads what it would write over */
    net_node(&net, "Relu", "w", "p");
    net_node(&net, "Conv", "p,k", "q");
    net_node(&net, "Relu", "q", "r");
    net_node(&net, "Add", "r,p", "s"); /* an addition behind an activation */
    net_node(&net, "Add", "s,u", "y"); /* u is still needed here */
    float *y = run_one(&net, x, dims), *values[3] = {x, t, want}, u[N], p[N];
    for (int layer = 0; layer < 3; layer++) {
        const float *in = layer == 0 ? values[0] : layer == 1 ? u : p;
        for (int i = 0; i < N; i++) {
            float sum = 0;
            for (int q = 0; q < C; q++)
                sum += in[q * H * W + i % (H * W)] * k[i / (H * W) * C + q];
            t[i] = sum;
        }
        for (int i = 0; i < N; i++) {
            if (layer == 0)
                u[i] = fmaxf(t[i], 0);
            else if (layer == 1)
                p[i] = fmaxf(t[i] + u[i], 0);
            else
                want[i] = fmaxf(t[i], 0) + p[i] + u[i];
        }
    }
    assert_close(y, want, N, 1e-4f);
    free(x), free(k), free(y);
}

/* conv(relu(x)) + v + v, with as many channels as are summed up in parts: what one addition writes over, the other must
 * not read. The parts come as outputs of their own, where nothing is fused. */
static void added_twice(void **state)
{
    enum { IN = 1024, OUT = 32, SIDE = 8, AREA = SIDE * SIDE };
    static const int dims[4] = {1, IN, SIDE, SIDE};
    float *x = noise_array((size_t)IN * AREA, 1), *parts[3], want[OUT * AREA];
    float *k = noise_array((size_t)OUT * IN * 9, 2), *p = noise_array((size_t)OUT * IN, 3);
    for (int i = 0; i < OUT * IN * 9; i++)
        k[i] /= 96;
    for (int i = 0; i < OUT * IN; i++)
        p[i] /= 32;
    for (int i = 0; i < 3; i++) {
        struct net net;
        int got[4];
        net_init(&net, 13);
        net_floats(&net, "k", k, 4, (int64_t[]){OUT, IN, 3, 3});
        net_floats(&net, "p", p, 4, (int64_t[]){OUT, IN, 1, 1});
        net_node(&net, "Conv", "x,p", "v");
        net_node(&net, "Relu", "x", "r");
        net_node(&net, "Conv", "r,k", "c");
        net_attr_ints(&net, "pads", 4, (int64_t[]){1, 1, 1, 1});
        net_node(&net, "Add", "c,v", "d");
        net_node(&net, "Add", "d,v", "y");
        net_output(&net, i == 0 ? "c" : i == 1 ? "v" : "y");
        parts[i] = net_run(&net, x, dims, got);
        net_finish(&net);
    }
    for (int i = 0; i < OUT * AREA; i++)
        want[i] = parts[0][i] + 2 * parts[1][i];
    assert_close(parts[2], want, OUT * AREA, 1e-4f);
    free(x), free(k), free(p), free(parts[0]), free(parts[1]), free(parts[2]);
}

static void concat_split_slice(void **state)
{
    float *x = noise_array(N, 1);
    struct net net;
    int dims[4];
    net_init(&net, 13);
    net_ints(&net, "parts", (int64_t[]){1, 2, 3}, 3);
    net_node(&net, "Split", "x,parts", "a,b,c");
    net_attr_int(&net, "axis", 1);
    net_node(&net, "Concat", "c,a,b", "t");
    net_attr_int(&net, "axis", -3);
    net_ints(&net, "starts", (int64_t[]){1, -1}, 2);
    net_ints(&net, "ends", (int64_t[]){1000, INT64_MIN}, 2);
    net_ints(&net, "axes", (int64_t[]){2, -1}, 2);
    net_ints(&net, "steps", (int64_t[]){2, -2}, 2);
    net_node(&net, "Slice", "t,starts,ends,axes,steps", "y");
    float *y = run_one(&net, x, dims);
    static const int order[] = {3, 4, 5, 0, 1, 2};
    assert_int_equal(dims[1], C);
    assert_int_equal(dims[2], 2);
    assert_int_equal(dims[3], 3);
    for (int i = 0; i < C * 6; i++)
        assert_true(y[i] == x[(order[i / 6] * H + 1 + i / 3 % 2 * 2) * W + 4 - i % 3 * 2]);
    free(x), free(y);
}

/* What exporters write for "flatten all but the batch": shape, gather, unsqueeze, concat, reshape, with constants to
 * fold in between. */
static void shape_chain(void **state)
{
    float *x = noise_array(N, 1);
    struct net net;
    int dims[4];
    net_init(&net, 13);
    net_ints(&net, "zero", (int64_t[]){0}, -1);
    net_ints(&net, "axis0", (int64_t[]){0}, 1);
    net_ints(&net, "rest", (int64_t[]){-1}, 1);
    net_ints(&net, "two", (int64_t[]){2}, 1);
    net_node(&net, "Shape", "x", "shape");
    net_node(&net, "Gather", "shape,zero", "n");
    net_node(&net, "Unsqueeze", "n,axis0", "n1");
    net_node(&net, "Cast", "n1", "nf");
    net_attr_int(&net, "to", 1);
    net_node(&net, "Cast", "nf", "ni");
    net_attr_int(&net, "to", 7);
    net_node(&net, "Mul", "ni,two", "n2");
    net_node(&net, "Concat", "n2,rest", "target");
    net_attr_int(&net, "axis", 0);
    net_node(&net, "Identity", "x", "x2");
    net_node(&net, "Transpose", "x2", "xt");
    net_attr_ints(&net, "perm", 4, (int64_t[]){0, 2, 3, 1});
    net_node(&net, "Reshape", "xt,target", "y");
    float *y = run_one(&net, x, dims);
    assert_int_equal(dims[0], 2);
    assert_int_equal(dims[1], N / 2);
    for (int i = 0; i < N; i++)
        assert_true(y[i] == x[i % C * H * W + i / C]);
    free(x), free(y);
}

/* Halves of a convolution's result with a convolution of one half, as many detectors have it: where convolutions make
 * bf16 and kernels f32, types meet in the concatenation. Once more where one of the inputs is an output too. */
static void concat_of_types(void **state)
{
    enum { M = 16 };
    float *x = noise_array(N, 1), *k = noise_array(M * M, 2);
    for (int i = 0; i < M * M; i++)
        k[i] /= 4;
    for (int shape = 0; shape < 2; shape++) {
        struct net net;
        int dims[4];
        net_init(&net, 13);
        net_ints(&net, "parts", (int64_t[]){M / 2, M / 2}, 2);
        net_floats(&net, "k0", k, 4, (int64_t[]){M, C, 1, 1});
        net_floats(&net, "k1", k, 4, (int64_t[]){M / 2, M / 2, 1, 1});
        net_floats(&net, "k2", k, 4, (int64_t[]){4, M, 1, 1});
        net_node(&net, "Conv", "x,k0", "a");
        net_node(&net, "Split", "a,parts", "p,q");
        net_attr_int(&net, "axis", 1);
        net_node(&net, "Conv", shape ? "p,k1" : "q,k1", shape ? "other" : "b");
        net_node(&net, "Relu", shape ? "other" : "b", "r");
        net_node(&net, "Conv", "p,k1", "s");
        net_node(&net, "Concat", shape ? "other,s" : "p,r", "c");
        net_attr_int(&net, "axis", 1);
        net_node(&net, "Conv", "c,k2", "y");
        net_output(&net, "y");
        if (shape)
            net_output(&net, "other");
        float *want = net_run(&net, x, x_dims, dims);
        for (int i = INFER_AUTO; i <= INFER_INT8; i++) {
            float *got = net_run_in(&net, (enum infer_precision)i, x, x_dims, dims);
            assert_close(got, want, 4 * H * W, 0.03f);
            free(got);
        }
        net_finish(&net);
        free(want);
    }
    free(x), free(k);
}

static void softmax_and_mean(void **state)
{
    float *x = noise_array(N, 1), want[N];
    struct net net;
    int dims[4];
    net_init(&net, 13);
    net_node(&net, "Softmax", "x", "y");
    net_attr_int(&net, "axis", 1);
    float *y = run_one(&net, x, dims);
    for (int i = 0; i < N; i++) {
        float sum = 0;
        for (int c = 0; c < C; c++)
            sum += expf(x[c * H * W + i % (H * W)]);
        want[i] = expf(x[i]) / sum;
    }
    assert_close(y, want, N, 1e-5f);
    free(y);
    net_init(&net, 13);
    net_node(&net, "ReduceMean", "x", "y");
    net_attr_ints(&net, "axes", 2, (int64_t[]){-1, 1});
    net_attr_int(&net, "keepdims", 0);
    y = run_one(&net, x, dims);
    assert_int_equal(dims[0] * dims[1] * dims[2] * dims[3], H);
    for (int row = 0; row < H; row++) {
        float sum = 0;
        for (int i = 0; i < C * W; i++)
            sum += x[(i / W * H + row) * W + i % W];
        assert_close(&y[row], (float[]){sum / (C * W)}, 1, 1e-5f);
    }
    free(y), free(x);
}

/* No axes are all of them, or none where the node says so. */
static void means_without_axes(void **state)
{
    float *x = noise_array(N, 1), mean = 0;
    for (int i = 0; i < N; i++)
        mean += x[i] / N;
    for (int i = 0; i < 4; i++) {
        struct net net;
        int dims[4], given = i % 2, nothing = i / 2;
        net_init(&net, 18);
        net_ints(&net, "axes", NULL, 0);
        net_node(&net, "ReduceMean", given ? "x,axes" : "x", "y");
        net_attr_int(&net, "noop_with_empty_axes", nothing);
        float *y = run_one(&net, x, dims);
        assert_int_equal(dims[0] * dims[1] * dims[2] * dims[3], nothing ? N : 1);
        assert_close(y, nothing ? x : &mean, nothing ? N : 1, 1e-5f);
        free(y);
    }
    free(x);
}

/* Whatever is not nought is true. */
static void casts_to_truth(void **state)
{
    float *x = noise_array(N, 1), want[N];
    static const int64_t number[3] = {0, 1, 5};
    static const float half[3] = {0, 0.5f, -7};
    for (int i = 0; i < 6; i++) {
        struct net net;
        int dims[4];
        net_init(&net, 13);
        net_ints(&net, "whole", &number[i / 2], -1);
        net_floats(&net, "real", &half[i / 2], 0, NULL);
        net_node(&net, "Cast", i % 2 ? "whole" : "real", "t");
        net_attr_int(&net, "to", 9);
        net_node(&net, "Cast", "t", "f");
        net_attr_int(&net, "to", 1);
        net_node(&net, "Mul", "x,f", "y");
        float *y = run_one(&net, x, dims);
        for (int k = 0; k < N; k++)
            want[k] = i / 2 ? x[k] : 0;
        assert_close(y, want, N, 1e-6f);
        free(y);
    }
    free(x);
}

/* The codes' type as an attribute, where no zero point has it. */
static void quantized_type(void **state)
{
    float *x = noise_array(N, 1), want[N];
    for (int type = 2; type <= 3; type++) {
        struct net net;
        int dims[4];
        net_init(&net, 21);
        net_floats(&net, "s", (float[]){0.005f}, 0, NULL);
        net_node(&net, "QuantizeLinear", "x,s", "q");
        net_attr_int(&net, "output_dtype", type);
        net_node(&net, "DequantizeLinear", "q,s", "y");
        float *y = run_one(&net, x, dims);
        for (int k = 0; k < N; k++)
            want[k] = type == 2 ? fminf(fmaxf(x[k], 0), 255 * 0.005f) : fminf(fmaxf(x[k], -128 * 0.005f), 127 * 0.005f);
        assert_close(y, want, N, 0.003f);
        free(y);
    }
    free(x);
}

/* What is not computed as the attribute says is refused by its name. */
static void refused_attributes(void **state)
{
    static const char *const names[] = {"output_dtype", "keep_aspect_ratio_policy", "antialias", "exclude_outside",
        "axes", "coordinate_transformation_mode"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct net net;
        struct infer_model *model;
        struct error err = {0};
        net_init(&net, 21);
        net_floats(&net, "s", (float[]){0.005f}, 0, NULL);
        net_ints(&net, "sizes", (int64_t[]){1, C, 8, 8}, 4);
        net_node(&net, i ? "Resize" : "QuantizeLinear", i ? "x,,,sizes" : "x,s", i ? "y" : "q");
        if (i == 0)
            net_attr_int(&net, names[i], 5); /* 16 bits */
        else if (i == 1 || i == 5)
            net_attr_text(&net, names[i], i == 1 ? "not_larger" : "tf_crop_and_resize");
        else if (i == 4)
            net_attr_ints(&net, names[i], 2, (int64_t[]){2, 3});
        else
            net_attr_int(&net, names[i], 1);
        if (i == 0)
            net_node(&net, "DequantizeLinear", "q,s", "y");
        net_output(&net, "y");
        assert_int_equal(net_load(&net, &model, &err), -EOPNOTSUPP);
        assert_non_null(strstr(err.text, names[i]));
        net_finish(&net);
    }
}

static void matrices(void **state)
{
    float *x = noise_array(N, 1), *m = noise_array(W * 7, 2), *g = noise_array(3 * N, 3), *bias = noise_array(3, 4);
    struct net net;
    int dims[4];
    net_init(&net, 13);
    net_floats(&net, "m", m, 2, (int64_t[]){W, 7});
    net_node(&net, "MatMul", "x,m", "y");
    float *y = run_one(&net, x, dims);
    assert_int_equal(dims[3], 7);
    for (int i = 0; i < C * H * 7; i++) {
        float sum = 0;
        for (int k = 0; k < W; k++)
            sum += x[i / 7 * W + k] * m[k * 7 + i % 7];
        assert_close(&y[i], &sum, 1, 1e-5f);
    }
    free(y);
    net_init(&net, 13);
    net_floats(&net, "g", g, 2, (int64_t[]){3, N});
    net_floats(&net, "b", bias, 1, (int64_t[]){3});
    net_node(&net, "Flatten", "x", "f");
    net_node(&net, "Gemm", "f,g,b", "t");
    net_attr_int(&net, "transB", 1);
    net_attr_float(&net, "alpha", 0.5f);
    net_attr_float(&net, "beta", 2);
    net_node(&net, "Sigmoid", "t", "y");
    y = run_one(&net, x, dims);
    assert_int_equal(dims[1], 3);
    for (int i = 0; i < 3; i++) {
        float sum = 0;
        for (int k = 0; k < N; k++)
            sum += x[k] * g[i * N + k];
        assert_close(&y[i], (float[]){1 / (1 + expf(-0.5f * sum - 2 * bias[i]))}, 1, 1e-4f);
    }
    free(y), free(x), free(m), free(g), free(bias);
}

/* An output that is also read inside, one given out twice, and the input itself. */
static void outputs(void **state)
{
    float *x = noise_array(N, 1);
    struct net net;
    struct infer_model *model;
    struct error err = {0};
    const struct infer_output *o;
    int count;
    net_init(&net, 13);
    net_node(&net, "Relu", "x", "a");
    net_node(&net, "Exp", "a", "b");
    net_node(&net, "Identity", "b", "c");
    net_node(&net, "Identity", "x", "same");
    static const char *const names[] = {"a", "b", "c", "same"};
    for (int i = 0; i < 4; i++)
        net_output(&net, names[i]);
    assert_int_equal(net_load(&net, &model, &err), 0);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(infer_run_tensor(model, x, x_dims, &o, &count, &err), 0);
        assert_int_equal(count, 4);
        for (int i = 0; i < N; i++) {
            int c = i / (H * W), row = i / W % H, column = i % W;
            float relu = fmaxf(x[i], 0);
            assert_close(
                (float[]){infer_at(&o[0], c, row, column), infer_at(&o[1], c, row, column),
                    infer_at(&o[2], c, row, column), infer_at(infer_output_find(o, count, "same"), c, row, column)},
                (float[]){relu, expf(relu), expf(relu), x[i]}, 4, 1e-5f);
        }
    }
    infer_model_destroy(model);
    net_finish(&net);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),
        cmocka_unit_test(binary),
        cmocka_unit_test(folding),
        cmocka_unit_test(batch_norm_alone),
        cmocka_unit_test(residuals),
        cmocka_unit_test(added_twice),
        cmocka_unit_test(concat_split_slice),
        cmocka_unit_test(concat_of_types),
        cmocka_unit_test(shape_chain),
        cmocka_unit_test(softmax_and_mean),
        cmocka_unit_test(means_without_axes),
        cmocka_unit_test(casts_to_truth),
        cmocka_unit_test(quantized_type),
        cmocka_unit_test(refused_attributes),
        cmocka_unit_test(matrices),
        cmocka_unit_test(outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
