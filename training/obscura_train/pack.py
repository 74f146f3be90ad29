"""Packs COCO-form folders into one flat file of raw pixels that crops are drawn from without decoding anything.

    python3 -m obscura_train.pack identity|scene OUT DIR[@WORD,...][:SIDE] ... [--side 512]

writes OUT.bin (RGB bytes of all pictures, one after the other) and OUT.json (what lies where, and the objects). DIR is a folder as collect writes
it; :SIDE gives one folder a long side of its own, and @WORD takes
only those sources of a mixed folder whose name holds one of the words. Each image's `labeled` names the types that are exhaustively labelled in it; where
vehicles are and there is none, there is no plate either, and without a person no face.
"""
import argparse
import json
import os

import cv2
import numpy as np

from . import CATEGORIES, FACE, PERSON, PLATE, TASKS, VEHICLE
from .assign import OBJECT, SURFACE, WRONG
from .formats import by_image


def exhaustively_labelled(image, annotations):
    """Names of the types of which a picture shows what is annotated, and no more."""
    labeled, there = set(image["labeled"]), {a["category_id"] for a in annotations}
    if "vehicle" in labeled and not there & {VEHICLE, PLATE}:
        labeled.add("license-plate")
    if "person" in labeled and not there & {PERSON, FACE}:
        labeled.add("face")
    return labeled


def read_folder(task, folder):
    """Yields (path, annotations, source, known) of each picture. What was judged wrong in it is among the annotations; known: 1.0 for each class that
    is exhaustively labelled in it, else 0.0. For identity the pictures of traffic of a source that labels no plates itself are a source of their own: plates
    are found there."""
    with open(os.path.join(folder, "annotations.json")) as f:
        coco = json.load(f)
    own = by_image(coco["annotations"])
    apart = task == "identity" and "license-plate" not in coco.get("info", {}).get("labeled_categories", [])
    for image in coco["images"]:
        annotations = own.get(image["id"], [])
        labeled = exhaustively_labelled(image, annotations)
        known = [float(CATEGORIES[c] in labeled) for c in TASKS[task]]
        if not any(known) and not any(a["category_id"] in TASKS[task] for a in annotations):
            continue            # would teach nothing
        wrong = [dict(category_id=category, bbox=box, ignore=WRONG) for category, *box in image.get("wrong", [])]
        traffic = apart and any(a["category_id"] == VEHICLE for a in annotations)
        yield os.path.join(folder, "images", image["file_name"]), annotations + wrong, image["source"] + " traffic" * traffic, known


def scale_annotation(task, a, s):
    """Class, x1, y1, x2, y2, ignore, polygons of the mask, and of where it is unsure (or None), in pixels of the scaled picture; None for another task's
    types, but that identity keeps where vehicles are."""
    x, y, w, h = a["bbox"]
    ignore = int(a.get("ignore") or a.get("iscrowd") or OBJECT)
    if task == "identity" and a["category_id"] == VEHICLE and ignore == OBJECT:
        return TASKS[task].index(PLATE), x * s, y * s, (x + w) * s, (y + h) * s, SURFACE, None, None
    if a["category_id"] not in TASKS[task]:
        return None
    scaled = lambda polygons: [[v * s for v in p] for p in polygons] if isinstance(polygons, list) else None
    return (TASKS[task].index(a["category_id"]), x * s, y * s, (x + w) * s, (y + h) * s, ignore, scaled(a.get("segmentation")), scaled(a.get("unsure")))


def pack_picture(task, picture, side, out, offset):
    """Appends one picture's pixels to the file `out`; returns its entry, or None where it cannot be read."""
    path, annotations, source, known = picture
    pixels = cv2.imread(path)
    if pixels is None:
        print("unreadable:", path, flush=True)
        return None
    h, w = pixels.shape[:2]
    s = min(1.0, side / max(h, w))
    if s < 1:
        pixels = cv2.resize(pixels, (max(1, round(w * s)), max(1, round(h * s))), interpolation=cv2.INTER_AREA)
    out.write(np.ascontiguousarray(pixels[:, :, ::-1]).tobytes())
    objects = [scale_annotation(task, a, s) for a in annotations]
    return dict(off=offset, h=pixels.shape[0], w=pixels.shape[1], anns=[o for o in objects if o], known=known, src=source)


def main():
    p = argparse.ArgumentParser(prog="obscura_train.pack")
    p.add_argument("task", choices=sorted(TASKS))
    p.add_argument("out")
    p.add_argument("folders", nargs="+")
    p.add_argument("--side", type=int, default=512)
    a = p.parse_args()
    entries, offset = [], 0
    with open(a.out + ".bin", "wb") as out:
        for folder in a.folders:
            folder, _, side = folder.partition(":")
            folder, _, words = folder.partition("@")
            for picture in read_folder(a.task, folder):
                if not any(word in picture[2] for word in words.split(",")):
                    continue
                entry = pack_picture(a.task, picture, int(side or a.side), out, offset)
                if entry:
                    entries.append(entry)
                    offset += entry["h"] * entry["w"] * 3
            print(folder, "- pictures so far:", len(entries), flush=True)
    with open(a.out + ".json", "w") as f:
        json.dump(entries, f)


if __name__ == "__main__":
    main()
