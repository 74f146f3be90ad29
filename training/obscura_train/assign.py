"""Which grid point answers for which object: task-aligned assignment (Feng et al., TOOD, 2021).

A point is a good choice for an object where it already scores the object's class well and its box overlaps well; the best few points of each
object become positives, and the quality of the match becomes the score they are taught.
"""
import torch

from .networks import STRIDES

# Columns of an object row.
CLASS, IGNORE = 0, 5
BOX = slice(1, 5)

# What its column IGNORE says: an object; a region that teaches nothing; one that looks like the class to a network, and is judged to be none;
# a vehicle in a crop of identity's, which is nothing to it but where lettering belongs.
OBJECT, IGNORED, WRONG, SURFACE = 0, 1, 2, 3

TOPK = 9                # positives of an object, at most
ALPHA, BETA = 0.5, 4.0  # weight of score and of overlap in the match's quality
LARGEST = 12.0          # a level takes objects up to this many strides; the last level takes all
MIN_TARGET = 0.05


def grid_points(sizes, device="cpu"):
    """Centres (A, 2) in pixels and strides (A,) of all points of all levels; sizes: (height, width) of each level."""
    centres, strides = [], []
    for (h, w), s in zip(sizes, STRIDES):
        y, x = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
        centres.append(torch.stack([(x.flatten() + 0.5) * s, (y.flatten() + 0.5) * s], 1).float())
        strides.append(torch.full((h * w,), float(s), device=device))
    return torch.cat(centres), torch.cat(strides)


def decode_boxes(distances, centres, strides):
    """Distances (..., A, 4) in strides to boxes (..., A, 4) as x1, y1, x2, y2 in pixels."""
    d = distances * strides[:, None]
    return torch.cat([centres - d[..., :2], centres + d[..., 2:]], -1)


def box_iou(a, b, generalized=False):
    """Overlap of boxes a (..., 4) and b (..., 4), which broadcast; generalized: GIoU (Rezatofighi et al., 2019), in -1..1.
    Works on one coordinate at a time: PyTorch is slow where the innermost dimension is as short as a point's."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = (boxes.movedim(-1, 0).contiguous() for boxes in (a, b))
    inter = (torch.min(ax2, bx2) - torch.max(ax1, bx1)).clamp(min=0) * (torch.min(ay2, by2) - torch.max(ay1, by1)).clamp(min=0)
    area_a, area_b = (ax2 - ax1).clamp(min=0) * (ay2 - ay1).clamp(min=0), (bx2 - bx1) * (by2 - by1)
    union = area_a + area_b - inter + 1e-6
    iou = inter / union
    if not generalized:
        return iou
    hull = (torch.max(ax2, bx2) - torch.min(ax1, bx1)).clamp(min=0) * (torch.max(ay2, by2) - torch.min(ay1, by1)).clamp(min=0) + 1e-6
    return iou - (hull - union) / hull


def _candidates(offset, half, strides):
    """(G, A): points inside an object's box, or within 0.9 stride of its centre where the object is smaller than the grid; level fits the size."""
    inside = (offset[0] < half[0]) & (offset[1] < half[1])
    longer = half.max(0).values
    near = (offset[0] < 0.9 * strides) & (offset[1] < 0.9 * strides) & (longer < 1.5 * strides)
    limit = torch.where(strides == STRIDES[-1], 1e6, LARGEST * strides)
    return (inside | near) & (2 * longer < limit)


def _resolve(chosen, rank):
    """Leaves each point to the one object it suits best."""
    contested = chosen.sum(0) > 1
    if not contested.any():
        return chosen
    best = rank.masked_fill(~chosen, -1).argmax(0)
    only = torch.zeros_like(chosen).scatter_(0, best[None], True)
    return torch.where(contested[None], chosen & only, chosen)


@torch.no_grad()
def assign(logits, boxes, centres, strides, objects):
    """Matches one picture's points with its objects.

    logits (A, nc), boxes (A, 4), centres (A, 2), strides (A,); objects (G, 6): class, x1, y1, x2, y2, ignore.
    Returns index (A,): row of `objects`, -1 background, -2 inside an ignored object; and target (A,): the score to teach, 0 for background.
    """
    index = torch.full(strides.shape, -1, dtype=torch.long, device=boxes.device)
    target = torch.zeros_like(strides)
    for b in objects[objects[:, IGNORE] == IGNORED, BOX]:
        index[((centres > b[:2]) & (centres < b[2:])).all(1)] = -2
    rows = (objects[:, IGNORE] == OBJECT).nonzero().flatten()
    if not len(rows):
        return index, target
    wanted = objects[rows]
    box = wanted[:, BOX]
    x1, y1, x2, y2 = box.t()[:, :, None]
    half = torch.stack([x2 - x1, y2 - y1]) / 2                                              # (2, G, 1)
    offset = torch.stack([centres[:, 0] - (x1 + x2) / 2, centres[:, 1] - (y1 + y2) / 2]).abs()      # (2, G, A)
    allowed = _candidates(offset, half, strides)
    iou = box_iou(boxes[None], box[:, None])
    score = logits[:, wanted[:, CLASS].long()].t().sigmoid()
    quality = score.pow(ALPHA) * iou.pow(BETA) * allowed
    # before boxes are learnt all qualities are nearly nought: then the points nearest to the centre win
    near_x, near_y = 1 - (offset / (half + strides)).clamp(max=1)
    nearness = near_x * near_y * allowed
    value, best = (quality + 1e-4 * nearness).topk(min(TOPK, len(strides)), 1)
    chosen = torch.zeros_like(allowed).scatter_(1, best, value > 1e-9) & allowed
    chosen = _resolve(chosen, iou + 1e-3 * nearness)
    # an object's best match is taught its overlap, the others in proportion
    matched = quality * chosen
    top_quality = matched.max(1, keepdim=True).values
    top_iou = (iou * chosen).max(1, keepdim=True).values
    teach = torch.where(top_quality > 1e-7, matched / (top_quality + 1e-9) * top_iou, torch.zeros_like(matched)).max(0).values
    positive = chosen.any(0)
    index[positive] = rows[chosen.float().argmax(0)[positive]]
    target[positive] = teach[positive].clamp(min=MIN_TARGET)
    return index, target
