/* See graph_fuse.h. */
#include "infer/graph_fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fusing {
    struct graph *graph;
    int *producer, *uses; /* by value */
};

/* What is rounded to codes is made by that node and no other. */
static struct node *producer_of(const struct fusing *f, int value)
{
    return f->producer[value] < 0 || f->graph->values[value].code_scale > 0 ? NULL
                                                                            : &f->graph->nodes[f->producer[value]];
}

/* x * sigmoid(x), and the same with HardSigmoid as HardSwish has it. */
static void join_swish(const struct fusing *f, struct node *node)
{
    for (int i = 0; i < 2; i++) {
        struct node *gate = producer_of(f, node->in[i]);
        if (!gate || gate->op != OP_UNARY || f->uses[node->in[i]] != 1 || gate->in[0] != node->in[!i] || gate->n_posts)
            continue;
        bool hard = gate->unary.kind == UNARY_HARD_SIGMOID && fabsf(gate->unary.alpha - 1.0f / 6) < 1e-6f &&
                    gate->unary.beta == 0.5f;
        if (!hard && gate->unary.kind != UNARY_SIGMOID)
            continue;
        node->op = OP_UNARY;
        node->in[0] = node->in[!i];
        node->n_in = 1;
        node->unary.kind = hard ? UNARY_HARD_SWISH : UNARY_SWISH;
        node->unary.alpha = node->unary.beta = 0;
        f->uses[node->in[0]]--;
        gate->op = OP_NONE;
        return;
    }
}

/* A node that can finish more than its own work. */
static bool accepts(const struct node *node, bool addition)
{
    if (!node || node->n_posts == NODE_POSTS)
        return false;
    if (node->op == OP_CONV)
        return true;
    if (node->op == OP_RESIZE) /* as the engine's primitive for it computes; others stay kernels */
        return true;
    return !addition && (node->op == OP_CONV_TRANSPOSE || node->op == OP_MATMUL || node->op == OP_GEMM ||
                            (node->op == OP_BINARY && node->binary <= BINARY_DIV));
}

static bool resize_is_simple(const struct node *node)
{
    if (node->op != OP_RESIZE)
        return true;
    for (int i = 0; i < 2; i++)
        if (node->resize.scale[i] < 1 || node->resize.scale[i] != floorf(node->resize.scale[i]))
            return false;
    return node->resize.mode == RESIZE_NEAREST && node->resize.coords == COORDS_ASYMMETRIC &&
           node->resize.nearest == NEAREST_FLOOR;
}

static void join_unary(const struct fusing *f, int index)
{
    struct node *node = &f->graph->nodes[index], *maker = producer_of(f, node->in[0]);
    if (!accepts(maker, false) || f->uses[node->in[0]] != 1 || !resize_is_simple(maker))
        return;
    maker->posts[maker->n_posts++] = (struct post){
        .type = POST_UNARY, .unary = node->unary.kind, .alpha = node->unary.alpha, .beta = node->unary.beta};
    maker->out[0] = node->out[0];
    f->producer[node->out[0]] = f->producer[node->in[0]];
    node->op = OP_NONE;
}

/* The maker moves to the addition's place, where the other summand has been made. A resize is preferred (it only reads
 * and writes), then the later maker (whose result is still in the cache). */
static int join_addition(const struct fusing *f, int index)
{
    struct graph *graph = f->graph;
    struct node *node = &graph->nodes[index];
    int best = -1;
    for (int i = 0; i < 2; i++) {
        int x = node->in[i];
        struct node *maker = producer_of(f, x);
        if (!accepts(maker, true) || f->uses[x] != 1 || !resize_is_simple(maker) ||
            graph->values[node->in[!i]].constant ||
            !shape_equal(&graph->values[x].shape, &graph->values[node->in[!i]].shape))
            continue;
        if (best < 0 || maker->op == OP_RESIZE ||
            (f->producer[x] > f->producer[node->in[best]] && producer_of(f, node->in[best])->op != OP_RESIZE))
            best = i;
    }
    if (best < 0)
        return 0;
    int other = node->in[!best], from = f->producer[node->in[best]];
    struct node *maker = &graph->nodes[from];
    while (maker->op == OP_CONV && maker->n_in < 3) /* its third input is the bias */
        if (node_add_input(maker, -1) < 0)
            return -ENOMEM;
    int input = node_add_input(maker, other);
    if (input < 0)
        return input;
    maker->posts[maker->n_posts++] = (struct post){.type = POST_ADD, .input = input};
    maker->out[0] = node->out[0];
    struct node moved = *maker;
    *maker = *node; /* the slots change owners */
    maker->op = OP_NONE;
    *node = moved;
    return 0;
}

int graph_fuse(struct graph *graph, struct error *err)
{
    int n = graph->n_values, r = 0;
    struct fusing f = {.graph = graph,
        .producer = malloc(((size_t)n + 1) * sizeof *f.producer),
        .uses = calloc((size_t)n + 1, sizeof *f.uses)};
    if (!f.producer || !f.uses) {
        r = error_set(err, -ENOMEM, "out of memory while fusing a network");
        goto out;
    }
    memset(f.producer, -1, (size_t)n * sizeof *f.producer);
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] >= 0)
                f.uses[graph->nodes[i].in[k]]++;
    for (int i = 0; i < graph->n_outputs; i++)
        f.uses[graph->outputs[i]]++;
    for (int i = 0; r >= 0 && i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];
        if (node->op == OP_BINARY && node->binary == BINARY_MUL)
            join_swish(&f, node);
        if (node->op == OP_UNARY)
            join_unary(&f, i);
        else if (node->op == OP_BINARY && node->binary == BINARY_ADD)
            r = join_addition(&f, i);
        node = &graph->nodes[i];
        for (int k = 0; node->op != OP_NONE && k < node->n_out; k++)
            if (node->out[k] >= 0)
                f.producer[node->out[k]] = i;
    }
    if (r >= 0)
        r = graph_sweep(graph);
out:
    free(f.producer);
    free(f.uses);
    return r;
}
