import gzip

import pytest

from obscura_train import PLATE, label_judged


@pytest.fixture
def judged(tmp_path):
    path = tmp_path / 'plates.csv.gz'
    path.write_bytes(gzip.compress(b'source,path,x,y,w,h,verdict\n'
                                   b'buses,a.jpg,10,20,30,10,plate\nbuses,a.jpg,50,20,30,10,none\nbuses,a.jpg,90,20,30,10,unsure\nbins,a.jpg,1,2,3,4,plate\n'))
    return label_judged.load(path)


@pytest.mark.parametrize('path,expected', [
    ('a.jpg', [(PLATE, [10, 20, 30, 10], False), (PLATE, [90, 20, 30, 10], True)]),
    ('b.jpg', []),              # nothing was found there, so there is nothing
])
def test_verdicts_become_objects_ignored_regions_or_nothing(judged, path, expected):
    image = dict(source='buses', path=path, labeled=['person'])
    assert [(c, box, ignore) for c, box, ignore, _ in label_judged.find(judged, None, image, [], [])] == expected
    assert image['labeled'] == ['license-plate', 'person']
