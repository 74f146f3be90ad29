"""A disk that fills up: clean errors, nothing half-written, and all is well again once there is room."""
import os
import subprocess
import time

import pytest

import crash
from program import Server


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / 'disk'
    folder.mkdir()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f'no tmpfs can be mounted here: {mounted.stderr.decode().strip()}')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


def fill(path, leave):
    """Takes what is free but for `leave` bytes."""
    room = os.statvfs(path.parent)
    path.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - leave)))


@pytest.mark.parametrize('leave', [0, 8192, 40960, 65536, 131072])
def test_a_full_disk(disk, leave):
    picture = crash.make_picture(1)    # about 60 KB
    with Server(disk, '--threads', '1', '--disk-reserve', '0', types=['-a', 'face']) as s:
        assert s.upload(picture, face='true').status == 200
        fill(disk / 'ballast', leave)
        waiting = {'x-is-async': 'true'}    # what was queued with the last bytes is worked on once there is room
        full = [s.upload(picture, face='true', headers=waiting) for _ in range(4)]
        assert {r.status for r in full} <= {200, 507}
        assert full[-1].status == 507 and 'detail' in full[-1].json()
        assert s.get('/v1/task/list').status == 200
        (disk / 'ballast').unlink()
        records = [s.wait(r.json()['id']) for r in full if r.status == 200]
        assert all(r['status'] == 'done' or r['error'] for r in records)
        until = time.monotonic() + 30
        while (response := s.upload(picture, face='true')).status != 200:
            assert time.monotonic() < until, response
            time.sleep(0.2)
        assert not [n for n in s.files() if n.startswith('.')]
        whole = {record['id']: record['status'] for record in s.tasks()}
        for name in s.files():
            task, kind = name.split('.')
            assert whole.get(task) == 'done' or kind == 'original', (name, whole.get(task))


def test_deleting_makes_room(disk):
    """The record of a deletion needs room itself, which the files have."""
    picture = crash.make_picture(1)
    with Server(disk, '--threads', '1', '--disk-reserve', '0', types=['-a', 'face']) as s:
        ids = [s.upload(picture, face='true').json()['id'] for _ in range(3)]
        fill(disk / 'ballast', 0)
        assert s.delete(f'/v1/task/{ids[0]}?delete-scope=only-files').status == 200
        assert s.get(f'/v1/file/{ids[0]}/anonymised').status == 410
        fill(disk / 'more', 0)
        assert s.delete(f'/v1/task/{ids[1]}').status == 200
        fill(disk / 'still more', 0)
        assert s.delete('/v1/task/list?confirm=true').status == 200
        assert s.tasks() == [] and s.files() == []
