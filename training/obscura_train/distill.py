"""A teacher for the scene network while it trains: it sees every crop, and says for each grid point what it would.

Labels name the objects of a picture; a teacher also says how sure it is, where it is almost wrong, and shows the features by which it knows. The
scores and boxes it would give enter the detection loss (losses.py); its last features are imitated through one 1x1 convolution a level, by
correlation, whatever their scale (Cao et al., PKD, 2022). Nothing of the teacher stays in the trained network.
"""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

from .assign import grid_points
from .label_scene import CLASSES
from .networks import STRIDES

OUTPUT = "output"                                   # of YOLOX: (B, A, 85), x, y, log w, log h in strides, objectness, COCO's 80 classes
PREDICTORS = ("head.cls_preds.{}.weight", "head.reg_preds.{}.weight")       # the convolutions whose inputs are its last features


def _attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _fuse_silu(nodes):
    """Sigmoid and the Mul by its own input become one, which PyTorch does in one pass."""
    gates = {output: inputs[0] for kind, inputs, output, _ in nodes if kind == "Sigmoid"}
    fused = [("SiLU", [x[0]], output, a) if kind == "Mul" and gates.get(x[1]) == x[0] else (kind, x, output, a) for kind, x, output, a in nodes]
    used = {name for _, inputs, *_ in fused for name in inputs}
    return [n for n in fused if n[0] != "Sigmoid" or n[2] in used]


class Yolox:
    """YOLOX as ONNX, run by PyTorch at any size that is a multiple of 32, on many crops at once."""

    def __init__(self, model, device="cpu"):
        """model: the file's bytes."""
        graph = onnx.load_model_from_string(model).graph
        self.weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()).to(device) for t in graph.initializer}
        self.nodes = _fuse_silu([(n.op_type, list(n.input), n.output[0], _attributes(n)) for n in graph.node])
        self.input = next(i.name for i in graph.input if i.name not in self.weights)
        features = {i[1]: i[0] for kind, i, *_ in self.nodes if kind == "Conv"}
        self.features = [[features[p.format(k)] for p in PREDICTORS] for k in range(len(STRIDES))]
        self.channels = [sum(len(self.weights[p.format(k)][0]) for p in PREDICTORS) for k in range(len(STRIDES))]
        last = {name: k for k, (_, inputs, *_) in enumerate(self.nodes) for name in inputs}
        kept = {name for level in self.features for name in level}
        self.done = [[name for name in set(inputs) if last[name] == k and name not in kept] for k, (_, inputs, *_) in enumerate(self.nodes)]

    def _node(self, kind, x, a):
        if kind == "Conv":
            return F.conv2d(x[0], x[1], x[2], a["strides"], a["pads"][:2], groups=a.get("group", 1))
        if kind == "Slice":
            starts, ends, axes, steps = (t.tolist() for t in x[1:5])
            cut = [slice(None)] * x[0].ndim
            for start, end, axis, step in zip(starts, ends, axes, steps):
                cut[axis] = slice(start, end, step)
            return x[0][cut]
        return {"Sigmoid": lambda: x[0].sigmoid(),
                "SiLU": lambda: F.silu(x[0], inplace=True),
                "Add": lambda: x[0] + x[1],
                "Concat": lambda: torch.cat(x, a["axis"]),
                "MaxPool": lambda: F.max_pool2d(x[0], a["kernel_shape"], a["strides"], a["pads"][:2]),
                "Resize": lambda: F.interpolate(x[0], scale_factor=2.0, mode="nearest"),
                "Reshape": lambda: x[0].flatten(2),
                "Transpose": lambda: x[0].permute(*a["perm"])}[kind]()

    @torch.no_grad()
    def __call__(self, pixels):
        """pixels (B, 3, S, S) uint8, RGB. Returns scores (B, A, classes) in 0..1, boxes (B, A, 4) in pixels, and a level's features (B, C, h, w)."""
        values = {self.input: pixels.flip(1).float().contiguous(memory_format=torch.channels_last)}
        for (kind, inputs, output, attributes), done in zip(self.nodes, self.done):
            x = [values.get(name, self.weights.get(name)) for name in inputs]
            values[output] = self._node(kind, x, attributes)
            for name in done:
                values.pop(name, None)
        features = [torch.cat([values[name] for name in level], 1) for level in self.features]
        rows = values[OUTPUT]
        scores = torch.stack([rows[..., 4] * rows[..., [5 + c for c in classes]].amax(-1) for classes in CLASSES.values()], -1)
        centres, strides = grid_points([f.shape[2:] for f in features], rows.device)
        middle, half = centres + (rows[..., :2] - 0.5) * strides[:, None], rows[..., 2:4].exp() * strides[:, None] / 2
        return scores, torch.cat([middle - half, middle + half], -1), features


def _standard(x):
    """(B, C, h, w) to (C, B h w), each row of mean 0 and norm 1."""
    x = x.transpose(0, 1).flatten(1).float()
    return F.normalize(x - x.mean(1, keepdim=True), dim=1)


class Imitation(nn.Module):
    """Keeps the features of `net`'s last forward pass, and compares them with the teacher's."""

    def __init__(self, net, channels):
        """channels: of the teacher's features at each level."""
        super().__init__()
        self.adapters = nn.ModuleList([nn.Conv2d(tower.conv.out_channels, c, 1) for tower, c in zip(net.tower, channels)])
        self.seen = [None] * len(net.tower)
        for k, tower in enumerate(net.tower):
            tower.register_forward_hook(lambda _module, _input, output, k=k: self._keep(k, output))

    def _keep(self, k, output):
        if output.requires_grad:
            self.seen[k] = output

    def forward(self, features):
        """1 - correlation, averaged over channels and levels: 0..2."""
        loss = 0
        for adapter, mine, wanted in zip(self.adapters, self.seen, features):
            loss = loss + (1 - (_standard(adapter(mine)) * _standard(wanted)).sum(1)).mean()
        return loss / len(features)
