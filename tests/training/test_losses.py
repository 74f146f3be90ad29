import math

import pytest
import torch

from obscura_train import muon
from obscura_train.assign import IGNORED, WRONG
from obscura_train.augment import UNSURE
from obscura_train.data import Batch, Sample
from obscura_train.losses import detection_loss, mask_loss, score_loss
from obscura_train.muon import Muon, orthogonal
from obscura_train.networks import STRIDES, Residual, build
from obscura_train.train import crop_shape, learning_rate, optimizers_of, parse_plan

SIDE = 64


def batch_of(objects, known=(1.0, 1.0), masks=None):
    sample = Sample(torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), torch.tensor(objects, dtype=torch.float32).reshape(-1, 6), torch.tensor(known))
    if masks is not None:
        sample.masks, sample.has_mask = masks, torch.ones(len(masks), dtype=torch.bool)
    return Batch.of([sample])


def output(score=-4.6, distance=1.0):
    shape = lambda c, v: [torch.full((1, c, SIDE // s, SIDE // s), v, requires_grad=True) for s in STRIDES]
    return shape(2, score), shape(4, distance)


def test_confident_mistakes_cost_more_than_shy_ones():
    nothing, weight = torch.zeros(1, 2), torch.ones(1, 2)
    shy, sure = (float(score_loss(torch.full((1, 2), v), nothing, weight)) for v in (-3.0, 3.0))
    assert sure > 50 * shy


def test_positives_learn_their_target_score():
    target = torch.full((1, 1), 0.7)
    loss = [float(score_loss(torch.full((1, 1), math.log(p / (1 - p))), target, torch.ones(1, 1))) for p in (0.5, 0.7, 0.9)]
    assert loss[1] < loss[0] and loss[1] < loss[2]


def test_types_that_a_source_does_not_label_teach_no_negatives():
    out = output(score=2.0)
    loss, _ = detection_loss(out, batch_of([], known=(1.0, 0.0)))
    loss.backward()
    for level in out[0]:
        assert (level.grad[:, 0] > 0).all() and (level.grad[:, 1] == 0).all()


def test_ignored_objects_teach_nothing_inside():
    out = output(score=2.0)
    loss, _ = detection_loss(out, batch_of([[0, 0, 0, SIDE, SIDE, 1]]))
    loss.backward()
    assert all((level.grad == 0).all() for level in out[0])


def test_what_was_judged_wrong_is_pressed_down_harder():
    out = output(score=0.0)
    x, y = 2.5 * STRIDES[0], 3.5 * STRIDES[0]       # what the point at row 3, column 2 of the first level finds
    loss, _ = detection_loss(out, batch_of([[1, x - STRIDES[0], y - STRIDES[0], x + STRIDES[0], y + STRIDES[0], WRONG]]), wrong=3.0)
    loss.backward()
    push = out[0][0].grad[0]
    usual = push[0, 0, 0]
    assert push[1, 3, 2] == pytest.approx(3 * usual) and push[0, 3, 2] == usual
    assert push[1, 0, 5] == usual == push[1, 3, 5], 'other finds, and so of the same row, are background like any other'


def test_a_part_judged_wrong_is_pressed_down_within_what_is_ignored():
    def pushed(*objects):
        out = output(score=0.0)
        loss, _ = detection_loss(out, batch_of(list(objects)), wrong=3.0)
        loss.backward()
        return out[0][0].grad[0][1]
    x, y, s = 2.5 * STRIDES[0], 3.5 * STRIDES[0], STRIDES[0]
    part = [1, x - s, y - s, x + s, y + s, WRONG]
    whole, close = [1, 0, 0, SIDE, SIDE, IGNORED], [1, x - s + 1, y - s, x + s + 1, y + s, IGNORED]
    assert (pushed(whole) == 0).all()
    push = pushed(part, whole)
    assert push[3, 2] > 0 and (push != 0).sum() == 5, 'the part, its four neighbours, a third of whose boxes it is, and nothing else'
    assert pushed([1, x - s + 3, y - s, x + s + 3, y + s, WRONG], close, whole)[3, 2] == 0, 'nearer to what is ignored'


def test_a_teacher_is_not_believed_where_it_was_judged_wrong():
    def pushed(objects):
        out = output(score=-4.0)
        points = sum((SIDE // s) ** 2 for s in STRIDES)
        loss, _ = detection_loss(out, batch_of(objects), (torch.full((1, points, 2), 0.6), torch.zeros(1, points, 4)))
        loss.backward()
        return [level.grad[0] < 0 for level in out[0]]      # a score that would rise

    assert all(level.all() for level in pushed([]))
    corrected = pushed([[1, 0, 0, SIDE, SIDE, WRONG]])
    assert all(level[0].all() and not level[1].any() for level in corrected)       # of the class that was judged, and of no other


def test_a_right_mask_costs_less_than_its_inverse():
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:12, 4:12] = 1
    proto, box = torch.where(mask > 0, 8.0, -8.0), torch.tensor([[8.0, 8, 56, 56]])
    right, wrong = (float(mask_loss(torch.tensor([[c]]), proto, mask, box)) for c in (1.0, -1.0))
    assert right < 0.05 and wrong > 5


def test_unsure_places_of_a_mask_teach_nothing():
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:12, 4:12], mask[:, 4:12, 8:12] = 1, UNSURE
    proto, box = torch.zeros(1, 16, 16, requires_grad=True), torch.tensor([[16.0, 16, 48, 48]])
    mask_loss(torch.ones(1, 1), proto, mask, box).backward()
    assert (proto.grad[mask == UNSURE] == 0).all() and (proto.grad[mask == 1] < 0).all()


def test_a_network_learns_one_picture():
    net = build("scene")
    objects = [[0, 8, 8, 40, 56, 0]]
    mask = torch.zeros(1, SIDE // 4, SIDE // 4, dtype=torch.uint8)
    mask[:, 2:14, 2:10] = 1
    batch = batch_of(objects, masks=mask)
    x = torch.randn(1, 3, SIDE, SIDE)
    optimizers = optimizers_of(net, 3e-3)
    losses = []
    for _ in range(40):
        loss, parts = detection_loss(net(x), batch)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(float(loss))
    assert parts["mask"] > 0 and sum(losses[-5:]) < 0.6 * sum(losses[:5])


def test_orthogonal_updates_have_one_pace_and_adams_size():
    for shape in ((8, 72), (72, 8)):
        strengths = torch.linalg.svdvals(orthogonal(torch.randn(shape) * torch.logspace(0, 2, shape[1])))
        assert strengths.min() > 0.3 and strengths.max() < 1.4
    weight = torch.nn.Parameter(torch.zeros(16, 4, 3, 3))
    weight.grad = torch.randn(16, 4, 3, 3) * 1e-6
    Muon([weight], lr=0.1).step()
    assert 0.5 < weight.square().mean().sqrt() / (0.1 * 0.2) < 1.5
    assert (weight * weight.grad).sum() < 0


def test_processes_share_the_work_of_muon_and_all_get_all_of_it(monkeypatch):
    torch.manual_seed(0)
    shapes = (8, 4, 3, 3), (6, 8, 3, 3), (4, 6, 3, 3)
    weights, grads = [torch.randn(s) for s in shapes], [torch.randn(s) for s in shapes]

    def step(rank=None, others=0):
        """The weights after a step, alone or as one of two processes, and what it sent."""
        params, sent = [torch.nn.Parameter(w.clone()) for w in weights], []
        for p, g in zip(params, grads):
            p.grad = g.clone()
        monkeypatch.setattr(muon.dist, 'is_initialized', lambda: rank is not None)
        monkeypatch.setattr(muon.dist, 'get_rank', lambda: rank)
        monkeypatch.setattr(muon.dist, 'get_world_size', lambda: 2)
        monkeypatch.setattr(muon.dist, 'all_reduce', lambda flat: sent.append(flat.clone()) or flat.add_(others))
        Muon(params, lr=0.1).step()
        return params, sent

    alone, _ = step()
    first, second = step(0)[1][0], step(1)[1][0]
    assert not (first * second).any()
    for shared in (step(0, second)[0], step(1, first)[0]):
        for a, b in zip(alone, shared):
            assert torch.allclose(a, b)


def test_new_blocks_change_nothing_at_first():
    x = torch.rand(2, 32, 8, 8)
    assert torch.equal(Residual(32)(x), x)


def test_every_weight_has_one_optimizer():
    net = build("scene")
    held = [id(p) for o in optimizers_of(net, 1e-3) for g in o.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in net.parameters())


def test_rate_warms_up_then_falls_to_a_fiftieth():
    assert learning_rate(1.0, 1, 0.0) < 0.01
    assert abs(learning_rate(1.0, 1000, 0.0) - 1) < 1e-9
    assert abs(learning_rate(1.0, 1000, 1.0) - 0.02) < 1e-9


def test_plan_changes_sizes_with_progress():
    plan = parse_plan("320x32/448x16,320x32")
    assert [crop_shape(plan, p, s) for p, s in ((0.0, 1), (0.49, 0), (0.5, 0), (1.0, 1))] == [(320, 32), (320, 32), (448, 16), (320, 32)]
