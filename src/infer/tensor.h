/* Constants of a network: dense row-major arrays with a shape, shared by reference count.
 *
 * Every element type of ONNX is read into one of four: real numbers become f32, whole ones i64, except the 8-bit types
 * of quantized networks. Not locked: a model and all its graphs belong to one thread.
 */
#ifndef OBSCURA_INFER_TENSOR_H
#define OBSCURA_INFER_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    TENSOR_RANK = 6,          /* axes at most */
    TENSOR_ELEMENTS = 1 << 28 /* of one tensor at most: 1 GiB of f32 */
};

enum tensor_type { TENSOR_F32, TENSOR_I64, TENSOR_I8, TENSOR_U8 };

struct shape {
    int rank;                  /* 0: a scalar */
    int64_t dims[TENSOR_RANK]; /* >= 0 */
};

struct tensor {
    int refs;
    enum tensor_type type;
    struct shape shape;
    size_t count; /* elements */
    union {
        float *f32;
        int64_t *i64;
        int8_t *i8;
        uint8_t *u8;
        void *data; /* 64-byte aligned; owned */
    };
    /* Of what was dequantized without zero points: the 8-bit codes that it was made of, and one scale for all or for
     * each index of axis 0. References; NULL elsewhere. */
    struct tensor *codes, *scales;
};

/* The number of elements; -EFBIG where it is over TENSOR_ELEMENTS, -EINVAL where a dimension is negative. */
int shape_count(const struct shape *shape, size_t *ret_count);
bool shape_equal(const struct shape *a, const struct shape *b);
size_t tensor_type_size(enum tensor_type type);

/* Zeroed. -EFBIG, -EINVAL as above, -ENOMEM; `err` gets the text. The caller has the only reference. */
int tensor_create(enum tensor_type type, const struct shape *shape, struct tensor **ret_tensor, struct error *err);
struct tensor *tensor_ref(struct tensor *tensor); /* NULL stays NULL */
void tensor_unref(struct tensor *tensor);         /* NULL is fine */

#endif
