/* See graph.h. */
#include "infer/graph.h"

#include <stdlib.h>
#include <string.h>

static void node_finish(struct node *node)
{
    free(node->name);
    free(node->in);
    free(node->out);
}

void graph_destroy(struct graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->n_values; i++) {
        free(graph->values[i].name);
        tensor_unref(graph->values[i].constant);
    }
    for (int i = 0; i < graph->n_nodes; i++)
        node_finish(&graph->nodes[i]);
    free(graph->values);
    free(graph->nodes);
    free(graph->outputs);
    free(graph);
}

int graph_grow(void **array, int n, int *cap, size_t size)
{
    if (n < *cap)
        return 0;
    int larger = *cap ? *cap * 2 : 64;
    void *p = reallocarray(*array, (size_t)larger, size);
    if (!p)
        return -ENOMEM;
    *array = p;
    *cap = larger;
    return 0;
}

int graph_add_value(struct graph *graph, const char *name)
{
    if (graph_grow((void **)&graph->values, graph->n_values, &graph->cap_values, sizeof *graph->values) < 0)
        return -ENOMEM;
    struct value *v = &graph->values[graph->n_values];
    *v = (struct value){.name = name ? strdup(name) : NULL};
    if (name && !v->name)
        return -ENOMEM;
    return graph->n_values++;
}

int graph_add_constant(struct graph *graph, const char *name, struct tensor *tensor)
{
    int value = graph_add_value(graph, name);
    if (value < 0) {
        tensor_unref(tensor);
        return value;
    }
    struct value *v = &graph->values[value];
    v->constant = tensor;
    v->shape = tensor->shape;
    v->type = tensor->type;
    v->shaped = true;
    return value;
}

struct node *graph_add_node(struct graph *graph, enum op op, const char *name, int n_in, int n_out)
{
    if (graph_grow((void **)&graph->nodes, graph->n_nodes, &graph->cap_nodes, sizeof *graph->nodes) < 0)
        return NULL;
    struct node *node = &graph->nodes[graph->n_nodes];
    *node = (struct node){.op = op, .name = strdup(name), .n_in = n_in, .n_out = n_out};
    node->in = malloc((size_t)(n_in + 1) * sizeof *node->in);
    node->out = malloc((size_t)(n_out + 1) * sizeof *node->out);
    if (!node->name || !node->in || !node->out) {
        node_finish(node);
        return NULL;
    }
    for (int i = 0; i < n_in; i++)
        node->in[i] = -1;
    for (int i = 0; i < n_out; i++)
        node->out[i] = -1;
    graph->n_nodes++;
    return node;
}

int node_add_input(struct node *node, int value)
{
    int *in = reallocarray(node->in, (size_t)node->n_in + 1, sizeof *in);
    if (!in)
        return -ENOMEM;
    node->in = in;
    in[node->n_in] = value;
    return node->n_in++;
}

int graph_copy(const struct graph *graph, struct graph **ret_copy)
{
    struct graph *copy = calloc(1, sizeof *copy);
    if (!copy)
        return -ENOMEM;
    copy->input = graph->input;
    copy->input_shape = graph->input_shape;
    for (int i = 0; i < graph->n_values; i++) {
        if (graph_add_value(copy, graph->values[i].name) < 0)
            goto error;
        struct value *v = &copy->values[i];
        char *name = v->name;
        *v = graph->values[i];
        v->name = name;
        tensor_ref(v->constant);
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct node *from = &graph->nodes[i];
        struct node *to = graph_add_node(copy, from->op, from->name, from->n_in, from->n_out);
        if (!to)
            goto error;
        struct node owned = *to;
        *to = *from;
        to->name = owned.name;
        to->in = memcpy(owned.in, from->in, (size_t)from->n_in * sizeof *from->in);
        to->out = memcpy(owned.out, from->out, (size_t)from->n_out * sizeof *from->out);
    }
    copy->outputs = malloc((size_t)(graph->n_outputs + 1) * sizeof *copy->outputs);
    if (!copy->outputs)
        goto error;
    memcpy(copy->outputs, graph->outputs, (size_t)graph->n_outputs * sizeof *copy->outputs);
    copy->n_outputs = graph->n_outputs;
    *ret_copy = copy;
    return 0;
error:
    graph_destroy(copy);
    return -ENOMEM;
}

const struct tensor *graph_constant(const struct graph *graph, const struct node *node, int i)
{
    return i < node->n_in && node->in[i] >= 0 ? graph->values[node->in[i]].constant : NULL;
}

int graph_uses(const struct graph *graph, int value)
{
    int uses = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; graph->nodes[i].op != OP_NONE && k < graph->nodes[i].n_in; k++)
            uses += graph->nodes[i].in[k] == value;
    for (int i = 0; i < graph->n_outputs; i++)
        uses += graph->outputs[i] == value;
    return uses;
}

int graph_producer(const struct graph *graph, int value)
{
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; graph->nodes[i].op != OP_NONE && k < graph->nodes[i].n_out; k++)
            if (graph->nodes[i].out[k] == value)
                return i;
    return -1;
}

void graph_replace(struct graph *graph, int value, int by)
{
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] == value)
                graph->nodes[i].in[k] = by;
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == value)
            graph->outputs[i] = by;
}

int graph_sweep(struct graph *graph)
{
    bool *read = calloc((size_t)graph->n_values + 1, sizeof *read);
    if (!read)
        return -ENOMEM;
    for (int i = 0; i < graph->n_outputs; i++)
        read[graph->outputs[i]] = true;
    for (int i = graph->n_nodes - 1; i >= 0; i--) { /* backwards, so that one pass finds whole dead chains */
        struct node *node = &graph->nodes[i];
        bool live = false;
        for (int k = 0; k < node->n_out; k++)
            live |= node->out[k] >= 0 && read[node->out[k]];
        if (!live)
            node->op = OP_NONE;
        for (int k = 0; node->op != OP_NONE && k < node->n_in; k++)
            if (node->in[k] >= 0)
                read[node->in[k]] = true;
    }
    int kept = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        if (graph->nodes[i].op == OP_NONE)
            node_finish(&graph->nodes[i]);
        else
            graph->nodes[kept++] = graph->nodes[i];
    }
    graph->n_nodes = kept;
    free(read);
    return 0;
}

const char *op_name(enum op op)
{
    static const char *const names[] = {[OP_NONE] = "none",
        [OP_CONV] = "Conv",
        [OP_CONV_TRANSPOSE] = "ConvTranspose",
        [OP_BATCH_NORM] = "BatchNormalization",
        [OP_UNARY] = "activation",
        [OP_CLIP] = "Clip",
        [OP_BINARY] = "arithmetic",
        [OP_CONCAT] = "Concat",
        [OP_SPLIT] = "Split",
        [OP_SLICE] = "Slice",
        [OP_MAX_POOL] = "MaxPool",
        [OP_AVERAGE_POOL] = "AveragePool",
        [OP_GLOBAL_AVERAGE_POOL] = "GlobalAveragePool",
        [OP_RESIZE] = "Resize",
        [OP_TRANSPOSE] = "Transpose",
        [OP_RESHAPE] = "Reshape",
        [OP_FLATTEN] = "Flatten",
        [OP_SQUEEZE] = "Squeeze",
        [OP_UNSQUEEZE] = "Unsqueeze",
        [OP_SOFTMAX] = "Softmax",
        [OP_MATMUL] = "MatMul",
        [OP_GEMM] = "Gemm",
        [OP_REDUCE_MEAN] = "ReduceMean",
        [OP_IDENTITY] = "Identity",
        [OP_SHAPE] = "Shape",
        [OP_GATHER] = "Gather",
        [OP_CAST] = "Cast",
        [OP_QUANTIZE] = "QuantizeLinear",
        [OP_DEQUANTIZE] = "DequantizeLinear",
        [OP_VIEW] = "view"};
    return names[op];
}
