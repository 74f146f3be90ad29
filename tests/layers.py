#!/usr/bin/env python3
"""Walks the includes of src/ and fails where a room includes one that stands above it, or where a library's header appears outside its room.

The order and the rooms' rights are those of docs/ARCHITECTURE.md.
"""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / 'src'

# room -> rooms it may include besides itself and base. `config` stands for src/config.h.
MAY = {
    'base': [],
    'config': [],
    'media': [],
    'infer': [],
    'detect': ['media', 'infer'],
    'track': ['detect'],
    'redact': ['media', 'detect'],
    'pipeline': ['media', 'detect', 'track', 'redact'],
    'task': [],
    'artefact': [],
    'webhook': ['task', 'config'],
    'worker': ['config', 'task', 'artefact', 'pipeline', 'media', 'detect'],
    'http': [],
    'api': ['config', 'http', 'task', 'artefact', 'webhook', 'pipeline', 'media', 'detect', 'redact'],
    'quantize': ['infer', 'media'],
    'main': ['config', 'infer', 'worker', 'api', 'webhook', 'task', 'artefact'],
}

# header pattern -> where it may appear
LIBRARIES = {
    r'libav|libsw': r'^media/',
    r'dnnl': r'^infer/engine_onednn',
    r'microhttpd': r'^http/',
    r'gnutls': r'^base/sha256',
    r'curl/': r'^(webhook|artefact)/',
    r'sqlite3': r'^task/store_sqlite',
    r'libpq': r'^task/store_postgres',
    r'spng|jpeglib|libyuv': r'^media/',
    r'seccomp|linux/landlock': r'^worker/',
    r'protobuf-c|onnx\.pb': r'^(infer|quantize)/',
}


def room_of(path):
    parts = path.split('/')
    if len(parts) > 1:
        return parts[0]
    return 'config' if parts[0].startswith('config') else 'main'


def violations():
    for file in sorted(SRC.rglob('*.[ch]')):
        name = file.relative_to(SRC).as_posix()
        room = room_of(name)
        if room not in MAY:
            yield f'{name}: room {room} is not in the list'
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if own and (SRC / own[1]).exists():
                target = room_of(own[1])
                if target not in [room, 'base', *MAY[room]]:
                    yield f'{name}:{number}: {room}/ may not include {own[1]}'
            foreign = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            for pattern, where in LIBRARIES.items():
                if foreign and re.match(pattern, foreign[1]) and not re.match(where, name):
                    yield f'{name}:{number}: {foreign[1]} belongs into {where}'


found = list(violations())
print('\n'.join(found) or f'includes of {len(list(SRC.rglob("*.[ch]")))} files point downwards')
sys.exit(bool(found))
