/* See infer.h. A model keeps its simplified graph and, for the input shapes used last, what the engine compiled from
 * it. */
#include "infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/engine.h"
#include "infer/graph_fold.h"
#include "infer/graph_fuse.h"
#include "infer/graph_quant.h"
#include "infer/graph_shape.h"
#include "infer/onnx_read.h"

enum { DEFAULT_SHAPES = 6, MAX_SIDE = 1 << 15, MAX_BATCH = 64 };

struct cached { /* one input shape */
    int dims[4];
    bool pictures; /* as runs bring them, not tensors */
    struct graph *graph;
    struct engine_graph *compiled; /* refers to graph */
    unsigned long used;            /* the model's clock at the last use */
};

struct infer_model {
    struct graph *graph;
    struct metadata metadata;
    char **output_names;
    int n_outputs;
    const struct engine_ops *ops;
    struct engine *engine;
    enum infer_precision precision, real; /* never AUTO; real: F32 or BF16, of what is not quantized */
    enum engine_layout layout;            /* other than chosen only while measuring */
    struct cached *cache;
    int n_cached, cap_cached;
    unsigned long clock;
};

static void cached_finish(const struct infer_model *m, struct cached *c)
{
    m->ops->release(c->compiled);
    graph_destroy(c->graph);
}

void infer_model_destroy(struct infer_model *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->n_cached; i++)
        cached_finish(m, &m->cache[i]);
    free(m->cache);
    m->ops->destroy(m->engine);
    for (int i = 0; i < m->n_outputs; i++)
        free(m->output_names[i]);
    free(m->output_names);
    metadata_finish(&m->metadata);
    graph_destroy(m->graph);
    free(m);
}

static int copy_output_names(struct infer_model *m)
{
    m->output_names = calloc((size_t)m->graph->n_outputs + 1, sizeof *m->output_names);
    if (!m->output_names)
        return -ENOMEM;
    for (int i = 0; i < m->graph->n_outputs; i++) {
        m->output_names[i] = strdup(m->graph->values[m->graph->outputs[i]].name);
        if (!m->output_names[i])
            return -ENOMEM;
        m->n_outputs++;
    }
    return 0;
}

bool infer_gains(enum infer_precision precision)
{
    return engine_onednn.gains(precision);
}

/* Settles what the model computes in. int8 is for networks that bring quantized values, where the processor multiplies
 * those (asked for or AUTO); what else there is, and other networks, run in what is fastest or asked for. */
static int choose_precision(struct infer_model *m, enum infer_precision asked)
{
    bool codes = (asked == INFER_INT8 || asked == INFER_AUTO) && m->ops->has(INFER_INT8);
    bool bf16 = asked == INFER_BF16 ? m->ops->has(INFER_BF16) : asked != INFER_F32 && m->ops->gains(INFER_BF16);
    int coded = graph_quant(m->graph, codes);
    m->real = bf16 ? INFER_BF16 : INFER_F32;
    m->precision = coded > 0 ? INFER_INT8 : m->real;
    return coded;
}

int infer_model_load(const void *data, size_t len, const struct infer_options *options, struct infer_model **ret_model,
    struct error *err)
{
    struct infer_model *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(err, -ENOMEM, "out of memory for a model");
    m->ops = &engine_onednn;
    m->cap_cached = options->cache_shapes > 0 ? options->cache_shapes : DEFAULT_SHAPES;
    m->cache = calloc((size_t)m->cap_cached, sizeof *m->cache);
    int r = m->cache ? onnx_read(data, len, &m->graph, &m->metadata, err) : -ENOMEM;
    if (r >= 0)
        r = copy_output_names(m);
    if (r >= 0)
        r = choose_precision(m, options->precision);
    if (r >= 0)
        r = graph_shape(m->graph, NULL, err);
    if (r >= 0)
        r = graph_fold(m->graph, err);
    if (r >= 0)
        r = m->ops->create(options->threads > 0 ? options->threads : 1, &m->engine, err);
    if (r < 0) {
        if (r == -ENOMEM)
            error_set(err, r, "out of memory while loading a model");
        infer_model_destroy(m);
        return r;
    }
    *ret_model = m;
    return 0;
}

const char *infer_model_meta(const struct infer_model *m, const char *key)
{
    for (int i = 0; i < m->metadata.count; i++)
        if (!strcmp(m->metadata.items[i].key, key))
            return m->metadata.items[i].value;
    return NULL;
}

const char *infer_model_precision(const struct infer_model *m)
{
    return m->precision == INFER_BF16 ? "bf16" : m->precision == INFER_INT8 ? "int8" : "f32";
}

static int check_dims(const struct infer_model *m, const int dims[4], struct error *err)
{
    if (dims[0] < 1 || dims[0] > MAX_BATCH || dims[1] < 1 || dims[2] < 1 || dims[3] < 1 || dims[1] > 4096 ||
        dims[2] > MAX_SIDE || dims[3] > MAX_SIDE)
        return error_set(
            err, -EINVAL, "an input of %d x %d x %d x %d is not supported", dims[0], dims[1], dims[2], dims[3]);
    const struct shape *given = &m->graph->input_shape;
    for (int i = 1; i < given->rank; i++) /* a batch may be larger than the file says */
        if (given->dims[i] > 0 && given->dims[i] != dims[i])
            return error_set(err, -EINVAL, "the network wants %lld along axis %d of its input, not %d",
                (long long)given->dims[i], i, dims[i]);
    return 0;
}

static int compile(struct infer_model *m, const int dims[4], bool pictures, struct cached *c, struct error *err)
{
    struct shape shape = {.rank = 4, .dims = {dims[0], dims[1], dims[2], dims[3]}};
    int r = check_dims(m, dims, err);
    if (r >= 0)
        r = graph_copy(m->graph, &c->graph);
    if (r >= 0)
        r = graph_shape(c->graph, &shape, err);
    if (r >= 0)
        r = graph_fuse(c->graph, err);
    if (r >= 0)
        r = m->ops->compile(m->engine, c->graph,
            &(struct engine_settings){.real = m->real, .layout = m->layout, .pictures = pictures}, &c->compiled, err);
    if (r < 0) {
        graph_destroy(c->graph);
        return r == -ENOMEM ? error_set(err, r, "out of memory while compiling a network") : r;
    }
    for (int i = 0; i < c->compiled->n_outputs; i++)
        c->compiled->outputs[i].name = m->output_names[i];
    memcpy(c->dims, dims, sizeof c->dims);
    c->pictures = pictures;
    return 0;
}

/* Lets the one go that was unused longest; false where there is none. */
static bool release_oldest(struct infer_model *m)
{
    if (!m->n_cached)
        return false;
    struct cached *oldest = &m->cache[0];
    for (int i = 1; i < m->n_cached; i++)
        if (m->cache[i].used < oldest->used)
            oldest = &m->cache[i];
    cached_finish(m, oldest);
    *oldest = m->cache[--m->n_cached];
    return true;
}

/* A new one, in the place of the one unused longest where the cache is full, and of more where memory is short. */
static int add(struct infer_model *m, const int dims[4], bool pictures, struct cached **ret, struct error *err)
{
    struct cached made;
    int r = check_dims(m, dims, err);
    if (r < 0)
        return r;
    if (m->n_cached == m->cap_cached)
        release_oldest(m); /* first, so that the two never need memory at once */
    do {
        made = (struct cached){.used = 0};
        r = compile(m, dims, pictures, &made, err);
    } while (r == -ENOMEM && release_oldest(m));
    if (r < 0)
        return r;
    *ret = &m->cache[m->n_cached++];
    **ret = made;
    return 0;
}

/* The compiled graph for a shape, from the cache or new. */
static int find(struct infer_model *m, const int dims[4], bool pictures, struct engine_graph **ret, struct error *err)
{
    struct cached *slot = NULL;
    for (int i = 0; i < m->n_cached; i++)
        if (!memcmp(m->cache[i].dims, dims, sizeof m->cache[i].dims) && m->cache[i].pictures == pictures)
            slot = &m->cache[i];
    int r = slot ? 0 : add(m, dims, pictures, &slot, err);
    if (r < 0)
        return r;
    slot->used = ++m->clock;
    *ret = slot->compiled;
    return 0;
}

int infer_model_prepare(struct infer_model *m, const int dims[4], struct error *err)
{
    struct engine_graph *compiled;
    return find(m, dims, dims[1] == 3, &compiled, err);
}

static int run(struct infer_model *m, const int dims[4], const struct engine_input *input,
    const struct infer_output **ret_outputs, int *ret_count, struct error *err)
{
    struct engine_graph *compiled;
    int r = find(m, dims, input->picture != NULL, &compiled, err);
    if (r >= 0)
        r = m->ops->run(compiled, input, err);
    if (r < 0)
        return r;
    *ret_outputs = compiled->outputs;
    *ret_count = compiled->n_outputs;
    return 0;
}

int infer_run_picture(struct infer_model *m, const struct infer_picture *picture,
    const struct infer_output **ret_outputs, int *ret_count, struct error *err)
{
    const int dims[4] = {1, 3, picture->height, picture->width};
    return run(m, dims, &(struct engine_input){.picture = picture}, ret_outputs, ret_count, err);
}

int infer_run_tensor(struct infer_model *m, const float *data, const int dims[4],
    const struct infer_output **ret_outputs, int *ret_count, struct error *err)
{
    return run(m, dims, &(struct engine_input){.tensor = data}, ret_outputs, ret_count, err);
}

/* The layers of one layout's graph; a layer's reorders and posts apart count as part of it, but not to its time alone.
 */
static int profile_layout(
    struct infer_model *m, const int dims[4], int rounds, struct infer_layer **layers, int *count, struct error *err)
{
    struct cached made = {.used = 0};
    struct engine_timing *timings = NULL;
    bool pictures = dims[0] == 1 && dims[1] == 3;
    int n = 0, r = compile(m, dims, pictures, &made, err);
    if (r < 0)
        return r;
    float *x = calloc((size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3], sizeof *x);
    const struct infer_picture picture = {.rgb = (const uint8_t *)x,
        .stride = 3 * dims[3],
        .width = dims[3],
        .height = dims[2],
        .mean = 127.5f,
        .scale = 1.0f / 64};
    const struct engine_input input = {.picture = pictures ? &picture : NULL, .tensor = pictures ? NULL : x};
    r = x ? m->ops->run(made.compiled, &input, err) : -ENOMEM;
    if (r >= 0)
        r = m->ops->time(made.compiled, &input, rounds, &timings, &n);
    bool first = !*layers;
    if (r >= 0 && first) {
        *layers = calloc((size_t)n + 1, sizeof **layers);
        r = *layers ? 0 : -ENOMEM;
    }
    for (int i = 0; r >= 0 && i < n; i++) {
        const struct engine_timing *t = &timings[i];
        struct infer_layer *layer = NULL;
        for (int k = 0; k < *count && !layer; k++)
            if (!strncmp((*layers)[k].name, t->name, sizeof layer->name - 1))
                layer = &(*layers)[k];
        if (!layer && first) {
            layer = &(*layers)[(*count)++];
            snprintf(layer->name, sizeof layer->name, "%s", t->name);
            layer->best_ms = -1;
        }
        if (!layer)
            continue;
        bool work = strcmp(t->kind, "reorder") != 0;
        if (first)
            layer->ms += t->ms;
        if (work && first) {
            layer->flops = t->flops;
            snprintf(layer->kind, sizeof layer->kind, "%s", t->kind);
            snprintf(layer->implementation, sizeof layer->implementation, "%s", t->implementation);
        }
        if (work && (layer->best_ms < 0 || t->alone_ms < layer->best_ms))
            layer->best_ms = t->alone_ms;
    }
    free(timings);
    free(x);
    cached_finish(m, &made);
    return r;
}

int infer_model_profile(struct infer_model *m, const int dims[4], int rounds, struct infer_layer **ret_layers,
    int *ret_count, struct error *err)
{
    static const enum engine_layout layouts[] = {LAYOUT_CHOSEN, LAYOUT_CHANNELS_LAST, LAYOUT_BLOCKED};
    struct infer_layer *layers = NULL;
    int count = 0, r = 0;
    for (size_t i = 0; r >= 0 && i < sizeof layouts / sizeof *layouts; i++) {
        m->layout = layouts[i];
        r = profile_layout(m, dims, rounds, &layers, &count, err);
    }
    m->layout = LAYOUT_CHOSEN;
    if (r < 0) {
        free(layers);
        return r;
    }
    *ret_layers = layers;
    *ret_count = count;
    return 0;
}

const struct infer_output *infer_output_find(const struct infer_output *outputs, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(outputs[i].name, name))
            return &outputs[i];
    return NULL;
}
