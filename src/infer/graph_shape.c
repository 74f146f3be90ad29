/* See graph_shape.h. Here: the pass over the nodes, and elementwise and matrix operators. */
#include "infer/graph_shape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "infer/kernel.h"

const struct shape *shaping_in(const struct shaping *s, int i)
{
    return i < s->node->n_in && s->node->in[i] >= 0 ? &s->graph->values[s->node->in[i]].shape : NULL;
}

int shaping_refuse(const struct shaping *s, int code, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(s->err, code, "node '%s' (%s): %s", s->node->name, op_name(s->node->op), text);
}

int shaping_out(const struct shaping *s, int i, const struct shape *shape, enum tensor_type type)
{
    size_t count;
    int r = shape_count(shape, &count);
    if (r < 0)
        return shaping_refuse(s, r, r == -EFBIG ? "the result is too large" : "the shapes do not fit");
    if (s->node->out[i] < 0)
        return 0;
    struct value *v = &s->graph->values[s->node->out[i]];
    v->shape = *shape;
    v->type = type;
    v->shaped = true;
    return 0;
}

int shaping_numbers(const struct shaping *s, int i, int64_t ret[TENSOR_RANK], int *ret_n)
{
    *ret_n = -1;
    if (i >= s->node->n_in || s->node->in[i] < 0)
        return 0;
    const struct tensor *t = graph_constant(s->graph, s->node, i);
    if (!t || t->type != TENSOR_I64)
        return shaping_refuse(s, -EOPNOTSUPP, "input %d has to be constant whole numbers", i);
    if (t->count > TENSOR_RANK)
        return shaping_refuse(s, -EOPNOTSUPP, "more than %d axes", TENSOR_RANK);
    *ret_n = (int)t->count;
    for (int k = 0; k < *ret_n; k++)
        ret[k] = t->i64[k];
    return 0;
}

int shaping_axis(const struct shaping *s, int64_t axis, int rank, int *ret_axis)
{
    if (axis < -rank || axis >= rank)
        return shaping_refuse(s, -EINVAL, "axis %lld of a value with %d", (long long)axis, rank);
    *ret_axis = (int)(axis < 0 ? axis + rank : axis);
    return 0;
}

static enum tensor_type type_of(const struct shaping *s, int i)
{
    return s->graph->values[s->node->in[i]].type;
}

/* ONNX's multidirectional broadcasting: axes are matched from the last, and 1 stretches. */
static int broadcast(const struct shaping *s, const struct shape *a, const struct shape *b, int keep, struct shape *ret)
{
    ret->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1 + keep; i <= ret->rank; i++) {
        int64_t p = i <= a->rank ? a->dims[a->rank - i] : 1, q = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (p != q && p != 1 && q != 1)
            return shaping_refuse(s, -EINVAL, "sizes %lld and %lld do not fit", (long long)p, (long long)q);
        ret->dims[ret->rank - i] = p == 1 ? q : p;
    }
    return 0;
}

static int shape_binary(const struct shaping *s)
{
    struct shape out = {0};
    if (type_of(s, 0) != type_of(s, 1))
        return shaping_refuse(s, -EINVAL, "the inputs' types differ");
    int r = broadcast(s, shaping_in(s, 0), shaping_in(s, 1), 0, &out);
    return r < 0 ? r : shaping_out(s, 0, &out, type_of(s, 0));
}

/* Clip with constant bounds is an activation. */
static int shape_clip(const struct shaping *s)
{
    float bounds[2] = {-INFINITY, INFINITY};
    for (int i = 1; i <= 2; i++) {
        if (!shaping_in(s, i))
            continue;
        const struct tensor *t = graph_constant(s->graph, s->node, i);
        if (!t || t->type != TENSOR_F32 || t->count != 1)
            return shaping_refuse(s, -EOPNOTSUPP, "bounds have to be constant real numbers");
        bounds[i - 1] = t->f32[0];
    }
    s->node->op = OP_UNARY;
    s->node->n_in = 1;
    s->node->unary.kind = UNARY_CLIP;
    s->node->unary.alpha = bounds[0];
    s->node->unary.beta = bounds[1];
    return shaping_out(s, 0, shaping_in(s, 0), type_of(s, 0));
}

static int shape_matmul(const struct shaping *s)
{
    const struct shape *a = shaping_in(s, 0), *b = shaping_in(s, 1);
    if (a->rank < 2 || b->rank < 2)
        return shaping_refuse(s, -EOPNOTSUPP, "vectors are not supported");
    int64_t inner = b->dims[b->rank - 2];
    if (a->dims[a->rank - 1] != inner)
        return shaping_refuse(
            s, -EINVAL, "inner sizes %lld and %lld differ", (long long)a->dims[a->rank - 1], (long long)inner);
    struct shape out = {0};
    int r = broadcast(s, a, b, 2, &out);
    if (r < 0)
        return r;
    out.dims[out.rank - 2] = a->dims[a->rank - 2];
    out.dims[out.rank - 1] = b->dims[b->rank - 1];
    return shaping_out(s, 0, &out, TENSOR_F32);
}

static int shape_gemm(const struct shaping *s)
{
    const struct shape *a = shaping_in(s, 0), *b = shaping_in(s, 1), *c = shaping_in(s, 2);
    bool ta = s->node->gemm.trans_a, tb = s->node->gemm.trans_b;
    if (a->rank != 2 || b->rank != 2 || a->dims[!ta] != b->dims[tb])
        return shaping_refuse(s, -EINVAL, "the matrices do not fit");
    struct shape out = {.rank = 2, .dims = {a->dims[ta], b->dims[!tb]}}, sum = {0};
    if (c) {
        int r = broadcast(s, &out, c, 0, &sum);
        if (r < 0)
            return r;
        if (!shape_equal(&sum, &out))
            return shaping_refuse(s, -EINVAL, "the added matrix does not fit");
    }
    return shaping_out(s, 0, &out, TENSOR_F32);
}

static int shape_reduce(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    int64_t axes[TENSOR_RANK];
    int n, r = shaping_numbers(s, 1, axes, &n);
    if (r < 0)
        return r;
    for (int i = 0; i < x->rank; i++)
        s->node->reduce.axis[i] = n <= 0 && !s->node->reduce.noop;
    for (int i = 0; i < n; i++) {
        int axis;
        if ((r = shaping_axis(s, axes[i], x->rank, &axis)) < 0)
            return r;
        s->node->reduce.axis[axis] = true;
    }
    struct shape out = {0};
    for (int i = 0; i < x->rank; i++)
        if (!s->node->reduce.axis[i] || s->node->reduce.keep)
            out.dims[out.rank++] = s->node->reduce.axis[i] ? 1 : x->dims[i];
    s->node->n_in = 1;
    return shaping_out(s, 0, &out, TENSOR_F32);
}

static int shape_quantize(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0), *scale = shaping_in(s, 1), *zero = shaping_in(s, 2);
    bool one = scale->rank == 0 || (scale->rank == 1 && scale->dims[0] == 1);
    if (!graph_constant(s->graph, s->node, 1) || type_of(s, 1) != TENSOR_F32 ||
        (zero && !graph_constant(s->graph, s->node, 2)))
        return shaping_refuse(s, -EOPNOTSUPP, "scale and zero point have to be constant");
    if (zero && !shape_equal(zero, scale))
        return shaping_refuse(s, -EINVAL, "scale and zero point differ in shape");
    if (!one) {
        int axis, r = shaping_axis(s, s->node->axis.axis, x->rank, &axis);
        if (r < 0)
            return r;
        if (scale->rank != 1 || scale->dims[0] != x->dims[axis])
            return shaping_refuse(s, -EINVAL, "as many scales as the axis is long are needed");
        s->node->axis.axis = axis;
    } else {
        s->node->axis.axis = -1; /* one scale for all */
    }
    if (s->node->op == OP_DEQUANTIZE)
        return type_of(s, 0) == TENSOR_F32 ? shaping_refuse(s, -EINVAL, "the input is not quantized")
                                           : shaping_out(s, 0, x, TENSOR_F32);
    enum tensor_type type = zero ? type_of(s, 2) : TENSOR_U8;
    if (type != TENSOR_U8 && type != TENSOR_I8)
        return shaping_refuse(s, -EOPNOTSUPP, "only 8-bit quantization is supported");
    return shaping_out(s, 0, x, type);
}

static int shape_batch_norm(const struct shaping *s)
{
    const struct shape *x = shaping_in(s, 0);
    for (int i = 1; i < 5; i++) {
        const struct tensor *t = graph_constant(s->graph, s->node, i);
        if (!t || t->type != TENSOR_F32)
            return shaping_refuse(s, -EOPNOTSUPP, "statistics have to be constant");
        if (x->rank < 2 || t->count != (size_t)x->dims[1])
            return shaping_refuse(s, -EINVAL, "as many statistics as channels are needed");
    }
    return shaping_out(s, 0, x, TENSOR_F32);
}

static int shape_node(const struct shaping *s)
{
    int axis, r;
    switch (s->node->op) {
    case OP_CONV:
    case OP_CONV_TRANSPOSE:
    case OP_MAX_POOL:
    case OP_AVERAGE_POOL:
    case OP_GLOBAL_AVERAGE_POOL:
        return shape_window_node(s);
    case OP_RESIZE:
        return shape_resize_node(s);
    case OP_BATCH_NORM:
        return shape_batch_norm(s);
    case OP_UNARY:
        return shaping_out(s, 0, shaping_in(s, 0), TENSOR_F32);
    case OP_CLIP:
        return shape_clip(s);
    case OP_BINARY:
        return shape_binary(s);
    case OP_SOFTMAX:
        if ((r = shaping_axis(s, s->node->axis.axis, shaping_in(s, 0)->rank, &axis)) < 0)
            return r;
        s->node->axis.axis = axis;
        return shaping_out(s, 0, shaping_in(s, 0), TENSOR_F32);
    case OP_MATMUL:
        return shape_matmul(s);
    case OP_GEMM:
        return shape_gemm(s);
    case OP_REDUCE_MEAN:
        return shape_reduce(s);
    case OP_QUANTIZE:
    case OP_DEQUANTIZE:
        return shape_quantize(s);
    case OP_CAST:
        return shaping_out(s, 0, shaping_in(s, 0), s->node->cast.type);
    default:
        return shape_move_node(s);
    }
}

/* Real numbers flow through most operators; whole ones only where shapes are computed, and 8-bit ones between
 * quantizing nodes. */
static int check_types(const struct shaping *s)
{
    enum op op = s->node->op;
    bool any = op == OP_BINARY || op == OP_CONCAT || op == OP_SPLIT || op == OP_SLICE || op == OP_TRANSPOSE ||
               op == OP_RESHAPE || op == OP_FLATTEN || op == OP_SQUEEZE || op == OP_UNSQUEEZE || op == OP_IDENTITY ||
               op == OP_SHAPE || op == OP_GATHER || op == OP_CAST || op == OP_DEQUANTIZE || op == OP_VIEW;
    if (!any && type_of(s, 0) != TENSOR_F32)
        return shaping_refuse(s, -EOPNOTSUPP, "only real numbers are supported");
    return 0;
}

/* A dequantized constant keeps the codes, for engines that multiply in 8 bits. */
static void remember_codes(const struct shaping *s, struct tensor *made)
{
    const struct tensor *codes = graph_constant(s->graph, s->node, 0), *scales = graph_constant(s->graph, s->node, 1);
    const struct tensor *zero = graph_constant(s->graph, s->node, 2);
    for (size_t i = 0; zero && i < zero->count; i++)
        if (zero->type != TENSOR_I8 || zero->i8[i])
            return;
    if (codes->type != TENSOR_I8 || s->node->axis.axis > 0)
        return;
    made->codes = tensor_ref((struct tensor *)codes);
    made->scales = tensor_ref((struct tensor *)scales);
}

static int fold_node(const struct shaping *s)
{
    struct node *node = s->node;
    struct view in[KERNEL_INPUTS] = {0}, out[KERNEL_INPUTS] = {0};
    struct tensor *made[KERNEL_INPUTS] = {0};
    int r = 0;
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] >= 0) {
            in[i] = kernel_view(s->graph->values[node->in[i]].constant);
            in[i].shape = *shaping_in(s, i); /* all that Shape needs */
        }
    for (int i = 0; r >= 0 && i < node->n_out; i++) {
        if (node->out[i] < 0)
            continue;
        const struct value *v = &s->graph->values[node->out[i]];
        r = tensor_create(v->type, &v->shape, &made[i], s->err);
        if (r >= 0)
            out[i] = kernel_view(made[i]);
    }
    if (r >= 0)
        r = kernel_run(node, in, out);
    if (r == -EINVAL)
        shaping_refuse(s, r, "an index is out of range");
    for (int i = 0; i < node->n_out; i++) {
        if (r >= 0 && node->out[i] >= 0)
            s->graph->values[node->out[i]].constant = made[i];
        else
            tensor_unref(made[i]);
    }
    if (r >= 0 && node->op == OP_DEQUANTIZE)
        remember_codes(s, made[0]);
    if (r >= 0)
        node->op = OP_NONE;
    return r;
}

static bool foldable(const struct shaping *s)
{
    const struct node *node = s->node;
    if (!kernel_supports(node) || node->n_in > KERNEL_INPUTS || node->n_out > KERNEL_INPUTS)
        return false;
    if (node->op == OP_SHAPE)
        return true;
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] >= 0 && !s->graph->values[node->in[i]].constant)
            return false;
    return true;
}

static int visit(const struct shaping *s)
{
    struct node *node = s->node;
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] >= 0 && !s->graph->values[node->in[i]].shaped)
            return 0;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0 && s->graph->values[node->out[i]].shaped)
            return 0; /* shaped before the input's shape was known: only constants led here */
    int r = check_types(s);
    if (r >= 0)
        r = shape_node(s);
    if (r < 0)
        return r;
    bool same_type = node->op == OP_CAST && type_of(s, 0) == node->cast.type && !node->cast.truth;
    if (node->op == OP_IDENTITY || same_type) {
        graph_replace(s->graph, node->out[0], node->in[0]);
        node->op = OP_NONE;
        return 0;
    }
    return foldable(s) ? fold_node(s) : 0;
}

int graph_shape(struct graph *graph, const struct shape *input, struct error *err)
{
    struct value *in = &graph->values[graph->input];
    if (input) {
        in->shape = *input;
        in->shaped = true;
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        struct shaping s = {.graph = graph, .node = &graph->nodes[i], .err = err};
        int r = s.node->op == OP_NONE ? 0 : visit(&s);
        if (r < 0)
            return r;
    }
    int r = graph_sweep(graph);
    for (int i = 0; r >= 0 && input && i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        for (int k = 0; k < node->n_out; k++)
            if (node->out[k] >= 0 && graph->values[node->out[k]].type == TENSOR_I64)
                return error_set(err, -EOPNOTSUPP,
                    "node '%s' (%s) computes whole numbers from the picture, which is not supported", node->name,
                    op_name(node->op));
    }
    return r;
}
