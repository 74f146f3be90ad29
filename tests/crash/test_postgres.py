"""The task store over PostgreSQL: the unit tests of SQLite's once more, and the whole server."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

import crash
from program import PROGRAM, Server

BINARIES = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))


@pytest.fixture(scope='module')
def database():
    """The URL of a database of a server of its own, over a socket in a folder."""
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
        subprocess.run([*account, tools / 'pg_ctl', '-D', data, '-w', '-l', folder + '/log', '-o', options, 'start'], **run)
        yield f'postgresql:///postgres?host={folder}&user=obscura'
        subprocess.run([*account, tools / 'pg_ctl', '-D', data, '-m', 'immediate', 'stop'], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
        ids = [a.upload(data, face='true', headers=waiting).json()['id'] for _ in range(60)]
        assert all(b.wait(i)['status'] == 'done' for i in ids)
        assert all(server.log.read_text().count(' done') > 0 for server in (a, b)), 'both worked'
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


def test_the_server(database, tmp_path):
    with on(database, tmp_path / 'one') as s:
        key = {'Idempotency-Key': 'one', 'x-is-async': 'true'}
        answers = [s.upload(crash.make_picture(1), face='true', headers=key) for _ in range(2)]
        assert [a.status for a in answers] == [200, 200]
        ids = {a.json()['id'] for a in answers}
        assert len(ids) == 1
        record = s.wait(ids.pop())
        assert (record['status'], record['progress']) == ('done', 1)
