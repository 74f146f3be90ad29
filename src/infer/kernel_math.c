/* Kernels with arithmetic along axes: resizing, softmax, means, quantization. See kernel.h. */
#include "infer/kernel.h"

#include <math.h>

/* Where output position `at` lies in the input, by ONNX's coordinate_transformation_mode. */
static float source_position(const struct node *node, int64_t at, float scale, int64_t in, int64_t out)
{
    switch (node->resize.coords) {
    case COORDS_ASYMMETRIC:
        return (float)at / scale;
    case COORDS_ALIGN_CORNERS:
        return out > 1 ? (float)at * (float)(in - 1) / (float)(out - 1) : 0;
    case COORDS_PYTORCH_HALF_PIXEL:
        return out > 1 ? ((float)at + 0.5f) / scale - 0.5f : 0;
    case COORDS_HALF_PIXEL:
        break;
    }
    return ((float)at + 0.5f) / scale - 0.5f;
}

static int64_t nearest(const struct node *node, float position)
{
    switch (node->resize.nearest) {
    case NEAREST_FLOOR:
        return (int64_t)floorf(position);
    case NEAREST_CEIL:
        return (int64_t)ceilf(position);
    case NEAREST_ROUND_PREFER_CEIL:
        return (int64_t)floorf(position + 0.5f);
    case NEAREST_ROUND_PREFER_FLOOR:
        break;
    }
    return (int64_t)ceilf(position - 0.5f);
}

/* The two input positions that an output position is mixed of, and the second one's share. */
struct taps {
    int64_t first, second;
    float share;
};

static struct taps taps_at(const struct node *node, int axis, int64_t at, int64_t in, int64_t out)
{
    float position = source_position(node, at, node->resize.scale[axis], in, out);
    if (node->resize.mode == RESIZE_NEAREST) {
        int64_t n = nearest(node, position);
        n = n < 0 ? 0 : n >= in ? in - 1 : n;
        return (struct taps){n, n, 0};
    }
    position = fminf(fmaxf(position, 0), (float)(in - 1));
    int64_t first = (int64_t)position, second = first + 1 < in ? first + 1 : first;
    return (struct taps){first, second, position - (float)first};
}

void kernel_resize(const struct node *node, const struct view *in, const struct view *out)
{
    int64_t planes = in->shape.dims[0] * in->shape.dims[1], h = in->shape.dims[2], w = in->shape.dims[3];
    int64_t out_h = out->shape.dims[2], out_w = out->shape.dims[3];
    const float *x = in->data;
    float *y = out->data;
    for (int64_t row = 0; row < out_h; row++) {
        struct taps v = taps_at(node, 0, row, h, out_h);
        for (int64_t column = 0; column < out_w; column++) {
            struct taps u = taps_at(node, 1, column, w, out_w);
            for (int64_t p = 0; p < planes; p++) {
                const float *a = x + (p * h + v.first) * w, *b = x + (p * h + v.second) * w;
                float top = a[u.first] + (a[u.second] - a[u.first]) * u.share;
                float bottom = b[u.first] + (b[u.second] - b[u.first]) * u.share;
                y[(p * out_h + row) * out_w + column] = top + (bottom - top) * v.share;
            }
        }
    }
}

void kernel_softmax(const struct node *node, const struct view *in, const struct view *out)
{
    int axis = (int)node->axis.axis;
    int64_t outer = 1, length = 1, inner = 1;
    for (int i = 0; i < in->shape.rank; i++)
        *(i < axis ? &outer : i == axis || node->axis.old ? &length : &inner) *= in->shape.dims[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const float *x = (const float *)in->data + o * length * inner + i;
            float *y = (float *)out->data + o * length * inner + i;
            float top = -INFINITY, sum = 0;
            for (int64_t k = 0; k < length; k++)
                top = fmaxf(top, x[k * inner]);
            for (int64_t k = 0; k < length; k++)
                sum += y[k * inner] = expf(x[k * inner] - top);
            for (int64_t k = 0; k < length; k++)
                y[k * inner] /= sum;
        }
}

void kernel_reduce_mean(const struct node *node, const struct view *in, const struct view *out)
{
    int rank = in->shape.rank;
    int64_t stride[TENSOR_RANK] = {0}, step = 1, at[TENSOR_RANK] = {0}, total = 1, results = 1;
    for (int i = rank - 1; i >= 0; i--) { /* strides in the output; 0 along the axes that vanish */
        total *= in->shape.dims[i];
        if (!node->reduce.axis[i]) {
            stride[i] = step;
            step *= in->shape.dims[i];
        }
    }
    results = step;
    const float *x = in->data;
    float *y = out->data;
    for (int64_t i = 0; i < results; i++)
        y[i] = 0;
    for (int64_t i = 0; i < total; i++) {
        int64_t to = 0;
        for (int k = 0; k < rank; k++)
            to += at[k] * stride[k];
        y[to] += x[i];
        for (int k = rank - 1; k >= 0 && ++at[k] == in->shape.dims[k]; k--)
            at[k] = 0;
    }
    for (int64_t i = 0; i < results; i++)
        y[i] /= (float)(total / results);
}

/* How many elements in a row share a scale, and the number of scales. */
static void scale_layout(const struct node *node, const struct shape *shape, int64_t *ret_run, int64_t *ret_scales)
{
    *ret_run = 1;
    *ret_scales = 1;
    if (node->axis.axis < 0)
        return;
    *ret_scales = shape->dims[node->axis.axis];
    for (int i = (int)node->axis.axis + 1; i < shape->rank; i++)
        *ret_run *= shape->dims[i];
}

static int64_t count_of(const struct shape *shape)
{
    int64_t n = 1;
    for (int i = 0; i < shape->rank; i++)
        n *= shape->dims[i];
    return n;
}

static int zero_of(const struct view *zero, int64_t i)
{
    return !zero->data ? 0 : zero->type == TENSOR_I8 ? ((int8_t *)zero->data)[i] : ((uint8_t *)zero->data)[i];
}

void kernel_quantize(const struct node *node, const struct view *in, const struct view *out)
{
    int64_t run, scales, n = count_of(&in->shape);
    scale_layout(node, &in->shape, &run, &scales);
    struct view zero = node->n_in > 2 ? in[2] : (struct view){0};
    float low = out->type == TENSOR_I8 ? -128 : 0, high = low + 255;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i / run % scales;
        float v = rintf(((float *)in->data)[i] / ((float *)in[1].data)[k]) + (float)zero_of(&zero, k);
        int whole = (int)fminf(fmaxf(v, low), high);
        ((uint8_t *)out->data)[i] = (uint8_t)whole; /* the same bits for both 8-bit types */
    }
}

void kernel_dequantize(const struct node *node, const struct view *in, const struct view *out)
{
    int64_t run, scales, n = count_of(&in->shape);
    scale_layout(node, &in->shape, &run, &scales);
    struct view zero = node->n_in > 2 ? in[2] : (struct view){0};
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i / run % scales;
        int v = in->type == TENSOR_I8   ? ((int8_t *)in->data)[i]
                : in->type == TENSOR_U8 ? ((uint8_t *)in->data)[i]
                                        : (int)((int64_t *)in->data)[i];
        ((float *)out->data)[i] = (float)(v - zero_of(&zero, k)) * ((float *)in[1].data)[k];
    }
}
