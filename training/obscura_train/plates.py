"""Number plates of countries that the photographs lack, and lettering that is no plate, drawn into crops.

A plate is drawn flat, with fonts that Debian ships, then warped over a plate that a photograph already holds: there the surroundings,
the angle and the size are right. Dirt, shade and blur follow the plate that is covered.
"""
import functools
import glob
import itertools

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .assign import IGNORED, OBJECT, SURFACE, WRONG

FONTS = ["/usr/share/fonts/" + name for name in (
    "truetype/dejavu/*Sans*-Bold.ttf", "truetype/lato/Lato-B*[dk].ttf", "opentype/league-spartan/LeagueSpartan-Bold.otf", "opentype/cabin/Cabin-Bold.otf",
    "truetype/roboto/unhinted/RobotoCondensed-Bold.ttf", "truetype/roboto/unhinted/RobotoTTF/Roboto-Bold.ttf", "truetype/opendin/OSP-DIN.ttf")]
PLATE = 1               # class index within the identity task
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"

# Template (A letter, 0 digit), ground, ink, coloured band at the left, width / height. Two lines are divided by "|".
STYLES = (
    ("A·00000", (30, 60, 170), (245, 245, 245), None, 3.1),             # China
    ("A·A00000", (140, 215, 150), (20, 20, 20), None, 3.3),             # China, electric
    ("00 A 000 00", (240, 240, 235), (15, 15, 15), (30, 60, 160), 4.6), # Iran
    ("00 AA 000", (245, 245, 245), (15, 15, 15), (20, 60, 170), 4.6),   # Turkey
    ("A 000 AA 00", (245, 245, 245), (15, 15, 15), None, 4.6),          # Russia
    ("AAA0A00", (240, 240, 240), (20, 20, 20), None, 3.1),              # Brazil
    ("AAA-0000", (190, 190, 185), (25, 25, 25), None, 3.1),             # Brazil, until 2018
    ("AA 00 AA 0000", (250, 250, 250), (10, 10, 10), None, 4.2),        # India
    ("AA 00|AA 0000", (250, 205, 40), (10, 10, 10), None, 1.7),         # India, commercial, two lines
    ("AA00 AAA", (245, 200, 40), (15, 15, 15), None, 4.6),              # Britain, rear
    ("A-AA 0000", (245, 245, 245), (15, 15, 15), (20, 60, 170), 4.6),   # Germany
    ("000|AA 00", (245, 245, 245), (15, 15, 15), None, 1.3),            # motorcycles
    ("00-00|00 AA", (240, 200, 60), (20, 20, 20), None, 1.6),
    ("A 0000 AA", (25, 25, 25), (235, 235, 235), None, 3.6),            # Indonesia
    ("AAA 000", (250, 250, 250), (170, 30, 40), None, 2.0),             # Belgium, USA
    ("000·AAA", (235, 240, 250), (30, 50, 130), None, 2.0),
)

UNWRITTEN = 0.08        # part of the plates that are blank, or bear a name where the number belongs: dealers' and painted-over ones are labelled too
LONG = 1.3              # a vehicle this many times as long as high shows its side
GROUNDS = ((245, 245, 245), (25, 25, 25), (190, 190, 185))
WORDS = ("POLICE", "POLICIA", "POLIZEI", "POLIZIA", "POLITIE", "POLIS", "SHERIFF", "AMBULANCE", "AMBULANCIA", "CRUZ ROJA", "RED CROSS", "FIRE RESCUE",
         "BOMBEROS", "FEUERWEHR", "TAXI", "SCHOOL BUS", "EXPRESS", "TRANSPORT", "SERVICE", "LOGISTICS", "TURBO", "QUATTRO", "TUNDRA", "RENTAL")
PANEL, SUBLINE, EMBLEM = 0.5, 0.4, 0.35     # parts of the lettering that stand on a panel or band of its own colour, have a smaller second line, an emblem before it
STRIPE = 0.4            # parts of the liveries that have a line above, or below
PANELS = ((20, 50, 140), (0, 90, 190), (170, 20, 30), (20, 110, 60), (230, 120, 20), (90, 30, 110), (20, 24, 40), (15, 15, 15), (35, 45, 80))


@functools.lru_cache(maxsize=64)
def _font(path, size):
    return ImageFont.truetype(path, size)


@functools.lru_cache(maxsize=1)
def _font_paths():
    return sorted(itertools.chain(*map(glob.glob, FONTS)))


def available():
    return bool(_font_paths())


def _text_for(rng, template):
    pick = lambda alphabet: alphabet[rng.integers(len(alphabet))]
    return "".join(pick(LETTERS) if c == "A" else pick(DIGITS) if c == "0" else c for c in template)


def _write(rng, image, box, text, ink):
    """One line of text stretched to fill a box (x1, y1, x2, y2) of the image."""
    paths = _font_paths()
    font = _font(paths[rng.integers(len(paths))], 64)
    x1, y1, x2, y2 = font.getbbox(text)
    stamp = Image.new("L", (max(1, x2 - x1), max(1, y2 - y1)))
    ImageDraw.Draw(stamp).text((-x1, -y1), text, fill=255, font=font)
    stamp = stamp.resize((max(1, box[2] - box[0]), max(1, box[3] - box[1])), Image.BILINEAR)
    image.paste(Image.new("RGB", stamp.size, ink), box[:2], stamp)


def _word(rng):
    word = WORDS[rng.integers(len(WORDS))]
    return word if rng.random() < 0.6 else word.title()


def draw_plate(rng, height=96):
    """A flat plate: (height, w, 3) float32 RGB, 0..255."""
    template, ground, ink, band, aspect = STYLES[rng.integers(len(STYLES))]
    lines = _text_for(rng, template).split("|")
    if rng.random() < UNWRITTEN:
        ground, band, lines = GROUNDS[rng.integers(len(GROUNDS))], None, [_word(rng)] if rng.random() < 0.5 else []
        ink = (20, 20, 20) if ground[0] > 100 else (235, 235, 235)
    w = round(height * aspect)
    image = Image.new("RGB", (w, height), ground)
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.7:
        draw.rectangle([1, 1, w - 2, height - 2], outline=ink, width=3)
    left = 0.06 * w
    if band:
        draw.rectangle([3, 3, 0.09 * w, height - 4], fill=band)
        left = 0.12 * w
    step = height / max(len(lines), 1)
    for k, line in enumerate(lines):
        _write(rng, image, (round(left), round(k * step + 0.14 * step), round(0.95 * w), round((k + 1) * step - 0.12 * step)), line, ink)
    plate = np.asarray(image).astype(np.float32)
    if rng.random() < 0.4:      # dirt
        dirt = cv2.resize(rng.random((6, 12)).astype(np.float32), (w, height), interpolation=cv2.INTER_CUBIC)[..., None]
        plate += (np.array([110, 95, 75], np.float32) - plate) * np.clip(dirt - 0.4, 0, 0.7)
    return np.clip(plate, 0, 255)


def _quad(rng, x1, y1, x2, y2, aspect):
    """Corners of a slightly tilted plate that covers the box and keeps its own proportions."""
    w, h = x2 - x1, y2 - y1
    scale = max(w, h * min(aspect, 5)) * rng.uniform(1.0, 1.15)
    w, h = scale, max(scale / aspect, h)
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (w / 2, h / 2)
    corners[:, 1] += corners[:, 0] * rng.normal(0, 0.06)                    # tilt
    corners[[1, 2]] *= (1, rng.uniform(0.88, 1.0)) if rng.random() < 0.5 else (1, 1)
    return (corners + centre).astype(np.float32)


def _lay(rng, pixels, flat, cover, quad):
    """Warps a flat drawing over the crop, its corners at those of quad (4, 2), blurred as far as it shrinks; cover (h, w): how far each pixel hides, 0..1."""
    h, w = cover.shape
    shrink = max((quad[1, 0] - quad[0, 0]) / w, 0.02)
    drawing = cv2.GaussianBlur(np.dstack([flat * cover[..., None], cover]), (0, 0), max(0.35 / shrink * rng.uniform(0.8, 2.0), 0.3))
    (x1, y1), (x2, y2) = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    matrix = cv2.getPerspectiveTransform(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32), quad - np.float32([x1, y1]))
    region = pixels[y1:y2, x1:x2]
    drawing = cv2.warpPerspective(drawing, matrix, region.shape[1::-1])
    region += drawing[..., :3] - region * drawing[..., 3:]


def replace_plates(rng, pixels, objects):
    """Draws a plate over each one of the crop that is 14 to 160 px wide; the rows in `objects` follow. Does nothing without fonts."""
    size = pixels.shape[0]
    for i, (cls, x1, y1, x2, y2, ignore) in enumerate(objects):
        if cls != PLATE or ignore or not 14 <= x2 - x1 <= 160 or not available():
            continue
        plate = draw_plate(rng)
        h, w = plate.shape[:2]
        quad = _quad(rng, x1, y1, x2, y2, w / h)
        if quad.min() < 0 or quad.max() > size:
            continue
        old = pixels[int(y1):int(y2) + 1, int(x1):int(x2) + 1]
        shade = np.clip(old.mean() / 130, 0.3, 1.2)
        _lay(rng, pixels, plate * shade, np.ones((h, w), np.float32), quad)
        objects[i] = (PLATE, *quad.min(0), *quad.max(0), 0)


def _ink(rng, ground):
    """A colour that can be read on a ground (grey value 0..255; None: not known)."""
    light = rng.random() < 0.45 if ground is None else ground < 125
    return (245,) * 3 if light else (10,) * 3 if rng.random() < 0.5 else tuple(int(v) for v in rng.integers(0, 256 if ground is None else 110, 3))


def draw_lettering(rng, height=48, ground=None):
    """Words as vehicles, shop fronts and bins bear them, flat: (h, w, 3) float32 RGB, 0..255, and how far each pixel hides, (h, w) 0..1. ground: the grey
    value of the paintwork they are written on, which they then stand out from, with lines above and below now and then."""
    text = _word(rng) if rng.random() < 0.5 else _text_for(rng, "A" * int(rng.integers(3, 10)))
    length, gap = round(height * len(text) * rng.uniform(0.5, 1.1)), height // 5
    emblem, subline = rng.random() < EMBLEM, rng.random() < SUBLINE
    left = gap + emblem * (height + gap)
    size = left + length + gap, gap + height + subline * (height // 2) + gap
    ink = _ink(rng, ground)
    image, cover = Image.new("RGB", size, ink), Image.new("L", size, 0)
    if emblem:
        colour = PANELS[rng.integers(len(PANELS))] if rng.random() < 0.5 else (205, 25, 35)
        image.paste(colour, (0, 0, left - gap // 2, size[1]))
        x1, y1, x2, y2 = box = [gap, gap, gap + height, gap + height]
        shape, draw = rng.integers(3), ImageDraw.Draw(cover)
        if shape == 0:          # a cross
            draw.rectangle([x1, y1 + height // 3, x2, y2 - height // 3], fill=255)
            draw.rectangle([x1 + height // 3, y1, x2 - height // 3, y2], fill=255)
        elif shape == 1:
            draw.ellipse(box, fill=255)
        else:                   # a shield
            draw.polygon([x1, y1, x2, y1, x2, (y1 + y2) // 2, (x1 + x2) // 2, y2, x1, (y1 + y2) // 2], fill=255)
    _write(rng, cover, (left, gap, left + length, gap + height), text, 255)
    if subline:
        words = " ".join(_text_for(rng, "A" * int(rng.integers(2, 8))) for _ in range(2))
        _write(rng, cover, (left, gap + height + gap // 2, left + round(length * rng.uniform(0.5, 1)), gap + height + height // 2), words, 255)
    for y in (0, size[1] - gap // 2) if ground is not None else ():
        if rng.random() < STRIPE:
            cover.paste(255, (0, y, size[0], y + gap // 2))
    flat, hides = np.asarray(image).astype(np.float32), np.asarray(cover).astype(np.float32) / 255
    if rng.random() < (PANEL if ground is None else PANEL / 3):
        panel = np.array(PANELS[rng.integers(len(PANELS))] if min(ink) > 150 else rng.integers(120, 256, 3), np.float32)
        flat, hides = panel + (flat - panel) * hides[..., None], np.ones_like(hides)
    return np.ascontiguousarray(flat), hides * np.float32(rng.uniform(0.7 if ground is None else 0.9, 1.0))


def _place_for(rng, aspect, objects, size):
    """Left, top, width, height of lettering: mostly on a vehicle, above or beside a plate and up to some times its size; else anywhere."""
    known = [o for o in objects if o[0] == PLATE and o[5] in (OBJECT, IGNORED) and o[3] - o[1] >= 14]
    if known and rng.random() < 0.7:
        _, x1, y1, x2, y2, _ = known[rng.integers(len(known))]
        h = (y2 - y1) * rng.uniform(0.7, 4.5)
        w = h * aspect
        x = (x1 + x2) / 2 + rng.uniform(-4.0, 3.0) * (x2 - x1)
        y = y1 - h - rng.uniform(0.3, 4.0) * (y2 - y1)
    else:
        w = rng.uniform(0.1, 0.8) * size
        h = w / aspect
        x, y = rng.uniform(0, size - w), rng.uniform(0, max(size - h, 1))
    return round(x), round(y), max(8, round(w)), max(5, round(h))


def _free(x, y, w, h, objects, size):
    """Whether a rectangle lies in the crop and off all objects."""
    inside = x >= 0 and y >= 0 and x + w <= size and y + h <= size
    return inside and not any(x < o[3] and x + w > o[1] and y < o[4] and y + h > o[2] for o in objects if o[5] in (OBJECT, IGNORED))


def add_lettering(rng, pixels, objects):
    """Writes somewhere off the objects: names on vehicles and shop fronts are no plates."""
    if not available():
        return
    size = pixels.shape[0]
    flat, cover = draw_lettering(rng)
    places = (_place_for(rng, cover.shape[1] / cover.shape[0], objects, size) for _ in range(3))
    place = next((p for p in places if _free(*p, objects, size)), None)
    if not place:
        return
    x, y, w, h = place
    shade = np.clip(pixels[y:y + h, x:x + w].mean() / 110, 0.35, 1.1)
    _lay(rng, pixels, flat * shade, cover, _tilted(rng, x, y, w, h, 0.15))
    objects.append((PLATE, x, y, x + w, y + h, WRONG))


def _tilted(rng, x, y, w, h, by):
    """Corners of a rectangle that is seen at an angle: each one moved inwards by up to that part of its sides."""
    corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
    return (corners + rng.uniform(0, by, (4, 2)) * (w, h) * [[1, 1], [-1, 1], [-1, -1], [1, -1]]).astype(np.float32)


def add_livery(rng, pixels, objects):
    """Writes on the side of one of the vehicles that are seen from there, off the objects."""
    sides = [o for o in objects if o[5] == SURFACE and o[3] - o[1] > max(60, LONG * (o[4] - o[2]))]
    if not sides or not available():
        return
    _, x1, y1, x2, y2, _ = sides[rng.integers(len(sides))]
    w, h = (x2 - x1) * rng.uniform(0.2, 0.8), (y2 - y1) * rng.uniform(0.12, 0.4)
    x, y = round(x1 + rng.uniform(0.1, 0.9) * (x2 - x1 - w)), round(y1 + rng.uniform(0.35, 0.85) * (y2 - y1 - h))
    ground = pixels[max(y, 0):y + round(h), max(x, 0):x + round(w)]
    if not ground.size:
        return
    flat, cover = draw_lettering(rng, ground=ground.mean())
    aspect = cover.shape[1] / cover.shape[0]
    w, h = round(min(w, h * aspect)), round(min(h, w / aspect))
    if min(w, h) >= 5 and _free(x, y, w, h, objects, pixels.shape[0]):
        _lay(rng, pixels, flat * rng.uniform(0.8, 1.0), cover, _tilted(rng, x, y, w, h, 0.06))
        objects.append((PLATE, x, y, x + w, y + h, WRONG))


def add_poster(rng, pixels, objects):
    """A notice, leaflet or label: paragraphs and a picture on light ground, upright or lying, off the objects."""
    size = pixels.shape[0]
    h = round(float(np.exp(rng.uniform(np.log(12), np.log(0.4 * size)))))
    w = min(round(h * rng.uniform(0.5, 1.6)), size - 1)
    x, y = int(rng.integers(0, size - w)), int(rng.integers(0, size - h))
    if not available() or not _free(x, y, w, h, objects, size):
        return
    sheet = Image.new("RGB", (96, round(96 * h / w)), tuple(int(v) for v in rng.integers(190, 256, 3)))
    colour, line = tuple(int(v) for v in rng.integers(0, 200, 3)), int(rng.integers(5, 14))
    top = 4
    while top + line < sheet.height:
        if rng.random() < 0.25:         # a picture
            tall = int(rng.integers(1, 5)) * line
            ImageDraw.Draw(sheet).rectangle([int(rng.integers(4, 40)), top, int(rng.integers(56, 92)), top + tall], fill=colour)
            top += tall
        elif rng.random() < 0.9:
            words = " ".join(_text_for(rng, "A" * int(rng.integers(2, 8))) for _ in range(int(rng.integers(1, 5))))
            _write(rng, sheet, (5, top, int(rng.integers(50, 92)), top + line - 2), words.lower(), colour if rng.random() < 0.3 else (40, 40, 40))
        top += line + 1
    flat = np.asarray(sheet).astype(np.float32) * np.clip(pixels[y:y + h, x:x + w].mean() / 110, 0.35, 1.05)
    _lay(rng, pixels, flat, np.ones(flat.shape[:2], np.float32), _tilted(rng, x, y, w, h, 0.1))


def add_caption(rng, pixels, objects):
    """A line of words or a date burnt in along the upper or lower border, often on a strip of its own."""
    if not available():
        return
    size = pixels.shape[0]
    kind = lambda: "A" if rng.random() < 0.7 else "0"
    words = [_text_for(rng, kind() * int(rng.integers(2, 8))) for _ in range(int(rng.integers(4, 8)))]      # more than on any plate
    text, h = " ".join(words), int(rng.integers(8, max(9, size // 14)))
    w = min(round(h * len(text) * rng.uniform(0.5, 0.8)), size)
    x, y = int(rng.integers(0, size - w + 1)), size - h - int(rng.integers(0, 8)) if rng.random() < 0.7 else int(rng.integers(0, 8))
    if not _free(x, y, w, h, objects, size):
        return
    light = rng.random() < 0.7
    strip = Image.fromarray(np.clip(pixels[y:y + h, x:x + w], 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        strip.paste((15, 15, 15) if light else (240, 240, 240), (0, 0, w, h))
    _write(rng, strip, (2, 1, max(3, w - 2), max(2, h - 1)), text, (250, 250, 250) if light else (10, 10, 10))
    pixels[y:y + h, x:x + w] = np.asarray(strip)


def add_grille(rng, pixels, objects):
    """Bars or a lattice of a plate's size and shape: radiators, vents and fences are no plates."""
    size = pixels.shape[0]
    h = round(float(np.exp(rng.uniform(np.log(8), np.log(0.2 * size)))))
    w = min(round(h * rng.uniform(1.5, 5.0)), size - 1)
    x, y = int(rng.integers(0, size - w)), int(rng.integers(0, size - h))
    if not _free(x, y, w, h, objects, size):
        return
    step, light, dark = int(rng.integers(3, 10)), rng.uniform(90, 230), rng.uniform(5, 80)
    bars = (np.arange(h)[:, None] % step < step / 2) | np.zeros((1, w), bool)
    if rng.random() < 0.4:
        bars = bars | (np.arange(w)[None] % step < step / 2)
    ink = np.where(bars, light, dark)[..., None].astype(np.float32)
    pixels[y:y + h, x:x + w] += (cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.4, 1.2))[..., None] - pixels[y:y + h, x:x + w]) * rng.uniform(0.7, 1.0)
    objects.append((PLATE, x, y, x + w, y + h, WRONG))
