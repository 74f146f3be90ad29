"""State, health, metrics and the documentation pages."""
import json
import re

import contract


def test_status(server):
    answer = server.get('/v1/status').json()
    assert list(answer) == ['ts', 'api_version', 'status']
    assert answer['status'] == 'RUNNING'


def test_health(server):
    assert server.get('/health/live').json() == {'status': 'live'}
    assert server.get('/health/ready').json()['status'] == 'ready'


def test_metrics_count_tasks_and_requests(server, done):
    def figures():
        text = server.get('/metrics').body.decode()
        return {k: float(v) for k, v in re.findall(r'^(obscura\S+) (\S+)$', text, re.M)}
    first, second = figures(), figures()
    assert first['obscura_tasks{status="done"}'] >= 1
    assert second['obscura_http_requests_total'] > first['obscura_http_requests_total']


def test_the_document_is_served_as_it_is_kept(server):
    answer = server.get('/openapi.json')
    assert answer.json() == contract.DOCUMENT
    assert answer.json()['openapi'].startswith('3.1')


def test_pages_need_no_network(server):
    for path in ('/docs', '/'):
        page = server.get(path)
        text = page.body.decode()
        assert not re.search(r'(src|href)\s*=\s*["\'](https?:)?//', text)
        assert '@import' not in text
        assert "default-src 'none'" in page.headers['Content-Security-Policy']
        again = server.get(path, If_None_Match=page.headers['ETag'])
        assert again.status == 304
    assert server.get('/openapi.json', If_None_Match=server.get('/openapi.json').headers['ETag']).status == 304


def test_document_names_every_upload_parameter(server, done):
    """The task's record lists the parameters that the program knows; the document must list the same."""
    known = set(server.get(f'/v1/task/{done["id"]}').json()['parameters'])
    described = {p['name'] for p in contract.DOCUMENT['paths']['/v1/file']['post']['parameters'] if p['in'] == 'query'}
    own = {'segmentation-threshold', 'webhook', 'webhook-auth-header-name', 'webhook-auth-header-value'}
    assert described == known | own


def test_defaults_in_the_document_are_the_servers(server, picture):
    parameters = server.get(f'/v1/task/{server.done(picture)["id"]}').json()['parameters']
    for p in contract.DOCUMENT['paths']['/v1/file']['post']['parameters']:
        if p['in'] == 'query' and 'default' in p['schema'] and p['name'] != 'save-mask':
            want = p['schema']['default']
            assert parameters[p['name']] == (json.loads(want) if want in ('true', 'false') else want), p['name']
