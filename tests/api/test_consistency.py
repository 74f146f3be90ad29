"""is_anonymised, color, masks and pixels of a result agree with one another, and nothing outside the masks changes.

The pictures are drawn, so thresholds are set near nothing: what is found is nonsense, but it must be treated like the real thing. Photographs from beside the
checkout are used as well where they are there.
"""
import json

import numpy
import pytest

import pictures

EVERYTHING = {'face_threshold': 0.02, 'license_plate_threshold': 0.02, 'person_threshold': 0.02, 'vehicle_threshold': 0.02}
BITS = {'person': 128, 'license-plate': 64, 'face': 32, 'vehicle': 16}


class Result:
    def __init__(self, server, data, **parameters):
        self.answer = server.done(data, **parameters)
        get = lambda resource: server.get(f'/v1/file/{self.answer["id"]}/{resource}')
        self.metadata = get('metadata').json()
        self.binary, self.instance = pictures.array(get('binary-mask').body), pictures.array(get('instance-mask').body)
        if parameters.get('method') != 'detect':
            self.before, self.after = pictures.array(data)[..., :3], pictures.array(get('anonymised').body)[..., :3]
        self.detections = self.metadata['detections']


def codes(r):
    """The instance mask's colours as one number a pixel."""
    i = r.instance.astype(numpy.int32)
    return i[..., 0] << 16 | i[..., 1] << 8 | i[..., 2]


def colours(r):
    return {(c >> 16, c >> 8 & 255, c & 255) for c in numpy.unique(codes(r)).tolist() if c}


def check_agreement(r):
    """The four views of one result."""
    height, width = r.metadata['size']
    assert r.binary.shape == (height, width) and r.instance.shape == (height, width, 3)
    assert set(numpy.unique(r.binary)) <= {0, 255}
    coloured = r.instance.any(axis=2)
    listed = {tuple(d['color']): d for d in r.detections}
    assert len({c[:2] for c in listed}) == len(r.detections), 'R and G number the instance'
    for d in r.detections:
        assert d['color'][2] == BITS[d['type_label']]
    for colour in colours(r):
        owner = [d for c, d in listed.items() if c[:2] == colour[:2]]
        assert len(owner) == 1, f'{colour} belongs to no detection'
        assert colour[2] & BITS[owner[0]['type_label']]
    anonymised = [d for d in r.detections if d['is_anonymised']]
    if len(anonymised) == len(r.detections):
        assert (coloured == (r.binary == 255)).all(), 'both masks cover the same pixels'
    assert not (r.binary == 255)[~coloured].any()
    numbers = codes(r) >> 8
    for d in r.detections:
        x1, y1, x2, y2 = d['bbox']
        own = numbers == d['color'][0] << 8 | d['color'][1]
        ys, xs = numpy.flatnonzero(own.any(axis=1)), numpy.flatnonzero(own.any(axis=0))
        if len(xs):
            margin = 4 + max(x2 - x1, y2 - y1) * 0.1 + max(width, height) / 300    # masks are coarser than large pictures, and grown a little, lest an outline stays
            assert xs.min() >= x1 - margin and xs.max() <= x2 + margin and ys.min() >= y1 - margin and ys.max() <= y2 + margin, (d, xs.min(), xs.max(), ys.min(), ys.max())


def grown(mask, by):
    out = mask.copy()
    for _ in range(by):
        more = out.copy()
        more[1:] |= out[:-1]
        more[:-1] |= out[1:]
        out = more.copy()
        out[:, 1:] |= more[:, :-1]
        out[:, :-1] |= more[:, 1:]
    return out


def near(r):
    """Pixels that may change: masks, and each object's box enlarged by the feather (gradient-start 0.3) and a little."""
    may = grown(r.binary == 255, 3)
    height, width = r.metadata['size']
    for d in r.detections:
        x1, y1, x2, y2 = d['bbox']
        dx, dy = int((x2 - x1) * 0.2) + 4, int((y2 - y1) * 0.2) + 4
        may[max(0, y1 - dy):min(height, y2 + dy), max(0, x1 - dx):min(width, x2 + dx)] = True
    return may


@pytest.mark.parametrize('method', ['blur', 'pixelate', 'blacken'])
@pytest.mark.parametrize('bbox', ['false', 'true'])
def test_masks_pixels_and_metadata_agree(server, method, bbox):
    r = Result(server, pictures.png(480, 360), method=method, bbox=bbox, **EVERYTHING)
    assert r.detections, 'thresholds near nothing find something'
    check_agreement(r)
    assert all(d['is_anonymised'] for d in r.detections)
    changed = (r.before != r.after).any(axis=2)
    assert not (changed & ~near(r)).any(), 'nothing outside changes'
    core = r.binary == 255
    assert changed[core].mean() > 0.5, 'the inside does'
    if method == 'blacken':
        for d in r.detections:
            x1, y1, x2, y2 = d['bbox']
            cy, cx = (y1 + y2) // 2, (x1 + x2) // 2
            if r.binary[cy, cx]:
                assert r.after[cy, cx].max() <= 8


def test_detect_marks_what_would_be_anonymised(server):
    r = Result(server, pictures.png(480, 360), method='detect', **EVERYTHING)
    blurred = Result(server, pictures.png(480, 360), method='blur', **EVERYTHING)
    assert (r.binary == blurred.binary).all() and (r.instance == blurred.instance).all()
    assert [d['bbox'] for d in r.detections] == [d['bbox'] for d in blurred.detections]
    assert r.binary.any() and not any(d['is_anonymised'] for d in r.detections) and all(d['is_anonymised'] for d in blurred.detections), 'nothing is anonymised by method=detect'


def test_ignored_areas_stay(server):
    data = pictures.png(480, 360)
    plain = Result(server, data, method='blacken', **EVERYTHING)
    d = max(plain.detections, key=lambda d: (d['bbox'][2] - d['bbox'][0]) * (d['bbox'][3] - d['bbox'][1]))
    x1, y1, x2, y2 = d['bbox']
    area = {'topLeftX': max(0, x1 - 5), 'topLeftY': max(0, y1 - 5), 'width': x2 - x1 + 10, 'height': y2 - y1 + 10}
    r = Result(server, data, method='blacken', ignores=json.dumps([area]), **EVERYTHING)
    ys, xs = slice(area['topLeftY'], area['topLeftY'] + area['height']), slice(area['topLeftX'], area['topLeftX'] + area['width'])
    assert (r.before[ys, xs] == r.after[ys, xs]).all(), 'no pixel inside is changed'
    assert not r.binary[ys, xs].any()
    assert {e['is_anonymised'] for e in r.detections if e['bbox'] == d['bbox']} == {False}
    assert ((r.before != r.after).any(axis=2) & ~near(r)).sum() == 0


def test_types_that_are_not_asked_for_are_not_reported(server):
    for t in BITS:
        r = Result(server, pictures.png(480, 360), **{t.replace('-', '_'): 'true'}, **EVERYTHING)
        assert {d['type_label'] for d in r.detections} <= {t}
        check_agreement(r)


def test_thresholds_decide(server):
    data = pictures.png(480, 360)
    low = Result(server, data, method='detect', **EVERYTHING).detections
    assert all(d['score'] >= 0.02 for d in low)
    high = Result(server, data, method='detect', **{k: 0.99 for k in EVERYTHING}).detections
    assert len(high) < len(low) and all(d['score'] >= 0.99 for d in high)


def test_debug_draws_on_top(server):
    data = pictures.png(480, 360)
    plain, debug = (Result(server, data, debug=d, score=d, **EVERYTHING) for d in ('false', 'true'))
    assert (plain.after != debug.after).any()
    assert [d['bbox'] for d in plain.detections] == [d['bbox'] for d in debug.detections]


def test_legacy_colours(start):
    data = pictures.png(480, 360)
    legacy = {'person': 128, 'license-plate': 64, 'face': 192, 'vehicle': 255}
    for scheme, channel in (('legacy', 2), ('legacy-r', 0)):
        r = Result(start('--instance-mask-colors', scheme), data, **EVERYTHING)
        assert r.detections
        for d in r.detections:
            assert d['color'][channel] == legacy[d['type_label']]
        assert colours(r) <= {tuple(d['color']) for d in r.detections}


def test_photographs(server, photographs):
    for path in photographs[:1]:
        r = Result(server, path.read_bytes(), method='pixelate')
        assert r.detections, path
        check_agreement(r)
        outside = ~near(r)
        if r.before.shape == r.after.shape:
            assert numpy.abs(r.before - r.after)[outside].mean() < 3, 'within JPEG re-encoding error'
        assert numpy.abs(r.before - r.after)[r.binary == 255].mean() > 1
