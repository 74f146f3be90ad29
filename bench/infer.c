/* How fast networks run, and how near that is to the sum of their layers' best times.
 *
 * infer [--json] [--layers] [--cpu] [--plain] [--precision P] [--threads N] [--size WxH] [--rounds N] MODEL.onnx...
 * --cpu takes processor time for the network in place of the clock: on a busy machine it means something with one
 * thread. --plain leaves the layers out: no ratio, and much less time. Times are medians. ratio_to_layers is the sum of
 * best times over the whole network's time: 1 is the limit. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/buffer.h"
#include "infer/infer.h"

struct settings {
    bool json, layers, cpu, plain;
    enum infer_precision precision;
    int threads, width, height, rounds;
};

static double now_ms(const struct settings *s)
{
    struct timespec t;
    if (!s->cpu)
        return (double)clock_mono_ns() * 1e-6;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* The median time of a whole run from picture to outputs; negative on failure. */
static double time_network(
    struct infer_model *model, const struct settings *s, int width, int height, struct error *err)
{
    size_t bytes = (size_t)width * (size_t)height * 3;
    uint8_t *rgb = malloc(bytes);
    double *taken = malloc((size_t)s->rounds * sizeof *taken), result = -1;
    for (size_t i = 0; rgb && i < bytes; i++)
        rgb[i] = (uint8_t)(i * 2654435761u >> 13);
    struct infer_picture p = {
        .rgb = rgb, .stride = width * 3, .width = width, .height = height, .mean = 127.5f, .scale = 1.0f / 64};
    for (int i = -3; rgb && taken && i < s->rounds; i++) { /* the first ones only warm up */
        const struct infer_output *outputs;
        int count;
        double from = now_ms(s);
        if (infer_run_picture(model, &p, &outputs, &count, err) < 0)
            goto out;
        if (i >= 0)
            taken[i] = now_ms(s) - from;
    }
    if (rgb && taken) {
        qsort(taken, (size_t)s->rounds, sizeof *taken, ascending);
        result = taken[s->rounds / 2];
    }
out:
    free(rgb);
    free(taken);
    return result;
}

static void print_layers(const struct infer_layer *layers, int count)
{
    printf("%-44s %-12s %-26s %8s %8s %8s %9s %6s\n", "layer", "kind", "implementation", "MFLOP", "ms", "best ms",
        "GFLOP/s", "ratio");
    for (int i = 0; i < count; i++) {
        const struct infer_layer *l = &layers[i];
        printf("%-44.44s %-12s %-26.26s %8.1f %8.3f %8.3f %9.1f %6.2f\n", l->name, l->kind, l->implementation,
            l->flops / 1e6, l->ms, l->best_ms, l->ms > 0 ? l->flops / l->ms / 1e6 : 0,
            l->ms > 0 ? l->best_ms / l->ms : 0);
    }
}

static int measure(
    struct infer_model *model, const char *name, const struct settings *s, int width, int height, struct error *err)
{
    struct infer_layer *layers = NULL;
    int count = 0, dims[4] = {1, 3, height, width};
    double ms = time_network(model, s, width, height, err), best = 0, flops = 0;
    int r = ms < 0 ? -1 : s->plain ? 0 : infer_model_profile(model, dims, s->rounds, &layers, &count, err);
    if (r < 0)
        return r;
    double again =
        time_network(model, s, width, height, err); /* on both sides of the layers: the machine may change its pace */
    ms = again > 0 && again < ms ? again : ms;
    for (int i = 0; i < count; i++) {
        best += layers[i].best_ms > 0 ? layers[i].best_ms : 0;
        flops += layers[i].flops;
    }
    char ratio[64] = "\"gflops\": null, \"ratio_to_layers\": null";
    if (!s->plain)
        snprintf(ratio, sizeof ratio, "\"gflops\": %.1f, \"ratio_to_layers\": %.3f", flops / ms / 1e6, best / ms);
    if (s->json)
        printf("{\"network\": \"%s\", \"precision\": \"%s\", \"width\": %d, \"height\": %d, \"threads\": %d, \"ms\": "
               "%.3f, %s}\n",
            name, infer_model_precision(model), width, height, s->threads, ms, ratio);
    else
        printf("%-12s %-5s %4dx%-4d %d threads: %8.2f ms %8.1f GFLOP/s, layers' best times %8.2f ms, ratio %.2f\n",
            name, infer_model_precision(model), width, height, s->threads, ms, flops / ms / 1e6, best, best / ms);
    if (s->layers)
        print_layers(layers, count);
    fflush(stdout);
    free(layers);
    return 0;
}

static int run_model(const char *path, const struct settings *s)
{
    static const int sizes[][2] = {{640, 640}, {960, 544}, {1280, 736}};
    struct buffer bytes = BUFFER_INIT(512 << 20);
    struct error err = {0};
    struct infer_model *model = NULL;
    struct infer_options options = {.precision = s->precision, .threads = s->threads};
    const char *slash = strrchr(path, '/');
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(slash ? slash + 1 : path, "."), slash ? slash + 1 : path);
    int r = buffer_read_file(&bytes, path);
    if (r < 0)
        error_set(&err, r, "cannot be read: %s", strerror(-r));
    else
        r = infer_model_load(bytes.data, bytes.len, &options, &model, &err);
    for (int i = 0; r >= 0 && i < 3; i++) {
        if (!s->width)
            r = measure(model, name, s, sizes[i][0], sizes[i][1], &err);
        else if (i == 0)
            r = measure(model, name, s, s->width, s->height, &err);
    }
    if (r < 0)
        fprintf(stderr, "infer: %s: %s\n", path, err.text);
    infer_model_destroy(model);
    buffer_finish(&bytes);
    return r;
}

static int precision_of(const char *name)
{
    static const char *const names[] = {
        [INFER_AUTO] = "auto", [INFER_F32] = "f32", [INFER_BF16] = "bf16", [INFER_INT8] = "int8"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

int main(int argc, char **argv)
{
    infer_process_start(argv);
    static const struct option table[] = {{"json", no_argument, NULL, 'j'}, {"layers", no_argument, NULL, 'l'},
        {"cpu", no_argument, NULL, 'c'}, {"plain", no_argument, NULL, 'n'}, {"precision", required_argument, NULL, 'p'},
        {"threads", required_argument, NULL, 't'}, {"size", required_argument, NULL, 's'},
        {"rounds", required_argument, NULL, 'r'}, {0}};
    struct settings s = {.precision = INFER_F32, .threads = 2, .rounds = 21};
    int option, precision, bad = 0;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        if (option == 'j')
            s.json = true;
        else if (option == 'l')
            s.layers = true;
        else if (option == 'p' && (precision = precision_of(optarg)) >= 0)
            s.precision = (enum infer_precision)precision;
        else if (option == 'c')
            s.cpu = true;
        else if (option == 'n')
            s.plain = true;
        else if (option == 't')
            s.threads = atoi(optarg);
        else if (option == 'r')
            s.rounds = atoi(optarg);
        else if (option != 's' || sscanf(optarg, "%dx%d", &s.width, &s.height) != 2)
            bad = 1;
    }
    if (bad || optind == argc || s.threads < 1 || s.rounds < 1) {
        fprintf(stderr, "usage: infer [--json] [--layers] [--cpu] [--plain] [--precision auto|f32|bf16|int8] "
                        "[--threads N] [--size WxH] "
                        "[--rounds N] MODEL...\n");
        return 2;
    }
    for (; optind < argc; optind++)
        if (run_model(argv[optind], &s) < 0)
            return 1;
    return 0;
}
