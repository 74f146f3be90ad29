/* The quantized network as an ONNX file. See quantize.h.
 *
 * Weights become 8-bit codes with a DequantizeLinear for each channel's scale, biases 32-bit ones in units of the sums
 * (where the input is codes), and each used point a QuantizeLinear and a DequantizeLinear that all its readers read.
 * Rounding the weights moves the mean of a channel's sums; the bias takes that back. */
#include "quantize/quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

enum { ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_INT32 = 6 };

struct writing {
    const struct network *n;
    Onnx__ModelProto *model; /* a copy of the network's that is changed; owns everything that is put into it */
    bool failed;             /* out of memory */
};

static char *text(struct writing *w, const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 1;
    char *t = malloc(size);
    if (!t) {
        w->failed = true;
        return NULL;
    }
    snprintf(t, size, "%s%s", a, b);
    return t;
}

/* Puts an item (owned by the model from now on) at `at` in one of protobuf's arrays of pointers. */
static void insert(struct writing *w, void *array, size_t *n, size_t at, void *item)
{
    void **larger = item ? reallocarray(*(void ***)array, *n + 1, sizeof *larger) : NULL;
    if (!larger) {
        w->failed = true;
        return;
    }
    memmove(larger + at + 1, larger + at, (*n - at) * sizeof *larger);
    larger[at] = item;
    ++*n;
    *(void ***)array = larger;
}

static void add_tensor(
    struct writing *w, const char *name, const char *suffix, int type, int rank, const int64_t *dims, const void *data)
{
    Onnx__GraphProto *g = w->model->graph;
    Onnx__TensorProto *t = malloc(sizeof *t);
    if (!t) {
        w->failed = true;
        return;
    }
    onnx__tensor_proto__init(t);
    insert(w, &g->initializer, &g->n_initializer, g->n_initializer, t);
    size_t size = type == ONNX_FLOAT || type == ONNX_INT32 ? 4 : 1;
    for (int i = 0; i < rank; i++)
        size *= (size_t)dims[i];
    t->name = text(w, name, suffix);
    t->has_data_type = 1;
    t->data_type = type;
    t->dims = malloc((size_t)(rank + 1) * sizeof *t->dims);
    t->raw_data.data = malloc(size + 1);
    if (!t->dims || !t->raw_data.data) {
        w->failed = true;
        return;
    }
    if (rank)
        memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    memcpy(t->raw_data.data, data, size);
    t->n_dims = (size_t)rank;
    t->has_raw_data = 1;
    t->raw_data.len = size;
}

/* A (de)quantizing node of `name`, whose constants are called like it; axis -1: none. */
static void add_node(struct writing *w, size_t at, const char *op, const char *input, const char *constants,
    bool with_zero, const char *output, int axis)
{
    Onnx__GraphProto *g = w->model->graph;
    Onnx__NodeProto *node = malloc(sizeof *node);
    if (!node) {
        w->failed = true;
        return;
    }
    onnx__node_proto__init(node);
    insert(w, &g->node, &g->n_node, at, node);
    node->op_type = text(w, op, "");
    node->name = text(w, output, "");
    insert(w, &node->output, &node->n_output, 0, text(w, output, ""));
    insert(w, &node->input, &node->n_input, 0, text(w, input, ""));
    insert(w, &node->input, &node->n_input, 1, text(w, constants, "_scale"));
    if (with_zero)
        insert(w, &node->input, &node->n_input, 2, text(w, constants, "_zero"));
    if (axis < 0)
        return;
    Onnx__AttributeProto *a = malloc(sizeof *a);
    if (!a) {
        w->failed = true;
        return;
    }
    onnx__attribute_proto__init(a);
    insert(w, &node->attribute, &node->n_attribute, 0, a);
    a->name = text(w, "axis", "");
    a->has_i = a->has_type = 1;
    a->i = axis;
    a->type = 2; /* INT */
}

static void rename_input(struct writing *w, Onnx__NodeProto *node, size_t i, const char *name)
{
    char *fresh = text(w, name, "");
    if (!fresh)
        return;
    free(node->input[i]);
    node->input[i] = fresh;
}

static void drop_initializer(struct writing *w, const char *name)
{
    Onnx__GraphProto *g = w->model->graph;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if (!strcmp(g->node[i]->input[k], name))
                return; /* somebody else reads it */
    for (size_t i = 0; i < g->n_initializer; i++) {
        if (strcmp(g->initializer[i]->name, name) != 0)
            continue;
        onnx__tensor_proto__free_unpacked(g->initializer[i], NULL);
        memmove(g->initializer + i, g->initializer + i + 1, (g->n_initializer - i - 1) * sizeof *g->initializer);
        g->n_initializer--;
        return;
    }
}

static Onnx__NodeProto *copy_of(struct writing *w, int node, size_t *ret_at)
{
    const char *output = w->n->proto->graph->node[node]->output[0];
    for (size_t i = 0; i < w->model->graph->n_node; i++)
        if (!strcmp(w->model->graph->node[i]->output[0], output)) {
            *ret_at = i;
            return w->model->graph->node[i];
        }
    return NULL;
}

/* What the mean of channel c's sums loses by the rounding of the weights. */
static double lost_mean(const struct writing *w, const struct layer *l, const Onnx__TensorProto *t, int c)
{
    if (l->point < 0)
        return 0;
    const struct point *p = &w->n->points[l->point];
    size_t in = (size_t)t->dims[1], area = (size_t)(t->dims[2] * t->dims[3]), group = (size_t)p->channels / in;
    const float *v = constant_floats(t) + (size_t)c * in * area;
    const double *mean = p->mean + (size_t)c / ((size_t)l->channels / group) * in;
    double lost = 0;
    for (size_t i = 0; i < in * area; i++)
        lost += (double)(v[i] - quantize_weight(v[i], l->scales[c]) * l->scales[c]) * mean[i / area];
    return lost;
}

static void write_weights(struct writing *w, const struct layer *l, const Onnx__TensorProto *t, const char *name)
{
    size_t each = (size_t)(t->dims[1] * t->dims[2] * t->dims[3]), n = each * (size_t)l->channels;
    int8_t *codes = malloc(n + 1), *zeros = calloc((size_t)l->channels, 1);
    for (size_t i = 0; codes && i < n; i++)
        codes[i] = (int8_t)quantize_weight(constant_floats(t)[i], l->scales[i / each]);
    if (!codes || !zeros) {
        w->failed = true;
    } else {
        int64_t channels = l->channels;
        add_tensor(w, name, "_codes", ONNX_INT8, 4, t->dims, codes);
        add_tensor(w, name, "_scale", ONNX_FLOAT, 1, &channels, l->scales);
        add_tensor(w, name, "_zero", ONNX_INT8, 1, &channels, zeros);
    }
    free(codes);
    free(zeros);
}

static void write_bias(struct writing *w, const struct layer *l, const Onnx__TensorProto *t,
    const Onnx__TensorProto *bias, const char *name)
{
    int64_t channels = l->channels;
    int32_t *codes = malloc((size_t)channels * sizeof *codes);
    float *scales = malloc((size_t)channels * sizeof *scales);
    if (codes && scales) {
        for (int c = 0; c < l->channels; c++) {
            scales[c] = w->n->points[l->point].scale * l->scales[c];
            double code = rint(((double)constant_floats(bias)[c] + lost_mean(w, l, t, c)) / (double)scales[c]);
            codes[c] =
                (int32_t)fmin(fmax(code, -2147483647.0), 2147483647.0); /* as ranges.c chose the scale, no bound */
        }
        add_tensor(w, name, "_codes", ONNX_INT32, 1, &channels, codes);
        add_tensor(w, name, "_scale", ONNX_FLOAT, 1, &channels, scales);
    } else {
        w->failed = true;
    }
    free(codes);
    free(scales);
}

static void write_layer(struct writing *w, const struct layer *l)
{
    size_t at = 0;
    Onnx__NodeProto *node = copy_of(w, l->node, &at);
    const Onnx__NodeProto *from = w->n->proto->graph->node[l->node];
    const Onnx__TensorProto *t = network_constant(w->n, from->input[1]);
    const Onnx__TensorProto *bias = from->n_input > 2 ? network_constant(w->n, from->input[2]) : NULL;
    char *name = text(w, from->output[0], "_weights"), *codes = text(w, from->output[0], "_weights_codes");
    char *bias_name = text(w, from->output[0], "_bias"), *bias_codes = text(w, from->output[0], "_bias_codes");
    if (!w->failed) {
        write_weights(w, l, t, name);
        add_node(w, at++, "DequantizeLinear", codes, name, true, name, 0);
        rename_input(w, node, 1, name);
        drop_initializer(w, from->input[1]);
        if (bias && l->point >= 0) { /* else sums have no unit of codes */
            write_bias(w, l, t, bias, bias_name);
            add_node(w, at, "DequantizeLinear", bias_codes, bias_name, false, bias_name, 0);
            rename_input(w, node, 2, bias_name);
            drop_initializer(w, from->input[2]);
        }
    }
    free(name), free(codes), free(bias_name), free(bias_codes);
}

/* Everybody who reads the point reads its codes turned back. */
static void write_point(struct writing *w, const struct point *p)
{
    Onnx__GraphProto *g = w->model->graph;
    char *codes = text(w, p->name, "_codes"), *back = text(w, p->name, "_back");
    uint8_t zero = 0;
    size_t after = 0;
    for (size_t i = 0; !w->failed && i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if (!strcmp(g->node[i]->input[k], p->name))
                rename_input(w, g->node[i], k, back);
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            if (!strcmp(g->node[i]->output[k], p->name))
                after = i + 1;
    }
    if (!w->failed) {
        add_tensor(w, p->name, "_scale", ONNX_FLOAT, 0, NULL, &p->scale);
        add_tensor(w, p->name, "_zero", p->is_signed ? ONNX_INT8 : ONNX_UINT8, 0, NULL, &zero);
        add_node(w, after, "QuantizeLinear", p->name, p->name, true, codes, -1);
        add_node(w, after + 1, "DequantizeLinear", codes, p->name, true, back, -1);
    }
    free(codes), free(back);
}

static int finish(struct writing *w, struct buffer *out, struct error *err)
{
    int r = w->failed ? -ENOMEM : 0;
    if (r >= 0)
        r = buffer_reserve(out, onnx__model_proto__get_packed_size(w->model));
    if (r >= 0)
        out->len += onnx__model_proto__pack(w->model, (uint8_t *)out->data + out->len);
    onnx__model_proto__free_unpacked(w->model, NULL);
    return r < 0 ? error_set(err, r, "out of memory while a network is written") : 0;
}

/* Says which file the network was made of, so that nobody takes it for other weights'. */
static void write_source(struct writing *w)
{
    static const char key[] = "obscura.source_sha256";
    struct sha256 sum;
    uint8_t digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    Onnx__StringStringEntryProto *p = malloc(sizeof *p);
    if (!p || sha256_init(&sum) < 0) {
        free(p);
        w->failed = true;
        return;
    }
    sha256_update(&sum, w->n->data, w->n->len);
    sha256_final(&sum, digest);
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    onnx__string_string_entry_proto__init(p);
    insert(w, &w->model->metadata_props, &w->model->n_metadata_props, w->model->n_metadata_props, p);
    p->key = text(w, key, "");
    p->value = text(w, hex, "");
}

int write_network(const struct network *n, struct buffer *out, struct error *err)
{
    struct writing w = {.n = n, .model = onnx__model_proto__unpack(NULL, n->len, n->data)};
    bool *used = calloc((size_t)n->n_points + 1, sizeof *used);
    if (!w.model || !used) {
        free(used);
        return error_set(err, -ENOMEM, "out of memory while a network is written");
    }
    network_used_points(n, used);
    for (int i = 0; i < n->n_layers; i++)
        if (n->layers[i].quantized)
            write_layer(&w, &n->layers[i]);
    for (int i = 0; i < n->n_points; i++)
        if (used[i])
            write_point(&w, &n->points[i]);
    free(used);
    write_source(&w);
    return finish(&w, out, err);
}

int write_observed(const struct network *n, struct buffer *out, struct error *err)
{
    struct writing w = {.n = n, .model = onnx__model_proto__unpack(NULL, n->len, n->data)};
    if (!w.model)
        return error_set(err, -ENOMEM, "out of memory while a network is written");
    for (int i = 0; !w.failed && i < n->n_points; i++) {
        Onnx__ValueInfoProto *v = malloc(sizeof *v);
        if (v)
            onnx__value_info_proto__init(v);
        insert(&w, &w.model->graph->output, &w.model->graph->n_output, w.model->graph->n_output, v);
        if (v)
            v->name = text(&w, n->points[i].name, "");
    }
    return finish(&w, out, err);
}
