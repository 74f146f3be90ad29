import json

import cv2
import numpy as np
import pytest
import torch

from obscura_train import containers, data, pack, plates, recheck, train
from obscura_train.assign import IGNORED, OBJECT, SURFACE, WRONG
from obscura_train.augment import UNSURE, paste, transform_object, warp, window_matrix
from obscura_train.collect import distance, fingerprint, polygons
from obscura_train.formats import components, voc, yolo
from obscura_train.predict import Detections


def draw_set(folder, task, pictures=6):
    """A COCO-form folder of grey pictures, each with one bright rectangle: the object."""
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    rng = np.random.default_rng(3)
    for i in range(pictures):
        im = np.full((120, 160, 3), 90, np.uint8)
        x, y = (int(v) for v in rng.integers(10, 60, 2))
        im[y:y + 40, x:x + 60] = (40, 200, 250)
        cv2.imwrite(str(folder / 'images' / f'{i}.png'), im)
        images.append(dict(id=i, file_name=f'{i}.png', source='drawn', labeled=['license-plate'] if task == 'identity' else ['person', 'vehicle']))
        box = [x, y, 60, 40]
        annotations.append(dict(id=i, image_id=i, category_id=4 if task == 'identity' else 2, bbox=box,
                                segmentation=[[x, y, x + 60, y, x + 60, y + 40, x, y + 40]]))
    (folder / 'annotations.json').write_text(json.dumps(dict(images=images, annotations=annotations)))


def packed(tmp_path, task, monkeypatch):
    draw_set(tmp_path / 'set', task)
    monkeypatch.setattr('sys.argv', ['pack', task, str(tmp_path / 'out'), str(tmp_path / 'set')])
    pack.main()
    return data.Crops(task, str(tmp_path / 'out'), seed=5)


def test_packing_keeps_pixels_objects_and_what_is_labelled(tmp_path, monkeypatch):
    crops = packed(tmp_path, 'identity', monkeypatch)
    assert len(crops) == 6
    entry = crops.entries[2]
    assert entry['known'] == [0.0, 1.0]
    cls, x1, y1, x2, y2, ignore, *_ = entry['anns'][0]
    assert cls == 1 and not ignore
    inside = crops.picture(2)[int(y1) + 2:int(y2) - 2, int(x1) + 2:int(x2) - 2]
    assert (inside == (250, 200, 40)).all()         # RGB


def test_pictures_without_vehicles_are_negatives_of_plates_and_without_persons_of_faces(tmp_path):
    draw_set(tmp_path / 'set', 'scene', pictures=4)
    path = tmp_path / 'set' / 'annotations.json'
    coco = json.loads(path.read_text())
    for a, category in zip(coco['annotations'], (1, 2, 3)):     # person, vehicle, face; nothing in the fourth
        a['category_id'] = category
    coco['annotations'] = coco['annotations'][:3]
    path.write_text(json.dumps(coco))
    pictures = list(pack.read_folder('identity', str(tmp_path / 'set')))
    assert {p[0][-5:]: p[3] for p in pictures} == {'0.png': [0.0, 1.0], '1.png': [1.0, 0.0], '2.png': [0.0, 1.0], '3.png': [1.0, 1.0]}
    assert [p[2].endswith(' traffic') for p in pictures] == [False, True, False, False]


def test_pictures_that_teach_nothing_are_not_packed(tmp_path):
    draw_set(tmp_path / 'set', 'scene', pictures=3)
    path = tmp_path / 'set' / 'annotations.json'
    coco = json.loads(path.read_text())
    for image in coco['images']:
        image['labeled'] = []
    coco['images'][2]['labeled'] = ['person']
    coco['annotations'] = coco['annotations'][:1]       # of picture 0: an object, though its type is not exhaustively labelled
    path.write_text(json.dumps(coco))
    assert [p[0][-5:] for p in pack.read_folder('scene', str(tmp_path / 'set'))] == ['0.png', '2.png']


def test_packing_keeps_what_was_judged_wrong_and_for_identity_where_vehicles_are(tmp_path, monkeypatch):
    draw_set(tmp_path / 'set', 'identity', pictures=2)
    path = tmp_path / 'set' / 'annotations.json'
    coco = json.loads(path.read_text())
    coco['images'][0]['wrong'] = [[4, 100, 80, 40, 20], [1, 0, 0, 9, 9]]        # the second one is no business of identity's
    coco['annotations'] += [dict(id=7, image_id=1, category_id=2, bbox=[0, 0, 150, 60]), dict(id=8, image_id=1, category_id=2, bbox=[0, 0, 90, 60], ignore=1)]
    path.write_text(json.dumps(coco))
    monkeypatch.setattr('sys.argv', ['pack', 'identity', str(tmp_path / 'out'), str(tmp_path / 'set')])
    pack.main()
    crops = data.Crops('identity', str(tmp_path / 'out'), seed=5)
    kinds = [[(o[0], o[1:5], o[5]) for o in e['anns'] if o[5] not in (OBJECT, IGNORED)] for e in crops.entries]
    assert kinds == [[(1, [100, 80, 140, 100], WRONG)], [(1, [0, 0, 150, 60], SURFACE)]]
    shares = np.diff([0, *crops.weights])
    assert shares[0] == pytest.approx(data.WRONG_WEIGHT * shares[1])
    aims = [tuple(crops._aims(crops.entries[0]['anns'])[0]) for _ in range(300)]
    assert abs(aims.count((100, 80, 140, 100)) - 300 * data.AIM_AT_WRONG) < 45 and len(set(aims)) == 2
    assert crops._aims([o for o in crops.entries[1]['anns'] if o[5] == SURFACE]) == [[0, 0, 150, 60]]


def test_boxes_and_masks_follow_the_pixels(tmp_path, monkeypatch):
    crops = packed(tmp_path, 'scene', monkeypatch)
    monkeypatch.setattr(data, 'degrade', lambda rng, p: np.clip(p, 0, 255))
    monkeypatch.setattr('obscura_train.data.change_colours', lambda rng, p: p)
    monkeypatch.setattr(data, 'COPY_PASTE', 0.0)
    seen = 0
    for _ in range(30):
        s = crops.sample(128)
        pixels = s.pixels.numpy().transpose(1, 2, 0).astype(int)
        bright = np.abs(pixels - (250, 200, 40)).sum(2) < 120
        for row, mask in zip(s.objects.numpy(), s.masks.numpy()):
            if row[5]:
                continue
            x1, y1, x2, y2 = (int(round(v)) for v in row[1:5])
            assert bright[y1:y2, x1:x2].mean() > 0.8
            assert mask[(y1 + y2) // 8, (x1 + x2) // 8] == 1
            seen += 1
    assert seen > 10


@pytest.mark.parametrize('task', ['identity', 'scene'])
def test_samples_are_well_formed(tmp_path, monkeypatch, task):
    crops = packed(tmp_path, task, monkeypatch)
    for _ in range(40):
        s = crops.sample(96)
        rows = s.objects.numpy()
        assert s.pixels.shape == (3, 96, 96) and len(rows) <= data.MAX_OBJECTS
        assert (rows[:, 1:5] >= 0).all() and (rows[:, 1:5] <= 96).all() and (rows[:, 3:5] > rows[:, 1:3]).all()
        assert task == 'identity' or len(s.has_mask) == len(rows)


def test_an_object_outside_the_window_is_gone_and_a_cut_one_ignored():
    rng = np.random.default_rng(0)
    matrix = window_matrix(rng, 0, 0, 100, 100)
    assert transform_object((0, 300, 300, 340, 340, 0, None, None), matrix, 100, False) is None
    assert transform_object((0, -90, 10, 30, 60, WRONG, None, None), matrix, 100, False)[0][5] == WRONG
    row, _ = transform_object((0, -90, 10, 30, 60, 0, None, None), matrix, 100, False)
    assert row[5] == 1


def test_unsure_places_of_a_mask_follow_it():
    square = lambda x1, y1, x2, y2: [[x1, y1, x2, y1, x2, y2, x1, y2]]
    _, mask = transform_object((0, 8, 8, 72, 72, 0, square(8, 8, 72, 72), square(40, 8, 72, 72)), np.eye(2, 3), 80, True)
    assert mask.shape == (20, 20) and mask[10, 5] == 1 and mask[10, 14] == UNSURE and mask[10, 0] == 0
    crop = np.zeros((80, 80, 3), np.float32), [(0, 8, 8, 72, 72, 0)], [mask]
    paste(crop, np.zeros((40, 80, 3), np.float32), np.ones((40, 80), np.float32), 0, 0, 0)
    assert not crop[2][0][:10].any() and crop[2][0][12, 14] == UNSURE


def test_shrinking_averages():
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    small = warp(np.repeat(checks[..., None], 3, 2).astype(np.uint8), np.array([[0.25, 0, 0], [0, 0.25, 0]]), 64)
    assert abs(small[8:-8, 8:-8].astype(int) - 127).max() < 20


def test_what_a_pasted_object_hides_is_ignored():
    crop = np.zeros((64, 64, 3), np.float32), [(0, 10.0, 10.0, 20.0, 20.0, 0)], [np.ones((16, 16), np.uint8)]
    paste(crop, np.full((30, 30, 3), 200.0, np.float32), np.ones((30, 30), np.float32), 1, 5, 5)
    assert crop[1][0][5] == 1 and crop[1][1] == (1, 5, 5, 35, 35, 0)
    assert crop[2][0][3, 3] == 0 and crop[2][0][15, 15] == 1 and crop[0][10, 10, 0] == 200


def test_drawn_containers_are_where_their_rows_say_and_no_vehicles():
    rng, rows, beside = np.random.default_rng(4), 0, 0
    for _ in range(60):
        pixels = np.full((256, 256, 3), 128.0, np.float32)
        crop = pixels, [(1, 100.0, 100.0, 180.0, 150.0, OBJECT)], [np.ones((64, 64), np.uint8)]
        containers.add_containers(rng, crop)
        assert np.isfinite(pixels).all() and 0 <= pixels.min() and pixels.max() <= 255 and len(crop[1]) == len(crop[2])
        drawn = crop[1][1:]
        changed = np.argwhere(np.abs(pixels - 128).max(2) > 30)
        if not drawn or not len(changed):
            continue
        rows += 1
        assert all(o[0] == 1 and o[5] == WRONG and 0 <= o[1] < o[3] <= 256 and 0 <= o[2] < o[4] <= 256 for o in drawn)
        _, x1, y1, x2, y2, _ = drawn[0]
        (top, left), (bottom, right) = changed.min(0), changed.max(0) + 1
        slack = 4 + 0.05 * max(x2 - x1, y2 - y1)
        assert x1 - slack <= left and right <= x2 + slack and y1 - slack <= top and bottom <= y2 + slack
        assert right - left > 0.7 * (x2 - x1) and bottom - top > 0.7 * (y2 - y1)
        beside += 80 < y2 < 200
    assert rows > 40 and beside > rows / 2, 'mostly at the kerb, beside the vehicle'


def test_scene_crops_get_containers_and_identity_crops_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr(data, 'CONTAINERS', 1.0)
    monkeypatch.setattr(data, 'MOSAIC', 0.0)
    crops = packed(tmp_path, 'scene', monkeypatch)
    assert sum(bool((crops.sample(128).objects[:, 5] == WRONG).any()) for _ in range(20)) > 10
    monkeypatch.setattr(containers, 'add_containers', lambda *_: pytest.fail('drawn'))
    identity = packed(tmp_path / 'identity', 'identity', monkeypatch)
    for _ in range(10):
        identity.sample(128)


def test_masks_are_as_large_as_their_polygons():
    t = np.linspace(0, 2 * np.pi, 60)[:-1]
    drawn, true = 0, 0
    for radius in np.linspace(12, 50, 40):
        centre = 60 + 7 * np.sin([radius, 3 * radius])
        circle = (centre + radius * np.stack([np.cos(t), np.sin(t)], 1)).ravel().tolist()
        _, mask = transform_object((0, *(centre - radius), *(centre + radius), 0, [circle], None), np.eye(2, 3), 160, True)
        drawn, true = drawn + 16 * int(mask.sum()), true + np.pi * radius ** 2
    assert drawn / true == pytest.approx(1, abs=0.01)


@pytest.mark.skipif(not plates.available(), reason='no fonts to draw plates with')
def test_drawn_plates_cover_the_one_that_was_there():
    rng = np.random.default_rng(2)
    pixels, objects = np.full((128, 128, 3), 60, np.float32), [(1, 40.0, 50.0, 90.0, 66.0, 0), (0, 5.0, 5.0, 30.0, 30.0, 0)]
    plates.replace_plates(rng, pixels, objects)
    cls, x1, y1, x2, y2, _ = objects[0]
    assert cls == 1 and x1 < 45 and x2 > 85 and objects[1] == (0, 5.0, 5.0, 30.0, 30.0, 0)
    assert pixels[int(y1):int(y2), int(x1):int(x2)].std() > 5 and (pixels[100:] == 60).all()


@pytest.mark.parametrize('draw', [plates.add_lettering, plates.add_livery, plates.add_poster, plates.add_caption, plates.add_grille])
def test_what_is_no_plate_is_drawn_off_the_objects(draw):
    objects = [(0, 60.0, 60.0, 100.0, 100.0, OBJECT), (1, 10.0, 130.0, 90.0, 150.0, IGNORED), (1, 0.0, 10.0, 160.0, 110.0, SURFACE)]
    drawn, here = 0, np.zeros((160, 160), bool)
    here[60:100, 60:100] = here[130:150, 10:90] = True
    for seed in range(40):
        pixels, rows = np.full((160, 160, 3), 100, np.float32), list(objects)
        draw(np.random.default_rng(seed), pixels, rows)
        changed = (pixels != 100).any(2)
        drawn += changed.any()
        assert not (changed & here).any() and rows[:3] == objects
        for cls, x1, y1, x2, y2, ignore in rows[3:]:        # what could be taken for a plate
            assert (cls, ignore) == (1, WRONG) and changed[y1:y2, x1:x2].sum() == changed.sum() > 0
        assert pixels.min() >= -1 and pixels.max() <= 256
    assert drawn > 5


def test_annotation_formats():
    found = yolo('0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.3 0.1 0.3 0.3\n7 0.5 0.5 0.1 0.1\n', 100, 200, {0: 4, 1: 2})
    assert [o['cat'] for o in found] == [4, 2]
    assert np.allclose(found[0]['box'], [40, 60, 20, 80]) and np.allclose(found[1]['box'], [10, 20, 20, 40]) and found[1]['mask'].any()
    xml = ('<annotation><size><width>50</width><height>50</height></size><object><name>car</name><difficult>1</difficult>'
           '<bndbox><xmin>5</xmin><ymin>10</ymin><xmax>15</xmax><ymax>30</ymax></bndbox></object></annotation>')
    assert voc(xml, 100, 100, {'car': 2}) == [dict(cat=2, box=[10.0, 20.0, 20.0, 40.0], ignore=1)]


def test_parts_of_a_mask_become_objects_and_wide_ones_crowds():
    mask = np.zeros((100, 200), bool)
    mask[10:70, 10:35] = True
    mask[20:60, 60:190] = True
    single, several = sorted(components(mask, 1, 20), key=lambda o: o['box'][0])
    assert single['crowd'] == 0 and several['crowd'] == 1
    assert sorted(polygons(single['mask'])[0]) == sorted([10.0, 10.0, 10.0, 69.0, 34.0, 69.0, 34.0, 10.0])


def test_near_duplicates_have_near_fingerprints():
    rng = np.random.default_rng(4)
    a, b = (cv2.resize(rng.integers(0, 255, (9, 9, 3)).astype(np.uint8), (200, 200)) for _ in range(2))
    brighter = np.clip(a.astype(int) + 12, 0, 255).astype(np.uint8)
    assert distance(fingerprint(brighter), fingerprint(a)[None]) < 24 < distance(fingerprint(b), fingerprint(a)[None])


def test_batches_follow_the_plan_and_a_training_run_leaves_a_checkpoint(tmp_path, monkeypatch):
    packed(tmp_path, 'scene', monkeypatch)
    out = str(tmp_path / 'scene.pt')
    options = ['train', 'scene', '--data', str(tmp_path / 'out'), '--out', out, '--plan', '64x2', '--minutes', '0.02', '--workers', '1']
    monkeypatch.setattr('sys.argv', options)
    train.main()
    state = torch.load(out)
    assert state['it'] >= 1 and state['spent'] > 0
    monkeypatch.setattr('sys.argv', options[:-1] + ['0', '--resume', '--minutes', '0.04'])
    train.main()
    assert torch.load(out)['it'] > state['it']


def test_recheck_counts_what_is_found_of_what_was_judged(tmp_path, monkeypatch, capsys):
    crops = packed(tmp_path, 'scene', monkeypatch)
    for e in crops.entries[:2]:         # of six objects two become wrong finds
        e['anns'][0][5] = WRONG
    (tmp_path / 'out.json').write_text(json.dumps(crops.entries))
    monkeypatch.setattr(recheck, 'load', lambda path: ('scene', None, None))

    def one_pass(net, picture, scale, threshold):       # finds the bright rectangle
        ys, xs = np.nonzero(picture[..., 0] > 200)
        boxes = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1, 0.8, 1]], np.float32)
        assert abs(boxes[0, 2] - boxes[0, 0] - 96) <= 2, 'shown at the size that was asked for'
        return Detections(boxes)
    monkeypatch.setattr(recheck, 'one_pass', one_pass)
    monkeypatch.setattr('sys.argv', ['recheck', 'none', str(tmp_path / 'out'), '--op', '.5', '.7'])
    recheck.main()
    assert capsys.readouterr().out.splitlines()[-2:] == ['class 1: 2 judged wrong: 1.000 found, mean score 0.800', 'class 1: 4 objects: 1.000 found, mean score 0.800']
    monkeypatch.setattr('sys.argv', ['recheck', 'none', str(tmp_path / 'out'), '--op', '.5', '.9', '--count', '1', '--source', 'drawn'])
    recheck.main()
    assert capsys.readouterr().out.splitlines()[-2:] == ['class 1: 1 judged wrong: 0.000 found, mean score 0.800', 'class 1: 1 objects: 0.000 found, mean score 0.800']
