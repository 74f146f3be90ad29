/* Shapes of convolutions, pooling and resizing; automatic padding becomes numbers. See graph_shape.h. */
#include "infer/graph_shape.h"

#include <math.h>

/* A window along one axis. */
struct span {
    int64_t in, kernel, stride, pad_before, pad_after, out;
};

/* kernel is the dilated extent. */
static void span_auto_pad(struct span *s, enum auto_pad mode, int64_t total)
{
    if (mode == PAD_VALID || total < 0)
        total = 0;
    s->pad_before = mode == PAD_SAME_LOWER ? total - total / 2 : total / 2;
    s->pad_after = total - s->pad_before;
}

static void span_forward(struct span *s, enum auto_pad mode, bool ceil)
{
    if (mode != PAD_GIVEN)
        span_auto_pad(s, mode, ((s->in + s->stride - 1) / s->stride - 1) * s->stride + s->kernel - s->in);
    int64_t room = s->in + s->pad_before + s->pad_after - s->kernel;
    if (room < 0) {
        s->out = -1;
        return;
    }
    s->out = (room + (ceil ? s->stride - 1 : 0)) / s->stride + 1;
    if (ceil && (s->out - 1) * s->stride >= s->in + s->pad_before)
        s->out--; /* a window that would lie in the padding alone is left away */
    int64_t needed = (s->out - 1) * s->stride + s->kernel - s->in - s->pad_before;
    if (ceil && needed > s->pad_after)
        s->pad_after = needed;
}

static void span_backward(struct span *s, enum auto_pad mode, int64_t output_pad)
{
    int64_t full = s->stride * (s->in - 1) + output_pad + s->kernel;
    if (mode != PAD_GIVEN)
        span_auto_pad(s, mode, full - s->in * s->stride);
    s->out = full - s->pad_before - s->pad_after;
}

/* Output height and width; writes padding into the node. */
static int shape_window(const struct shaping *s, const struct shape *x, struct shape *out)
{
    struct window *w = &s->node->window;
    for (int i = 0; i < 2; i++) {
        struct span span = {.in = x->dims[2 + i],
            .kernel = (w->kernel[i] - 1) * w->dilation[i] + 1,
            .stride = w->stride[i],
            .pad_before = w->pad[i],
            .pad_after = w->pad[2 + i]};
        if (span.in < 1)
            return shaping_refuse(s, -EINVAL, "the picture is empty");
        if (s->node->op == OP_CONV_TRANSPOSE)
            span_backward(&span, w->auto_pad, w->output_pad[i]);
        else
            span_forward(&span, w->auto_pad, w->ceil);
        if (span.out < 1)
            return shaping_refuse(
                s, -EINVAL, "a window of %lld does not fit into %lld", (long long)span.kernel, (long long)span.in);
        w->pad[i] = span.pad_before;
        w->pad[2 + i] = span.pad_after;
        out->dims[2 + i] = span.out;
    }
    w->auto_pad = PAD_GIVEN;
    return 0;
}

static int shape_conv(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0), *k = shaping_in(s, 1), *bias = shaping_in(s, 2);
    struct window *w = &s->node->window;
    bool transpose = s->node->op == OP_CONV_TRANSPOSE;
    if (x->rank != 4 || k->rank != 4)
        return shaping_refuse(s, -EOPNOTSUPP, "only two-dimensional convolutions are supported");
    if (!graph_constant(s->graph, s->node, 1) || (bias && !graph_constant(s->graph, s->node, 2)))
        return shaping_refuse(s, -EOPNOTSUPP, "weights have to be constant");
    if (graph_constant(s->graph, s->node, 1)->type != TENSOR_F32 ||
        (bias && graph_constant(s->graph, s->node, 2)->type != TENSOR_F32))
        return shaping_refuse(s, -EOPNOTSUPP, "weights have to be real numbers");
    for (int i = 0; i < 2; i++) {
        if (w->kernel[i] && w->kernel[i] != k->dims[2 + i])
            return shaping_refuse(s, -EINVAL, "kernel_shape differs from the weights");
        w->kernel[i] = k->dims[2 + i];
        if (w->kernel[i] < 1 || w->kernel[i] > 4096)
            return shaping_refuse(s, -EINVAL, "a kernel of %lld", (long long)w->kernel[i]);
    }
    int64_t in = transpose ? k->dims[0] : k->dims[1] * w->group, out = transpose ? k->dims[1] * w->group : k->dims[0];
    if (in != x->dims[1] || in < 1 || out < 1 || in % w->group || out % w->group)
        return shaping_refuse(s, -EINVAL, "weights for %lld channels in %lld groups, the input has %lld", (long long)in,
            (long long)w->group, (long long)x->dims[1]);
    if (bias && (bias->rank != 1 || bias->dims[0] != out))
        return shaping_refuse(s, -EINVAL, "the bias does not fit");
    struct shape shape = {.rank = 4, .dims = {x->dims[0], out}};
    int r = shape_window(s, x, &shape);
    return r < 0 ? r : shaping_out(s, 0, &shape, TENSOR_F32);
}

static int shape_pool(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    struct window *w = &s->node->window;
    if (x->rank != 4)
        return shaping_refuse(s, -EOPNOTSUPP, "only two-dimensional pooling is supported");
    if (s->node->op == OP_GLOBAL_AVERAGE_POOL) {
        *w = (struct window){.kernel = {x->dims[2], x->dims[3]}, .stride = {1, 1}, .dilation = {1, 1}, .group = 1};
        s->node->op = OP_AVERAGE_POOL;
    }
    if (s->node->op == OP_AVERAGE_POOL && w->ceil && w->count_pad)
        return shaping_refuse(s, -EOPNOTSUPP, "ceil_mode together with count_include_pad is not supported");
    for (int i = 0; i < 4; i++)
        if (w->pad[i] >= w->kernel[i & 1])
            return shaping_refuse(s, -EINVAL, "padding as wide as the window");
    struct shape shape = {.rank = 4, .dims = {x->dims[0], x->dims[1]}};
    int r = shape_window(s, x, &shape);
    return r < 0 ? r : shaping_out(s, 0, &shape, TENSOR_F32);
}

int shape_window_node(const struct shaping *s)
{
    return s->node->op == OP_CONV || s->node->op == OP_CONV_TRANSPOSE ? shape_conv(s) : shape_pool(s);
}

int shape_resize_node(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    struct shape out = *x;
    const struct tensor *scales = graph_constant(s->graph, s->node, 2), *sizes = graph_constant(s->graph, s->node, 3);
    if (scales && !scales->count)
        scales = NULL;
    if (x->rank != 4)
        return shaping_refuse(s, -EOPNOTSUPP, "only pictures can be resized");
    if (x->dims[2] < 1 || x->dims[3] < 1)
        return shaping_refuse(s, -EINVAL, "the picture is empty");
    if (sizes ? sizes->type != TENSOR_I64 || sizes->count != 4
              : !scales || scales->type != TENSOR_F32 || scales->count != 4)
        return shaping_refuse(s, -EOPNOTSUPP, "four constant scales or sizes are needed");
    for (int i = 0; i < 4; i++) {
        double scale = sizes ? (double)sizes->i64[i] / (double)(x->dims[i] ? x->dims[i] : 1) : (double)scales->f32[i];
        if (!(scale > 0 && scale <= 4096))
            return shaping_refuse(s, -EINVAL, "a scale of %g", scale);
        out.dims[i] = sizes ? sizes->i64[i] : (int64_t)floor((double)x->dims[i] * scale);
        if (i < 2 && out.dims[i] != x->dims[i])
            return shaping_refuse(s, -EOPNOTSUPP, "only height and width can be resized");
        if (i >= 2)
            s->node->resize.scale[i - 2] = (float)scale;
        if (out.dims[i] < 1)
            return shaping_refuse(s, -EINVAL, "nothing would be left");
    }
    s->node->n_in = 1;
    return shaping_out(s, 0, &out, TENSOR_F32);
}
