"""Finds the number plates that a source leaves unlabelled, with our own network.

    python3 -m obscura_train.label_plates CHECKPOINT DIR[:EVERY] ...        (DIR as collect writes it)

Sources of plates often label the main car's only, and photographs of traffic none at all; taken as they are, they teach that plates in the background
are none. CHECKPOINT is an identity network, run as the program runs it. Sure finds become objects, unsure ones ignored regions; both carry "teacher":
score. Where the source labels plates itself, sure finds are ignored regions and unsure ones nothing: it knows better than we do what is no plate.
Where vehicles are labelled, only finds within one count: the rest of the picture has no plates, and what looks like one there is what has to be
learnt. Pictures with neither vehicles nor plates are left as they are (see pack's --negatives).
"""
from . import PLATE, VEHICLE
from .networks import load
from .predict import detect
from .teachers import main, overlap, relabelling, share

SURE, UNSURE, MIN_PX = 0.6, 0.25, 5
LONG_SIDE, SECOND = 1024, 384
WITHIN = 0.7            # part of a plate that must lie in a vehicle's box


def find(net, bgr, image, own, by_source):
    """What the network adds to a picture's own plates."""
    vehicles = [a["bbox"] for a in own if a["category_id"] == VEHICLE]
    plates = [a["bbox"] for a in own if a["category_id"] == PLATE]
    if not vehicles and not plates:
        return
    labelled = "license-plate" in by_source
    found = detect(net, bgr[:, :, ::-1].copy(), LONG_SIDE, SECOND, SURE if labelled else UNSURE).boxes
    for x1, y1, x2, y2, score, cls in found.tolist():
        box = [x1, y1, x2 - x1, y2 - y1]
        if cls != 1 or any(overlap(box, b) > 0.3 for b in plates):
            continue
        if "vehicle" not in image["labeled"] or any(share(box, v) > WITHIN for v in vehicles):
            yield PLATE, box, labelled or score < SURE or min(box[2:]) < MIN_PX, score
    image["labeled"] = sorted({*image["labeled"], "license-plate"})


def load_network(checkpoint):
    return load(checkpoint)[1]


if __name__ == "__main__":
    main("obscura_train.label_plates", "CHECKPOINT", load_network, relabelling({PLATE}, find))
