/* The end of compiling: outputs that can be read, a place in memory for every slot, and the steps' arguments. */
#include <stdlib.h>

#include "infer/engine_onednn.h"
#include "infer/plan.h"

/* Of one compiled graph: far over any real network's, below what would take the machine down. */
#define MAX_MEMORY ((size_t)6 << 30)

/* Results can be read through strides where the layout is a permutation, or where all channels lie in one block. */
static bool strided_output(const dnnl_memory_desc_t *md, struct infer_output *out)
{
    const dnnl_blocking_desc_t *f = &md->format_desc.blocking;
    bool blocked = f->inner_nblks == 1 && f->inner_idxs[0] == 1 && md->ndims > 1 && md->dims[1] <= f->inner_blks[0];
    if (md->data_type != dnnl_f32 || md->format_kind != dnnl_blocked || (f->inner_nblks && !blocked))
        return false;
    int sizes[4] = {1, 1, 1, 1};
    ptrdiff_t strides[4] = {0};
    for (int i = 0; i < md->ndims; i++) { /* (n, c), (n, c, x) or (n, c, y, x) */
        int to = md->ndims == 3 && i == 2 ? 3 : i;
        sizes[to] = (int)md->dims[i];
        strides[to] = i == 1 && blocked ? 1 : f->strides[i];
    }
    *out = (struct infer_output){.n = sizes[0],
        .c = sizes[1],
        .h = sizes[2],
        .w = sizes[3],
        .stride_n = strides[0],
        .stride_c = strides[1],
        .stride_y = strides[2],
        .stride_x = strides[3]};
    return true;
}

int build_outputs(struct build *b)
{
    struct compiled *c = b->c;
    int n = b->graph->n_outputs;
    c->base.outputs = calloc((size_t)n + 1, sizeof *c->base.outputs);
    c->output_slots = calloc((size_t)n + 1, sizeof *c->output_slots);
    if (!c->base.outputs || !c->output_slots)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        int value = b->graph->outputs[i];
        const struct value *v = &b->graph->values[value];
        if (v->shape.rank > 4)
            return error_set(b->err, -EOPNOTSUPP, "an output has more than 4 axes");
        if (v->type != TENSOR_F32)
            return error_set(b->err, -EOPNOTSUPP, "output '%s' is not of real numbers, which is not supported",
                v->name ? v->name : "");
        int slot = build_value(b, value);
        if (slot >= 0 && !strided_output(&c->slots[slot].md, &c->base.outputs[i])) {
            slot = build_value_plain(b, value);
            if (slot >= 0)
                strided_output(&c->slots[slot].md, &c->base.outputs[i]);
        }
        if (slot < 0)
            return slot;
        c->output_slots[i] = slot;
    }
    c->base.n_outputs = n;
    return 0;
}

/* Which slots a step touches: those of its arguments, then those of a kernel. */
static int step_slots(const struct step *step, int i)
{
    if (i < step->n_args && !step->more)
        return step->args[i].slot;
    return step->more && i < step->n_args ? step->more[i] : -1;
}

static int plan_memory(struct build *b)
{
    struct compiled *c = b->c;
    struct plan_item *items = calloc((size_t)c->n_slots + 1, sizeof *items);
    if (!items)
        return -ENOMEM;
    for (int i = 0; i < c->n_slots; i++)
        items[i] = (struct plan_item){.first = c->n_steps + 2,
            .last = -1,
            .parent = c->slots[i].parent,
            .parent_offset = c->slots[i].parent_offset,
            .size = c->slots[i].constant || c->slots[i].shared ? 0 : dnnl_memory_desc_get_size(&c->slots[i].md)};
    if (c->reads_picture)
        items[c->input].size = 0;
    items[c->input].first = 0; /* step numbers in the plan are one higher; 0 is the filling of the input */
    items[c->input].last = 0;
    for (int s = 0; s < c->n_steps; s++)
        for (int i = 0; i < c->steps[s].n_args; i++) {
            int slot = step_slots(&c->steps[s], i);
            if (slot < 0) /* a kernel's constant or an absent input */
                continue;
            struct plan_item *item = &items[slot];
            item->first = s + 1 < item->first ? s + 1 : item->first;
            item->last = s + 1;
        }
    for (int i = 0; i < c->base.n_outputs; i++) {
        struct plan_item *item = &items[c->output_slots[i]];
        item->first = item->first > c->n_steps + 1 ? c->n_steps + 1 : item->first;
        item->last = c->n_steps + 1;
    }
    int r = plan_layout(items, c->n_slots, &c->base.memory);
    if (r >= 0 && c->base.memory > MAX_MEMORY)
        r = error_set(b->err, -EFBIG, "the network would need %zu bytes for its values; %zu are allowed",
            c->base.memory, MAX_MEMORY);
    if (r >= 0) {
        c->arena = aligned_alloc(PLAN_ALIGN, (c->base.memory + PLAN_ALIGN) / PLAN_ALIGN * PLAN_ALIGN);
        r = c->arena ? 0
                     : error_set(b->err, -ENOMEM, "out of memory: %zu bytes for a network's values", c->base.memory);
    }
    for (int i = 0; r >= 0 && i < c->n_slots; i++) {
        struct slot *slot = &c->slots[i];
        if (slot->shared)
            continue;
        void *data = slot->constant ? (void *)slot->constant : (char *)c->arena + items[i].offset;
        dnnl_status_t s = dnnl_memory_create(&slot->memory, &slot->md, b->engine->dnnl, data);
        r = s == dnnl_success ? 0 : onednn_fail(b, s, "memory");
    }
    free(items);
    return r;
}

static void *slot_data(const struct compiled *c, int slot)
{
    void *data = NULL;
    dnnl_memory_get_data_handle(c->slots[slot].memory, &data);
    return data;
}

/* Puts memory into the steps' arguments. */
static int bind(struct build *b)
{
    struct compiled *c = b->c;
    dnnl_memory_desc_t md;
    dnnl_dims_t dims = {(dnnl_dim_t)c->scratch_size};
    c->scratch = aligned_alloc(PLAN_ALIGN, (c->scratch_size + PLAN_ALIGN) / PLAN_ALIGN * PLAN_ALIGN);
    if (!c->scratch)
        return -ENOMEM;
    if (dnnl_memory_desc_init_by_tag(&md, 1, dims, dnnl_u8, dnnl_a) != dnnl_success ||
        dnnl_memory_create(&c->scratch_memory, &md, b->engine->dnnl, c->scratch) != dnnl_success)
        return -ENOMEM;
    for (int s = 0; s < c->n_steps; s++) {
        struct step *step = &c->steps[s];
        int n = step->n_args;
        for (int i = 0; step->views && i < n; i++)
            if (step->more[i] >= 0)
                step->views[i].data = slot_data(c, step->more[i]);
        if (!step->primitive)
            continue;
        dnnl_exec_arg_t *exec = step->wide ? step->wide : step->exec;
        for (int i = 0; i < n; i++) {
            int arg = step->wide ? i < n - 1 ? DNNL_ARG_MULTIPLE_SRC + i : DNNL_ARG_DST : step->args[i].arg;
            exec[i] = (dnnl_exec_arg_t){arg, c->slots[step_slots(step, i)].memory};
        }
        exec[n] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, c->scratch_memory};
        step->n_args++;
    }
    for (int i = 0; i < c->base.n_outputs; i++)
        c->base.outputs[i].data = slot_data(c, c->output_slots[i]);
    return 0;
}

int build_memory(struct build *b)
{
    int r = plan_memory(b);
    return r < 0 ? r : bind(b);
}
