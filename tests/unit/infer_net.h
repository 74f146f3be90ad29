/* Small ONNX networks for tests, made through the same protobuf structs that the reader uses, and run. */
#ifndef OBSCURA_TESTS_INFER_NET_H
#define OBSCURA_TESTS_INFER_NET_H

#include "unit.h"

#include <stdbool.h>

#include "base/error.h"
#include "infer/infer.h"
#include "onnx.pb-c.h"

struct net {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[1];
    void *owned[2048]; /* everything allocated for it */
    int n_owned;
};

void net_init(struct net *net, int opset); /* with the input "x" of any shape */
void net_finish(struct net *net);

void net_floats(struct net *net, const char *name, const float *data, int rank, const int64_t *dims);
/* 8-bit codes, type 2 (u8) or 3 (s8); rank 0: a scalar. */
void net_codes(struct net *net, const char *name, int type, const void *data, int rank, const int64_t *dims);
void net_ints(struct net *net, const char *name, const int64_t *data, int n); /* n -1: a scalar */
/* A node; inputs and outputs are names separated by commas, empty where absent. Attributes are added to the last node.
 */
void net_node(struct net *net, const char *op, const char *inputs, const char *outputs);
void net_attr_int(struct net *net, const char *name, int64_t value);
void net_attr_float(struct net *net, const char *name, float value);
void net_attr_text(struct net *net, const char *name, const char *value);
void net_attr_ints(struct net *net, const char *name, int n, const int64_t *values);
void net_output(struct net *net, const char *name);
void net_meta(struct net *net, const char *key, const char *value); /* of the file's metadata_props */

uint8_t *net_pack(struct net *net, size_t *ret_len); /* the file; to be freed */
int net_load(struct net *net, struct infer_model **ret_model, struct error *err);

/* A run in f32 on one thread: the first output as dense NCHW, to be freed, with its sizes. Fails the test on any error.
 */
float *net_run(struct net *net, const float *x, const int dims[4], int ret_dims[4]);
/* The same in another precision. */
float *net_run_in(struct net *net, enum infer_precision precision, const float *x, const int dims[4], int ret_dims[4]);

float noise(unsigned *state); /* in [-1, 1), the same in every run */
float *noise_array(size_t n, unsigned seed);
void assert_close(const float *got, const float *want, size_t n, float tolerance); /* relative to 1 or the value */

#endif
