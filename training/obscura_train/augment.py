"""Augmentation of one crop: geometry, colours, degradation, pasted objects.

A crop is (pixels, objects, masks): pixels (S, S, 3) float32 RGB, 0..255; objects a list of rows (class, x1, y1, x2, y2, ignore) in the crop's
pixels, ignore as assign.py names it; masks, for each object, (S/4, S/4) uint8 of 0, 1 and UNSURE, or None where the source has none.
"""
import cv2
import numpy as np

from . import PAD
from .assign import IGNORED, OBJECT
from .networks import PROTO_STRIDE

UNSURE = 2              # in a mask: nothing is known here
SUBPIXEL = 4            # bits of a polygon's fractions of a pixel
MIN_SIDE = 5.0          # objects with a smaller side are ignored rather than taught
MIN_VISIBLE = 0.4       # and those of which the crop shows less than this part


def log_uniform(rng, lo, hi):
    return float(np.exp(rng.uniform(np.log(lo), np.log(max(hi, lo)))))


def choose_window(rng, height, width, boxes, size, smallest, whole):
    """Left, top and side of a square window of the picture.

    Mostly aimed at one of `boxes`, half of those at the scale that gives it a log-uniform size between `smallest` and 0.8 `size`: every size
    is then seen equally often. `whole`: about the whole picture (for mosaics, whose quarters would otherwise hold only large objects).
    """
    longest = max(height, width)
    side = log_uniform(rng, 0.35 * min(height, width), 1.05 * longest)
    if whole:
        side = rng.uniform(0.7, 1.1) * longest
    if not boxes or not (whole or rng.random() < 0.85):
        return (rng.uniform(min(0, width - side), max(0, width - side)), rng.uniform(min(0, height - side), max(0, height - side)), side)
    x1, y1, x2, y2 = boxes[rng.integers(len(boxes))]
    extent = max(x2 - x1, y2 - y1)
    if not whole and rng.random() < 0.5:
        side = extent * size / log_uniform(rng, smallest, 0.8 * size)
    side = min(max(side, 0.8 * extent, 48), 1.2 * longest)
    slack = max(side - extent, 0) / 2
    left = (x1 + x2) / 2 - side / 2 + rng.uniform(-slack, slack)
    top = (y1 + y2) / 2 - side / 2 + rng.uniform(-slack, slack)
    if side <= width:       # leave the picture only where it is smaller than the window
        left = min(max(left, 0), width - side)
    if side <= height:
        top = min(max(top, 0), height - side)
    return left, top, side


def warp(pixels, matrix, size):
    """The window that the 2x3 `matrix` maps onto size x size pixels. warpAffine has no area filter: shrink first where the scale asks for it."""
    sx, sy = abs(matrix[0, 0]), matrix[1, 1]
    if sx < 0.7:
        inverse = cv2.invertAffineTransform(matrix)
        xs = np.sort(inverse[0, 0] * np.array([0, size]) + inverse[0, 2])
        ys = inverse[1, 1] * np.array([0, size]) + inverse[1, 2]
        x1, y1 = int(max(0, xs[0])), int(max(0, ys[0]))
        x2, y2 = int(min(pixels.shape[1], xs[1] + 1)), int(min(pixels.shape[0], ys[1] + 1))
        if x2 - x1 < 2 or y2 - y1 < 2:
            return np.full((size, size, 3), PAD, np.uint8)
        scale = max(sx, sy)
        w, h = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
        back = np.array([[(x2 - x1) / w, 0, x1], [0, (y2 - y1) / h, y1], [0, 0, 1]])
        pixels = cv2.resize(pixels[y1:y2, x1:x2], (w, h), interpolation=cv2.INTER_AREA)
        matrix = (np.vstack([matrix, [0, 0, 1]]) @ back)[:2]
    return cv2.warpAffine(pixels, matrix.astype(np.float32), (size, size), flags=cv2.INTER_LINEAR, borderValue=(PAD,) * 3)


def window_matrix(rng, left, top, side, size):
    """The 2x3 matrix of a window: scale, mild change of aspect, mirror."""
    aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
    sx, sy = size / side * aspect, size / side
    if rng.random() < 0.5:
        return np.array([[-sx, 0, size + sx * left], [0, sy, -sy * top]], np.float64)
    return np.array([[sx, 0, -sx * left], [0, sy, -sy * top]], np.float64)


def fill_polygons(mask, polygons, matrix, value):
    """Draws a packed object's polygons, which `matrix` takes to the crop, into a mask at a quarter of its size: the pixels that lie inside by half or more.
    fillPoly takes all that an outline touches: half of those pixels are its own. (Drawn at a quarter of the size, masks were two pixels of the crop too large all round.)"""
    parts = [np.array(q, np.float64).reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2] for q in polygons if len(q) >= 6]
    whole = np.zeros((mask.shape[0] * PROTO_STRIDE, mask.shape[1] * PROTO_STRIDE), np.uint8)
    outlines = [np.round((q - 0.5) * (1 << SUBPIXEL)).astype(np.int32) for q in parts]
    cv2.fillPoly(whole, outlines, 255, shift=SUBPIXEL)
    cv2.polylines(whole, outlines, True, 128, shift=SUBPIXEL)
    mask[cv2.resize(whole, mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127] = value


def transform_object(row, matrix, size, with_mask):
    """A packed object in the crop's pixels: (row, mask), or None where it lies outside."""
    cls, *box, ignore, polygons, unsure = row
    p = np.array(box, np.float64).reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]
    x1, x2 = sorted(p[:, 0])
    y1, y2 = sorted(p[:, 1])
    area = max((x2 - x1) * (y2 - y1), 1e-6)
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, size), min(y2, size)
    if x2 - x1 < 1 or y2 - y1 < 1:
        return None
    if ignore == OBJECT and ((x2 - x1) * (y2 - y1) / area < MIN_VISIBLE or min(x2 - x1, y2 - y1) < MIN_SIDE):
        ignore = IGNORED
    mask = None
    if with_mask and polygons:
        mask = np.zeros((size // PROTO_STRIDE,) * 2, np.uint8)
        fill_polygons(mask, polygons, matrix, 1)
        fill_polygons(mask, unsure or [], matrix, UNSURE)
    return (cls, x1, y1, x2, y2, ignore), mask


def change_colours(rng, pixels):
    if rng.random() < 0.8:
        pixels = (pixels - 128) * rng.uniform(0.6, 1.5) + 128 + rng.uniform(-30, 30)
        if rng.random() < 0.5:
            pixels = pixels * rng.uniform(0.8, 1.2, (1, 1, 3)).astype(np.float32)
        if rng.random() < 0.15:
            pixels = np.repeat(pixels.mean(2, keepdims=True), 3, 2)
    return pixels


def motion_blur(rng, pixels):
    n = int(rng.integers(3, 10))
    kernel = np.zeros((n, n), np.float32)
    angle = rng.uniform(0, np.pi)
    end = np.array([np.cos(angle), np.sin(angle)]) * n / 2
    centre = np.array([n / 2, n / 2])
    cv2.line(kernel, tuple(int(v) for v in centre - end), tuple(int(v) for v in centre + end), 1.0)
    return cv2.filter2D(pixels, -1, kernel / max(kernel.sum(), 1))


def degrade(rng, pixels):
    """Now and then blur, noise, or JPEG's traces."""
    pixels = np.clip(pixels, 0, 255)
    r = rng.random()
    if r < 0.08:
        return cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2))
    if r < 0.12:
        return motion_blur(rng, pixels)
    if r < 0.2:
        return np.clip(pixels + rng.normal(0, rng.uniform(2, 12), pixels.shape), 0, 255)
    if r < 0.32:
        _, jpeg = cv2.imencode(".jpg", pixels.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])
        return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    return pixels


def lay_over(crop, cutout, alpha, x, y):
    """Lays a picture over the crop at (x, y): cutout (h, w, 3), alpha (h, w) in 0..1. Hides, or ignores, what it covers. Returns its box within the crop and its
    mask; None where hardly any of it would be seen, and nothing is done."""
    pixels, objects, masks = crop
    size = pixels.shape[0]
    h, w = alpha.shape
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w, size), min(y + h, size)
    if x2 - x1 < MIN_SIDE or y2 - y1 < MIN_SIDE:
        return None
    a = alpha[y1 - y:y2 - y, x1 - x:x2 - x]
    region = pixels[y1:y2, x1:x2]
    region += (cutout[y1 - y:y2 - y, x1 - x:x2 - x] - region) * a[..., None]
    cover = np.zeros((size, size), np.uint8)
    cover[y1:y2, x1:x2] = a > 0.5
    small = cv2.resize(cover, (size // PROTO_STRIDE,) * 2, interpolation=cv2.INTER_AREA)
    for i, (c, bx1, by1, bx2, by2, ignore) in enumerate(objects):
        hidden = cover[int(by1):int(by2) + 1, int(bx1):int(bx2) + 1].mean()
        if hidden > 0.5:
            objects[i] = (c, bx1, by1, bx2, by2, IGNORED)
        if masks[i] is not None:
            masks[i] = masks[i] * (1 - small)
    return (x1, y1, x2, y2), small


def paste(crop, cutout, alpha, cls, x, y):
    """Lays an object cut from another picture over the crop, as lay_over takes it, and counts it among the crop's own."""
    laid = lay_over(crop, cutout, alpha, x, y)
    if laid:
        (x1, y1, x2, y2), mask = laid
        visible = (x2 - x1) * (y2 - y1) / alpha.size
        crop[1].append((cls, x1, y1, x2, y2, int(visible < MIN_VISIBLE)))
        crop[2].append(mask)
