"""The listener itself: methods, malformed requests, early answers, clients that are slow, rude or gone."""
import json
import socket
import threading
import time

import pytest

import pictures
from program import multipart

OTHER_METHODS = [('/v1/file', 'POST'), ('/v1/status', 'GET, HEAD'), ('/v1/task/list', 'GET, HEAD, DELETE'), ('/docs', 'GET, HEAD')]


@pytest.mark.parametrize('path, allow', OTHER_METHODS)
def test_methods_that_a_resource_lacks(server, path, allow):
    for method in ('PUT', 'PATCH', 'OPTIONS', 'TRACE'):
        answer = server.request(method, path)
        assert answer.status == 405 and answer.headers['Allow'] == allow and allow in answer.detail


def test_unknown_resources(server):
    for path in ('/nothing', '/v1', '/v2/file', '/v1/file/x', '/v1/file/x/y/z', '/%00', '/v1/status/x', '/%', '/..'):
        assert server.get(path).status == 404


def test_trailing_slash_and_head(server):
    assert server.get('/v1/status/').status == 200
    assert server.head('/v1/status').status == 200
    assert server.head('/nothing').status == 404


def split(answer):
    head, _, body = answer.partition(b'\r\n\r\n')
    return int(head.split(b' ')[1]), head, body


MALFORMED = [
    (b'GET /v1/status\r\n\r\n', 400),
    (b'GET /v1/status HTTP/1.x\r\nHost: x\r\n\r\n', 400),
    (b'GET /v1/status HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', 400),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 400),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n', 400),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n', 413),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef', 400),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 400),
    (b'POST /v1/file HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n', 400),
    (b'GET /v1/status?' + b'a' * 70000 + b' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 414),
    (b'GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * 300000 + b'\r\n\r\n', 431),
    (b'DELETE /v1/task/list HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n', 413),
]


@pytest.mark.parametrize('target, status', [(b'http://x/v1/status', 200), (b'HTTPS://user@x:80/v1/task/list?limit=1', 200), (b'http://x', 200), (b'http://x/', 200), (b'http://x/nothing', 404)])
def test_absolute_targets(server, target, status):
    got, head, body = split(server.raw(b'GET ' + target + b' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    assert got == status, (head, body)


@pytest.mark.parametrize('request_bytes, status', MALFORMED)
def test_malformed_requests_are_answered_in_json(server, request_bytes, status):
    got, head, body = split(server.raw(request_bytes))
    assert got == status and b'application/json' in head
    assert json.loads(body)['detail']


def test_malformed_first_lines_one_after_another(server):
    """The thread of each is told although those before are still being closed."""
    kept = []
    for _ in range(5):
        s = socket.create_connection(('127.0.0.1', server.port), timeout=10)
        s.sendall(b'GET /v1/status\r\n\r\n')
        kept.append(s)
        assert b'application/json' in s.recv(65536)
    for s in kept:
        s.close()


def test_garbage_does_not_hurt(server):
    for data in (b'GARBAGE\r\n\r\n', b'\x16\x03\x01\x02\x00\x01\x00' * 30, b'\0' * 1000, b'GET / HTTP/9.9\r\n\r\n', b'\r\n\r\n\r\n', b'POST ' + b'/' * 400000):
        server.raw(data, seconds=2, shut=True)
    assert server.get('/v1/status').status == 200


def head_of(length, *extra):
    return (f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n' + ''.join(e + '\r\n' for e in extra) + '\r\n').encode()


def test_expect_continue(server, picture):
    body, content_type = multipart([('fileobject', 'a.png', picture)])
    head = (f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n').encode()
    with socket.create_connection(('127.0.0.1', server.port), timeout=30) as s:
        s.sendall(head)
        assert s.recv(1000).startswith(b'HTTP/1.1 100 ')
        s.sendall(body)
        answer = b''
        while piece := s.recv(65536):
            answer += piece
    assert split(answer)[0] == 200


def test_refused_before_the_body_is_sent(server):
    got, head, body = split(server.raw(head_of(1 << 40, 'Expect: 100-continue'), seconds=5))
    assert got == 413 and json.loads(body)['detail']


def test_refused_while_a_long_body_is_being_sent(server):
    """The answer reaches a client that sends on without looking."""
    junk = b'--b\r\nContent-Disposition: form-data; name="fileobject"\r\n\r\n' + b'x' * (4 << 20)
    got, head, body = split(server.raw(head_of(len(junk)) + junk))
    assert got == 422 and 'neither an image' in json.loads(body)['detail']


def test_chunked_upload(server, picture):
    body, content_type = multipart([('fileobject', 'a.png', picture)])
    chunks = b''.join(b'%x\r\n%s\r\n' % (len(body[i:i + 1000]), body[i:i + 1000]) for i in range(0, len(body), 1000)) + b'0\r\n\r\n'
    head = f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'.encode()
    assert split(server.raw(head + chunks, seconds=30))[0] == 200


def test_a_body_cut_short_leaves_nothing(empty, picture):
    server = empty
    body, content_type = multipart([('fileobject', 'a.png', picture)])
    head = f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n'.encode()
    for cut in (0, 50, 5000, len(body) - 1):
        server.raw(head + body[:cut], seconds=5, shut=True)
    until = time.monotonic() + 5
    while server.files() and time.monotonic() < until:
        time.sleep(0.05)
    assert server.files() == [] and server.tasks() == []


def test_body_one_byte_at_a_time(server):
    body, content_type = multipart([('fileobject', 'a.png', pictures.png(8, 8))])
    head = f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'.encode()
    with socket.create_connection(('127.0.0.1', server.port), timeout=30) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head + body:
            s.sendall(bytes([byte]))
        answer = b''
        while piece := s.recv(65536):
            answer += piece
    assert split(answer)[0] == 200


def hang_up(server, data, *headers):
    """Uploads and goes away once the task is there."""
    body, content_type = multipart([('fileobject', 'a.jpg', data)])
    head = f'POST /v1/file HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n' + ''.join(h + '\r\n' for h in headers) + '\r\n'
    before, until = len(server.tasks()), time.monotonic() + 10
    with socket.create_connection(('127.0.0.1', server.port)) as s:
        s.sendall(head.encode() + body)
        while len(server.tasks()) == before:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_client_with_an_idempotency_key_can_come_back(empty):
    server = empty
    big = pictures.jpeg(2400, 1800)
    for _ in range(3):
        server.upload(big, headers={'x-is-async': '1'})
    hang_up(server, pictures.jpeg(200, 100), 'Idempotency-Key: back')
    task = server.tasks()[0]['id']
    time.sleep(0.3)
    answer = server.upload(pictures.jpeg(200, 100), headers={'Idempotency-Key': 'back'})
    assert answer.status == 200 and answer.json()['id'] == task and answer.json()['status'] == 'done'


def test_a_client_that_goes_away_stops_the_work_on_its_task(empty):
    server = empty
    hang_up(server, pictures.jpeg(4800, 3600))
    until = time.monotonic() + 20
    while server.files() or server.tasks():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_synchronous_client_that_goes_away_cancels_its_task(empty):
    """The worker is busy with other pictures when the client hangs up: its own task must vanish, the others stay."""
    server = empty
    big = pictures.jpeg(2400, 1800)
    kept = [server.upload(big, headers={'x-is-async': '1'}).json()['id'] for _ in range(3)]
    hang_up(server, big)
    until = time.monotonic() + 10
    while len(server.tasks()) > 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert {r['id'] for r in server.tasks()} == set(kept)
    assert all(server.wait(k)['status'] == 'done' for k in kept)


def test_connections_of_one_client_are_bounded(start):
    server = start('--max-connections-per-client', '4')
    held = [socket.create_connection(('127.0.0.1', server.port), timeout=2) for _ in range(4)]
    for s in held:
        s.sendall(b'GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n')
        assert s.recv(100).startswith(b'HTTP/1.1 200')
    with socket.create_connection(('127.0.0.1', server.port), timeout=5) as extra:
        try:
            extra.sendall(b'GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n')
            assert extra.recv(100) == b''
        except ConnectionResetError:
            pass
    for s in held:
        s.close()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if server.request('GET', '/v1/status', fresh=True).status == 200:
                return
        except (ConnectionError, OSError):
            time.sleep(0.05)
    raise AssertionError('connections that were closed still count')


def test_two_requests_on_one_connection(server):
    twice = b'GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    answer = server.raw(twice)
    assert answer.count(b'HTTP/1.1 ') == 2 and b'200 OK' in answer and b'404 Not Found' in answer


def test_many_clients_that_send_nothing(server):
    idle = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(60)]
    assert server.request('GET', '/v1/status', fresh=True).status == 200
    for s in idle:
        s.close()


def test_log_holds_no_secrets(server, picture):
    server.done(picture, webhook='http://receiver.invalid:9/', webhook_auth_header_name='X-T', webhook_auth_header_value='s3cr3t-value')
    assert b's3cr3t-value' not in server.log.read_bytes()
    assert server.get('/no%0d%0aInjected:%20line').status == 404
    assert b'\nInjected' not in server.log.read_bytes()
