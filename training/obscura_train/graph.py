"""Runs an ONNX graph by PyTorch: the networks that teach ours, at any size, many pictures at once, with their features if wanted.

Knows what those networks use, no more; an operator it does not know is a KeyError that names it.
"""
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def _attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _fuse_silu(nodes):
    """Sigmoid and the Mul by its own input become one, which PyTorch does in one pass."""
    gates = {output: inputs[0] for kind, inputs, output, _ in nodes if kind == "Sigmoid"}
    fused = [("SiLU", [x[0]], output, a) if kind == "Mul" and gates.get(x[1]) == x[0] else (kind, x, output, a) for kind, x, output, a in nodes]
    used = {name for _, inputs, *_ in fused for name in inputs}
    return [n for n in fused if n[0] != "Sigmoid" or n[2] in used]


def _conv(x, a):
    return F.conv2d(x[0], x[1], x[2], a["strides"], a["pads"][:2], a.get("dilations", 1), a.get("group", 1))


def _slice(x, _a):
    starts, ends, axes, steps = (t.tolist() for t in x[1:5])
    cut = [slice(None)] * x[0].ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        cut[axis] = slice(start, end, step)
    return x[0][cut]


def _upsample(x, _a):
    """TensorFlow's, as tf2onnx writes it: corners meet."""
    size = [round(n * s) for n, s in zip(x[0].shape[2:], x[1].tolist()[2:])]
    return F.interpolate(x[0], size, mode="bilinear", align_corners=True)


OPERATORS = {
    "Conv": _conv,
    "Slice": _slice,
    "Upsample": _upsample,
    "Sigmoid": lambda x, a: x[0].sigmoid(),
    "SiLU": lambda x, a: F.silu(x[0], inplace=True),
    "Relu": lambda x, a: x[0].relu(),
    "Clip": lambda x, a: x[0].clamp(a["min"], a["max"]),
    "Add": lambda x, a: x[0] + x[1],
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "MaxPool": lambda x, a: F.max_pool2d(x[0], a["kernel_shape"], a["strides"], a["pads"][:2]),
    "AveragePool": lambda x, a: F.avg_pool2d(x[0], a["kernel_shape"], a["strides"]),
    "Resize": lambda x, a: F.interpolate(x[0], scale_factor=2.0, mode="nearest"),
    "Reshape": lambda x, a: x[0].flatten(2),
    "Transpose": lambda x, a: x[0].permute(*a["perm"]),
}


class Graph:
    """A network of one input and one output."""

    def __init__(self, model, device="cpu"):
        """model: the file's bytes."""
        graph = onnx.load_model_from_string(model).graph
        self.weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()).to(device) for t in graph.initializer}
        self.nodes = _fuse_silu([(n.op_type, list(n.input), n.output[0], _attributes(n)) for n in graph.node])
        self.input = next(i.name for i in graph.input if i.name not in self.weights)
        self.output = graph.output[0].name
        self.keep()

    def keep(self, *names):
        """Inner values that are returned with the output."""
        self.kept = {self.output, *names}
        last = {name: k for k, (_, inputs, *_) in enumerate(self.nodes) for name in inputs}
        self.done = [[name for name in set(inputs) if last[name] == k and name not in self.kept] for k, (_, inputs, *_) in enumerate(self.nodes)]

    @torch.no_grad()
    def run(self, x):
        """x: what the input takes, whatever the batch and the size. Returns the output, and a dict of all kept values by name."""
        values = {self.input: x}
        for (kind, inputs, output, attributes), done in zip(self.nodes, self.done):
            values[output] = OPERATORS[kind]([values.get(name, self.weights.get(name)) for name in inputs], attributes)
            for name in done:
                values.pop(name, None)
        return values[self.output], values
