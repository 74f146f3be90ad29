"""Finds the masks of persons and vehicles whose source gives boxes only.

    python3 -m obscura_train.label_masks SNAPSHOTS DIR[:EVERY] ...      (DIR as collect writes it)

Everyday photographs with boxes are many, with masks few. The teacher is DeepLab v3 on a narrow MobileNetV2 (a snapshot of it): it tells VOC's classes
apart, pixel by pixel, not one person from the next. So every object is shown to it alone, as large as its input, and once more mirrored. A mask is kept
whole where the teacher is sure, fills the box, and no other object of the type shares it: of the objects of eval/scene over 40 px that is six in ten, and their
masks have an IoU of .81 (persons) and .85 (vehicles) with the annotated ones; without that choice .73 both.

Those are the easy ones. Of other persons, who ride, sit, hold or hide something, the pixels of which it is sure are still right (on eval/scene, over 32 px: four
in five pixels of a box are sure, and .93 of those right; of vehicles .87, no better than our network): they get a mask whose "unsure" polygons say where
nothing is known. "mask_teacher" says how sure it was. Polygons of one object are filled together by the even-odd rule, so they can have holes.
"""
import cv2
import numpy as np
import torch

from . import PERSON, VEHICLE
from .formats import by_image
from .graph import Graph
from .sources import MASK_TEACHER
from .teachers import annotations_of, main, read_image, read_teacher, share

SIDE = 257
CLASSES = {PERSON: [15], VEHICLE: [6, 7, 14, 19]}   # VOC's: person; bus, car, motorcycle, train
MARGIN = 0.05           # around the box, in parts of its longer side
MIN_PX = 40             # of the box's shorter side
SHARED = 0.2            # part of the box that may lie in another one's where a mask is kept whole
SURE = 0.75             # mean over the box of how far from an even chance the teacher is, 0..1
FILLS = 0.7             # part of the box that the mask's own box must have
PIXEL_SURE = 0.6        # the same of one pixel of a mask that is not kept whole
KNOWN, THERE = 0.5, 0.1 # parts of the box that must be sure, and be sure to show the object, in such a mask
DETAIL = 0.004          # polygons leave out detail below this part of the longer side


def look(teacher, bgr, category, box):
    """The chance (SIDE, SIDE) that a pixel shows the category, with the object's box in the middle, and the 2x3 matrix from the picture to it."""
    x, y, w, h = box
    side = max(w, h) * (1 + 2 * MARGIN)
    scale = SIDE / side
    if scale < 0.7:         # warpAffine has no area filter
        bgr = bgr.copy()
        seen = bgr[max(int(y + (h - side) / 2), 0):int(y + (h + side) / 2) + 1, max(int(x + (w - side) / 2), 0):int(x + (w + side) / 2) + 1]
        seen[:] = cv2.GaussianBlur(seen, (0, 0), 0.4 / scale)
    matrix = np.float32([[scale, 0, (side / 2 - x - w / 2) * scale], [0, scale, (side / 2 - y - h / 2) * scale]])
    shown = cv2.warpAffine(bgr, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=(127,) * 3)
    pixels = torch.from_numpy(shown[:, :, ::-1] / np.float32(127.5) - 1)
    classes, _ = teacher.run(torch.stack([pixels, pixels.flip(1)]))     # (2, SIDE, SIDE, 21)
    chance = classes.softmax(-1)[..., CLASSES[category]].sum(-1)
    return ((chance[0] + chance[1].flip(1)) / 2).numpy(), matrix


def within(box, matrix):
    """The slice of a teacher's picture that shows a box."""
    x, y, w, h = box
    left, top = (round(float(v)) for v in matrix @ (x, y, 1))
    return np.s_[max(top, 0):max(round(top + h * matrix[1, 1]), 0), max(left, 0):max(round(left + w * matrix[0, 0]), 0)]


def polygons_of(mask, matrix):
    """The outlines of a mask (SIDE, SIDE) of 0 and 1, holes too, in the picture's pixels."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    outlines = [cv2.approxPolyDP(o, DETAIL * SIDE, True)[:, 0] for o in outlines]
    return [[round(float(v), 1) for v in ((o - matrix[:, 2]) / matrix[0, 0]).ravel()] for o in outlines if len(o) >= 3]


def find_mask(teacher, bgr, category, box, others=()):
    """What the teacher knows of an object's mask: dict(segmentation, mask_teacher, and unsure where the mask is not whole), or None.
    others: boxes of the picture's other objects of the category."""
    chance, matrix = look(teacher, bgr, category, box)
    inside = within(box, matrix)
    mask, undecided = np.zeros((2, SIDE, SIDE), np.uint8)
    mask[inside] = chance[inside] > 0.5
    sureness = np.abs(2 * chance - 1)
    sure = float(sureness[inside].mean())
    _, _, mask_w, mask_h = cv2.boundingRect(mask)
    found = dict(segmentation=polygons_of(mask, matrix), mask_teacher=round(sure, 3))
    alone = all(share(box, b) < SHARED for b in others)
    if alone and sure >= SURE and mask_w * mask_h >= FILLS * box[2] * box[3] * matrix[0, 0] ** 2:
        return found
    if category != PERSON:
        return None
    unsure = sureness < PIXEL_SURE
    for b in others:            # whose it is
        theirs = within(b, matrix)
        unsure[theirs] |= chance[theirs] > (1 - PIXEL_SURE) / 2
    undecided[inside] = unsure[inside]
    known = undecided[inside] == 0
    if known.mean() < KNOWN or (known & (mask[inside] > 0)).mean() < THERE:
        return None
    return dict(found, unsure=polygons_of(undecided, matrix))


def wants_mask(a):
    """Whether an annotation is of an object that the teacher is asked for."""
    if a["category_id"] not in CLASSES or a.get("ignore") or a.get("iscrowd") or min(a["bbox"][2:]) < MIN_PX:
        return False
    return not isinstance(a.get("segmentation"), list) or "mask_teacher" in a


def drop_mask(a):
    for key in ("segmentation", "unsure", "mask_teacher"):
        a.pop(key, None)


def label(teacher, folder, every):
    with annotations_of(folder) as coco:
        own, asked, given, whole = by_image(coco["annotations"]), 0, 0, 0
        for image in coco["images"][::every]:
            mine = own.get(image["id"], [])
            wanted = [a for a in mine if wants_mask(a)]
            bgr = read_image(folder, image) if wanted else None
            for a in wanted:
                others = [b["bbox"] for b in mine if b is not a and b["category_id"] == a["category_id"]]
                found = find_mask(teacher, bgr, a["category_id"], a["bbox"], others)
                drop_mask(a)            # an earlier one of the teacher's
                a.update(found or {})
                asked, given, whole = asked + 1, given + bool(found), whole + bool(found and "unsure" not in found)
    print(f"{folder}: {given} masks of {asked} objects asked for, {whole} of them whole", flush=True)


if __name__ == "__main__":
    main("obscura_train.label_masks", "SNAPSHOTS", lambda snapshots: Graph(read_teacher(snapshots, MASK_TEACHER)), label)
