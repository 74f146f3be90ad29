"""Rows of waste containers drawn into crops: large, dark, angular, at the kerb, and no vehicles.

A row is a few boxes of a container's measures with a curved or sloping lid, seen by a pinhole camera at eye level and lit from above. It is crude as a
picture; what is to be learnt from it is that a box without windows and lamps is none, and where it ends and the car beside it begins.
"""
import cv2
import numpy as np

from . import TASKS, VEHICLE
from .assign import IGNORED, OBJECT, WRONG
from .augment import MIN_SIDE, lay_over, log_uniform

CLASS = TASKS["scene"].index(VEHICLE)
TALL = 160              # px of a drawing's height; it is shrunk from there
GREENS, GREYS = ((25, 85, 45), (30, 100, 70), (60, 110, 60)), ((40, 42, 46), (70, 72, 76), (105, 108, 110), (28, 30, 36))
BRIGHT = ((30, 60, 130), (215, 180, 40), (110, 70, 40), (150, 35, 35), (190, 190, 185))
COLOURS = GREENS + GREYS * 2 + BRIGHT
SUN = np.array([0.4, 0.8, -0.45])       # towards it: right, up, to the viewer


def _faces(w, h, d, lid, curved):
    """The faces (n, 3) of one container at the origin, which stands on y = 0 and is w wide (x), h high and d deep (z), the lid's last part of h above."""
    body = h * (1 - lid)
    steps = np.linspace(0, np.pi, 7)
    z = (1 - np.cos(steps)) / 2 * d
    y = body + h * lid * (np.sin(steps) if curved else np.clip(np.interp(z, [0, 0.15 * d, d], [0.4, 1, 1]), 0, 1))
    over = [(body, 0), *zip(y, z)]
    sides = [[(x, *p) for p in [(0, 0), *over, (0, d)]] for x in (0, w)]
    front = [(0, 0, 0), (w, 0, 0), (w, body, 0), (0, body, 0)]
    back = [(0, 0, d), (w, 0, d), (w, body, d), (0, body, d)]
    strips = [[(0, *a), (w, *a), (w, *b), (0, *b)] for a, b in zip(over, over[1:])]
    return [(np.array(f, np.float64), top) for f, top in [(back, False), (sides[0], False), (sides[1], False), (front, False), *((s, True) for s in strips)]]


def _normal(face):
    n = np.cross(face[1] - face[0], face[2] - face[0])
    return n / max(np.linalg.norm(n), 1e-9)


def _details(rng, image, quad, colour, pixel):
    """Ribs and a notice within a body's face of the picture (4, 2): lower left, lower right, upper right, upper left."""
    at = lambda u, v: (1 - v) * ((1 - u) * quad[0] + u * quad[1]) + v * ((1 - u) * quad[3] + u * quad[2])
    for u in np.linspace(0, 1, int(rng.integers(2, 7)))[1:-1]:
        cv2.line(image, *(tuple(int(c) for c in at(u, v)) for v in (0.1, 0.9)), tuple(float(c) * 0.8 for c in colour), max(1, round(pixel)), cv2.LINE_AA)
    if rng.random() < 0.6:
        u, v, s = rng.uniform(0.1, 0.7), rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.3)
        notice = np.array([at(u, v), at(u + s, v), at(u + s, v + s), at(u, v + s)]).astype(np.int32)
        cv2.fillConvexPoly(image, notice, tuple(float(c) for c in rng.uniform(90, 240, 3)), cv2.LINE_AA)


def draw_containers(rng):
    """A row of one to five: (h, w, 3) float32 RGB, 0..255, how far each pixel hides, (h, w) 0..1, and each one's box [x1, y1, x2, y2]."""
    n = int(rng.integers(1, 6))
    w, h, d = rng.uniform(1.0, 1.9), rng.uniform(1.0, 1.7), rng.uniform(0.8, 1.4)
    lid, curved, gap = rng.uniform(0.1, 0.35), rng.random() < 0.5, rng.uniform(0.02, 0.4)
    turn, far, eye = rng.uniform(-1.3, 1.3), rng.uniform(4, 20), rng.uniform(1.2, 2.4)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    middle = np.array([n * (w + gap) / 2, 0, d / 2])
    own, light = COLOURS[rng.integers(len(COLOURS))], rng.uniform(0.5, 1.2)
    drawn = []              # (distance, number, face in the room, is a lid's, colour, is a body's front)
    for k in range(n):
        colour = np.array(own if rng.random() < 0.7 else COLOURS[rng.integers(len(COLOURS))], np.float64) * rng.uniform(0.85, 1.15)
        lid_colour = colour * rng.uniform(0.7, 1.3) if rng.random() < 0.7 else np.array(COLOURS[rng.integers(len(COLOURS))], np.float64)
        faces = [((f + [k * (w + gap), 0, 0] - middle) @ rotation.T + [0, -eye, far + middle[0] * abs(np.sin(turn))], top) for f, top in _faces(w, h, d, lid, curved)]
        depth = np.mean([f.mean(0)[2] for f, _ in faces])
        drawn += [(depth, f.mean(0)[2], k, f, lid_colour if top else colour, not top and len(f) == 4) for f, top in faces]
    spread = np.concatenate([f[:, :2] / f[:, 2:] for _, _, _, f, _, _ in drawn]) * [1, -1]
    low, high = spread.min(0), spread.max(0)
    scale = min(TALL / (high[1] - low[1]), 3 * TALL / (high[0] - low[0]))
    size = np.ceil((high - low) * scale).astype(int) + 8
    image, cover, boxes = np.zeros((size[1], size[0], 3), np.float32), np.zeros((size[1], size[0]), np.float32), {}
    place = lambda f: (f[:, :2] / f[:, 2:] * [1, -1] - low) * scale + 4
    for _, _, k, f, colour, body in sorted(drawn, key=lambda r: (-r[0], -r[1])):
        p, normal = place(f), _normal(f)
        normal = normal if normal @ f.mean(0) < 0 else -normal          # towards the viewer
        lit = np.clip(colour * light * (0.55 + 0.6 * max(normal @ SUN, 0)), 0, 255)
        points = np.round(p * 16).astype(np.int32)
        cv2.fillPoly(image, [points], tuple(float(c) for c in lit), cv2.LINE_AA, 4)
        cv2.fillPoly(cover, [points], 1.0, cv2.LINE_8, 4)
        if body:
            _details(rng, image, p, lit, TALL / 80)
        b = boxes.setdefault(k, [*p.min(0), *p.max(0)])
        boxes[k] = [*np.minimum(b[:2], p.min(0)), *np.maximum(b[2:], p.max(0))]
    fall = np.linspace(1, rng.uniform(0.5, 0.9), image.shape[0], dtype=np.float32)[:, None, None]        # darker towards the ground
    dirt = cv2.resize(rng.uniform(0.75, 1.2, (5, 9)).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(image * fall * dirt, 0, 255), cover, list(boxes.values())


def _place(rng, objects, size, aspect):
    """Left, top, width, height: mostly at the kerb beside a vehicle of the crop, about as high and standing as it does; else anywhere."""
    known = [o for o in objects if o[0] == CLASS and o[5] in (OBJECT, IGNORED) and o[4] - o[2] >= 12]
    if known and rng.random() < 0.7:
        _, x1, y1, x2, y2, _ = known[rng.integers(len(known))]
        h = (y2 - y1) * rng.uniform(0.5, 1.2)
        w = h * aspect
        inside = rng.uniform(0, 0.35) * min(w, x2 - x1)
        return (x2 - inside if rng.random() < 0.5 else x1 - w + inside), y2 - h + rng.uniform(-0.1, 0.15) * h, w, h
    h = log_uniform(rng, 14, 0.5 * size)
    return rng.uniform(-0.2, 0.8) * size, rng.uniform(0.2, 0.9) * size, h * aspect, h


def add_containers(rng, crop):
    """Draws a row of containers into a crop (augment.py); it and each one of it are rows of `objects` that a detector takes for vehicles, wrongly."""
    pixels, objects, masks = crop
    size = pixels.shape[0]
    flat, cover, boxes = draw_containers(rng)
    x, y, w, h = (round(float(v)) for v in _place(rng, objects, size, cover.shape[1] / cover.shape[0]))
    if min(w, h) < 8 or x >= size or y >= size or x + w <= 0 or y + h <= 0:
        return
    sx, sy = w / cover.shape[1], h / cover.shape[0]
    shown = pixels[max(y, 0):y + h, max(x, 0):x + w]
    shade = np.clip(shown.mean() / 110, 0.3, 1.3)
    flat, cover = (cv2.resize(v, (w, h), interpolation=cv2.INTER_AREA if sx < 1 else cv2.INTER_LINEAR) for v in (flat, cover))
    soft = max(log_uniform(rng, 0.4, 0.02 * h + 0.5), 0.3)         # no sharper than what is about it
    flat, cover = cv2.GaussianBlur(flat, (0, 0), soft), cv2.GaussianBlur(cover, (0, 0), soft)
    if not lay_over(crop, np.clip(flat * shade + rng.normal(0, 3, flat.shape), 0, 255).astype(np.float32), cover, x, y):
        return
    whole = [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]
    for b in [whole, *boxes] if len(boxes) > 1 else [whole]:
        x1, y1, x2, y2 = max(x + b[0] * sx, 0), max(y + b[1] * sy, 0), min(x + b[2] * sx, size), min(y + b[3] * sy, size)
        if min(x2 - x1, y2 - y1) >= MIN_SIDE:
            objects.append((CLASS, x1, y1, x2, y2, WRONG))
            masks.append(None)
