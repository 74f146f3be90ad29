"""Finds the persons and vehicles that a source leaves unlabelled.

    python3 -m obscura_train.label_scene SNAPSHOTS DIR[:EVERY] ...      (DIR as collect writes it; EVERY 3: only each third picture)

Sources with boxes of persons and vehicles in everyday photographs are few; photographs are many. The teacher is YOLOX-Nano (a snapshot of it), run at
416 px; on eval/scene it has an AP50 of .86 for persons and .84 for vehicles. Sure finds become objects, unsure ones ignored regions; both
carry "teacher": score. Only the labels are used: the teacher's weights are no part of ours.
"""
import cv2
import numpy as np
import torch

from . import CATEGORIES, FACE, PAD, PERSON
from .sources import SCENE_TEACHER
from .teachers import letterbox, main, read_teacher, relabelling, same, share
from .yolox import CLASSES, Yolox

SURE, UNSURE, MIN_PX = 0.3, 0.12, 8
FILLS, SURE_OF_ALL = 0.6, 0.6       # a find that fills this part of the picture is often a room or a wall: it must be surer
SIDE = 416


def find_objects(teacher, bgr):
    """[(category, [x, y, w, h], score)] in the picture's pixels."""
    padded, s = letterbox(bgr, SIDE, PAD)
    scores, corners, _ = teacher(torch.from_numpy(np.ascontiguousarray(padded[:, :, ::-1].transpose(2, 0, 1)))[None])
    corners = corners[0].numpy() / s
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    found = []
    for category, score in zip(CLASSES, scores[0].numpy().T):
        likely = score > UNSURE
        mine, sure = boxes[likely].tolist(), score[likely].tolist()
        kept = np.array(cv2.dnn.NMSBoxes(mine, sure, UNSURE, 0.5)).ravel() if mine else []
        found += [(category, mine[int(i)], sure[int(i)]) for i in kept]
    return found


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
        if a["category_id"] == FACE and not any(share(a["bbox"], p) > 0.5 for p in persons):
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
    main("obscura_train.label_scene", "SNAPSHOTS", lambda snapshots: Yolox(read_teacher(snapshots, SCENE_TEACHER)),
         relabelling(CLASSES, find))
