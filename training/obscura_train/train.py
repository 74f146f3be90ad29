"""Trains one network on a packed file.

    python3 -m obscura_train.train scene --data sc --out scene.pt --init checkpoints/scene.pt --until 02:00 --processes 2

Ends after --minutes or at --until (HH:MM, UTC), with the learning rate falling along a cosine to that moment; killed before, the same command
with --resume goes on from OUT where it was. --plan gives the crops' sizes: phases divided by "/", and within a phase the sizes that alternate,
each as SIDExBATCH. --teacher: YOLOX-Nano sees every crop too, see distill.py; of identity's types it knows nothing, so only its features count there.
--processes: that many copies work on one network, each on one core and a batch of its own, and average their gradients.
"""
import argparse
import itertools
import math
import os
import tempfile
import time

import torch
import torch.distributed as dist
from torch import multiprocessing, nn

from . import MEAN, SCALE, TASKS
from .data import Batch, Crops
from .distill import Imitation
from .losses import WRONG_LOSS, detection_loss
from .muon import Muon, sum_over_processes
from .networks import CONFIGS, ConvBN, build
from .sources import SCENE_TEACHER
from .teachers import read_teacher
from .yolox import Yolox

WARMUP = 200            # steps
WEIGHT_DECAY = 0.03     # on convolutions only
IMITATION = 4.0         # weight of the teacher's features
CLIP = 10.0             # norm of the gradient
SAVE_EVERY = 180        # seconds


def learning_rate(peak, step, progress):
    """Linear warm-up, then a cosine from `peak` to a fiftieth of it; progress in 0..1."""
    return peak * min(1, step / WARMUP) * (0.98 * 0.5 * (1 + math.cos(math.pi * progress)) + 0.02)


def parse_plan(text):
    """"320x32/448x16,320x32" to [[(320, 32)], [(448, 16), (320, 32)]]."""
    return [[tuple(int(v) for v in p.split("x")) for p in phase.split(",")] for phase in text.split("/")]


def crop_shape(plan, progress, step):
    phase = plan[min(int(progress * len(plan)), len(plan) - 1)]
    return phase[step % len(phase)]


def seconds_until(clock):
    """From now to the next HH:MM in UTC."""
    hour, minute = (int(v) for v in clock.split(":"))
    now = time.gmtime()
    return (hour * 3600 + minute * 60 - now.tm_hour * 3600 - now.tm_min * 60 - now.tm_sec) % 86400


def take_fitting(net, weights):
    """Copies every tensor that fits, so that a changed network can start from another's; returns how many fitted."""
    own = net.state_dict()
    fit = {k: v.float() for k, v in weights.items() if k in own and own[k].shape == v.shape}
    own.update(fit)
    net.load_state_dict(own)
    return len(fit)


def optimizers_of(net, peak, more=()):
    """Muon for the convolutions that a normalization follows, AdamW for the last ones, for all that is no convolution, and for `more`."""
    inner = [m.conv.weight for m in net.modules() if isinstance(m, ConvBN) and m.conv.weight.requires_grad]
    last = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d) and m.bias is not None and m.weight.requires_grad]
    plain = [p for p in net.parameters() if p.ndim == 1 and p.requires_grad]
    return (Muon(inner, peak, weight_decay=WEIGHT_DECAY),
            torch.optim.AdamW([dict(params=last, weight_decay=WEIGHT_DECAY), dict(params=[*plain, *more], weight_decay=0)], lr=peak))


class Trainer:
    """Network, its running average, optimizer and clock; save() and resume() keep all of them."""

    def __init__(self, task, peak, device, ema_decay=0.9995, bf16=True, teacher=None, freeze=None):
        self.task, self.peak, self.device, self.ema_decay, self.bf16 = task, peak, device, ema_decay, bf16
        self.net = build(task).to(device, memory_format=torch.channels_last).train()
        self.net.freeze(freeze)
        self.teacher, self.imitation = teacher, None
        if teacher:
            self.imitation = Imitation(self.net, teacher.channels).to(device)
        self.optimizers = optimizers_of(self.net, peak, self.imitation.parameters() if teacher else ())
        self.params = [p for o in self.optimizers for group in o.param_groups for p in group["params"]]
        self.ema = self._averaged()
        self.step, self.since_start, self.spent = 0, 0, 0.0

    def _averaged(self):
        """A network of the same weights, which the teacher's hooks do not follow."""
        ema = build(self.task).to(self.device)
        ema.load_state_dict(self.net.state_dict())
        return ema.eval()

    def initialise(self, path):
        weights = torch.load(path, map_location=self.device)
        fitted = take_fitting(self.net, weights.get("ema", weights.get("model")))
        if self.imitation and "imitation" in weights:
            self.imitation.load_state_dict(weights["imitation"])
        self.ema = self._averaged()
        return f"{fitted} of {len(self.net.state_dict())} tensors from {path}"

    def save(self, path):
        state = dict(model=self.net.state_dict(), ema=self.ema.state_dict(), opt=[o.state_dict() for o in self.optimizers], it=self.step,
                     since_start=self.since_start, spent=self.spent, task=self.task)
        if self.imitation:
            state["imitation"] = self.imitation.state_dict()
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)

    def resume(self, path):
        state = torch.load(path, map_location=self.device)
        self.net.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        if self.imitation:
            self.imitation.load_state_dict(state["imitation"])
        for optimizer, kept in zip(self.optimizers, state["opt"]):
            optimizer.load_state_dict(kept)
        self.step, self.spent = state["it"], state["spent"]
        self.since_start = state.get("since_start", WARMUP)     # no second warm-up: the optimizer's averages are here already

    def update(self, batch, progress, elapsed):
        """One optimizer step. progress: what all processes agreed on, 0..1; elapsed: this one's own. Returns the loss's parts and the new progress."""
        lr = learning_rate(self.peak, self.since_start + 1, progress)
        for group in itertools.chain(*(o.param_groups for o in self.optimizers)):
            group["lr"] = lr
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.bf16):
            output = self.net(((batch.pixels.float() - MEAN) * SCALE).contiguous(memory_format=torch.channels_last))
        scores, boxes, features = self.teacher(batch.pixels) if self.teacher else (None, None, None)
        believed = (scores, boxes) if self.teacher and self.task == "scene" else None       # of faces and plates the teacher knows the features only
        loss, parts = detection_loss(output, batch, believed, WRONG_LOSS[self.task])
        if self.teacher:
            imitated = self.imitation(features)
            loss, parts["imitation"] = loss + IMITATION * imitated, float(imitated)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:      # where only masks are learnt, a batch may have none
            loss.backward()
        progress = self._average_gradients(elapsed)
        nn.utils.clip_grad_norm_(self.params, CLIP)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step, self.since_start = self.step + 1, self.since_start + 1
        self._average_weights()
        return dict(parts, loss=float(loss), lr=lr), progress

    def _average_gradients(self, elapsed):
        """Over all processes; their clocks differ, so they average those too, and keep the same learning rate."""
        if not dist.is_initialized():
            return elapsed
        for p in self.params:
            if p.grad is None:      # a batch without masks
                p.grad = torch.zeros_like(p)
        *sums, time_spent = sum_over_processes([p.grad for p in self.params] + [torch.tensor([elapsed])])
        for p, total in zip(self.params, sums):
            p.grad.copy_(total / dist.get_world_size())
        return float(time_spent / dist.get_world_size())

    @torch.no_grad()
    def _average_weights(self):
        keep = min(self.ema_decay, (1 + self.step) / (20 + self.step))
        for mean, p in zip(self.ema.parameters(), self.net.parameters()):
            mean.lerp_(p, 1 - keep)
        for mean, b in zip(self.ema.buffers(), self.net.buffers()):
            mean.copy_(b)


class Log:
    """Means of the loss's parts, printed every `every` steps."""

    def __init__(self, every):
        self.every = every
        self._clear()

    def _clear(self):
        self.sums, self.steps, self.pictures, self.since = {}, 0, 0, time.time()

    def add(self, parts, step, pictures, progress):
        for k, v in parts.items():
            self.sums[k] = self.sums.get(k, 0.0) + v
        self.steps += 1
        self.pictures += pictures
        if step % self.every:
            return
        means = " ".join(f"{k} {v / self.steps:.4g}" for k, v in self.sums.items())
        print(f"step {step} {100 * progress:.1f} % {means}  {self.pictures / (time.time() - self.since):.1f} crops/s", flush=True)
        self._clear()


def draw(crops, plan, progress, step):
    size, count = crop_shape(plan, progress, step)
    return [crops.sample(size) for _ in range(count)]


def produce(queue, a, seed, clock):
    """A worker process: draws batches for ever."""
    torch.set_num_threads(1)
    crops = Crops(a.task, a.data, seed)
    for step in itertools.count():
        queue.put(draw(crops, a.plan, clock.value, step))


def batches(a, seed, clock):
    """Lists of samples, without end, in the shapes that the plan asks for at the progress in `clock`; drawn here, or by a.workers processes."""
    if not a.workers:
        crops = Crops(a.task, a.data, seed)
        for step in itertools.count():
            yield draw(crops, a.plan, clock.value, step)
    queue = multiprocessing.Queue(2 * a.workers)
    for worker in range(a.workers):
        multiprocessing.Process(target=produce, args=(queue, a, [*seed, worker], clock), daemon=True).start()
    while True:
        yield queue.get()


def run(rank, a):
    """Trains as process `rank` of a.processes; only the first one prints and saves."""
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed * 64 + rank)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    clock = multiprocessing.Value("d", 0.0)
    teacher = Yolox(read_teacher(a.teacher, SCENE_TEACHER), device) if a.teacher else None
    trainer = Trainer(a.task, a.lr, device, a.ema, a.precision == "bf16", teacher, a.freeze)
    if a.resume and os.path.exists(a.out):
        trainer.resume(a.out)
    elif a.init:
        print(trainer.initialise(a.init), flush=True)
    if a.processes > 1:
        dist.init_process_group("gloo", init_method="file://" + a.meeting, rank=rank, world_size=a.processes)
    total = trainer.spent + seconds_until(a.until) if a.until else a.minutes * 60
    began, saved, log, progress = time.time() - trainer.spent, time.time(), Log(a.log), min(trainer.spent / total, 1.0)
    clock.value = progress
    for samples in batches(a, [a.seed, rank, trainer.step], clock):
        parts, progress = trainer.update(Batch.of(samples, device), progress, min((time.time() - began) / total, 1.0))
        clock.value, trainer.spent = progress, time.time() - began
        if rank == 0:
            log.add(parts, trainer.step, len(samples) * a.processes, progress)
            if time.time() - saved > SAVE_EVERY or progress >= 1:
                trainer.save(a.out)
                saved = time.time()
        if progress >= 1:
            break


def main():
    p = argparse.ArgumentParser(prog="obscura_train.train")
    p.add_argument("task", choices=sorted(TASKS))
    p.add_argument("--data", required=True, help="prefix of a packed file")
    p.add_argument("--out", required=True, help="checkpoint to write")
    p.add_argument("--init", help="checkpoint to start from")
    p.add_argument("--resume", action="store_true", help="go on from OUT if it exists")
    p.add_argument("--teacher", metavar="SNAPSHOTS", help="where YOLOX-Nano's snapshot is")
    p.add_argument("--freeze", choices=("early", "detection"), help="leave the layers up to stride 4 as they are, or all but the masks' branch")
    p.add_argument("--plan", type=parse_plan, default="320x32/320x32,448x16/448x16,320x32")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--ema", type=float, default=0.9995, help="decay of the averaged weights, which are what is measured and shipped; .998 for short runs")
    p.add_argument("--precision", choices=("bf16", "f32"), default="bf16",
                   help="of the forward pass: bf16 is twice as fast on some processors, slower on others")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--until", help="HH:MM, UTC; instead of --minutes")
    p.add_argument("--processes", type=int, default=1)
    p.add_argument("--workers", type=int, default=0, help="processes that draw crops; 0: the training process itself, which is best on few cores")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--log", type=int, default=50)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    if a.freeze == "detection" and not CONFIGS[a.task].get("masks"):
        p.error(f"--freeze detection leaves {a.task} nothing to learn: it has no masks")
    if a.processes == 1:
        run(0, a)
    else:
        with tempfile.TemporaryDirectory() as folder:
            a.meeting = os.path.join(folder, "meeting")         # the file by which the processes find each other
            multiprocessing.start_processes(run, (a,), nprocs=a.processes, start_method="fork")


if __name__ == "__main__":
    main()
