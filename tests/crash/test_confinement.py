"""Another account, and kernels that lack what the sandbox is made of."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

import crash
import processes
from program import Server

LACKING = [sys.executable, str(pathlib.Path(__file__).with_name('lacking.py'))]


def status_of(pid):
    lines = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
    return dict(line.split(':\t', 1) for line in lines if ':\t' in line)


def until_log(server, text, count):
    until = time.monotonic() + 120
    while server.log.read_text().count(text) < count:
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.05)


@pytest.fixture
def others_folder():
    """A folder that belongs to the account nobody."""
    if os.geteuid() != 0:
        pytest.skip('only root can become someone else')
    account = pwd.getpwnam('nobody')
    folder = tempfile.mkdtemp(prefix='obscura-user-')
    os.chown(folder, account.pw_uid, account.pw_gid)
    yield folder, account
    shutil.rmtree(folder)


def test_all_processes_become_the_user(others_folder):
    folder, account = others_folder
    s = Server(folder, '--user', 'nobody', '--workers', '2', '--threads', '1', types=['-a', 'face'])
    s.command = [shutil.which('setpriv'), '--groups', '4,27', *s.command]    # supplementary groups that must not stay
    with s:
        until_log(s, 'ready (1 threads)', 2)
        assert s.upload(crash.make_picture(1), face='true').status == 200
        s.process.send_signal(signal.SIGHUP)    # what is started anew is the user's too
        until_log(s, 'ready (1 threads)', 4)
        everybody = {s.process.pid: 'obscura', **processes.below(s.process.pid)}
        assert {name.rstrip(' 01') for name in everybody.values()} >= {'obscura', 'front', 'webhooks', 'keeper', 'worker', 'engine'}
        for pid, name in everybody.items():
            try:
                status = status_of(pid)
            except OSError:     # what was before the reload ends
                continue
            assert set(status['Uid'].split()) == {str(account.pw_uid)}, name
            assert set(status['Gid'].split()) == {str(account.pw_gid)}, name
            assert set(status['Groups'].split()) <= {str(account.pw_gid)}, name
            assert int(status['CapPrm'], 16) == int(status['CapEff'], 16) == 0, name
        for path in pathlib.Path(folder).rglob('*'):
            if path.name != 'log':
                assert path.stat().st_uid == account.pw_uid, path
                assert path.stat().st_mode & 0o077 == 0, path


def test_an_unknown_user_is_said(tmp_path):
    if os.geteuid() != 0:
        pytest.skip('only root can become someone else')
    command = Server(tmp_path, '--user', 'no-such-account').command
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'no account no-such-account' in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('feature, name', [('landlock', 'Landlock'), ('seccomp', 'seccomp')])
def test_a_kernel_that_lacks_a_feature(tmp_path, feature, name):
    s = Server(tmp_path, '--workers', '2', '--threads', '1', types=['-a', 'face'])
    s.command = [*LACKING, feature, *s.command]
    with s:
        until_log(s, 'ready (1 threads)', 2)
        assert s.upload(crash.make_picture(1), face='true').status == 200
        os.kill(processes.find(s.process.pid, 'engine 0')[0], signal.SIGKILL)
        os.kill(processes.find(s.process.pid, 'worker 1')[0], signal.SIGKILL)
        until_log(s, 'ready (1 threads)', 4)
        assert s.upload(crash.make_picture(1), face='true').status == 200
    assert s.log.read_text().count(f'sandbox without: {name}') == 1


@pytest.mark.parametrize('feature, name', [('landlock', 'Landlock'), ('seccomp', 'seccomp')])
def test_where_the_sandbox_is_required_nothing_starts_without(tmp_path, feature, name):
    s = Server(tmp_path, '--sandbox', 'required', types=['-a', 'face'])
    done = subprocess.run([*LACKING, feature, *s.command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f'the sandbox is required, but this system lacks: {name}' in done.stderr


def test_where_the_sandbox_is_required_and_there_it_works(tmp_path):
    with Server(tmp_path, '--sandbox', 'required', types=['-a', 'face']) as s:
        assert s.upload(crash.make_picture(1), face='true').status == 200
        assert 'sandbox without' not in s.log.read_text()


def holds(pid, what):
    """How often the bytes stand in a process's memory."""
    count = 0
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
        for line in pathlib.Path(f'/proc/{pid}/maps').read_text().splitlines():
            span, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split('-'))
            try:
                memory.seek(begin)
                count += memory.read(end - begin).count(what) if 'r' in rights else 0
            except (OSError, OverflowError):
                pass    # such as the kernel's own pages
    return count


def test_engines_hold_no_passwords(tmp_path):
    """A decoder in a stranger's hands could write them into what he downloads."""
    if os.geteuid() != 0:
        pytest.skip('only root can read the memory of an engine')
    (tmp_path / 'conf').write_text('webhook-secret = first-AAAAsesame\n')
    s = Server(tmp_path, '--config', str(tmp_path / 'conf'), '--webhook-secret', 'third-AAAAsesame', '--threads', '1', types=['-a', 'face'])
    s.command = ['env', 'OBSCURA_WEBHOOK_SECRET=second-AAAAsesame', *s.command]
    with s:
        until_log(s, 'ready (1 threads)', 1)
        assert s.upload(crash.make_picture(1), face='true').status == 200
        assert holds(processes.find(s.process.pid, 'webhooks')[0], b'AAAAsesame') > 0
        assert holds(processes.find(s.process.pid, 'engine')[0], b'AAAAsesame') == 0
        s.process.send_signal(signal.SIGHUP)
        until_log(s, 'ready (1 threads)', 2)
        assert holds(processes.find(s.process.pid, 'engine')[0], b'AAAAsesame') == 0
