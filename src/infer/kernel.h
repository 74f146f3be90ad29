/* Operators in plain C on dense row-major arrays: for folding constants, and for what an engine has no better way to
 * do. They are written to be clear; what takes time in a network (convolutions, pooling, matrices) is the engine's and
 * is not here. */
#ifndef OBSCURA_INFER_KERNEL_H
#define OBSCURA_INFER_KERNEL_H

#include "infer/graph.h"

enum { KERNEL_INPUTS = 32 }; /* inputs or outputs of a node that is folded, at most */

struct view { /* of somebody's elements */
    enum tensor_type type;
    struct shape shape;
    void *data; /* NULL: an absent input */
};

struct view kernel_view(const struct tensor *tensor);

bool kernel_supports(const struct node *node);
/* Runs a shaped node; `in` and `out` as many as it has, outputs allocated by the caller in the shapes that shaping
 * found; absent ones have no data. -EINVAL: an index is out of range. */
int kernel_run(const struct node *node, const struct view *in, const struct view *out);

/* For kernels: copies a box of elements of `size` bytes between two arrays with strides in elements, one for each axis.
 */
void kernel_copy(void *to, const int64_t *to_stride, const void *from, const int64_t *from_stride,
    const struct shape *box, size_t size);
void kernel_strides(const struct shape *shape, int64_t ret_stride[TENSOR_RANK]); /* of a dense array */
float kernel_unary(enum unary kind, float alpha, float beta, float x);

void kernel_resize(const struct node *node, const struct view *in, const struct view *out);
void kernel_softmax(const struct node *node, const struct view *in, const struct view *out);
void kernel_reduce_mean(const struct node *node, const struct view *in, const struct view *out);
void kernel_quantize(const struct node *node, const struct view *in, const struct view *out);
void kernel_dequantize(const struct node *node, const struct view *in, const struct view *out);

#endif
