import json
import re
import sqlite3

import cv2
import numpy as np
import pytest

from obscura_train import FACE, PERSON, VEHICLE, collect, label_faces, label_scene, sources, teachers


class Files:
    """Stands in for a Snapshot."""

    def __init__(self, texts, images):
        self.texts, self.images = texts, images

    def text(self, path):
        return self.texts[path]

    def image(self, path, flags=None):
        return self.images.get(path)

    def paths(self, pattern):
        return sorted(p for p in self.images if re.search(pattern, p))


def test_sources_may_stand_before_or_after_the_reserved_folder():
    for line in (['snaps', 'out', '--reserved', 'eval', 'camvid', 'humans'], ['snaps', 'out', 'camvid', 'humans', '--reserved', 'eval']):
        a = collect.parser().parse_intermixed_args(line)
        assert (a.snapshots, a.out, a.reserved, a.sources) == ('snaps', 'out', 'eval', ['camvid', 'humans'])
    assert collect.parser().parse_intermixed_args(['snaps', 'out', '--reserved', 'eval']).sources == []


def test_coco_gives_masks_and_crowds_and_leaves_coco128_out():
    square = [[2, 2, 12, 2, 12, 12, 2, 12]]
    rows = [dict(image_id=7000, category_id=1, bbox=[2, 2, 10, 10], iscrowd=0, segmentation=square),
            dict(image_id=7000, category_id=8, bbox=[0, 0, 9, 9], iscrowd=1, segmentation=dict(counts=[], size=[])),
            dict(image_id=7000, category_id=44, bbox=[0, 0, 9, 9], iscrowd=0, segmentation=square)]
    about = dict(images=[dict(id=i, file_name=f'{i:012d}.jpg') for i in (9, 7000)], annotations=rows)
    grey = np.zeros((20, 20, 3), np.uint8)
    files = Files({'a.json': json.dumps(about)}, {'t/000000000009.jpg': grey, 't/000000007000.jpg': grey})
    (name, _, found), = sources.coco('t/', 'a.json')(files)
    assert name == '000000007000.jpg'
    assert [(o['cat'], bool(o.get('crowd')), 'mask' in o) for o in found] == [(PERSON, False, True), (VEHICLE, True, False)]
    assert found[0]['mask'].sum() == 121


def test_openlpr_reads_boxes_out_of_sqlite_and_leaves_turned_pictures_out():
    db = sqlite3.connect(':memory:')
    db.execute('CREATE TABLE annotations (filename TEXT, imheight INTEGER, imwidth INTEGER, isdeleted INTEGER, isbackground INTEGER, imgareas TEXT)')
    area = json.dumps([dict(x=10, y=20, width=30, height=8)])
    for name, deleted in (('a.jpg', 0), ('turned.jpg', 0), ('deleted.jpg', 1)):
        db.execute('INSERT INTO annotations VALUES (?, 50, 100, ?, 0, ?)', (name, deleted, area))
    db.commit()
    wide, tall = np.zeros((100, 200, 3), np.uint8), np.zeros((100, 50, 3), np.uint8)
    files = Files({}, {'train/a.jpg': wide, 'train/turned.jpg': tall, 'train/deleted.jpg': wide})
    files.read = lambda path: db.serialize()
    (name, _, found), = sources.openlpr(files)
    assert (name, [o['box'] for o in found]) == ('a.jpg', [[20, 40, 60, 16]])


def test_pictures_that_lie_on_their_side_are_left_out():
    plate = lambda w, h: [sources.make_object(sources.PLATE, [0, 0, w, h])]
    read = sources.upright(lambda s: [('upright', None, plate(40, 10)), ('motorcycle', None, plate(20, 20)), ('on its side', None, plate(10, 40))])
    assert [name for name, _, _ in read(None)] == ['upright', 'motorcycle']


def test_letterbox_bars_are_cut_away():
    im = np.zeros((100, 200, 3), np.uint8)
    im[20:80] = 128
    found = [sources.make_object(sources.PLATE, [50, 30, 40, 10])]
    assert sources.without_bars(im, found).shape == (60, 200, 3)
    assert found[0]['box'] == [50, 10, 40, 10]


def test_pictures_of_a_source_collected_before_are_kept_out(tmp_path):
    im = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    im = cv2.resize(im, (320, 320), interpolation=cv2.INTER_CUBIC)
    (tmp_path / 'src/other/images').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'src/other/images/0.jpg'), im)
    known = collect.reserved_fingerprints(str(tmp_path / 'eval'), [str(tmp_path / 'src/other')])
    assert known.shape == (2, 32)
    assert max(collect.distance(collect.fingerprint(i), known) for i in (im, im[:, ::-1])) <= collect.NEAR_RESERVED


def test_cityscapes_is_unstretched_without_the_bonnet_and_its_groups_are_ignored():
    names = sources.CITYSCAPES_NAMES
    square = ' 0.25 0.5 0.5 0.5 0.5 0.75 0.25 0.75'
    lines = [str(names.index(n)) + square for n in ('rider', 'car', 'persongroup', 'bicycle')]
    files = Files({'Cityscapes-3/train/labels/a.txt': '\n'.join(lines)}, {'Cityscapes-3/train/images/a.jpg': np.zeros((640, 640, 3), np.uint8)})
    (_, im, found), = sources.cityscapes(files)
    assert im.shape[:2] == (275, 640)
    assert [(o['cat'], o['box'], bool(o.get('crowd')), 'mask' in o) for o in found] == [
        (PERSON, [160, 160, 160, 80], False, True), (PERSON, [160, 160, 160, 80], True, False), (VEHICLE, [160, 160, 160, 80], False, True)]
    assert found[0]['mask'].shape == (275, 640)


def test_coco_folders_take_the_named_types_of_each_part():
    rows = [dict(image_id=0, category_id=5, bbox=[2, 2, 11, 11], segmentation=[[2, 2, 12, 2, 12, 12, 2, 12]]),
            dict(image_id=0, category_id=5, bbox=[1, 1, 4, 4], segmentation=[]), dict(image_id=0, category_id=6, bbox=[0, 0, 9, 9], segmentation=[])]
    about = dict(images=[dict(id=0, file_name='a.jpg')], annotations=rows, categories=[dict(id=5, name='car'), dict(id=6, name='shop')])
    picture = {part + '/a.jpg': np.zeros((20, 20, 3), np.uint8) for part in ('train', 'valid')}
    texts = {part + '/_annotations.coco.json': json.dumps(about) for part in ('train', 'valid')}
    train, valid = sources.coco_folders(dict(car=VEHICLE))(Files(texts, {**picture, **dict.fromkeys(texts)}))
    assert [(o['cat'], o['box'], 'mask' in o) for o in train[2]] == [(VEHICLE, [2, 2, 11, 11], True), (VEHICLE, [1, 1, 4, 4], False)]
    assert len(valid[2]) == 2 and train[2][0]['mask'].sum() == 121


def test_pennfudan_has_one_grey_value_for_each_person():
    numbers = np.zeros((20, 20), np.uint8)
    numbers[2:12, 3:6], numbers[5:9, 10:14] = 1, 3
    files = Files({}, {'PennFudanPed/PNGImages/a.png': np.zeros((20, 20, 3), np.uint8), 'PennFudanPed/PedMasks/a_mask.png': numbers})
    (_, _, found), = sources.pennfudan(files)
    assert [(o['box'], int(o['mask'].sum())) for o in found] == [([3, 2, 3, 10], 30), ([10, 5, 4, 4], 16)]


def test_pictures_of_vocs_test_part_are_known_by_their_boxes(monkeypatch):
    box = '<bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>'
    test = '<annotation>' + ''.join(f'<object><name>car</name>{box.format(x)}</object>' for x in (1, 3)) + '</annotation>'
    monkeypatch.setattr(sources, 'Snapshot', lambda root, repository: Files({'Annotations/000007.xml': test}, {'Annotations/000007.xml': None}))
    texts = {'HandledText/initTxt/000001.txt': 'car 1 2 9 9 \ncar 3 2 9 9 \n', 'HandledText/initTxt/000002.txt': 'car 1 2 9 9 \ncat 4 4 9 9 \n',
             'HandledText/initTxt/000003.txt': ''}
    renumbered = Files(texts, {f'JPEGImages/00000{n}.jpg': np.zeros((12, 12, 3), np.uint8) for n in (1, 2, 3)})
    renumbered.root = None
    (path, _, found), = sources.voc2007_rest(renumbered)        # the first is of the test part, the third says nothing
    assert path == 'JPEGImages/000002.jpg' and [(o['cat'], o['box']) for o in found] == [(VEHICLE, [1, 2, 8, 7])]


def test_the_nth_list_of_corners_belongs_to_the_nth_rickshaw_picture():
    corners = [[[[4, 1], [9, 1], [9, 8], [4, 8]]], [[[0, 0], [5, 0], [5, 5], [0, 5]]]]
    (name, _, found), = sources.rickshaws(Files({'bbs/train.json': json.dumps(corners)}, {'images/train/1.jpg': np.zeros((20, 20, 3), np.uint8)}))
    assert name == '1' and [(o['cat'], o['box']) for o in found] == [(VEHICLE, [0, 0, 5, 5])]


def test_the_teacher_adds_what_is_new_and_ignores_what_it_doubts():
    known = [dict(category_id=PERSON, bbox=[0, 0, 50, 100])]
    found = [(PERSON, [2, 2, 50, 100], 0.9),            # known already
             (VEHICLE, [0, 0, 50, 100], 0.9),           # another type at the same place
             (PERSON, [200, 0, 50, 100], label_scene.SURE - 0.01),
             (PERSON, [300, 0, 7, 40], 0.9)]            # too small to be sure of
    new = label_scene.annotations(found, known)
    assert [(c, ignore) for c, _, ignore, _ in new] == [(VEHICLE, 0), (PERSON, 1), (PERSON, 1)]


def test_the_teacher_leaves_types_alone_that_the_source_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(label_scene, 'find_objects', lambda teacher, bgr: [(PERSON, [20, 30, 60, 80], 0.9), (VEHICLE, [20, 30, 60, 80], 0.9)])
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / '0.png'), np.zeros((120, 160, 3), np.uint8))
    image = dict(id=0, file_name='0.png', width=160, height=120, labeled=['vehicle'])
    (tmp_path / 'annotations.json').write_text(json.dumps(dict(info=dict(labeled_categories=['vehicle']), images=[image], annotations=[])))
    teachers.relabel(str(tmp_path), label_scene.CLASSES, lambda *about: label_scene.find(None, *about))
    coco = json.loads((tmp_path / 'annotations.json').read_text())
    assert [a['category_id'] for a in coco['annotations']] == [PERSON] and coco['images'][0]['labeled'] == ['person', 'vehicle']


def test_a_face_without_a_person_is_a_person_the_teacher_missed():
    face = dict(category_id=FACE, bbox=[100, 100, 20, 20])
    (category, box, ignore, _), = label_scene.annotations([], [face])
    assert (category, ignore) == (PERSON, 1) and teachers.intersection(box, face['bbox']) == 400
    assert len(label_scene.annotations([(PERSON, [80, 90, 60, 200], 0.9)], [face])) == 1


def test_where_persons_are_labelled_an_unsure_face_counts_only_in_one(monkeypatch):
    found = [([40, 40, 20, 20], 0.9, False), ([10, 10, 20, 20], 0.6, True), ([70, 40, 20, 20], 0.6, True)]
    monkeypatch.setattr(label_faces, 'find_faces', lambda networks, bgr: found)
    image, person = dict(labeled=['person', 'vehicle']), dict(category_id=PERSON, bbox=[60, 30, 40, 80])
    assert [box for _, box, _, _ in label_faces.find(None, None, image, [person], [])] == [found[0][0], found[2][0]]
    assert image['labeled'] == ['face', 'person', 'vehicle']
    assert len(list(label_faces.find(None, None, dict(labeled=['face']), [], ['face']))) == 3


@pytest.fixture
def two_teachers(monkeypatch):
    monkeypatch.setattr(label_faces, 'find_faces', lambda networks, bgr: [([40, 40, 20, 20], 0.9, False)])
    monkeypatch.setattr(label_scene, 'find_objects', lambda teacher, bgr: [(PERSON, [20, 30, 60, 80], 0.9)])


@pytest.mark.parametrize('order', ['faces first', 'scene first'])
def test_teachers_leave_each_others_labels_alone(tmp_path, two_teachers, order):
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / '0.png'), np.zeros((120, 160, 3), np.uint8))
    image = dict(id=0, file_name='0.png', width=160, height=120, labeled=['license-plate'])
    info = dict(labeled_categories=['license-plate'])
    (tmp_path / 'annotations.json').write_text(json.dumps(dict(info=info, images=[image], annotations=[])))
    runs = [(label_faces, {FACE}), (label_scene, label_scene.CLASSES)] * 2
    for module, categories in runs if order == 'faces first' else runs[::-1]:
        teachers.relabel(str(tmp_path), categories, lambda *about: module.find(None, *about))
    coco = json.loads((tmp_path / 'annotations.json').read_text())
    assert sorted(a['category_id'] for a in coco['annotations']) == [PERSON, FACE]
    assert coco['images'][0]['labeled'] == ['face', 'license-plate', 'person', 'vehicle']
