"""Every query parameter of the upload: which values it takes, which it refuses, and that it arrives in the task."""
import json
import urllib.parse

import pytest

BOOLEANS = ['debug', 'score', 'face', 'license-plate', 'person', 'vehicle', 'bbox', 'no-object-tracking', 'keep-bit-rate']
SHARES = ['face-threshold', 'license-plate-threshold', 'person-threshold', 'vehicle-threshold', 'face-anonymization-gradient-start',
          'face-anonymization-gradient-stop', 'license-plate-anonymization-gradient-start', 'license-plate-anonymization-gradient-stop']
KERNELS = ['kernel-size-face', 'kernel-size-license-plate', 'kernel-size-person', 'kernel-size-vehicle']
GOOD = ([(n, 'true', True) for n in BOOLEANS] + [(n, v, float(v)) for n in SHARES for v in ('0', '1', '0.25')] + [(n, v, float(v)) for n in KERNELS for v in ('0.5', '31')] +
        [('method', m, m) for m in ('blur', 'pixelate', 'blacken', 'detect')] +
        [('quality', '75', 75), ('compress-level', '9', 9), ('mask-scale', '12.5', 12.5), ('save-mask', 'none', 'none'), ('save-mask', 'instance:50', 'instance:50'),
         ('format', 'whole', 'whole'), ('format', 'pano:4096', 'pano:4096')])
BAD = ([(n, v) for n in BOOLEANS for v in ('2', 'ja', 'tru', '[]')] + [(n, v) for n in SHARES for v in ('-0.1', '1.1', 'high', 'nan', '0,5')] +
       [(n, v) for n in KERNELS for v in ('0', '-1', 'big', '1e9')] + [(n, v) for n in ['segmentation-threshold'] for v in ('2', 'x')] +
       [('method', 'erase'), ('quality', '101'), ('quality', '-1'), ('quality', '1.5'), ('compress-level', '10'), ('compress-level', 'best'), ('mask-scale', '0'),
        ('mask-scale', '101'), ('mask-scale', 'half'), ('save-mask', 'some'), ('save-mask', 'instance:0'), ('save-mask', 'instance:x'),
        ('format', 'half'), ('format', 'pano:'), ('format', 'pano:-1'), ('format', '{"number":[0,2]}'), ('format', '{"number":[2]}'), ('format', '{"number":[2,2]'),
        ('format', '{"number":[1000,1000],"overlap":[0,0]}'), ('format', '{"number":[2,2],"overlap":[-1,0]}'), ('format', '{"number":["a","b"]}'), ('format', '[]'),
        ('ignores', '{'), ('ignores', '{}'), ('ignores', '[1]'), ('ignores', '[{"topLeftX":1}]'), ('ignores', '[{"topLeftX":1,"topLeftY":1,"width":-5,"height":5}]'),
        ('ignores', '[{"topLeftX":"a","topLeftY":1,"width":5,"height":5}]'),
        ('webhook', 'ftp://example.com/'), ('webhook', 'example.com'), ('webhook', 'http://'), ('webhook', 'http:///path'), ('webhook', 'http://a b/'),
        ('webhook', 'http://127.0.0.1:9/'), ('webhook', 'http://localhost/'), ('webhook', 'https://10.1.2.3/x'), ('webhook', 'http://[::1]:8080/'),
        ('webhook', 'http://example.com:65536/'), ('webhook', 'http://example.com:0/'),
        ('webhook-auth-header-name', 'two words'), ('webhook-auth-header-name', 'Content-Length'), ('webhook-auth-header-name', 'a:b'),
        ('webhook-auth-header-value', 'a\r\nb'), ('web-auth-header-name', 'x\ny')])


def accepted(server, data, query='', **parameters):
    """The record of an upload whose parameters are taken. Nothing needs to be worked out for that: the task is deleted at once."""
    answer = server.upload(data, query, headers={'x-is-async': 'true'}, **parameters)
    assert answer.status == 200, answer
    record = server.get(f'/v1/task/{answer.json()["id"]}').json()
    assert record.get('warnings') == answer.json().get('warnings')
    assert server.delete(f'/v1/task/{record["id"]}').status == 200
    return record


def parameters(server, data, query='', **given):
    return accepted(server, data, query, **given)['parameters']


@pytest.fixture(scope='module')
def tiny():
    import pictures
    return pictures.png(48, 32)


@pytest.mark.parametrize('name, value, want', GOOD)
def test_value_is_taken(server, tiny, name, value, want):
    for spelling in {name, name.replace('-', '_')}:
        record = accepted(server, tiny, urllib.parse.urlencode({spelling: value}))
        assert 'warnings' not in record
        assert record['parameters'][name] == want


@pytest.mark.parametrize('name, value', BAD)
def test_value_is_refused(server, tiny, name, value):
    answer = server.upload(tiny, **{name.replace('-', '_'): value})
    assert answer.status == 422, answer
    assert name in answer.detail


@pytest.mark.parametrize('name', BOOLEANS)
@pytest.mark.parametrize('value', ['False', 'NO', 'off', '0'])
def test_false(server, tiny, name, value):
    assert parameters(server, tiny, **{name.replace('-', '_'): value})[name] is False


@pytest.mark.parametrize('name', BOOLEANS + SHARES + KERNELS + ['method', 'format', 'ignores', 'save-mask', 'mask-scale', 'quality', 'compress-level', 'webhook',
                                                                'segmentation-threshold', 'webhook-auth-header-name', 'webhook-auth-header-value'])
def test_an_empty_value_counts_as_not_given(server, tiny, name):
    plain = parameters(server, tiny)
    assert parameters(server, tiny, f'{name}=') == plain
    assert parameters(server, tiny, name) == plain


@pytest.mark.parametrize('name', BOOLEANS + SHARES + ['method', 'format', 'quality', 'webhook'])
def test_a_repeated_parameter_is_refused(server, tiny, name):
    value = {'method': 'blur', 'format': 'whole', 'quality': '50', 'webhook': 'http://example.com/'}.get(name, '0')
    answer = server.upload(tiny, f'{name}={value}&{name.replace("-", "_")}={value}')
    assert answer.status == 422 and name in answer.detail.replace('_', '-')


def test_types_named_are_exactly_those_taken(server, tiny):
    got = parameters(server, tiny, face='true', person='false')
    assert [got[t] for t in ('face', 'license-plate', 'person', 'vehicle')] == [True, False, False, False]
    got = parameters(server, tiny)
    assert [got[t] for t in ('face', 'license-plate', 'person', 'vehicle')] == [True] * 4


def test_a_type_that_the_server_lacks(start, tiny):
    server = start(types=['-a', 'face'])
    answer = server.upload(tiny, person='true')
    assert answer.status == 422 and '-a person' in answer.detail
    got = parameters(server, tiny)
    assert [got[t] for t in ('face', 'license-plate', 'person', 'vehicle')] == [True, False, False, False]


def test_segmentation_threshold(server, tiny):
    got = parameters(server, tiny, segmentation_threshold='0.7')
    assert got['person-threshold'] == got['vehicle-threshold'] == 0.7 and got['face-threshold'] == 0.5
    got = parameters(server, tiny, segmentation_threshold='0.7', person_threshold='0.2')
    assert got['person-threshold'] == 0.2 and got['vehicle-threshold'] == 0.7


def test_ignores_and_format_keep_their_form(server, tiny):
    ignores = [{'topLeftX': 1, 'topLeftY': 2, 'width': 3, 'height': 4}, {'topLeftX': 10, 'topLeftY': 12, 'width': 13, 'height': 14}]
    grid = {'number': [2, 1], 'overlap': [0.25, 8]}
    got = parameters(server, tiny, ignores=json.dumps(ignores), format=json.dumps(grid))
    assert json.loads(got['ignores']) == ignores
    assert json.loads(got['format']) == grid


def test_server_defaults_come_from_flags_and_requests_override_them(start, tiny):
    server = start('-m', 'pixelate', '--face-threshold', '0.3', '--save-mask', 'binary', '--bbox', '--quality', '70', '--format', '{"number":[2,2],"overlap":[0,0]}')
    got = parameters(server, tiny)
    assert (got['method'], got['face-threshold'], got['save-mask'], got['bbox'], got['quality']) == ('pixelate', 0.3, 'binary:100', True, 70)
    assert json.loads(got['format'])['number'] == [2, 2]
    got = parameters(server, tiny, method='blacken', face_threshold='0.6', bbox='false')
    assert (got['method'], got['face-threshold'], got['bbox']) == ('blacken', 0.6, False)


@pytest.mark.parametrize('prefix', ['webhook', 'web'])
def test_webhook_parameters_are_stored(server, tiny, prefix):
    url = 'http://receiver.invalid:9/hook?a=1&b=2'
    answer = server.done(tiny, **{'webhook': url, f'{prefix}_auth_header_name': 'X-Token', f'{prefix}_auth_header_value': 'secret value'})
    record = server.get(f'/v1/task/{answer["id"]}')
    assert record.json()['webhook'] == url and record.json()['webhook_status'] in ('set', 'sent', 'failed')
    assert b'secret value' not in record.body, 'the record must not show the secret'


def test_webhook_to_a_private_address(server, start, tiny):
    answer = server.upload(tiny, webhook='http://127.0.0.1:9/hook')
    assert answer.status == 422 and '--webhook-allow-private' in answer.detail
    assert start('--webhook-allow-private').upload(tiny, webhook='http://127.0.0.1:9/hook').status == 200


def test_webhook_header_without_its_name(server, tiny):
    answer = server.upload(tiny, webhook='http://example.com/', webhook_auth_header_value='x')
    assert answer.status == 422 and 'webhook-auth-header-name' in answer.detail
