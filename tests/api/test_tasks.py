"""Tasks: records, lists, deletion."""
import uuid

import pytest

import pictures


def identifiers(records):
    return [r['id'] for r in records]


@pytest.fixture
def filled(empty):
    """A server of its own with three done tasks and a failed one; their ids, newest first."""
    server = empty
    made = [server.done(pictures.png(40, 30, seed=i))['id'] for i in range(3)]
    failed = server.upload(pictures.png()[:500], headers={'x-is-async': '1'}).json()['id']
    assert server.wait(failed)['status'] == 'failed'
    return server, [failed] + made[::-1]


def test_record(server, done):
    record = server.get(f'/v1/task/{done["id"]}').json()
    assert record['result'] == 'success' and record['status'] == 'done' and record['type'] == 'image' and record['progress'] == 1
    assert record['created_at'] <= record['started_at'] <= record['finished_at']
    assert record['error'] is None and record['content_type'] == 'image/png' and record['size'] > 0
    assert record['anonymised_url'] == done['anonymised_url'] and record['anonymised-url'] == done['anonymised_url']


def test_numbers_are_shown_as_they_were_given(server, picture):
    task = server.done(picture, face_threshold='0.4', kernel_size_face='0.1')['id']
    for body in (server.get(f'/v1/task/{task}').body, server.get('/v1/task/list?limit=1').body):
        assert b'"face-threshold": 0.4,' in body and b'"kernel-size-face": 0.1,' in body and b'.40000' not in body


def test_list_is_newest_first_and_narrows(filled):
    server, ids = filled
    assert identifiers(server.tasks()) == ids
    assert identifiers(server.get('/v1/task/lists').json()) == ids
    assert identifiers(server.get('/v1/task/list?status=done').json()) == ids[1:]
    assert identifiers(server.get('/v1/task/list?status=failed').json()) == ids[:1]
    assert server.get('/v1/task/list?status=queued').json() == []
    assert identifiers(server.get('/v1/task/list?limit=2').json()) == ids[:2]
    assert identifiers(server.get('/v1/task/list?limit=2&offset=1').json()) == ids[1:3]
    assert identifiers(server.get('/v1/task/list?offset=3').json()) == ids[3:]
    assert server.get('/v1/task/list?offset=9').json() == []
    assert identifiers(server.get('/v1/task/list?status=&limit=&offset=').json()) == ids


@pytest.mark.parametrize('query', ['status=lost', 'limit=0', 'limit=-1', 'limit=x', 'offset=-1', 'offset=1.5', 'limit=99999999999999999999'])
def test_wrong_list_parameters(server, query):
    answer = server.get(f'/v1/task/list?{query}')
    assert answer.status == 422 and query.split('=')[0] in answer.detail


def test_delete_one(filled):
    server, ids = filled
    answer = server.delete(f'/v1/task/{ids[1]}')
    assert answer.status == 200 and answer.json()['result'] == 'success'
    assert identifiers(server.tasks()) == ids[:1] + ids[2:]
    assert not [f for f in server.files() if ids[1] in f]
    assert server.get(f'/v1/task/{ids[1]}').status == 404
    assert server.get(f'/v1/file/{ids[1]}/anonymised').status == 404
    assert server.delete(f'/v1/task/{ids[1]}').status == 404


def test_delete_only_files(filled):
    server, ids = filled
    assert server.delete(f'/v1/task/{ids[1]}?delete-scope=only-files').status == 200
    assert not [f for f in server.files() if ids[1] in f]
    assert server.get(f'/v1/task/{ids[1]}').json()['status'] == 'deleted'
    for resource in ('anonymised', 'binary-mask', 'instance-mask', 'metadata'):
        assert server.get(f'/v1/file/{ids[1]}/{resource}').status == 410
    assert identifiers(server.get('/v1/task/list?status=deleted').json()) == [ids[1]]
    assert server.delete(f'/v1/task/{ids[1]}?delete_scope=task-and-files').status == 200
    assert server.get(f'/v1/task/{ids[1]}').status == 404


@pytest.mark.parametrize('query', ['', '?confirm=false', '?confirm=', '?confirm=sure', '?confirm=true&delete-scope=everything', '?delete-scope=only-files'])
def test_delete_all_wants_a_confirmation(server, done, query):
    before = identifiers(server.tasks())
    answer = server.delete(f'/v1/task/list{query}')
    assert answer.status == 422 and ('confirm' in answer.detail or 'delete-scope' in answer.detail)
    assert identifiers(server.tasks()) == before and done['id'] in before


@pytest.mark.parametrize('query', ['confirm=true&delete_scpe=only-files', 'delete_scpe=only-files&confirm=true', 'confirm=true&scope=only-files', 'confirm=true&=1'])
def test_a_misspelt_limit_deletes_nothing(server, done, query):
    wrong = [name for name in ('delete_scpe', 'scope', '') if f'&{name}=' in f'&{query}'][0]
    for path in ('/v1/task/list', '/v1/task/lists', f'/v1/task/{done["id"]}'):
        answer = server.delete(f'{path}?{query}' if 'task/list' in path else f'{path}?{query.replace("confirm=true&", "").replace("&confirm=true", "")}')
        assert answer.status == 422 and f"'{wrong}'" in answer.detail, answer
        assert "'delete-scope'" in answer.detail or wrong != 'delete_scpe'
    assert done['id'] in identifiers(server.tasks())


def test_a_misspelt_parameter_of_a_reading_is_named_in_a_header(server, done):
    assert server.get('/v1/task/list?limt=1').headers['Warning'] == '299 - "unknown parameter \'limt\'; did you mean \'limit\'?"'
    for path in ('/v1/task/list?status=done&watermark=1', f'/v1/file/{done["id"]}/anonymised?dwnload=PNG', f'/v1/file/{done["id"]}/binary-mask?save_mask=1',
                 f'/v1/file/{done["id"]}/instance-mask?%22%0d%0aX:%20y%c3%a4=1'):
        answer = server.get(path)
        assert answer.status == 200 and answer.headers['Warning'].startswith('299 - "unknown parameter ') and 'X' not in answer.headers, path
    for path in ('/v1/task/list?status=done', '/v1/status?watermark=1', f'/v1/file/{done["id"]}/anonymised?compress_level=3'):
        assert 'Warning' not in server.get(path).headers, path


def test_delete_all_files(filled):
    server, ids = filled
    assert server.delete('/v1/task/list?confirm=true&delete-scope=only-files').status == 200
    assert server.files() == [] and {r['status'] for r in server.tasks()} == {'deleted'} and len(server.tasks()) == len(ids)


def test_delete_all(filled):
    server, _ = filled
    assert server.delete('/v1/task/lists?confirm=True').json()['result'] == 'success'
    assert server.files() == [] and server.tasks() == []


def test_unknown_tasks(server):
    for unknown in (str(uuid.uuid4()), 'nonsense', 'A' * 300):
        assert server.get(f'/v1/task/{unknown}').status == 404
        assert server.delete(f'/v1/task/{unknown}').status == 404
    assert server.delete(f'/v1/task/{uuid.uuid4()}?delete-scope=some').status == 422
