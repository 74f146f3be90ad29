"""obscura-quantize: a network is quantized, is smaller, loses little and still runs; what is no network or no picture is refused with a reason."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('OBSCURA_BUILD', TOP / 'build'))
MODEL = TOP / 'models' / 'identity.onnx'


def quantize(*arguments):
    return subprocess.run([BUILD / 'obscura-quantize', *map(str, arguments)], capture_output=True, text=True, timeout=100)


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    image = pytest.importorskip('PIL.Image')
    draw = pytest.importorskip('PIL.ImageDraw')
    folder = tmp_path_factory.mktemp('pictures')
    for i in range(6):
        picture = image.linear_gradient('L').resize((160, 128)).convert('RGB')
        pen = draw.Draw(picture)
        for k in range(12):
            x, y = (37 * k * (i + 1)) % 150, (53 * k + 11 * i) % 120
            pen.ellipse((x, y, x + 8 + 3 * k, y + 10 + 2 * k), fill=((k * 40) % 256, (i * 90) % 256, (k * i * 17) % 256))
        picture.save(folder / f'{i}.png')
    return folder


@pytest.fixture(scope='module')
def made(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp('made') / 'identity.int8.onnx'
    result = quantize('--measured', 2, '--loss', 0.02, '--verbose', MODEL, out, pictures)
    if 'no VNNI' in result.stderr:
        pytest.skip('this processor has no VNNI')
    assert result.returncode == 0, result.stderr
    return out, result.stdout


def test_smaller_and_close(made):
    out, text = made
    assert out.stat().st_size < 0.35 * MODEL.stat().st_size
    assert float(re.search(r'^loss ([0-9.]+) of the outputs', text, re.M)[1]) <= 0.02
    assert not re.search(r'^layer .* real ', text, re.M)


def test_runs_in_8_bits(made):
    text = subprocess.run([BUILD / 'bench/infer', '--plain', '--rounds', '1', '--size', '96x64', '--precision', 'int8', made[0]], capture_output=True, text=True)
    assert text.returncode == 0 and ' int8 ' in text.stdout


def test_onnx_says_so_too(made):
    onnx = pytest.importorskip('onnx')
    model = onnx.load(made[0])
    onnx.checker.check_model(model)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count('QuantizeLinear') > 20 and kinds.count('Conv') == [n.op_type for n in onnx.load(MODEL).graph.node].count('Conv')


def test_layers_that_stay_real(made, pictures, tmp_path):
    text = quantize('--measured', 1, '--verbose', '--loss', '1', '--keep', '/net/cls.0/Conv', MODEL, tmp_path / 'a.onnx', pictures).stdout
    assert re.search(r'^layer /net/cls.0/Conv +real', text, re.M)


@pytest.fixture
def small(tmp_path):
    """Writes two convolutions with a Relu between; the second has a channel that is nothing but its bias."""
    onnx, helper, numpy = (pytest.importorskip(name) for name in ('onnx.numpy_helper', 'onnx.helper', 'numpy'))
    random = numpy.random.default_rng(1)

    def write(names=('first', 'second', 'third'), multiple='32'):
        weights = [random.standard_normal(shape).astype('float32') * 0.2 for shape in ((16, 3, 3, 3), (16, 16, 3, 3), (4, 16, 1, 1))]
        weights[1][3] *= 1e-10
        bias = numpy.zeros(16, 'float32')
        bias[3] = 4
        nodes = [helper.make_node('Conv', ['x', 'w0'], ['a'], names[0], pads=[1] * 4), helper.make_node('Relu', ['a'], ['b']),
            helper.make_node('Conv', ['b', 'w1', 'bias'], ['c'], names[1], pads=[1] * 4), helper.make_node('Relu', ['c'], ['d']),
            helper.make_node('Conv', ['d', 'w2'], ['y'], names[2])]
        constants = [onnx.from_array(w, f'w{i}') for i, w in enumerate(weights)] + [onnx.from_array(bias, 'bias')]
        value = helper.make_tensor_value_info
        graph = helper.make_graph(nodes, 'g', [value('x', 1, [1, 3, None, None])], [value('y', 1, None)], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
        for key, text in {'multiple': multiple, 'pad': '114', 'mean': '127.5', 'scale': '0.015625'}.items():
            model.metadata_props.add(key=f'obscura.{key}', value=text)
        path = tmp_path / 'small.onnx'
        path.write_bytes(model.SerializeToString())
        return path
    return write


def quantize_small(path, pictures, *options):
    result = quantize('--measured', 1, '--verbose', '--loss', 1, *options, path, path.with_name('out.onnx'), pictures)
    if 'no VNNI' in result.stderr:
        pytest.skip('this processor has no VNNI')
    return result


def test_layers_without_names_are_called_like_their_results(small, pictures):
    path = small(names=(None, None, None))
    result = quantize_small(path, pictures, '--keep', 'c')
    assert result.returncode == 0, result.stderr
    assert re.search(r'^layer c +real', result.stdout, re.M)
    result = quantize_small(path, pictures, '--keep', 'other')
    assert result.returncode == 1 and "'other'" in result.stderr


def test_channels_of_a_bias_alone_keep_it(small, pictures):
    result = quantize_small(small(), pictures)
    assert result.returncode == 0, result.stderr
    assert float(re.search(r'^layer second +8-bit loss alone ([0-9.]+)', result.stdout, re.M)[1]) < 0.01


@pytest.mark.parametrize('multiple', ['0', '-1', '0.5', '1e9', 'nan'])
def test_refuses_multiples_that_are_none(multiple, small, pictures):
    result = quantize_small(small(multiple=multiple), pictures)
    assert result.returncode == 1 and 'obscura.multiple' in result.stderr


@pytest.mark.parametrize('content', [b'', b'no network', None])
def test_refuses_what_is_no_network(content, pictures, tmp_path):
    bad = tmp_path / 'bad.onnx'
    bad.write_bytes(MODEL.read_bytes()[:100000] if content is None else content)
    result = quantize(bad, tmp_path / 'out.onnx', pictures)
    assert result.returncode == 1 and result.stderr.startswith('obscura-quantize: ') and not (tmp_path / 'out.onnx').exists()


def test_refuses_what_is_no_picture(tmp_path):
    (tmp_path / 'a.png').write_text('no picture')
    for source in (tmp_path / 'a.png', tmp_path / 'absent', '--keep'):
        result = quantize(MODEL, tmp_path / 'out.onnx', source)
        assert result.returncode in (1, 2) and result.stderr
