/* One detection network: an ONNX file of which the metadata (`obscura.*`) and the outputs have been checked. */
#ifndef OBSCURA_DETECT_NETWORK_H
#define OBSCURA_DETECT_NETWORK_H

#include "base/error.h"
#include "detect/head.h"
#include "infer/infer.h"

#define NETWORK_MAX_CLASSES 80
#define NETWORK_MAX_LEVELS 8

struct network {
    struct infer_model *model;      /* owned */
    const char *name;               /* file name, for messages; borrowed */
    int types[NETWORK_MAX_CLASSES]; /* of each class: enum object_type, -1 where the program has no such type */
    int class_count;
    unsigned type_bits;              /* of all classes */
    int strides[NETWORK_MAX_LEVELS]; /* px of the input a cell */
    int level_count;
    float mean, scale;                  /* a sample becomes (v - mean) * scale */
    int pad;                            /* 0..255, the value around the picture */
    int multiple;                       /* sides of the input are multiples of it */
    float enlarge[NETWORK_MAX_CLASSES]; /* of each class: a found box's sides are multiplied by it, about its centre */
    int enlarge_count;                  /* classes of which the file says it */
    int coefs;                          /* mask coefficients; 0: no masks */
    int proto_stride;                   /* px of the input for each prototype px */
};

struct network_outputs {
    struct head_level levels[NETWORK_MAX_LEVELS];
    const struct infer_output *proto; /* NULL without masks */
};

/* Reads and checks a network, running it once on a small grey picture. `name` must stay. -EINVAL names what is missing
 * or wrong in the file. */
int network_create(const char *name, const void *data, size_t len, const struct infer_options *options,
    struct network **ret_network, struct error *err);
void network_destroy(struct network *n); /* NULL-safe */

/* Runs it on a padded picture (mean and scale are filled in here). The outputs last until the next run. */
int network_run(
    struct network *n, const struct infer_picture *picture, struct network_outputs *ret_outputs, struct error *err);

#endif
