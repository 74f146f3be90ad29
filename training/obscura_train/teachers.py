"""What the networks that label for us have in common: how a picture meets them, and how boxes [x, y, w, h] meet."""
import cv2
import numpy as np


def show(teacher, bgr, side, pad):
    """Gives a picture to a teacher whose input is side x side px: scaled to fit, at the top left, the rest `pad`. Returns the scale."""
    s = side / max(bgr.shape[:2])
    small = cv2.resize(bgr, None, fx=s, fy=s, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR)[:side, :side]
    padded = np.full((side, side, 3), pad, np.uint8)
    padded[:small.shape[0], :small.shape[1]] = small
    teacher.setInput(cv2.dnn.blobFromImage(padded))
    return s


def intersection(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0)
