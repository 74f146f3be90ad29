/* Working out shapes, node by node in order, and with them everything that depends on shapes alone. */
#ifndef OBSCURA_INFER_GRAPH_SHAPE_H
#define OBSCURA_INFER_GRAPH_SHAPE_H

#include "infer/graph.h"

/* Shapes of all values that follow from the constants and from the input's shape (NULL: not known yet, then what
 * depends on it is left alone). Nodes with constant inputs become constants. Numbers that a node takes from constant
 * inputs (slices, new shapes, scales, bounds, automatic padding) are written into it. Reshapes and their like become
 * views, global pooling becomes pooling, identities vanish. With an input shape, everything is shaped afterwards.
 * -EINVAL: shapes do not fit; -EOPNOTSUPP; -EFBIG; -ENOMEM. */
int graph_shape(struct graph *graph, const struct shape *input, struct error *err);

/* For the files of the shaping pass: one node whose inputs are all shaped. */
struct shaping {
    struct graph *graph;
    struct node *node;
    struct error *err;
};

const struct shape *shaping_in(const struct shaping *s, int i); /* NULL where the input is absent */
int shaping_refuse(const struct shaping *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Sets output i's shape and type. -EFBIG where it is too large. */
int shaping_out(const struct shaping *s, int i, const struct shape *shape, enum tensor_type type);
/* Copies a constant list of whole numbers. *ret_n is -1 where the input is absent; -EOPNOTSUPP where it is not
 * constant. */
int shaping_numbers(const struct shaping *s, int i, int64_t ret[TENSOR_RANK], int *ret_n);
int shaping_axis(
    const struct shaping *s, int64_t axis, int rank, int *ret_axis); /* counts negative ones from the end */

int shape_window_node(const struct shaping *s); /* convolutions and pooling */
int shape_resize_node(const struct shaping *s);
int shape_move_node(const struct shaping *s); /* what only moves elements or gives them another shape */

#endif
