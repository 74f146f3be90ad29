/* Quantized networks in ONNX's form: QuantizeLinear and DequantizeLinear around nodes that compute with real numbers.
 */
#ifndef OBSCURA_INFER_GRAPH_QUANT_H
#define OBSCURA_INFER_GRAPH_QUANT_H

#include "infer/graph.h"

/* Replaces each QuantizeLinear, together with the DequantizeLinear nodes that read it. With `codes`, where there is no
 * zero point, the value is marked to be kept as 8-bit codes (value.code_scale); otherwise a clip to the range of the
 * codes is left: the rounding was only a means. Pairs that do not fit together, or have a scale for each channel, stay.
 * To be run before the first graph_shape. Returns how many values are marked, or -ENOMEM. */
int graph_quant(struct graph *graph, bool codes);

#endif
