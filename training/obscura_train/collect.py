"""Builds the training sources from snapshots of public repositories, as COCO-form folders.

    python3 -m obscura_train.collect --list                                     # the repositories to fetch
    python3 -m obscura_train.collect SNAPSHOTS OUT --reserved EVAL [--apart OUT/OTHER ...] [SOURCE ...]     # OUT/SOURCE/{images/,annotations.json}
    python3 -m obscura_train.collect SNAPSHOTS VAL --reserved EVAL --validation                             # the sets to choose by, not to train on

SNAPSHOTS holds the repositories as owner+name/repo. Pictures near to one of the evaluation sets under EVAL, or to one already taken, are dropped.
annotations.json's info says where a source comes from, its licence, and which types are exhaustively labelled.

Reserved for evaluation, never to be trained on: openalpr/benchmarks, WIDER FACE's val and test parts, COCO's val2017 and COCO128, MOT17, the
'valid' part of LP_recognition, and every picture under EVAL.
"""
import argparse
import collections
import glob
import json
import os

import cv2
import numpy as np

from . import CATEGORIES
from .snapshots import Snapshot
from .sources import FACE_TEACHER, MASK_TEACHER, SCENE_TEACHER, SOURCES, VALIDATION, VOC_MASKS

cv2.setNumThreads(1)

NEAR_RESERVED = 24              # of 256 bits
NEAR_RESERVED_SHOOTS = 64       # facecount shares photo shoots with the evaluation slice

BITS_SET = np.array([bin(i).count("1") for i in range(256)], np.uint8)


def fingerprint(im):
    """256-bit difference hash."""
    grey = cv2.resize(cv2.cvtColor(im, cv2.COLOR_BGR2GRAY), (17, 16), interpolation=cv2.INTER_AREA).astype(int)
    return np.packbits((grey[:, 1:] > grey[:, :-1]).ravel())


def distance(hash_, known):
    """Differing bits to the nearest of the known fingerprints (N, 32)."""
    return int(BITS_SET[known ^ hash_].sum(1).min()) if len(known) else 256


def fingerprints(folder, flags=cv2.IMREAD_COLOR):
    """Those of a folder's pictures, each also mirrored, (2N, 32)."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "images", "*"))):
        im = cv2.imread(path, flags)
        found += [fingerprint(im), fingerprint(im[:, ::-1])]
    return np.array(found, np.uint8).reshape(-1, 32)


def reserved_fingerprints(folder, apart=()):
    """Of the evaluation sets in a folder, and of the folders `apart`, read at a quarter of their size: five times faster, and near enough."""
    return np.vstack([np.zeros((0, 32), np.uint8), *(fingerprints(f) for f in sorted(glob.glob(os.path.join(folder, "*")))),
                      *(fingerprints(f, cv2.IMREAD_REDUCED_COLOR_4) for f in apart)])


def polygons(mask):
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outlines = [cv2.approxPolyDP(o, 0.6, True) for o in outlines if cv2.contourArea(o) >= 6]
    return [[float(v) for v in o.reshape(-1)] for o in outlines if len(o) >= 3]


def annotation(o, number, image, scale, size):
    """COCO's form of an object, scaled and cut to the picture (w, h); None outside it."""
    w, h = size
    x, y, bw, bh = (v * scale for v in o["box"])
    x1, y1, x2, y2 = max(0, x), max(0, y), min(w, x + bw), min(h, y + bh)
    if x2 - x1 < 1 or y2 - y1 < 1:
        return None
    a = dict(id=number, image_id=image, category_id=o["cat"], bbox=[round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
             area=round((x2 - x1) * (y2 - y1), 1), iscrowd=o.get("crowd", 0),
             ignore=int(bool(o.get("ignore") or o.get("crowd") or min(x2 - x1, y2 - y1) < 4)))
    if "mask" in o:
        a["segmentation"] = polygons(cv2.resize(o["mask"].astype(np.uint8), size, interpolation=cv2.INTER_AREA) if scale < 1 else o["mask"])
    return a


def write_source(name, source, root, out, reserved):
    folder = os.path.join(out, name)
    os.makedirs(folder + "/images", exist_ok=True)
    images, annotations, dropped, taken = [], [], collections.Counter(), np.zeros((0, 32), np.uint8)
    apart = NEAR_RESERVED_SHOOTS if name == "facecount" else NEAR_RESERVED
    for path, im, objects in source.read(Snapshot(root, source.repository, source.revision)):
        hash_ = fingerprint(im)
        if distance(hash_, reserved) <= apart:
            dropped["reserved"] += 1
            continue
        if source.near and distance(hash_, taken) <= source.near:
            dropped["duplicate"] += 1
            continue
        taken = np.vstack([taken, hash_[None]])
        h, w = im.shape[:2]
        scale = min(1.0, source.side / max(h, w))
        size = max(1, round(w * scale)), max(1, round(h * scale))
        if scale < 1:
            im = cv2.resize(im, size, interpolation=cv2.INTER_AREA)
        file = f"{len(images):05d}.jpg"
        cv2.imwrite(f"{folder}/images/{file}", im, [cv2.IMWRITE_JPEG_QUALITY, 90])
        for o in objects:
            a = annotation(o, len(annotations), len(images), scale, size)
            if a:
                annotations.append(a)
        images.append(dict(id=len(images), file_name=file, width=size[0], height=size[1], path=path, source=name, labeled=source.labeled))
    info = dict(source=source.repository, revision=source.revision, licence=source.licence, labeled_categories=source.labeled)
    categories = [dict(id=i, name=n) for i, n in CATEGORIES.items()]
    with open(folder + "/annotations.json", "w") as f:
        json.dump(dict(info=info, images=images, annotations=annotations, categories=categories), f)
    print(name, len(images), "images", len(annotations), "objects", dict(dropped), flush=True)


def parser():
    p = argparse.ArgumentParser(prog="obscura_train.collect")
    p.add_argument("--list", action="store_true", help="print the repositories to fetch, and end")
    p.add_argument("snapshots", nargs="?")
    p.add_argument("out", nargs="?")
    p.add_argument("sources", nargs="*", metavar="SOURCE", help="all of them by default")
    p.add_argument("--validation", action="store_true", help="the validation sets in place of the sources")
    p.add_argument("--reserved", help="folder of the evaluation sets, whose pictures are kept out")
    p.add_argument("--apart", action="append", default=[], metavar="DIR", help="a source collected before, whose pictures are kept out too; repeatable")
    return p


def main():
    p = parser()
    a = p.parse_intermixed_args()       # SOURCEs may stand after --reserved
    if a.list:
        for name, source in {**SOURCES, **VALIDATION}.items():
            print(f"{name:18} github:{source.repository}")
        for name, other in (("VOC masks", VOC_MASKS), ("teacher of faces", FACE_TEACHER), ("teacher of scene", SCENE_TEACHER), ("teacher of masks", MASK_TEACHER)):
            print(f"{f'({name})':18} github:{other[0]}")
        return
    if not a.out or not a.reserved:
        p.error("SNAPSHOTS, OUT and --reserved are needed")
    reserved = reserved_fingerprints(a.reserved, a.apart)
    known = VALIDATION if a.validation else SOURCES
    for name in a.sources or known:
        try:
            write_source(name, known[name], a.snapshots, a.out, reserved)
        except FileNotFoundError as e:
            print(name, "skipped:", e, flush=True)


if __name__ == "__main__":
    main()
