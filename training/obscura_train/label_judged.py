"""Takes over what people have judged, find by find, on sheets of what our own network takes for plates.

    python3 -m obscura_train.label_judged judged/plates.csv.gz DIR ...     (DIR as collect writes it)

The photographs of ambulances, police cars, buses and bins are full of lettering, lamps and badges that a network is as sure of as of plates: labelled by
itself it would learn its own mistakes. judged/plates.csv.gz holds a line for each find: source, path within the source, x, y, w, h in pixels of the collected
picture, and a verdict: `plate` becomes an object, `unsure` an ignored region, `none` is nothing. Plates are then exhaustively labelled in all pictures of the folder,
so what is none teaches that it is none; the list holds all finds of a score that matters.
"""
import collections
import csv
import gzip

from . import PLATE
from .teachers import main, relabelling


def load(path):
    """{(source, path): [(box, verdict)]}"""
    judged = collections.defaultdict(list)
    with gzip.open(path, "rt", newline="") as f:
        for row in csv.DictReader(f):
            judged[row["source"], row["path"]].append(([float(row[k]) for k in "xywh"], row["verdict"]))
    return judged


def find(judged, _bgr, image, _own, _by_source):
    for box, verdict in judged.get((image["source"], image["path"]), []):
        if verdict != "none":
            yield PLATE, box, verdict == "unsure", 1.0
    image["labeled"] = sorted({*image["labeled"], "license-plate"})


if __name__ == "__main__":
    main("obscura_train.label_judged", "JUDGED.csv.gz", load, relabelling({PLATE}, find))
