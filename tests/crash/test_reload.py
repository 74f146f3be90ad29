"""SIGHUP: what can be reloaded is, and nobody's request is lost over it."""
import http.client
import os
import signal
import threading
import time

import pytest

import pictures
import processes
from program import Server, multipart


@pytest.fixture
def server(tmp_path):
    (tmp_path / 'conf').write_text('max-upload = 64M\n')
    with Server(tmp_path, '--config', str(tmp_path / 'conf'), '--threads', '1', types=['-a', 'face']) as s:
        yield s


def reload(server, text):
    (server.folder / 'conf').write_text(text)
    before = server.log.read_text()
    server.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + 120
    while not any(word in server.log.read_text()[len(before):] for word in ('listening on', 'not reloaded')):
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.02)
    server.close()    # the kept connection may be the old front's


def test_a_reloaded_limit_counts(server):
    picture = pictures.jpeg(200, 100)
    assert server.upload(picture).status == 200
    reload(server, 'max-upload = 1024\n')
    assert server.upload(picture).status == 413
    reload(server, 'max-upload = 64M\n')
    assert server.upload(picture).status == 200


def test_requests_under_way_are_answered_by_the_front_that_has_them(server):
    big, answers = pictures.jpeg(2400, 1800), []

    def upload():
        client = Server(server.folder)
        client.port = server.port
        answers.append(client.upload(big))
        client.close()

    threads = [threading.Thread(target=upload) for _ in range(3)]
    for t in threads:
        t.start()
    until = time.monotonic() + 120
    while len(server.tasks()) < 3:
        assert time.monotonic() < until
    front, = processes.find(server.process.pid, 'front')
    reload(server, 'max-upload = 65M\n')
    for t in threads:
        t.join()
    assert [a.status for a in answers] == [200, 200, 200]
    while front in processes.find(server.process.pid, 'front'):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(processes.find(server.process.pid, 'front')) == 1
    assert server.get('/v1/status').status == 200


def test_two_reloads_and_the_end_meanwhile(server):
    """An older front that still waits is told to stop: its client is told to come again, and nothing hangs."""
    big, answers = pictures.jpeg(2400, 1800), []
    for _ in range(3):
        server.upload(big, headers={'x-is-async': '1'})

    def upload():
        body, kind = multipart([('fileobject', 'a.jpg', big)])
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=120)     # Server would try again
        connection.request('POST', '/v1/file', body=body, headers={'Content-Type': kind})
        answers.append(connection.getresponse().status)
        connection.close()

    thread = threading.Thread(target=upload)
    thread.start()
    until = time.monotonic() + 120
    while len(server.tasks()) < 4:
        assert time.monotonic() < until
    reload(server, 'max-upload = 65M\n')
    reload(server, 'max-upload = 66M\n')
    thread.join()
    assert answers in ([200], [503])
    server.stop()
    assert server.process.returncode == 0


def test_many_reloads_in_a_row(server):
    """Whoever is told to end may have ended already."""
    for i in range(20):
        reload(server, f'max-upload = {64 + i}M\n')
    assert server.upload(pictures.jpeg(200, 100)).status == 200


@pytest.mark.parametrize('text', ['max-upload = lots\n', 'webhook-secret = whsec_$$\n', 'no-such-option = 1\n'])
def test_a_wrong_configuration_changes_nothing(server, text):
    assert server.upload(pictures.jpeg(200, 100)).status == 200     # the workers have their names by now
    workers = processes.find(server.process.pid, 'worker')
    reload(server, text)
    assert f'not reloaded: ' in server.log.read_text()
    assert text.split()[0] in server.log.read_text()
    assert server.upload(pictures.jpeg(200, 100)).status == 200
    assert processes.find(server.process.pid, 'worker') == workers


def test_workers_that_cannot_start_again_take_nothing_down(server):
    task = server.done(pictures.jpeg(200, 100))['id']
    reload(server, 'max-upload = 64M\nmodels = /nowhere\n')
    waiting = server.upload(pictures.jpeg(200, 100), headers={'x-is-async': '1'}).json()['id']
    until = time.monotonic() + 120
    while server.log.read_text().count('cannot work') < 2:
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.05)
    assert server.get(f'/v1/file/{task}/anonymised').status == 200
    reload(server, 'max-upload = 64M\n')
    assert server.wait(waiting)['status'] == 'done'


def test_a_task_whose_type_is_gone_fails(tmp_path):
    """Rather than come out as it went in."""
    big = pictures.jpeg(2400, 1800)     # drawn before: the queue is to be longer than the uploads take
    with Server(tmp_path, '--threads', '1') as s:
        for _ in range(3):
            s.upload(big, headers={'x-is-async': '1'})
        waiting = s.upload(pictures.jpeg(200, 100), person='true', headers={'x-is-async': '1'}).json()['id']
        s.process.kill()
        s.process.wait()
    with Server(tmp_path, '--threads', '1', types=['-a', 'face']) as s:
        record = s.wait(waiting)
        assert record['status'] == 'failed' and 'start it with -a person' in record['error'], record
        assert s.done(pictures.jpeg(200, 100), face='true')['status'] == 'done'


@pytest.mark.parametrize('database', ['other.db', '', 'postgressql://db.example/obscura'])
def test_another_database_takes_no_files_away(tmp_path, database):
    s = Server(tmp_path, '--threads', '1', types=['-a', 'face'])
    with s:
        task = s.done(pictures.jpeg(200, 100))['id']
    files = s.files()
    other = Server(tmp_path, '--threads', '1', types=['-a', 'face'])
    other.command[other.command.index('--database') + 1] = database
    with pytest.raises(AssertionError, match='database'):
        other.start()
    assert files and s.files() == files
    with s:
        assert s.get(f'/v1/file/{task}/anonymised').status == 200


def test_ends_of_children_are_seen_whatever_was_inherited(tmp_path):
    s = Server(tmp_path, '--threads', '1', types=['-a', 'face'])
    s.command = ['sh', '-c', 'trap "" CHLD; exec "$@"', 'sh', *s.command]
    with s:
        assert s.done(pictures.jpeg(200, 100))['status'] == 'done'     # the worker has its name by now
        worker, = processes.find(s.process.pid, 'worker')
        os.kill(worker, signal.SIGKILL)
        assert s.done(pictures.jpeg(200, 100))['status'] == 'done'
        assert processes.find(s.process.pid, 'worker') != [worker]
