/* The slots of values: as they were made, as real numbers, as codes, in the layout that a reader wants. See
 * engine_onednn.h. */
#include "infer/engine_onednn.h"

/* The same elements in the same places, of another type. */
static int retyped_md(
    const struct build *b, const dnnl_memory_desc_t *md, dnnl_data_type_t type, dnnl_memory_desc_t *ret)
{
    dnnl_status_t s =
        dnnl_memory_desc_init_by_strides(ret, md->ndims, md->dims, type, md->format_desc.blocking.strides);
    return s == dnnl_success ? 0 : onednn_fail(b, s, "layout");
}

static int build_real(struct build *b, int value)
{
    if (b->real_of[value] >= 0)
        return b->real_of[value];
    dnnl_memory_desc_t md;
    int from = b->slot_of[value], r = retyped_md(b, &b->c->slots[from].md, b->type, &md);
    int to = r < 0 ? r : build_slot(b, &md);
    r = to < 0 ? to : build_reorder(b, from, to);
    return r < 0 ? r : (b->real_of[value] = to);
}

int build_codes(const struct build *b, int value)
{
    int slot = b->slot_of[value];
    return slot >= 0 && b->c->slots[slot].scale > 0 ? slot : -1;
}

int build_source(struct build *b, const struct node *node)
{
    const struct value *in = &b->graph->values[node->in[0]], *out = &b->graph->values[node->out[0]];
    bool same = in->code_scale > 0 && in->code_scale == out->code_scale && in->code_type == out->code_type;
    return same && !node->n_posts ? build_codes(b, node->in[0]) : build_value(b, node->in[0]);
}

int build_code_results(struct build *b, const struct node *node)
{
    for (int i = 0; i < node->n_out; i++) {
        int value = node->out[i], from = value < 0 ? -1 : b->slot_of[value];
        const struct value *v = &b->graph->values[value < 0 ? 0 : value];
        if (from < 0 || !(v->code_scale > 0) || b->c->slots[from].scale > 0)
            continue;
        dnnl_memory_desc_t md;
        dnnl_dims_t dims = {1};
        static const dnnl_format_tag_t tags[] = {dnnl_a, dnnl_a, dnnl_ab, dnnl_abc, dnnl_nhwc, dnnl_abcde, dnnl_abcdef};
        for (int k = 0; k < v->shape.rank; k++)
            dims[k] = v->shape.dims[k];
        dnnl_status_t s = dnnl_memory_desc_init_by_tag(&md, v->shape.rank ? v->shape.rank : 1, dims,
            v->code_type == TENSOR_U8 ? dnnl_u8 : dnnl_s8, tags[v->shape.rank]);
        int to = s == dnnl_success ? build_result(b, value, &md) : onednn_fail(b, s, "layout");
        int r = to < 0 ? to : build_reorder(b, from, to);
        if (r < 0)
            return r;
    }
    return 0;
}

int build_value(struct build *b, int value)
{
    if (b->slot_of[value] >= 0)
        return b->c->slots[b->slot_of[value]].scale > 0 ? build_real(b, value) : b->slot_of[value];
    const struct tensor *t = b->graph->values[value].constant;
    if (!t || t->type != TENSOR_F32) {
        const struct node *node = b->node < b->graph->n_nodes ? &b->graph->nodes[b->node] : NULL;
        return error_set(b->err, -EOPNOTSUPP, "node '%s' (%s): an input has a type that is not supported here",
            node ? node->name : "outputs", node ? op_name(node->op) : "outputs");
    }
    dnnl_memory_desc_t md;
    int r = build_plain_md(b, value, &md);
    if (r >= 0)
        r = build_slot(b, &md);
    if (r < 0)
        return r;
    b->c->slots[r].constant = t->data;
    return b->slot_of[value] = r;
}

int build_value_as(struct build *b, int value, const dnnl_memory_desc_t *md)
{
    int from = build_value(b, value);
    if (from < 0 || dnnl_memory_desc_equal(&b->c->slots[from].md, md))
        return from;
    int to = build_slot(b, md), r = to < 0 ? to : build_reorder(b, from, to);
    return r < 0 ? r : to;
}

int build_value_plain(struct build *b, int value)
{
    dnnl_memory_desc_t md;
    int r = build_plain_md(b, value, &md);
    return r < 0 ? r : build_value_as(b, value, &md);
}

int build_result(struct build *b, int value, const dnnl_memory_desc_t *md)
{
    int slot = build_slot(b, md);
    if (slot < 0)
        return slot;
    if (md->data_type == dnnl_u8 || md->data_type == dnnl_s8)
        b->c->slots[slot].scale = b->graph->values[value].code_scale;
    return b->slot_of[value] = slot;
}

int build_alias(struct build *b, int slot, const dnnl_memory_desc_t *md)
{
    int alias = build_slot(b, md);
    if (alias < 0)
        return alias;
    struct slot *from = &b->c->slots[slot], *to = &b->c->slots[alias];
    to->constant = from->constant;
    to->parent = slot;
    to->viewed = from->viewed = true;
    return alias;
}

bool build_may_overwrite(const struct build *b, int value, int slot)
{
    const struct slot *s = &b->c->slots[slot];
    if (slot != b->slot_of[value] && slot != b->real_of[value])
        return true; /* reordered for this reader alone */
    return b->last_use[value] <= b->node && !s->constant && !s->shared && !s->viewed && value != b->graph->input;
}
