"""Runs a network on a picture: the reference for preprocessing, decoding and suppression that the C program has to match.

The program then lets its passes agree on scores (../src/detect/nms.c) and enlarges boxes (export.py, --enlarge); here both stay as the network gives
them.
"""
import cv2
import numpy as np
import torch

from . import MEAN, PAD, SCALE
from .networks import PROTO_STRIDE, STRIDES

MULTIPLE = 32           # inputs are padded right and below to a multiple of this
CANDIDATES = 3000       # of a class, at most, before suppression
SECOND_PASS_MIN = 48    # a second, smaller pass gives only boxes over this many of its pixels


class Detections:
    """boxes (N, 6): x1, y1, x2, y2 in the picture's pixels, score, class. coef (N, K) and proto (K, h, w) where the network gives masks."""

    def __init__(self, boxes, coef=None, proto=None, scale=1.0):
        self.boxes, self.coef, self.proto, self.scale = boxes, coef, proto, scale

    def __len__(self):
        return len(self.boxes)

    def mask(self, i, height, width):
        """Detection i's mask in the picture of height x width: bool, false outside its box."""
        logits = np.tensordot(self.coef[i], self.proto, 1)
        p = 1 / (1 + np.exp(-logits))
        p = cv2.resize(p, (p.shape[1] * PROTO_STRIDE, p.shape[0] * PROTO_STRIDE))
        p = cv2.resize(p[:round(height * self.scale), :round(width * self.scale)], (width, height))
        x1, y1, x2, y2 = (int(v) for v in (self.boxes[i, 0], self.boxes[i, 1], self.boxes[i, 2] + 1, self.boxes[i, 3] + 1))
        mask = np.zeros((height, width), bool)
        mask[max(y1, 0):y2, max(x1, 0):x2] = p[max(y1, 0):y2, max(x1, 0):x2] > 0.5
        return mask


def to_input(rgb, scale):
    """(1, 3, H, W) float tensor of the scaled, padded picture, and its unpadded width and height."""
    h, w = rgb.shape[:2]
    nw, nh = max(1, round(w * scale)), max(1, round(h * scale))
    if scale != 1:
        rgb = cv2.resize(rgb, (nw, nh), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    up = lambda v: -(-v // MULTIPLE) * MULTIPLE
    padded = np.full((up(nh), up(nw), 3), PAD, np.float32)
    padded[:nh, :nw] = rgb
    return torch.from_numpy((padded.transpose(2, 0, 1)[None] - MEAN) * SCALE), nw, nh


@torch.no_grad()
def one_pass(net, rgb, scale, threshold):
    """All detections over the threshold at one scale, not yet suppressed, in the picture's pixels."""
    x, nw, nh = to_input(rgb, scale)
    output = net(x)
    boxes, coef = [np.zeros((0, 6), np.float32)], []
    for i, stride in enumerate(STRIDES):
        score, distance = output[0][i][0].sigmoid(), output[1][i][0]
        cls, y, x = (score > threshold).nonzero(as_tuple=True)
        cx, cy, d = (x + 0.5) * stride, (y + 0.5) * stride, distance[:, y, x] * stride
        found = torch.stack([(cx - d[0]).clamp(0, nw), (cy - d[1]).clamp(0, nh), (cx + d[2]).clamp(0, nw), (cy + d[3]).clamp(0, nh),
                             score[cls, y, x], cls.float()], 1).numpy()
        found[:, :4] /= scale
        boxes.append(found)
        if len(output) > 2:
            coef.append(output[2][i][0][:, y, x].t().numpy())
    boxes = np.concatenate(boxes)
    return Detections(boxes, np.concatenate(coef), output[3][0].numpy(), scale) if coef else Detections(boxes)


def suppress(boxes, iou=0.5):
    """Indices that greedy suppression keeps, class by class."""
    kept = []
    for cls in np.unique(boxes[:, 5]):
        order = np.nonzero(boxes[:, 5] == cls)[0]
        order = order[np.argsort(-boxes[order, 4], kind="stable")][:CANDIDATES]
        while len(order):
            best, rest = order[0], order[1:]
            kept.append(best)
            order = rest[overlaps(boxes[best], boxes[rest]) < iou]
    return np.array(kept, int)


def overlaps(box, boxes):
    """IoU of one box with (N, 4+) boxes."""
    size = np.minimum(box[2:4], boxes[:, 2:4]) - np.maximum(box[:2], boxes[:, :2])
    inter = size.clip(0).prod(1)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inter / (area(box) + area(boxes) - inter + 1e-9)


def detect(net, rgb, long_side, second=0, threshold=0.02):
    """Detections of a picture scaled to `long_side` (never enlarged). second: long side of one more pass, for large objects (boxes only)."""
    longest = max(rgb.shape[:2])
    scale = min(1.0, long_side / longest)
    found = one_pass(net, rgb, scale, threshold)
    if second and found.coef is None and second / longest < 0.7 * scale:
        more = one_pass(net, rgb, second / longest, threshold).boxes
        large = (more[:, 2:4] - more[:, :2]).max(1, initial=0) * second / longest > SECOND_PASS_MIN
        found.boxes = np.concatenate([found.boxes, more[large]])
    kept = suppress(found.boxes)
    return Detections(found.boxes[kept], None if found.coef is None else found.coef[kept], found.proto, found.scale)
