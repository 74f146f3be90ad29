import json

import cv2
import numpy as np
import pytest
import torch

from obscura_train import FACE, PERSON, VEHICLE
from obscura_train.evaluate import drawn
from obscura_train.label_masks import MIN_PX, find_mask, label, wants_mask


class RedIsPerson:
    """A teacher in the form of DeepLab's: 21 classes a pixel; persons (15) are red, the rest is background, by so much in the logits."""

    def __init__(self, sure=9.0):
        self.sure = sure

    def run(self, x):
        classes = torch.zeros(*x.shape[:3], 21)
        red = x[..., 0] > x[..., 1] + 0.5
        classes[..., 15] = red * self.sure
        classes[..., 0] = ~red * self.sure
        return classes, {}


def ellipse(width=400, height=300, centre=(220, 140), axes=(60, 90)):
    """A picture with a red ellipse, its mask, and its box."""
    picture = np.full((height, width, 3), 60, np.uint8)
    cv2.ellipse(picture, centre, axes, 0, 0, 360, (20, 20, 220), -1)
    return picture, picture[:, :, 2] > 100, [centre[0] - axes[0], centre[1] - axes[1], 2 * axes[0] + 1, 2 * axes[1] + 1]


@pytest.mark.parametrize('centre', [(220, 140), (30, 140), (390, 280)])
def test_a_mask_is_found_where_it_is(centre):
    picture, mask, (x, y, w, h) = ellipse(centre=centre)
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w, 400), min(y + h, 300)     # cut by the picture's border
    about = find_mask(RedIsPerson(), picture, PERSON, [x1, y1, x2 - x1, y2 - y1])
    found = drawn(about['segmentation'], 300, 400)
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    assert about['mask_teacher'] > 0.95 and 'unsure' not in about


def test_small_and_large_objects_come_out_alike():
    for axes in ((25, 30), (190, 140)):
        picture, mask, box = ellipse(centre=(200, 150), axes=axes)
        found = drawn(find_mask(RedIsPerson(), picture, PERSON, box)['segmentation'], 300, 400)
        assert (found & mask).sum() / (found | mask).sum() > 0.93


def test_masks_of_which_the_teacher_knows_too_little_are_left_out():
    picture, _, (x, y, w, h) = ellipse()
    assert find_mask(RedIsPerson(sure=1.0), picture, PERSON, [x, y, w, h]) is None
    assert find_mask(RedIsPerson(), picture, VEHICLE, [x, y, w, h]) is None
    assert find_mask(RedIsPerson(), picture, PERSON, [x, y, 20 * w, h]) is None


def test_a_mask_that_does_not_fill_the_box_is_not_whole():
    picture, mask, (x, y, w, h) = ellipse()
    about = find_mask(RedIsPerson(), picture, PERSON, [x, y, 2 * w, h])
    found = drawn(about['segmentation'], 300, 400)
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    assert not drawn(about['unsure'], 300, 400).any()


def test_what_lies_in_another_ones_box_is_unsure():
    picture, mask, (x, y, w, h) = ellipse()
    about = find_mask(RedIsPerson(), picture, PERSON, [x, y, w, h], [[x + 0.7 * w, y, w, h]])
    unsure = drawn(about['unsure'], 300, 400)
    right = np.arange(400) >= x + 0.7 * w
    assert unsure[mask & right].mean() > 0.95 and unsure[mask & ~right].mean() < 0.05 and not unsure[~mask].mean() > 0.01


def test_the_hole_in_a_mask_stays_open():
    picture, mask, box = ellipse()
    picture[120:160, 200:240] = 60
    found = drawn(find_mask(RedIsPerson(), picture, PERSON, box)['segmentation'], 300, 400)
    assert not found[123:157, 203:237].any() and found[100, 220]


def test_which_objects_are_asked_for():
    person = dict(category_id=PERSON, bbox=[0, 0, MIN_PX + 20, MIN_PX])
    assert wants_mask(person)
    assert not wants_mask(dict(person, category_id=FACE))
    assert not wants_mask(dict(person, ignore=1))
    assert not wants_mask(dict(person, bbox=[0, 0, MIN_PX - 1, MIN_PX]))
    assert not wants_mask(dict(person, segmentation=[[0, 0, 9, 0, 9, 9]]))
    assert wants_mask(dict(person, segmentation=[[0, 0, 9, 0, 9, 9]], mask_teacher=0.9))


def test_a_folder_gets_its_masks(tmp_path):
    picture, mask, box = ellipse()
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images/a.png'), picture)
    person = dict(id=0, image_id=3, category_id=PERSON, bbox=box)
    unseen = dict(id=1, image_id=3, category_id=VEHICLE, bbox=box)
    (tmp_path / 'annotations.json').write_text(json.dumps(dict(images=[dict(id=3, file_name='a.png')], annotations=[person, unseen])))
    label(RedIsPerson(), str(tmp_path), 1)
    first, second = json.loads((tmp_path / 'annotations.json').read_text())['annotations']
    found = drawn(first['segmentation'], *mask.shape)
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    assert first['mask_teacher'] > 0.9
    assert second == unseen
    label(RedIsPerson(sure=1.0), str(tmp_path), 1)      # asked again, it is not sure any more
    assert json.loads((tmp_path / 'annotations.json').read_text())['annotations'] == [person, unseen]
