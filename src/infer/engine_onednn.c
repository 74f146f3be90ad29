/* The engine on oneDNN (2.6, C interface). Here: its life and running; engine_onednn_build.c compiles. */
#include "infer/engine_onednn.h"

#include <stdlib.h>

/* oneDNN runs on OpenMP (libgomp), whose number of threads belongs to the calling thread. Declared here because omp.h
 * comes with a compiler, not with the library that is linked. */
void omp_set_num_threads(int threads);

static int create(int threads, struct engine **ret_engine, struct error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return error_set(err, -ENOMEM, "out of memory for an inference engine");
    e->threads = threads;
    omp_set_num_threads(threads);
    if (dnnl_engine_create(&e->dnnl, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&e->stream, e->dnnl, dnnl_stream_default_flags) != dnnl_success) {
        engine_onednn.destroy(e);
        return error_set(err, -EIO, "oneDNN does not start");
    }
    *ret_engine = e;
    return 0;
}

static void destroy(struct engine *e)
{
    if (!e)
        return;
    while (e->weights) {
        struct weights *w = e->weights;
        e->weights = w->next;
        dnnl_memory_destroy(w->memory);
        tensor_unref(w->tensor);
        free(w);
    }
    if (e->stream)
        dnnl_stream_destroy(e->stream);
    if (e->dnnl)
        dnnl_engine_destroy(e->dnnl);
    free(e);
}

static bool has(enum infer_precision precision)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    bool bf16 = isa == dnnl_cpu_isa_avx512_core_bf16 || isa == dnnl_cpu_isa_avx512_core_amx;
    if (precision == INFER_BF16)
        return bf16;
    /* Without VNNI, oneDNN adds pairs of products in 16 bits, which can overflow. */
    if (precision == INFER_INT8)
        return bf16 || isa == dnnl_cpu_isa_avx512_core_vnni || isa == dnnl_cpu_isa_avx2_vnni;
    return precision == INFER_F32;
}

/* Intel's cores have one unit for products of bf16 pairs and two for f32, and oneDNN gets half the speed of f32 out of
 * it (a Xeon's core: 89 GFLOP/s to 176); AMX, and AMD's cores with two such units, are faster. */
static bool gains(enum infer_precision precision)
{
    if (!has(precision) || precision != INFER_BF16 || dnnl_get_effective_cpu_isa() == dnnl_cpu_isa_avx512_core_amx)
        return has(precision);
#ifdef __x86_64__
    return __builtin_cpu_is("amd");
#else
    return false;
#endif
}

static int run_kernel(struct step *step)
{
    const struct node *node = step->node;
    int r = kernel_run(node, step->views, step->views + node->n_in);
    if (r < 0 || !node->n_posts)
        return r;
    struct view *out = &step->views[node->n_in];
    size_t n;
    shape_count(&out->shape, &n);
    for (int p = 0; p < node->n_posts; p++)
        for (size_t i = 0; i < n; i++)
            ((float *)out->data)[i] =
                kernel_unary(node->posts[p].unary, node->posts[p].alpha, node->posts[p].beta, ((float *)out->data)[i]);
    return 0;
}

int compiled_run_step(struct compiled *c, int i)
{
    struct step *step = &c->steps[i];
    if (step->stem)
        return stem_run(c, step), 0;
    if (!step->primitive)
        return run_kernel(step);
    const dnnl_exec_arg_t *args = step->wide ? step->wide : step->exec;
    return dnnl_primitive_execute(step->primitive, c->engine->stream, step->n_args, args) == dnnl_success ? 0 : -EIO;
}

static int run(struct engine_graph *base, const struct engine_input *input, struct error *err)
{
    struct compiled *c = (struct compiled *)base;
    omp_set_num_threads(c->engine->threads);
    int r = compiled_fill(c, input);
    if (r < 0)
        return error_set(err, r, "the input does not fit the network");
    for (int i = 0; i < c->n_steps; i++)
        if (compiled_run_step(c, i) < 0)
            return error_set(err, -EIO, "node '%s' failed", c->steps[i].name);
    return dnnl_stream_wait(c->engine->stream) == dnnl_success ? 0 : error_set(err, -EIO, "oneDNN failed");
}

const struct engine_ops engine_onednn = {
    .name = "oneDNN",
    .create = create,
    .destroy = destroy,
    .has = has,
    .gains = gains,
    .compile = onednn_compile,
    .run = run,
    .time = onednn_time,
    .release = onednn_release,
};
