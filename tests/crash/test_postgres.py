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


def test_the_server(database, tmp_path):
    s = Server(tmp_path, '--threads', '1', types=['-a', 'face'])
    s.command[s.command.index('--database') + 1] = database
    with s:
        key = {'Idempotency-Key': 'one', 'x-is-async': 'true'}
        answers = [s.upload(crash.make_picture(1), face='true', headers=key) for _ in range(2)]
        assert [a.status for a in answers] == [200, 200]
        ids = {a.json()['id'] for a in answers}
        assert len(ids) == 1
        record = s.wait(ids.pop())
        assert (record['status'], record['progress']) == ('done', 1)
