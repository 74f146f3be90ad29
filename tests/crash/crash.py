#!/usr/bin/python3
"""Kills processes of a server that is under load, at random moments, and then counts: every accepted task ended, every result decodes, nothing is left over,
no webhook is lost.

    tests/crash/crash.py [--rounds 300] [--seed N]

Ends with a line of figures; the exit status is 1 where a promise was broken.
"""
import argparse
import io
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent / 'api')]

import numpy
import PIL.Image

import processes
from program import Server
from receiver import Receiver

TARGETS = [['front'], ['worker'], ['engine'], ['front', 'worker'], ['front', 'engine'], ['keeper'], ['webhooks'], ['supervisor']]
LEASE_S = 30


def make_picture(seed):
    noise = numpy.random.default_rng(seed).integers(0, 255, (240, 320, 3), dtype=numpy.uint8)
    out = io.BytesIO()
    PIL.Image.fromarray(noise).save(out, 'JPEG', quality=85)
    return out.getvalue()


class Load:
    """Clients that upload without pause and note which tasks the server accepted."""

    def __init__(self, server, hook, clients=3):
        self.server, self.hook = server, hook
        self.accepted, self.refused, self.stopped = [], 0, False
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for t in self.threads:
            t.start()

    def run(self, number):
        data = make_picture(number)
        client = self.server.twin()
        while not self.stopped:
            client.port = self.server.port
            try:
                response = client.upload(data, face='true', webhook=f'{self.hook}/crash', headers={'x-is-async': 'true'})
                if response.status == 200:
                    self.accepted.append(response.json()['id'])
                else:
                    self.refused += 1
            except (OSError, AssertionError, __import__('http.client').client.HTTPException):
                client.close()
                self.refused += 1
            time.sleep(0.15)
        client.close()

    def stop(self):
        self.stopped = True
        for t in self.threads:
            t.join()


def kill(server, target):
    """kill -9; the supervisor's end ends all, then the server is started again. Returns how many were killed."""
    if target == ['supervisor']:
        server.process.kill()
        server.process.wait()
        server.start()
        return 1
    victims = [random.choice(pids) for kind in target if (pids := processes.find(server.process.pid, kind))]
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(victims)


def check(server, accepted, receiver):
    """Broken promises as texts, and counts by status."""
    broken, counts = [], {'done': 0, 'failed': 0}
    for task in accepted:
        try:
            record = server.wait(task, seconds=LEASE_S + 60)
        except AssertionError as e:
            broken.append(f'{task}: {e}')
            continue
        counts[record['status']] += 1
        if record['status'] == 'failed' and not record['error']:
            broken.append(f'{task} failed without a reason')
        if record['status'] == 'done':
            answer = server.get(f'/v1/file/{task}/anonymised')
            try:
                PIL.Image.open(io.BytesIO(answer.body)).load()
            except Exception as e:
                broken.append(f'{task}: its result does not decode: {answer.status} {e}')
            if server.get(f'/v1/file/{task}/metadata').status != 200:
                broken.append(f'{task}: no metadata')
    until = time.monotonic() + 90
    while (lost := set(accepted) - set(receiver.events())) and time.monotonic() < until:
        time.sleep(0.2)
    broken += [f'{task}: its webhook was lost' for task in lost]
    return broken, counts


def check_files(server):
    known = {record['id'] for record in server.tasks()}
    names = server.files()
    return [f'temporary left: {n}' for n in names if n.startswith('.')] + [f'orphan: {n}' for n in names if not n.startswith('.') and n.split('.')[0] not in known]


def run(rounds, seed, log=print):
    random.seed(seed)
    receiver = Receiver()
    killed = 0
    with tempfile.TemporaryDirectory(prefix='obscura-crash-') as folder:
        server = Server(folder, '--workers', '2', '--threads', '1', '--webhook-allow-private', '--max-connections-per-client', '0', types=['-a', 'face']).start()
        load = Load(server, receiver.url)
        try:
            for number in range(rounds):
                time.sleep(random.uniform(0.2, 2.0))
                target = random.choices(TARGETS, [4, 5, 5, 3, 3, 1, 2, 1])[0]
                killed += kill(server, target)
                if number % 25 == 24:
                    log(f'{number + 1} rounds, {len(load.accepted)} tasks accepted')
            load.stop()
            broken, counts = check(server, load.accepted, receiver)
            own = processes.below(server.process.pid)
            server.stop()
            broken += [f'process left: {name}' for pid, name in own.items() if processes.name_of(pid) == name]
            server.start()    # start-up removes uploads whose front died before it could queue them
            broken += check_files(server)
            broken += [f'unclear log: {line}' for line in server.log.read_text().splitlines() if re.search(r'corrupt|malformed|SIGSYS', line)]
        finally:
            load.stop()
            server.stop()
            receiver.close()
    repeated = len(receiver.requests) - len(receiver.events())
    log(f'{rounds} rounds, {killed} processes killed, {len(load.accepted)} tasks accepted: {counts["done"]} done, {counts["failed"]} failed with a reason, '
        f'{len(broken)} promises broken; webhooks: {len(receiver.events())} tasks, {repeated} repeated; {load.refused} uploads refused or cut off')
    return broken, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=300)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f'seed {options.seed}', flush=True)
    broken, _ = run(options.rounds, options.seed, log=lambda text: print(text, flush=True))
    print('\n'.join(broken[:50]))
    sys.exit(bool(broken))


if __name__ == '__main__':
    main()
