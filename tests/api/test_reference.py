"""A walk through the reference, section by section, with the names and examples it prints. docs/REFERENCE.md says which line is checked where."""
import json
import re
import shutil
import subprocess
import time

import pytest

import pictures
from program import TOP

TABLE = TOP / 'docs' / 'REFERENCE.md'


def curl(*arguments, folder=None):
    """Runs curl as the reference prints it. Returns its output."""
    return subprocess.run(['curl', '-s', '-S', *arguments], check=True, capture_output=True, cwd=folder, timeout=120).stdout


@pytest.fixture
def base(server):
    return f'http://127.0.0.1:{server.port}'


@pytest.fixture
def original(tmp_path):
    path = tmp_path / 'original-image.jpg'
    path.write_bytes(pictures.jpeg(400, 300))
    return path


def body_of(answer):
    return json.loads(answer.partition(b'\r\n\r\n')[2])


# --- Start the Container in REST API mode ---

def test_start_command(tmp_path):
    """celantur.sh with the reference's own arguments (on another port and with folders of its own, for tests run side by side)."""
    arguments = '--api --api-endpoint http://localhost:7000/ -a face -a license-plate -a person -a vehicle --format whole --save-mask all'.split()
    extra = ['--port', '0', '--input', str(tmp_path / 'in'), '--output', str(tmp_path / 'out'), '--database', str(tmp_path / 'db')]
    script = TOP / 'celantur.sh'
    if not script.exists():
        pytest.skip('celantur.sh is not there yet')
    log = tmp_path / 'log'
    with open(log, 'wb') as f:
        process = subprocess.Popen(['bash', str(script), *arguments, *extra], stdout=f, stderr=f, stdin=subprocess.DEVNULL, cwd=TOP)
    try:
        until = time.monotonic() + 60
        while not (found := re.search(r'listening on (http://\S+:\d+)', log.read_text(errors='replace'))) and time.monotonic() < until:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        path = tmp_path / 'a.png'
        path.write_bytes(pictures.png(64, 48))
        answer = json.loads(curl('-X', 'POST', found[1] + '/v1/file', '-F', f'fileobject=@{path}'))
        assert answer['anonymised_url'] == f'http://localhost:7000/v1/file/{answer["id"]}/anonymised', 'one slash between base and path'
        parameters = json.loads(curl(found[1] + f'/v1/task/{answer["id"]}'))['parameters']
        assert parameters['format'] == 'whole' and all(parameters[t] for t in ('face', 'license-plate', 'person', 'vehicle'))
    finally:
        process.terminate()
        process.wait(60)


# --- Synchronous and asynchronous processing ---

def test_synchronous_processing(server, picture):
    task = server.done(picture)['id']
    for resource in ('anonymised', 'binary-mask', 'instance-mask', 'metadata'):
        assert server.get(f'/v1/file/{task}/{resource}').status == 200


def test_asynchronous_processing(server, picture):
    task = server.upload(picture, headers={'x-is-async': 'true'}).json()['id']
    until = time.monotonic() + 60
    while next(t for t in server.tasks() if t['id'] == task)['status'] != 'done' and time.monotonic() < until:
        time.sleep(0.05)
    assert server.get(f'/v1/file/{task}/anonymised').status == 200
    assert server.delete(f'/v1/task/{task}').status == 200
    assert server.get(f'/v1/file/{task}/anonymised').status == 404


def test_webhook_parameters_by_both_names(server, picture):
    for prefix in ('webhook', 'web'):
        answer = server.upload(picture, **{'webhook': 'http://receiver.invalid:9/hook', f'{prefix}_auth_header_name': 'X-Key', f'{prefix}_auth_header_value': 'v'})
        assert answer.status == 200 and 'warnings' not in answer.json()


# --- Upload file ---

@pytest.mark.parametrize('parameter', ['method=blur', 'method=pixelate', 'method=blacken', 'method=detect', 'debug=true', 'debug=true&score=true', 'face=true', 'license-plate=true', 'person=true',
                                       'vehicle=true', 'bbox=true', 'format={"number": [2,2], "overlap": [0, 0]}', 'ignores=[{"topLeftX": 182,"topLeftY": 154,"width":2000,"height":2000}]',
                                       'face-threshold=0.5', 'segmentation-threshold=0.4', 'vehicle-threshold=0.4', 'person-threshold=0.4', 'license-plate-threshold=0.5',
                                       'no-object-tracking=true', 'keep-bit-rate=true', 'webhook=http%3A%2F%2Freceiver.invalid%3A9%2F'])
def test_query_parameters(server, picture, parameter):
    name, _, value = parameter.partition('=')
    answer = server.upload(picture, parameter.replace(' ', '%20').replace('"', '%22'))
    assert answer.status == 200 and 'warnings' not in answer.json()


def test_defaults(server, picture):
    got = server.get(f'/v1/task/{server.done(picture)["id"]}').json()['parameters']
    assert got['method'] == 'blur' and got['format'] == 'whole' and got['ignores'] in ('', '[]')
    assert (got['face-threshold'], got['license-plate-threshold'], got['person-threshold'], got['vehicle-threshold']) == (0.5, 0.5, 0.4, 0.4)
    assert got['keep-bit-rate'] is False and got['no-object-tracking'] is False


def test_upload_response(server):
    answer = server.done(pictures.jpeg())
    base = f'http://127.0.0.1:{server.port}/v1/file/{answer["id"]}'
    assert answer['content_type'] == 'image/jpeg' and re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', answer['id'])
    assert [answer[k] for k in ('metadata_url', 'binary_mask_url', 'instance_mask_url', 'anonymised_url')] == [
        f'{base}/{r}' for r in ('metadata', 'binary-mask', 'instance-mask', 'anonymised')]


def test_upload_422(server, picture):
    assert list(server.upload(picture, 'method=erase').json()) == ['detail']


# --- Downloads ---

def test_download_parameters(server, done):
    path = f'/v1/file/{done["id"]}/anonymised'
    assert server.get(path + '?download=JPEG').headers['Content-Type'] == 'image/jpeg'
    assert server.get(path + '?download=PNG').headers['Content-Type'] == 'image/png'
    assert server.get(path + '?download=JPEG').body == server.get(path + '?download=JPEG&quality=90').body, '90 is the default'
    assert server.get(path + '?download=PNG').body == server.get(path + '?download=PNG&compress-level=5').body, '5 is the default'
    for wrong in ('download=BMP', 'quality=0', 'quality=101', 'compress-level=10'):
        assert server.get(f'{path}?{wrong}').status == 422
    for right in ('quality=1', 'quality=100', 'compress-level=0', 'compress-level=9'):
        assert server.get(f'{path}?{right}').status == 200


@pytest.mark.parametrize('resource', ['binary-mask', 'instance-mask'])
def test_mask_parameters(server, done, resource):
    path = f'/v1/file/{done["id"]}/{resource}'
    whole = server.get(path)
    assert whole.headers['Content-Type'] == 'image/png'
    assert server.get(path + '?mask-scale=100').body == whole.body
    assert pictures.decode(server.get(path + '?mask-scale=50').body).size == (160, 120)
    for wrong in ('0', '101', 'x'):
        assert list(server.get(f'{path}?mask-scale={wrong}').json()) == ['detail']


def test_metadata_fields(server, done):
    metadata = server.get(f'/v1/file/{done["id"]}/metadata').json()
    assert list(metadata) == ['id', 'detections', 'size', 'duration', 'filename', 'folder']
    assert metadata['detections'], 'thresholds near nothing find something'
    for d in metadata['detections']:
        assert list(d) == ['id', 'parent_image', 'offset', 'bbox', 'type', 'score', 'is_anonymised', 'type_label', 'color']


# --- Container and task management ---

def test_status(server):
    answer = server.get('/v1/status')
    assert answer.status == 200 and re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}', answer.json()['ts'])
    assert (answer.json()['api_version'], answer.json()['status']) == ('v1', 'RUNNING')


def test_task_list_and_information(server, done):
    assert isinstance(server.tasks(), list) and done['id'] in [t['id'] for t in server.tasks()]
    answer = server.get(f'/v1/task/{done["id"]}').json()
    assert answer['result'] == 'success' and isinstance(answer['message'], str)


def test_deleting_tasks(empty, picture):
    server = empty
    one, two = server.done(picture)['id'], server.done(picture)['id']
    assert set(server.delete(f'/v1/task/{one}').json()) >= {'result', 'message'}
    assert server.delete('/v1/task/list').status == 422
    assert server.delete('/v1/task/list?confirm=true&delete-scope=only-files').json()['result'] == 'success'
    assert server.get(f'/v1/task/{two}').json()['status'] == 'deleted' and server.files() == []
    assert server.delete('/v1/task/list?confirm=true&delete-scope=task-and-files').json()['result'] == 'success'
    assert server.tasks() == []


# --- Examples, as printed but for the address and the file's path ---

def test_example_status(base):
    head, _, body = curl('-i', '-X', 'GET', f'{base}/v1/status').partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 200') and json.loads(body)['status'] == 'RUNNING'


def test_example_pixelate_faces(base, original):
    answer = body_of(curl('-i', '-X', 'POST', f'{base}/v1/file?method=pixelate&face=True', '-F', f'fileobject=@{original}'))
    assert answer['content-type'] == 'image/jpeg'
    for name in ('metadata', 'binary-mask', 'instance-mask', 'anonymised'):
        assert answer[f'{name}-url'].endswith(f'/v1/file/{answer["id"]}/{name}')


def test_example_blur_persons_with_debug_and_downloads(base, original, tmp_path):
    answer = body_of(curl('-i', '-X', 'POST', f'{base}/v1/file?method=blur&debug=True&person=True', '-F', f'fileobject=@{original}'))
    url = f'{base}/v1/file/{answer["id"]}'
    for path, file, size in (('anonymised', 'anonymised-image.jpg', (400, 300)), ('binary-mask', 'binary-mask.png', (400, 300)), ('instance-mask', 'instance-mask.png', (400, 300)),
                             ('instance-mask?mask-scale=50', 'instance-mask.png', (200, 150))):
        curl('-X', 'GET', f'{url}/{path}', '--output', str(tmp_path / file))
        assert pictures.decode((tmp_path / file).read_bytes()).size == size
    metadata = json.loads(curl('-X', 'GET', f'{url}/metadata'))
    assert metadata['filename'] == 'original-image.jpg' and metadata['folder'] is None and metadata['size'] == [300, 400]
    shutil.rmtree(tmp_path)


# --- the table ---

def test_the_table_names_tests_that_exist():
    """Each test that docs/REFERENCE.md points to exists."""
    tests = {}
    for file in TOP.glob('tests/**/test_*.py'):
        tests[file.relative_to(TOP / 'tests').as_posix()] = file.read_text()
    rows = re.findall(r'`((?:\w+/)+test_\w+\.py)::(\w+)`', TABLE.read_text())
    assert len(rows) > 60
    missing = [f'{file}::{name}' for file, name in rows if f'def {name}(' not in tests.get(file, '')]
    assert not missing, missing
