"""Sheets of finds to be judged by eye, and the verdicts into the table that label_judged takes over.

    python3 -m obscura_train.sheets draw [--apart] OUT ../build/bench/detect person,vehicle judged/scene.csv.gz DIR ...       (DIR as collect writes it)
    python3 -m obscura_train.sheets read OUT judged/scene.csv.gz

`draw` runs the program on the pictures, at its thresholds, and leaves out what an annotation explains and what the table has judged. OUT/NNN.png shows 48
finds, 8 by 6, each with what is around it; OUT/finds.json lists them. --apart leaves out what touches any annotation of its type, too: where these are
exhaustive, a find beside one is mostly a worse box of the same object. OUT must be new: old verdicts would count for other finds. Whoever looks at a sheet
writes OUT/NNN.txt: a letter for each find, in reading order:

R, right: such an object, or the part of it that can be seen, and a box that fits (IoU over .5).
W, wrong: anything else.
U, unsure: it can't be told; posters, screens and statues; bicycles; several objects in one box, or half of one; a rider and his motorcycle as a person.

`read` appends the verdicts to the table, those that it has already not once more. Unsure ones teach nothing: be decided.
"""
import argparse
import csv
import functools
import gzip
import io
import json
import os
import subprocess

import cv2
import numpy as np

from . import CATEGORIES
from .evaluate import grid
from .formats import by_image
from .label_judged import load
from .teachers import intersection, same

ROWS, COLUMNS, TILE = 6, 8, 150         # of a sheet; px of a tile's side
SHEET = ROWS * COLUMNS
AROUND, LEAST = 1.7, 40                 # a tile shows this many times the find's longer side, and no fewer px
AT_ONCE = 200                           # pictures of one call
FIELDS = ("source", "path", "type", "x", "y", "w", "h", "verdict")
VERDICTS = dict(R="right", W="wrong", U="unsure")


def found_by(program, types, paths):
    """Yields (path, type, [x, y, w, h]) of what the program finds in pictures."""
    for i in range(0, len(paths), AT_ONCE):
        lines = subprocess.run([program, "--types", types, *paths[i:i + AT_ONCE]], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        for fields in (line.split("\t") for line in lines):
            if len(fields) >= 7:
                x1, y1, x2, y2 = (float(v) for v in fields[3:7])
                yield fields[0], fields[1], [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)]


def open_finds(program, types, judged, folder, apart):
    """What is found in a folder's pictures and neither an annotation nor a verdict speaks of."""
    with open(os.path.join(folder, "annotations.json")) as f:
        coco = json.load(f)
    own, images = by_image(coco["annotations"]), {os.path.join(folder, "images", i["file_name"]): i for i in coco["images"]}
    for path, name, box in found_by(program, types, list(images)):
        image = images[path]
        labeled = [a for a in own.get(image["id"], []) if CATEGORIES[a["category_id"]] == name]
        known = [a["bbox"] for a in labeled if not a.get("ignore")]
        known += [b for category, b, _ in judged.get(image["source"], {}).get(image["path"], []) if CATEGORIES[category] == name]
        if not any(same(box, b) for b in known) and not (apart and any(intersection(box, a["bbox"]) for a in labeled)):
            yield dict(source=image["source"], path=image["path"], file=path, type=name, box=box)


def tile(picture, find, number):
    """A find with what is around it, its number and the first letter of its type."""
    x, y, w, h = find["box"]
    s = TILE / max(AROUND * max(w, h), LEAST)
    matrix = np.array([[s, 0, TILE / 2 - (x + w / 2) * s], [0, s, TILE / 2 - (y + h / 2) * s]])
    if s < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / s)
    shown = cv2.warpAffine(picture, matrix, (TILE, TILE))
    corners = [tuple(int(v) for v in matrix @ (*p, 1)) for p in ((x, y), (x + w, y + h))]
    cv2.rectangle(shown, *corners, (0, 255, 0), 1)
    for colour, thickness in ((0, 0, 0), 3), ((0, 255, 255), 1):
        cv2.putText(shown, f"{number} {find['type'][0].upper()}", (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thickness)
    return shown


def draw(out, program, types, table, folders, apart=False):
    os.makedirs(out)
    judged = load(table)
    finds = [find for folder in folders for find in open_finds(program, types, judged, folder, apart)]
    picture = functools.lru_cache(maxsize=1)(cv2.imread)       # finds come picture by picture
    for i in range(0, len(finds), SHEET):
        tiles = [tile(picture(find["file"]), find, i + k) for k, find in enumerate(finds[i:i + SHEET])]
        tiles += [np.zeros_like(tiles[0])] * (SHEET - len(tiles))
        cv2.imwrite(os.path.join(out, f"{i // SHEET:03d}.png"), grid(tiles, COLUMNS))
    with open(os.path.join(out, "finds.json"), "w") as f:
        json.dump(finds, f)
    print(f"{len(finds)} finds on {-(-len(finds) // SHEET)} sheets")


def verdicts(out, finds):
    """Yields (find, verdict) of all sheets; ValueError where letters are missing or none of ours."""
    for i in range(0, len(finds), SHEET):
        path, part = os.path.join(out, f"{i // SHEET:03d}.txt"), finds[i:i + SHEET]
        with open(path) as f:
            letters = "".join(f.read().split())
        if len(letters) != len(part) or set(letters) - set(VERDICTS):
            raise ValueError(f"{path}: {len(part)} letters of R, W and U expected, not {letters!r}")
        yield from ((find, VERDICTS[letter]) for find, letter in zip(part, letters))


def read(out, table):
    with open(os.path.join(out, "finds.json")) as f:
        new = list(verdicts(out, json.load(f)))
    with gzip.open(table, "rt", newline="") as f:
        rows = list(csv.DictReader(f))
    there = {tuple(row[field] for field in FIELDS) for row in rows}
    new = [row for find, verdict in new if (row := (find["source"], find["path"], find["type"], *(f"{v:g}" for v in find["box"]), verdict)) not in there]
    rows += [dict(zip(FIELDS, row)) for row in new]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with open(table + ".tmp", "wb") as f:
        f.write(gzip.compress(text.getvalue().encode(), mtime=0))
    os.replace(table + ".tmp", table)
    print(f"{table}: {len(new)} more, {len(rows)} in all")


def main():
    p = argparse.ArgumentParser(prog="obscura_train.sheets")
    sub = p.add_subparsers(dest="do", required=True)
    d = sub.add_parser("draw")
    d.add_argument("--apart", action="store_true", help="only what touches no annotation of its type")
    for name in ("out", "program", "types", "table"):
        d.add_argument(name)
    d.add_argument("folders", nargs="+")
    r = sub.add_parser("read")
    r.add_argument("out")
    r.add_argument("table")
    a = p.parse_args()
    if a.do == "draw":
        draw(a.out, a.program, a.types, a.table, a.folders, a.apart)
    else:
        read(a.out, a.table)


if __name__ == "__main__":
    main()
