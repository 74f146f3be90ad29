#!/usr/bin/env python3
"""infer_peers.py [--threads N] [--rounds N] [--ort DIR] MODEL.onnx...: our engine beside ONNX Runtime and OpenCV DNN.

The same files (in int8 the .int8.onnx beside them) on the same cores, alternated in one run, medians; one JSON object a line. Needs build/bench/infer, and what of the peers is
there: python3-opencv from Debian, onnxruntime-node in DIR (npm install --ignore-scripts onnxruntime-node; default build/peers).
"""
import argparse, json, os, statistics, subprocess, sys, time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = ((640, 640), (960, 544), (1280, 736))
PEER = """
const ort = require('onnxruntime-node');
(async () => {
  const [path, threads] = [process.argv[2], +process.argv[3]];
  const session = await ort.InferenceSession.create(path, {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'});
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const [w, h, rounds] = line.split(' ').map(Number), x = new Float32Array(3 * w * h).fill(0.5), times = [];
    const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', x, [1, 3, h, w])};
    for (let i = 0; i < rounds; i++) {
      const t = process.hrtime.bigint();
      await session.run(feeds);
      times.push(Number(process.hrtime.bigint() - t) / 1e6);
    }
    console.log(JSON.stringify(times));
  }
})();
"""


def ours(path, precision, threads, width, height, rounds, plain):
    if precision == 'int8':
        path = path.removesuffix('.onnx') + '.int8.onnx'
    out = subprocess.run([os.path.join(TOP, 'build/bench/infer'), '--json', *(['--plain'] if plain else []), '--precision', precision, '--threads', str(threads), '--size',
                          f'{width}x{height}', '--rounds', str(rounds), path], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


class OnnxRuntime:
    def __init__(self, path, threads, folder):
        script = os.path.join(folder, 'peer.js')
        open(script, 'w').write(PEER)
        self.process = subprocess.Popen(['node', script, path, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def times(self, width, height, rounds):
        self.process.stdin.write(f'{width} {height} {rounds}\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class OpenCV:
    def __init__(self, path, threads):
        import cv2
        import numpy
        cv2.setNumThreads(threads)
        self.net, self.numpy = cv2.dnn.readNetFromONNX(path), numpy

    def times(self, width, height, rounds):
        x, times = self.numpy.full((1, 3, height, width), 0.5, self.numpy.float32), []
        for _ in range(rounds):
            start = time.perf_counter()
            self.net.setInput(x)
            self.net.forward(self.net.getUnconnectedOutLayersNames())
            times.append((time.perf_counter() - start) * 1e3)
        return times


def attempt(what, make):
    try:
        return make()
    except Exception as e:  # a peer that is not installed, or that does not read the file, is left out
        print(f'{what} is left out: {e}', file=sys.stderr)
        return None


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--threads', type=int, default=2)
    ap.add_argument('--rounds', type=int, default=5, help='alternations; each runs every engine a few times')
    ap.add_argument('--precisions', default='f32,bf16,int8')
    ap.add_argument('--plain', action='store_true', help='no ratio to the layers, which takes most of the time')
    ap.add_argument('--ort', default=os.path.join(TOP, 'build/peers'))
    ap.add_argument('models', nargs='+')
    a = ap.parse_args()
    for path in a.models:
        ort = attempt('ONNX Runtime', lambda: OnnxRuntime(path, a.threads, a.ort))
        cv = attempt('OpenCV', lambda: OpenCV(path, a.threads))
        for width, height in SIZES:
            rows, peers = {}, {'ort_ms': [], 'opencv_ms': []}
            for i in range(a.rounds):
                for precision in a.precisions.split(','):
                    rows.setdefault(precision, []).append(ours(path, precision, a.threads, width, height, 7, i > 0 or a.plain))
                for key, peer in (('ort_ms', ort), ('opencv_ms', cv)):
                    if peer:
                        peers[key] += peer.times(width, height, 5)[1:]
            for results in rows.values():
                row = dict(results[0])
                row['ms'] = round(statistics.median(r['ms'] for r in results), 3)
                row.update({k: round(statistics.median(v), 3) if v else None for k, v in peers.items()})
                print(json.dumps(row), flush=True)


main()
