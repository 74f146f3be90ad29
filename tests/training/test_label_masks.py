import json

import cv2
import numpy as np
import pytest
import torch

from obscura_train import PERSON, VEHICLE
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
    polygons, sure = find_mask(RedIsPerson(), picture, PERSON, [x1, y1, x2 - x1, y2 - y1])
    found = drawn(polygons, 300, 400)
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    assert sure > 0.95


def test_small_and_large_objects_come_out_alike():
    for axes in ((25, 30), (190, 140)):
        picture, mask, box = ellipse(centre=(200, 150), axes=axes)
        polygons, _ = find_mask(RedIsPerson(), picture, PERSON, box)
        found = drawn(polygons, 300, 400)
        assert (found & mask).sum() / (found | mask).sum() > 0.93


def test_masks_that_are_unsure_or_do_not_fill_the_box_are_left_out():
    picture, _, (x, y, w, h) = ellipse()
    assert find_mask(RedIsPerson(sure=1.0), picture, PERSON, [x, y, w, h]) is None
    assert find_mask(RedIsPerson(), picture, PERSON, [x, y, 2 * w, h]) is None
    assert find_mask(RedIsPerson(), picture, VEHICLE, [x, y, w, h]) is None


def test_which_objects_are_asked_for():
    big = MIN_PX + 20
    alone = dict(category_id=PERSON, bbox=[0, 0, big, big])
    assert wants_mask(alone, [alone, dict(category_id=VEHICLE, bbox=[0, 0, big, big])])
    assert not wants_mask(alone, [alone, dict(category_id=PERSON, bbox=[big // 2, 0, big, big])])
    assert not wants_mask(dict(alone, ignore=1), [])
    assert not wants_mask(dict(alone, bbox=[0, 0, MIN_PX - 1, big]), [])
    assert not wants_mask(dict(alone, segmentation=[[0, 0, 9, 0, 9, 9]]), [])
    assert wants_mask(dict(alone, segmentation=[[0, 0, 9, 0, 9, 9]], mask_teacher=0.9), [])


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
