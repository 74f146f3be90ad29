"""Whether a network has learnt what was judged: how much of it, and of the objects, it finds in the pictures that it learns from.

    python3 -m obscura_train.recheck CHECKPOINT PACK [--op A B] [--px 96] [--source NAME] [--count 300]

For each class a sample of what was judged wrong and one of the objects, each shown at --px in the middle of a crop three times as large, unaugmented. A
line gives the part of either that gets a box over --op (IoU over .5), and the mean of the best scores. The first should be small, the second large; what a
threshold does to one it does to the other. A minute on one core: much less than a training that taught nothing.
"""
import argparse

import numpy as np
import torch

from . import TASKS
from .assign import OBJECT, WRONG
from .augment import warp
from .data import Crops
from .networks import load
from .predict import one_pass, overlaps

AROUND = 3.0            # a crop's side, in sides of what it shows
LEAST = 16              # px of a box's longer side in the pack


def shown(crops, i, box, px):
    """What is about a box (x1, y1, x2, y2) of picture i, so that its longer side is px: the crop, and the box in it."""
    x1, y1, x2, y2 = box
    size, scale = round(AROUND * px / 32) * 32, px / max(x2 - x1, y2 - y1)
    matrix = np.array([[scale, 0, size / 2 - scale * (x1 + x2) / 2], [0, scale, size / 2 - scale * (y1 + y2) / 2]])
    return warp(crops.picture(i), matrix, size), np.array(box) * scale + np.tile(matrix[:, 2], 2)


def best_scores(net, crops, rows, cls, px):
    """The best score of a box of the class over each of rows [(picture, box)], 0 where there is none."""
    scores = []
    for i, box in rows:
        picture, place = shown(crops, i, box, px)
        found = one_pass(net, picture, 1.0, 0.02).boxes
        found = found[found[:, 5] == cls]
        over = found[overlaps(place, found) > 0.5, 4]
        scores.append(over.max(initial=0))
    return np.array(scores)


def sample(crops, cls, kind, source, count, rng):
    """[(picture, box)] of a class; kind: OBJECT or WRONG."""
    rows = [(i, o[1:5]) for i, e in enumerate(crops.entries) if source in (None, e["src"])
            for o in e["anns"] if o[0] == cls and o[5] == kind and max(o[3] - o[1], o[4] - o[2]) >= LEAST]
    return [rows[k] for k in rng.permutation(len(rows))[:count]]


def main():
    p = argparse.ArgumentParser(prog="obscura_train.recheck")
    p.add_argument("checkpoint")
    p.add_argument("pack")
    p.add_argument("--op", type=float, nargs=2, default=(0.25, 0.25), help="score of each class from which it counts as found")
    p.add_argument("--px", type=float, default=96, help="px of the longer side that is shown")
    p.add_argument("--source", help="only this one of the pack")
    p.add_argument("--count", type=int, default=300, help="of each kind, at most")
    a = p.parse_args()
    torch.set_num_threads(1)
    task, net, _ = load(a.checkpoint)
    crops = Crops(task, a.pack)
    for cls in range(len(TASKS[task])):
        for kind, name in ((WRONG, "judged wrong"), (OBJECT, "objects")):
            rows = sample(crops, cls, kind, a.source, a.count, np.random.default_rng(1))
            scores = best_scores(net, crops, rows, cls, a.px)
            if len(scores):
                print(f"class {cls}: {len(scores)} {name}: {(scores > a.op[cls]).mean():.3f} found, mean score {scores.mean():.3f}", flush=True)


if __name__ == "__main__":
    main()
