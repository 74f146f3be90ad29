/* How much is lost by quantizing. See quantize.h. */
#include "quantize/quantize.h"

#include <stdlib.h>
#include <string.h>

struct wanted { /* an output for one picture, in f32, dense by c, y, x */
    float *values;
    size_t count;
    double variance; /* times count */
};

struct measure {
    const struct pictures *pictures;
    struct wanted *wanted; /* n_outputs for each picture */
    int n_outputs, threads;
};

static size_t dense(const struct infer_output *o, float *to)
{
    size_t n = 0;
    for (int c = 0; c < o->c; c++)
        for (int y = 0; y < o->h; y++)
            for (int x = 0; x < o->w; x++)
                to[n++] = infer_at(o, c, y, x);
    return n;
}

static int keep(struct wanted *w, const struct infer_output *o)
{
    w->values = malloc((size_t)o->c * (size_t)o->h * (size_t)o->w * sizeof *w->values);
    if (!w->values)
        return -ENOMEM;
    w->count = dense(o, w->values);
    double mean = 0;
    for (size_t i = 0; i < w->count; i++)
        mean += (double)w->values[i] / (double)w->count;
    for (size_t i = 0; i < w->count; i++)
        w->variance += ((double)w->values[i] - mean) * ((double)w->values[i] - mean);
    return 0;
}

int measure_create(
    const struct network *n, const struct pictures *p, int threads, struct measure **ret, struct error *err)
{
    struct measure *m = calloc(1, sizeof *m);
    struct infer_model *model = NULL;
    if (!m)
        return error_set(err, -ENOMEM, "out of memory");
    *m = (struct measure){.pictures = p, .n_outputs = (int)n->proto->graph->n_output, .threads = threads};
    m->wanted = calloc((size_t)p->count * (size_t)m->n_outputs + 1, sizeof *m->wanted);
    int r = m->wanted ? infer_model_load(n->data, n->len,
                            &(struct infer_options){.precision = INFER_F32, .threads = threads}, &model, err)
                      : error_set(err, -ENOMEM, "out of memory");
    for (int i = 0; r >= 0 && i < p->count; i++) {
        const struct infer_output *outputs;
        int count;
        r = infer_run_picture(model, &p->items[i], &outputs, &count, err);
        for (int k = 0; r >= 0 && k < count; k++)
            if ((r = keep(&m->wanted[i * m->n_outputs + k], &outputs[k])) < 0)
                error_set(err, r, "out of memory");
    }
    infer_model_destroy(model);
    if (r < 0) {
        measure_destroy(m);
        return r;
    }
    *ret = m;
    return 0;
}

void measure_destroy(struct measure *m)
{
    if (!m)
        return;
    for (int i = 0; m->wanted && i < m->pictures->count * m->n_outputs; i++)
        free(m->wanted[i].values);
    free(m->wanted);
    free(m);
}

static double difference(const struct wanted *w, const struct infer_output *o)
{
    double sum = 0;
    size_t n = 0;
    for (int c = 0; c < o->c; c++)
        for (int y = 0; y < o->h; y++)
            for (int x = 0; x < o->w; x++) {
                double d = (double)(infer_at(o, c, y, x) - w->values[n++]);
                sum += d * d;
            }
    return sum;
}

int measure_loss(struct measure *m, const struct network *n, double *ret_loss, struct error *err)
{
    struct buffer file = BUFFER_INIT((size_t)1 << 30);
    struct infer_model *model = NULL;
    double *lost = calloc((size_t)m->n_outputs, 2 * sizeof *lost), *variance = lost + m->n_outputs;
    int r = lost ? write_network(n, &file, err) : error_set(err, -ENOMEM, "out of memory");
    if (r >= 0)
        r = infer_model_load(
            file.data, file.len, &(struct infer_options){.precision = INFER_INT8, .threads = m->threads}, &model, err);
    for (int i = 0; r >= 0 && i < m->pictures->count; i++) {
        const struct infer_output *outputs;
        int count;
        r = infer_run_picture(model, &m->pictures->items[i], &outputs, &count, err);
        for (int k = 0; r >= 0 && k < count; k++) {
            lost[k] += difference(&m->wanted[i * m->n_outputs + k], &outputs[k]);
            variance[k] += m->wanted[i * m->n_outputs + k].variance;
        }
    }
    *ret_loss = 0;
    for (int k = 0; r >= 0 && k < m->n_outputs; k++)
        *ret_loss += lost[k] / (variance[k] > 0 ? variance[k] : 1) / m->n_outputs;
    infer_model_destroy(model);
    buffer_finish(&file);
    free(lost);
    return r;
}

int measure_layers(struct measure *m, struct network *n, struct error *err)
{
    bool *chosen = malloc((size_t)n->n_layers * sizeof *chosen);
    int r = chosen ? 0 : error_set(err, -ENOMEM, "out of memory");
    for (int i = 0; r >= 0 && i < n->n_layers; i++) {
        chosen[i] = n->layers[i].quantized;
        n->layers[i].quantized = false;
    }
    for (int i = 0; r >= 0 && i < n->n_layers; i++) {
        n->layers[i].quantized = true;
        r = measure_loss(m, n, &n->layers[i].loss, err);
        n->layers[i].quantized = false;
    }
    for (int i = 0; r >= 0 && i < n->n_layers; i++)
        n->layers[i].quantized = chosen[i];
    free(chosen);
    return r;
}
