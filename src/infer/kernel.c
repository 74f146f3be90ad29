/* See kernel.h. Here: elementwise operators and those that move elements; kernel_math.c has the rest. */
#include "infer/kernel.h"

#include <math.h>
#include <string.h>

struct view kernel_view(const struct tensor *tensor)
{
    if (!tensor)
        return (struct view){0};
    return (struct view){.type = tensor->type, .shape = tensor->shape, .data = tensor->data};
}

void kernel_strides(const struct shape *shape, int64_t ret_stride[TENSOR_RANK])
{
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        ret_stride[i] = stride;
        stride *= shape->dims[i];
    }
}

static size_t count_of(const struct view *v)
{
    size_t n = 1;
    for (int i = 0; i < v->shape.rank; i++)
        n *= (size_t)v->shape.dims[i];
    return n;
}

static void copy_axis(char *to, const int64_t *to_stride, const char *from, const int64_t *from_stride,
    const struct shape *box, int axis, size_t size)
{
    if (axis == box->rank) {
        memcpy(to, from, size);
        return;
    }
    if (axis == box->rank - 1 && to_stride[axis] == 1 && from_stride[axis] == 1) {
        memcpy(to, from, (size_t)box->dims[axis] * size);
        return;
    }
    for (int64_t i = 0; i < box->dims[axis]; i++)
        copy_axis(to + i * to_stride[axis] * (int64_t)size, to_stride, from + i * from_stride[axis] * (int64_t)size,
            from_stride, box, axis + 1, size);
}

void kernel_copy(void *to, const int64_t *to_stride, const void *from, const int64_t *from_stride,
    const struct shape *box, size_t size)
{
    for (int i = 0; i < box->rank; i++)
        if (!box->dims[i])
            return;
    copy_axis(to, to_stride, from, from_stride, box, 0, size);
}

float kernel_unary(enum unary kind, float alpha, float beta, float x)
{
    switch (kind) {
    case UNARY_RELU:
        return x > 0 ? x : 0;
    case UNARY_LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case UNARY_CLIP:
        return fminf(fmaxf(x, alpha), beta);
    case UNARY_SIGMOID:
        return 1 / (1 + expf(-x));
    case UNARY_HARD_SIGMOID:
        return fminf(fmaxf(alpha * x + beta, 0), 1);
    case UNARY_HARD_SWISH:
        return x * fminf(fmaxf(x / 6 + 0.5f, 0), 1);
    case UNARY_EXP:
        return expf(x);
    case UNARY_SWISH:
        return x / (1 + expf(-x));
    }
    return x;
}

static void run_unary(const struct node *node, const struct view *in, const struct view *out)
{
    const float *x = in->data;
    float *y = out->data;
    for (size_t i = 0, n = count_of(out); i < n; i++)
        y[i] = kernel_unary(node->unary.kind, node->unary.alpha, node->unary.beta, x[i]);
}

static float real_binary(enum binary op, float a, float b)
{
    return op == BINARY_ADD ? a + b : op == BINARY_SUB ? a - b : op == BINARY_MUL ? a * b : a / b;
}

/* Whole numbers are computed unsigned, where overflow is defined. */
static int64_t whole_binary(enum binary op, int64_t a, int64_t b)
{
    if (op == BINARY_DIV)
        return b == 0 || (b == -1 && a == INT64_MIN) ? 0 : a / b;
    uint64_t p = (uint64_t)a, q = (uint64_t)b;
    return (int64_t)(op == BINARY_ADD ? p + q : op == BINARY_SUB ? p - q : p * q);
}

static int run_binary(const struct node *node, const struct view *in, const struct view *out)
{
    int64_t dense[TENSOR_RANK], stride[2][TENSOR_RANK] = {{0}};
    int rank = out->shape.rank;
    if (out->type != TENSOR_F32 && out->type != TENSOR_I64)
        return -EINVAL;
    for (int k = 0; k < 2; k++) {
        int shift = rank - in[k].shape.rank;
        kernel_strides(&in[k].shape, dense);
        for (int i = shift; i < rank; i++)
            stride[k][i] = in[k].shape.dims[i - shift] == 1 ? 0 : dense[i - shift];
    }
    int64_t at[TENSOR_RANK] = {0};
    for (size_t i = 0, n = count_of(out); i < n; i++) {
        int64_t a = 0, b = 0;
        for (int k = 0; k < rank; k++) {
            a += at[k] * stride[0][k];
            b += at[k] * stride[1][k];
        }
        if (out->type == TENSOR_F32)
            ((float *)out->data)[i] = real_binary(node->binary, ((float *)in[0].data)[a], ((float *)in[1].data)[b]);
        else
            ((int64_t *)out->data)[i] =
                whole_binary(node->binary, ((int64_t *)in[0].data)[a], ((int64_t *)in[1].data)[b]);
        for (int k = rank - 1; k >= 0 && ++at[k] == out->shape.dims[k]; k--)
            at[k] = 0;
    }
    return 0;
}

/* Pieces along an axis, put together (Concat) or taken apart (Split). */
static void run_pieces(int axis, const struct view *whole, const struct view *pieces, int n, bool join)
{
    size_t size = tensor_type_size(whole->type);
    int64_t whole_stride[TENSOR_RANK], stride[TENSOR_RANK], at = 0;
    kernel_strides(&whole->shape, whole_stride);
    for (int i = 0; i < n; i++) {
        if (pieces[i].data) {
            char *place = (char *)whole->data + (size_t)(at * whole_stride[axis]) * size;
            kernel_strides(&pieces[i].shape, stride);
            if (join)
                kernel_copy(place, whole_stride, pieces[i].data, stride, &pieces[i].shape, size);
            else
                kernel_copy(pieces[i].data, stride, place, whole_stride, &pieces[i].shape, size);
        }
        at += pieces[i].shape.dims[axis];
    }
}

static void run_slice(const struct node *node, const struct view *in, const struct view *out)
{
    size_t size = tensor_type_size(in->type);
    int64_t dense[TENSOR_RANK], stride[TENSOR_RANK], from[TENSOR_RANK], offset = 0;
    kernel_strides(&out->shape, dense);
    kernel_strides(&in->shape, stride);
    for (int i = 0; i < in->shape.rank; i++) {
        from[i] = stride[i] * node->slice.step[i];
        offset += stride[i] * node->slice.start[i];
    }
    if (count_of(out)) /* an empty slice may start anywhere */
        kernel_copy(out->data, dense, (const char *)in->data + offset * (int64_t)size, from, &out->shape, size);
}

static void run_transpose(const struct node *node, const struct view *in, const struct view *out)
{
    int64_t dense[TENSOR_RANK], stride[TENSOR_RANK], from[TENSOR_RANK];
    kernel_strides(&out->shape, dense);
    kernel_strides(&in->shape, stride);
    for (int i = 0; i < in->shape.rank; i++)
        from[i] = stride[node->perm.v[i]];
    kernel_copy(out->data, dense, in->data, from, &out->shape, tensor_type_size(in->type));
}

static int run_gather(const struct node *node, const struct view *in, const struct view *out)
{
    int axis = (int)node->axis.axis;
    int64_t length = in->shape.dims[axis], outer = 1, inner = 1;
    size_t size = tensor_type_size(in->type), indices = count_of(&in[1]);
    for (int i = 0; i < in->shape.rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : in->shape.dims[i];
    size_t block = (size_t)inner * size;
    char *to = out->data;
    for (int64_t o = 0; o < outer; o++)
        for (size_t k = 0; k < indices; k++, to += block) {
            int64_t index = ((const int64_t *)in[1].data)[k];
            index += index < 0 ? length : 0;
            if (index < 0 || index >= length)
                return -EINVAL;
            memcpy(to, (const char *)in->data + (size_t)(o * length + index) * block, block);
        }
    return 0;
}

static int run_cast(const struct node *node, const struct view *in, const struct view *out)
{
    for (size_t i = 0, n = count_of(out); i < n; i++) {
        double v = in->type == TENSOR_F32   ? (double)((float *)in->data)[i]
                   : in->type == TENSOR_I64 ? (double)((int64_t *)in->data)[i]
                   : in->type == TENSOR_I8  ? ((int8_t *)in->data)[i]
                                            : ((uint8_t *)in->data)[i];
        if (out->type == TENSOR_F32) {
            ((float *)out->data)[i] = (float)v;
            continue;
        }
        if (node->cast.truth) {
            ((int64_t *)out->data)[i] = v != 0;
            continue;
        }
        if (!(v > -9e18 && v < 9e18)) /* out of a whole number's range, or no number at all */
            return -EINVAL;
        if (out->type == TENSOR_I64)
            ((int64_t *)out->data)[i] = in->type == TENSOR_I64 ? ((int64_t *)in->data)[i] : (int64_t)v;
        else
            ((uint8_t *)out->data)[i] = (uint8_t)(int64_t)v; /* the same bits for both 8-bit types */
    }
    return 0;
}

/* With the statistics folded into one factor and one summand for each channel. */
static void run_batch_norm(const struct node *node, const struct view *in, const struct view *out)
{
    const float *x = in->data, *scale = in[1].data, *bias = in[2].data, *mean = in[3].data, *variance = in[4].data;
    float *y = out->data;
    size_t channels = (size_t)in->shape.dims[1], plane = channels ? count_of(in) / channels : 0;
    size_t batch = (size_t)in->shape.dims[0];
    plane = batch ? plane / batch : 0;
    for (size_t i = 0; i < batch * channels; i++) {
        size_t c = i % channels;
        float factor = scale[c] / sqrtf(variance[c] + node->epsilon), summand = bias[c] - mean[c] * factor;
        for (size_t k = 0; k < plane; k++)
            y[i * plane + k] = x[i * plane + k] * factor + summand;
    }
}

bool kernel_supports(const struct node *node)
{
    switch (node->op) {
    case OP_CONV:
    case OP_CONV_TRANSPOSE:
    case OP_MAX_POOL:
    case OP_AVERAGE_POOL:
    case OP_MATMUL:
    case OP_GEMM:
        return false;
    default:
        return node->n_posts == 0;
    }
}

int kernel_run(const struct node *node, const struct view *in, const struct view *out)
{
    switch (node->op) {
    case OP_UNARY:
        return run_unary(node, in, out), 0;
    case OP_BINARY:
        return run_binary(node, in, out);
    case OP_CONCAT:
        return run_pieces((int)node->axis.axis, out, in, node->n_in, true), 0;
    case OP_SPLIT:
        return run_pieces((int)node->axis.axis, in, out, node->n_out, false), 0;
    case OP_SLICE:
        return run_slice(node, in, out), 0;
    case OP_TRANSPOSE:
        return run_transpose(node, in, out), 0;
    case OP_GATHER:
        return run_gather(node, in, out);
    case OP_CAST:
        return run_cast(node, in, out);
    case OP_VIEW:
        return memcpy(out->data, in->data, count_of(out) * tensor_type_size(out->type)), 0;
    case OP_SHAPE:
        for (int64_t i = node->shape.start; i < node->shape.end; i++)
            ((int64_t *)out->data)[i - node->shape.start] = in->shape.dims[i];
        return 0;
    case OP_BATCH_NORM:
        return run_batch_norm(node, in, out), 0;
    case OP_RESIZE:
        return kernel_resize(node, in, out), 0;
    case OP_SOFTMAX:
        return kernel_softmax(node, in, out), 0;
    case OP_REDUCE_MEAN:
        return kernel_reduce_mean(node, in, out), 0;
    case OP_QUANTIZE:
        return kernel_quantize(node, in, out), 0;
    case OP_DEQUANTIZE:
        return kernel_dequantize(node, in, out), 0;
    default:
        return -EOPNOTSUPP;
    }
}
