"""Finds the faces that a source leaves unlabelled.

    python3 -m obscura_train.label_faces SNAPSHOTS DIR ...      (DIR as collect writes it)

Without this, a source of number plates teaches that its drivers' faces are background, or, left out of the loss, that wheels and lamps are faces.
The teacher is YuNet (a snapshot of it), run at 640 px by OpenCV. Sure finds become objects, unsure ones ignored regions; both carry "teacher": score.
Only the labels are used: the teacher's weights are no part of ours.
"""
import argparse
import json
import os

import cv2
import numpy as np

from . import FACE
from .snapshots import Snapshot
from .sources import TEACHER
from .teachers import intersection, show

SURE, UNSURE, MIN_PX = 0.72, 0.5, 8
SIDE, STRIDES = 640, (8, 16, 32)
OUTPUTS = [f"{kind}_{s}" for kind in ("cls", "obj", "bbox") for s in STRIDES]


def load_teacher(snapshots):
    weights = Snapshot(snapshots, TEACHER).read("onnx/yunet_n_640_640.onnx")
    return cv2.dnn.readNetFromONNX(np.frombuffer(weights, np.uint8))


def find_faces(teacher, bgr):
    """[([x, y, w, h], score)] in the picture's pixels."""
    s = show(teacher, bgr, SIDE, 0)
    out = dict(zip(OUTPUTS, teacher.forward(OUTPUTS)))
    boxes, scores = [], []
    for stride in STRIDES:
        score = np.sqrt(np.clip(out[f"cls_{stride}"].ravel(), 0, 1) * np.clip(out[f"obj_{stride}"].ravel(), 0, 1))
        box, n = out[f"bbox_{stride}"].reshape(-1, 4), SIDE // stride
        for i in np.nonzero(score > UNSURE)[0]:
            cx, cy = (i % n + box[i, 0]) * stride, (i // n + box[i, 1]) * stride
            w, h = np.exp(box[i, 2:]) * stride
            boxes.append([float(v / s) for v in (cx - w / 2, cy - h / 2, w, h)])
            scores.append(float(score[i]))
    kept = np.array(cv2.dnn.NMSBoxes(boxes, scores, UNSURE, 0.45)).ravel() if boxes else []
    return [(boxes[int(i)], scores[int(i)]) for i in kept]


def overlap(a, b):
    """Intersection over the smaller of two boxes [x, y, w, h]."""
    return intersection(a, b) / max(min(a[2] * a[3], b[2] * b[3]), 1e-9)


def label(teacher, folder):
    """Adds the faces to one folder; they are then exhaustively labelled in it, and plates too where no persons are (a source of faces has none)."""
    path = os.path.join(folder, "annotations.json")
    with open(path) as f:
        coco = json.load(f)
    coco["annotations"] = [a for a in coco["annotations"] if not ("teacher" in a and a["category_id"] == FACE)]
    known, new = {}, []
    for a in coco["annotations"]:
        if a["category_id"] == FACE:
            known.setdefault(a["image_id"], []).append(a["bbox"])
    for image in coco["images"]:
        bgr = cv2.imread(os.path.join(folder, "images", image["file_name"]))
        for box, score in find_faces(teacher, bgr):
            if any(overlap(box, b) > 0.5 for b in known.get(image["id"], [])):
                continue
            new.append(dict(id=len(coco["annotations"]) + len(new), image_id=image["id"], category_id=FACE, bbox=[round(v, 1) for v in box], iscrowd=0,
                            ignore=int(score < SURE or min(box[2:]) < MIN_PX), teacher=round(score, 3)))
        if "person" not in coco["info"]["labeled_categories"]:
            image["labeled"] = sorted({*image["labeled"], "face", "license-plate"})
    coco["annotations"] += new
    with open(path, "w") as f:
        json.dump(coco, f)
    unsure = sum(a["ignore"] for a in new)
    print(f"{folder}: {len(coco['images'])} images, added {len(new) - unsure} faces and {unsure} unsure ones", flush=True)


def main():
    p = argparse.ArgumentParser(prog="obscura_train.label_faces")
    p.add_argument("snapshots")
    p.add_argument("folders", nargs="+")
    a = p.parse_args()
    cv2.setNumThreads(1)
    teacher = load_teacher(a.snapshots)
    for folder in a.folders:
        label(teacher, folder)


if __name__ == "__main__":
    main()
