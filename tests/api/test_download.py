"""Downloads: formats and qualities, masks and their scale, metadata, HEAD, ETag, Range, file names."""
import uuid

import numpy
import pytest

import pictures

RESOURCES = ['anonymised', 'binary-mask', 'instance-mask', 'metadata']


@pytest.fixture(scope='module')
def photo(server):
    """A JPEG with everything found that can be."""
    return server.done(pictures.jpeg(200, 150, quality=95), name='straße.jpg', face_threshold=0.02, person_threshold=0.02, vehicle_threshold=0.02, license_plate_threshold=0.02)


def path(answer, resource):
    return f'/v1/file/{answer["id"]}/{resource}'


def test_own_format_by_default(server, done, photo):
    assert server.get(path(done, 'anonymised')).headers['Content-Type'] == 'image/png'
    assert server.get(path(photo, 'anonymised')).headers['Content-Type'] == 'image/jpeg'
    assert pictures.decode(server.get(path(photo, 'anonymised')).body).size == (200, 150)


def test_american_spelling(server, done):
    assert server.get(path(done, 'anonymized')).body == server.get(path(done, 'anonymised')).body


def test_png_of_a_png_is_exact(server, done):
    stored = pictures.array(server.get(path(done, 'anonymised')).body)
    for level in (0, 1, 9):
        converted = server.get(path(done, f'anonymised?download=PNG&compress-level={level}'))
        assert (pictures.array(converted.body) == stored).all()
    sizes = [len(server.get(path(done, f'anonymised?download=png&compress_level={level}')).body) for level in (0, 9)]
    assert sizes[0] > sizes[1]


def test_conversion_to_jpeg_by_quality(server, done):
    stored = pictures.array(server.get(path(done, 'anonymised')).body)
    sizes, errors = [], []
    for quality in (10, 50, 95):
        answer = server.get(path(done, f'anonymised?download=JPEG&quality={quality}'))
        assert answer.headers['Content-Type'] == 'image/jpeg' and pictures.decode(answer.body).format == 'JPEG'
        sizes.append(len(answer.body))
        errors.append(numpy.abs(pictures.array(answer.body) - stored).mean())
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)


def test_jpeg_to_png(server, photo):
    answer = server.get(path(photo, 'anonymised?download=PNG'))
    assert answer.headers['Content-Type'] == 'image/png'
    stored = pictures.array(server.get(path(photo, 'anonymised')).body)
    assert numpy.abs(pictures.array(answer.body) - stored).max() <= 2    # two decoders' rounding


def test_upload_sets_the_downloads_defaults(server):
    answer = server.done(pictures.jpeg(160, 120), quality=20, mask_scale=50)
    assert len(server.get(path(answer, 'anonymised')).body) < len(server.get(path(answer, 'anonymised?quality=90')).body)
    assert pictures.decode(server.get(path(answer, 'binary-mask')).body).size == (80, 60)
    assert pictures.decode(server.get(path(answer, 'binary-mask?mask-scale=100')).body).size == (160, 120)


@pytest.mark.parametrize('query', ['download=GIF', 'quality=0', 'quality=101', 'quality=high', 'quality=5.5', 'compress-level=10', 'compress-level=-1'])
def test_wrong_download_parameters(server, done, query):
    answer = server.get(path(done, f'anonymised?{query}'))
    assert answer.status == 422 and query.split('=')[0] in answer.detail


@pytest.mark.parametrize('resource, mode', [('binary-mask', 'L'), ('instance-mask', 'RGB')])
def test_masks(server, done, resource, mode):
    mask = pictures.decode(server.get(path(done, resource)).body)
    assert mask.format == 'PNG' and mask.mode == mode and mask.size == (320, 240)


@pytest.mark.parametrize('scale, size', [('100', (320, 240)), ('50', (160, 120)), ('33.3', (107, 80)), ('0.01', (1, 1)), ('', (320, 240))])
def test_mask_scale(server, done, scale, size):
    for resource in ('binary-mask', 'instance-mask'):
        whole = numpy.asarray(pictures.decode(server.get(path(done, resource)).body))
        answer = server.get(path(done, f'{resource}?mask-scale={scale}'))
        mask = pictures.decode(answer.body)
        assert mask.size == size
        colours = {tuple(c) for c in whole.reshape(-1, whole.shape[2] if whole.ndim == 3 else 1).tolist()}
        scaled = numpy.asarray(mask)
        assert {tuple(c) for c in scaled.reshape(-1, scaled.shape[2] if scaled.ndim == 3 else 1).tolist()} <= colours, 'no colour is mixed'
        assert server.get(path(done, f'{resource}?mask_scale={scale}')).body == answer.body


@pytest.mark.parametrize('scale', ['0', '-1', '100.1', 'half', 'nan'])
def test_wrong_mask_scale(server, done, scale):
    for resource in ('binary-mask', 'instance-mask'):
        answer = server.get(path(done, f'{resource}?mask-scale={scale}'))
        assert answer.status == 422 and 'mask-scale' in answer.detail


def test_masks_that_are_not_kept(server, picture):
    answer = server.done(picture, save_mask='binary:50', person_threshold=0.02, face_threshold=0.02)
    assert pictures.decode(server.get(path(answer, 'binary-mask')).body).size == (160, 120)
    refused = server.get(path(answer, 'instance-mask'))
    assert refused.status == 422 and 'save-mask' in refused.detail
    assert all(d['color'] is None for d in server.get(path(answer, 'metadata')).json()['detections'])


def test_detect_makes_no_image(server, picture):
    answer = server.done(picture, method='detect')
    refused = server.get(path(answer, 'anonymised'))
    assert refused.status == 422 and 'detect' in refused.detail
    for resource in RESOURCES[1:]:
        assert server.get(path(answer, resource)).status == 200


def test_metadata(server, done):
    metadata = server.get(path(done, 'metadata')).json()
    assert metadata['id'] == f'{done["id"]}.png' and metadata['filename'] == 'street.png'
    assert metadata['size'] == [240, 320] and metadata['duration'] > 0
    assert [d['id'] for d in metadata['detections']] == list(range(len(metadata['detections'])))
    types = {'face': 103, 'person': 102, 'license-plate': 101, 'vehicle': 104}
    for d in metadata['detections']:
        assert d['parent_image'] == metadata['id'] and d['type'] == types[d['type_label']]
        x1, y1, x2, y2 = d['bbox']
        assert 0 <= d['offset'][0] <= x1 < x2 <= 320 and 0 <= d['offset'][1] <= y1 < y2 <= 240


@pytest.mark.parametrize('resource', RESOURCES + ['anonymised?download=JPEG', 'binary-mask?mask-scale=50'])
def test_head_etag_and_range(server, done, resource):
    whole = server.get(path(done, resource))
    head = server.head(path(done, resource))
    for name in ('Content-Type', 'Content-Length', 'ETag', 'Content-Disposition', 'Accept-Ranges'):
        assert head.headers[name] == whole.headers[name]
    assert int(whole.headers['Content-Length']) == len(whole.body)
    etag = whole.headers['ETag']
    assert etag.startswith('"') and server.get(path(done, resource)).headers['ETag'] == etag
    for condition in (etag, '*', f'"x", {etag}', f'W/{etag}'):
        assert server.get(path(done, resource), If_None_Match=condition).status == 304
    assert server.get(path(done, resource), If_None_Match='"x"').body == whole.body
    size = len(whole.body)
    for asked, want in (('0-0', whole.body[:1]), ('5-9', whole.body[5:10]), (f'{size - 3}-', whole.body[-3:]), ('-7', whole.body[-7:]), ('2-999999999', whole.body[2:])):
        part = server.get(path(done, resource), Range=f'bytes={asked}')
        assert part.status == 206 and part.body == want
        first, last = part.headers['Content-Range'].split(' ')[1].split('/')[0].split('-')
        assert whole.body[int(first):int(last) + 1] == want and part.headers['Content-Range'].endswith(f'/{size}')
    assert server.get(path(done, resource), Range=f'bytes={size}-').status == 416
    assert server.get(path(done, resource), Range='bytes=9-5').body == whole.body
    assert server.get(path(done, resource), Range='bytes=0-1', If_Range='"other"').body == whole.body
    assert server.get(path(done, resource), Range='bytes=0-1', If_Range=etag).body == whole.body[:2]


def test_etags_differ_where_bytes_do(server, done, photo):
    asked = [path(a, r) for a in (done, photo) for r in RESOURCES + ['anonymised?download=JPEG&quality=10', 'binary-mask?mask-scale=50']]
    answers = [server.get(p) for p in asked]
    by_etag = {}
    for a in answers:
        assert by_etag.setdefault(a.headers['ETag'], a.body) == a.body
    assert len(by_etag) == len(asked)


def test_names_of_downloads(server, done, photo):
    assert server.get(path(done, 'anonymised')).headers['Content-Disposition'] == 'attachment; filename="street-anonymised.png"'
    assert server.get(path(done, 'anonymised?download=JPEG')).headers['Content-Disposition'] == 'attachment; filename="street-anonymised.jpg"'
    assert server.get(path(done, 'binary-mask')).headers['Content-Disposition'] == 'attachment; filename="street-binary-mask.png"'
    assert server.get(path(done, 'metadata')).headers['Content-Disposition'] == 'attachment; filename="street-metadata.json"'
    assert server.get(path(photo, 'anonymised')).headers['Content-Disposition'].endswith("filename*=UTF-8''stra%C3%9Fe-anonymised.jpg")


@pytest.mark.parametrize('resource', RESOURCES + ['video/anonymised', 'video/metadata'])
def test_unknown_ids(server, resource):
    for unknown in (str(uuid.uuid4()), 'nonsense', '..%2f..%2fetc', 'A' * 100, '%ff%fe'):
        assert server.get(f'/v1/file/{unknown}/{resource}').status == 404


def test_an_image_has_no_video_results(server, done):
    answer = server.get(path(done, 'video/metadata'))
    assert answer.status == 422 and answer.detail == 'You can receive anonymised video metadata only after video upload'
    answer = server.get(path(done, 'video/anonymised'))
    assert answer.status == 422 and answer.detail == 'Upload a video file at v1/file before using this endpoint.'


def test_same_upload_same_bytes(server, picture):
    for method in ('blur', 'pixelate', 'blacken'):
        bodies = {server.get(path(server.done(picture, method=method, person_threshold=0.05, face_threshold=0.05), 'anonymised')).body for _ in range(2)}
        assert len(bodies) == 1
