"""Turns a checkpoint into the ONNX file that obscura loads.

    python3 -m obscura_train.export CHECKPOINT OUT.onnx [--op FACE PLATE] [--enlarge FACE PLATE] [--half CHECKPOINT.pt]

Folds batch normalization into the convolutions, shifts the logits so that each class's operating score (--op, from evaluate) becomes the API's
default threshold, describes the file in its metadata_props (obscura.*), and writes OUT.golden.json: outputs for a synthetic input, by
which any other engine is checked. --enlarge: the factor by which the program makes each class's boxes larger (one that
fits best leaves the object's edge open as often as not; one a little too large does not, and its IoU hardly falls). --half: the averaged weights alone, in half precision, to go on from.
"""
import argparse
import datetime
import json
import math
import os

import numpy as np
import onnx
import torch
from torch import nn

from . import CATEGORIES, MEAN, PAD, SCALE, TASKS
from .average import kept
from .evaluate import DEFAULT_OP
from .networks import CONFIGS, PROTO_STRIDE, STRIDES, ConvBN, load
from .predict import MULTIPLE

OPSET = 13
GOLDEN_SIZES = ((256, 320), (416, 640))


def fold_batch_norm(net):
    """Replaces each convolution and its normalization by one convolution with a bias, in place."""
    for m in net.modules():
        if not isinstance(m, ConvBN):
            continue
        conv, bn = m.conv, m.bn
        factor = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=True)
        folded.weight.data = conv.weight.data * factor[:, None, None, None]
        folded.bias.data = bn.bias.data - bn.running_mean * factor
        m.conv, m.bn = folded, nn.Identity()
    return net


def shift_logits(net, task, operating):
    """Adds to each class's logits what makes its operating score the API's default threshold."""
    logit = lambda p: math.log(p / (1 - p))
    shift = torch.tensor([logit(DEFAULT_OP[task]) - logit(p) for p in operating])
    for head in net.cls:
        head.bias.data += shift


class Flat(nn.Module):
    """The network with its outputs as one flat tuple, in the order of output_names()."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        output = self.net(x)
        heads, proto = (output[:3], output[3:]) if self.net.masks else (output, ())
        return (*[t for level in zip(*heads) for t in level], *proto)


def output_names(task):
    masks = CONFIGS[task].get("masks", 0)
    kinds = ("cls", "box", "coef") if masks else ("cls", "box")
    return [f"{k}_{s}" for s in STRIDES for k in kinds] + (["proto"] if masks else [])


def golden_input(h, w):
    """(1, 3, h, w): v(c, y, x) = (7x + 13y + 29c + (xy mod 17)) mod 256, normalized."""
    y, x = np.mgrid[0:h, 0:w]
    v = np.stack([(x * 7 + y * 13 + c * 29 + (x * y) % 17) % 256 for c in range(3)]).astype(np.float32)
    return torch.from_numpy((v - MEAN) * SCALE)[None]


def golden_outputs(net, names):
    """Shape, means, maximum and five values of each output, for each of the golden sizes."""
    golden = {}
    for h, w in GOLDEN_SIZES:
        with torch.no_grad():
            outputs = net(golden_input(h, w))
        golden[f"{h}x{w}"] = found = {}
        for name, t in zip(names, outputs):
            t = t[0]
            c, th, tw = t.shape
            points = [(0, 0, 0), (c - 1, th - 1, tw - 1), (c // 2, th // 2, tw // 2), (0, th // 3, tw // 4), (c - 1, th // 4, tw - 2)]
            found[name] = dict(shape=[c, th, tw], mean=float(t.mean()), abs_mean=float(t.abs().mean()), max=float(t.max()),
                               at=[[*p, float(t[p])] for p in points])
    return dict(input="v(c,y,x) = (x*7 + y*13 + c*29 + (x*y)%17) % 256 in RGB, then (v - 127.5) / 64", shapes={}, outputs=golden)


def metadata(task, iterations, enlarge):
    return dict(name=task, classes=",".join(CATEGORIES[c] for c in TASKS[task]), head="distance", strides=",".join(map(str, STRIDES)), color="RGB",
                mean=str(MEAN), scale=str(SCALE), pad=str(PAD), multiple=str(MULTIPLE), enlarge=",".join(f"{v:.2f}" for v in enlarge), masks=str(CONFIGS[task].get("masks", 0)),
                proto_stride=str(PROTO_STRIDE), trained=datetime.date.today().isoformat(), iterations=str(iterations))


def write_onnx(net, task, path, about):
    names = output_names(task)
    axes = {n: {2: n + "_h", 3: n + "_w"} for n in names}
    axes["image"] = {2: "height", 3: "width"}
    torch.onnx.export(net, torch.zeros(1, 3, 256, 320), path, input_names=["image"], output_names=names, dynamic_axes=axes, opset_version=OPSET)
    model = onnx.load(path)
    model.producer_name = "obscura-training"
    del model.metadata_props[:]
    for key, value in about.items():
        model.metadata_props.add(key="obscura." + key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return sorted({n.op_type for n in model.graph.node})


def export(checkpoint, out, operating=None, half=None, enlarge=(1.0, 1.0)):
    """Writes OUT.onnx, OUT.golden.json and perhaps the half-precision checkpoint; returns the kinds of operations in the file."""
    task, net, state = load(checkpoint)
    if half:
        halve = lambda weights: {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
        weights = halve(state["ema"])
        torch.save(dict({k: halve(v) for k, v in kept(state).items()}, ema=weights, model=weights, it=state["it"], task=task), half)
    fold_batch_norm(net)
    if operating:
        shift_logits(net, task, operating)
    flat = Flat(net).eval()
    kinds = write_onnx(flat, task, out, metadata(task, state["it"], enlarge))
    with open(os.path.splitext(out)[0] + ".golden.json", "w") as f:
        json.dump(golden_outputs(flat, output_names(task)), f, indent=1)
    return kinds


def main():
    p = argparse.ArgumentParser(prog="obscura_train.export")
    p.add_argument("checkpoint")
    p.add_argument("out", help="the .onnx file to write")
    p.add_argument("--op", type=float, nargs=2, help="score of each class that becomes its default threshold")
    p.add_argument("--enlarge", type=float, nargs=2, default=(1.0, 1.0), help="factor of each class's boxes' sides")
    p.add_argument("--half", help="checkpoint to write with the averaged weights in half precision")
    a = p.parse_args()
    kinds = export(a.checkpoint, a.out, a.op, a.half, a.enlarge)
    print(f"{a.out}: {os.path.getsize(a.out) / 1e6:.1f} MB, made of {', '.join(kinds)}")


if __name__ == "__main__":
    main()
