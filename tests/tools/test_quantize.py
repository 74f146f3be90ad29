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
