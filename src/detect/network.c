/* See network.h. */
#include "detect/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int read_text(struct network *n, const char *key, const char **ret, struct error *err)
{
    *ret = infer_model_meta(n->model, key);
    if (*ret && **ret)
        return 0;
    return error_set(err, -EINVAL, "model %s: its metadata_props lack %s (docs/MODELS.md says what a model must state)",
        n->name, key);
}

static int read_real(struct network *n, const char *key, double least, double most, float *ret, struct error *err)
{
    const char *text;
    double v;
    int r = read_text(n, key, &text, err);
    if (r < 0)
        return r;
    if (text_real(text, &v) < 0 || v < least || v > most)
        return error_set(
            err, -EINVAL, "model %s: %s is \"%.40s\", not a number from %g to %g", n->name, key, text, least, most);
    *ret = (float)v;
    return 0;
}

static int read_whole(struct network *n, const char *key, int least, int most, int *ret, struct error *err)
{
    float v = 0;
    int r = read_real(n, key, least, most, &v, err);
    if (r < 0)
        return r;
    if (v != floorf(v))
        return error_set(err, -EINVAL, "model %s: %s is %g, not a whole number", n->name, key, v);
    *ret = (int)v;
    return 0;
}

static int read_word(struct network *n, const char *key, const char *want, struct error *err)
{
    const char *text;
    int r = read_text(n, key, &text, err);
    if (r == 0 && strcmp(text, want) != 0)
        r = error_set(err, -EINVAL, "model %s: %s is \"%.40s\", only \"%s\" is known", n->name, key, text, want);
    return r;
}

/* Calls `take` for each piece of a list "a,b,c". */
static int read_list(struct network *n, const char *key,
    int (*take)(struct network *n, const char *piece, struct error *err), struct error *err)
{
    const char *text;
    int r = read_text(n, key, &text, err);
    while (r == 0 && text) {
        char piece[64];
        size_t len = strcspn(text, ",");
        snprintf(piece, sizeof piece, "%.*s", (int)(len < sizeof piece ? len : sizeof piece - 1), text);
        r = take(n, piece, err);
        text = text[len] ? text + len + 1 : NULL;
    }
    return r;
}

static int take_class(struct network *n, const char *piece, struct error *err)
{
    if (n->class_count == NETWORK_MAX_CLASSES)
        return error_set(err, -EINVAL, "model %s: obscura.classes names more than %d", n->name, NETWORK_MAX_CLASSES);
    int type = object_type_find(piece);
    n->types[n->class_count++] = type;
    if (type >= 0)
        n->type_bits |= OBJECT_BIT(type);
    return 0;
}

static int take_stride(struct network *n, const char *piece, struct error *err)
{
    int64_t v;
    if (text_int(piece, &v) < 0 || v < 1 || v > 1024)
        return error_set(
            err, -EINVAL, "model %s: obscura.strides has \"%s\", not a whole number from 1 to 1024", n->name, piece);
    if (n->level_count == NETWORK_MAX_LEVELS)
        return error_set(err, -EINVAL, "model %s: obscura.strides names more than %d", n->name, NETWORK_MAX_LEVELS);
    n->strides[n->level_count++] = (int)v;
    return 0;
}

static int take_enlarge(struct network *n, const char *piece, struct error *err)
{
    double v;
    if (text_real(piece, &v) < 0 || v < 0.5 || v > 2)
        return error_set(
            err, -EINVAL, "model %s: obscura.enlarge has \"%s\", not a number from 0.5 to 2", n->name, piece);
    if (n->enlarge_count < n->class_count)
        n->enlarge[n->enlarge_count] = (float)v;
    n->enlarge_count++;
    return 0;
}

/* Files that do not say it get boxes as they are. */
static int read_enlarge(struct network *n, struct error *err)
{
    for (int i = 0; i < n->class_count; i++)
        n->enlarge[i] = 1;
    if (!infer_model_meta(n->model, "obscura.enlarge"))
        return 0;
    int r = read_list(n, "obscura.enlarge", take_enlarge, err);
    if (r == 0 && n->enlarge_count != n->class_count)
        r = error_set(err, -EINVAL, "model %s: obscura.enlarge has %d numbers for %d classes", n->name,
            n->enlarge_count, n->class_count);
    return r;
}

static int read_metadata(struct network *n, struct error *err)
{
    int r = read_list(n, "obscura.classes", take_class, err);
    if (r == 0 && !n->type_bits)
        r = error_set(
            err, -EINVAL, "model %s: obscura.classes names none of face, license-plate, person, vehicle", n->name);
    if (r == 0)
        r = read_list(n, "obscura.strides", take_stride, err);
    if (r == 0)
        r = read_word(n, "obscura.head", "distance", err);
    if (r == 0)
        r = read_word(n, "obscura.color", "RGB", err);
    if (r == 0)
        r = read_real(n, "obscura.mean", -1e6, 1e6, &n->mean, err);
    if (r == 0)
        r = read_real(n, "obscura.scale", 1e-9, 1e6, &n->scale, err);
    if (r == 0)
        r = read_whole(n, "obscura.pad", 0, 255, &n->pad, err);
    if (r == 0)
        r = read_whole(n, "obscura.multiple", 1, 1024, &n->multiple, err);
    if (r == 0)
        r = read_enlarge(n, err);
    if (r == 0 && infer_model_meta(n->model, "obscura.masks"))
        r = read_whole(n, "obscura.masks", 0, 256, &n->coefs, err);
    if (r == 0 && n->coefs)
        r = read_whole(n, "obscura.proto_stride", 1, 64, &n->proto_stride, err);
    for (int i = 0; r == 0 && i < n->level_count; i++)
        if (n->multiple % n->strides[i])
            r = error_set(err, -EINVAL, "model %s: obscura.multiple (%d) is not a multiple of stride %d", n->name,
                n->multiple, n->strides[i]);
    if (r == 0 && n->coefs && n->multiple % n->proto_stride)
        r = error_set(err, -EINVAL, "model %s: obscura.multiple (%d) is not a multiple of obscura.proto_stride (%d)",
            n->name, n->multiple, n->proto_stride);
    return r;
}

struct wanted {
    const char *name;
    int channels, stride;
    const struct infer_picture *picture;
};

static int find_output(const struct network *n, const struct infer_output *outputs, int count, const struct wanted *w,
    const struct infer_output **ret, struct error *err)
{
    const struct infer_output *o = infer_output_find(outputs, count, w->name);
    if (!o)
        return error_set(err, -EINVAL, "model %s has no output named %s", n->name, w->name);
    int height = w->picture->height / w->stride, width = w->picture->width / w->stride;
    if (o->n != 1 || o->c != w->channels || o->h != height || o->w != width)
        return error_set(err, -EINVAL,
            "model %s: output %s is %d x %d x %d x %d for an input of 1 x 3 x %d x %d, not 1 x %d x %d x %d", n->name,
            w->name, o->n, o->c, o->h, o->w, w->picture->height, w->picture->width, w->channels, height, width);
    *ret = o;
    return 0;
}

int network_run(struct network *n, const struct infer_picture *picture, struct network_outputs *ret, struct error *err)
{
    struct infer_picture p = *picture;
    p.mean = n->mean;
    p.scale = n->scale;
    const struct infer_output *outputs;
    int count, r = infer_run_picture(n->model, &p, &outputs, &count, err);
    if (r < 0)
        return r;
    *ret = (struct network_outputs){0};
    for (int i = 0; r == 0 && i < n->level_count; i++) {
        struct head_level *l = &ret->levels[i];
        char name[32];
        struct wanted w = {name, n->class_count, n->strides[i], picture};
        l->stride = n->strides[i];
        snprintf(name, sizeof name, "cls_%d", l->stride);
        r = find_output(n, outputs, count, &w, &l->cls, err);
        snprintf(name, sizeof name, "box_%d", l->stride);
        w.channels = 4;
        if (r == 0)
            r = find_output(n, outputs, count, &w, &l->box, err);
        snprintf(name, sizeof name, "coef_%d", l->stride);
        w.channels = n->coefs;
        if (r == 0 && n->coefs)
            r = find_output(n, outputs, count, &w, &l->coef, err);
    }
    if (r == 0 && n->coefs)
        r = find_output(
            n, outputs, count, &(struct wanted){"proto", n->coefs, n->proto_stride, picture}, &ret->proto, err);
    return r;
}

/* A first run, on the smallest picture that is not square: a transposed output would show. */
static int try_out(struct network *n, struct error *err)
{
    int height = n->multiple, width = 2 * n->multiple;
    uint8_t *grey = calloc((size_t)height * width, 3);
    if (!grey)
        return error_set(err, -ENOMEM, "out of memory");
    struct network_outputs outputs;
    int r = network_run(
        n, &(struct infer_picture){.rgb = grey, .stride = 3 * width, .width = width, .height = height}, &outputs, err);
    free(grey);
    return r;
}

int network_create(const char *name, const void *data, size_t len, const struct infer_options *options,
    struct network **ret_network, struct error *err)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n)
        return error_set(err, -ENOMEM, "out of memory");
    n->name = name;
    struct error why = {0};
    int r = infer_model_load(data, len, options, &n->model, &why);
    if (r < 0)
        error_set(err, r, "model %s: %s", name, why.text);
    if (r == 0)
        r = read_metadata(n, err);
    if (r == 0)
        r = try_out(n, err);
    if (r < 0) {
        network_destroy(n);
        return r;
    }
    *ret_network = n;
    return 0;
}

void network_destroy(struct network *n)
{
    if (!n)
        return;
    infer_model_destroy(n->model);
    free(n);
}
