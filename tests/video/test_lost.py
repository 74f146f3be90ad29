"""Parts of a video that were lost: what the decoder has nothing for shows nothing of another picture, least of all of one before redaction."""
import json
import re
import subprocess

import pytest

import clips

SIZE = (128, 128)
LOST = range(58, 70)     # frames; the ones before wait to be redacted for as long as the tracker may need, then their memory is used again
# Bright until frame 55, dark from then on.
CHANGES = ['-f', 'lavfi', '-i', f'color=0xe0e0e0:size={SIZE[0]}x{SIZE[1]}:rate=25,trim=end_frame=55[a];color=0x101010:size={SIZE[0]}x{SIZE[1]}:rate=25,trim=end_frame=25[b];[a][b]concat']


def without_slices(data, lost):
    """An HEVC stream without the second half of the slices of some frames."""
    units = re.split(b'\0\0\0\1|\0\0\1', data)[1:]
    kept, frame, piece, count = b'', -1, 0, 0
    for unit in units:
        if unit[0] >> 1 & 63 < 32:
            frame, piece = (frame + 1, 0) if unit[2] & 0x80 else (frame, piece + 1)
            if frame in lost and piece >= 2:
                count += 1
                continue
        kept += b'\0\0\0\1' + unit
    assert count >= len(lost)
    return kept


def without_ends(data, lost):
    """Motion JPEG of which some pictures are cut short."""
    pictures = data.split(b'\xff\xd8\xff')[1:]
    return b''.join(b'\xff\xd8\xff' + (p[:len(p) * 3 // 4] + b'\xff\xd9' if i in lost else p) for i, p in enumerate(pictures))


def brightest(path):
    """Of each frame, the brightest sample of luma."""
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], check=True, timeout=60, capture_output=True).stdout
    size = SIZE[0] * SIZE[1]
    return [max(out[i:i + size]) for i in range(0, len(out), size)]


KINDS = {
    'hevc': ('hevc', '-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:slices=4:ctu=16:keyint=1', 'mp4', without_slices),
    'hevc10': ('hevc', '-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none:slices=4:ctu=16:keyint=1', 'mp4', without_slices),
    'mjpeg': ('mjpeg', '-c:v mjpeg -pix_fmt yuvj420p -vf noise=alls=4', 'avi', without_ends),
}


@pytest.mark.parametrize('threads', [1, 2])
@pytest.mark.parametrize('name', KINDS)
def test_nothing_of_older_pictures_shows(name, threads, tmp_path):
    raw, options, container, cut = KINDS[name]
    whole, part, path = tmp_path / f'whole.{raw}', tmp_path / f'part.{raw}', tmp_path / f'in.{container}'
    clips.ffmpeg(*CHANGES, *options.split(), whole)
    part.write_bytes(cut(whole.read_bytes(), LOST))
    clips.ffmpeg('-framerate', 25, '-i', part, '-c', 'copy', path)
    output = clips.run(path, tmp_path, types='face', threads=threads)[0]
    found = brightest(output)
    assert len(found) == 80 and min(found[:50]) > 200
    assert max(found[58:]) < 150, found[58:]


@pytest.mark.parametrize('threads', [1, 3])
@pytest.mark.parametrize('codec', ['libx265 -preset ultrafast -x265-params log-level=none:slices=4:ctu=16', 'libx264 -preset ultrafast', 'mpeg2video'])
def test_frames_that_lost_packets_are_redacted_whole(codec, threads, tmp_path):
    """Of a transport stream; HEVC's decoder does not say that a slice was not there."""
    whole, path = tmp_path / 'whole.ts', tmp_path / 'in.ts'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x256:rate=25', '-c:v', *codec.split(), '-pix_fmt', 'yuv420p', '-g', 25, '-t', 2, whole)
    data = whole.read_bytes()
    middle = len(data) // 2 // 188 * 188
    path.write_bytes(data[:middle] + data[middle + 3 * 188:])
    _, result, _, warnings = clips.run(path, tmp_path, types='face', threads=threads)
    frames = [json.loads(line) for line in result.read_text().splitlines()[:-1]]
    redacted = [f['frame'] for f in frames if f.get('whole')]
    assert 1 <= len(redacted) <= 6 and 4 < min(redacted) <= max(redacted) < 40, redacted
    assert any('damaged' in w for w in warnings), warnings
