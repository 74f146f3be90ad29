/* What the files of the oneDNN engine share. Only files named engine_onednn* include this, and through it dnnl.h.
 *
 * Compiling walks the graph once. A `slot` is a place for one value in one layout: oneDNN's convolutions choose the
 * layout they compute best in, values stay in it as long as their readers take it, and a reorder makes a second slot
 * where one does not. A `step` is one primitive or kernel with the slots it reads and writes. When all steps are known,
 * plan.h gives every slot its place in one arena.
 */
#ifndef OBSCURA_INFER_ENGINE_ONEDNN_H
#define OBSCURA_INFER_ENGINE_ONEDNN_H

#include <dnnl.h>

#include "infer/engine.h"
#include "infer/kernel.h"

struct slot {
    dnnl_memory_desc_t md;
    dnnl_memory_t memory; /* owned unless shared */
    bool shared;          /* memory belongs to the engine's cache of weights */
    const void *constant; /* data of a constant; NULL for what lies in the arena */
    void *owned;          /* the same where it belongs to the slot */
    float scale;          /* of 8-bit codes: the real number that one stands for; 0 for real numbers */
    bool viewed;          /* another slot shows the same elements: not to be written over */
    int parent;           /* slot in whose memory it lies; -1 */
    size_t parent_offset;
};

enum { STEP_ARGS = 12 };

struct step {
    const char *name; /* of the node; lives as long as the graph */
    const struct node *node;
    dnnl_primitive_t primitive; /* owned; NULL: node is run as a kernel, or: */
    struct stem *stem;          /* owned; the convolution of a picture's bytes */
    double flops;
    int n_args;
    struct {
        int arg, slot;
    } args[STEP_ARGS];  /* dnnl argument numbers */
    int *more;          /* beyond STEP_ARGS: slots of a kernel, inputs then outputs; owned */
    struct view *views; /* of a kernel; owned */
    dnnl_exec_arg_t exec[STEP_ARGS];
    dnnl_exec_arg_t *wide; /* of a concat with many inputs; owned */
};

struct weights {           /* a constant in the layout a primitive wants */
    struct tensor *tensor; /* a reference: the address is the key */
    dnnl_memory_t memory;
    struct weights *next;
};

struct engine {
    dnnl_engine_t dnnl;
    dnnl_stream_t stream;
    int threads;
    struct weights *weights;
};

struct compiled {
    struct engine_graph base;
    struct engine *engine;
    const struct graph *graph;
    struct slot *slots;
    struct step *steps;
    int n_slots, cap_slots, n_steps, cap_steps;
    int input;                           /* slot */
    const struct infer_picture *picture; /* of the run in progress; NULL: a tensor */
    bool reads_picture; /* the first layer takes the picture's bytes as they are: the input slot is not filled */
    int *output_slots;  /* of the graph's outputs */
    void *arena, *scratch;
    size_t scratch_size;
    dnnl_memory_t scratch_memory; /* all primitives share one scratchpad */
};

/* Compiling; gone afterwards. */
struct build {
    struct compiled *c;
    struct engine *engine;
    const struct graph *graph;
    struct error *err;
    enum engine_layout layout;
    bool pictures;         /* runs bring pictures, not tensors */
    dnnl_data_type_t type; /* in which values are kept between layers that are not codes: f32 or bf16 */
    int *slot_of;          /* by value: the slot it was made in; -1 */
    int *real_of;          /* by value that was made as codes: the slot where it is real numbers; -1 */
    int *last_use;         /* by value: the last node that reads it; n_nodes for outputs */
    int node;              /* the one being compiled */
};

int onednn_fail(const struct build *b, dnnl_status_t status, const char *what); /* fills err, negative errno */

/* Slots. All return a slot number or a negative errno. */
int build_slot(struct build *b, const dnnl_memory_desc_t *md);
int build_plain_md(const struct build *b, int value, dnnl_memory_desc_t *ret_md); /* row-major, f32 */
/* The layout left to oneDNN, or as the settings say. */
int build_any_md(const struct build *b, int value, dnnl_data_type_t type, dnnl_memory_desc_t *ret_md);
int build_value(struct build *b, int value);       /* a value as real numbers, in whatever layout it has */
int build_codes(const struct build *b, int value); /* the slot of its 8-bit codes; -1 where it has none */
/* Makes codes of a node's results where those are wanted and it has made real numbers. */
int build_code_results(struct build *b, const struct node *node);
/* A node's first input for an operator that only picks elements: codes, where the result is to have the same codes. */
int build_source(struct build *b, const struct node *node);
int build_value_as(struct build *b, int value, const dnnl_memory_desc_t *md); /* in this one, reordered where needed */
int build_value_plain(struct build *b, int value);
int build_weights(
    struct build *b, const struct tensor *tensor, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to);
int build_result(struct build *b, int value, const dnnl_memory_desc_t *md); /* where the current node makes `value` */
/* The elements of a slot under another descriptor of the same memory. */
int build_alias(struct build *b, int slot, const dnnl_memory_desc_t *md);
/* Whether the current node, reading `value` from `slot`, may write over it: nobody reads it afterwards. */
bool build_may_overwrite(const struct build *b, int value, int slot);

/* Steps. */
struct step *build_step(struct build *b, const char *name); /* NULL: no memory */
int build_arg(struct step *step, int arg, int slot);
int build_primitive(
    struct build *b, const_dnnl_primitive_desc_t pd, struct step **ret_step); /* a step with its scratchpad */
int build_reorder(struct build *b, int from, int to); /* from codes to real numbers and back, too */

/* Posts of a node as oneDNN post-ops. */
struct eltwise {
    dnnl_alg_kind_t kind;
    float alpha, beta;
};
int onednn_eltwise(
    enum unary kind, float alpha, float beta, struct eltwise ret[2]); /* one activation is one or two of oneDNN's */
int onednn_append_unary(dnnl_post_ops_t ops, enum unary kind, float alpha, float beta); /* 0 or -EIO */
/* Whether only this addition of the node reads its summand: else the result cannot be written over it, since kernels
 * store partial sums there before they come to the other one. */
bool onednn_added_once(const struct node *node, int post);
int build_attr(struct build *b, dnnl_primitive_attr_t *ret_attr); /* with a user-provided scratchpad */
/* Appends the node's posts, additions in the layout `dst`. *ret_sum is the slot that the result is to be written over,
 * or -1; the other summands go to `summands`, by post (-1: none). */
int build_posts(struct build *b, const struct node *node, const dnnl_memory_desc_t *dst, int src,
    dnnl_primitive_attr_t attr, int *ret_sum, int summands[NODE_POSTS]);
int build_unary_step(struct build *b, enum unary kind, float alpha, float beta, int src, int dst);
int build_posts_apart(struct build *b, const struct node *node, int slot); /* each as its own step, in place */

int build_conv(struct build *b, const struct node *node);
/* A convolution of codes by 8-bit weights: 1 where this is none, or where oneDNN cannot do it. */
int build_conv_codes(struct build *b, const struct node *node);
/* A first layer with 8-bit weights on a picture's bytes: 1 where this is none. */
int build_stem(struct build *b, const struct node *node);
void stem_run(const struct compiled *c, const struct step *step);
void stem_destroy(struct stem *stem);                     /* NULL is fine */
bool onednn_is_reference(const_dnnl_primitive_desc_t pd); /* plain loops */
double onednn_conv_flops(const struct build *b, const struct node *node);
int build_deconv(struct build *b, const struct node *node);
int build_matmul(struct build *b, const struct node *node);
int build_other(struct build *b, const struct node *node);

int build_outputs(struct build *b); /* slots that can be read through strides, in f32 */
int build_memory(struct build *b);  /* after all steps: plans, allocates and fills in the arguments */

int compiled_fill(struct compiled *c, const struct engine_input *input); /* the input slot, in its layout and type */
int onednn_compile(struct engine *engine, const struct graph *graph, const struct engine_settings *settings,
    struct engine_graph **ret, struct error *err);
int onednn_time(struct engine_graph *compiled, const struct engine_input *input, int rounds,
    struct engine_timing **ret_timings, int *ret_count);
int compiled_run_step(struct compiled *c, int step); /* -EIO */
void onednn_release(struct engine_graph *compiled);

#endif
