"""Finds the number plates that a source leaves unlabelled, with our own network.

    python3 -m obscura_train.label_plates CHECKPOINT DIR[:EVERY] ...        (DIR as collect writes it)

Sources of plates often label the main car's only, and photographs of traffic none at all; taken as they are, they teach that plates in the background
are none. CHECKPOINT is an identity network, run as the program runs it. Sure finds become objects, unsure ones ignored regions; both carry "teacher":
score. Where the source labels plates itself, sure finds are ignored regions and unsure ones nothing: it knows better than we do what is no plate. But not where
it is: boxes drawn loosely or beside the plate (of a third of openimages_plates' the IoU with ours is under .7) give way to ours, and are kept as "drawn".
Where vehicles are labelled, only finds within one count: the rest of the picture has no plates, and what looks like one there is what has to be
learnt. Pictures with neither vehicles nor plates are left as they are: pack knows that they have none.
"""
import numpy as np

from . import PLATE, VEHICLE
from .networks import load
from .predict import detect, overlaps
from .teachers import main, overlap, relabelling, share

SURE, UNSURE, MIN_PX = 0.6, 0.25, 5
LONG_SIDE, SECOND = 1024, 384
WITHIN = 0.7            # part of a plate that must lie in a vehicle's box
LOOSE = 0.2, 0.75       # IoU of a drawn box and ours of the same plate, between which ours is better
LOOSE_SURE = 0.45
LOOSE_PX = 160          # of larger plates the network at times finds a part


def tighten(own, found):
    """Moves the source's loose boxes [x, y, w, h] to the finds (x1, y1, x2, y2, score) of the same plates."""
    for a in own:
        a["bbox"] = a.pop("drawn", a["bbox"])
        x, y, w, h = a["bbox"]
        if not len(found) or max(w, h) > LOOSE_PX:
            continue
        near = overlaps(np.array([x, y, x + w, y + h]), found)
        x1, y1, x2, y2 = found[near.argmax(), :4].tolist()
        if LOOSE[0] < near.max() < LOOSE[1]:
            a["drawn"], a["bbox"] = a["bbox"], [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)]


def find(net, bgr, image, own, by_source):
    """What the network adds to a picture's own plates."""
    vehicles = [a["bbox"] for a in own if a["category_id"] == VEHICLE]
    plates = [a["bbox"] for a in own if a["category_id"] == PLATE]
    if not vehicles and not plates:
        return
    labelled = "license-plate" in by_source
    found = detect(net, bgr[:, :, ::-1].copy(), LONG_SIDE, SECOND, LOOSE_SURE if labelled else UNSURE).boxes
    found = found[found[:, 5] == 1]
    if labelled:
        tighten([a for a in own if a["category_id"] == PLATE], found)
        found = found[found[:, 4] >= SURE]
    for x1, y1, x2, y2, score, _ in found.tolist():
        box = [x1, y1, x2 - x1, y2 - y1]
        if any(overlap(box, b) > 0.3 for b in plates):
            continue
        if "vehicle" not in image["labeled"] or any(share(box, v) > WITHIN for v in vehicles):
            yield PLATE, box, labelled or score < SURE or min(box[2:]) < MIN_PX, score
    image["labeled"] = sorted({*image["labeled"], "license-plate"})


def load_network(checkpoint):
    return load(checkpoint)[1]


if __name__ == "__main__":
    main("obscura_train.label_plates", "CHECKPOINT", load_network, relabelling({PLATE}, find))
