/* The graph a network is while it is being read, folded and fused: values, and nodes in an order in which they can run.
 *
 * Read once from ONNX (onnx_read.h), simplified where that needs no shapes (graph_fold.h), and kept. For each input
 * shape it is copied, shaped (graph_shape.h) and fused (graph_fuse.h), and an engine compiles the copy. Nodes speak the
 * newest form of their operator: what older operator sets give as attributes, the reader turns into constant inputs.
 */
#ifndef OBSCURA_INFER_GRAPH_H
#define OBSCURA_INFER_GRAPH_H

#include "infer/tensor.h"

enum op {
    OP_NONE, /* a removed node */
    OP_CONV,
    OP_CONV_TRANSPOSE,
    OP_BATCH_NORM,
    OP_UNARY,
    OP_CLIP, /* becomes OP_UNARY once its bounds are known */
    OP_BINARY,
    OP_CONCAT,
    OP_SPLIT,
    OP_SLICE,
    OP_MAX_POOL,
    OP_AVERAGE_POOL,
    OP_GLOBAL_AVERAGE_POOL,
    OP_RESIZE,
    OP_TRANSPOSE,
    OP_RESHAPE,
    OP_FLATTEN,
    OP_SQUEEZE,
    OP_UNSQUEEZE,
    OP_SOFTMAX,
    OP_MATMUL,
    OP_GEMM,
    OP_REDUCE_MEAN,
    OP_IDENTITY,
    OP_SHAPE,
    OP_GATHER,
    OP_CAST,
    OP_QUANTIZE,
    OP_DEQUANTIZE,
    OP_VIEW, /* the same elements under another shape: what reshape, flatten and their like become */
};

/* y = f(x) element by element, as the ONNX operator of that name, with its alpha and beta. LINEAR is alpha x + beta,
 * CLIP is to [alpha, beta], SWISH is x sigmoid(x). */
enum unary {
    UNARY_RELU,
    UNARY_LEAKY_RELU,
    UNARY_CLIP,
    UNARY_SIGMOID,
    UNARY_HARD_SIGMOID,
    UNARY_HARD_SWISH,
    UNARY_EXP,
    UNARY_SWISH
};
enum binary { BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV };
enum auto_pad { PAD_GIVEN, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID };
enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR };
enum resize_coords { COORDS_HALF_PIXEL, COORDS_PYTORCH_HALF_PIXEL, COORDS_ASYMMETRIC, COORDS_ALIGN_CORNERS };
enum resize_nearest { NEAREST_ROUND_PREFER_FLOOR, NEAREST_ROUND_PREFER_CEIL, NEAREST_FLOOR, NEAREST_CEIL };

struct window { /* of convolutions and pooling; [0] is vertical, [1] horizontal */
    int64_t kernel[2], stride[2], dilation[2];
    int64_t pad[4]; /* top, left, bottom, right */
    int64_t output_pad[2], group;
    enum auto_pad auto_pad;
    bool ceil, count_pad; /* pooling */
};

/* What a fused node does to its result, in order. */
struct post {
    enum { POST_UNARY, POST_ADD } type;
    enum unary unary;
    float alpha, beta;
    int input; /* POST_ADD: which of the node's inputs is added; of the result's shape */
};

enum { NODE_POSTS = 4 };

struct node {
    enum op op;
    char *name;    /* owned */
    int *in, *out; /* value numbers; -1: an optional input that is absent; owned */
    int n_in, n_out;
    union {
        struct window window; /* CONV, CONV_TRANSPOSE, *_POOL */
        struct {
            enum unary kind;
            float alpha, beta;
        } unary;            /* UNARY */
        enum binary binary; /* BINARY */
        float epsilon;      /* BATCH_NORM */
        struct {
            int64_t axis;
            bool old;
        } axis; /* CONCAT, SPLIT, SOFTMAX, GATHER, FLATTEN, (DE)QUANTIZE; old: softmax before 13 */
        struct {
            int n;
            int64_t v[TENSOR_RANK];
        } perm; /* TRANSPOSE; n 0: reversed */
        struct {
            int64_t start[TENSOR_RANK], step[TENSOR_RANK];
        } slice; /* SLICE, by axis, filled by shaping */
        struct {
            bool trans_a, trans_b;
            float alpha, beta;
        } gemm;
        struct {
            enum resize_mode mode;
            enum resize_coords coords;
            enum resize_nearest nearest;
            float scale[2];
        } resize;
        struct {
            bool keep, noop; /* noop: without axes nothing is reduced, else all */
            bool axis[TENSOR_RANK];
        } reduce; /* REDUCE_MEAN; axis filled by shaping */
        struct {
            bool allow_zero;
        } reshape;
        struct {
            enum tensor_type type;
            bool truth; /* to 0 and 1 */
        } cast;
        struct {
            int64_t start, end;
        } shape;
    };
    struct post posts[NODE_POSTS];
    int n_posts;
};

struct value {
    char *name;              /* owned; may be NULL */
    struct tensor *constant; /* a reference; NULL for what is computed */
    struct shape shape;      /* where shaped */
    enum tensor_type type;
    bool shaped;
    /* Kept between nodes as 8-bit codes, each of which stands for the real number code * code_scale; 0: as it is. */
    float code_scale;
    enum tensor_type code_type; /* U8 or I8 */
};

struct graph {
    struct value *values;
    struct node *nodes; /* in an order in which every input is made before it is used */
    int n_values, cap_values, n_nodes, cap_nodes;
    int input; /* value number */
    int *outputs, n_outputs;
    struct shape input_shape; /* as the file says; -1 where any will do; rank 0 where it says nothing */
};

void graph_destroy(struct graph *graph);                            /* NULL is fine */
int graph_copy(const struct graph *graph, struct graph **ret_copy); /* shares constants; -ENOMEM */

int graph_add_value(struct graph *graph, const char *name); /* its number, or -ENOMEM */
/* A constant value; takes over the caller's reference, also on failure. */
int graph_add_constant(struct graph *graph, const char *name, struct tensor *tensor);
/* An empty node at the end with room for its inputs (-1) and outputs; NULL: no memory. Moves earlier nodes. */
struct node *graph_add_node(struct graph *graph, enum op op, const char *name, int n_in, int n_out);
int node_add_input(struct node *node, int value); /* the input's index, or -ENOMEM */

/* The constant of a node's i-th input; NULL where it is absent or not constant. */
const struct tensor *graph_constant(const struct graph *graph, const struct node *node, int i);
int graph_uses(const struct graph *graph, int value);       /* how often nodes and the graph's outputs read it */
int graph_producer(const struct graph *graph, int value);   /* the node that makes it; -1 */
void graph_replace(struct graph *graph, int value, int by); /* whoever read `value` reads `by` */
/* Drops removed nodes and those whose results nobody reads. -ENOMEM. */
int graph_sweep(struct graph *graph);
const char *op_name(enum op op);

/* Room for one more element of `size` bytes behind the n that are in *array, which doubles. -ENOMEM */
int graph_grow(void **array, int n, int *cap, size_t size);

#endif
