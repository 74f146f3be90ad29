"""Measures checkpoints on annotated photographs.

    python3 -m obscura_train.evaluate CHECKPOINT SET ... [--long 1024] [--second 384] [--op FACE PLATE] [--draw sheet.png]

prints for each set and type: AP50, recall by the object's smaller side in pixels, false positives a picture and mean mask IoU at the operating
point, and the score at which F2 (recall counts twice) is best: that score is what export's --op takes. --draw: a contact sheet of the pictures with
the most misses and false positives (upper half) and of the best ones (lower half).
"""
import argparse
import json
import os

import cv2
import numpy as np
import torch

from . import CATEGORIES, TASKS
from .formats import by_image
from .networks import load
from .predict import detect, overlaps

DEFAULT_OP = {"identity": 0.5, "scene": 0.4}        # the API's default thresholds
SIZES = ((16, "<16"), (32, "<32"), (64, "<64"), (float("inf"), ">=64"))


class Tally:
    """Matches of one type over a set."""

    def __init__(self):
        self.rows = []              # (score, correct) of every detection that counts
        self.objects = 0
        self.false = 0              # over the operating point
        self.by_size = {}           # bucket -> [found, all]
        self.mask_iou = []

    def average_precision(self):
        """Area under the precision-recall curve, precision made monotonous."""
        _, precision, recall = self.curve()
        if not len(recall):
            return 0.0
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0) * precision).sum())

    def curve(self):
        """Scores in falling order, with the precision and the recall down to each."""
        rows = sorted(self.rows, key=lambda r: -r[0])
        right = np.cumsum([r[1] for r in rows]) if rows else np.zeros(0)
        return np.array([r[0] for r in rows]), right / np.arange(1, len(rows) + 1), right / max(self.objects, 1)

    def best_f2(self):
        """Score, precision, recall where F2 is highest."""
        score, precision, recall = self.curve()
        if not len(score):
            return 0.0, 0.0, 0.0
        k = int((5 * precision * recall / np.maximum(4 * precision + recall, 1e-9)).argmax())
        return float(score[k]), float(precision[k]), float(recall[k])

    def recall(self):
        found, every = (sum(v[i] for v in self.by_size.values()) for i in (0, 1))
        return found / max(every, 1)


def corners(a):
    x, y, w, h = a["bbox"]
    return np.array([x, y, x + w, y + h])


def covered(box, others):
    """Whether more than half of the box lies in one of the others."""
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)
    return any((np.minimum(box[2:4], o[2:]) - np.maximum(box[:2], o[:2])).clip(0).prod() / area > 0.5 for o in others)


def drawn(polygons, height, width):
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(p).reshape(-1, 2)).astype(np.int32) for p in polygons if len(p) >= 6], 1)
    return mask > 0


def match(tally, found, cls, annotations, op, shape, iou=0.5):
    """Adds one picture's detections of a class to the tally; returns how many errors it has over the operating point."""
    ignored = [corners(a) for a in annotations if a.get("ignore") or a.get("iscrowd")]
    real = [a for a in annotations if not (a.get("ignore") or a.get("iscrowd"))]
    boxes = np.array([corners(a) for a in real]).reshape(-1, 4)
    free, hit, false = np.ones(len(real), bool), np.zeros(len(real), bool), 0
    tally.objects += len(real)
    mine = np.nonzero(found.boxes[:, 5] == cls)[0]
    for j in mine[np.argsort(-found.boxes[mine, 4], kind="stable")]:
        box, score = found.boxes[j, :4], found.boxes[j, 4]
        overlap = np.where(free, overlaps(box, boxes), -1) if len(real) else np.zeros(0)
        k = int(overlap.argmax()) if len(overlap) else -1
        if k >= 0 and overlap[k] >= iou:
            free[k] = False
            hit[k] |= score >= op
            tally.rows.append((score, 1))
            if found.coef is not None and isinstance(real[k].get("segmentation"), list):
                a, b = found.mask(j, *shape), drawn(real[k]["segmentation"], *shape)
                tally.mask_iou.append((a & b).sum() / max((a | b).sum(), 1))
        elif not covered(box, ignored):
            tally.rows.append((score, 0))
            false += score >= op
    tally.false += false
    for a, seen in zip(real, hit):
        bucket = tally.by_size.setdefault(next(name for limit, name in SIZES if min(a["bbox"][2:]) < limit), [0, 0])
        bucket[0] += seen
        bucket[1] += 1
    return int(false + (~hit).sum())


def thumbnail(bgr, found, annotations, ops, side=320):
    """The picture with labelled objects in green (ignored ones in grey) and detections over the operating points in red (class 0) and yellow."""
    bgr = bgr.copy()
    line = max(1, round(max(bgr.shape[:2]) / 300))
    for a in annotations:
        x1, y1, x2, y2 = (int(v) for v in corners(a))
        cv2.rectangle(bgr, (x1, y1), (x2, y2), (128, 128, 128) if a.get("ignore") else (0, 220, 0), line)
    for i, (x1, y1, x2, y2, score, cls) in enumerate(found.boxes):
        if score < ops[int(cls)]:
            continue
        colour = (0, 0, 255) if cls == 0 else (0, 255, 255)
        if found.coef is not None:
            m = found.mask(i, *bgr.shape[:2])
            bgr[m] = bgr[m] // 2 + np.array(colour, np.uint8) // 2
        cv2.rectangle(bgr, (int(x1), int(y1)), (int(x2), int(y2)), colour, line)
    f = side / max(bgr.shape[:2])
    small = cv2.resize(bgr, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)[:side, :side]
    tile = np.zeros((side, side, 3), np.uint8)
    tile[:small.shape[0], :small.shape[1]] = small
    return tile


def grid(tiles, columns):
    """Tiles of one size in rows of `columns`, the last row filled up with black."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i:i + columns]) for i in range(0, len(tiles), columns)])


def contact_sheet(tiles, columns=8, rows=3):
    """tiles: (errors, objects, tile). The pictures with the most errors above, those with the most objects and no error below."""
    worst = sorted(tiles, key=lambda t: -t[0])[:columns * rows]
    best = sorted((t for t in tiles if not t[0]), key=lambda t: -t[1])[:columns * rows]
    return grid([t[2] for t in worst + best], columns)


def measure(task, net, folder, long_side, second, ops, sheet=None):
    """Tallies of each class of the task that is labelled in the set, and the number of pictures."""
    with open(os.path.join(folder, "annotations.json")) as f:
        coco = json.load(f)
    labeled = coco["info"].get("labeled_categories") or [CATEGORIES[c] for c in TASKS[task]]
    classes = {i: c for i, c in enumerate(TASKS[task]) if CATEGORIES[c] in labeled}
    tallies, own, tiles = {i: Tally() for i in classes}, by_image(coco["annotations"]), []
    for image in coco["images"]:
        bgr = cv2.imread(os.path.join(folder, "images", image["file_name"]))
        found = detect(net, np.ascontiguousarray(bgr[:, :, ::-1]), long_side, second)
        mine = [a for a in own.get(image["id"], []) if a["category_id"] in classes.values()]
        errors = sum(match(tallies[i], found, i, [a for a in mine if a["category_id"] == c], ops[i], bgr.shape[:2]) for i, c in classes.items())
        if sheet:
            tiles.append((errors, len(mine), thumbnail(bgr, found, mine, ops)))
    if sheet:
        cv2.imwrite(sheet, contact_sheet(tiles))
    return {CATEGORIES[classes[i]]: t for i, t in tallies.items()}, len(coco["images"])


def report(folder, tallies, pictures):
    for name, t in tallies.items():
        sizes = " ".join(f"{k}: {v[0] / v[1]:.2f} of {v[1]}" for k, v in sorted(t.by_size.items()))
        masks = f"  mask IoU {np.mean(t.mask_iou):.3f} of {len(t.mask_iou)}" if t.mask_iou else ""
        print(f"{os.path.basename(folder.rstrip('/')):10} {name:13} objects {t.objects}  AP50 {t.average_precision():.3f}  recall {t.recall():.3f} ({sizes})"
              f"  false a picture {t.false / max(pictures, 1):.2f}{masks}")
        print(" " * 24, "best F2 at score {:.3f}: precision {:.3f} recall {:.3f}".format(*t.best_f2()), flush=True)


def main():
    p = argparse.ArgumentParser(prog="obscura_train.evaluate")
    p.add_argument("checkpoint")
    p.add_argument("sets", nargs="+")
    p.add_argument("--long", type=int, help="long side; 1024 for identity, 640 for scene")
    p.add_argument("--second", type=int, help="long side of a second pass; 384 for identity; 0: none")
    p.add_argument("--op", type=float, nargs=2, help="operating score of each class")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--draw", help="contact sheet to write (of the last set)")
    a = p.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(a.threads)
    task, net, _ = load(a.checkpoint)
    long_side = a.long or (1024 if task == "identity" else 640)
    second = a.second if a.second is not None else 384 if task == "identity" else 0
    ops = a.op or [DEFAULT_OP[task]] * 2
    for folder in a.sets:
        report(folder, *measure(task, net, folder, long_side, second, ops, a.draw))


if __name__ == "__main__":
    main()
