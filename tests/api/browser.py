"""A real browser for tests: headless Chromium driven over the WebDriver protocol by chromedriver, both from Debian."""
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

DRIVER, CHROMIUM = shutil.which('chromedriver'), shutil.which('chromium')
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'     # the protocol's own name for a reference to an element
FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--window-size=1200,1000']


def available():
    return bool(DRIVER and CHROMIUM)


class Browser:
    """Use as a context manager."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.driver = subprocess.Popen([DRIVER, '--port=0'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.driver.stdout:
            found = re.search(r'started successfully on port (\d+)', line)
            if found:
                break
        self.base = f'http://127.0.0.1:{found[1]}/session'
        options = {'binary': CHROMIUM, 'args': [*FLAGS, f'--user-data-dir={self.folder}/profile']}
        wanted = {'goog:chromeOptions': options, 'goog:loggingPrefs': {'browser': 'ALL'}}
        self.base += '/' + self.call('POST', '', {'capabilities': {'alwaysMatch': wanted}})['sessionId']
        return self

    def __exit__(self, *_):
        try:
            self.call('DELETE', '')
        finally:
            self.driver.terminate()
            self.driver.wait()

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == 'POST' else None
        request = urllib.request.Request(self.base + path, data, {'Content-Type': 'application/json'}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as e:
            raise AssertionError(e.read().decode()) from None

    def open(self, url):
        self.call('POST', '/url', {'url': url})

    def element(self, selector):
        return self.call('POST', '/element', {'using': 'css selector', 'value': selector})[ELEMENT]

    def choose_file(self, selector, path):
        self.call('POST', f'/element/{self.element(selector)}/value', {'text': str(path)})

    def click(self, selector):
        self.call('POST', f'/element/{self.element(selector)}/click')

    def command(self, name, **parameters):
        """One of Chromium's own protocol."""
        self.call('POST', '/goog/cdp/execute', {'cmd': name, 'params': parameters})

    def set_upload_rate(self, bytes_per_second):
        """-1: as fast as it goes."""
        self.command('Network.enable')
        self.command('Network.emulateNetworkConditions', offline=False, latency=0, downloadThroughput=-1, uploadThroughput=bytes_per_second)

    def set_width(self, width):
        """Of the page, px; 0: the window's again."""
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=1000 if width else 0, deviceScaleFactor=0, mobile=False)

    def evaluate(self, script):
        return self.call('POST', '/execute/sync', {'script': f'return {script}', 'args': []})

    def wait(self, script, seconds=60):
        """Until a script's value is true; returns it."""
        until = time.monotonic() + seconds
        while True:
            value = self.evaluate(script)
            if value:
                return value
            assert time.monotonic() < until, f'never came true: {script}'
            time.sleep(0.05)

    def complaints(self):
        """What the console has had to say since the last call."""
        return [entry['message'] for entry in self.call('POST', '/se/log', {'type': 'browser'})]
