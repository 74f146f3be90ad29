"""The OpenAPI document itself; that every answer of the suite follows it is checked by contract.py as the answers come."""
import urllib.parse

import pytest

import contract


def test_document_is_well_formed():
    operations = [operation['operationId'] for item in contract.DOCUMENT['paths'].values() for operation in item.values()]
    assert len(set(operations)) == len(operations)
    for path, item in contract.DOCUMENT['paths'].items():
        for method, operation in item.items():
            declared = {p['name'] for p in operation.get('parameters', []) if p['in'] == 'path'}
            assert declared == ({'id'} if '{id}' in path else set()), path
            assert operation['summary'] and operation['tags'] and operation['responses']
    contract.validator({}).check_schema({'$defs': contract.DOCUMENT['components']['schemas']})


def test_references_lead_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if '$ref' in node:
                assert node['$ref'].split('/')[-1] in contract.DOCUMENT['components']['schemas'], node
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(contract.DOCUMENT)


def test_urls_that_may_lead_nowhere_are_documented(server, picture):
    """With the least that an upload can keep, exactly those URLs answer 422 whose description says so."""
    answer = server.done(picture, method='detect', save_mask='none')
    for name, value in contract.DOCUMENT['components']['schemas']['ImageUpload']['properties'].items():
        if name.endswith('_url'):
            status = server.get(urllib.parse.urlsplit(answer[name]).path).status
            assert (status == 422) == ('422' in value.get('description', '')) and status in (200, 422), name


def test_everything_documented_was_exercised(request):
    """Runs last (conftest.py)."""
    if not request.session.whole_suite:
        pytest.skip('only a part of the suite runs')
    assert contract.unseen() == []
