"""Annotation formats. Those of sources give a picture's objects as dict(cat, box=[x, y, w, h] in pixels, and perhaps ignore, crowd, mask (h, w) of bool)."""
import xml.etree.ElementTree as ET

import cv2
import numpy as np

from . import VEHICLE


def by_image(annotations):
    """COCO's annotations by the id of their picture; pictures without any are left out."""
    found = {}
    for a in annotations:
        found.setdefault(a["image_id"], []).append(a)
    return found


def make_object(cat, box, **more):
    return dict(cat=cat, box=[float(v) for v in box], **more)


def category(types, key):
    """types: a mapping of the source's own classes, or one category for all."""
    return types.get(key) if isinstance(types, dict) else types


def yolo(text, w, h, types):
    """Lines of: class, then centre and size, or a polygon; all relative to the picture."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 5:
            continue
        cat = category(types, int(float(fields[0])))
        if not cat:
            continue
        v = np.array([float(x) for x in fields[1:]])
        if len(v) >= 6 and len(v) % 2 == 0:
            p = v.reshape(-1, 2) * [w, h]
            mask = np.zeros((h, w), np.uint8)
            cv2.fillPoly(mask, [np.round(p).astype(np.int32)], 1)
            found.append(make_object(cat, [*p.min(0), *np.ptp(p, axis=0)], mask=mask > 0))
        else:
            found.append(make_object(cat, [(v[0] - v[2] / 2) * w, (v[1] - v[3] / 2) * h, v[2] * w, v[3] * h]))
    return found


def voc(text, w, h, types):
    """PASCAL VOC's XML; scaled where the file states another picture size. Difficult objects are ignored ones."""
    root = ET.fromstring(text)
    stated = [int(float(root.findtext("size/" + k) or 0)) for k in ("width", "height")]
    sx, sy = (w / stated[0], h / stated[1]) if all(stated) else (1, 1)
    found = []
    for o in root.iter("object"):
        cat = category(types, o.findtext("name"))
        if not cat:
            continue
        x1, y1, x2, y2 = (float(o.findtext("bndbox/" + k)) for k in ("xmin", "ymin", "xmax", "ymax"))
        found.append(make_object(cat, [x1 * sx, y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy], ignore=int(o.findtext("difficult") or 0)))
    return found


def components(mask, cat, min_px):
    """The connected parts of a semantic mask as objects; parts whose shape looks like several objects are marked as a crowd."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    found = []
    for i in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[i])
        if area < min_px:
            continue
        part = labels == i
        outline, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        solid = area / max(1.0, cv2.contourArea(cv2.convexHull(np.concatenate(outline))))
        cut = y + h >= mask.shape[0] - 2         # cut by the lower border: shoulders are wide
        if cat == VEHICLE:
            several = solid < 0.8 or w / h > 3.2
        else:
            several = w / h > 2.2 or (solid < 0.75 and w / h > (1.5 if cut else 0.95))
        found.append(make_object(cat, [x, y, w, h], mask=part, crowd=int(area >= 150 and several)))
    return found
