"""Takes over what was judged by eye, find by find, on sheets of what our own networks find in pictures that label nothing there.

    python3 -m obscura_train.label_judged JUDGED.csv.gz DIR ...     (DIR as collect writes it)

Photographs of ambulances, police cars, buses and bins are full of lettering, lamps and badges of which a network is as sure as of plates: labelled by
itself it would learn its own mistakes, and a teacher leaves out of the loss what it is not sure of. JUDGED.csv.gz holds a line for each find: source,
path within the source, type, x, y, w, h in pixels of the collected picture, and a verdict: `right` becomes an object, `unsure` an ignored region, and
where the verdict is `wrong` there is nothing, whatever a teacher said. Of a source that it speaks of it holds all finds of a score that matters, so the type is then
exhaustively labelled in all of that source's pictures.
"""
import collections
import csv
import gzip

from . import CATEGORIES
from .formats import by_image
from .teachers import annotations_of, main, overlap

SAME = 0.4              # IoU from which a judged box and a teacher's are of the same thing
IDS = {name: category for category, name in CATEGORIES.items()}


def load(path):
    """{source: {path: [(category, box, verdict)]}}"""
    judged = collections.defaultdict(lambda: collections.defaultdict(list))
    with gzip.open(path, "rt", newline="") as f:
        for row in csv.DictReader(f):
            judged[row["source"]][row["path"]].append((IDS[row["type"]], [float(row[k]) for k in "xywh"], row["verdict"]))
    return judged


def label(judged, folder, every):
    with annotations_of(folder) as coco:
        own, number, gone, added = by_image(coco["annotations"]), max((a["id"] for a in coco["annotations"]), default=-1), set(), []
        for image in coco["images"][::every]:
            about = judged[image["source"]]
            for category, box, verdict in about.get(image["path"], []):
                gone |= {a["id"] for a in own.get(image["id"], []) if "teacher" in a and a["category_id"] == category and overlap(a["bbox"], box) > SAME}
                if verdict != "wrong":
                    number += 1
                    added.append(dict(id=number, image_id=image["id"], category_id=category, iscrowd=0, ignore=int(verdict == "unsure"), bbox=box, teacher=1.0))
            image["labeled"] = sorted({*image["labeled"], *(CATEGORIES[c] for finds in about.values() for c, *_ in finds)})
        coco["annotations"] = [a for a in coco["annotations"] if a["id"] not in gone] + added
    unsure = sum(a["ignore"] for a in added)
    print(f"{folder}: {len(added) - unsure} objects and {unsure} unsure ones in the place of {len(gone)}", flush=True)


if __name__ == "__main__":
    main("obscura_train.label_judged", "JUDGED.csv.gz", load, label)
