/* See infer_net.h. */
#include "infer_net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *own(struct net *net, void *p)
{
    assert_non_null(p);
    assert_true(net->n_owned < (int)(sizeof net->owned / sizeof *net->owned));
    return net->owned[net->n_owned++] = p;
}

static void *own_copy(struct net *net, const void *data, size_t size)
{
    void *copy = own(net, malloc(size + 1));
    return size ? memcpy(copy, data, size) : copy;
}

static char *own_text(struct net *net, const char *text)
{
    return own(net, strdup(text));
}

/* Appends to one of protobuf's arrays of pointers; old arrays stay owned until the end. */
static void append(struct net *net, void *array, size_t *n, void *item)
{
    void **old = *(void ***)array, **larger = own(net, malloc((*n + 1) * sizeof *larger));
    if (*n)
        memcpy(larger, old, *n * sizeof *larger);
    larger[(*n)++] = item;
    *(void ***)array = larger;
}

static Onnx__ValueInfoProto *value_info(struct net *net, const char *name)
{
    Onnx__ValueInfoProto *v = own(net, malloc(sizeof *v));
    onnx__value_info_proto__init(v);
    v->name = own_text(net, name);
    return v;
}

void net_init(struct net *net, int opset)
{
    memset(net, 0, sizeof *net);
    onnx__model_proto__init(&net->model);
    onnx__graph_proto__init(&net->graph);
    onnx__operator_set_id_proto__init(&net->opset);
    net->opset.has_version = 1;
    net->opset.version = opset;
    net->opsets[0] = &net->opset;
    net->model.opset_import = net->opsets;
    net->model.n_opset_import = 1;
    net->model.graph = &net->graph;
    append(net, &net->graph.input, &net->graph.n_input, value_info(net, "x"));
}

void net_finish(struct net *net)
{
    for (int i = 0; i < net->n_owned; i++)
        free(net->owned[i]);
}

static Onnx__TensorProto *tensor(
    struct net *net, const char *name, int type, int rank, const int64_t *dims, const void *data, size_t size)
{
    Onnx__TensorProto *t = own(net, malloc(sizeof *t));
    onnx__tensor_proto__init(t);
    t->name = own_text(net, name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = (size_t)rank;
    t->dims = own_copy(net, dims, (size_t)rank * sizeof *dims);
    t->has_raw_data = 1;
    t->raw_data.len = size;
    t->raw_data.data = own_copy(net, data, size);
    append(net, &net->graph.initializer, &net->graph.n_initializer, t);
    return t;
}

void net_floats(struct net *net, const char *name, const float *data, int rank, const int64_t *dims)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    tensor(net, name, 1, rank, dims, data, n * sizeof *data);
}

void net_codes(struct net *net, const char *name, int type, const void *data, int rank, const int64_t *dims)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    tensor(net, name, type, rank, dims, data, n);
}

void net_ints(struct net *net, const char *name, const int64_t *data, int n)
{
    int64_t dim = n;
    tensor(net, name, 7, n >= 0, &dim, data, (size_t)abs(n) * sizeof *data);
}

static void names(struct net *net, const char *list, char ***array, size_t *n)
{
    char *rest = own_text(net, list), *name;
    while ((name = strsep(&rest, ",")))
        append(net, array, n, name);
}

void net_node(struct net *net, const char *op, const char *inputs, const char *outputs)
{
    Onnx__NodeProto *node = own(net, malloc(sizeof *node));
    onnx__node_proto__init(node);
    node->op_type = own_text(net, op);
    node->name = own_text(net, outputs);
    names(net, inputs, &node->input, &node->n_input);
    names(net, outputs, &node->output, &node->n_output);
    append(net, &net->graph.node, &net->graph.n_node, node);
}

static Onnx__AttributeProto *attr(struct net *net, const char *name)
{
    Onnx__NodeProto *node = net->graph.node[net->graph.n_node - 1];
    Onnx__AttributeProto *a = own(net, malloc(sizeof *a));
    onnx__attribute_proto__init(a);
    a->name = own_text(net, name);
    append(net, &node->attribute, &node->n_attribute, a);
    return a;
}

void net_attr_int(struct net *net, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attr(net, name);
    a->has_i = 1;
    a->i = value;
}

void net_attr_float(struct net *net, const char *name, float value)
{
    Onnx__AttributeProto *a = attr(net, name);
    a->has_f = 1;
    a->f = value;
}

void net_attr_text(struct net *net, const char *name, const char *value)
{
    Onnx__AttributeProto *a = attr(net, name);
    a->has_s = 1;
    a->s.len = strlen(value);
    a->s.data = own_copy(net, value, a->s.len);
}

void net_attr_ints(struct net *net, const char *name, int n, const int64_t *values)
{
    Onnx__AttributeProto *a = attr(net, name);
    a->n_ints = (size_t)n;
    a->ints = own_copy(net, values, (size_t)n * sizeof *values);
}

void net_output(struct net *net, const char *name)
{
    append(net, &net->graph.output, &net->graph.n_output, value_info(net, name));
}

void net_meta(struct net *net, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *p = own(net, malloc(sizeof *p));
    onnx__string_string_entry_proto__init(p);
    p->key = own_text(net, key);
    p->value = own_text(net, value);
    append(net, &net->model.metadata_props, &net->model.n_metadata_props, p);
}

uint8_t *net_pack(struct net *net, size_t *ret_len)
{
    uint8_t *data = malloc(onnx__model_proto__get_packed_size(&net->model) + 1);
    assert_non_null(data);
    *ret_len = onnx__model_proto__pack(&net->model, data);
    return data;
}

static int load(struct net *net, enum infer_precision precision, struct infer_model **ret_model, struct error *err)
{
    size_t len;
    uint8_t *data = net_pack(net, &len);
    struct infer_options options = {.precision = precision, .threads = 1};
    int r = infer_model_load(data, len, &options, ret_model, err);
    free(data);
    return r;
}

int net_load(struct net *net, struct infer_model **ret_model, struct error *err)
{
    return load(net, INFER_F32, ret_model, err);
}

float *net_run(struct net *net, const float *x, const int dims[4], int ret_dims[4])
{
    return net_run_in(net, INFER_F32, x, dims, ret_dims);
}

float *net_run_in(struct net *net, enum infer_precision precision, const float *x, const int dims[4], int ret_dims[4])
{
    struct infer_model *model;
    struct error err = {0};
    const struct infer_output *o = NULL;
    int count;
    if (load(net, precision, &model, &err) < 0 || infer_run_tensor(model, x, dims, &o, &count, &err) < 0)
        fail_msg("%s", err.text);
    float *dense = malloc((size_t)o->n * (size_t)o->c * (size_t)o->h * (size_t)o->w * sizeof *dense), *to = dense;
    for (int n = 0; n < o->n; n++)
        for (int c = 0; c < o->c; c++)
            for (int i = 0; i < o->h * o->w; i++)
                *to++ = o->data[n * o->stride_n + c * o->stride_c + i / o->w * o->stride_y + i % o->w * o->stride_x];
    ret_dims[0] = o->n;
    ret_dims[1] = o->c;
    ret_dims[2] = o->h;
    ret_dims[3] = o->w;
    infer_model_destroy(model);
    return dense;
}

float noise(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (1 << 23) - 1;
}

float *noise_array(size_t n, unsigned seed)
{
    float *a = malloc(n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        a[i] = noise(&seed);
    return a;
}

void assert_close(const float *got, const float *want, size_t n, float tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= tolerance * fmaxf(1, fabsf(want[i]))))
            fail_msg("element %zu of %zu: %g where %g is expected", i, n, (double)got[i], (double)want[i]);
}
