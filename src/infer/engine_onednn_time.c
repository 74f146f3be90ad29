/* How long each step takes, in its place and alone. */
#include "infer/engine_onednn.h"

#include "base/clock.h"

#include <stdlib.h>

static double now_ms(void)
{
    return (double)clock_mono_ns() * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, ascending);
    return v[n / 2];
}

static void describe(const struct step *step, struct engine_timing *t)
{
    const_dnnl_primitive_desc_t pd;
    dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
    *t = (struct engine_timing){.name = step->name, .kind = "kernel", .implementation = "C", .flops = step->flops};
    if (step->stem)
        t->kind = "convolution";
    if (!step->primitive || dnnl_primitive_get_primitive_desc(step->primitive, &pd) != dnnl_success)
        return;
    dnnl_primitive_desc_query(pd, dnnl_query_primitive_kind, 0, &kind);
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &t->implementation);
    t->kind = kind == dnnl_convolution     ? "convolution"
              : kind == dnnl_deconvolution ? "deconvolution"
              : kind == dnnl_reorder       ? "reorder"
              : kind == dnnl_resampling    ? "resize"
              : kind == dnnl_pooling_v2    ? "pooling"
              : kind == dnnl_matmul        ? "matmul"
                                           : "elementwise";
}

/* One run, of which step `measured` (-1: every step) is timed: again and again where it is one. */
static int measure(struct compiled *c, const struct engine_input *input, int measured, int rounds, double *taken)
{
    int r = compiled_fill(c, input);
    for (int i = 0; r >= 0 && i < c->n_steps && (measured < 0 || i <= measured); i++)
        for (int k = 0; r >= 0 && k < (i == measured ? rounds : 1); k++) {
            double from = now_ms();
            r = compiled_run_step(c, i);
            if (measured < 0 || i == measured)
                taken[measured < 0 ? i * rounds : k] = now_ms() - from;
        }
    return r;
}

int onednn_time(struct engine_graph *base, const struct engine_input *input, int rounds,
    struct engine_timing **ret_timings, int *ret_count)
{
    struct compiled *c = (struct compiled *)base;
    int n = c->n_steps, r = 0;
    double *taken = malloc(((size_t)n * (size_t)rounds + 1) * sizeof *taken);
    struct engine_timing *timings = calloc((size_t)n + 1, sizeof *timings);
    if (!taken || !timings) {
        r = -ENOMEM;
        goto out;
    }
    for (int round = 0; r >= 0 && round < rounds; round++)
        r = measure(c, input, -1, rounds, taken + round);
    for (int i = 0; r >= 0 && i < n; i++) {
        double *of_step = taken + (size_t)i * (size_t)rounds;
        describe(&c->steps[i], &timings[i]);
        timings[i].ms = median(of_step, rounds);
        r = measure(c, input, i, rounds, of_step); /* what the step reads has to be what it reads in a run */
        timings[i].alone_ms = median(of_step, rounds);
    }
out:
    free(taken);
    if (r < 0) {
        free(timings);
        return r;
    }
    *ret_timings = timings;
    *ret_count = n;
    return 0;
}
