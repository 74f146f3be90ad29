"""YOLOX as a teacher of persons and vehicles: what it scores, where, and by which features."""
import torch

from . import PERSON, VEHICLE
from .assign import grid_points
from .graph import Graph
from .networks import STRIDES

CLASSES = {PERSON: [0], VEHICLE: [2, 3, 5, 6, 7]}   # COCO's: person; car, motorcycle, bus, train, truck
PREDICTORS = ("head.cls_preds.{}.weight", "head.reg_preds.{}.weight")       # the convolutions whose inputs are its last features


class Yolox(Graph):
    """Its output: (B, A, 85): x, y, log w, log h in strides, objectness, COCO's 80 classes."""

    def __init__(self, model, device="cpu"):
        super().__init__(model, device)
        features = {i[1]: i[0] for kind, i, *_ in self.nodes if kind == "Conv"}
        self.features = [[features[p.format(k)] for p in PREDICTORS] for k in range(len(STRIDES))]
        self.channels = [sum(len(self.weights[p.format(k)][0]) for p in PREDICTORS) for k in range(len(STRIDES))]
        self.keep(*(name for level in self.features for name in level))

    def __call__(self, pixels):
        """pixels (B, 3, H, W) uint8, RGB, of multiples of 32. Returns scores (B, A, classes) in 0..1, boxes (B, A, 4) in pixels, and a level's features
        (B, C, h, w)."""
        rows, values = self.run(pixels.flip(1).float().contiguous(memory_format=torch.channels_last))
        features = [torch.cat([values[name] for name in level], 1) for level in self.features]
        scores = torch.stack([rows[..., 4] * rows[..., [5 + c for c in classes]].amax(-1) for classes in CLASSES.values()], -1)
        centres, strides = grid_points([f.shape[2:] for f in features], rows.device)
        middle, half = centres + (rows[..., :2] - 0.5) * strides[:, None], rows[..., 2:4].exp() * strides[:, None] / 2
        return scores, torch.cat([middle - half, middle + half], -1), features
