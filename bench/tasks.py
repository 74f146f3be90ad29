#!/usr/bin/python3
"""1,000 queued small images: throughput, and what a task costs beyond the pipeline itself.

    bench/tasks.py [--tasks 1000] [--workers 1]

The queue is filled first, while no worker runs (it is stopped), then drained. The pipeline's own time is the sum of the `duration` of the results' metadata.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent / 'tests'
sys.path[:0] = [str(TESTS / 'api'), str(TESTS / 'crash')]

import crash
import processes
from program import Server


def measure(tasks, workers):
    data = crash.make_picture(1)
    with tempfile.TemporaryDirectory(prefix='obscura-bench-') as folder:
        with Server(folder, '--workers', str(workers), '--threads', '1', types=['-a', 'face']) as s:
            s.upload(data, face='true')    # models loaded, kernels compiled
            stopped = processes.find(s.process.pid, 'worker')
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            ids = [s.upload(data, face='true', headers={'x-is-async': 'true'}).json()['id'] for _ in range(tasks)]
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            begin = time.monotonic()
            while s.get('/v1/task/list?status=done&limit=1&offset=' + str(tasks)).json() == []:
                time.sleep(0.05)
            wall = time.monotonic() - begin
            pipeline = sum(s.get(f'/v1/file/{i}/metadata').json()['duration'] for i in ids)
    return wall, pipeline


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tasks', type=int, default=1000)
    parser.add_argument('--workers', type=int, default=1)
    o = parser.parse_args()
    wall, pipeline = measure(o.tasks, o.workers)
    print(f'{o.tasks} images of 320x240, {o.workers} workers: {o.tasks / wall:.1f} images/s, pipeline {pipeline / o.tasks * 1000:.2f} ms an image, '
          f'overhead {(wall * o.workers - pipeline) / o.tasks * 1000:.2f} ms a task')


main()
