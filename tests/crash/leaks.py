#!/usr/bin/python3
"""Thousands of tasks of every kind, and what each process of the server holds before and after: descriptors, threads, memory.

    tests/crash/leaks.py [--tasks 4000] [--workers 2]

The exit status is 1 where descriptors or threads grew, or where memory grew by more than 16 MiB between the middle and the end.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import threading

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent / 'api')]

import crash
import processes
from program import Server
from receiver import Receiver

CLIENTS = 4


def held(server):
    """{process: (descriptors, threads, resident MiB)}"""
    found = {}
    for pid, name in {server.process.pid: 'supervisor', **processes.below(server.process.pid)}.items():
        status = dict(line.split(':\t', 1) for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines() if ':\t' in line)
        found[name] = len(os.listdir(f'/proc/{pid}/fd')), int(status['Threads']), int(status['VmRSS'].split()[0]) / 1024
    return dict(sorted(found.items()))


def load(server, hook, tasks):
    """Waiting and other clients, damaged files, refused parameters, repeated keys, downloads, deletions, lists, webhooks."""
    picture = crash.make_picture(1)

    def run(number):
        client = server.twin()
        for i in range(tasks // CLIENTS):
            data = picture[:500 + i % 1000] if i % 10 == 3 else picture
            headers = {'x-is-async': str(i % 3 == 0).lower()} | ({'Idempotency-Key': f'{number} {i // 2}'} if i % 20 < 2 else {})
            answer = client.upload(data, face='true', headers=headers, **({'webhook': hook} if i % 5 == 0 else {}), **({'quality': 'best'} if i % 25 == 7 else {}))
            assert answer.status in (200, 422), answer
            if answer.status == 200 and i % 4 == 1:
                task = answer.json()['id']
                for resource in ('anonymised?download=PNG', 'binary-mask', 'instance-mask', 'metadata'):
                    client.get(f'/v1/file/{task}/{resource}')
                client.get('/v1/task/list?limit=10')
                client.delete(f'/v1/task/{task}')
        client.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for record in server.get('/v1/task/list?limit=50').json():
        server.wait(record['id'])
    server.delete('/v1/task/list?confirm=true')
    server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tasks', type=int, default=4000)
    parser.add_argument('--workers', type=int, default=2)
    o = parser.parse_args()
    receiver = Receiver()
    with tempfile.TemporaryDirectory(prefix='obscura-leaks-') as folder:
        with Server(folder, '--workers', str(o.workers), '--threads', '1', '--webhook-allow-private', '--log-level', 'info', types=['-a', 'face']) as s:
            load(s, receiver.url + '/hook', o.tasks // 10)
            seen = [held(s)]
            for _ in range(2):
                load(s, receiver.url + '/hook', o.tasks * 9 // 20)
                seen.append(held(s))
    receiver.close()
    broken = []
    for name, (fds, threads, _) in seen[1].items():
        print(f'{name:12}' + ''.join(f'  {f:3} descriptors {t:2} threads {m:6.1f} MiB' for f, t, m in (at[name] for at in seen)))
        if seen[2][name][0] > fds or seen[2][name][1] > threads or seen[2][name][2] > seen[1][name][2] + 16:
            broken.append(name)
    print(f'after a tenth, half and all of {o.tasks} uploads: ' + ('growing: ' + ', '.join(broken) if broken else 'nothing grows'))
    sys.exit(bool(broken))


main()
