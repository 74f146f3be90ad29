"""Damaged videos: each a clear failure or a shorter result that decodes; never a crash. OBSCURA_DAMAGED=N sets how many (the issue's 200 by `make soak`)."""
import os
import random

import pytest

import clips

COUNT = int(os.environ.get('OBSCURA_DAMAGED', '24'))
KINDS = {
    'mp4': '-c:v libx264 -preset ultrafast -g 8 -pix_fmt yuv420p -c:a aac -movflags +faststart',
    'mkv': '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus',
    'avi': '-c:v mpeg4 -q:v 3 -c:a libmp3lame',
    'ts': '-c:v libx264 -preset ultrafast -g 8 -pix_fmt yuv420p -c:a aac',
}


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    made = {}
    for kind, options in KINDS.items():
        made[kind] = folder / f'in.{kind}'
        clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440', *options.split(), '-t', '0.6', made[kind])
    return made


def damage(data, seed):
    chance = random.Random(seed)
    data = bytearray(data)
    if seed % 3 == 0:
        return bytes(data[:chance.randrange(1, len(data))])
    if seed % 3 == 1:
        for _ in range(chance.choice([1, 8, 64])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)
    at = chance.randrange(len(data))
    return bytes(data[:at] + data[at + chance.randrange(1, len(data)):])


@pytest.mark.parametrize('seed', range(COUNT))
def test_damaged(seed, whole, tmp_path):
    kind = list(KINDS)[seed % len(KINDS)]
    source = tmp_path / f'damaged.{kind}'
    source.write_bytes(damage(whole[kind].read_bytes(), seed))
    try:
        output, _, _, _ = clips.run(source, tmp_path, types='face')
    except clips.Failed as failed:
        code, text = str(failed).removeprefix('error ').split(' ', 1)
        assert int(code) in (-74, -22, -95, -27), failed     # EBADMSG, EINVAL, EOPNOTSUPP, EFBIG: the client's file is at fault
        assert len(text) > 10
        return
    assert 1 <= len(clips.times(output)) <= 40
