"""A decoder that crashes, hangs or eats memory costs one task, with the right reason, while others go on and the server answers."""
import pathlib
import threading
import time

import pytest

import crash
import processes
from program import PROGRAM, Server

FAULTY = PROGRAM.parent / 'tests' / 'crash' / 'obscura-faulty'


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    if not FAULTY.exists():
        pytest.skip(f'{FAULTY} is not built')
    s = Server(tmp_path_factory.mktemp('faulty'), '--workers', '2', '--threads', '1', '--task-time', '1', '--task-stall', '3', '--task-memory', '3G', types=['-a', 'face'])
    s.command[0] = str(FAULTY)
    with s:
        yield s


def queue(server, fault=''):
    data = crash.make_picture(1) + (b'FAULT:' + fault.encode() if fault else b'')
    response = server.upload(data, face='true', headers={'x-is-async': 'true'})
    assert response.status == 200, response
    return response.json()['id']


@pytest.mark.parametrize('fault, attempts, reason', [
    ('crash', 3, 'the engine crashed: SIGSEGV'),
    ('exit', 3, 'the engine ended with status 7'),
    ('spin', 1, 'over the limit of 1 s of processor time (task-time)'),
    ('hang', 3, 'the engine made no progress for 3 s (task-stall)'),
    ('memory', 1, 'out of memory'),
    ('probe', 1, 'probe: open 0 socket 0 ptrace 0 fork 0 root 0'),
])
def test_one_task_fails_with_the_reason_and_others_go_on(server, fault, attempts, reason):
    before = queue(server)
    bad = queue(server, fault)
    after = [queue(server) for _ in range(3)]
    answers = []
    ended = threading.Event()

    def ask():
        client = server.twin()
        while True:
            answers.append(client.get('/v1/task/list').status)
            if ended.wait(0.1):
                break
        client.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        record = server.wait(bad)
        others = [server.wait(task) for task in [before, *after]]
    finally:
        ended.set()
        asking.join()
    assert (record['status'], record['error']) == ('failed', reason)
    assert server.log.read_text().count(f'{bad} attempt') == attempts - 1
    assert [o['status'] for o in others] == ['done'] * 4
    assert answers and set(answers) == {200}
    assert not [n for n in server.files() if n.startswith(bad) and not n.endswith('.original')]


def test_an_engine_is_confined(server):
    """What the kernel says about a running engine."""
    queue(server)
    until = time.monotonic() + 60
    sealed = lambda pid: 'Seccomp:\t2' in pathlib.Path(f'/proc/{pid}/status').read_text()      # once it has loaded
    while not (engines := [p for p in processes.find(server.process.pid, 'engine') if sealed(p)]):
        assert time.monotonic() < until, 'no engine is ever confined'
        time.sleep(0.1)
    for thread in pathlib.Path(f'/proc/{engines[0]}/task').iterdir():
        status = dict(line.split(':\t', 1) for line in (thread / 'status').read_text().splitlines() if ':\t' in line)
        assert status['Seccomp'].strip() == '2'
        assert status['NoNewPrivs'].strip() == '1'
        assert status['Uid'].split()[1] != '0'


def test_a_disk_slower_than_a_lease_costs_no_attempt(tmp_path):
    if not FAULTY.exists():
        pytest.skip(f'{FAULTY} is not built')
    s = Server(tmp_path, '--threads', '1', types=['-a', 'face'])
    s.command = ['env', 'OBSCURA_TEST_SYNC_S=20', str(FAULTY), *s.command[1:]]      # for each of two files; a lease is 30 s
    with s:
        task = queue(s)
        record = s.wait(task, seconds=120)
        assert record['status'] == 'done', record
        assert 'stopped answering' not in s.log.read_text()
