/* See tensor.h. */
#include "infer/tensor.h"

#include <stdlib.h>
#include <string.h>

int shape_count(const struct shape *shape, size_t *ret_count)
{
    int64_t count = 1; /* leaving out zeros, so that other passes may multiply any of the dimensions */
    bool none = false;
    for (int i = 0; i < shape->rank; i++) {
        int64_t d = shape->dims[i];
        if (d < 0)
            return -EINVAL;
        none |= d == 0;
        if (d > TENSOR_ELEMENTS || (count *= d ? d : 1) > TENSOR_ELEMENTS)
            return -EFBIG;
    }
    *ret_count = none ? 0 : (size_t)count;
    return 0;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
    return a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
}

size_t tensor_type_size(enum tensor_type type)
{
    static const size_t sizes[] = {[TENSOR_F32] = 4, [TENSOR_I64] = 8, [TENSOR_I8] = 1, [TENSOR_U8] = 1};
    return sizes[type];
}

int tensor_create(enum tensor_type type, const struct shape *shape, struct tensor **ret_tensor, struct error *err)
{
    size_t count;
    int r = shape_count(shape, &count);
    if (r < 0)
        return error_set(err, r,
            r == -EFBIG ? "a tensor of more than %d elements" : "a tensor with a negative dimension", TENSOR_ELEMENTS);
    struct tensor *t = calloc(1, sizeof *t);
    size_t bytes = (count * tensor_type_size(type) + 63) / 64 * 64 + 64;
    void *data = t ? aligned_alloc(64, bytes) : NULL;
    if (!data) {
        free(t);
        return error_set(err, -ENOMEM, "out of memory for a tensor of %zu elements", count);
    }
    memset(data, 0, bytes);
    *t = (struct tensor){.refs = 1, .type = type, .shape = *shape, .count = count, .data = data};
    *ret_tensor = t;
    return 0;
}

struct tensor *tensor_ref(struct tensor *tensor)
{
    if (tensor)
        tensor->refs++;
    return tensor;
}

void tensor_unref(struct tensor *tensor)
{
    if (!tensor || --tensor->refs)
        return;
    tensor_unref(tensor->codes);
    tensor_unref(tensor->scales);
    free(tensor->data);
    free(tensor);
}
