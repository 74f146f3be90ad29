/* Tensors of ONNX files: eight element types, each in raw bytes or in one of protobuf's typed fields. */
#include "infer/onnx_parts.h"

#include <string.h>

int onnx_type(int type)
{
    switch (type) {
    case ONNX_FLOAT:
    case ONNX_FLOAT16:
    case ONNX_DOUBLE:
    case ONNX_BFLOAT16:
        return TENSOR_F32;
    case ONNX_INT32:
    case ONNX_INT64:
    case ONNX_BOOL:
        return TENSOR_I64;
    case ONNX_INT8:
        return TENSOR_I8;
    case ONNX_UINT8:
        return TENSOR_U8;
    default:
        return -EOPNOTSUPP;
    }
}

static size_t onnx_type_size(int type)
{
    switch (type) {
    case ONNX_FLOAT:
    case ONNX_INT32:
        return 4;
    case ONNX_INT64:
    case ONNX_DOUBLE:
        return 8;
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    default:
        return 1;
    }
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31)
        return from_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) { /* zero and subnormal numbers */
        float f = (float)mantissa / (1 << 24);
        return sign ? -f : f;
    }
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

static void read_raw(const uint8_t *raw, int type, struct tensor *t)
{
    for (size_t i = 0; i < t->count; i++) {
        uint16_t half;
        int32_t whole;
        double real;
        switch (type) {
        case ONNX_FLOAT16:
            memcpy(&half, raw + 2 * i, sizeof half);
            t->f32[i] = from_half(half);
            break;
        case ONNX_BFLOAT16:
            memcpy(&half, raw + 2 * i, sizeof half);
            t->f32[i] = from_bits((uint32_t)half << 16);
            break;
        case ONNX_DOUBLE:
            memcpy(&real, raw + 8 * i, sizeof real);
            t->f32[i] = (float)real;
            break;
        case ONNX_INT32:
            memcpy(&whole, raw + 4 * i, sizeof whole);
            t->i64[i] = whole;
            break;
        case ONNX_BOOL:
            t->i64[i] = raw[i] != 0;
            break;
        default: /* those that are the same here and there */
            memcpy(t->data, raw, t->count * tensor_type_size(t->type));
            return;
        }
    }
}

/* From int32_data, which holds every narrow type. */
static void read_narrow(const int32_t *from, int type, struct tensor *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (type == ONNX_FLOAT16)
            t->f32[i] = from_half((uint16_t)from[i]);
        else if (type == ONNX_BFLOAT16)
            t->f32[i] = from_bits((uint32_t)from[i] << 16);
        else if (t->type == TENSOR_I8)
            t->i8[i] = (int8_t)from[i];
        else if (t->type == TENSOR_U8)
            t->u8[i] = (uint8_t)from[i];
        else
            t->i64[i] = from[i];
    }
}

int onnx_tensor_read(const Onnx__TensorProto *proto, struct tensor **ret_tensor, struct error *err)
{
    const char *name = proto->name ? proto->name : "";
    int onnx = proto->data_type, type = onnx_type(onnx);
    if (type < 0)
        return error_set(err, -EOPNOTSUPP, "tensor '%s' has element type %d, which is not supported", name, onnx);
    if (proto->data_location || proto->n_external_data)
        return error_set(err, -EOPNOTSUPP, "tensor '%s' is kept outside the file, which is not supported", name);
    if (proto->n_dims > TENSOR_RANK)
        return error_set(err, -EOPNOTSUPP, "tensor '%s' has %zu axes, more than %d", name, proto->n_dims, TENSOR_RANK);
    struct shape shape = {.rank = (int)proto->n_dims};
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = proto->dims[i];
    size_t count;
    int r = shape_count(&shape, &count);
    if (r < 0)
        return error_set(err, r, "tensor '%s' has impossible dimensions", name);
    size_t have = proto->has_raw_data   ? proto->raw_data.len / onnx_type_size(onnx)
                  : onnx == ONNX_FLOAT  ? proto->n_float_data
                  : onnx == ONNX_INT64  ? proto->n_int64_data
                  : onnx == ONNX_DOUBLE ? proto->n_double_data
                                        : proto->n_int32_data;
    if (have != count) /* checked before anything is allocated for what the dimensions claim */
        return error_set(err, -EINVAL, "tensor '%s' has %zu elements where its dimensions need %zu", name, have, count);
    struct tensor *t;
    r = tensor_create((enum tensor_type)type, &shape, &t, err);
    if (r < 0)
        return r;
    if (!count)
        ; /* protobuf gives no pointer for nothing */
    else if (proto->has_raw_data)
        read_raw(proto->raw_data.data, onnx, t);
    else if (onnx == ONNX_FLOAT)
        memcpy(t->f32, proto->float_data, count * sizeof *t->f32);
    else if (onnx == ONNX_INT64)
        memcpy(t->i64, proto->int64_data, count * sizeof *t->i64);
    else if (onnx == ONNX_DOUBLE)
        for (size_t i = 0; i < count; i++)
            t->f32[i] = (float)proto->double_data[i];
    else
        read_narrow(proto->int32_data, onnx, t);
    *ret_tensor = t;
    return 0;
}
