#!/usr/bin/python3
"""1,000 queued small images: throughput, and what a task costs beyond the pipeline itself, beside what one sync costs on the same disk.

    bench/tasks.py [--tasks 1000] [--workers 1 2]

The queue is filled first, while no worker runs (it is stopped), then drained. The pipeline's own time is the sum of the `duration` of the results' metadata;
overhead is the wall time of all workers less that. Processor time is that of the engines, and of all other processes of the program, without the kernel's.
"""
import argparse
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent / 'tests'
sys.path[:0] = [str(TESTS / 'api'), str(TESTS / 'crash')]

import crash
import processes
from program import Server


def sync_ms(folder, data, rounds=50):
    """The median of writing a file and syncing it."""
    times = []
    for i in range(rounds):
        fd = os.open(f'{folder}/sync{i}', os.O_WRONLY | os.O_CREAT)
        os.write(fd, data)
        begin = time.perf_counter()
        os.fdatasync(fd)
        times.append(time.perf_counter() - begin)
        os.close(fd)
    return statistics.median(times) * 1000


def processor_s(root):
    """(engines, all else) of the program's processes so far."""
    engines = others = 0
    for pid, name in [(root, ''), *processes.below(root).items()]:
        fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
        if name.startswith('engine'):
            engines += seconds
        else:
            others += seconds
    return engines, others


def drain(s, tasks, data):
    """(wall, pipeline, engines' processor time, others') in seconds."""
    stopped = processes.find(s.process.pid, 'worker')
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    ids = [s.upload(data, face='true', headers={'x-is-async': 'true'}).json()['id'] for _ in range(tasks)]
    before = processor_s(s.process.pid)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    begin = time.monotonic()
    while s.get(f'/v1/task/list?status=queued&limit=1').json() or s.get(f'/v1/task/list?status=processing&limit=1').json():
        time.sleep(0.05)
    wall = time.monotonic() - begin
    after = processor_s(s.process.pid)
    return wall, sum(s.get(f'/v1/file/{i}/metadata').json()['duration'] for i in ids), after[0] - before[0], after[1] - before[1]


def measure(tasks, workers):
    data = crash.make_picture(1)
    with tempfile.TemporaryDirectory(prefix='obscura-bench-') as folder:
        with Server(folder, '--workers', str(workers), '--threads', '1', types=['-a', 'face']) as s:
            for _ in range(4 * workers):
                s.upload(data, face='true')    # models loaded, kernels compiled
            sync = sync_ms(folder, data)
            wall, pipeline, engines, others = (t / tasks * 1000 for t in drain(s, tasks, data))
    print(f'{tasks} images of 320x240, {workers} workers: {1000 / wall:.1f} images/s, {wall * workers:.2f} ms a task, of which pipeline {pipeline:.2f}, '
          f'overhead {wall * workers - pipeline:.2f}; processor: engine {engines:.2f}, others {others:.2f}; one sync {sync:.2f} ms', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tasks', type=int, default=1000)
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2])
    o = parser.parse_args()
    for workers in o.workers:
        measure(o.tasks, workers)


main()
