/* What computes a graph: the one seam between the reading and shaping of networks, which is ours, and the library that
 * multiplies.
 *
 * An engine is created with the first model it serves and used by that model's thread alone; nothing of the library
 * behind it is touched before, so that processes can fork cleanly until then.
 */
#ifndef OBSCURA_INFER_ENGINE_H
#define OBSCURA_INFER_ENGINE_H

#include "infer/graph.h"
#include "infer/infer.h"

struct engine;

/* A graph compiled for one input shape. The engine's own struct begins with this. */
struct engine_graph {
    struct infer_output
        *outputs; /* in the graph's order; names are NULL, the model fills them in; data is valid after a run */
    int n_outputs;
    size_t memory; /* bytes of activations */
};

enum engine_layout {
    LAYOUT_CHOSEN,
    LAYOUT_CHANNELS_LAST,
    LAYOUT_BLOCKED
}; /* other than the engine's choice: for measuring */

struct engine_settings {
    enum infer_precision real; /* F32 or BF16: of what is not kept as codes */
    enum engine_layout layout;
    bool pictures; /* every run brings a picture; else every run a tensor */
};

struct engine_timing { /* of one step */
    const char *name;  /* the node's; lives as long as the graph */
    const char *kind, *implementation;
    double flops;        /* 0 for what is no convolution */
    double ms, alone_ms; /* medians: in the run of the whole graph, and run again and again by itself */
};

struct engine_input { /* one of the two */
    const struct infer_picture *picture;
    const float *tensor; /* NCHW */
};

struct engine_ops {
    const char *name;
    int (*create)(int threads, struct engine **ret_engine, struct error *err);
    void (*destroy)(struct engine *engine);        /* after its graphs; NULL is fine */
    bool (*has)(enum infer_precision precision);   /* whether the processor has instructions for it */
    bool (*gains)(enum infer_precision precision); /* and is faster by them than in f32 */
    /* Compiles a shaped and fused graph, which must live as long as the result. Output floats are f32 whatever the
     * precision. */
    int (*compile)(struct engine *engine, const struct graph *graph, const struct engine_settings *settings,
        struct engine_graph **ret_compiled, struct error *err);
    int (*run)(struct engine_graph *compiled, const struct engine_input *input, struct error *err);
    /* Measures every step of runs with that input, `rounds` times. The caller frees the list. -ENOMEM, -EIO. */
    int (*time)(struct engine_graph *compiled, const struct engine_input *input, int rounds,
        struct engine_timing **ret_timings, int *ret_count);
    void (*release)(struct engine_graph *compiled); /* NULL is fine */
};

extern const struct engine_ops engine_onednn;

#endif
