/* Convolutions, pooling and resizing against plain loops. */
#include "infer_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct geometry {
    int n, c, h, w, out_c, group;
    int64_t kernel[2], stride[2], dilation[2], pad[4];
};

static int out_size(const struct geometry *g, int axis)
{
    int in = axis ? g->w : g->h;
    return (
        int)((in + g->pad[axis] + g->pad[2 + axis] - (g->kernel[axis] - 1) * g->dilation[axis] - 1) / g->stride[axis] +
             1);
}

static float pixel(const struct geometry *g, const float *x, int n, int c, int64_t y, int64_t column)
{
    if (y < 0 || column < 0 || y >= g->h || column >= g->w)
        return 0;
    return x[((n * g->c + c) * g->h + y) * g->w + column];
}

static float *plain_conv(const struct geometry *g, const float *x, const float *k, const float *bias)
{
    int oh = out_size(g, 0), ow = out_size(g, 1), per = g->c / g->group;
    float *out = malloc((size_t)(g->n * g->out_c * oh * ow) * sizeof *out), *to = out;
    for (int n = 0; n < g->n; n++)
        for (int o = 0; o < g->out_c; o++)
            for (int i = 0; i < oh * ow; i++) {
                double sum = bias[o];
                for (int c = 0; c < per; c++)
                    for (int t = 0; t < g->kernel[0] * g->kernel[1]; t++)
                        sum += (double)k[(o * per + c) * g->kernel[0] * g->kernel[1] + t] *
                               (double)pixel(g, x, n, o / (g->out_c / g->group) * per + c,
                                   i / ow * g->stride[0] - g->pad[0] + t / g->kernel[1] * g->dilation[0],
                                   i % ow * g->stride[1] - g->pad[1] + t % g->kernel[1] * g->dilation[1]);
                *to++ = (float)sum;
            }
    return out;
}

static void window_attrs(struct net *net, const struct geometry *g)
{
    net_attr_ints(net, "kernel_shape", 2, g->kernel);
    net_attr_ints(net, "strides", 2, g->stride);
    net_attr_ints(net, "pads", 4, g->pad);
    net_attr_ints(net, "dilations", 2, g->dilation);
}

static const struct geometry convolutions[] = {{1, 3, 17, 19, 16, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {2, 16, 9, 12, 32, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, 5, 8, 7, 6, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {1, 8, 12, 12, 8, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {1, 12, 10, 11, 18, 3, {3, 5}, {1, 2}, {1, 1}, {1, 2, 1, 2}},
    {1, 16, 15, 15, 16, 1, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}},
    {1, 4, 9, 9, 7, 1, {4, 2}, {3, 1}, {1, 1}, {0, 1, 2, 0}},
    {1, 48, 20, 20, 48, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}};

static void conv(void **state)
{
    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
        const struct geometry *g = &convolutions[i];
        struct net net;
        int got_dims[4], dims[4] = {g->n, g->c, g->h, g->w};
        float *x = noise_array((size_t)(g->n * g->c * g->h * g->w), 1);
        float *k = noise_array((size_t)(g->out_c * g->c / g->group * g->kernel[0] * g->kernel[1]), 2),
              *b = noise_array((size_t)g->out_c, 3);
        net_init(&net, 13);
        net_floats(&net, "k", k, 4, (int64_t[]){g->out_c, g->c / g->group, g->kernel[0], g->kernel[1]});
        net_floats(&net, "b", b, 1, (int64_t[]){g->out_c});
        net_node(&net, "Conv", "x,k,b", "y");
        window_attrs(&net, g);
        net_attr_int(&net, "group", g->group);
        net_output(&net, "y");
        float *got = net_run(&net, x, dims, got_dims), *want = plain_conv(g, x, k, b);
        assert_int_equal(got_dims[1], g->out_c);
        assert_int_equal(got_dims[2], out_size(g, 0));
        assert_int_equal(got_dims[3], out_size(g, 1));
        assert_close(got, want, (size_t)(g->n * g->out_c * got_dims[2] * got_dims[3]), 1e-4f);
        net_finish(&net);
        free(x), free(k), free(b), free(got), free(want);
    }
}

/* Scatters instead of gathering: the definition of a transposed convolution. */
static void conv_transpose(void **state)
{
    static const struct {
        struct geometry g;
        int64_t output_pad[2];
    } cases[] = {{{1, 8, 5, 6, 12, 1, {2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}}, {0, 0}},
        {{1, 6, 7, 5, 9, 3, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, {1, 1}},
        {{1, 4, 6, 6, 5, 1, {4, 4}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, {0, 0}},
        {{1, 4, 5, 5, 4, 1, {3, 3}, {1, 1}, {2, 2}, {0, 1, 2, 0}}, {0, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct geometry *g = &cases[i].g;
        int per_in = g->c / g->group, per_out = g->out_c / g->group, area = (int)(g->kernel[0] * g->kernel[1]), out[2];
        for (int a = 0; a < 2; a++)
            out[a] = (int)(g->stride[a] * ((a ? g->w : g->h) - 1) + cases[i].output_pad[a] +
                           (g->kernel[a] - 1) * g->dilation[a] + 1 - g->pad[a] - g->pad[2 + a]);
        size_t n = (size_t)(g->out_c * out[0] * out[1]);
        float *x = noise_array((size_t)(g->c * g->h * g->w), 1), *k = noise_array((size_t)(g->c * per_out * area), 2),
              *want = calloc(n, sizeof *want);
        for (int c = 0; c < g->c; c++)
            for (int p = 0; p < g->h * g->w; p++)
                for (int o = 0; o < per_out; o++)
                    for (int t = 0; t < area; t++) {
                        int64_t y = p / g->w * g->stride[0] - g->pad[0] + t / g->kernel[1] * g->dilation[0];
                        int64_t column = p % g->w * g->stride[1] - g->pad[1] + t % g->kernel[1] * g->dilation[1];
                        if (y >= 0 && column >= 0 && y < out[0] && column < out[1])
                            want[((c / per_in * per_out + o) * out[0] + y) * out[1] + column] +=
                                x[c * g->h * g->w + p] * k[(c * per_out + o) * area + t];
                    }
        for (size_t k2 = 0; k2 < n; k2++)
            want[k2] = want[k2] > 0 ? want[k2] : 0;
        struct net net;
        int dims[4] = {1, g->c, g->h, g->w}, got_dims[4];
        net_init(&net, 13);
        net_floats(&net, "k", k, 4, (int64_t[]){g->c, per_out, g->kernel[0], g->kernel[1]});
        net_node(&net, "ConvTranspose", "x,k", "t");
        window_attrs(&net, g);
        net_attr_int(&net, "group", g->group);
        net_attr_ints(&net, "output_padding", 2, cases[i].output_pad);
        net_node(&net, "Relu", "t", "y");
        net_output(&net, "y");
        float *got = net_run(&net, x, dims, got_dims);
        assert_int_equal(got_dims[2], out[0]);
        assert_int_equal(got_dims[3], out[1]);
        assert_close(got, want, n, 1e-4f);
        net_finish(&net);
        free(x), free(k), free(got), free(want);
    }
}

static void pooling(void **state)
{
    static const struct {
        const char *op;
        struct geometry g;
        int ceil, count_pad, out_h, out_w;
    } cases[] = {{"MaxPool", {1, 16, 9, 11, 16, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, 0, 0, 5, 6},
        {"MaxPool", {1, 5, 8, 8, 5, 1, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}}, 1, 0, 4, 4},
        {"MaxPool", {1, 3, 9, 9, 3, 1, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}}, 0, 0, 9, 9},
        {"MaxPool", {1, 3, 9, 9, 3, 1, {2, 2}, {1, 1}, {3, 3}, {0, 0, 0, 0}}, 0, 0, 6, 6},
        {"AveragePool", {2, 4, 8, 9, 4, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, 0, 0, 4, 5},
        {"AveragePool", {1, 4, 8, 9, 4, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, 0, 1, 4, 5},
        {"AveragePool", {1, 4, 8, 8, 4, 1, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}}, 1, 0, 4, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct geometry *g = &cases[i].g;
        int oh = cases[i].out_h, ow = cases[i].out_w, max = cases[i].op[0] == 'M', dims[4] = {g->n, g->c, g->h, g->w},
            got_dims[4];
        float *x = noise_array((size_t)(g->n * g->c * g->h * g->w), 1);
        struct net net;
        net_init(&net, 13);
        net_node(&net, cases[i].op, "x", "y");
        window_attrs(&net, g);
        net_attr_int(&net, "ceil_mode", cases[i].ceil);
        net_attr_int(&net, "count_include_pad", cases[i].count_pad);
        net_output(&net, "y");
        float *got = net_run(&net, x, dims, got_dims);
        assert_int_equal(got_dims[2], oh);
        assert_int_equal(got_dims[3], ow);
        for (int k = 0; k < g->n * g->c * oh * ow; k++) {
            float top = -INFINITY, sum = 0;
            int seen = 0;
            for (int t = 0; t < g->kernel[0] * g->kernel[1]; t++) {
                int64_t row = k / ow % oh * g->stride[0] - g->pad[0] + t / g->kernel[1] * g->dilation[0];
                int64_t column = k % ow * g->stride[1] - g->pad[1] + t % g->kernel[1] * g->dilation[1];
                bool inside = row >= 0 && column >= 0 && row < g->h && column < g->w;
                float v = inside ? x[(k / (oh * ow) * g->h + row) * g->w + column] : 0;
                top = inside ? fmaxf(top, v) : top;
                sum += v;
                seen += inside || cases[i].count_pad;
            }
            assert_close(&got[k], (float[]){max ? top : sum / (float)seen}, 1, 1e-5f);
        }
        net_finish(&net);
        free(x), free(got);
    }
}

static void global_average_pool(void **state)
{
    struct net net;
    int dims[4] = {2, 5, 6, 7}, got_dims[4];
    float *x = noise_array(2 * 5 * 42, 1);
    net_init(&net, 13);
    net_node(&net, "GlobalAveragePool", "x", "y");
    net_output(&net, "y");
    float *got = net_run(&net, x, dims, got_dims);
    assert_int_equal(got_dims[1] * got_dims[2] * got_dims[3], 5);
    for (int i = 0; i < 10; i++) {
        float sum = 0;
        for (int k = 0; k < 42; k++)
            sum += x[i * 42 + k];
        assert_close(&got[i], (float[]){sum / 42}, 1, 1e-5f);
    }
    net_finish(&net);
    free(x), free(got);
}

/* Linear resizing by its formula, in double precision. */
static double linear_at(const float *plane, int h, int w, double y, double x)
{
    y = fmin(fmax(y, 0), h - 1);
    x = fmin(fmax(x, 0), w - 1);
    int top = (int)y, left = (int)x, bottom = top + 1 < h ? top + 1 : top, right = left + 1 < w ? left + 1 : left;
    double a = plane[top * w + left] * (1 - x + left) + plane[top * w + right] * (x - left);
    double b = plane[bottom * w + left] * (1 - x + left) + plane[bottom * w + right] * (x - left);
    return a * (1 - y + top) + b * (y - top);
}

static void resize(void **state)
{
    enum { H = 5, W = 6, C = 4 };
    static const struct {
        const char *mode, *coords, *nearest;
        float sy, sx;
    } cases[] = {{"nearest", "asymmetric", "floor", 2, 2}, {"nearest", "half_pixel", "round_prefer_floor", 2, 3},
        {"nearest", "asymmetric", "floor", 1.5f, 0.5f}, {"nearest", "asymmetric", "ceil", 2, 2},
        {"nearest", "half_pixel", "round_prefer_ceil", 0.5f, 0.5f},
        {"nearest", "half_pixel", "round_prefer_ceil", 2, 3}, {"nearest", "half_pixel", "floor", 2, 2},
        {"nearest", "half_pixel", "ceil", 2, 3}, {"linear", "half_pixel", "floor", 2, 2},
        {"linear", "asymmetric", "floor", 2, 2}, {"linear", "align_corners", "floor", 2, 2},
        {"linear", "pytorch_half_pixel", "floor", 1.5f, 2}};
    float *x = noise_array(C * H * W, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net net;
        int dims[4] = {1, C, H, W}, got_dims[4], oh = (int)(H * cases[i].sy), ow = (int)(W * cases[i].sx);
        net_init(&net, 13);
        net_floats(&net, "s", (float[]){1, 1, cases[i].sy, cases[i].sx}, 1, (int64_t[]){4});
        net_node(&net, "Resize", "x,,s", "y");
        net_attr_text(&net, "mode", cases[i].mode);
        net_attr_text(&net, "coordinate_transformation_mode", cases[i].coords);
        net_attr_text(&net, "nearest_mode", cases[i].nearest);
        net_output(&net, "y");
        float *got = net_run(&net, x, dims, got_dims);
        assert_int_equal(got_dims[2], oh);
        assert_int_equal(got_dims[3], ow);
        for (int k = 0; k < C * oh * ow; k++) {
            double at[2], out[2] = {oh, ow}, in[2] = {H, W}, scale[2] = {(double)cases[i].sy, (double)cases[i].sx},
                          pos[2] = {k / ow % oh, k % ow};
            for (int a = 0; a < 2; a++) {
                at[a] = !strcmp(cases[i].coords, "asymmetric")      ? pos[a] / scale[a]
                        : !strcmp(cases[i].coords, "align_corners") ? pos[a] * (in[a] - 1) / (out[a] - 1)
                                                                    : (pos[a] + 0.5) / scale[a] - 0.5;
                if (cases[i].mode[0] == 'n') {
                    at[a] = !strcmp(cases[i].nearest, "floor")                ? floor(at[a])
                            : !strcmp(cases[i].nearest, "ceil")               ? ceil(at[a])
                            : !strcmp(cases[i].nearest, "round_prefer_floor") ? ceil(at[a] - 0.5)
                                                                              : floor(at[a] + 0.5);
                    at[a] = fmin(fmax(at[a], 0), in[a] - 1);
                }
            }
            assert_close(&got[k], (float[]){(float)linear_at(x + k / (oh * ow) * H * W, H, W, at[0], at[1])}, 1, 1e-5f);
        }
        net_finish(&net);
        free(got);
    }
    free(x);
}

/* The older operator, with scales as an attribute. */
static void upsample(void **state)
{
    struct net net;
    int dims[4] = {1, 2, 3, 4}, got_dims[4];
    float *x = noise_array(24, 1);
    net_init(&net, 9);
    net_floats(&net, "s", (float[]){1, 1, 2, 2}, 1, (int64_t[]){4});
    net_node(&net, "Upsample", "x,s", "y");
    net_output(&net, "y");
    float *got = net_run(&net, x, dims, got_dims);
    assert_int_equal(got_dims[2], 6);
    for (int i = 0; i < 96; i++)
        assert_true(got[i] == x[i / 48 * 12 + i / 8 % 6 / 2 * 4 + i % 8 / 2]);
    net_finish(&net);
    free(x), free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv),
        cmocka_unit_test(conv_transpose),
        cmocka_unit_test(pooling),
        cmocka_unit_test(global_average_pool),
        cmocka_unit_test(resize),
        cmocka_unit_test(upsample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
