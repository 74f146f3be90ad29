"""Fixtures of the API suite. `server` is shared by the whole session; tests that fill limits or break things start their own."""
import os
import pathlib
import time

import pytest

import contract
import pictures
from program import PROGRAM, TOP, Server


def pytest_configure(config):
    if not PROGRAM.exists():
        raise pytest.UsageError(f'{PROGRAM} is missing: build it first (make build)')


def pytest_collection_modifyitems(session, config, items):
    """The check that everything documented was exercised comes last, and only where all tests run."""
    last = [item for item in items if item.name == 'test_everything_documented_was_exercised']
    items[:] = [item for item in items if item not in last] + last
    files = {pathlib.Path(item.fspath).name for item in items}
    everything = {p.name for p in pathlib.Path(__file__).parent.glob('test_*.py')}
    session.whole_suite = files == everything and not config.option.keyword


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp('server')) as s:
        yield s


@pytest.fixture(scope='session')
def second(tmp_path_factory):
    with Server(tmp_path_factory.mktemp('second')) as s:
        yield s


@pytest.fixture
def empty(second):
    """A server without tasks and files."""
    second.delete('/v1/task/list?confirm=true')
    until = time.monotonic() + 30
    while second.files() and time.monotonic() < until:
        time.sleep(0.05)
    assert second.files() == [] and second.tasks() == []
    return second


@pytest.fixture
def start(tmp_path):
    """Starts further servers: start('--max-queue', '1')."""
    running = []

    def run(*arguments, **options):
        folder = tmp_path / f'server{len(running)}'
        folder.mkdir()
        running.append(Server(folder, *arguments, **options).start())
        return running[-1]

    yield run
    for s in running:
        s.stop()


@pytest.fixture(scope='session')
def picture():
    return pictures.png()


@pytest.fixture(scope='session')
def done(server, picture):
    """An image that was uploaded with everything found that can be (thresholds near nothing), so that there are detections to look at."""
    return server.done(picture, name='street.png', face_threshold=0.02, license_plate_threshold=0.02, person_threshold=0.02, vehicle_threshold=0.02)


@pytest.fixture(scope='session')
def photographs():
    """Real photographs beside the checkout; not part of the project."""
    folder = pathlib.Path(os.environ.get('OBSCURA_SHARED', TOP.parent / 'shared')) / 'data' / 'media'
    found = sorted(p for p in folder.rglob('*') if p.suffix.lower() in ('.jpg', '.jpeg', '.png')) if folder.is_dir() else []
    if not found:
        pytest.skip(f'no photographs at {folder}')
    return sorted(found, key=lambda p: p.stat().st_size)
