"""The losses: quality focal loss on scores, GIoU on boxes, binary cross-entropy and Dice on masks; and the same scores and boxes after a teacher's."""
import torch
import torch.nn.functional as F

from .assign import BOX, CLASS, IGNORE, IGNORED, WRONG, assign, box_iou, decode_boxes, grid_points
from .augment import UNSURE
from .networks import PROTO_STRIDE

BOX_WEIGHT, MASK_WEIGHT = 2.0, 2.5
NEGATIVE_WEIGHT, NEGATIVE_POWER = 0.75, 1.5
WRONG_LOSS = dict(identity=4.0, scene=8.0)      # a box that was judged to be no such object teaches so much more than other background,
WRONG_OVERLAP = 0.3                             # to the points whose own boxes overlap it so far
TEACHER_SEES = 0.1      # a teacher's score from which its boxes count
MASK_POINTS = 16        # positives of a picture whose masks are compared, at most: crowds of small objects must not rule, and masks cost the most memory


def flatten(levels):
    """[(B, C, h, w)] of each level to (B, A, C), in float32."""
    return torch.cat([t.flatten(2).transpose(1, 2) for t in levels], 1).float()


def score_loss(logits, targets, weight):
    """Quality focal loss (Li et al., 2020), summed. Positives learn their quality; negatives weigh by how wrong they are."""
    wrong = NEGATIVE_WEIGHT * logits.detach().sigmoid().pow(NEGATIVE_POWER)
    focus = torch.where(targets > 0, torch.ones_like(targets), wrong)
    return (F.binary_cross_entropy_with_logits(logits, targets, reduction="none") * focus * weight).sum()


def teacher_loss(logits, boxes, labels, teacher):
    """What labels do not say, after a teacher: logits (B, A, C), boxes (B, A, 4), labels (B, A, C): the scores that labels teach, 0 elsewhere.
    teacher: scores (B, A, C) and boxes (B, A, 4). Where a label gives an object, its box is the label's, and the teacher may only raise the score."""
    scores, wanted = teacher
    far = (scores - logits.detach().sigmoid()).abs() * ((labels == 0) | (scores > labels))
    score = (F.binary_cross_entropy_with_logits(logits, scores, reduction="none") * far).sum()
    sure = scores.amax(-1)
    b, points = ((sure > TEACHER_SEES) & (labels.amax(-1) == 0)).nonzero(as_tuple=True)
    box = ((1 - box_iou(boxes[b, points], wanted[b, points], generalized=True)) * sure[b, points]).sum()
    return (score + BOX_WEIGHT * box) / sure[sure > TEACHER_SEES].sum().clamp(min=1)


def mask_loss(coef, proto, masks, boxes):
    """coef (N, K), proto (K, h, w), masks (N, h, w) of 0, 1 and UNSURE, boxes (N, 4) in the input's pixels. Summed over the N
    objects, inside the boxes, where they are sure."""
    h, w = proto.shape[1:]
    logits = (coef @ proto.flatten(1)).view(-1, h, w)
    b = (boxes / PROTO_STRIDE)[:, :, None, None]
    y = torch.arange(h, device=b.device)[None, :, None] + 0.5
    x = torch.arange(w, device=b.device)[None, None] + 0.5
    inside = ((x > b[:, 0] - 1) & (x < b[:, 2] + 1) & (y > b[:, 1] - 1) & (y < b[:, 3] + 1)).float()
    inside = inside * (masks != UNSURE)
    masks = (masks == 1).float()
    error = F.binary_cross_entropy_with_logits(logits, masks, reduction="none") * inside
    p = logits.sigmoid() * inside
    dice = 1 - (2 * (p * masks).sum((1, 2)) + 1) / (p.sum((1, 2)) + (masks * inside).sum((1, 2)) + 1)
    return (error.sum((1, 2)) / inside.sum((1, 2)).clamp(min=1) + dice).sum()


def _judged_wrong(sample):
    return sample.objects[sample.objects[:, IGNORE] == WRONG]


def _press_on_wrong(weight, boxes, sample, wrong):
    """Raises a picture's weights (A, C) of scores where its boxes (A, 4) are ones that were judged wrong, also inside a region that is to be ignored:
    a part of an object that a teacher is not sure of. There only boxes that are nearer to the part than to the region."""
    rows = _judged_wrong(sample)
    if len(rows):
        overlap = box_iou(boxes[None], rows[:, None, BOX])
        ignored = sample.objects[sample.objects[:, IGNORE] == IGNORED]
        other = box_iou(boxes[None], ignored[:, None, BOX]).amax(0) if len(ignored) else torch.zeros_like(overlap[0])
        for row, points in zip(rows, (overlap > WRONG_OVERLAP) & (overlap > other)):
            weight[points, int(row[CLASS])] = wrong


def _without_wrong(scores, centres, samples):
    """A teacher's scores (B, A, C) with none for a class where it was judged to be wrong."""
    scores = scores.clone()
    for i, sample in enumerate(samples):
        for row in _judged_wrong(sample):
            x1, y1, x2, y2 = row[BOX]
            inside = (centres[:, 0] > x1) & (centres[:, 1] > y1) & (centres[:, 0] < x2) & (centres[:, 1] < y2)
            scores[i, inside, int(row[CLASS])] = 0
    return scores


def _picture_masks(index, points, coef, proto, sample):
    """Mask loss of one picture's positives, and how many of them had a mask."""
    points = points[sample.has_mask[index[points]]]
    if not len(points):
        return None, 0
    points = points[torch.randperm(len(points), device=points.device)[:MASK_POINTS]]
    rows = index[points]
    return mask_loss(coef[points], proto, sample.masks[rows], sample.objects[rows, BOX]), len(points)


def detection_loss(output, batch, teacher=None, wrong=1.0):
    """Total loss of a batch (data.Batch), and its parts as floats: score, box, mask, positives a picture. teacher: as teacher_loss takes it.
    wrong: what a box that was judged wrong weighs."""
    cls, box = output[:2]
    logits, distances = flatten(cls), flatten(box)
    centres, strides = grid_points([c.shape[2:] for c in cls], logits.device)
    boxes = decode_boxes(distances, centres, strides)
    coef, proto = (flatten(output[2]), output[3].float()) if len(output) > 2 else (None, None)
    targets = torch.zeros_like(logits)
    weight = batch.known[:, None, :].expand_as(logits).clone()      # types that a source does not label teach no negatives
    box_sum, mask_sum, quality, masked = logits.new_zeros(()), logits.new_zeros(()), 0.0, 0
    for i, sample in enumerate(batch.samples):
        index, teach = assign(logits[i].detach(), boxes[i].detach(), centres, strides, sample.objects)
        weight[i, index == -2] = 0
        _press_on_wrong(weight[i], boxes[i].detach(), sample, wrong)
        points = (index >= 0).nonzero().flatten()
        if not len(points):
            continue
        rows = sample.objects[index[points]]
        targets[i, points, rows[:, CLASS].long()] = teach[points]
        weight[i, points, rows[:, CLASS].long()] = 1
        box_sum = box_sum + ((1 - box_iou(boxes[i, points], rows[:, BOX], generalized=True)) * teach[points]).sum()
        quality += float(teach[points].sum())
        if coef is not None:
            loss, n = _picture_masks(index, points, coef[i], proto[i], sample)
            if n:
                mask_sum, masked = mask_sum + loss, masked + n
    quality, masked = max(quality, 1.0), max(masked, 1)
    score, box_part, mask = score_loss(logits, targets, weight) / quality, box_sum / quality, mask_sum / masked
    total = score + BOX_WEIGHT * box_part + MASK_WEIGHT * mask
    parts = dict(score=float(score), box=float(box_part), mask=float(mask), positives=quality / len(batch.samples))
    if teacher:
        after = teacher_loss(logits, boxes, targets, (_without_wrong(teacher[0], centres, batch.samples), teacher[1]))
        total, parts["teacher"] = total + after, float(after)
    return total, parts
