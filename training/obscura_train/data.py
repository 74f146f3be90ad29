"""Draws augmented square crops from a packed file (see pack.py), and puts them into batches."""
import json
import mmap
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from . import containers, plates
from .assign import OBJECT, SURFACE, WRONG
from .augment import change_colours, choose_window, degrade, log_uniform, paste, transform_object, warp, window_matrix
from .networks import PROTO_STRIDE

cv2.setNumThreads(0)

MAX_OBJECTS = 120
WRONG_WEIGHT = 6.0      # pictures in which finds were judged wrong are drawn that much more often than others of their source,
AIM_AT_WRONG = 0.6      # and so many of their crops aim at one of these
MOSAIC = 0.35           # part of the crops that are four pictures at half size
COPY_PASTE = 0.25       # part of the scene crops that get a person or vehicle pasted in
CONTAINERS = 0.12       # and a row of waste containers drawn in
REPLATE = 0.15          # part of the plate crops in which a plate is drawn over with one of another country
LETTERING = 0.35        # part of the plate crops that get lettering that is no plate
LIVERY = 0.4            # part of those with a vehicle in them that get some on its side
CAPTION = GRILLE = POSTER = 0.06        # parts that get captions, grilles and posters
SOURCE_POWER = 0.65     # a source of n pictures is drawn in proportion to n ** SOURCE_POWER


@dataclass
class Sample:
    """One crop. pixels (3, S, S) uint8; objects (G, 6): class, x1, y1, x2, y2, ignore (assign.py); known (nc,); masks (G, S/4, S/4) uint8 of 0, 1, UNSURE;
    has_mask (G,)."""
    pixels: torch.Tensor
    objects: torch.Tensor
    known: torch.Tensor
    masks: torch.Tensor = None
    has_mask: torch.Tensor = None

    def to(self, device):
        move = lambda t: None if t is None else t.to(device)
        return Sample(None, move(self.objects), move(self.known), move(self.masks), move(self.has_mask))


@dataclass
class Batch:
    """pixels (B, 3, S, S) uint8, known (B, nc) float, and the samples (whose own pixels are gone)."""
    pixels: torch.Tensor
    known: torch.Tensor
    samples: list

    @staticmethod
    def of(samples, device="cpu"):
        return Batch(torch.stack([s.pixels for s in samples]).to(device), torch.stack([s.known for s in samples]).to(device),
                     [s.to(device) for s in samples])


class Crops:
    """The packed pictures of one task."""

    def __init__(self, task, prefix, seed=0):
        with open(prefix + ".json") as f:
            self.entries = json.load(f)
        with open(prefix + ".bin", "rb") as f:
            self.bytes = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        self.bytes.madvise(mmap.MADV_RANDOM)        # packs outgrow the memory: what the kernel reads ahead by itself is another picture
        self.task, self.with_masks = task, task == "scene"
        self.smallest = 16.0 if self.with_masks else 8.0
        self.rng = np.random.default_rng(seed)
        self.weights = self._source_weights()
        self.alike = self._alike()
        self.cutouts = [(i, j) for i, e in enumerate(self.entries) for j, o in enumerate(e["anns"])
                        if o[6] and o[7] is None and not o[5] and min(o[3] - o[1], o[4] - o[2]) > 40] if self.with_masks else []
        self.next = self._draw()

    def __len__(self):
        return len(self.entries)

    def _source_weights(self):
        sources = [e["src"] for e in self.entries]
        names, index, count = np.unique(sources, return_inverse=True, return_counts=True)
        w = (count ** SOURCE_POWER / count)[index]
        w[[any(o[5] == WRONG for o in e["anns"]) for e in self.entries]] *= WRONG_WEIGHT
        return np.cumsum(w / w.sum())

    def _alike(self):
        """Pictures by labelled types, then by source: a mosaic must not mix pictures in which different types are labelled."""
        groups = {}
        for i, e in enumerate(self.entries):
            groups.setdefault(tuple(e["known"]), {}).setdefault(e["src"], []).append(i)
        return {known: list(sources.values()) for known, sources in groups.items()}

    def _draw(self):
        """A picture at random, which begins to be read."""
        i = min(int(np.searchsorted(self.weights, self.rng.random())), len(self) - 1)
        self._read_ahead(i)
        return i

    def _read_ahead(self, i):
        e = self.entries[i]
        start = e["off"] // mmap.PAGESIZE * mmap.PAGESIZE
        self.bytes.madvise(mmap.MADV_WILLNEED, start, e["off"] + e["h"] * e["w"] * 3 - start)

    def picture(self, i):
        self._read_ahead(i)
        e = self.entries[i]
        return np.frombuffer(self.bytes, np.uint8, e["h"] * e["w"] * 3, e["off"]).reshape(e["h"], e["w"], 3)

    def _aims(self, rows):
        """Boxes that a crop of a picture may aim at."""
        of = lambda kind: [o[1:5] for o in rows if o[5] == kind]
        wrong = of(WRONG)
        return wrong if wrong and self.rng.random() < AIM_AT_WRONG else of(OBJECT) or of(SURFACE)

    def crop(self, i, size, whole=False):
        """One crop of picture i, as augment.py describes it."""
        e, rng = self.entries[i], self.rng
        left, top, side = choose_window(rng, e["h"], e["w"], self._aims(e["anns"]), size, self.smallest, whole)
        matrix = window_matrix(rng, left, top, side, size)
        pixels = change_colours(rng, warp(self.picture(i), matrix, size).astype(np.float32))
        found = [transform_object(o, matrix, size, self.with_masks) for o in e["anns"]]
        found = [f for f in found if f]
        return pixels, [f[0] for f in found], [f[1] for f in found]

    def mosaic(self, i, size):
        """Four crops at half size: small objects in full pictures."""
        half, rng = size // 2, self.rng
        sources = self.alike[tuple(self.entries[i]["known"])]
        pixels, objects, masks = np.empty((size, size, 3), np.float32), [], []
        for k in range(4):
            if k:
                source = sources[rng.integers(len(sources))]
                i = source[rng.integers(len(source))]
            part, rows, part_masks = self.crop(i, half, rng.random() < 0.75)
            y, x = k // 2 * half, k % 2 * half
            pixels[y:y + half, x:x + half] = part
            for (c, x1, y1, x2, y2, ignore), m in zip(rows, part_masks):
                objects.append((c, x1 + x, y1 + y, x2 + x, y2 + y, ignore))
                if m is not None:
                    full = np.zeros((size // PROTO_STRIDE,) * 2, np.uint8)
                    full[y // PROTO_STRIDE:(y + half) // PROTO_STRIDE, x // PROTO_STRIDE:(x + half) // PROTO_STRIDE] = m
                    m = full
                masks.append(m)
        return pixels, objects, masks

    def paste_object(self, crop, known):
        """Copy-paste (Ghiasi et al., 2021): a person or vehicle from another picture, at a random size and place."""
        rng, size = self.rng, crop[0].shape[0]
        i, j = self.cutouts[rng.integers(len(self.cutouts))]
        cls, x1, y1, x2, y2, _, polygons, _ = self.entries[i]["anns"][j]
        if not known[cls]:
            return
        x1, y1, x2, y2 = int(max(x1, 0)), int(max(y1, 0)), int(np.ceil(x2)), int(np.ceil(y2))
        pixels = self.picture(i)[y1:y2, x1:x2]
        alpha = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillPoly(alpha, [np.round(np.array(p).reshape(-1, 2) - (x1, y1)).astype(np.int32) for p in polygons if len(p) >= 6], 1)
        scale = min(log_uniform(rng, self.smallest, 0.6 * size) / max(alpha.shape), 1.5)
        w, h = max(4, round(alpha.shape[1] * scale)), max(4, round(alpha.shape[0] * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (w, h), interpolation=how).astype(np.float32)
        alpha = cv2.GaussianBlur(cv2.resize(alpha.astype(np.float32), (w, h), interpolation=how), (3, 3), 0)
        if rng.random() < 0.5:
            pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
        pixels = np.clip(pixels * rng.uniform(0.8, 1.2) + rng.uniform(-15, 15), 0, 255)
        paste(crop, pixels, alpha, cls, int(rng.integers(-w // 4, size - w // 2)), int(rng.integers(-h // 4, size - h // 2)))

    def extras(self, crop, known):
        """What is drawn into a crop: people, vehicles and waste containers for scene, plates and lettering for identity."""
        rng = self.rng
        if self.with_masks:
            if self.cutouts and all(known) and rng.random() < COPY_PASTE:
                self.paste_object(crop, known)
            if known[1] and rng.random() < CONTAINERS:
                containers.add_containers(rng, crop)
        elif known[1]:
            if rng.random() < REPLATE:
                plates.replace_plates(rng, crop[0], crop[1])
            if rng.random() < LETTERING:
                plates.add_lettering(rng, crop[0], crop[1])
            if rng.random() < LIVERY:
                plates.add_livery(rng, crop[0], crop[1])
            if rng.random() < POSTER:
                plates.add_poster(rng, crop[0], crop[1])
            if rng.random() < CAPTION:
                plates.add_caption(rng, crop[0], crop[1])
            if rng.random() < GRILLE:
                plates.add_grille(rng, crop[0], crop[1])

    def sample(self, size):
        """A random augmented crop of size x size pixels."""
        i, self.next = self.next, self._draw()
        known = self.entries[i]["known"]
        crop = self.mosaic(i, size) if self.rng.random() < MOSAIC else self.crop(i, size)
        self.extras(crop, known)
        return self._tensors(crop, known, size)

    def _tensors(self, crop, known, size):
        pixels, objects, masks = crop
        pixels = degrade(self.rng, pixels).astype(np.uint8)
        objects, masks = objects[:MAX_OBJECTS], masks[:MAX_OBJECTS]
        sample = Sample(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
                        torch.tensor(objects, dtype=torch.float32).reshape(-1, 6), torch.tensor(known))
        if self.with_masks:
            empty = np.zeros((size // PROTO_STRIDE,) * 2, np.uint8)
            sample.has_mask = torch.tensor([m is not None for m in masks], dtype=torch.bool)
            sample.masks = torch.from_numpy(np.stack([empty if m is None else m for m in masks] or [empty]))
        return sample
