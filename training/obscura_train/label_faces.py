"""Finds the faces that a source leaves unlabelled.

    python3 -m obscura_train.label_faces SNAPSHOTS DIR ...      (DIR as collect writes it)

Without this, a source of number plates teaches that its drivers' faces are background, or, left out of the loss, that wheels and lamps are faces.
The teacher is YuNet (a snapshot of it), run at 640 px by OpenCV. Sure finds become objects, unsure ones ignored regions, and so do the faces that only
our own network sees (checkpoints/identity.pt); all carry "teacher": score. Where persons are labelled, an unsure face counts only in one of them: what
looks like a face elsewhere has to be learnt. Only the labels are used: the teacher's weights are no part of ours.
"""
import os

import cv2
import numpy as np

from . import FACE, PERSON
from .label_plates import LONG_SIDE, SECOND, load_network
from .predict import detect
from .sources import FACE_TEACHER
from .teachers import letterbox, main, overlap, read_teacher, relabelling, share

SURE, UNSURE, MIN_PX = 0.72, 0.5, 8
OWN = 0.3               # our own network's least score
WITHIN = 0.5            # part of an unsure face that must lie in a person's box
CHECKPOINT = os.path.join(os.path.dirname(__file__), "..", "checkpoints", "identity.pt")
SIDE, STRIDES = 640, (8, 16, 32)
OUTPUTS = [f"{kind}_{s}" for kind in ("cls", "obj", "bbox") for s in STRIDES]


def find_by_teacher(teacher, bgr):
    """[([x, y, w, h], score)] in the picture's pixels."""
    padded, s = letterbox(bgr, SIDE, 0)
    teacher.setInput(cv2.dnn.blobFromImage(padded))
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


def find_own(net, bgr):
    """The same, by our own network."""
    found = detect(net, bgr[:, :, ::-1].copy(), LONG_SIDE, SECOND, OWN).boxes
    return [([x1, y1, x2 - x1, y2 - y1], score) for x1, y1, x2, y2, score, cls in found.tolist() if cls == 0]


def find_faces(networks, bgr):
    """[([x, y, w, h], score, whether it is unsure)] by the teacher and by our own network."""
    teacher, ours = networks
    found = [(box, score, score < SURE or min(box[2:]) < MIN_PX) for box, score in find_by_teacher(teacher, bgr)]
    return found + [(box, score, True) for box, score in find_own(ours, bgr) if not any(overlap(box, b) > 0.5 for b, *_ in found)]


def find(networks, bgr, image, own, by_source):
    """What is added to a picture. Faces are then exhaustively labelled in it, and in a source of faces or plates the plates too."""
    known = [a["bbox"] for a in own if a["category_id"] == FACE]
    persons = [a["bbox"] for a in own if a["category_id"] == PERSON]
    anywhere = "person" not in image["labeled"]
    for box, score, unsure in find_faces(networks, bgr):
        possible = anywhere or not unsure or any(share(box, p) > WITHIN for p in persons)
        if possible and not any(overlap(box, b) > 0.5 for b in known):
            yield FACE, box, unsure, score
    image["labeled"] = sorted({*image["labeled"], "face", *(["license-plate"] if {"face", "license-plate"} & {*by_source} else [])})


def load(snapshots):
    return cv2.dnn.readNetFromONNX(np.frombuffer(read_teacher(snapshots, FACE_TEACHER), np.uint8)), load_network(CHECKPOINT)


if __name__ == "__main__":
    main("obscura_train.label_faces", "SNAPSHOTS", load, relabelling({FACE}, find))
