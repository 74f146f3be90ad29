/* obscura-quantize: post-training quantization of a network of pictures. See main.c for what it does and how it is
 * used.
 *
 * A `point` is a value that is kept as 8-bit codes: what quantized convolutions read, and what is added to such. A
 * `layer` is a convolution with constant weights. Everything refers to the network as it was read (names and node
 * numbers); write_network makes the file of any choice of layers.
 */
#ifndef OBSCURA_QUANTIZE_QUANTIZE_H
#define OBSCURA_QUANTIZE_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "infer/infer.h"
#include "onnx.pb-c.h"

enum { BINS = 4096 };

struct point {
    const char *name; /* of the value, the network's */
    int like;         /* the point whose scale it has, because its maker only picks elements; -1 */
    bool is_signed;
    float scale;      /* of one code */
    double low, high; /* seen in the pictures */
    double *hist;     /* BINS of absolute values up to the largest, without exact noughts; owned */
    double *mean;     /* of each channel; owned */
    int channels;
    double count; /* elements seen of each channel */
};

struct layer {
    const char *name;  /* the node's, or its result's */
    int node;          /* in the network's list */
    int point;         /* what it reads; -1: the picture, which stays as it is while the weights are quantized */
    bool quantized;    /* chosen */
    double loss;       /* of the network's outputs when this layer alone is quantized */
    double operations; /* multiplications for each output position */
    int channels;      /* of the output */
    float *scales;     /* of its weights, one a channel, in which its bias can be a 32-bit code; owned */
};

struct network {
    Onnx__ModelProto *proto; /* owned */
    const uint8_t *data;     /* the file; borrowed */
    size_t len;
    struct layer *layers;
    struct point *points;
    int n_layers, n_points;
};

struct pictures { /* normalized by the network itself: plain 8-bit RGB, padded to its multiple */
    struct infer_picture *items;
    int count;
};

/* Weights and ranges: where the squared error is least, at the largest value, or (ranges) at a percentile. */
struct choice {
    bool least_error;  /* else the largest, or: */
    double percentile; /* 0: none */
};

/* points.c: finds layers and points. -EOPNOTSUPP: there is nothing to quantize. */
int network_read(const uint8_t *data, size_t len, struct network *ret, struct error *err);
void network_finish(struct network *n);
/* Marks the points that the chosen layers need; `ret_used` has n_points. */
void network_used_points(const struct network *n, bool *ret_used);
const Onnx__TensorProto *network_constant(const struct network *n, const char *name); /* of f32 in raw bytes; NULL */
const float *constant_floats(const Onnx__TensorProto *tensor);

/* pictures.c: reads JPEG and PNG files, and of a folder those in it in the order of their names, at most `limit`,
 * spread evenly. */
int pictures_read(char *const *paths, int n, int limit, int long_side, const struct infer_model *like,
    struct pictures *ret, struct error *err);
void pictures_finish(struct pictures *p);

/* ranges.c: runs the network over the pictures and sets the points' and layers' scales. */
int ranges_find(struct network *n, const struct pictures *p, const struct choice *activations,
    const struct choice *weights, int threads, struct error *err);
float quantize_weight(float w, float scale); /* the code, in [-127, 127] */

/* write.c: the file in which the chosen layers are quantized. The caller finishes the buffer. */
int write_network(const struct network *n, struct buffer *out, struct error *err);
/* The file with every point among its outputs, for ranges_find. */
int write_observed(const struct network *n, struct buffer *out, struct error *err);

/* measure.c: each layer's loss, and which of them stay real numbers. */
struct measure;
int measure_create(
    const struct network *n, const struct pictures *p, int threads, struct measure **ret, struct error *err);
void measure_destroy(struct measure *m);
/* The loss of the file in which n's chosen layers are quantized: the squared difference of each output to that in f32
 * as a share of the output's variance, averaged over the outputs. */
int measure_loss(struct measure *m, const struct network *n, double *ret_loss, struct error *err);
/* Every layer alone. */
int measure_layers(struct measure *m, struct network *n, struct error *err);

#endif
