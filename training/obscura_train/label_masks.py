"""Finds the masks of persons and vehicles whose source gives boxes only.

    python3 -m obscura_train.label_masks SNAPSHOTS DIR[:EVERY] ...      (DIR as collect writes it)

Everyday photographs with boxes are many, with masks few. The teacher is DeepLab v3 on a narrow MobileNetV2 (a snapshot of it): it tells VOC's classes
apart, pixel by pixel, not one person from the next. So every object is shown to it alone, as large as its input, and once more mirrored; those that
share their box with another of their type are left out. A mask is kept where the teacher is sure and fills the box: of the objects of eval/scene
over 40 px that is six in ten, and their masks have an IoU of .81 (persons) and .85 (vehicles) with the annotated ones; without that choice .73 both.
They carry "mask_teacher": how sure it was.
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
SHARED = 0.2            # part of the box that may lie in another one's
SURE = 0.75             # mean over the box of how far from an even chance the teacher is, 0..1
FILLS = 0.7             # part of the box that the mask's own box must have
DETAIL = 0.004          # polygons leave out detail below this part of the longer side


def find_mask(teacher, bgr, category, box):
    """The polygons of the object's mask in the picture's pixels, and how sure the teacher is of them; None where it is not enough."""
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
    chance = ((chance[0] + chance[1].flip(1)) / 2).numpy()
    left, top = (round(float(v)) for v in matrix @ (x, y, 1))
    inside = np.s_[max(top, 0):round(top + h * scale), max(left, 0):round(left + w * scale)]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[inside] = chance[inside] > 0.5
    sure = float(np.abs(2 * chance[inside] - 1).mean())
    _, _, mask_w, mask_h = cv2.boundingRect(mask)
    if sure < SURE or mask_w * mask_h < FILLS * w * h * scale ** 2:
        return None
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outlines = [cv2.approxPolyDP(o, DETAIL * SIDE, True)[:, 0] for o in outlines]
    back = lambda o: (o - matrix[:, 2]) / scale
    return [[round(float(v), 1) for v in back(o).ravel()] for o in outlines if len(o) >= 3], sure


def wants_mask(a, own):
    """Whether an annotation is an object that can be shown alone; own: all of its picture."""
    if a["category_id"] not in CLASSES or a.get("ignore") or a.get("iscrowd") or min(a["bbox"][2:]) < MIN_PX:
        return False
    if isinstance(a.get("segmentation"), list) and "mask_teacher" not in a:
        return False
    return all(share(a["bbox"], b["bbox"]) < SHARED for b in own if b is not a and b["category_id"] == a["category_id"])


def label(teacher, folder, every):
    with annotations_of(folder) as coco:
        own, asked, given = by_image(coco["annotations"]), 0, 0
        for image in coco["images"][::every]:
            mine = own.get(image["id"], [])
            wanted = [a for a in mine if wants_mask(a, mine)]
            bgr = read_image(folder, image) if wanted else None
            for a in wanted:
                found = find_mask(teacher, bgr, a["category_id"], a["bbox"])
                asked, given = asked + 1, given + bool(found)
                a.pop("segmentation", None)         # an earlier one of the teacher's
                a.pop("mask_teacher", None)
                if found:
                    a["segmentation"], a["mask_teacher"] = found[0], round(found[1], 3)
    print(f"{folder}: {given} masks of {asked} objects asked for", flush=True)


if __name__ == "__main__":
    main("obscura_train.label_masks", "SNAPSHOTS", lambda snapshots: Graph(read_teacher(snapshots, MASK_TEACHER)), label)
