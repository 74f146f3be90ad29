"""The models' workshop needs packages that neither building nor running obscura does; without them its tests are skipped."""
import importlib.util
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'training'))
MISSING = [m for m in ('torch', 'cv2', 'onnx', 'numpy', 'PIL') if importlib.util.find_spec(m) is None]
collect_ignore_glob = ['test_*.py'] if MISSING else []


def pytest_terminal_summary(terminalreporter):
    if MISSING:
        terminalreporter.write_line(f'tests/training: skipped, {", ".join(MISSING)} missing')


@pytest.fixture(autouse=True)
def seed():
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(1)
