/* Simplifying a graph where no shapes are needed: once, when it is loaded. */
#ifndef OBSCURA_INFER_GRAPH_FOLD_H
#define OBSCURA_INFER_GRAPH_FOLD_H

#include "infer/graph.h"

/* Batch normalization and arithmetic with a constant for each channel go into the weights of the convolution before
 * them; the factors of Gemm into its matrices. The graph must have been through graph_shape. -ENOMEM and the like. */
int graph_fold(struct graph *graph, struct error *err);

#endif
