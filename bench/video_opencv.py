#!/usr/bin/python3
"""What many write first: every frame through OpenCV's reader, our identity network in cv2.dnn, a Gaussian blur, OpenCV's writer. No sound, no tracks, no times.

    bench/video_opencv.py VIDEO OUTPUT [THREADS]     prints the number of frames
"""
import pathlib
import sys

import cv2
import numpy as np

MODEL = pathlib.Path(__file__).resolve().parent.parent / 'models/identity.onnx'
LONGEST, MULTIPLE, STRIDES, THRESHOLD = 1280, 32, (8, 16, 32), 0.5


def candidates(outputs, stride, scale):
    """Boxes (x, y, width, height) and scores of a level: distances from the cells' centres to the sides, in strides."""
    scores = 1 / (1 + np.exp(-outputs[f'cls_{stride}'][0].max(axis=0)))
    rows, columns = np.nonzero(scores >= THRESHOLD)
    left, top, right, bottom = outputs[f'box_{stride}'][0][:, rows, columns] * stride
    x, y = (columns + 0.5) * stride, (rows + 0.5) * stride
    return np.stack([x - left, y - top, left + right, top + bottom], axis=1) / scale, scores[rows, columns]


def detect(net, names, frame):
    height, width = frame.shape[:2]
    scale = min(1, LONGEST / max(height, width))
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder(small, 0, -small.shape[0] % MULTIPLE, 0, -small.shape[1] % MULTIPLE, cv2.BORDER_CONSTANT, value=(114, 114, 114))
    net.setInput(cv2.dnn.blobFromImage(padded, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True))
    outputs = dict(zip(names, net.forward(names)))
    boxes, scores = (np.concatenate(x) for x in zip(*(candidates(outputs, s, scale) for s in STRIDES)))
    keep = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), THRESHOLD, 0.5) if len(boxes) else []
    return boxes[np.array(keep, int).reshape(-1)]


def main():
    source, output = sys.argv[1:3]
    cv2.setNumThreads(int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    net = cv2.dnn.readNetFromONNX(str(MODEL))
    names = [f'{kind}_{s}' for s in STRIDES for kind in ('cls', 'box')]
    reader, writer, frames = cv2.VideoCapture(source), None, 0
    while True:
        ok, frame = reader.read()
        if not ok:
            break
        height, width = frame.shape[:2]
        if writer is None:
            writer = cv2.VideoWriter(output, cv2.VideoWriter_fourcc(*'avc1'), reader.get(cv2.CAP_PROP_FPS), (width, height))
        for x, y, w, h in detect(net, names, frame):
            x1, y1, x2, y2 = max(0, int(x)), max(0, int(y)), min(width, int(x + w) + 1), min(height, int(y + h) + 1)
            if x2 > x1 and y2 > y1:
                frame[y1:y2, x1:x2] = cv2.GaussianBlur(frame[y1:y2, x1:x2], (0, 0), max(x2 - x1, y2 - y1) / 6)
        writer.write(frame)
        frames += 1
    writer.release()
    print(frames)


main()
