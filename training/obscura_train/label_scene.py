"""Finds the persons and vehicles that a source leaves unlabelled.

    python3 -m obscura_train.label_scene SNAPSHOTS DIR[:EVERY] ...      (DIR as collect writes it; EVERY 3: only each third picture)

Sources with boxes of persons and vehicles in everyday photographs are few; photographs are many. The teacher is YOLOX-Nano (a snapshot of it), run at
416 px by OpenCV; on eval/scene it has an AP50 of .86 for persons and .84 for vehicles. Sure finds become objects, unsure ones ignored regions; both
carry "teacher": score. Only the labels are used: the teacher's weights are no part of ours.
"""
import cv2
import numpy as np

from . import CATEGORIES, FACE, PAD, PERSON, VEHICLE
from .sources import SCENE_TEACHER
from .teachers import intersection, main, show

SURE, UNSURE, MIN_PX = 0.3, 0.12, 8
FILLS, SURE_OF_ALL = 0.6, 0.6       # a find that fills this part of the picture is often a room or a wall: it must be surer
SIDE, STRIDES = 416, (8, 16, 32)
CLASSES = {PERSON: [0], VEHICLE: [2, 3, 5, 6, 7]}       # COCO's: person; car, motorcycle, bus, train, truck


def find_objects(teacher, bgr):
    """[(category, [x, y, w, h], score)] in the picture's pixels."""
    s = show(teacher, bgr, SIDE, PAD)
    rows = teacher.forward()[0]     # x, y, log w, log h in strides; objectness; COCO's 80 classes
    cells = np.concatenate([np.stack([*np.mgrid[:SIDE // k, :SIDE // k][::-1], np.full((SIDE // k,) * 2, k)], -1).reshape(-1, 3) for k in STRIDES])
    found = []
    for category, classes in CLASSES.items():
        score = rows[:, 4] * rows[:, [5 + c for c in classes]].max(1)
        likely = score > UNSURE
        stride = cells[likely, 2:]
        centre, size = (rows[likely, :2] + cells[likely, :2]) * stride / s, np.exp(rows[likely, 2:4]) * stride / s
        boxes, scores = np.concatenate([centre - size / 2, size], 1).tolist(), score[likely].tolist()
        kept = np.array(cv2.dnn.NMSBoxes(boxes, scores, UNSURE, 0.5)).ravel() if boxes else []
        found += [(category, boxes[int(i)], scores[int(i)]) for i in kept]
    return found


def same(a, b):
    both = intersection(a, b)
    return both > 0.4 * (a[2] * a[3] + b[2] * b[3] - both)


def body(face):
    """Where the person of a face must be."""
    x, y, w, h = face
    return [x - w, y - 0.5 * h, 3 * w, 7 * h]


def annotations(found, known):
    """What the teacher adds to a picture's own annotations, as (category, box, ignore, score). A labelled face without a person is one it missed."""
    new = [(c, box, int(score < SURE or min(box[2:]) < MIN_PX), score) for c, box, score in found
           if not any(a["category_id"] == c and same(box, a["bbox"]) for a in known)]
    persons = [box for c, box, *_ in new if c == PERSON] + [a["bbox"] for a in known if a["category_id"] == PERSON]
    for a in known:
        if a["category_id"] == FACE and not any(intersection(a["bbox"], p) > 0.5 * a["bbox"][2] * a["bbox"][3] for p in persons):
            new.append((PERSON, body(a["bbox"]), 1, 0.0))
    return new


def find(teacher, bgr, image, own, by_source):
    """What the teacher adds to a picture, of those types that its source does not label. Both are then exhaustively labelled in it."""
    found = [f for f in find_objects(teacher, bgr) if CATEGORIES[f[0]] not in by_source]
    for category, box, ignore, score in annotations(found, own):
        fills = box[2] * box[3] > FILLS * image["width"] * image["height"]
        yield category, box, ignore or (fills and score < SURE_OF_ALL), score
    image["labeled"] = sorted({*image["labeled"], "person", "vehicle"})


if __name__ == "__main__":
    main("obscura_train.label_scene", SCENE_TEACHER, CLASSES, find)
