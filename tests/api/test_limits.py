"""Full queues, full disks, large files, stopping, and a store that does not answer."""
import signal
import socket
import threading
import time

import PIL.Image

import contract
import pictures
from program import Server, multipart


def test_upload_limit(start):
    server = start('--max-upload', '10K')
    assert server.done(pictures.jpeg(60, 40))['status'] == 'done'
    before = server.files()
    for size in (10 * 1024 + 1, 100_000, 3_000_000):
        answer = server.upload(b'\xff\xd8\xff\xe0' + bytes(size - 4))
        assert answer.status == 413 and answer.detail
    assert server.files() == before and len(server.tasks()) == 1


def test_queue_limit(start):
    server = start('--max-queue', '1')
    big = pictures.jpeg(2400, 1800)
    answers = [server.upload(big, headers={'x-is-async': '1'}) for _ in range(6)]
    refused = [a for a in answers if a.status == 503]
    assert refused and answers[0].status == 200
    assert all(int(a.headers['Retry-After']) > 0 and 'queue' in a.detail for a in refused)
    accepted = [a.json()['id'] for a in answers if a.status == 200]
    for task in accepted:
        assert server.wait(task)['status'] == 'done'
    assert server.upload(big, headers={'x-is-async': '1'}).status == 200


def test_disk_reserve(start, picture):
    server = start('--disk-reserve', '900T')
    answer = server.upload(picture)
    assert answer.status == 507 and 'disk' in answer.detail
    assert server.files() == [] and server.tasks() == []


def test_not_finished_yet(empty):
    server = empty
    big = pictures.jpeg(2400, 1800)
    tasks = [server.upload(big, headers={'x-is-async': '1'}).json()['id'] for _ in range(4)]
    for resource in ('anonymised', 'binary-mask', 'instance-mask', 'metadata'):
        answer = server.get(f'/v1/file/{tasks[-1]}/{resource}')
        assert answer.status == 409 and ('queued' in answer.detail or 'processing' in answer.detail)
    assert server.delete('/v1/task/list?confirm=true').status == 200
    until = time.monotonic() + 20
    while server.files() and time.monotonic() < until:
        time.sleep(0.05)
    assert server.files() == [] and server.tasks() == []
    assert server.done(pictures.png(40, 30))['status'] == 'done'


def test_deleting_the_task_of_a_waiting_client(empty):
    server = empty
    big = pictures.jpeg(2400, 1800)
    for _ in range(3):
        server.upload(big, headers={'x-is-async': '1'})
    answers = []

    def wait():
        client = type(server)(server.folder)
        client.port = server.port
        answers.append(client.upload(big))
        client.close()

    thread = threading.Thread(target=wait)
    thread.start()
    until = time.monotonic() + 10
    while len(server.tasks()) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    newest = server.tasks()[0]
    assert newest['asynchronous'] is False
    server.delete(f'/v1/task/{newest["id"]}')
    thread.join()
    assert answers[0].status == 410 and 'deleted' in answers[0].detail


def test_more_connections_than_the_usual_limit_of_open_files(tmp_path):
    server = Server(tmp_path, '--max-connections-per-client', '0')
    server.command = ['sh', '-c', 'ulimit -Sn 128; exec "$@"', 'sh', *server.command]
    with server:
        clients = [server.twin() for _ in range(300)]
        assert {c.get('/health/live').status for c in clients} == {200}
        assert {c.get('/health/live').status for c in clients} == {200}, 'all of them are kept'
        for c in clients:
            c.close()


def test_draining(start):
    """SIGTERM: not ready, no uploads, and what runs is finished or goes back to the queue."""
    server = start('--drain-timeout', '20')
    big = pictures.jpeg(2400, 1800)
    for _ in range(2):
        server.upload(big, headers={'x-is-async': '1'})
    until = time.monotonic() + 60
    while not any(t['status'] == 'processing' for t in server.tasks()):     # an engine that still loads has nothing to finish
        assert time.monotonic() < until
        time.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    seen = set()
    until = time.monotonic() + 10
    while time.monotonic() < until and server.process.poll() is None and not {'ready', 'upload'} <= seen:
        try:
            if server.get('/health/ready').status == 503:
                seen.add('ready')
                refused = server.upload(pictures.png(8, 8))
                assert refused.status == 503 and 'stopping' in refused.detail and refused.headers['Retry-After']
                seen.add('upload')
        except OSError:
            break
    assert seen == {'ready', 'upload'}
    assert server.process.wait(30) == 0


def test_an_answer_under_way_is_sent_to_its_end(start):
    """The server is told to stop while a client takes a large file slowly."""
    server = start()
    noise = PIL.Image.effect_noise((2400, 1800), 200).convert('RGB')      # nothing to compress: more than sockets hold
    task = server.upload(pictures.encode(noise)).json()['id']
    path = f'/v1/file/{task}/anonymized'
    with socket.create_connection(('127.0.0.1', server.port)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        s.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode())
        got = s.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        while part := s.recv(65536):
            got += part
    head, _, body = got.partition(b'\r\n\r\n')
    length = next(int(line.split(b':')[1]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length'))
    assert length > 4000000 and len(body) == length
    assert server.process.wait(30) == 0


def test_a_store_that_does_not_answer(start, picture):
    """Every resource says 500, and says it in JSON."""
    server = start()
    task = server.done(picture)['id']
    for suffix, byte in (('', b'x'), ('-wal', b'\0'), ('-shm', b'\0')):    # in place: the shared memory is mapped
        file = server.database.with_name(server.database.name + suffix)
        with open(file, 'r+b') as f:
            f.write(byte * file.stat().st_size)
    for template, item in contract.DOCUMENT['paths'].items():
        for method, operation in item.items():
            if '500' not in operation['responses']:
                continue
            path = template.replace('{id}', task) + ('?confirm=true' if operation['operationId'] == 'deleteTasks' else '')
            body, content_type = multipart([('fileobject', 'a.png', picture)])
            answer = server.request(method.upper(), path, body if method == 'post' else None, {'Content-Type': content_type} if method == 'post' else {})
            assert answer.status == 500, (method, path, answer)
            assert answer.detail
    assert server.get('/health/live').status == 200
    assert server.get('/health/ready').status == 503
