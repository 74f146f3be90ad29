import json

import numpy as np
import onnx
import pytest
import torch

from obscura_train import average
from obscura_train.evaluate import Tally, match
from obscura_train.export import Flat, export, fold_batch_norm, golden_input, output_names
from obscura_train.networks import build, count_flops, load
from obscura_train.predict import Detections, detect, suppress
from obscura_train.train import Trainer, take_fitting

cv2 = pytest.importorskip('cv2')


def untrained(task):
    """A network whose normalizations have something to fold."""
    net = build(task)
    for name, b in net.named_buffers():
        if 'running_mean' in name:
            b.uniform_(-0.5, 0.5)
        if 'running_var' in name:
            b.uniform_(0.5, 2.0)
    for p in net.parameters():
        if p.ndim == 1:
            p.data += torch.rand_like(p) / 10       # equal tensors would be shared in the file
    return net.eval()


def save(net, task, path):
    torch.save(dict(ema=net.state_dict(), model=net.state_dict(), it=7, task=task), path)
    return str(path)


@pytest.mark.parametrize('task', ['identity', 'scene'])
def test_folding_changes_nothing(task):
    net = untrained(task)
    x = golden_input(64, 96)
    with torch.no_grad():
        before = Flat(net)(x)
        after = Flat(fold_batch_norm(net))(x)
    assert len(before) == len(output_names(task))
    for a, b in zip(before, after):
        assert torch.allclose(a, b, atol=1e-4)


def test_export_describes_itself_and_moves_the_operating_point(tmp_path):
    net = untrained('identity')
    checkpoint = save(net, 'identity', tmp_path / 'i.pt')
    kinds = export(checkpoint, str(tmp_path / 'i.onnx'), operating=[0.3, 0.5], half=str(tmp_path / 'half.pt'), enlarge=[1.04, 1])
    assert set(kinds) <= {'Add', 'Constant', 'Conv', 'Relu', 'Resize'}
    model = onnx.load(str(tmp_path / 'i.onnx'))
    facts = {p.key: p.value for p in model.metadata_props}
    assert facts['obscura.classes'] == 'face,license-plate' and facts['obscura.iterations'] == '7' and facts['obscura.masks'] == '0' and facts['obscura.enlarge'] == '1.04,1.00'
    assert [o.name for o in model.graph.output] == output_names('identity')
    golden = json.loads((tmp_path / 'i.golden.json').read_text())
    assert golden['outputs']['256x320']['cls_8']['shape'] == [2, 32, 40]
    with torch.no_grad():
        plain = net(golden_input(256, 320))[0][0][0]
    for c, y, x, value in golden['outputs']['256x320']['cls_8']['at']:
        moved = value - float(plain[c, y, x])       # class 0: from 0.3 to 0.5
        assert abs(moved - (np.log(7 / 3) if c == 0 else 0)) < 1e-3
    assert load(str(tmp_path / 'half.pt'))[0] == 'identity'


def test_networks_stay_within_their_budget():
    assert count_flops(build('identity')) < 8e9 and count_flops(build('scene')) < 14e9


def test_training_goes_on_where_it_was(tmp_path):
    a = Trainer('identity', 1e-3, 'cpu')
    a.step, a.since_start, a.spent = 12, 7, 34.5
    a.save(str(tmp_path / 'c.pt'))
    b = Trainer('identity', 1e-3, 'cpu')
    b.resume(str(tmp_path / 'c.pt'))
    assert (b.step, b.since_start, b.spent) == (12, 7, 34.5)       # since_start: no second warm-up
    assert all(torch.equal(p, q) for p, q in zip(a.net.state_dict().values(), b.net.state_dict().values()))


def test_averaged_weights_lie_between_two_checkpoints(tmp_path, monkeypatch):
    paths = [str(tmp_path / n) for n in ('new.pt', 'old.pt', 'out.pt')]
    for path, value in zip(paths, (1.0, 3.0)):
        net = build('identity')
        weights = {k: torch.full_like(v, value) if v.is_floating_point() else v for k, v in net.state_dict().items()}
        torch.save(dict(ema=weights, model=weights, it=int(value), task='identity', imitation={'adapters.0.bias': torch.full((4,), value)}), path)
    monkeypatch.setattr('sys.argv', ['average', *paths, '--share', '0.75'])
    average.main()
    task, net, state = load(paths[2])
    assert task == 'identity' and state['it'] == 1
    assert all((v == 1.5).all() for v in net.state_dict().values() if v.is_floating_point())
    assert (state['imitation']['adapters.0.bias'] == 1).all(), 'the next run begins with the adapters of the new weights'
    export(paths[2], str(tmp_path / 'i.onnx'), half=str(tmp_path / 'half.pt'))
    assert load(str(tmp_path / 'half.pt'))[2]['imitation']['adapters.0.bias'].dtype == torch.float16


def test_a_network_takes_what_fits_from_another():
    identity, scene = build('identity').state_dict(), build('scene')
    assert 0 < take_fitting(scene, identity) < len(scene.state_dict())
    assert torch.equal(scene.stem.conv.weight, identity['stem.conv.weight'])


def test_suppression_keeps_the_best_of_each_class():
    boxes = np.array([[0, 0, 10, 10, .9, 0], [1, 0, 11, 10, .8, 0], [1, 0, 11, 10, .7, 1], [30, 0, 40, 10, .2, 0]], np.float32)
    assert sorted(suppress(boxes).tolist()) == [0, 2, 3]


def test_detections_come_back_in_the_pictures_pixels():
    net = untrained('scene')
    picture = np.random.default_rng(0).integers(0, 255, (90, 200, 3)).astype(np.uint8)
    found = detect(net, picture, 128, threshold=0.005)
    assert len(found) and (found.boxes[:, [0, 2]] <= 201).all() and (found.boxes[:, [1, 3]] <= 91).all()
    assert found.mask(0, 90, 200).shape == (90, 200)


def test_precision_and_recall_of_a_known_case():
    tally = Tally()
    found = Detections(np.array([[0, 0, 10, 10, .9, 0], [50, 50, 60, 60, .8, 0], [20, 0, 30, 10, .6, 0], [80, 80, 90, 90, .5, 0]], np.float32))
    objects = [dict(bbox=[0, 0, 10, 10]), dict(bbox=[20, 0, 10, 10]), dict(bbox=[70, 70, 30, 30], ignore=1)]
    errors = match(tally, found, 0, objects, 0.7, (100, 100))
    assert errors == 2                                  # one false over .7, one object found only below it
    assert tally.objects == 2 and tally.recall() == 0.5 and tally.false == 1
    assert abs(tally.average_precision() - (0.5 + 0.5 * 2 / 3)) < 1e-9
    score, precision, recall = tally.best_f2()
    assert abs(score - 0.6) < 1e-6 and recall == 1.0 and abs(precision - 2 / 3) < 1e-9
