import gzip
import json

import cv2
import numpy as np
import pytest

from obscura_train import label_judged, sheets


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'set' / 'images').mkdir(parents=True)
    image = dict(id=5, file_name='a.png', source='streets', path='days/a.jpg', width=320, height=240, labeled=['vehicle'])
    annotations = [dict(id=0, image_id=5, category_id=2, bbox=[10, 10, 60, 40]), dict(id=1, image_id=5, category_id=2, bbox=[200, 150, 60, 40], ignore=1)]
    (tmp_path / 'set' / 'annotations.json').write_text(json.dumps(dict(images=[image], annotations=annotations)))
    picture = np.full((240, 320, 3), 90, np.uint8)
    picture[150:190, 200:260] = (0, 0, 250)
    cv2.imwrite(str(tmp_path / 'set' / 'images' / 'a.png'), picture)
    return tmp_path / 'set'


@pytest.fixture
def table(tmp_path):
    path = tmp_path / 'judged.csv.gz'
    path.write_bytes(gzip.compress(b'source,path,type,x,y,w,h,verdict\nstreets,days/a.jpg,vehicle,100,20,50,50,wrong\n'))
    return path


@pytest.fixture
def program(tmp_path):
    """Stands for bench/detect: prints the same finds for every picture that it is given."""
    path = tmp_path / 'detect'
    finds = [('vehicle', 12, 11, 70, 50), ('vehicle', 201, 150, 262, 190), ('vehicle', 102, 20, 150, 69), ('person', 10, 10, 70, 50)]
    lines = '\n'.join('$p\t%s\t0.5\t%d\t%d\t%d\t%d' % f for f in finds)
    path.write_text(f'#!/bin/sh\nshift 2\nfor p in "$@"; do\necho "{lines}"\ndone\necho "ms a picture: 1"\n')
    path.chmod(0o755)
    return path


def drawn(tmp_path, program, table, folder, out='out', apart=False):
    sheets.draw(str(tmp_path / out), str(program), 'person,vehicle', str(table), [str(folder)], apart)
    return json.loads((tmp_path / out / 'finds.json').read_text())


def test_sheets_show_what_neither_an_annotation_nor_a_verdict_speaks_of(tmp_path, program, table, folder):
    finds = drawn(tmp_path, program, table, folder)
    assert [(f['type'], f['box']) for f in finds] == [('vehicle', [201, 150, 61, 40]), ('person', [10, 10, 60, 40])]     # an ignored region explains nothing
    sheet = cv2.imread(str(tmp_path / 'out' / '000.png'))
    assert sheet.shape == (900, 1200, 3) and tuple(sheet[75, 75]) == (0, 0, 250)        # in the middle of the first tile: the find
    assert not sheet[:, 300:].any()


def test_sheets_of_what_touches_no_annotation(tmp_path, program, table, folder):
    assert [f['type'] for f in drawn(tmp_path, program, table, folder, apart=True)] == ['person']       # the vehicle lies in an ignored region


def test_verdicts_enter_the_table(tmp_path, program, table, folder):
    drawn(tmp_path, program, table, folder)
    (tmp_path / 'out' / '000.txt').write_text('R\nW\n')
    sheets.read(str(tmp_path / 'out'), str(table))
    assert label_judged.load(table)['streets']['days/a.jpg'] == [(2, [100, 20, 50, 50], 'wrong'), (2, [201, 150, 61, 40], 'right'), (1, [10, 10, 60, 40], 'wrong')]
    assert drawn(tmp_path, program, table, folder, 'again') == []       # all are judged
    once = table.read_bytes()
    sheets.read(str(tmp_path / 'out'), str(table))
    assert table.read_bytes() == once


def test_sheets_do_not_mix_with_older_ones(tmp_path, program, table, folder):
    drawn(tmp_path, program, table, folder)
    with pytest.raises(FileExistsError):
        drawn(tmp_path, program, table, folder)


@pytest.mark.parametrize('letters', ['R', 'RWU', 'RX', ''])
def test_verdicts_that_do_not_fit_change_nothing(tmp_path, program, table, folder, letters):
    drawn(tmp_path, program, table, folder)
    before = table.read_bytes()
    (tmp_path / 'out' / '000.txt').write_text(letters)
    with pytest.raises(ValueError, match='000.txt: 2 letters of R, W and U expected'):
        sheets.read(str(tmp_path / 'out'), str(table))
    assert table.read_bytes() == before
