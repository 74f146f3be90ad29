/* Compiling a graph: slots, steps, memory. See engine_onednn.h for the idea. */
#include "infer/engine_onednn.h"

#include <stdlib.h>
#include <string.h>

int onednn_fail(const struct build *b, dnnl_status_t status, const char *what)
{
    const char *name = b->node < b->graph->n_nodes ? b->graph->nodes[b->node].name : "outputs";
    if (status == dnnl_out_of_memory)
        return error_set(b->err, -ENOMEM, "node '%s': out of memory (%s)", name, what);
    return error_set(b->err, status == dnnl_unimplemented ? -EOPNOTSUPP : -EIO, "node '%s': oneDNN refuses the %s (%d)",
        name, what, (int)status);
}

int build_slot(struct build *b, const dnnl_memory_desc_t *md)
{
    struct compiled *c = b->c;
    if (graph_grow((void **)&c->slots, c->n_slots, &c->cap_slots, sizeof *c->slots) < 0)
        return -ENOMEM;
    c->slots[c->n_slots] = (struct slot){.md = *md, .parent = -1};
    return c->n_slots++;
}

static int plain_md(const struct build *b, const struct shape *shape, dnnl_memory_desc_t *ret_md)
{
    static const dnnl_format_tag_t tags[] = {dnnl_a, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    dnnl_dims_t dims = {1};
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dims[i];
    dnnl_status_t s =
        dnnl_memory_desc_init_by_tag(ret_md, shape->rank ? shape->rank : 1, dims, dnnl_f32, tags[shape->rank]);
    return s == dnnl_success ? 0 : onednn_fail(b, s, "layout");
}

int build_plain_md(const struct build *b, int value, dnnl_memory_desc_t *ret_md)
{
    return plain_md(b, &b->graph->values[value].shape, ret_md);
}

int build_any_md(const struct build *b, int value, dnnl_data_type_t type, dnnl_memory_desc_t *ret_md)
{
    const struct shape *shape = &b->graph->values[value].shape;
    dnnl_dims_t dims = {1};
    dnnl_format_tag_t tag = dnnl_format_tag_any;
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dims[i];
    if (shape->rank == 4 && b->layout != LAYOUT_CHOSEN)
        tag = b->layout == LAYOUT_BLOCKED ? dnnl_nChw16c : dnnl_nhwc;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(ret_md, shape->rank, dims, type, tag);
    return s == dnnl_success ? 0 : onednn_fail(b, s, "layout");
}

struct step *build_step(struct build *b, const char *name)
{
    struct compiled *c = b->c;
    if (graph_grow((void **)&c->steps, c->n_steps, &c->cap_steps, sizeof *c->steps) < 0)
        return NULL;
    struct step *step = &c->steps[c->n_steps++];
    *step = (struct step){.name = name};
    return step;
}

int build_arg(struct step *step, int arg, int slot)
{
    if (slot < 0 || step->n_args == STEP_ARGS)
        return slot < 0 ? slot : -ENOSPC;
    step->args[step->n_args].arg = arg;
    step->args[step->n_args++].slot = slot;
    return 0;
}

int build_attr(struct build *b, dnnl_primitive_attr_t *ret_attr)
{
    dnnl_status_t s = dnnl_primitive_attr_create(ret_attr);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_scratchpad_mode(*ret_attr, dnnl_scratchpad_mode_user);
    return s == dnnl_success ? 0 : onednn_fail(b, s, "attributes");
}

int build_primitive(struct build *b, const_dnnl_primitive_desc_t pd, struct step **ret_step)
{
    struct step *step = build_step(b, b->node < b->graph->n_nodes ? b->graph->nodes[b->node].name : "output");
    if (!step)
        return -ENOMEM;
    dnnl_status_t s = dnnl_primitive_create(&step->primitive, pd);
    if (s != dnnl_success)
        return onednn_fail(b, s, "primitive");
    size_t scratch = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
    if (scratch > b->c->scratch_size)
        b->c->scratch_size = scratch;
    *ret_step = step;
    return 0;
}

int build_reorder(struct build *b, int from, int to)
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    struct step *step;
    int r = build_attr(b, &attr);
    if (r < 0)
        return r;
    dnnl_engine_t e = b->engine->dnnl;
    const struct slot *source = &b->c->slots[from], *target = &b->c->slots[to];
    float factor = (source->scale > 0 ? source->scale : 1) / (target->scale > 0 ? target->scale : 1);
    dnnl_status_t s = factor == 1 ? dnnl_success : dnnl_primitive_attr_set_output_scales(attr, 1, 0, &factor);
    if (s == dnnl_success)
        s = dnnl_reorder_primitive_desc_create(&pd, &source->md, e, &target->md, e, attr);
    r = s == dnnl_success ? build_primitive(b, pd, &step) : onednn_fail(b, s, "reorder");
    if (r >= 0) {
        build_arg(step, DNNL_ARG_FROM, from);
        build_arg(step, DNNL_ARG_TO, to);
    }
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return r;
}

/* Reordered at once, and kept for other shapes: they share weights as long as they want the same layout. */
int build_weights(
    struct build *b, const struct tensor *tensor, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to)
{
    struct engine *e = b->engine;
    struct weights *w;
    const dnnl_memory_desc_t *md;
    for (w = e->weights; w; w = w->next)
        if (w->tensor == tensor && dnnl_memory_get_memory_desc(w->memory, &md) == dnnl_success &&
            dnnl_memory_desc_equal(md, to))
            break;
    if (!w) {
        dnnl_memory_t source = NULL;
        dnnl_primitive_desc_t pd = NULL;
        dnnl_primitive_t reorder = NULL;
        w = calloc(1, sizeof *w);
        if (!w)
            return -ENOMEM;
        dnnl_status_t s = dnnl_memory_create(&w->memory, to, e->dnnl, DNNL_MEMORY_ALLOCATE);
        if (s == dnnl_success)
            s = dnnl_memory_create(&source, from, e->dnnl, tensor->data);
        if (s == dnnl_success)
            s = dnnl_reorder_primitive_desc_create(&pd, from, e->dnnl, to, e->dnnl, NULL);
        if (s == dnnl_success)
            s = dnnl_primitive_create(&reorder, pd);
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, w->memory}};
        if (s == dnnl_success)
            s = dnnl_primitive_execute(reorder, e->stream, 2, args);
        if (s == dnnl_success)
            s = dnnl_stream_wait(e->stream);
        dnnl_primitive_destroy(reorder);
        dnnl_primitive_desc_destroy(pd);
        dnnl_memory_destroy(source);
        if (s != dnnl_success) {
            dnnl_memory_destroy(w->memory);
            free(w);
            return onednn_fail(b, s, "weights");
        }
        w->tensor = tensor_ref((struct tensor *)tensor);
        w->next = e->weights;
        e->weights = w;
    }
    int slot = build_slot(b, to);
    if (slot >= 0) {
        b->c->slots[slot].memory = w->memory;
        b->c->slots[slot].shared = true;
    }
    return slot;
}

static int build_node(struct build *b, const struct node *node)
{
    switch (node->op) {
    case OP_CONV:
        return build_conv(b, node);
    case OP_CONV_TRANSPOSE:
        return build_deconv(b, node);
    case OP_MATMUL:
    case OP_GEMM:
        return build_matmul(b, node);
    default:
        return build_other(b, node);
    }
}

static int build_graph(struct build *b)
{
    const struct graph *g = b->graph;
    dnnl_memory_desc_t md;
    dnnl_dims_t dims;
    for (int i = 0; i < 4; i++)
        dims[i] = g->values[g->input].shape.dims[i];
    if (dnnl_memory_desc_init_by_tag(&md, 4, dims, b->type, dnnl_nhwc) != dnnl_success)
        return -EINVAL;
    b->c->input = build_result(b, g->input, &md);
    int r = b->c->input;
    for (b->node = 0; r >= 0 && b->node < g->n_nodes; b->node++)
        if ((r = build_node(b, &g->nodes[b->node])) >= 0)
            r = build_code_results(b, &g->nodes[b->node]);
    b->node = g->n_nodes;
    if (r >= 0)
        r = build_outputs(b);
    if (r >= 0)
        r = build_memory(b);
    return r;
}

int onednn_compile(struct engine *engine, const struct graph *graph, const struct engine_settings *settings,
    struct engine_graph **ret, struct error *err)
{
    struct compiled *c = calloc(1, sizeof *c);
    struct build b = {.c = c,
        .engine = engine,
        .graph = graph,
        .err = err,
        .layout = settings->layout,
        .pictures = settings->pictures,
        .type = settings->real == INFER_BF16 ? dnnl_bf16 : dnnl_f32};
    b.slot_of = malloc(((size_t)graph->n_values + 1) * sizeof *b.slot_of);
    b.real_of = malloc(((size_t)graph->n_values + 1) * sizeof *b.real_of);
    b.last_use = malloc(((size_t)graph->n_values + 1) * sizeof *b.last_use);
    int r = c && b.slot_of && b.real_of && b.last_use ? 0 : -ENOMEM;
    if (r >= 0) {
        c->engine = engine;
        c->graph = graph;
        memset(b.slot_of, -1, (size_t)graph->n_values * sizeof *b.slot_of);
        memset(b.real_of, -1, (size_t)graph->n_values * sizeof *b.real_of);
        memset(b.last_use, -1, (size_t)graph->n_values * sizeof *b.last_use);
        for (int i = 0; i < graph->n_nodes; i++)
            for (int k = 0; k < graph->nodes[i].n_in; k++)
                if (graph->nodes[i].in[k] >= 0)
                    b.last_use[graph->nodes[i].in[k]] = i;
        for (int i = 0; i < graph->n_outputs; i++)
            b.last_use[graph->outputs[i]] = graph->n_nodes;
        r = build_graph(&b);
    }
    if (r == -ENOMEM)
        error_set(err, r, "out of memory while compiling a network");
    free(b.slot_of);
    free(b.real_of);
    free(b.last_use);
    if (r < 0) {
        onednn_release(c ? &c->base : NULL);
        return r;
    }
    *ret = &c->base;
    return 0;
}

void onednn_release(struct engine_graph *base)
{
    if (!base)
        return;
    struct compiled *c = (struct compiled *)base;
    for (int i = 0; i < c->n_steps; i++) {
        if (c->steps[i].primitive)
            dnnl_primitive_destroy(c->steps[i].primitive);
        stem_destroy(c->steps[i].stem);
        free(c->steps[i].more);
        free(c->steps[i].views);
        free(c->steps[i].wide);
    }
    for (int i = 0; i < c->n_slots; i++) {
        if (c->slots[i].memory && !c->slots[i].shared)
            dnnl_memory_destroy(c->slots[i].memory);
        free(c->slots[i].owned);
    }
    if (c->scratch_memory)
        dnnl_memory_destroy(c->scratch_memory);
    free(c->base.outputs);
    free(c->output_slots);
    free(c->slots);
    free(c->steps);
    free(c->arena);
    free(c->scratch);
    free(c);
}
