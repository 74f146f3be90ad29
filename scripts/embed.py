#!/usr/bin/env python3
"""Writes a C file that holds the given files as struct embedded (src/api/embedded.h): embed.py OUT.c FILE..."""
import hashlib
import pathlib
import re
import sys


def definition(path: pathlib.Path) -> str:
    data = path.read_bytes()
    name = re.sub(r"\W", "_", path.name)
    rows = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    body = ",\n".join(rows)
    digest = hashlib.sha256(data).hexdigest()[:24]
    return (f"static const unsigned char {name}[] = {{\n{body}\n}};\n"
            f"const struct embedded embedded_{name} = {{{name}, sizeof {name}, \"{digest}\"}};\n")


out, *files = map(pathlib.Path, sys.argv[1:])
out.write_text('/* Made by scripts/embed.py. */\n#include "api/embedded.h"\n\n' + "\n".join(map(definition, files)))
