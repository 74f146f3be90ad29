/* Joining nodes of a shaped graph, so that what a convolution (or another heavy node) makes is finished before it
 * leaves the cache. */
#ifndef OBSCURA_INFER_GRAPH_FUSE_H
#define OBSCURA_INFER_GRAPH_FUSE_H

#include "infer/graph.h"

/* x * sigmoid(x) becomes one activation; activations and additions of values of the same shape become posts of the node
 * that makes their input, where nobody else reads that input. */
int graph_fuse(struct graph *graph, struct error *err);

#endif
