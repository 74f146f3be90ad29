"""POST /v1/file: what a good upload gives back, and how the file is told."""
import threading

import pytest

import pictures
from program import Server, multipart

URLS = ['metadata_url', 'binary_mask_url', 'instance_mask_url', 'anonymised_url']


def test_answer_has_the_references_names_and_their_aliases(server, picture):
    answer = server.done(picture)
    assert answer['content_type'] == answer['content-type'] == 'image/png'
    assert answer['status'] == 'done'
    assert 'warnings' not in answer
    for name, resource in zip(URLS, ['metadata', 'binary-mask', 'instance-mask', 'anonymised']):
        assert answer[name] == answer[name.replace('_', '-')] == f'http://127.0.0.1:{server.port}/v1/file/{answer["id"]}/{resource}'


def test_api_endpoint_is_the_base_of_urls(start, picture):
    server = start('--api-endpoint', 'https://api.example.com/base/')
    answer = server.done(picture)
    assert answer['metadata_url'] == f'https://api.example.com/base/v1/file/{answer["id"]}/metadata'


def test_on_every_interface_urls_begin_with_the_address_asked_for(tmp_path, picture):
    server = Server(tmp_path)
    server.command[server.command.index('127.0.0.1')] = '0.0.0.0'
    with server:
        task = server.done(picture)['id']
        for host, base in (('box.example:8080', 'http://box.example:8080'), ('[::1]:7', 'http://[::1]:7'), ('a"b', None), ('x/y?', None), ('', None)):
            base = base or f'http://0.0.0.0:{server.port}'
            assert server.get(f'/v1/task/{task}', Host=host).json()['metadata_url'] == f'{base}/v1/file/{task}/metadata', host
            assert server.get('/v1/task/list', Host=host).json()[0]['metadata_url'].startswith(base + '/v1/'), host
        assert server.done(picture)['anonymised_url'].startswith(f'http://127.0.0.1:{server.port}/v1/')
        assert '--api-endpoint' in server.log.read_text()


def test_elsewhere_a_host_header_changes_nothing(server, done):
    assert server.get(f'/v1/task/{done["id"]}', Host='evil.example').json()['metadata_url'] == done['metadata_url']


@pytest.mark.parametrize('name, declared', [('picture.jpg', 'image/jpg'), ('video.mp4', 'video/mp4'), ('x', 'application/octet-stream'), ('', 'text/plain')])
def test_type_is_found_from_the_bytes(server, name, declared):
    boundary = 'b0undary'
    for data, want in ((pictures.png(), 'image/png'), (pictures.jpeg(), 'image/jpeg')):
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="fileobject"; filename="{name}"\r\nContent-Type: {declared}\r\n\r\n'.encode() + data +
                f'\r\n--{boundary}--\r\n'.encode())
        answer = server.request('POST', '/v1/file', body, {'Content-Type': f'multipart/form-data; boundary={boundary}'})
        assert answer.status == 200
        assert answer.json()['content_type'] == want


@pytest.mark.parametrize('data, name', [(b'\0\0\0\x18ftypheic', 'HEIC'), (b'\0\0\0\x18ftypmif1', 'HEIF'), (b'\0\0\0\x1cftypavif', 'AVIF'), (b'RIFF\x10\0\0\0WEBPVP8 ', 'WebP'),
                                        (b'GIF89a', 'GIF'), (b'II*\0', 'TIFF'), (b'MM\0*', 'TIFF'), (b'%PDF-1.7', 'PDF')])
def test_other_formats_are_named(server, data, name):
    answer = server.upload(data + bytes(2000))
    assert answer.status == 422 and answer.detail == f'fileobject: this is {name}; send JPEG or PNG, or a video'


def test_part_without_a_file_name(server, picture):
    body, content_type = multipart([('fileobject', None, picture)])
    answer = server.request('POST', '/v1/file', body, {'Content-Type': content_type})
    assert answer.status == 200
    assert server.get(f'/v1/task/{answer.json()["id"]}').json()['filename'] == ''


@pytest.mark.parametrize('sent, kept', [
    ('../../etc/passwd.png', 'passwd.png'), ('C:\\\\photos\\\\a.png', 'a.png'), ('straße 1.png', 'straße 1.png'), ('..', ''), ('a\tb.png', 'a_b.png')])
def test_file_names_are_made_safe(server, picture, sent, kept):
    task = server.done(picture, name=sent)['id']
    assert server.get(f'/v1/task/{task}').json()['filename'] == kept
    metadata = server.get(f'/v1/file/{task}/metadata').json()
    assert metadata['filename'] == (kept or f'{task}.png')
    assert metadata['folder'] is None


def test_other_form_fields_are_reported(server, picture):
    body, content_type = multipart([('face', None, b'true'), ('fileobject', 'a.png', picture), ('method', None, b'blur')])
    answer = server.request('POST', '/v1/file', body, {'Content-Type': content_type})
    assert answer.status == 200
    assert [w for w in answer.json()['warnings'] if 'face' in w] and [w for w in answer.json()['warnings'] if 'method' in w]


@pytest.mark.parametrize('value', ['true', 'True', '1', 'yes', 'ON'])
def test_asynchronous(server, picture, value):
    answer = server.upload(picture, headers={'x-is-async': value})
    assert answer.status == 200
    assert answer.json()['status'] in ('queued', 'processing', 'done')
    record = server.wait(answer.json()['id'])
    assert record['status'] == 'done' and record['asynchronous'] is True and record['progress'] == 1
    assert server.get(f'/v1/file/{record["id"]}/anonymised').status == 200


@pytest.mark.parametrize('value', ['false', '0', 'No', 'off', ''])
def test_synchronous(server, picture, value):
    answer = server.upload(picture, headers={'x-is-async': value})
    assert answer.status == 200 and answer.json()['status'] == 'done'


def test_is_async_must_be_a_boolean(server, picture):
    answer = server.upload(picture, headers={'x-is-async': 'maybe'})
    assert answer.status == 422 and 'x-is-async' in answer.detail and 'maybe' in answer.detail


def test_client_that_a_published_version_sends(server, picture):
    answer = server.upload(picture, 'method=blur&save_mask=&quality=0&ignores=[]&watermark=False&face=True&license_plate=True&person=&debug=')
    assert answer.status == 200
    assert len(answer.json()['warnings']) == 1 and 'watermark' in answer.json()['warnings'][0]
    parameters = server.get(f'/v1/task/{answer.json()["id"]}').json()['parameters']
    assert (parameters['face'], parameters['license-plate'], parameters['person'], parameters['vehicle']) == (True, True, False, False)
    assert parameters['quality'] == 90 and parameters['save-mask'] == 'binary:100,instance:100'


def test_mistyped_parameters_do_not_pass_silently(server, picture):
    answer = server.done(picture, 'licence-plate=true&fase=true')
    assert any('licence-plate' in w and "did you mean 'license-plate'" in w for w in answer['warnings'])
    assert any('fase' in w and "'face'" in w for w in answer['warnings'])
    assert server.done(picture, 'FACE=true')['warnings'] == ["unknown parameter 'FACE'; did you mean 'face'?"]
    assert server.get(f'/v1/task/{answer["id"]}').json()['warnings'] == answer['warnings']


def test_no_type_that_is_true_does_not_pass_silently(server, picture):
    for query in ('face=false', 'face=0&license-plate=no', 'method=detect&face=false'):
        answer = server.done(picture, query)
        assert answer['warnings'] == ['no type is true: nothing is anonymized'], query
    for query in ('', 'face=false&person=true', 'face='):
        assert 'warnings' not in server.done(picture, query), query


def test_unencoded_ampersand_in_a_webhook(server, picture):
    answer = server.done(picture, 'webhook=http://receiver.invalid:9/x?a=1&token=2')
    assert any('%26' in w for w in answer['warnings'])
    assert not any('%26' in w for w in server.done(picture, 'tokn=2')['warnings'])


def test_a_failing_synchronous_upload_stores_nothing(empty):
    server = empty
    damaged = pictures.png()[:2000]
    answer = server.upload(damaged)
    assert answer.status == 422 and answer.detail
    assert server.tasks() == [] and server.files() == []


def test_a_failing_asynchronous_upload_keeps_its_reason(server):
    task = server.upload(pictures.png()[:2000], headers={'x-is-async': 'true'}).json()['id']
    record = server.wait(task)
    assert record['status'] == 'failed' and record['error']
    for resource in ('anonymised', 'binary-mask', 'instance-mask', 'metadata'):
        answer = server.get(f'/v1/file/{task}/{resource}')
        assert answer.status == 409 and record['error'] in answer.detail


def test_idempotency_key_returns_the_first_task(server, picture):
    key = {'Idempotency-Key': 'order-1'}
    first = server.upload(picture, 'face=true', headers=key)
    again = server.upload(picture, 'face=true', headers=key)
    assert first.json()['id'] == again.json()['id']
    assert again.headers['Idempotent-Replayed'] == 'true' and 'Idempotent-Replayed' not in first.headers
    assert server.upload(picture, 'face=true&debug=true', headers=key).json()['id'] != first.json()['id']
    assert server.upload(pictures.png(seed=2), 'face=true', headers=key).json()['id'] != first.json()['id']
    assert server.upload(picture, 'face=true', headers={'Idempotency-Key': 'order-2'}).json()['id'] != first.json()['id']
    assert server.upload(picture, headers={'Idempotency-Key': 'k' * 256}).status == 422


def test_many_uploads_of_one_key_at_the_same_time(server):
    """One of them makes the task, and all get its end: also where that is a failure."""
    from program import Server
    for data, status in ((pictures.jpeg(1200, 900), 200), (pictures.jpeg(1200, 900)[:5000] + b'\xff' * 10, None)):
        answers, key = [], {'Idempotency-Key': f'burst {status}'}

        def upload():
            client = Server(server.folder)
            client.port = server.port
            answers.append(client.upload(data, headers=key))
            client.close()

        before = len(server.tasks())
        threads = [threading.Thread(target=upload) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(server.tasks()) == before + 1
        assert len({(a.status, a.json().get('id'), a.json().get('detail')) for a in answers}) == 1, answers
        assert sum('Idempotent-Replayed' in a.headers for a in answers if a.status == 200) == (7 if status == 200 else 0)
        assert {f.split('.')[0] for f in server.files()} <= {r['id'] for r in server.tasks()}, 'the others left no file'


def test_uploads_at_the_same_time(server):
    """More clients than workers: each gets its own picture back."""
    from program import Server
    sizes, answers = [(100 + 7 * i, 90) for i in range(8)], {}

    def upload(size):
        client = Server(server.folder)
        client.port = server.port
        answers[size] = client.done(pictures.png(*size))['id']
        client.close()

    threads = [threading.Thread(target=upload, args=(size,)) for size in sizes]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(answers.values())) == len(sizes)
    for size, task in answers.items():
        assert server.get(f'/v1/file/{task}/metadata').json()['size'] == [size[1], size[0]]
