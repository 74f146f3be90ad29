"""What runs below a server, by reading /proc."""
import os
import pathlib


def _stat(pid):
    """(name, parent) or None where it is gone or a zombie."""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return None
    name, rest = text[text.index('(') + 1:text.rindex(')')], text[text.rindex(')') + 2:].split()
    return (name, int(rest[1])) if rest[0] != 'Z' else None


def name_of(pid):
    """None where it is gone."""
    stat = _stat(pid)
    return stat and stat[0]


def below(root):
    """{pid: name} of all processes below `root`: 'front', 'worker 0', 'engine 0', ..."""
    table = {int(p): s for p in os.listdir('/proc') if p.isdigit() and (s := _stat(p))}
    found, edge = {}, {root}
    while edge:
        edge = {pid for pid, (_, parent) in table.items() if parent in edge and pid not in found}
        found.update({pid: table[pid][0] for pid in edge})
    return found


def find(root, kind):
    """Process ids below `root` whose name begins with `kind`."""
    return sorted(pid for pid, name in below(root).items() if name.startswith(kind))
