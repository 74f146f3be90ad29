/* What can be quantized in a network. See quantize.h. */
#include "quantize/quantize.h"

#include <stdlib.h>
#include <string.h>

static const Onnx__NodeProto *node_at(const struct network *n, int i)
{
    return n->proto->graph->node[i];
}

static int maker_of(const struct network *n, const char *value)
{
    for (size_t i = 0; i < n->proto->graph->n_node; i++)
        for (size_t k = 0; k < node_at(n, (int)i)->n_output; k++)
            if (!strcmp(node_at(n, (int)i)->output[k], value))
                return (int)i;
    return -1;
}

static int readers_of(const struct network *n, const char *value)
{
    int readers = 0;
    for (size_t i = 0; i < n->proto->graph->n_node; i++)
        for (size_t k = 0; k < node_at(n, (int)i)->n_input; k++)
            readers += !strcmp(node_at(n, (int)i)->input[k], value);
    for (size_t i = 0; i < n->proto->graph->n_output; i++)
        readers += !strcmp(n->proto->graph->output[i]->name, value);
    return readers;
}

const Onnx__TensorProto *network_constant(const struct network *n, const char *name)
{
    for (size_t i = 0; i < n->proto->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = n->proto->graph->initializer[i];
        if (t->name && !strcmp(t->name, name))
            return t->data_type == 1 && (t->has_raw_data || t->n_float_data) ? t : NULL;
    }
    return NULL;
}

const float *constant_floats(const Onnx__TensorProto *tensor)
{
    return tensor->has_raw_data ? (const float *)(const void *)tensor->raw_data.data : tensor->float_data;
}

static bool is(const Onnx__NodeProto *node, const char *type)
{
    return node->op_type && !strcmp(node->op_type, type);
}

static int find_point(const struct network *n, const char *name)
{
    for (int i = 0; i < n->n_points; i++)
        if (!strcmp(n->points[i].name, name))
            return i;
    return -1;
}

/* The convolution that makes an input of an addition and can add as it does so: its result, perhaps behind a Relu, has
 * no other reader. -1: the input is not made so. */
static int adding_conv(const struct network *n, const char *value)
{
    int maker = maker_of(n, value);
    if (maker < 0 || readers_of(n, value) != 1)
        return -1;
    if (is(node_at(n, maker), "Relu")) {
        value = node_at(n, maker)->input[0];
        maker = readers_of(n, value) == 1 ? maker_of(n, value) : -1;
    }
    return maker >= 0 && is(node_at(n, maker), "Conv") ? maker : -1;
}

/* Calls `visit` for each value that has to be codes for `name` to be made as codes. Returns the one that has the same
 * scale, or NULL. */
static const char *sources(
    const struct network *n, const char *name, void (*visit)(void *, const char *), void *context)
{
    int maker = maker_of(n, name);
    if (maker >= 0 && is(node_at(n, maker), "Relu"))
        maker = maker_of(n, node_at(n, maker)->input[0]);
    const Onnx__NodeProto *node = maker < 0 ? NULL : node_at(n, maker);
    if (node && (is(node, "Resize") || is(node, "MaxPool"))) {
        visit(context, node->input[0]);
        return node->input[0];
    }
    if (node && is(node, "Add")) { /* the later of two convolutions adds, as the engine has it */
        int conv[2] = {adding_conv(n, node->input[0]), adding_conv(n, node->input[1])};
        int adds = conv[0] < 0 && conv[1] < 0 ? -1 : conv[1] > conv[0];
        for (int i = 0; i < 2; i++)
            if (i != adds && !network_constant(n, node->input[i]))
                visit(context, node->input[i]);
    }
    return NULL;
}

struct adding {
    struct network *n;
    int error;
};

static void add_point(void *context, const char *name)
{
    struct adding *a = context;
    struct network *n = a->n;
    if (a->error || find_point(n, name) >= 0 || !strcmp(name, n->proto->graph->input[0]->name))
        return;
    struct point *larger = reallocarray(n->points, (size_t)n->n_points + 1, sizeof *larger);
    if (!larger) {
        a->error = -ENOMEM;
        return;
    }
    n->points = larger;
    int index = n->n_points++;
    n->points[index] = (struct point){.name = name, .like = -1};
    const char *like = sources(n, name, add_point, a);
    if (like && !a->error)
        n->points[index].like = find_point(n, like);
}

static void use_point(void *context, const char *name);

struct using
{
    const struct network *n;
    bool *used;
};

static void use_point(void *context, const char *name)
{
    struct using *u = context;
    int i = find_point(u->n, name);
    if (i < 0 || u->used[i])
        return;
    u->used[i] = true;
    sources(u->n, name, use_point, u);
}

void network_used_points(const struct network *n, bool *ret_used)
{
    struct using u = {n, ret_used};
    memset(ret_used, 0, (size_t)n->n_points * sizeof *ret_used);
    for (int i = 0; i < n->n_layers; i++)
        if (n->layers[i].quantized && n->layers[i].point >= 0)
            use_point(&u, n->points[n->layers[i].point].name);
}

/* Many files' nodes have no names, but their results do. */
static const char *layer_name(const Onnx__NodeProto *node)
{
    return node->name && *node->name ? node->name : node->n_output ? node->output[0] : "";
}

static int add_layer(struct network *n, int index)
{
    const Onnx__NodeProto *node = node_at(n, index);
    const Onnx__TensorProto *w = node->n_input > 1 ? network_constant(n, node->input[1]) : NULL;
    const char *bias = node->n_input > 2 ? node->input[2] : "";
    if (!is(node, "Conv") || !w || w->n_dims != 4 || (*bias && !network_constant(n, bias)))
        return 0;
    struct layer *l = &n->layers[n->n_layers];
    *l = (struct layer){.name = layer_name(node), .node = index, .channels = (int)w->dims[0], .quantized = true};
    l->operations = (double)(w->dims[0] * w->dims[1] * w->dims[2] * w->dims[3]);
    l->scales = calloc((size_t)l->channels, sizeof *l->scales);
    if (!l->scales)
        return -ENOMEM;
    n->n_layers++;
    struct adding a = {n, 0};
    add_point(&a, node->input[0]);
    l->point = find_point(n, node->input[0]);
    return a.error;
}

int network_read(const uint8_t *data, size_t len, struct network *ret, struct error *err)
{
    *ret = (struct network){.data = data, .len = len, .proto = onnx__model_proto__unpack(NULL, len, data)};
    if (!ret->proto || !ret->proto->graph || !ret->proto->graph->n_input)
        return error_set(err, -EINVAL, "this is no ONNX file, or it is damaged");
    if (!ret->proto->n_opset_import || ret->proto->opset_import[0]->version < 13)
        return error_set(err, -EOPNOTSUPP, "scales for each channel need operator set 13 or newer");
    ret->layers = calloc(ret->proto->graph->n_node + 1, sizeof *ret->layers);
    int r = ret->layers ? 0 : -ENOMEM;
    for (size_t i = 0; r >= 0 && i < ret->proto->graph->n_node; i++)
        r = add_layer(ret, (int)i);
    if (r < 0)
        return error_set(err, r, "out of memory");
    return ret->n_layers ? 0 : error_set(err, -EOPNOTSUPP, "the network has no convolution with constant weights");
}

void network_finish(struct network *n)
{
    for (int i = 0; i < n->n_layers; i++)
        free(n->layers[i].scales);
    for (int i = 0; i < n->n_points; i++) {
        free(n->points[i].hist);
        free(n->points[i].mean);
    }
    free(n->layers);
    free(n->points);
    if (n->proto)
        onnx__model_proto__free_unpacked(n->proto, NULL);
    *n = (struct network){0};
}
