"""What the networks that label for us have in common: how a picture meets them, how boxes [x, y, w, h] meet, and how their finds enter a folder."""
import argparse
import contextlib
import json
import os

import cv2
import numpy as np
import torch

from .formats import by_image
from .snapshots import Snapshot


def read_teacher(snapshots, teacher):
    """The bytes of a teacher's ONNX file; teacher: its repository and path."""
    return Snapshot(snapshots, teacher[0]).read(teacher[1])


def letterbox(bgr, side, pad):
    """The picture as a teacher's input of side x side px: scaled to fit, at the top left, the rest `pad`; and the scale."""
    s = side / max(bgr.shape[:2])
    small = cv2.resize(bgr, None, fx=s, fy=s, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR)[:side, :side]
    padded = np.full((side, side, 3), pad, np.uint8)
    padded[:small.shape[0], :small.shape[1]] = small
    return padded, s


def intersection(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0)


def overlap(a, b):
    """Intersection over the smaller of two boxes."""
    return intersection(a, b) / max(min(a[2] * a[3], b[2] * b[3]), 1e-9)


def same(a, b):
    """Whether two boxes are of one thing: an IoU over .4."""
    both = intersection(a, b)
    return both > 0.4 * (a[2] * a[3] + b[2] * b[3] - both)


def share(a, b):
    """The part of box a that lies in box b."""
    return intersection(a, b) / max(a[2] * a[3], 1e-9)


@contextlib.contextmanager
def annotations_of(folder):
    """A folder's annotations.json, as collect writes it, to be changed; written back as a whole at the end, its annotations numbered anew."""
    path = os.path.join(folder, "annotations.json")
    with open(path) as f:
        coco = json.load(f)
    yield coco
    for number, a in enumerate(coco["annotations"]):
        a["id"] = number
    with open(path + ".tmp", "w") as f:
        json.dump(coco, f)
    os.replace(path + ".tmp", path)


def read_image(folder, image):
    return cv2.imread(os.path.join(folder, "images", image["file_name"]))


def finding(image, category, box, ignore, score):
    """The annotation of a find, cut to the picture, still without a number; None outside it."""
    x, y, w, h = box
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w, image["width"]), min(y + h, image["height"])
    if x2 - x1 < 1 or y2 - y1 < 1:
        return None
    return dict(image_id=image["id"], category_id=category, iscrowd=0, ignore=int(ignore), bbox=[round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)],
                teacher=round(score, 3))


def report(folder, images, added):
    unsure = sum(a["ignore"] for a in added)
    print(f"{folder}: {len(images)} images, added {len(added) - unsure} objects and {unsure} unsure ones", flush=True)


def relabel(folder, categories, find, every=1):
    """Puts a teacher's finds of these categories in the place of its earlier ones, in a folder as collect writes it, or in every `every`th picture.

    find(bgr, image, own, by_source) yields (category, box, ignore, score) of a picture, and names in image["labeled"] what is then exhaustively
    labelled; own: the picture's annotations by others; by_source: names of the types that the folder's source labels itself."""
    with annotations_of(folder) as coco:
        coco["annotations"] = [a for a in coco["annotations"] if not ("teacher" in a and a["category_id"] in categories)]
        by_source = coco.get("info", {}).get("labeled_categories", [])
        own, new, looked_at = by_image(coco["annotations"]), [], coco["images"][::every]
        for image in looked_at:
            finds = find(read_image(folder, image), image, own.get(image["id"], []), by_source)
            new += filter(None, (finding(image, *about) for about in finds))
        coco["annotations"] += new
    report(folder, looked_at, new)


def relabelling(categories, find):
    """A `label` for main: relabel, with a find that takes the teacher first."""
    return lambda teacher, folder, every: relabel(folder, categories, lambda *about: find(teacher, *about), every)


def main(program, source, load, label):
    """A command that labels folders. load(SOURCE) makes the teacher of what its first argument names; label(teacher, folder, every) does one folder."""
    p = argparse.ArgumentParser(prog=program)
    p.add_argument("source", metavar=source)
    p.add_argument("folders", nargs="+", metavar="DIR[:EVERY]")
    a = p.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(2)        # with one, PyTorch 1.13 does convolutions of small batches without oneDNN, six times slower
    teacher = load(a.source)
    for folder in a.folders:
        folder, _, every = folder.partition(":")
        label(teacher, folder, int(every or 1))
