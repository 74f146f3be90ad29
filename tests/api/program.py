"""The real program on a free port with folders of its own, and a small client for it."""
import copy
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid

import contract

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get('OBSCURA_BUILD', TOP / 'build')) / 'obscura'
ALL_TYPES = ['-a', 'face', '-a', 'license-plate', '-a', 'person', '-a', 'vehicle']


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json()['detail']

    def __repr__(self):
        return f'<{self.status} {dict(self.headers)} {self.body[:300]!r}>'


def multipart(parts, boundary=None):
    """(body, content type) of parts (name, filename or None, bytes)."""
    boundary = boundary or uuid.uuid4().hex
    body = b''
    for name, filename, data in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else '')
        body += f'--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n'.encode() + data + b'\r\n'
    return body + f'--{boundary}--\r\n'.encode(), f'multipart/form-data; boundary={boundary}'


class Server:
    """obscura as a child process. Use as a context manager."""

    def __init__(self, folder, *arguments, types=ALL_TYPES):
        self.folder = pathlib.Path(folder)
        self.log = self.folder / 'log'
        self.input, self.output = self.folder / 'input', self.folder / 'output'
        self.database = self.folder / 'tasks.db'
        self.command = [str(PROGRAM), '--host', '127.0.0.1', '--port', '0', '--input', str(self.input), '--output', str(self.output),
                        '--database', str(self.database), '--disk-reserve', '1M', '--workers', '1', *types, *arguments]
        self.process = self.connection = None
        self.port = 0

    def start(self):
        with open(self.log, 'ab') as log:
            offset = log.tell()
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            ended = self.process.poll()
            text = self.log.read_bytes()[offset:].decode(errors='replace')
            found = re.search(r'listening on http://[\d.]+:(\d+)', text)
            if found:
                self.port = int(found[1])
                return self
            assert ended is None, f'the program ended with {ended}: {text}'
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f'the program does not listen: {text}')

    def stop(self):
        self.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f'the program did not stop: {self.log.read_text(errors="replace")[-2000:]}') from None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def twin(self):
        """The same server with a connection of its own, for another thread; the caller ends it with close()."""
        other = copy.copy(self)
        other.connection = None
        return other

    # --- requests ---

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None, fresh=False):
        """Sends one request over a connection that is kept, and checks the answer against the OpenAPI document."""
        if fresh:
            self.close()
        for attempt in (0, 1):
            if not self.connection:
                self.connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
            try:
                self.connection.request(method, path, body=body, headers=headers or {})
                raw = self.connection.getresponse()
                response = Response(raw.status, raw.headers, raw.read())
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()    # a kept connection may have been closed meanwhile
                if attempt:
                    raise
        if response.headers.get('Connection') == 'close':
            self.close()
        contract.check(method, path, response)
        return response

    def get(self, path, **headers):
        return self.request('GET', path, headers={name.replace('_', '-'): value for name, value in headers.items()})

    def head(self, path):
        return self.request('HEAD', path)

    def delete(self, path):
        return self.request('DELETE', path)

    def upload(self, data, query='', name='picture.jpg', headers=None, **parameters):
        """POST /v1/file; parameters with _ for - ."""
        if parameters:
            query = urllib.parse.urlencode({k.replace('_', '-'): v for k, v in parameters.items()})
        body, content_type = multipart([('fileobject', name, data)])
        return self.request('POST', '/v1/file' + ('?' + query if query else ''), body, {'Content-Type': content_type, **(headers or {})})

    def done(self, data, query='', **parameters):
        """Uploads, expects success, returns the answer's JSON."""
        response = self.upload(data, query, **parameters)
        assert response.status == 200, response
        return response.json()

    def wait(self, task, seconds=60):
        """The record of a task once it has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            record = self.get(f'/v1/task/{task}').json()
            if record['status'] not in ('queued', 'processing'):
                return record
            time.sleep(0.03)
        raise AssertionError(f'the task does not end: {record}')

    def raw(self, data, seconds=10, shut=False):
        """Sends bytes, returns everything that comes back until the server closes or falls silent."""
        answer = b''
        with socket.create_connection(('127.0.0.1', self.port), timeout=seconds) as s:
            try:
                s.sendall(data)
                if shut:
                    s.shutdown(socket.SHUT_WR)
                while piece := s.recv(65536):
                    answer += piece
            except (TimeoutError, ConnectionResetError, BrokenPipeError):
                pass
        return answer

    def files(self):
        """Names of all files that uploads and results left."""
        return sorted(p.name for folder in (self.input, self.output) if folder.exists() for p in folder.rglob('*') if p.is_file() and p.name != '.task-store')

    def tasks(self):
        return self.get('/v1/task/list').json()
