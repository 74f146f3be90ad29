"""Checks every answer that the suite receives against docs/api/openapi.json, and remembers which operations and statuses came."""
import json
import pathlib
import re

import jsonschema

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((TOP / 'docs' / 'api' / 'openapi.json').read_text())

# Any resource may answer these: they come from the listener, before the resource is known (see info.description).
ANYWHERE = {400, 404, 405, 413, 414, 431}
ALIASES = [('/anonymized', '/anonymised'), ('/v1/task/lists', '/v1/task/list')]

seen = set()    # (method, template, status)


def template_of(path):
    """The document's path for a request's path, None where it has none."""
    path = path.split('?')[0]
    path = path.rstrip('/') or '/'
    for alias, name in ALIASES:
        if path.endswith(alias):
            path = path[:-len(alias)] + name
    if path in DOCUMENT['paths']:
        return path
    for template in DOCUMENT['paths']:
        if re.fullmatch(re.sub(r'\{\w+\}', '[^/]+', template), path):
            return template
    return None


def validator(schema):
    return jsonschema.Draft202012Validator({**schema, 'components': DOCUMENT['components']})


def check_json(body, schema):
    errors = [f'{"/".join(map(str, e.absolute_path))}: {e.message}' for e in validator(schema).iter_errors(json.loads(body))]
    assert not errors, errors


def check(method, path, response):
    """Fails where the answer is not one that the document promises."""
    error = {'$ref': '#/components/schemas/Error'}
    template = template_of(path)
    operation = DOCUMENT['paths'].get(template, {}).get('get' if method == 'HEAD' else method.lower())
    promised = operation and operation['responses'].get(str(response.status))
    assert response.headers.get('X-Content-Type-Options') == 'nosniff' or response.headers.get('Connection') == 'close', response
    if not promised:
        assert response.status in ANYWHERE, f'{method} {path}: status {response.status} is not documented: {response.body[:300]}'
        content = {'application/json': {'schema': error}}
    else:
        seen.add((method.lower() if method != 'HEAD' else 'get', template, response.status))
        content = promised.get('content', {})
        for name in promised.get('headers', {}):
            assert name in response.headers, f'{method} {path}: header {name} is missing'
    if method == 'HEAD':
        assert response.body == b''
        return
    if not content:
        assert response.body == b''
        return
    kind = response.headers['Content-Type'].split(';')[0]
    assert kind in content, f'{method} {path}: content type {kind} is not documented'
    if kind == 'application/json' and response.status != 206:
        check_json(response.body, content[kind]['schema'])


def unseen():
    """Operations and statuses of the document that no answer had; those of a PostgreSQL that is away, tests/crash/test_postgres.py asks for."""
    promised = {(method, path, int(status)) for path, item in DOCUMENT['paths'].items() for method, operation in item.items() for status in operation['responses']}
    away = {(method, path, 503) for method, path, status in promised if status == 500}
    return sorted(promised - away - seen)
