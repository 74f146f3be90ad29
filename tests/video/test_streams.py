"""What becomes of all that a video holds beside its pictures: sound, subtitles, chapters, tags, data."""
import subprocess

import pytest

import clips

SOURCE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25']
H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
LINES = [(0.2, 0.9, 'Hello'), (1.0, 1.4, 'two\nlines'), (1.6, 1.9, 'end')]


def stamp(seconds):
    return f'00:00:{int(seconds):02},{round(seconds % 1 * 1000):03}'


def write_srt(path, lines=LINES):
    path.write_text('\n'.join(f'{i}\n{stamp(a)} --> {stamp(b)}\n{text}\n' for i, (a, b, text) in enumerate(lines, 1)))
    return path


def subtitles(path, number=0):
    """Lines of a stream of subtitles: (start, end, text)."""
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-map', f'0:s:{number}', '-f', 'srt', '-'], check=True, timeout=60, capture_output=True, text=True)
    found = []
    for block in out.stdout.strip().split('\n\n'):
        _, times, *text = block.splitlines()
        start, end = (float(t.replace(',', '.').rsplit(':', 1)[1]) for t in times.split(' --> '))
        found.append((start, end, '\n'.join(text)))
    return found


def same_lines(found, want=LINES):
    assert len(found) == len(want), found
    for (a, b, text), (c, d, other) in zip(found, want):
        assert abs(a - c) < 0.05 and abs(b - d) < 0.05 and text == other, found


def hash_of(path, kind):
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-map', f'0:{kind}', '-c', 'copy', '-f', 'streamhash', '-'], check=True, timeout=60, capture_output=True)
    return out.stdout


@pytest.mark.parametrize('codec', ['srt', 'ass', 'webvtt'])
def test_subtitles_are_converted(codec, tmp_path):
    path = tmp_path / 'in.mkv'
    clips.ffmpeg(*SOURCE, '-i', write_srt(tmp_path / 'a.srt'), '-i', write_srt(tmp_path / 'b.srt', LINES[:1]), '-map', 0, '-map', 1, '-map', 2, *H264, '-c:s', codec,
                 '-metadata:s:s:0', 'language=ger', '-metadata:s:s:1', 'language=fre', '-disposition:s:1', 'forced', '-t', 2, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    found = clips.streams(output, 's')
    assert [s['codec_name'] for s in found] == ['mov_text'] * 2
    assert [s['tags']['language'] for s in found] == ['ger', 'fre']
    same_lines(subtitles(output))
    same_lines(subtitles(output, 1), LINES[:1])
    assert sum('subtitles' in w and 'converted' in w for w in warnings) == 2


def test_subtitles_of_mp4_are_copied(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, '-i', write_srt(tmp_path / 'a.srt'), *H264, '-c:s', 'mov_text', '-t', 2, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    assert hash_of(path, 's') == hash_of(output, 's')
    same_lines(subtitles(output))
    assert not warnings


def test_a_flight_log_is_dropped(tmp_path):
    """Drones write coordinates into subtitles."""
    path = tmp_path / 'in.mp4'
    log = write_srt(tmp_path / 'a.srt', [(0.1, 0.9, 'GPS (15.43, 47.07, 20)')])
    clips.ffmpeg(*SOURCE, '-i', log, *H264, '-c:s', 'mov_text', '-metadata:s:s:0', 'handler_name=DJI.Subtitle', '-t', 1, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    assert not clips.streams(output, 's') and b'47.07' not in output.read_bytes()
    assert any('flight log' in w for w in warnings)
    assert clips.streams(clips.run(path, tmp_path, types='face', data=1)[0], 's')


@pytest.mark.parametrize('container', ['mp4', 'mov', 'mkv'])
def test_chapters_are_kept(container, tmp_path):
    listed = tmp_path / 'chapters'
    listed.write_text(';FFMETADATA1\n' + ''.join(f'[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={t}\n' for a, b, t in [(0, 700, 'one'), (700, 2000, 'two')]))
    path = tmp_path / f'in.{container}'
    clips.ffmpeg(*SOURCE, '-i', listed, '-map_metadata', 1, *H264, '-t', 2, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    found = clips.probe(output, '-show_chapters')['chapters']
    assert [(round(float(c['start_time']), 2), c['tags']['title']) for c in found] == [(0, 'one'), (0.7, 'two')]
    assert abs(float(found[1]['end_time']) - 2) < 0.1
    assert not warnings
    bare = clips.run(path, tmp_path, types='face', strip=1)[0]
    assert len(clips.probe(bare, '-show_chapters')['chapters']) == 2 and b'two' not in bare.read_bytes()
    if container != 'mkv':      # QuickTime's own stream of titles is not doubled
        output = clips.run(path, tmp_path, types='face', data=1)[0]
        assert len(clips.probe(output, '-show_streams')['streams']) == len(clips.probe(path, '-show_streams')['streams'])


@pytest.mark.parametrize('container', ['mp4', 'mkv', 'ts'])
def test_all_sound_is_kept(container, tmp_path):
    path = tmp_path / f'in.{container}'
    sounds = [x for f in (440, 880, 1320) for x in ('-f', 'lavfi', '-i', f'sine=frequency={f}')]
    clips.ffmpeg(*SOURCE, *sounds, *(x for i in range(4) for x in ('-map', i)), *H264, '-c:a', 'aac', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=ger',
                 '-metadata:s:a:2', 'language=fre', '-disposition:a:0', 0, '-disposition:a:1', 'default', '-t', 1, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    before, after = clips.streams(path, 'a'), clips.streams(output, 'a')
    assert [s['tags']['language'] for s in after] == ['eng', 'ger', 'fre'] == [s['tags']['language'] for s in before]
    if container == 'mp4':
        assert [s['disposition']['default'] for s in after] == [s['disposition']['default'] for s in before]
        assert hash_of(path, 'a') == hash_of(output, 'a')
    assert not warnings


def test_where_it_was_taken_is_dropped(tmp_path):
    path = tmp_path / 'in.mov'
    place = '+47.07+015.43/'
    tags = [x for key in ('location', 'location-eng', 'com.apple.quicktime.location.ISO6709') for x in ('-metadata', f'{key}={place}')]
    clips.ffmpeg(*SOURCE, *H264, *tags, '-metadata', 'title=street', '-metadata', 'creation_time=2021-03-04T05:06:07Z', '-movflags', 'use_metadata_tags', '-t', 0.4, path)
    assert b'47.07' in path.read_bytes()
    output = clips.run(path, tmp_path, types='face')[0]
    tags = clips.probe(output, '-show_format')['format']['tags']
    assert tags['title'] == 'street' and tags['creation_time'].startswith('2021-03-04')
    assert b'47.07' not in output.read_bytes()
    output = clips.run(path, tmp_path, types='face', data=1)[0]
    assert clips.probe(output, '-show_format')['format']['tags']['location'].startswith('+47.07')


def test_telemetry_is_dropped(tmp_path):
    """A camera's stream of positions, made of a stream of subtitles by giving it the names that GoPro uses."""
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, '-i', write_srt(tmp_path / 'a.srt', [(0, 0.9, 'GPS5 47.07')]), *H264, '-c:s', 'mov_text', '-t', 1, path)
    path.write_bytes(path.read_bytes().replace(b'sbtl', b'meta').replace(b'tx3g', b'gpmd'))
    assert any(s.get('codec_tag_string') == 'gpmd' for s in clips.streams(path, 'd'))
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    assert not clips.streams(output, 'd') and b'47.07' not in output.read_bytes()
    assert any('data streams are not kept' in w for w in warnings)
    output = clips.run(path, tmp_path, types='face', data=1)[0]
    assert clips.streams(output, 'd')[0]['codec_tag_string'] == 'gpmd' and b'47.07' in output.read_bytes()


def test_data_in_a_transport_stream_is_dropped(tmp_path):
    path, data = tmp_path / 'in.ts', tmp_path / 'klv'
    data.write_bytes(b'where it was' * 30)
    clips.ffmpeg(*SOURCE, '-f', 'data', '-i', data, '-map', 0, '-map', 1, *H264, '-c:d', 'copy', '-t', 0.5, path)
    output = clips.run(path, tmp_path, types='face')[0]
    assert [s['codec_type'] for s in clips.probe(output, '-show_streams')['streams']] == ['video']
    assert b'where it was' not in output.read_bytes()


def test_the_timecode_is_kept(tmp_path):
    path = tmp_path / 'in.mov'
    clips.ffmpeg(*SOURCE, *H264, '-timecode', '01:02:03:04', '-t', 0.4, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    assert clips.streams(output, 'v')[0]['tags']['timecode'] == '01:02:03:04'
    assert not warnings


@pytest.mark.parametrize('frames', [1, 2, 3, 5])
def test_clips_shorter_than_the_encoders_delay(frames, tmp_path, monkeypatch):
    """x265 leaves decoding times of such clips as it found the memory."""
    source = tmp_path / 'in.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x192:rate=25', '-frames:v', frames, '-pix_fmt', 'yuv420p', '-c:v', 'libx265', '-x265-params', 'log-level=none', source)
    monkeypatch.setenv('MALLOC_PERTURB_', '165')
    output, *_ = clips.run(source, tmp_path, types='face')
    assert clips.times(output) == pytest.approx(clips.times(source), abs=0.0006)
    assert float(clips.streams(output, 'V')[0]['duration']) == pytest.approx(frames / 25, abs=0.001)


def test_trimmed_sound_is_left_out(tmp_path):
    """A player hides what an edit list cuts off; the file must not hold it either."""
    whole, trimmed = tmp_path / 'whole.mp4', tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', *H264, '-g', 100, '-c:a', 'aac', '-t', 4, whole)
    clips.ffmpeg('-ss', 2.3, '-i', whole, '-c', 'copy', trimmed)
    output, *_ = clips.run(trimmed, tmp_path, types='face')
    first = lambda path: float(clips.probe(path, '-show_packets', '-select_streams', 'a')['packets'][0]['pts_time'])
    assert first(trimmed) < -0.5, 'the clip is none'
    assert -0.15 < first(output) <= 0.05


def test_recordings_put_one_after_the_other_with_streams_of_their_own(tmp_path):
    first, second, both = tmp_path / '1.ts', tmp_path / '2.ts', tmp_path / 'in.ts'
    for number, path in enumerate((first, second)):
        clips.ffmpeg(*SOURCE, *H264, '-mpegts_start_pid', 0x100 + 0x20 * number, '-t', 3, path)
    both.write_bytes(first.read_bytes() + second.read_bytes())
    warnings = clips.run(both, tmp_path, types='face')[3]
    assert any('a part of the video is in another stream' in w for w in warnings), warnings
    assert not any('a part' in w for w in clips.run(first, tmp_path, types='face')[3])
