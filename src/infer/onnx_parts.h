/* What the files of the ONNX reader share among themselves; see onnx_read.h for the way in. */
#ifndef OBSCURA_INFER_ONNX_PARTS_H
#define OBSCURA_INFER_ONNX_PARTS_H

#include "infer/graph.h"
#include "onnx.pb-c.h"

enum { /* TensorProto.DataType */
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16,
};

/* Reads a tensor's elements, wherever ONNX keeps them. The caller owns the result. */
int onnx_tensor_read(const Onnx__TensorProto *proto, struct tensor **ret_tensor, struct error *err);
/* The graph's type for an ONNX element type; -EOPNOTSUPP. */
int onnx_type(int onnx_type);

/* Fills `node`, whose inputs and outputs are set, from the proto's operator and attributes; may add constants to the
 * graph. `opset` is that of the default domain. */
int onnx_node_read(
    struct graph *graph, const Onnx__NodeProto *proto, int64_t opset, struct node *node, struct error *err);
/* Which operator it is and how many inputs and outputs it may have; -EOPNOTSUPP. */
int onnx_node_check(const Onnx__NodeProto *proto, enum op *ret_op, struct error *err);
/* The tensor of a Constant node. */
int onnx_constant_read(const Onnx__NodeProto *proto, struct tensor **ret_tensor, struct error *err);

#endif
