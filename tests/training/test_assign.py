import torch

from obscura_train.assign import SURFACE, WRONG, assign, box_iou, decode_boxes, grid_points

SIDE = 256


def grid():
    return grid_points([(SIDE // s, SIDE // s) for s in (8, 16, 32)])


def match(objects, boxes=None, logits=None):
    centres, strides = grid()
    if boxes is None:
        boxes = decode_boxes(torch.ones(len(strides), 4), centres, strides)
    if logits is None:
        logits = torch.full((len(strides), 2), -4.6)
    return assign(logits, boxes, centres, strides, torch.tensor(objects, dtype=torch.float32).reshape(-1, 6))


def test_decoding_adds_distances_in_strides():
    centres, strides = grid()
    boxes = decode_boxes(torch.ones(len(strides), 4), centres, strides)
    assert boxes[0].tolist() == [-4, -4, 12, 12]        # centre 4, one stride of 8 either way
    assert boxes[-1].tolist() == [208, 208, 272, 272]


def test_overlap_of_known_boxes():
    a, b = torch.tensor([0., 0, 10, 10]), torch.tensor([5., 0, 15, 10])
    assert abs(box_iou(a, b) - 1 / 3) < 1e-6
    far = torch.tensor([20., 0, 30, 10])
    assert box_iou(a, far) == 0 and abs(box_iou(a, far, generalized=True) + 1 / 3) < 1e-6     # hull 300, union 200


def test_a_picture_without_objects_is_all_background():
    index, target = match([])
    assert (index == -1).all() and (target == 0).all()


def test_positives_lie_in_their_object_and_every_object_has_some():
    objects = [[0, 20, 20, 60, 80, 0], [1, 120, 100, 240, 220, 0], [0, 200, 10, 206, 16, 0]]     # the last is smaller than a cell
    index, target = match(objects)
    centres, strides = grid()
    for k, (_, x1, y1, x2, y2, _) in enumerate(objects):
        mine = (index == k).nonzero().flatten()
        assert 1 <= len(mine) <= 9
        corner, middle = torch.tensor([x1, y1, x2, y2], dtype=torch.float32), torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2])
        inside = ((centres[mine] > corner[:2]) & (centres[mine] < corner[2:])).all(1)
        near = ((centres[mine] - middle).abs() < 0.9 * strides[mine, None]).all(1)      # for objects smaller than their level's grid
        assert (inside | near).all()
    assert (target[index >= 0] >= 0.05).all() and (target[index < 0] == 0).all()


def test_a_point_that_fits_two_objects_goes_to_the_one_it_overlaps_more():
    centres, strides = grid()
    objects = [[0, 60, 60, 140, 140, 0], [0, 80, 80, 120, 120, 0]]
    boxes = torch.tensor([[80., 80, 120, 120]]).repeat(len(strides), 1)
    index, _ = match(objects, boxes, torch.zeros(len(strides), 2))
    middle = (centres == 100).all(1)
    assert middle.sum() == 1 and index[middle] == 1 and (index == 0).any()


def test_the_best_match_is_taught_its_overlap():
    centres, strides = grid()
    boxes = torch.tensor([[50., 50, 110, 120]]).repeat(len(strides), 1)
    _, target = match([[1, 50, 50, 110, 110, 0]], boxes, torch.zeros(len(strides), 2))
    assert abs(target.max() - 60 / 70) < 1e-4


def test_points_in_an_ignored_object_are_left_out():
    index, _ = match([[0, 64, 64, 128, 128, 1]])
    centres, _ = grid()
    inside = ((centres > 64) & (centres < 128)).all(1)
    assert (index[inside] == -2).all() and (index[~inside] == -1).all()


def test_what_was_judged_wrong_is_background_and_no_object():
    index, target = match([[0, 64, 64, 128, 128, WRONG], [1, 64, 64, 128, 128, SURFACE]])
    assert (index == -1).all() and not target.any()


def test_fine_levels_leave_large_objects_to_coarse_ones():
    index, _ = match([[0, 10, 10, 240, 240, 0]])
    _, strides = grid()
    assert (strides[index >= 0] == 32).all()
