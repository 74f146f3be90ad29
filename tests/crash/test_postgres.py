"""The task store over PostgreSQL: the unit tests of SQLite's once more, and the whole server."""
import concurrent.futures
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

import contract
import crash
import processes
from program import PROGRAM, Server
from receiver import Receiver

BINARIES = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))


@pytest.fixture(scope='module')
def cluster():
    """(URL of a database of a server of its own, over a socket in a folder; a function that starts and stops it)."""
    if not BINARIES:
        pytest.skip('PostgreSQL is not installed')
    folder = tempfile.mkdtemp(prefix='obscura-postgres-')
    account = []
    if os.geteuid() == 0:    # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam('postgres')
        except KeyError:
            pytest.skip('no account for PostgreSQL')
        os.chown(folder, user.pw_uid, user.pw_gid)
        account = ['setpriv', f'--reuid={user.pw_uid}', f'--regid={user.pw_gid}', '--clear-groups']
    data, tools = folder + '/data', BINARIES[-1]
    run = dict(check=True, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        subprocess.run([*account, tools / 'initdb', '-D', data, '-A', 'trust', '-U', 'obscura', '-N'], **run)
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        control = lambda what: subprocess.run([*account, tools / 'pg_ctl', '-D', data, '-w', '-l', folder + '/log', '-o', options, '-m', 'immediate', what], **run)
        control('start')
        yield f'postgresql:///postgres?host={folder}&user=obscura', control
        control('stop')
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(cluster):
    return cluster[0]


def test_the_stores_unit_tests(database):
    program = PROGRAM.parent / 'tests' / 'unit' / 'test_task_store'
    if not program.exists():
        pytest.skip('the unit tests are not built')
    done = subprocess.run([program], env=dict(os.environ, OBSCURA_TEST_DATABASE=database), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def on(database, folder, files=None):
    """A server on that database; `files`: the server whose uploads and results it shares."""
    folder.mkdir(exist_ok=True)
    s = Server(folder, '--threads', '1', types=['-a', 'face'])
    s.command[s.command.index('--database') + 1] = database
    if files:
        s.input, s.output = files.input, files.output
        s.command[s.command.index('--input') + 1], s.command[s.command.index('--output') + 1] = str(s.input), str(s.output)
    return s


def test_two_servers_share_one_queue_and_one_outlives_the_other(database, tmp_path):
    waiting, data = {'x-is-async': 'true'}, crash.make_picture(1)
    with on(database, tmp_path / 'a') as a, on(database, tmp_path / 'b', files=a) as b:
        ids, until = [], time.monotonic() + 60
        while len(ids) < 60 or not all(' done' in server.log.read_text() for server in (a, b)):     # b looks every half second: the first sixty may be gone by then
            assert time.monotonic() < until, 'one of them never worked'
            ids.append(a.upload(data, face='true', headers=waiting).json()['id'])
        assert all(b.wait(i)['status'] == 'done' for i in ids)
        assert all(server.get(f'/v1/file/{i}/anonymised').status == 200 for i in ids for server in (a, b))
        assert b.done(data)['status'] == 'done'    # a client that waits, wherever its task is worked on
        ids = [s.upload(data, face='true', headers=waiting).json()['id'] for s in (a, b) for _ in range(40)]
        a.process.kill()
        a.process.wait()
        assert all(b.wait(i, seconds=90)['status'] == 'done' for i in ids), 'what the dead one held comes back with its lease'
        a.start()
        a.close()
        assert a.done(data)['status'] == 'done'
        assert not [n for n in b.files() if n.startswith('.')]


def test_a_database_that_goes_away_for_a_while(cluster, tmp_path):
    database, control = cluster
    receiver, data = Receiver(), crash.make_picture(1)
    s = on(database, tmp_path / 's')
    s.command += ['--webhook-allow-private']
    with s:
        ids = [s.upload(data, face='true', webhook=receiver.url + '/hook', headers={'x-is-async': 'true'}).json()['id'] for _ in range(30)]
        s.wait(ids[0], seconds=90)
        engine, = processes.find(s.process.pid, 'engine')
        os.kill(engine, signal.SIGSTOP)     # nothing ends before the outage
        answers, client = [], s.twin()
        waiting = threading.Thread(target=lambda: answers.append(client.upload(data, name='waited-for.jpg', face='true')))
        waiting.start()
        until = time.monotonic() + 60
        while not any(t['filename'] == 'waited-for.jpg' for t in s.tasks()):    # earlier tests have left theirs in this database
            assert time.monotonic() < until, 'its task was never queued'
            time.sleep(0.01)
        control('stop')
        try:
            os.kill(engine, signal.SIGCONT)
            assert not answers, 'it was answered before the database went away'
            refused = s.upload(data)
            assert refused.status == 503 and refused.headers['Retry-After'] and 'task store' in refused.json()['detail']
            for method, template in [(method, path) for path, item in contract.DOCUMENT['paths'].items() for method, operation in item.items()
                                     if '503' in operation['responses'] and method != 'post']:
                path = template.replace('{id}', ids[0]) + ('?confirm=true' if (method, template) == ('delete', '/v1/task/list') else '')
                assert s.request(method.upper(), path).status == 503, (method, path)
            assert s.get('/health/live').status == 200
            os.kill(processes.find(s.process.pid, 'webhooks')[0], signal.SIGKILL)    # its successor finds no database
            time.sleep(2)
        finally:
            control('start')
        waiting.join(90)
        client.close()
        assert [a.status for a in answers] == [200], 'a client that waits is answered when the database is back'
        assert {s.wait(i, seconds=90)['status'] for i in ids} == {'done'}
        until = time.monotonic() + 90
        while set(receiver.events()) < set(ids):
            assert time.monotonic() < until, 'webhooks were lost'
            time.sleep(0.1)
        assert s.log.read_text().count('webhooks: ') <= 3, 'a store that stays away is complained of once'
    receiver.close()


def test_a_database_that_falls_silent(cluster, tmp_path):
    """Its connections stand, and nothing comes: requests end, the server stops, and goes on with it when it is back."""
    database, control = cluster
    folder = pathlib.Path(database.split('host=')[1].split('&')[0])
    postmaster = int((folder / 'data' / 'postmaster.pid').read_text().split()[0])

    def everything(number):
        for p in [postmaster, *processes.below(postmaster)]:
            with contextlib.suppress(ProcessLookupError):       # some come and go
                os.kill(p, number)

    with on(database, tmp_path / 's') as s:
        assert s.done(crash.make_picture(1), face='true')['status'] == 'done'
        try:
            everything(signal.SIGSTOP)
            began = time.monotonic()
            assert s.get('/v1/task/list').status == 503
            assert s.get('/health/ready').status == 503
            assert time.monotonic() - began < 60
        finally:
            everything(signal.SIGCONT)
        assert s.done(crash.make_picture(1), face='true')['status'] == 'done'


def test_a_restart_of_the_database_costs_no_request(cluster, tmp_path):
    database, control = cluster
    with on(database, tmp_path / 's') as s:
        clients = [s.twin() for _ in range(4)]
        upload = lambda c: c.upload(crash.make_picture(1), face='true').status
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert set(pool.map(upload, clients)) == {200}      # so that several connections are kept
            control('stop')
            control('start')
            assert set(pool.map(upload, clients)) == {200}
        for c in clients:
            c.close()


class CutAtCommit:
    """Between a server and its database: ends the connection that commits `what` before the database has answered."""

    def __init__(self, folder, behind, what):
        self.behind, self.what, self.cut = str(behind), what, threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / '.s.PGSQL.5432'))
        self.listener.listen(200)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            database = socket.socket(socket.AF_UNIX)
            database.connect(self.behind)
            threading.Thread(target=self.forward, args=(client, database), daemon=True).start()
            threading.Thread(target=self.answer, args=(database, client), daemon=True).start()

    def forward(self, client, database):
        seen = b''
        while data := client.recv(65536):
            seen = data if b'BEGIN' in data else seen + data
            if b'COMMIT' in data and self.what in seen and not self.cut.is_set():
                self.cut.set()
                client.shutdown(socket.SHUT_RDWR)
                database.sendall(data)
                time.sleep(0.3)
                break
            database.sendall(data)
        database.close()

    @staticmethod
    def answer(database, client):
        try:
            while data := database.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def test_a_connection_lost_at_an_uploads_commit(database, tmp_path):
    """Nobody knows whether the task is queued: then its file may not go while the task stays."""
    behind = pathlib.Path(database.split('host=')[1].split('&')[0]) / '.s.PGSQL.5432'
    proxy = CutAtCommit(tmp_path, behind, b'cut-me.jpg')
    headers = {'Idempotency-Key': 'cut', 'x-is-async': 'true'}
    with on(f'postgresql:///postgres?host={tmp_path}&user=obscura', tmp_path / 's') as s:
        first = s.upload(crash.make_picture(1), name='cut-me.jpg', face='true', headers=headers)
        assert proxy.cut.is_set() and first.status == 503
        again = s.upload(crash.make_picture(1), name='cut-me.jpg', face='true', headers=headers)
        assert again.status == 200
        record = s.wait(again.json()['id'])
        assert record['status'] == 'done', record
        mine = [t for t in s.tasks() if t['filename'] == 'cut-me.jpg']
        assert [t['status'] for t in mine] == ['done'], 'none of them has lost its file'


def test_the_server(database, tmp_path):
    with on(database, tmp_path / 'one') as s:
        key = {'Idempotency-Key': 'one', 'x-is-async': 'true'}
        answers = [s.upload(crash.make_picture(1), face='true', headers=key) for _ in range(2)]
        assert [a.status for a in answers] == [200, 200]
        ids = {a.json()['id'] for a in answers}
        assert len(ids) == 1
        record = s.wait(ids.pop())
        assert (record['status'], record['progress']) == ('done', 1)
