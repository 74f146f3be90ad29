/* obscura-quantize: post-training quantization.
 *
 * obscura-quantize [options] IN.onnx OUT.onnx PICTURE-OR-FOLDER...
 *
 * Makes of a network in f32 one whose convolutions multiply 8-bit numbers, written with ONNX's QuantizeLinear and
 * DequantizeLinear: weights symmetric in s8 with a scale for each output channel, values between layers u8 (s8 where
 * they can be negative) with one scale each, found by running the network over the pictures. Then every layer is
 * quantized alone, and what it loses of the outputs measured; layers stay real numbers, the worst first, until the
 * whole network loses no more than --loss. */
#include "quantize/quantize.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct settings {
    struct choice activations, weights;
    double loss; /* of the whole network, at most */
    int pictures, measured, long_side, threads;
    const char *keep[64]; /* names of layers that stay real numbers */
    int n_keep;
    bool verbose;
};

static void usage(void)
{
    fprintf(stderr, "usage: obscura-quantize [options] IN.onnx OUT.onnx PICTURE-OR-FOLDER...\n"
                    "  --range error|max|PERCENTILE  how ranges of values are chosen (error: least squared error)\n"
                    "  --weights error|max           the same of weights (max)\n"
                    "  --loss SHARE    of the outputs' variance that may be lost; worse layers stay real numbers\n"
                    "  --keep LAYER    stays real numbers in any case; may be given again\n"
                    "  --pictures N    to find ranges with, spread over those given (default 256)\n"
                    "  --measured N    of these, to measure losses with (default 16)\n"
                    "  --long-side N   px that pictures are shrunk to (default 640)\n"
                    "  --threads N     (default 2)\n"
                    "  --verbose       lists layers and values\n");
}

static int read_choice(const char *text, struct choice *ret)
{
    *ret = (struct choice){.least_error = !strcmp(text, "error")};
    if (ret->least_error || !strcmp(text, "max"))
        return 0;
    return text_real(text, &ret->percentile) == 0 && ret->percentile > 0 && ret->percentile <= 100 ? 0 : -EINVAL;
}

static int read_count(const char *text, int *ret)
{
    int64_t v;
    if (text_int(text, &v) < 0 || v < 1 || v > 100000)
        return -EINVAL;
    *ret = (int)v;
    return 0;
}

static int read_option(int option, const char *value, struct settings *s)
{
    switch (option) {
    case 'r':
        return read_choice(value, &s->activations);
    case 'w':
        return read_choice(value, &s->weights);
    case 'l':
        return text_real(value, &s->loss);
    case 'k':
        if (s->n_keep == (int)(sizeof s->keep / sizeof *s->keep))
            return -EINVAL;
        s->keep[s->n_keep++] = value;
        return 0;
    case 'p':
        return read_count(value, &s->pictures);
    case 'm':
        return read_count(value, &s->measured);
    case 's':
        return read_count(value, &s->long_side);
    case 't':
        return read_count(value, &s->threads);
    case 'v':
        s->verbose = true;
        return 0;
    default:
        return -EINVAL;
    }
}

static int keep_layers(struct network *n, const struct settings *s, struct error *err)
{
    for (int i = 0; i < s->n_keep; i++) {
        struct layer *found = NULL;
        for (int k = 0; k < n->n_layers && !found; k++)
            found = strcmp(n->layers[k].name, s->keep[i]) ? NULL : &n->layers[k];
        if (!found)
            return error_set(err, -EINVAL, "there is no layer '%s'", s->keep[i]);
        found->quantized = false;
    }
    return 0;
}

static struct layer *worst(struct network *n)
{
    struct layer *w = NULL;
    for (int i = 0; i < n->n_layers; i++)
        if (n->layers[i].quantized && (!w || n->layers[i].loss > w->loss))
            w = &n->layers[i];
    return w;
}

static void list(const struct network *n)
{
    for (int i = 0; i < n->n_points; i++)
        printf("value %-44s %s scale %.6g, largest %.4g\n", n->points[i].name, n->points[i].is_signed ? "s8" : "u8",
            (double)n->points[i].scale, n->points[i].high);
    for (int i = 0; i < n->n_layers; i++)
        printf("layer %-44s %s loss alone %.6f\n", n->layers[i].name, n->layers[i].quantized ? "8-bit" : "real ",
            n->layers[i].loss);
}

/* Which layers stay real numbers. */
static int choose_layers(struct network *n, const struct pictures *p, const struct settings *s, struct error *err)
{
    struct measure *m = NULL;
    struct pictures some = {p->items, p->count < s->measured ? p->count : s->measured};
    double loss = 0;
    int r = measure_create(n, &some, s->threads, &m, err);
    if (r >= 0)
        r = measure_layers(m, n, err);
    if (r >= 0)
        r = measure_loss(m, n, &loss, err);
    while (r >= 0 && loss > s->loss && worst(n)) {
        struct layer *w = worst(n);
        printf("loss %.5f: %s stays real numbers\n", loss, w->name);
        w->quantized = false;
        r = measure_loss(m, n, &loss, err);
    }
    measure_destroy(m);
    if (r >= 0)
        printf("loss %.5f of the outputs' variance\n", loss);
    return r;
}

static int write_file(const char *path, const struct buffer *b, struct error *err)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return error_set(err, -errno, "%s cannot be written: %s", path, strerror(errno));
    bool whole = fwrite(b->data, 1, b->len, f) == b->len;
    if (fclose(f) || !whole)
        return error_set(err, -EIO, "%s cannot be written", path);
    return 0;
}

static int run(const char *in, const char *out, char **pictures, int count, const struct settings *s, struct error *err)
{
    struct buffer bytes = BUFFER_INIT((size_t)512 << 20), made = BUFFER_INIT((size_t)1 << 30);
    struct network n = {0};
    struct pictures p = {0};
    struct infer_model *model = NULL;
    int r = infer_gains(INFER_INT8) ? buffer_read_file(&bytes, in)
                                    : error_set(err, -EOPNOTSUPP, "this processor has no VNNI to measure losses with");
    if (r < 0 && !*err->text)
        error_set(err, r, "%s cannot be read: %s", in, strerror(-r));
    if (r >= 0) /* first: what follows trusts the file's structure */
        r = infer_model_load(bytes.data, bytes.len, &(struct infer_options){.precision = INFER_F32}, &model, err);
    if (r >= 0)
        r = network_read(bytes.data, bytes.len, &n, err);
    if (r >= 0)
        r = keep_layers(&n, s, err);
    if (r >= 0)
        r = pictures_read(pictures, count, s->pictures, s->long_side, model, &p, err);
    if (r >= 0)
        r = ranges_find(&n, &p, &s->activations, &s->weights, s->threads, err);
    if (r >= 0)
        r = choose_layers(&n, &p, s, err);
    if (r >= 0 && s->verbose)
        list(&n);
    if (r >= 0)
        r = write_network(&n, &made, err);
    if (r >= 0)
        r = write_file(out, &made, err);
    infer_model_destroy(model);
    pictures_finish(&p);
    network_finish(&n);
    buffer_finish(&bytes);
    buffer_finish(&made);
    return r;
}

int main(int argc, char **argv)
{
    infer_process_start(argv);
    static const struct option table[] = {{"range", required_argument, NULL, 'r'},
        {"weights", required_argument, NULL, 'w'}, {"loss", required_argument, NULL, 'l'},
        {"keep", required_argument, NULL, 'k'}, {"pictures", required_argument, NULL, 'p'},
        {"measured", required_argument, NULL, 'm'}, {"long-side", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'}, {"verbose", no_argument, NULL, 'v'}, {0}};
    struct settings s = {.activations.least_error = true,
        .loss = 0.001,
        .pictures = 256,
        .measured = 16,
        .long_side = 640,
        .threads = 2};
    struct error err = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0)
        if (read_option(option, optarg, &s) < 0) {
            usage();
            return 2;
        }
    if (argc - optind < 3) {
        usage();
        return 2;
    }
    if (run(argv[optind], argv[optind + 1], argv + optind + 2, argc - optind - 2, &s, &err) < 0) {
        fprintf(stderr, "obscura-quantize: %s\n", err.text);
        return 1;
    }
    return 0;
}
