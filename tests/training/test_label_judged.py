import gzip
import json

import pytest

from obscura_train import PERSON, PLATE, label_judged

JUDGED = b'''source,path,type,x,y,w,h,verdict
buses,a.jpg,license-plate,10,20,30,10,right
buses,a.jpg,license-plate,50,20,30,10,wrong
buses,b.jpg,license-plate,90,20,30,10,unsure
bins,a.jpg,license-plate,1,2,3,4,right
'''


@pytest.fixture
def judged(tmp_path):
    path = tmp_path / 'plates.csv.gz'
    path.write_bytes(gzip.compress(JUDGED))
    return label_judged.load(path)


def annotation(number, image, category, box, **more):
    return dict(id=number, image_id=image, category_id=category, bbox=box, **more)


def judge(judged, folder, annotations):
    """(category, box, ignored) of each picture, and what is labelled in it, after the judgement."""
    images = [dict(id=i, path=path, source='buses', labeled=['person'], width=320, height=240) for i, path in enumerate(('a.jpg', 'b.jpg', 'c.jpg'))]
    (folder / 'annotations.json').write_text(json.dumps(dict(images=images, annotations=annotations)))
    label_judged.label(judged, str(folder), 1)
    coco = json.loads((folder / 'annotations.json').read_text())
    assert len({a['id'] for a in coco['annotations']}) == len(coco['annotations'])
    found = [[(a['category_id'], a['bbox'], a.get('ignore', 0)) for a in coco['annotations'] if a['image_id'] == i] for i in range(3)]
    return found, [i['labeled'] for i in coco['images']]


def test_verdicts_become_objects_ignored_regions_or_nothing(judged, tmp_path):
    found, labeled = judge(judged, tmp_path, [])
    assert found == [[(PLATE, [10, 20, 30, 10], 0)], [(PLATE, [90, 20, 30, 10], 1)], []]
    assert labeled == [['license-plate', 'person']] * 3         # what was found nowhere is there nowhere


def test_a_verdict_takes_the_place_of_what_a_teacher_said_there(judged, tmp_path):
    twice = [judge(judged, tmp_path, [annotation(0, 0, PLATE, [51, 20, 30, 10], teacher=0.7),                      # judged wrong
                                      annotation(1, 0, PLATE, [11, 20, 30, 10], teacher=0.4, ignore=1),            # judged right
                                      annotation(2, 0, PERSON, [50, 20, 30, 10], teacher=0.9),                     # another type
                                      annotation(3, 0, PLATE, [50, 20, 30, 10]),                                   # the source's own
                                      annotation(4, 0, PLATE, [150, 20, 30, 10], teacher=0.3, ignore=1)])          # not judged
             for _ in range(2)]
    assert twice[0][0][0] == [(PERSON, [50, 20, 30, 10], 0), (PLATE, [50, 20, 30, 10], 0), (PLATE, [150, 20, 30, 10], 1), (PLATE, [10, 20, 30, 10], 0)]
    assert twice[0] == twice[1]


def test_a_verdict_on_a_part_leaves_the_whole(judged, tmp_path):
    """A bin before a car that was judged to be none took the car with it."""
    found, _ = judge(judged, tmp_path, [annotation(0, 0, PLATE, [40, 10, 80, 40], teacher=0.9),       # around what was judged wrong
                                        annotation(1, 0, PLATE, [12, 22, 9, 5], teacher=0.9),         # in what was judged right
                                        annotation(2, 1, PLATE, [80, 25, 60, 30], teacher=0.3, ignore=1)])
    assert found[0] == [(PLATE, [40, 10, 80, 40], 0), (PLATE, [12, 22, 9, 5], 0), (PLATE, [10, 20, 30, 10], 0)]
    assert found[1] == [(PLATE, [80, 25, 60, 30], 1), (PLATE, [90, 20, 30, 10], 1)]


def test_wrong_finds_are_kept_to_be_looked_at(judged, tmp_path):
    judge(judged, tmp_path, [])
    label_judged.label(judged, str(tmp_path), 1)        # again: they are not listed twice
    images = json.loads((tmp_path / 'annotations.json').read_text())['images']
    assert [i['wrong'] for i in images] == [[[PLATE, 50, 20, 30, 10]], [], []]


def test_what_is_judged_takes_nothing_else_with_it(judged, tmp_path):
    """Commands that were run again used to leave annotations with the same number."""
    found, _ = judge(judged, tmp_path, [annotation(7, 0, PLATE, [51, 20, 30, 10], teacher=0.7), annotation(7, 2, PERSON, [1, 1, 9, 9], teacher=0.7)])
    assert found[2] == [(PERSON, [1, 1, 9, 9], 0)]


def test_a_mask_judged_bad_goes_and_its_object_stays(tmp_path):
    path = tmp_path / 'masks.csv.gz'
    path.write_bytes(gzip.compress(b'source,path,type,x,y,w,h,verdict\nbuses,a.jpg,person,10,20,30,60,bad mask\n'))
    masked = dict(segmentation=[[0, 0, 9, 0, 9, 9]], unsure=[], mask_teacher=0.8)
    found, labeled = judge(label_judged.load(path), tmp_path, [annotation(0, 0, PERSON, [10.2, 20, 30, 60], **masked),
                                                              annotation(1, 0, PERSON, [40, 20, 30, 60], **masked),
                                                              annotation(2, 1, PERSON, [10, 20, 30, 60], **masked),
                                                              annotation(3, 0, PERSON, [10, 20, 30, 60], segmentation=masked['segmentation'])])     # the source's own
    coco = json.loads((tmp_path / 'annotations.json').read_text())
    assert [a.get('segmentation') is not None for a in coco['annotations']] == [False, True, True, True]
    assert [len(f) for f in found] == [3, 1, 0] and 'mask_teacher' not in coco['annotations'][0] and labeled == [['person']] * 3
