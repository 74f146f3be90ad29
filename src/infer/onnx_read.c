/* See onnx_read.h. */
#include "infer/onnx_read.h"

#include <stdlib.h>
#include <string.h>

#include "infer/onnx_parts.h"

enum { MAX_NODES = 20000, MAX_VALUES = 100000, OPSET_MIN = 7, OPSET_MAX = 21 };

/* Values by name: a hash table of value numbers (open addressing, never more than half full), since names join an ONNX
 * file's nodes. */
struct names {
    int *slots;
    size_t size; /* a power of two */
};

struct reader {
    const Onnx__GraphProto *proto;
    struct graph *graph;
    struct names names;
    int64_t opset;
    struct error *err;
};

void metadata_finish(struct metadata *metadata)
{
    for (int i = 0; i < metadata->count; i++) {
        free(metadata->items[i].key);
        free(metadata->items[i].value);
    }
    free(metadata->items);
    *metadata = (struct metadata){0};
}

/* The slot that holds the name, or the free one where it would go. */
static int *name_slot(const struct reader *r, const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    for (size_t i = hash;; i++) {
        int *slot = &r->names.slots[i & (r->names.size - 1)];
        if (*slot < 0 || !strcmp(r->graph->values[*slot].name, name))
            return slot;
    }
}

/* A new value that nodes after this can read. Takes the reference to `constant`, which may be NULL. */
static int define(struct reader *r, const char *name, struct tensor *constant)
{
    int *slot = name_slot(r, name);
    if (!*name || *slot >= 0) {
        tensor_unref(constant);
        return error_set(r->err, -EINVAL, *name ? "the value '%s' is made twice" : "a value has no name%s", name);
    }
    int value = constant ? graph_add_constant(r->graph, name, constant) : graph_add_value(r->graph, name);
    return value < 0 ? value : (*slot = value);
}

static int read_initializers(struct reader *r)
{
    for (size_t i = 0; i < r->proto->n_initializer; i++) {
        struct tensor *t;
        int e = onnx_tensor_read(r->proto->initializer[i], &t, r->err);
        if (e < 0)
            return e;
        e = define(r, r->proto->initializer[i]->name ? r->proto->initializer[i]->name : "", t);
        if (e < 0)
            return e;
    }
    return 0;
}

static int read_input_shape(struct reader *r, const Onnx__ValueInfoProto *info)
{
    if (!info->type || !info->type->tensor_type || !info->type->tensor_type->shape)
        return 0;
    const Onnx__TensorShapeProto *shape = info->type->tensor_type->shape;
    if (shape->n_dim != 4)
        return error_set(
            r->err, -EOPNOTSUPP, "the input '%s' has %zu axes; networks of pictures have 4", info->name, shape->n_dim);
    r->graph->input_shape.rank = 4;
    for (int i = 0; i < 4; i++)
        r->graph->input_shape.dims[i] = shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : -1;
    return 0;
}

/* Older files list initializers among the inputs; what remains must be one. */
static int read_input(struct reader *r)
{
    r->graph->input = -1;
    for (size_t i = 0; i < r->proto->n_input; i++) {
        const Onnx__ValueInfoProto *info = r->proto->input[i];
        const char *name = info->name ? info->name : "";
        if (*name && *name_slot(r, name) >= 0)
            continue;
        if (r->graph->input >= 0)
            return error_set(r->err, -EOPNOTSUPP, "the network has more than one input ('%s')", name);
        int value = define(r, name, NULL);
        if (value < 0)
            return value;
        r->graph->input = value;
        int e = read_input_shape(r, info);
        if (e < 0)
            return e;
    }
    return r->graph->input < 0 ? error_set(r->err, -EINVAL, "the network has no input") : 0;
}

static int read_node(struct reader *r, const Onnx__NodeProto *proto)
{
    const char *name = proto->name && *proto->name ? proto->name : proto->n_output ? proto->output[0] : "";
    if (proto->op_type && !strcmp(proto->op_type, "Constant") && proto->n_output == 1) {
        struct tensor *t;
        int e = onnx_constant_read(proto, &t, r->err);
        return e < 0 ? e : define(r, proto->output[0], t);
    }
    enum op op = OP_NONE;
    int e = onnx_node_check(proto, &op, r->err);
    if (e < 0)
        return e;
    struct node *node = graph_add_node(r->graph, op, name, (int)proto->n_input, (int)proto->n_output);
    if (!node)
        return -ENOMEM;
    for (int i = 0; i < node->n_in; i++) {
        if (!*proto->input[i])
            continue;
        node->in[i] = *name_slot(r, proto->input[i]);
        if (node->in[i] < 0)
            return error_set(r->err, -EINVAL,
                "node '%s' (%s) reads '%s', which nothing before it makes (missing, or a cycle)", name, proto->op_type,
                proto->input[i]);
    }
    for (int i = 0; i < node->n_out; i++) {
        if (!*proto->output[i])
            continue;
        node->out[i] = define(r, proto->output[i], NULL);
        if (node->out[i] < 0)
            return node->out[i];
    }
    return onnx_node_read(r->graph, proto, r->opset, node, r->err);
}

static int read_outputs(struct reader *r)
{
    r->graph->outputs = calloc(r->proto->n_output + 1, sizeof *r->graph->outputs);
    if (!r->graph->outputs)
        return -ENOMEM;
    if (!r->proto->n_output)
        return error_set(r->err, -EINVAL, "the network has no output");
    for (size_t i = 0; i < r->proto->n_output; i++) {
        const char *name = r->proto->output[i]->name ? r->proto->output[i]->name : "";
        int value = *name ? *name_slot(r, name) : -1;
        if (value < 0)
            return error_set(r->err, -EINVAL, "nothing makes the output '%s'", name);
        r->graph->outputs[r->graph->n_outputs++] = value;
    }
    return 0;
}

static int read_graph(struct reader *r)
{
    size_t values = r->proto->n_initializer + r->proto->n_input;
    for (size_t i = 0; i < r->proto->n_node; i++)
        values += r->proto->node[i]->n_output;
    if (r->proto->n_node > MAX_NODES || values > MAX_VALUES || r->proto->n_output > MAX_NODES)
        return error_set(r->err, -EFBIG, "the network has more than %d nodes or %d values", MAX_NODES, MAX_VALUES);
    for (r->names.size = 64; r->names.size < 2 * values;)
        r->names.size *= 2;
    r->names.slots = malloc(r->names.size * sizeof *r->names.slots);
    if (!r->names.slots)
        return -ENOMEM;
    for (size_t i = 0; i < r->names.size; i++)
        r->names.slots[i] = -1;
    int e = read_initializers(r);
    if (e >= 0)
        e = read_input(r);
    for (size_t i = 0; e >= 0 && i < r->proto->n_node; i++)
        e = read_node(r, r->proto->node[i]);
    return e < 0 ? e : read_outputs(r);
}

static int read_metadata(const Onnx__ModelProto *model, struct metadata *metadata)
{
    metadata->items = calloc(model->n_metadata_props + 1, sizeof *metadata->items);
    if (!metadata->items)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *p = model->metadata_props[i];
        struct metadata_item *item = &metadata->items[metadata->count++];
        item->key = strdup(p->key ? p->key : "");
        item->value = strdup(p->value ? p->value : "");
        if (!item->key || !item->value)
            return -ENOMEM;
    }
    return 0;
}

int onnx_read(const void *data, size_t len, struct graph **ret_graph, struct metadata *metadata, struct error *err)
{
    int e = -EINVAL;
    struct reader r = {.err = err};
    struct metadata meta = {0};
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, len, data);
    if (!model || !model->graph) {
        error_set(err, e, "this is no ONNX file, or it is damaged");
        goto out;
    }
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (!model->opset_import[i]->domain || !*model->opset_import[i]->domain ||
            !strcmp(model->opset_import[i]->domain, "ai.onnx"))
            r.opset = model->opset_import[i]->version;
    if (r.opset < OPSET_MIN || r.opset > OPSET_MAX) {
        e = error_set(err, -EOPNOTSUPP, "operator set %lld is not supported; %d to %d are", (long long)r.opset,
            OPSET_MIN, OPSET_MAX);
        goto out;
    }
    r.proto = model->graph;
    r.graph = calloc(1, sizeof *r.graph);
    e = r.graph ? read_graph(&r) : -ENOMEM;
    if (e >= 0)
        e = read_metadata(model, &meta);
    if (e >= 0)
        e = graph_sweep(r.graph);
    if (e == -ENOMEM)
        error_set(err, e, "out of memory while reading a network");
out:
    free(r.names.slots);
    if (model)
        onnx__model_proto__free_unpacked(model, NULL);
    if (e < 0) {
        graph_destroy(r.graph);
        metadata_finish(&meta);
        return e;
    }
    *ret_graph = r.graph;
    *metadata = meta;
    return 0;
}
