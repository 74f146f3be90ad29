import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from obscura_train import train
from obscura_train.assign import grid_points
from obscura_train.data import Batch, Sample
from obscura_train.distill import Imitation
from obscura_train.losses import TEACHER_SEES, teacher_loss
from obscura_train.networks import STRIDES, build
from obscura_train.yolox import CLASSES, Yolox

SIDE, CHANNELS = 64, 4


def yolox(seed=0):
    """The bytes of a small YOLOX: for each level one strided convolution, and then the heads as the real one has them."""
    rng = np.random.default_rng(seed)
    nodes, weights = [], []

    def add(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def conv(x, c_in, c_out, name, stride=1, kernel=1, weight=None):
        for n, v in ((weight or name + '.w', rng.normal(0, 0.3 if kernel == 1 else 1e-4, (c_out, c_in, kernel, kernel))), (name + '.b', rng.normal(0, 0.3, c_out))):
            weights.append(numpy_helper.from_array(v.astype(np.float32), n))
        return add('Conv', [x, weight or name + '.w', name + '.b'], name, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4)

    def silu(x):
        return add('Mul', [x, add('Sigmoid', [x], x + '.gate')], x + '.silu')

    flat = []
    for k, s in enumerate(STRIDES):
        cls = silu(conv('images', 3, CHANNELS, f'c{k}', s, s + 1))
        reg = silu(conv('images', 3, CHANNELS, f'r{k}', s, s + 1))
        scores = add('Sigmoid', [conv(cls, CHANNELS, 80, f'cls{k}', weight=f'head.cls_preds.{k}.weight')], f'p{k}')
        box = conv(reg, CHANNELS, 4, f'reg{k}', weight=f'head.reg_preds.{k}.weight')
        sure = add('Sigmoid', [conv(reg, CHANNELS, 1, f'obj{k}', weight=f'head.obj_preds.{k}.weight')], f'o{k}')
        weights.append(numpy_helper.from_array(np.array([1, 85, -1], np.int64), f'shape{k}'))
        flat.append(add('Reshape', [add('Concat', [box, sure, scores], f'all{k}', axis=1), f'shape{k}'], f'flat{k}'))
    add('Transpose', [add('Concat', flat, 'rows', axis=2)], 'output', perm=[0, 2, 1])
    images = helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    result = helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, sum((SIDE // s) ** 2 for s in STRIDES), 85])
    model = helper.make_model(helper.make_graph(nodes, 'g', [images], [result], weights), opset_imports=[helper.make_opsetid('', 11)])
    return model.SerializeToString()


def test_the_teacher_says_what_opencv_makes_of_its_file():
    model, pixels = yolox(), np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setInput(cv2.dnn.blobFromImage(pixels))
    rows = torch.from_numpy(net.forward()[0])
    scores, boxes, features = Yolox(model)(torch.from_numpy(pixels[:, :, ::-1].transpose(2, 0, 1).copy())[None])
    for c, classes in enumerate(CLASSES.values()):
        assert torch.allclose(scores[0, :, c], rows[:, 4] * rows[:, [5 + k for k in classes]].amax(1), atol=1e-4)
    centres, strides = grid_points([f.shape[2:] for f in features])
    middle = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2
    corner = centres - strides[:, None] / 2         # YOLOX counts from the cell's corner
    assert torch.allclose(middle, corner + rows[:, :2] * strides[:, None], rtol=1e-3, atol=1e-2)
    assert [list(f.shape) for f in features] == [[1, 2 * CHANNELS, SIDE // s, SIDE // s] for s in STRIDES]


def test_features_of_a_teacher_can_be_learnt_to_the_end():
    net = build('scene')
    imitation = Imitation(net, [8, 8, 8])
    x = torch.randn(2, 3, SIDE, SIDE)
    net(x)
    with torch.no_grad():
        wanted = [adapter(seen) * 7 - 3 for adapter, seen in zip(imitation.adapters, imitation.seen)]      # scale and offset do not matter
        others = [torch.randn_like(w) for w in wanted]
    assert float(imitation(wanted)) < 1e-4 < 0.5 < float(imitation(others))
    imitation(others).backward()
    assert float(net.stem.conv.weight.grad.abs().sum()) > 0


def loss_of(p, label, teacher, box=(0.0, 0, 10, 10)):
    """Gradient of one point's logit, and the loss."""
    logit = torch.logit(torch.tensor([[[p]]])).requires_grad_()
    loss = teacher_loss(logit, torch.tensor([[[0.0, 0, 10, 10]]]), torch.tensor([[[label]]]), (torch.tensor([[[teacher]]]), torch.tensor([[box]])))
    loss.backward()
    return float(logit.grad), float(loss)


def test_a_teacher_is_followed_up_and_down_but_never_below_a_label():
    assert loss_of(0.2, 0.0, 0.7)[0] < 0 < loss_of(0.7, 0.0, 0.2)[0]
    assert loss_of(0.5, 0.0, 0.5)[0] == pytest.approx(0)
    assert loss_of(0.7, 0.8, 0.2)[0] == 0           # labelled, the teacher does not see it
    assert loss_of(0.5, 0.6, 0.9)[0] < 0            # labelled, the teacher is surer


def test_the_boxes_of_a_teacher_count_where_it_is_sure_and_no_label_is():
    off = (5.0, 0, 15, 10)
    assert loss_of(0.5, 0.0, 0.5, off)[1] > loss_of(0.5, 0.0, 0.5)[1] + 0.5
    assert loss_of(0.5, 0.6, 0.5, off)[1] == loss_of(0.5, 0.6, 0.5)[1]
    unsure = TEACHER_SEES / 2
    assert loss_of(unsure, 0.0, unsure, off)[1] == loss_of(unsure, 0.0, unsure)[1]


def test_a_training_with_a_teacher_goes_on_where_it_stopped(tmp_path):
    teacher = Yolox(yolox())
    path = str(tmp_path / 'x.pt')
    a = train.Trainer('scene', 1e-3, 'cpu', teacher=teacher)
    a.save(path)
    b = train.Trainer('scene', 1e-3, 'cpu', teacher=teacher)
    b.resume(path)
    for mine, other in zip(a.params, b.params):
        assert torch.equal(mine, other)


def learnt_by_a_step(task, freeze, sample):
    """Names of the tensors that a step changes."""
    trainer = train.Trainer(task, 1e-2, 'cpu', bf16=False, freeze=freeze)
    before = {k: v.clone() for k, v in trainer.net.state_dict().items()}
    trainer.update(Batch.of([sample] * 2), 0.0, 0.0)
    return {k for k, v in trainer.net.state_dict().items() if not torch.equal(v, before[k])}


def test_frozen_layers_stay_as_they_are_and_the_others_learn():
    changed = learnt_by_a_step('identity', 'early', Sample(torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), torch.zeros(0, 6), torch.ones(2)))
    assert 'stages.1.0.conv.weight' in changed and not any(k.startswith(('stem', 'stages.0')) for k in changed)


@pytest.mark.parametrize('masked', [True, False])
def test_masks_can_be_learnt_alone(masked):
    person = torch.tensor([[0, 8.0, 8, 40, 56, 0]])
    changed = learnt_by_a_step('scene', 'detection', Sample(
        torch.randint(0, 255, (3, SIDE, SIDE), dtype=torch.uint8), person, torch.ones(2), torch.ones(1, SIDE // 4, SIDE // 4), torch.tensor([masked])))
    learnt = {k for k in changed if not k.endswith(('running_mean', 'running_var', 'num_batches_tracked'))}
    assert all(k.startswith(('coef', 'body', 'p2', 'proto')) for k in changed)
    assert bool(learnt) == masked


@pytest.mark.parametrize('task, heard, bf16', [('scene', True, False), ('scene', True, True), ('identity', False, False)])
def test_a_teacher_speaks_of_its_own_types_only(task, heard, bf16):
    trainer = train.Trainer(task, 1e-3, 'cpu', bf16=bf16, teacher=Yolox(yolox()))
    nothing = Sample(torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), torch.zeros(0, 6), torch.ones(2), torch.zeros(1, SIDE // 4, SIDE // 4), torch.zeros(0, dtype=torch.bool))
    parts, _ = trainer.update(Batch.of([nothing] * 2), 0.0, 0.0)
    assert ('teacher' in parts) == heard and 0 < parts['imitation'] < 2
