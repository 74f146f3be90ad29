/* The scales: of points from what they hold over the pictures, of weights from themselves. See quantize.h. */
#include "quantize/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int code_limit(const struct point *p)
{
    return p->is_signed ? 127 : 255;
}

static void see_limits(struct point *p, const struct infer_output *o)
{
    for (int y = 0; y < o->h; y++)
        for (int x = 0; x < o->w; x++)
            for (int c = 0; c < o->c; c++) {
                double v = (double)infer_at(o, c, y, x);
                p->low = v < p->low ? v : p->low;
                p->high = v > p->high ? v : p->high;
            }
}

static double largest(const struct point *p)
{
    return p->high > -p->low ? p->high : -p->low;
}

static int see_values(struct point *p, const struct infer_output *o)
{
    double top = largest(p);
    if (!p->hist) {
        p->channels = o->c;
        p->hist = calloc(BINS, sizeof *p->hist);
        p->mean = calloc((size_t)o->c, sizeof *p->mean);
    }
    if (!p->hist || !p->mean)
        return -ENOMEM;
    for (int y = 0; y < o->h; y++)
        for (int x = 0; x < o->w; x++)
            for (int c = 0; c < o->c; c++) {
                double v = (double)infer_at(o, c, y, x);
                p->mean[c] += v;
                if (v == 0) /* exact in any scale */
                    continue;
                int bin = (int)(fabs(v) / top * BINS);
                p->hist[bin < BINS ? bin : BINS - 1]++;
            }
    p->count += (double)o->h * o->w;
    return 0;
}

/* Squared error if everything over `top` is cut off: below, rounding errs by a twelfth of a step's square. */
static double error_at(const struct point *p, double top)
{
    double width = largest(p) / BINS, step = top / code_limit(p), error = 0;
    for (int i = 0; i < BINS; i++) {
        double v = (i + 0.5) * width;
        error += p->hist[i] * (v > top ? (v - top) * (v - top) : step * step / 12);
    }
    return error;
}

static double percentile_at(const struct point *p, double percentile)
{
    double all = 0, seen = 0;
    for (int i = 0; i < BINS; i++)
        all += p->hist[i];
    for (int i = 0; i < BINS; i++)
        if ((seen += p->hist[i]) >= all * percentile / 100)
            return largest(p) * (i + 1) / BINS;
    return largest(p);
}

static void choose_scale(struct point *p, const struct choice *choice)
{
    double top = largest(p), best = INFINITY;
    p->is_signed = p->low < 0;
    if (!(top > 0)) /* nothing but noughts */
        top = 1;
    else if (choice->percentile > 0)
        top = percentile_at(p, choice->percentile);
    else if (choice->least_error) {
        double whole = top;
        for (int k = 16; k <= 128; k++) {
            double error = error_at(p, whole * k / 128);
            if (error < best) {
                best = error;
                top = whole * k / 128;
            }
        }
    }
    p->scale = (float)(top / code_limit(p));
}

float quantize_weight(float w, float scale)
{
    return fminf(fmaxf(rintf(w / scale), -127), 127);
}

static float weight_scale(const float *w, size_t n, const struct choice *choice)
{
    float top = 0, scale = 0;
    double best = INFINITY;
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(w[i]));
    if (!(top > 0))
        return 1;
    for (int k = choice->least_error ? 60 : 100; k <= 100; k++) {
        float s = top * (float)k / 100 / 127;
        double error = 0;
        for (size_t i = 0; i < n; i++) {
            double d = (double)(w[i] - quantize_weight(w[i], s) * s);
            error += d * d;
        }
        if (error < best) {
            best = error;
            scale = s;
        }
    }
    return scale;
}

/* The least scale in which the channel's bias is a 32-bit code, with room for what rounding the weights adds to it:
 * channels of hardly any weights would have a finer one. */
static float bias_scale(const struct network *n, const struct layer *l, int channel)
{
    const Onnx__NodeProto *node = n->proto->graph->node[l->node];
    const Onnx__TensorProto *bias = node->n_input > 2 ? network_constant(n, node->input[2]) : NULL;
    return bias && l->point >= 0 ? fabsf(constant_floats(bias)[channel]) / n->points[l->point].scale / (1 << 30) : 0;
}

static void choose_weights(struct network *n, const struct choice *choice)
{
    for (int i = 0; i < n->n_layers; i++) {
        struct layer *l = &n->layers[i];
        const Onnx__TensorProto *t = network_constant(n, n->proto->graph->node[l->node]->input[1]);
        size_t each = (size_t)(t->dims[1] * t->dims[2] * t->dims[3]);
        for (int c = 0; c < l->channels; c++)
            l->scales[c] =
                fmaxf(weight_scale(constant_floats(t) + (size_t)c * each, each, choice), bias_scale(n, l, c));
    }
}

static int see_picture(
    struct network *n, struct infer_model *model, const struct infer_picture *picture, bool values, struct error *err)
{
    const struct infer_output *outputs;
    int count, r = infer_run_picture(model, picture, &outputs, &count, err);
    for (int i = 0; r >= 0 && i < n->n_points; i++) {
        const struct infer_output *o = infer_output_find(outputs, count, n->points[i].name);
        if (!o)
            return error_set(err, -EINVAL, "the value '%s' cannot be read", n->points[i].name);
        if (!values)
            see_limits(&n->points[i], o);
        else if (see_values(&n->points[i], o) < 0)
            return error_set(err, -ENOMEM, "out of memory");
    }
    return r;
}

int ranges_find(struct network *n, const struct pictures *p, const struct choice *activations,
    const struct choice *weights, int threads, struct error *err)
{
    struct buffer file = BUFFER_INIT((size_t)1 << 30);
    struct infer_model *model = NULL;
    int r = write_observed(n, &file, err);
    if (r >= 0)
        r = infer_model_load(
            file.data, file.len, &(struct infer_options){.precision = INFER_F32, .threads = threads}, &model, err);
    for (int pass = 0; r >= 0 && pass < 2; pass++)
        for (int i = 0; r >= 0 && i < p->count; i++)
            r = see_picture(n, model, &p->items[i], pass == 1, err);
    infer_model_destroy(model);
    buffer_finish(&file);
    if (r < 0)
        return r;
    for (int i = 0; i < n->n_points; i++) {
        choose_scale(&n->points[i], activations);
        for (int c = 0; c < n->points[i].channels; c++)
            n->points[i].mean[c] /= n->points[i].count;
    }
    for (int i = 0; i < n->n_points; i++)
        for (int k = n->points[i].like; k >= 0; k = n->points[k].like) {
            n->points[i].scale = n->points[k].scale;
            n->points[i].is_signed = n->points[k].is_signed;
        }
    choose_weights(n, weights);
    return 0;
}
