"""The page for trying uploads and the API page, used in a real browser."""
import base64
import http.client
import http.server
import json
import subprocess
import threading
import time
import urllib.request

import pytest

import browser
import pictures

STATE = 'document.getElementById("state")'
DONE = f'{STATE}.textContent.startsWith("Done in ") && {STATE}.textContent'
SHOWN = '[...document.querySelectorAll("figure > *:first-child")].map(v => [v.tagName, v.naturalWidth || v.videoWidth])'


@pytest.fixture(scope='module')
def chromium(tmp_path_factory):
    if not browser.available():
        pytest.skip('no chromium or chromedriver here')
    with browser.Browser(tmp_path_factory.mktemp('browser')) as b:
        yield b


@pytest.fixture
def page(chromium, empty):
    chromium.open(f'http://127.0.0.1:{empty.port}/')
    chromium.complaints()
    return chromium


def test_a_picture_is_sent_shown_and_deleted(page, empty, tmp_path):
    path = tmp_path / 'street.png'
    path.write_bytes(pictures.png(320, 240))
    page.choose_file('#file', path)
    page.wait(DONE)
    page.wait(f'{SHOWN}.length == 3 && {SHOWN}.every(v => v[0] == "IMG" && v[1] == 320)')
    assert '"detections"' in page.wait('document.querySelector("pre") && document.querySelector("pre").textContent')
    page.click('#forget')
    page.wait(f'{STATE}.textContent == "Deleted."')
    assert empty.tasks() == [] and empty.files() == []
    assert page.complaints() == []


def test_other_settings_replace_what_was_there(page, empty, tmp_path):
    path = tmp_path / 'street.png'
    path.write_bytes(pictures.png(320, 240))
    page.choose_file('#file', path)
    page.wait(DONE)
    page.click('[name=vehicle]')
    page.wait(f'{DONE} && {SHOWN}.length == 3 && {SHOWN}.every(v => v[1] == 320)')
    tasks = empty.tasks()
    assert len(tasks) == 1 and tasks[0]['parameters']['vehicle'] is False and tasks[0]['parameters']['person'] is True


@pytest.fixture
def prefixed(empty):
    """The server behind a proxy that serves it under /some/where/; the address there."""
    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self):
            body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
            if not self.path.startswith('/some/where/'):
                return self.send_error(404)
            client = http.client.HTTPConnection('127.0.0.1', empty.port, timeout=60)
            client.request(self.command, self.path[len('/some/where'):], body, {k: v for k, v in self.headers.items() if k.lower() != 'connection'})
            answer = client.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            for name in ('Content-Type', 'Content-Security-Policy'):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            client.close()

        do_GET = do_POST = do_DELETE = forward

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{proxy.server_port}/some/where/'
        proxy.shutdown()


def test_behind_a_proxy_under_a_path(chromium, prefixed, empty, tmp_path):
    path = tmp_path / 'street.png'
    path.write_bytes(pictures.png(320, 240))
    chromium.open(prefixed)
    chromium.complaints()
    chromium.choose_file('#file', path)
    chromium.wait(DONE)
    chromium.wait(f'{SHOWN}.length == 3 && {SHOWN}.every(v => v[1] == 320) && document.querySelector("pre")')
    chromium.click('#forget')
    chromium.wait(f'{STATE}.textContent == "Deleted."')
    assert empty.tasks() == []
    for address in ('docs', 'docs/'):
        chromium.open(prefixed + address)
        chromium.wait('document.querySelectorAll("section").length > 5')
        assert prefixed + 'v1/file' in chromium.evaluate('document.querySelector("section pre").textContent')
        assert chromium.evaluate('[...document.querySelectorAll("main > p > a")].map(a => a.href)') == [prefixed + 'openapi.json', prefixed]
    assert chromium.complaints() == []


def test_no_type_at_all_is_said_in_red(page, tmp_path):
    path = tmp_path / 'street.png'
    path.write_bytes(pictures.png(64, 48))
    for name in ('face', 'license-plate', 'person', 'vehicle'):
        page.click(f'[name={name}]')
    page.choose_file('#file', path)
    assert page.wait(f'{STATE}.className == "bad" && {STATE}.textContent').endswith(', but: no type is true: nothing is anonymized')


def test_a_video_plays(page, tmp_path):
    path = tmp_path / 'street.mp4'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25', '-frames:v', '50', '-c:v', 'libx264',
                    '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', path], check=True)
    page.choose_file('#file', path)
    page.wait(DONE)
    page.wait(f'{SHOWN}.length == 1 && {SHOWN}[0][0] == "VIDEO" && {SHOWN}[0][1] == 160')
    address = page.evaluate('[...document.querySelectorAll("#results a")].map(a => a.href).find(a => a.endsWith("/video/metadata"))')
    assert json.load(urllib.request.urlopen(address))
    assert page.complaints() == []


def test_a_video_that_the_browser_cannot_play_can_be_downloaded(page, tmp_path):
    path = tmp_path / 'street.mp4'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25', '-f', 'lavfi', '-i', 'sine', '-frames:v', '10', '-shortest', '-c:v', 'libx265',
                    '-x265-params', 'log-level=error', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', path], check=True)
    page.choose_file('#file', path)
    page.wait(DONE)
    page.wait('document.querySelector("figure .bad") || document.querySelector("video").videoWidth')
    if page.evaluate('document.querySelector("video").videoWidth'):
        pytest.skip('this browser plays HEVC')
    assert page.evaluate('document.querySelector("figure .bad").textContent').endswith('the link downloads it.')
    assert page.evaluate('document.querySelector("video").offsetHeight') == 0
    page.complaints()


@pytest.fixture
def slow(page, tmp_path):
    """A picture that takes half a minute to send."""
    page.set_upload_rate(100_000)
    path = tmp_path / 'slow.png'
    path.write_bytes(pictures.png(320, 240) + bytes(3_000_000))
    page.choose_file('#file', path)
    page.wait(f'{STATE}.textContent.startsWith("Sending slow.png") && document.getElementById("progress").value > 0')
    yield page
    page.set_upload_rate(-1)
    page.complaints()


def nothing_is_left(server, ids=()):
    until = time.monotonic() + 10
    while [f for f in server.files() if not any(i in f for i in ids)] and time.monotonic() < until:
        time.sleep(0.05)
    return [r['id'] for r in server.tasks()] == list(ids) and not [f for f in server.files() if not any(i in f for i in ids)]


def test_sending_can_be_cancelled(slow, empty):
    slow.click('#forget')
    slow.wait(f'{STATE}.textContent == "Cancelled." && document.getElementById("forget").hidden')
    assert nothing_is_left(empty)


def test_another_file_ends_the_sending_of_the_first(slow, empty, tmp_path):
    path = tmp_path / 'quick.png'
    path.write_bytes(pictures.png(320, 240))
    broken_off = empty.log.read_text().count('the request was not completed')
    slow.choose_file('#file', path)
    slow.wait(DONE)
    task, = empty.tasks()
    assert task['filename'] == 'quick.png' and nothing_is_left(empty, [task['id']])
    assert empty.log.read_text().count('the request was not completed') == broken_off + 1


def test_files_dropped_beside_the_box(page, empty):
    data = base64.b64encode(pictures.png(64, 48)).decode()
    assert page.evaluate(f'''(() => {{
        const files = new DataTransfer(), bytes = Uint8Array.from(atob("{data}"), c => c.charCodeAt(0));
        for (const name of ["one.png", "two.png", "three.png"]) files.items.add(new File([bytes], name));
        const event = new DragEvent("drop", {{ dataTransfer: files, bubbles: true, cancelable: true }});
        document.querySelector("h1").dispatchEvent(event);
        return event.defaultPrevented;
    }})()''')
    assert page.wait(f'{STATE}.className == "bad" && {STATE}.textContent').endswith(', but: only the first of 3 files was taken')
    assert [t['filename'] for t in empty.tasks()] == ['one.png']


def test_warnings_are_those_of_the_finished_task(page, tmp_path):
    path = tmp_path / 'street.png'
    path.write_bytes(pictures.png(320, 240))
    page.evaluate('void (query = () => new URLSearchParams({ format: "pano:4096" }))')
    page.choose_file('#file', path)
    assert 'pano' in page.wait(f'{STATE}.className == "bad" && {STATE}.textContent')


def test_what_is_no_picture_is_said_to_be_none(page, tmp_path):
    path = tmp_path / 'notes.txt'
    path.write_text('no picture')
    page.choose_file('#file', path)
    text = page.wait(f'{STATE}.className == "bad" && {STATE}.textContent')
    assert text.startswith('422: ')


def test_the_api_page_shows_every_operation(chromium, server):
    chromium.complaints()
    chromium.open(f'http://127.0.0.1:{server.port}/docs')
    count = sum(len([m for m in methods if m in ('get', 'post', 'delete')]) for methods in server.get('/openapi.json').json()['paths'].values())
    chromium.wait(f'document.querySelectorAll("nav a[href^=\\"#\\"]").length >= {count}')
    assert chromium.complaints() == []


@pytest.mark.parametrize('address', ['docs', ''])
def test_pages_fit_a_narrow_screen(chromium, server, address):
    chromium.set_width(400)
    try:
        chromium.open(f'http://127.0.0.1:{server.port}/{address}')
        chromium.wait('document.querySelectorAll("section, fieldset").length > 0')
        assert chromium.evaluate('innerWidth == 400 && document.documentElement.scrollWidth <= 400')
    finally:
        chromium.set_width(0)
