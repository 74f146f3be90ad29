"""A webhook receiver on loopback that answers as it is told."""
import http.server
import json
import threading
import time


class Receiver:
    """answer(path, count) -> (status, headers) for the count-th request (from 0) to that path; may sleep."""

    def __init__(self, answer=lambda path, count: (200, {}), address='127.0.0.1', port=0):
        self.requests = []   # (path, headers, body bytes, time)
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
                with receiver.lock:
                    count = sum(path == self.path for path, *_ in receiver.requests)
                    receiver.requests.append((self.path, dict(self.headers), body, time.monotonic()))
                status, headers = answer(self.path, count)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header('Content-Length', '0')
                    self.end_headers()
                except OSError:
                    pass    # the sender did not wait

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.url = f'http://{address}:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        with self.lock:
            return [r for r in self.requests if r[0] == path]

    def wait(self, path, count=1, seconds=30):
        until = time.monotonic() + seconds
        while len(self.of(path)) < count:
            assert time.monotonic() < until, f'{path}: {len(self.of(path))} of {count} requests came'
            time.sleep(0.02)
        return self.of(path)

    def events(self):
        """{task id: set of statuses}"""
        with self.lock:
            bodies = [json.loads(body) for _, _, body, _ in self.requests]
        found = {}
        for body in bodies:
            found.setdefault(body['event']['id'], set()).add(body['event']['status'])
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
