"""Takes over what was judged by eye, find by find, on sheets of what our own networks find in pictures that label nothing there.

    python3 -m obscura_train.label_judged JUDGED.csv.gz DIR ...     (DIR as collect writes it)

Photographs of ambulances, police cars, buses and bins are full of lettering, lamps and badges of which a network is as sure as of plates: labelled by
itself it would learn its own mistakes, and a teacher leaves out of the loss what it is not sure of. JUDGED.csv.gz holds a line for each find: source,
path within the source, type, x, y, w, h in pixels of the collected picture, and a verdict: `right` becomes an object, `unsure` an ignored region, and
where the verdict is `wrong` there is nothing, whatever a teacher said; the image's "wrong" keeps these, as [category, x, y, w, h], to be looked at
more often. Of a source that it speaks of it holds all finds of a score that matters, so the type is then exhaustively labelled in all of that source's
pictures.

A table of masks that label_masks found has the verdict `bad mask`: the object stays, its mask goes. It says nothing of the objects themselves.
"""
import collections
import csv
import gzip

import numpy as np

from . import CATEGORIES
from .formats import by_image
from .label_masks import drop_mask
from .teachers import annotations_of, finding, main, report, same

BAD_MASK = "bad mask"
IDS = {name: category for category, name in CATEGORIES.items()}


def load(path):
    """{source: {path: [(category, box, verdict)]}}"""
    judged = collections.defaultdict(lambda: collections.defaultdict(list))
    with gzip.open(path, "rt", newline="") as f:
        for row in csv.DictReader(f):
            judged[row["source"]][row["path"]].append((IDS[row["type"]], [float(row[k]) for k in "xywh"], row["verdict"]))
    return judged


def replaced(a, finds):
    """Whether an annotation is a teacher's of something that was judged. A bin before a car, or a wheel, speaks for itself and not for the car."""
    return "teacher" in a and any(a["category_id"] == category and same(a["bbox"], box) for category, box, _ in finds)


def drop_bad_masks(annotations, verdicts):
    """Takes the teacher's masks that were judged bad from the annotations of one picture."""
    for category, box, _ in verdicts:
        for a in annotations:
            if a["category_id"] == category and "mask_teacher" in a and np.allclose(a["bbox"], box, atol=1):
                drop_mask(a)


def label(judged, folder, every):
    with annotations_of(folder) as coco:
        own, finds_of, added, looked_at = by_image(coco["annotations"]), {}, [], coco["images"][::every]
        for image in looked_at:
            about = judged[image["source"]]
            verdicts = about.get(image["path"], [])
            drop_bad_masks(own.get(image["id"], []), [v for v in verdicts if v[2] == BAD_MASK])
            finds = finds_of[image["id"]] = [v for v in verdicts if v[2] != BAD_MASK]
            added += filter(None, (finding(image, category, box, verdict == "unsure", 1.0) for category, box, verdict in finds if verdict != "wrong"))
            wrong = [[category, *box] for category, box, verdict in finds if verdict == "wrong"]
            image["wrong"] = [w for w in image.get("wrong", []) if w not in wrong] + wrong
            image["labeled"] = sorted({*image["labeled"], *(CATEGORIES[c] for verdicts in about.values() for c, _, verdict in verdicts if verdict != BAD_MASK)})
        coco["annotations"] = [a for a in coco["annotations"] if not replaced(a, finds_of.get(a["image_id"], []))] + added
    report(folder, looked_at, added)


if __name__ == "__main__":
    main("obscura_train.label_judged", "JUDGED.csv.gz", load, label)
