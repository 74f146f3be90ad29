/* See graph_quant.h. */
#include "infer/graph_quant.h"

#include <math.h>

struct coding {
    float scale;
    int zero;
    enum tensor_type type;
};

/* The constant scale and zero point of a node; false where they are not one number each. */
static bool read_coding(const struct graph *graph, const struct node *node, struct coding *ret)
{
    const struct tensor *scale = graph_constant(graph, node, 1), *zero = graph_constant(graph, node, 2);
    bool absent = node->n_in < 3 || node->in[2] < 0;
    if (!scale || scale->type != TENSOR_F32 || scale->count != 1 || !(scale->f32[0] > 0) || !isfinite(scale->f32[0]))
        return false;
    *ret = (struct coding){.scale = scale->f32[0], .type = TENSOR_U8};
    if (absent)
        return true;
    if (!zero || zero->count != 1 || (zero->type != TENSOR_U8 && zero->type != TENSOR_I8))
        return false;
    ret->type = zero->type;
    ret->zero = zero->type == TENSOR_U8 ? zero->u8[0] : zero->i8[0];
    return true;
}

/* Whether every reader of the codes turns them back by the same numbers. */
static bool only_turned_back(const struct graph *graph, int codes, const struct coding *coding)
{
    int readers = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        struct coding back;
        if (node->op != OP_DEQUANTIZE || node->in[0] != codes)
            continue;
        if (!read_coding(graph, node, &back) || back.scale != coding->scale || back.zero != coding->zero)
            return false;
        readers++;
    }
    return readers && readers == graph_uses(graph, codes);
}

static void drop_readers(struct graph *graph, int codes)
{
    for (int i = 0; i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];
        if (node->op != OP_DEQUANTIZE || node->in[0] != codes)
            continue;
        node->op = OP_NONE;
        graph_replace(graph, node->out[0], codes);
    }
}

/* Nodes that go when the graph is shaped, whoever reads their results: they cannot bring a value to its codes' range.
 */
static bool does_nothing(const struct node *node)
{
    return node->op == OP_IDENTITY || node->op == OP_CAST;
}

/* The node itself: gone where its maker can make the marked value, else a clip. */
static void replace(struct graph *graph, struct node *node, const struct coding *coding, bool marked)
{
    int x = node->in[0], maker = graph_producer(graph, x);
    if (marked && maker >= 0 && !does_nothing(&graph->nodes[maker]) && graph_uses(graph, x) == 1) {
        struct node *made_by = &graph->nodes[maker];
        for (int k = 0; k < made_by->n_out; k++)
            if (made_by->out[k] == x)
                made_by->out[k] = node->out[0];
        node->op = OP_NONE;
        return;
    }
    int low = coding->type == TENSOR_I8 ? -128 : 0;
    node->op = OP_UNARY;
    node->n_in = 1;
    node->unary.kind = UNARY_CLIP;
    node->unary.alpha = (float)(low - coding->zero) * coding->scale;
    node->unary.beta = (float)(low + 255 - coding->zero) * coding->scale;
}

int graph_quant(struct graph *graph, bool codes)
{
    int marked = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];
        struct coding coding;
        if (node->op != OP_QUANTIZE || graph_constant(graph, node, 0) || !read_coding(graph, node, &coding) ||
            !only_turned_back(graph, node->out[0], &coding))
            continue;
        struct value *v = &graph->values[node->out[0]];
        drop_readers(graph, node->out[0]);
        if (codes && !coding.zero) {
            v->code_scale = coding.scale;
            v->code_type = coding.type;
            marked++;
        }
        replace(graph, node, &coding, v->code_scale > 0);
    }
    int r = graph_sweep(graph);
    return r < 0 ? r : marked;
}
