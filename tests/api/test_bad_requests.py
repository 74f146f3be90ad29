"""2,000 generated bad requests: each gets a 4xx with a detail, and none leaves a file or a task behind."""
import random
import urllib.parse


import pictures
from program import multipart

COUNT = 2000
BOOLEANS = ['debug', 'score', 'face', 'license-plate', 'person', 'vehicle', 'bbox', 'no-object-tracking', 'keep-bit-rate']
NUMBERS = ['face-threshold', 'license-plate-threshold', 'person-threshold', 'vehicle-threshold', 'segmentation-threshold', 'kernel-size-face', 'kernel-size-person',
           'face-anonymization-gradient-start', 'license-plate-anonymization-gradient-stop', 'mask-scale', 'quality', 'compress-level']
JSON = ['format', 'ignores']
NAMES = BOOLEANS + NUMBERS + JSON + ['method']
PICTURE = pictures.png(16, 12)


def junk(r, most=40):
    return ''.join(r.choice('abcxyz0189-_.,:;{}[]"\'\\ /?&=%+\t\u00e4\u4e2d\U0001f600\x01\x7f') for _ in range(r.randint(1, most)))


def wrong_type(r):
    name = r.choice(NAMES)
    return name, 'not-' + junk(r)


def wrong_range(r):
    return r.choice(NUMBERS), r.choice(['-1', '-0.0001', '1e7', '99999999999999999999', '1e999', '-1e999', 'nan', 'inf', '0x10', '1,5', '١'])


def huge(r):
    return r.choice(NAMES), r.choice('9x{["') * r.randint(1000, 20000)


def broken_json(r):
    good = r.choice(['{"number":[2,2],"overlap":[0,0]}', '[{"topLeftX":1,"topLeftY":2,"width":3,"height":4}]'])
    cut = good[:r.randint(1, len(good) - 1)]
    return r.choice(JSON), cut + r.choice(['', '}', ']', '"', junk(r, 5) + '{'])


def deep_json(r):
    return r.choice(JSON), '[' * r.randint(100, 5000)


def query_of(r, make):
    pairs = [make(r)]
    if r.random() < 0.5:
        pairs.insert(r.randint(0, 1), ('method', 'blur') if pairs[0][0] != 'method' else ('bbox', 'true'))
    return urllib.parse.urlencode(pairs)


def bad_query(make):
    def build(r):
        body, content_type = multipart([('fileobject', 'a.png', PICTURE)])
        return query_of(r, make), body, content_type
    return build


def duplicate(r):
    name = r.choice(NAMES)
    value = {'method': 'blur', 'format': 'whole', 'ignores': '[]'}.get(name, '1')
    other = name.replace('-', '_') if r.random() < 0.5 else name
    body, content_type = multipart([('fileobject', 'a.png', PICTURE)])
    return f'{name}={value}&{other}={value}', body, content_type


def nul(r):
    body, content_type = multipart([('fileobject', 'a.png', PICTURE)])
    return f'{r.choice(NAMES)}=1%00{r.choice(["", "x"])}', body, content_type


def broken_multipart(r):
    body, content_type = multipart([('fileobject', 'a.png', PICTURE)], 'b0undary')
    kind = r.randint(0, 5)
    if kind == 0:
        body = body[:r.randint(0, len(body) - 5)]
    elif kind == 1:
        body = body.replace(b'b0undary', b'another', 1)
    elif kind == 2:
        body = body.replace(b'\r\n', b'\n')
    elif kind == 3:
        body = body.replace(b'form-data', r.choice([b'attachment', b'', b'form data', b'\xff\xfe']))
    elif kind == 4:
        body = body.replace(b'name="fileobject"', r.choice([b'name="fileobject', b'nam=fileobject', b'name=', b'name="fileobject"; name="b"']))
    else:
        body = bytes(r.randrange(256) for _ in range(r.randint(0, 300)))
    return '', body, content_type


def wrong_content_type(r):
    body, _ = multipart([('fileobject', 'a.png', PICTURE)], 'b')
    return '', body, r.choice(['image/png', 'application/json', 'application/x-www-form-urlencoded', 'multipart/mixed; boundary=b', 'multipart/form-data', 'multipart/form-data; boundary=',
                               'multipart/form-data; boundary="b', 'multipart/form-data; boundary=' + 'b' * 71, 'multipart/form-data; boundary=b; boundary=c', junk(r).encode('ascii', 'replace').decode().replace('\x01', '').strip() or '-'])


def missing_part(r):
    body, content_type = multipart([(r.choice(['file', 'fileObject', 'fileobject2', 'image', '']), 'a.png', PICTURE)] * r.randint(0, 2))
    return '', body, content_type


def two_parts(r):
    body, content_type = multipart([('fileobject', 'a.png', PICTURE)] * r.randint(2, 3))
    return '', body, content_type


def no_picture(r):
    data = r.choice([b'', b'\0' * 100, b'GIF89a' + b'\0' * 50, b'%PDF-1.4', b'<html></html>', b'\xff\xd8', bytes(r.randrange(256) for _ in range(r.randint(1, 200)))])
    body, content_type = multipart([('fileobject', 'a.jpg', data)])
    return '', body, content_type


KINDS = {'wrong type': bad_query(wrong_type), 'wrong range': bad_query(wrong_range), 'huge value': bad_query(huge), 'broken JSON': bad_query(broken_json), 'deep JSON': bad_query(deep_json),
         'duplicate': duplicate, 'NUL': nul, 'broken multipart': broken_multipart, 'wrong content type': wrong_content_type, 'missing part': missing_part, 'two parts': two_parts,
         'no picture': no_picture}


def test_bad_requests(empty):
    server, r = empty, random.Random(20261124)
    for i in range(COUNT):
        kind = list(KINDS)[i % len(KINDS)]
        query, body, content_type = KINDS[kind](r)
        answer = server.request('POST', '/v1/file' + ('?' + query if query else ''), body, {'Content-Type': content_type.encode('latin-1', 'replace').decode('latin-1')})
        assert 400 <= answer.status < 500, (kind, query[:300], body[:300], answer)
        assert answer.detail
        if i % 100 == 99:
            assert server.files() == [] and server.tasks() == [], kind
    assert server.files() == [] and server.tasks() == []
    assert server.done(PICTURE)['status'] == 'done'
