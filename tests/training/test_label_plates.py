import numpy as np
import pytest

from obscura_train import PLATE, VEHICLE, label_plates
from obscura_train.predict import Detections

PICTURE = np.zeros((100, 200, 3), np.uint8)
CAR = dict(category_id=VEHICLE, bbox=[0, 0, 80, 80])
OWN = dict(category_id=PLATE, bbox=[10, 60, 30, 10])


@pytest.fixture
def finds(monkeypatch):
    """What the network finds, as (box, score, class), in the place of a network."""
    rows = []
    monkeypatch.setattr(label_plates, 'detect', lambda *_: Detections(np.array([[*b, s, c] for b, s, c in rows]).reshape(-1, 6)))
    return rows


def found(own, *labeled, by_source=()):
    image = dict(labeled=list(labeled))
    return [(category, bool(ignore)) for category, _, ignore, _ in label_plates.find(None, PICTURE, image, own, by_source)], image['labeled']


def test_sure_and_unsure_plates(finds):
    finds += [((100, 50, 130, 60), 0.9, 1), ((100, 70, 130, 80), 0.4, 1), ((150, 50, 160, 54), 0.9, 1), ((0, 0, 20, 20), 0.9, 0)]
    assert found([OWN], 'license-plate') == ([(PLATE, False), (PLATE, True), (PLATE, True)], ['license-plate'])     # the third is too small, the last a face


def test_plates_that_are_labelled_are_not_found_again(finds):
    finds += [((8, 58, 42, 72), 0.9, 1), ((12, 61, 20, 68), 0.9, 1)]
    assert found([OWN], 'license-plate')[0] == []


def test_a_source_that_labels_plates_is_believed(finds, monkeypatch):
    asked = []
    monkeypatch.setattr(label_plates, 'detect', lambda *about: asked.append(about[-1]) or Detections(np.array([[100., 50, 130, 60, 0.9, 1]])))
    assert found([OWN], 'license-plate', by_source=['license-plate'])[0] == [(PLATE, True)]
    assert asked == [label_plates.LOOSE_SURE]


def test_loose_boxes_give_way_to_ours_and_can_come_back(finds):
    finds.append(((14, 60, 36, 70), 0.5, 1))        # IoU .73 with OWN
    own = [dict(OWN), dict(OWN, bbox=[100, 60, 30, 10])]
    for _ in range(2):
        assert found(own, 'license-plate', by_source=['license-plate'])[0] == []
        assert own[0]['bbox'] == [14, 60, 22, 10] and own[0]['drawn'] == OWN['bbox'] and 'drawn' not in own[1]
    finds[0] = ((11, 60, 39, 70), 0.9, 1)           # .93: as drawn
    found(own, 'license-plate', by_source=['license-plate'])
    assert own[0] == OWN
    finds[0] = ((14, 60, 36, 70), 0.5, 1)
    found(own, 'license-plate')                     # found by ourselves: nothing was drawn
    assert own[0] == OWN


def test_where_vehicles_are_labelled_plates_are_theirs(finds):
    finds += [((10, 60, 40, 70), 0.9, 1), ((100, 60, 130, 70), 0.9, 1)]
    assert found([CAR], 'person', 'vehicle') == ([(PLATE, False)], ['license-plate', 'person', 'vehicle'])
    assert len(found([CAR])[0]) == 2


def test_pictures_without_vehicles_and_plates_are_left_to_the_negatives(finds):
    finds.append(((10, 60, 40, 70), 0.9, 1))
    assert found([], 'person', 'vehicle') == ([], ['person', 'vehicle'])
