#!/usr/bin/python3
"""Redaction beside OpenCV in one run: redact_opencv.py BUILD_DIR runs the benchmark `redact`, then blurs the same rectangles of a picture of the same
size with cv2.GaussianBlur (kernels as the request names them, one thread). That is the floor of what a convolution costs: no masks, no feather, and
large objects left as legible as a kernel of fixed size leaves them."""
import subprocess
import sys
import time

import cv2
import numpy

program = f'{sys.argv[1]}/bench/redact'
print(subprocess.run([program], check=True, capture_output=True, text=True).stdout, end='')
rects = [tuple(map(int, line.split())) for line in subprocess.run([program, '--rects'], check=True, capture_output=True, text=True).stdout.splitlines()]
cv2.setNumThreads(1)
picture = numpy.random.default_rng(1).integers(0, 256, (3000, 4000, 3), numpy.uint8)
times = []
for _ in range(3):
    since = time.process_time()
    for x, y, w, h, kernel in rects:
        area = picture[y:y + h, x:x + w]
        area[:] = cv2.GaussianBlur(area, (kernel, kernel), 0)
    times.append(time.process_time() - since)
print(f"{'OpenCV':14} {'Gaussian':10} {min(times) * 1000:7.1f}")
