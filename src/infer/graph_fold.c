/* See graph_fold.h. */
#include "infer/graph_fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* y = factor[c] x + summand[c], which is what BatchNormalization and arithmetic with constants come down to. */
struct affine {
    float *factor, *summand; /* channels of each, in one allocation that starts at factor */
};

static int affine_create(struct affine *a, size_t channels)
{
    a->factor = malloc(2 * channels * sizeof *a->factor);
    a->summand = a->factor ? a->factor + channels : NULL;
    return a->factor ? 0 : -ENOMEM;
}

static bool batch_norm_affine(const struct graph *graph, const struct node *node, size_t channels, struct affine *a)
{
    const struct tensor *t[5];
    for (int i = 1; i < 5; i++) {
        t[i] = graph_constant(graph, node, i);
        if (!t[i] || t[i]->type != TENSOR_F32 || t[i]->count != channels)
            return false;
    }
    for (size_t c = 0; c < channels; c++) {
        a->factor[c] = t[1]->f32[c] / sqrtf(t[4]->f32[c] + node->epsilon);
        a->summand[c] = t[2]->f32[c] - t[3]->f32[c] * a->factor[c];
    }
    return true;
}

/* One number, or one for each channel of an NCHW value. */
static bool per_channel(const struct tensor *t, size_t channels)
{
    if (t->type != TENSOR_F32)
        return false;
    if (t->count == 1)
        return t->shape.rank <= 4;
    int r = t->shape.rank;
    return t->count == channels && (r == 3 || r == 4) && (size_t)t->shape.dims[r - 3] == channels;
}

static bool binary_affine(
    const struct graph *graph, const struct node *node, int constant, size_t channels, struct affine *a)
{
    const struct tensor *t = graph_constant(graph, node, constant);
    if (!t || !per_channel(t, channels) || (node->binary == BINARY_DIV && constant == 0))
        return false;
    for (size_t c = 0; c < channels; c++) {
        float k = t->f32[t->count == 1 ? 0 : c];
        bool product = node->binary == BINARY_MUL || node->binary == BINARY_DIV;
        bool negate = node->binary == BINARY_SUB && constant == 0; /* k - x */
        a->factor[c] = node->binary == BINARY_MUL ? k : node->binary == BINARY_DIV ? 1 / k : negate ? -1 : 1;
        a->summand[c] = product ? 0 : node->binary == BINARY_SUB && !negate ? -k : k;
    }
    return true;
}

/* Gives the convolution new weights and bias that include the affine function. */
static int apply(struct graph *graph, struct node *conv, const struct affine *a, size_t channels, struct error *err)
{
    const struct tensor *w = graph_constant(graph, conv, 1), *b = graph_constant(graph, conv, 2);
    struct tensor *weights, *bias;
    int r = tensor_create(TENSOR_F32, &w->shape, &weights, err);
    if (r < 0)
        return r;
    r = tensor_create(TENSOR_F32, &(struct shape){.rank = 1, .dims = {(int64_t)channels}}, &bias, err);
    if (r < 0) {
        tensor_unref(weights);
        return r;
    }
    size_t area = (size_t)(w->shape.dims[2] * w->shape.dims[3]);
    for (size_t i = 0; i < w->count; i++) { /* the output channel is axis 0, of transposed convolutions axis 1 */
        size_t c = conv->op == OP_CONV ? i / (w->count / channels) : i / area % channels;
        weights->f32[i] = w->f32[i] * a->factor[c];
    }
    for (size_t c = 0; c < channels; c++)
        bias->f32[c] = (b ? b->f32[c] : 0) * a->factor[c] + a->summand[c];
    int new_weights = graph_add_constant(graph, NULL, weights), new_bias = graph_add_constant(graph, NULL, bias);
    if (new_weights < 0 || new_bias < 0)
        return -ENOMEM;
    while (conv->n_in < 3)
        if (node_add_input(conv, -1) < 0)
            return -ENOMEM;
    conv->in[1] = new_weights;
    conv->in[2] = new_bias;
    return 0;
}

/* The output channels of a convolution whose weights can be changed; 0 where they cannot. */
static size_t conv_channels(const struct graph *graph, const struct node *node)
{
    const struct tensor *w = graph_constant(graph, node, 1), *b = graph_constant(graph, node, 2);
    if ((node->op != OP_CONV && node->op != OP_CONV_TRANSPOSE) || !w || w->type != TENSOR_F32 || w->shape.rank != 4 ||
        !w->count)
        return 0;
    if (node->op == OP_CONV_TRANSPOSE && node->window.group != 1)
        return 0;
    size_t channels = (size_t)w->shape.dims[node->op == OP_CONV ? 0 : 1];
    if (node->n_in > 2 && node->in[2] >= 0 && (!b || b->type != TENSOR_F32 || b->count != channels))
        return 0;
    return channels;
}

static int fold_affine(struct graph *graph, int *producer, const int *uses, struct node *node, struct error *err)
{
    int constant = node->op == OP_BINARY && graph_constant(graph, node, 0) ? 0 : 1,
        x = node->in[node->op == OP_BINARY ? !constant : 0];
    if (producer[x] < 0 || uses[x] != 1 || graph->values[x].code_scale > 0)
        return 0;
    struct node *conv = &graph->nodes[producer[x]];
    size_t channels = conv_channels(graph, conv);
    struct affine a;
    if (!channels)
        return 0;
    if (affine_create(&a, channels) < 0)
        return -ENOMEM;
    int r = 0;
    bool fits = node->op == OP_BATCH_NORM ? batch_norm_affine(graph, node, channels, &a)
                                          : binary_affine(graph, node, constant, channels, &a);
    if (fits) {
        r = apply(graph, conv, &a, channels, err);
        producer[node->out[0]] = producer[x];
        conv->out[0] = node->out[0];
        node->op = OP_NONE;
    }
    free(a.factor);
    return r;
}

/* alpha and beta of Gemm go into the constant matrices. */
static int fold_gemm(struct graph *graph, struct node *node, struct error *err)
{
    float factors[2] = {node->gemm.alpha, node->n_in > 2 && node->in[2] >= 0 ? node->gemm.beta : 1};
    for (int i = 0; i < 2; i++) {
        if (factors[i] == 1)
            continue;
        const struct tensor *t = graph_constant(graph, node, i + 1);
        if (!t || t->type != TENSOR_F32)
            return error_set(
                err, -EOPNOTSUPP, "node '%s' (Gemm): a factor of a matrix that is not constant", node->name);
        struct tensor *scaled;
        int r = tensor_create(TENSOR_F32, &t->shape, &scaled, err);
        if (r < 0)
            return r;
        for (size_t k = 0; k < t->count; k++)
            scaled->f32[k] = t->f32[k] * factors[i];
        int value = graph_add_constant(graph, NULL, scaled);
        if (value < 0)
            return value;
        node->in[i + 1] = value;
    }
    node->gemm.alpha = node->gemm.beta = 1;
    return 0;
}

int graph_fold(struct graph *graph, struct error *err)
{
    int n = graph->n_values, r = 0;
    int *producer = malloc(((size_t)n + 1) * sizeof *producer), *uses = calloc((size_t)n + 1, sizeof *uses);
    if (!producer || !uses) {
        r = -ENOMEM;
        goto out;
    }
    memset(producer, -1, (size_t)n * sizeof *producer);
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] >= 0)
                uses[graph->nodes[i].in[k]]++;
    for (int i = 0; i < graph->n_outputs; i++)
        uses[graph->outputs[i]]++;
    for (int i = 0; r >= 0 && i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];
        if (node->op == OP_BATCH_NORM || node->op == OP_BINARY)
            r = fold_affine(graph, producer, uses, node, err);
        else if (node->op == OP_GEMM)
            r = fold_gemm(graph, node, err);
        for (int k = 0; node->op != OP_NONE && k < node->n_out; k++)
            if (node->out[k] >= 0)
                producer[node->out[k]] = i;
    }
    if (r >= 0)
        r = graph_sweep(graph);
out:
    free(producer);
    free(uses);
    return r;
}
