/* Running ONNX networks: load, compile for an input shape, run.
 *
 * A model is read once and is immutable; compiled graphs (one for each input shape, a small LRU) belong to it. One
 * model is used by one thread at a time; the engine itself may use several cores (threads in infer_options).
 */
#ifndef OBSCURA_INFER_INFER_H
#define OBSCURA_INFER_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum infer_precision { INFER_AUTO, INFER_F32, INFER_BF16, INFER_INT8 };

struct infer_options {
    enum infer_precision
        precision;    /* AUTO: the fastest; INT8 and BF16 where the processor has them, else the fastest */
    int threads;      /* cores for one run, >= 1 */
    int cache_shapes; /* compiled graphs kept, >= 1; 0 means 6 */
};

/* Outputs are read through strides (counted in floats), so that the engine may hand out its own layouts without a
 * reorder: element (c, y, x) is data[c * stride_c + y * stride_y + x * stride_x]. Batch element 0 (other elements
 * stride_n apart). */
struct infer_output {
    const char *name;  /* of the graph output; lives as long as the model */
    const float *data; /* valid until the next run or the model's end */
    int n, c, h, w;
    ptrdiff_t stride_n, stride_c, stride_y, stride_x;
};

static inline float infer_at(const struct infer_output *o, int c, int y, int x)
{
    return o->data[c * o->stride_c + y * o->stride_y + x * o->stride_x];
}

/* An 8-bit RGB picture to be normalized as (v - mean) * scale on its way into the first layer's layout. */
struct infer_picture {
    const uint8_t *rgb; /* height rows of width * 3 bytes */
    ptrdiff_t stride;
    int width, height; /* what the network sees: the caller has padded it to the model's multiple */
    float mean, scale;
};

struct infer_model;

/* Reads a model from bytes, which are not needed afterwards. Processes that fork do so before their first load: it
 * starts oneDNN. -EINVAL: not ONNX, or broken; -EOPNOTSUPP: an operator is not supported (the text names node and
 * operator). */
int infer_model_load(const void *data, size_t len, const struct infer_options *options, struct infer_model **ret_model,
    struct error *err);
void infer_model_destroy(struct infer_model *model);

/* A value of the file's metadata_props ("obscura.classes"); NULL where absent. Lives as long as the model. */
const char *infer_model_meta(const struct infer_model *model, const char *key);

/* Whether this processor is faster in that precision than in f32. */
bool infer_gains(enum infer_precision precision);

/* What the model runs in after AUTO was decided: "f32", "bf16", "int8". */
const char *infer_model_precision(const struct infer_model *model);

/* Compiles for an input shape ahead of time (n, c, h, w), as infer_run_picture would where there are three channels: to
 * be done before a sandbox closes. */
int infer_model_prepare(struct infer_model *model, const int dims[4], struct error *err);

/* Runs the model's only input. *ret_outputs points to ret_count outputs in the graph's order, owned by the model. */
int infer_run_picture(struct infer_model *model, const struct infer_picture *picture,
    const struct infer_output **ret_outputs, int *ret_count, struct error *err);

/* The same from plain f32 NCHW data (tests, other networks). */
int infer_run_tensor(struct infer_model *model, const float *data, const int dims[4],
    const struct infer_output **ret_outputs, int *ret_count, struct error *err);

/* The output of that name among `count`; NULL where there is none. */
const struct infer_output *infer_output_find(const struct infer_output *outputs, int count, const char *name);

/* First thing in a program's main: has the threads of inference wait in a way that bears other processes on the same
 * cores. Starts the program anew with a variable in its environment, unless it is there (GOMP_SPINCOUNT or
 * OMP_WAIT_POLICY, which a user may have set). */
void infer_process_start(char **argv);

/* For benchmarks: where the time goes. */
struct infer_layer {
    char name[96], kind[24], implementation[40];
    double flops;   /* of convolutions; 0 for the rest */
    double ms;      /* median in runs of the whole network, with the reorders that it needs */
    double best_ms; /* median of the layer run again and again by itself, in the layout in which that is fastest */
};

/* The layers at an input shape. The caller frees the list. */
int infer_model_profile(struct infer_model *model, const int dims[4], int rounds, struct infer_layer **ret_layers,
    int *ret_count, struct error *err);

#endif
