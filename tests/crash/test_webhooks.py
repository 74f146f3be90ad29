"""Webhooks against receivers on loopback that misbehave in every way."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

import crash
from program import Server
from receiver import Receiver

SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'


def answer(path, count):
    if path.startswith('/never'):
        time.sleep(60)
    if path.startswith('/slow'):
        time.sleep(25)
    if path.startswith('/flaky') and count < 2:
        return 500, {}
    if path.startswith('/redirect'):
        return 307, {'Location': '/target'}
    if path.startswith('/elsewhere'):
        return 307, {'Location': elsewhere}
    if path.startswith('/loop'):
        return 302, {'Location': '/loop'}
    if path.startswith('/file'):
        return 302, {'Location': 'file:///etc/passwd'}
    if path.startswith('/gone'):
        return 410, {}
    return 204, {}


elsewhere = ''


@pytest.fixture(scope='module')
def receiver():
    r = Receiver(answer)
    yield r
    r.close()


@pytest.fixture(scope='module')
def slow():
    r = Receiver(answer)
    yield r
    r.close()


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp('hooks'), '--threads', '1', '--webhook-allow-private', '--webhook-secret', f'{SECRET} the-old-one', types=['-a', 'face']) as s:
        yield s


def queue(server, url, data=None, **parameters):
    response = server.upload(data or crash.make_picture(1), face='true', webhook=url, headers={'x-is-async': 'true'}, **parameters)
    assert response.status == 200, response
    return response.json()['id']


def settled(server, task, wanted, seconds=30):
    until = time.monotonic() + seconds
    while True:
        record = server.get(f'/v1/task/{task}').json()
        if record['webhook_status'] == wanted:
            return record
        assert time.monotonic() < until, record
        time.sleep(0.05)


@pytest.fixture(scope='module')
def never(server, receiver):
    """The task of a receiver that does not answer; asked for at once, looked at last."""
    return queue(server, receiver.url + '/never')


def test_a_receiver_that_does_not_answer_begins(never):
    assert never


def test_the_references_body_with_header_and_signature(server, receiver):
    task = queue(server, receiver.url + '/plain', webhook_auth_header_name='X-Token', webhook_auth_header_value='secret 1')
    (_, headers, body, _), = receiver.wait('/plain')
    record = settled(server, task, 'sent')
    content = json.loads(body)
    assert list(content) == ['ts', 'type', 'event']
    assert content['type'] == 'notification.processing.status.changed'
    assert content['event'] == {'id': task, 'status': 'done'}
    assert content['ts'] == record['finished_at']
    assert headers['X-Token'] == 'secret 1'
    assert headers['Content-Type'] == 'application/json'
    signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + body
    keys = base64.b64decode(SECRET[6:]), b'the-old-one'
    assert headers['webhook-signature'].split(' ') == ['v1,' + base64.b64encode(hmac.new(k, signed, hashlib.sha256).digest()).decode() for k in keys]
    assert [d['delivered'] for d in record['webhook_deliveries']] == [True]


def test_the_references_other_spelling(server, receiver):
    queue(server, receiver.url + '/spelling', web_auth_header_name='Authorization', web_auth_header_value='Bearer x')
    (_, headers, _, _), = receiver.wait('/spelling')
    assert headers['Authorization'] == 'Bearer x'


def test_failures_are_told_too(server, receiver):
    damaged = crash.make_picture(2)[:300]
    task = queue(server, receiver.url + '/failed', damaged)
    (_, _, body, _), = receiver.wait('/failed')
    assert json.loads(body)['event'] == {'id': task, 'status': 'failed'}


def test_it_is_tried_again_with_growing_pauses(server, receiver):
    task = queue(server, receiver.url + '/flaky')
    requests = receiver.wait('/flaky', 3)
    record = settled(server, task, 'sent')
    assert [d['answer'] for d in record['webhook_deliveries']] == ['500', '500', '204']
    times = [r[3] for r in requests]
    assert times[2] - times[1] > times[1] - times[0] > 1
    assert len({r[1]['webhook-id'] for r in requests}) == 1


def test_a_slow_receiver_does_not_hold_up_others(server, receiver, slow):
    for _ in range(12):         # more than there are threads that deliver
        queue(server, slow.url + '/slow')
    queue(server, receiver.url + '/quick')
    receiver.wait('/quick', seconds=20)
    assert 0 < len(slow.of('/slow')) < 8     # those have threads of their own, not all of them


def test_redirects_are_followed_within_the_host_with_the_secret(server, receiver):
    task = queue(server, receiver.url + '/redirect', webhook_auth_header_name='X-Token', webhook_auth_header_value='t')
    (_, headers, body, _), = receiver.wait('/target')
    assert headers['X-Token'] == 't' and json.loads(body)['event']['id'] == task
    settled(server, task, 'sent')


def test_secrets_do_not_follow_to_another_host(server, receiver):
    global elsewhere
    other = Receiver()
    elsewhere = other.url + '/other'
    queue(server, receiver.url + '/elsewhere', webhook_auth_header_name='X-Token', webhook_auth_header_value='t')
    (_, headers, _, _), = other.wait('/other')
    assert 'X-Token' not in headers and 'webhook-signature' not in headers
    other.close()


def test_endless_redirects_end(server, receiver):
    task = queue(server, receiver.url + '/loop')
    receiver.wait('/loop', 4)
    until = time.monotonic() + 30
    while not (record := server.get(f'/v1/task/{task}').json())['webhook_deliveries']:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert record['webhook_deliveries'][0]['answer'] == 'more than 3 redirects'
    assert record['webhook_status'] == 'set'


def test_only_http_and_gone_is_gone(server, receiver):
    task = queue(server, receiver.url + '/gone')
    assert settled(server, task, 'failed')['webhook_deliveries'][0]['answer'] == '410'
    task = queue(server, receiver.url + '/file')
    assert settled(server, task, 'failed')


def test_private_addresses_are_refused(tmp_path, receiver):
    with Server(tmp_path, '--threads', '1', types=['-a', 'face']) as s:
        for host in ('127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:127.0.0.1]', '2130706433'):
            port = receiver.server.server_port
            answer = s.upload(crash.make_picture(1), webhook=f'http://{host}:{port}/refused', headers={'x-is-async': 'true'})
            assert answer.status == 422 and '--webhook-allow-private' in answer.detail
    assert not receiver.of('/refused')


PUBLIC = '93.184.216.34'    # in a network of its own, where it is this machine's


@pytest.mark.skipif('OBSCURA_TEST_ALONE' in os.environ, reason='runs the test below')
def test_in_a_network_of_its_own():
    """Redirects and names that lead from a public address to a private one; without --webhook-allow-private."""
    if not shutil.which('ip'):
        pytest.skip('iproute2 is not installed')
    run = ['unshare', '--net', '--mount', sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', __file__, '-k', 'every_hop or changes_its_address']
    done = subprocess.run(run, env=dict(os.environ, OBSCURA_TEST_ALONE='1'), capture_output=True, text=True, timeout=120)
    if 'unshare failed' in done.stderr:
        pytest.skip('no network of its own to be had: ' + done.stderr.strip())
    assert done.returncode == 0 and '2 passed' in done.stdout, done.stdout


@pytest.fixture
def public():
    for command in (['link', 'set', 'lo', 'up'], ['addr', 'replace', f'{PUBLIC}/32', 'dev', 'lo']):
        subprocess.run(['ip', *command], check=True)


@pytest.mark.skipif('OBSCURA_TEST_ALONE' not in os.environ, reason='run by the test above')
def test_every_hop_is_checked_by_the_address_connected_to(tmp_path, public):
    inside = Receiver()
    port = inside.server.server_port
    targets = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '0x7f000001', '127.1']
    outside = Receiver(lambda path, count: (204, {}) if path == '/fine' else (307, {'Location': f'http://{targets[int(path[1:])]}:{port}/stolen'}), PUBLIC)
    with Server(tmp_path, '--threads', '1', types=['-a', 'face']) as s:
        assert settled(s, queue(s, outside.url + '/fine'), 'sent')
        for number in range(len(targets)):
            record = settled(s, queue(s, f'{outside.url}/{number}', webhook_auth_header_name='X-Token', webhook_auth_header_value='t'), 'failed')
            assert 'not public' in record['webhook_deliveries'][0]['answer'], (targets[number], record)
    assert len(outside.requests) == len(targets) + 1 and not inside.requests


def answer_names(udp, asked):
    """A name server: every name is at PUBLIC when it is first asked for, and at this machine's own address from then on. asked: (name, type), is added to."""
    while True:
        query, client = udp.recvfrom(512)
        end = query.index(b'\0', 12) + 1
        name, kind = query[12:end], query[end:end + 2]
        address = PUBLIC if (name, kind) not in asked else '127.0.0.1'
        asked.append((name, kind))
        record = b'\xc0\x0c' + kind + b'\0\x01' + struct.pack('>IH', 0, 4) + socket.inet_aton(address) if kind == b'\0\x01' else b''
        udp.sendto(query[:2] + b'\x81\x80\0\x01' + struct.pack('>H', bool(record)) + bytes(4) + query[12:end + 4] + record, client)


@pytest.mark.skipif('OBSCURA_TEST_ALONE' not in os.environ, reason='run by the test above')
def test_a_name_that_changes_its_address_is_checked_again(tmp_path, public):
    (tmp_path / 'resolv.conf').write_text('nameserver 127.0.0.1\n')
    subprocess.run(['mount', '--bind', tmp_path / 'resolv.conf', '/etc/resolv.conf'], check=True)
    udp, asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), []
    udp.bind(('127.0.0.1', 53))
    threading.Thread(target=answer_names, args=(udp, asked), daemon=True).start()
    outside = Receiver(lambda path, count: (503, {}), PUBLIC)
    inside = Receiver(port=outside.server.server_port)
    with Server(tmp_path, '--threads', '1', types=['-a', 'face']) as s:
        record = settled(s, queue(s, f'http://rebinding.example:{outside.server.server_port}/token'), 'failed')
    assert [d['answer'][:3] for d in record['webhook_deliveries']][0] == '503' and 'not public' in record['webhook_deliveries'][-1]['answer'], record
    assert len(outside.of('/token')) == 1 and not inside.requests and len(asked) > 1


def test_retries_go_on_after_a_restart(tmp_path):
    closed = Receiver(lambda path, count: (503, {}))
    with Server(tmp_path, '--threads', '1', '--webhook-allow-private', types=['-a', 'face']) as s:
        task = queue(s, closed.url + '/later')
        closed.wait('/later')
        s.process.kill()
        s.process.wait()
        s.start()
        closed.wait('/later', 2, 90)        # killed before it noted the attempt, the lease of a minute has to run out first
        record = s.get(f'/v1/task/{task}').json()
        assert record['status'] == 'done' and record['webhook_status'] == 'set'
    closed.close()


def test_a_receiver_that_does_not_answer_is_given_up_for_a_while(server, never):
    until = time.monotonic() + 60
    while not (record := server.get(f'/v1/task/{never}').json())['webhook_deliveries']:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert 'timed out' in record['webhook_deliveries'][0]['answer'] and not record['webhook_deliveries'][0]['delivered']
    assert record['webhook_status'] == 'set' and record['status'] == 'done'
