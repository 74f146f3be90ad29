"""Videos as phones, cameras, recorders and editors leave them: nothing is lost, nothing is complained of that is not so."""
import json
import os
import pathlib
import struct
import subprocess

import pytest

import clips

DRAWN = ['-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25']
TONE = ['-f', 'lavfi', '-i', 'sine=frequency=440']
H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p'.split()
HDR = ('-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc {} -colorspace bt2020nc '
       '-x265-params log-level=none:hrd=0').split()
LIGHT = ':master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400'

# name: (file, arguments after the picture and the tone, what the warnings hold)
KINDS = {
    'phone': ('in.mov', [c.format('arib-std-b67') for c in HDR] + '-c:a aac -tag:v hvc1 -t 0.6'.split(), []),
    'hdr10': ('in.mp4', [c.format('smpte2084') for c in HDR[:-1]] + [HDR[-1] + LIGHT, '-t', '0.4'], []),
    'one-frame': ('in.mp4', [*H264, '-an', '-frames:v', '1'], []),
    'video-longer': ('in.mp4', [*H264, '-af', 'atrim=0:0.3', '-c:a', 'aac', '-t', '1'], []),
    'sound-longer': ('in.mp4', [*H264, '-vf', 'trim=0:0.4', '-c:a', 'aac', '-t', '1'], []),
    'jump': ('in.mp4', [*H264, '-an', '-vf', r'setpts=PTS+if(gt(N\,5)\,3/TB\,0)', '-vsync', 'vfr', '-t', '4'], []),
    'negative-start': ('in.mkv', [*H264, '-bf', '2', '-c:a', 'aac', '-output_ts_offset', '-0.2', '-t', '0.6'], []),
    'open-gop': ('in.ts', ['-c:v', 'libx264', '-preset', 'fast', '-x264-params', 'open-gop=1:keyint=10:bframes=3', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-t', '1'], []),
    'm2ts': ('in.ts', [*H264, '-c:a', 'ac3', '-mpegts_m2ts_mode', '1', '-t', '0.6'], []),
    'fragments': ('in.mp4', [*H264, '-c:a', 'aac', '-movflags', 'empty_moov+frag_every_frame+default_base_moof', '-t', '0.4'], []),
    'odd-size': ('in.mkv', ['-vf', 'scale=161:97', '-c:v', 'ffv1', '-pix_fmt', 'yuv420p', '-an', '-t', '0.3'], ['odd size was cut']),
    'alpha-12': ('in.mov', '-c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le -an -t 0.2'.split(), []),
    'very-fast': ('in.mp4', ['-vf', 'fps=1000', *H264, '-an', '-t', '0.05'], []),
    'very-slow': ('in.mp4', ['-vf', 'setpts=PTS*50', '-r', '0.5', *H264, '-an', '-t', '8'], []),
}


def check_times(source, output):
    before, after = clips.times(source), clips.times(output)
    shift = (before[0] - after[0]) if str(source).endswith('.ts') else 0
    assert len(before) == len(after)
    assert all(abs(a - shift - b) < 0.0006 for a, b in zip(before, after)), list(zip(before, after))


@pytest.mark.parametrize('name', KINDS)
def test_kind(name, tmp_path):
    file, arguments, warned = KINDS[name]
    path = tmp_path / file
    clips.ffmpeg(*DRAWN, *TONE, *arguments, path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    check_times(path, output)
    assert len(warnings) == len(warned) and all(w in v for w, v in zip(warned, warnings)), warnings
    before, after = clips.streams(path, 'v')[0], clips.streams(output, 'v')[0]
    if name == 'hdr10':         # which the source says in its pictures alone
        assert {s['side_data_type'] for s in after['side_data_list']} >= {'Mastering display metadata', 'Content light level metadata'}
    if name == 'alpha-12':
        assert after['pix_fmt'] == 'yuv444p10le'
    if name in ('phone', 'hdr10'):
        assert [after[k] for k in ('pix_fmt', 'color_transfer', 'color_primaries', 'color_space')] == [before[k] for k in ('pix_fmt', 'color_transfer', 'color_primaries', 'color_space')]
        assert after['codec_tag_string'] == 'hvc1'      # the name that Apple's players want
    for a, b in zip(clips.streams(path, 'a'), clips.streams(output, 'a')):
        assert abs(float(a.get('duration') or 0) - float(b.get('duration') or 0)) < 0.2 or file.endswith(('mkv', 'ts'))


def test_an_edit_list_is_kept_to(tmp_path):
    """Cut without coding again: the file still holds the frames before, and says not to show them."""
    whole, path = tmp_path / 'whole.mp4', tmp_path / 'in.mp4'
    clips.ffmpeg(*DRAWN, *TONE, *H264, '-c:a', 'aac', '-t', 1.5, whole)
    clips.ffmpeg('-ss', 0.37, '-i', whole, '-c', 'copy', path)
    assert int(clips.streams(path, 'v')[0]['nb_frames']) > len(clips.times(path))
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    check_times(path, output)
    assert not warnings


def test_a_recording_that_begins_anywhere(tmp_path):
    whole, path = tmp_path / 'whole.ts', tmp_path / 'in.ts'
    clips.ffmpeg(*DRAWN, *TONE, *H264, '-g', 10, '-c:a', 'aac', '-t', 2, whole)
    data = whole.read_bytes()
    path.write_bytes(data[len(data) // 5 // 188 * 188 + 100:])
    output = clips.run(path, tmp_path, types='face')[0]
    assert 30 <= len(clips.times(output)) == len(clips.times(path)) <= 45
    clips.ffmpeg(*DRAWN, *H264, '-g', 250, '-t', 1, whole)
    path.write_bytes(whole.read_bytes()[9400:])
    with pytest.raises(clips.Failed, match='no picture of the video can be'):
        clips.run(path, tmp_path, types='face')


def test_damage_in_the_middle(tmp_path):
    """Pictures that the decoder guessed are not shown; the rest is, and the warnings count."""
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*DRAWN, *H264, '-g', 10, '-t', 2, path)
    data = bytearray(path.read_bytes())
    middle = data.find(b'mdat') + len(data) // 2
    data[middle:middle + 3000] = bytes(i * 73 % 251 for i in range(3000))
    path.write_bytes(data)
    output, result, _, warnings = clips.run(path, tmp_path, types='face')
    whole = [f['whole'] for f in map(json.loads, result.read_text().splitlines()[:-1]) if 'frame' in f]
    assert 30 <= len(whole) == len(clips.times(output)) <= 50
    assert any('damaged' in w for w in warnings)
    assert any(whole) == any('redacted as a whole' in w for w in warnings)


def test_parts_with_clocks_of_their_own(tmp_path):
    """Transport streams put one after the other, as recorders leave them: each begins at the same time."""
    part, path = tmp_path / 'part.ts', tmp_path / 'in.ts'
    clips.ffmpeg(*DRAWN, *TONE, *H264, '-c:a', 'aac', '-t', 1, part)
    path.write_bytes(part.read_bytes() * 3)
    output = clips.run(path, tmp_path, types='face')[0]
    shown = clips.times(output)
    assert len(shown) == 75 and all(0.03 < b - a < 0.1 for a, b in zip(shown, shown[1:])), shown
    assert abs(float(clips.streams(output, 'a')[0]['duration']) - 3) < 0.2


@pytest.mark.parametrize('first, then', [(6, 2), (2, 6)])
def test_sound_that_changes_its_form(first, then, tmp_path):
    """Broadcasts go from surround to stereo and back. The sound has to be coded again: PCM of blu-rays does not fit into MP4."""
    path, data = tmp_path / 'in.ts', b''
    for i, channels in enumerate((first, then)):
        part = tmp_path / f'{i}.ts'
        clips.ffmpeg(*DRAWN, *TONE, *H264, '-c:a', 'pcm_bluray', '-ac', channels, '-ar', 48000, '-output_ts_offset', i, '-mpegts_m2ts_mode', 1, '-t', 1, part)
        data += part.read_bytes()
    path.write_bytes(data)
    output = clips.run(path, tmp_path, types='face')[0]
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(output), '-map', '0:a', '-ac', '1', '-ar', '8000', '-f', 's16le', '-'], check=True, capture_output=True, timeout=60)
    levels = [max(struct.unpack('<8000h', out.stdout[i * 16000:(i + 1) * 16000])) for i in range(2)]
    assert 1.8 < len(out.stdout) / 16000 < 2.3 and all(500 < level < 12000 for level in levels), levels       # a tone, no noise


def test_a_hole_in_the_sound(tmp_path):
    """Sound that is coded again stays with its pictures."""
    path = tmp_path / 'in.mkv'
    clips.ffmpeg(*DRAWN, *TONE, *H264, '-af', "aselect='lt(t,0.5)+gt(t,1.5)'", '-c:a', 'libvorbis', '-t', 2.5, path)
    output = clips.run(path, tmp_path, types='face')[0]
    assert abs(float(clips.streams(output, 'a')[0]['duration']) - 2.5) < 0.1


def test_fields_of_half_chroma_samples(tmp_path):
    """Interlaced 4:2:0 whose height is no multiple of 4: x264 codes it as frames only."""
    path = tmp_path / 'in.ts'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25', '-c:v', 'mpeg2video', '-flags', '+ilme+ildct', '-top', 1, '-an', '-t', 0.4, path)
    assert clips.streams(path, 'v')[0]['field_order'] not in ('progressive', 'unknown')
    output = clips.run(path, tmp_path, types='face')[0]
    assert len(clips.times(output)) == len(clips.times(path)) and clips.streams(output, 'v')[0]['height'] == 90


def test_levels_of_grey(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=white:size=160x96:rate=25', '-vf', 'format=gray,scale=out_range=tv', '-c:v', 'libx265', '-x265-params', 'log-level=none', '-color_range', 'tv', '-t', 0.2, path)
    output = clips.run(path, tmp_path, types='face')[0]
    levels = [subprocess.run(['ffmpeg', '-v', 'error', '-i', str(p), '-frames:v', '1', '-vf', 'extractplanes=y', '-f', 'rawvideo', '-'], check=True, capture_output=True, timeout=60).stdout for p in (path, output)]
    assert abs(levels[0][5000] - levels[1][5000]) <= 2


@pytest.mark.parametrize('turn', [90, 180, 270])
def test_a_turn_that_the_pictures_say(turn, tmp_path):
    """Not the container: a transport stream has no place for it."""
    path, far = tmp_path / 'in.ts', {90: 90, 180: -180, 270: -90}[turn]
    clips.ffmpeg(*DRAWN, *H264, '-an', '-bsf:v', f'h264_metadata=rotate={turn}:display_orientation=insert', '-t', 0.4, path)
    assert not clips.rotation(clips.streams(path, 'v')[0])
    output, result, _, _ = clips.run(path, tmp_path, types='face')
    after = clips.streams(output, 'v')[0]
    assert abs(clips.rotation(after)) == abs(far) and (far == -180 or clips.rotation(after) == far)
    assert (after['width'], after['height']) == (160, 96)
    end = json.loads(result.read_text().splitlines()[-2])
    assert (end['width'], end['height']) == ((160, 96) if turn == 180 else (96, 160))


def blackened(path):
    """Which pixels are black, of all frames, as one number whose bits they are, and how many."""
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-vf', 'scale=320:240:flags=neighbor', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
                         check=True, timeout=60, capture_output=True).stdout
    bits = out.translate(bytes(1 if i < 4 else 0 for i in range(256)))
    return int.from_bytes(bits, 'big')


def overlap(a, b):
    return (a & b).bit_count() / (a | b).bit_count()


@pytest.mark.parametrize('aspect', ['4/1', '1/4'])
def test_pixels_that_are_not_square(aspect, tmp_path):
    """The same is found as in square pixels, and lies where it did in the frame as coded."""
    source = pathlib.Path(os.environ.get('OBSCURA_SHARED', clips.TOP.parent / 'shared')) / 'data/media/tud_crossing_h264.mp4'
    if not source.exists():
        pytest.skip(f'no video at {source}')
    square, narrow, untold = tmp_path / 'square.mp4', tmp_path / 'narrow.mp4', tmp_path / 'untold.mp4'
    size = '160:480' if aspect == '4/1' else '640:120'      # so thin and so wide that no network knows people by it
    coded = '-c:v libx264 -preset veryfast -crf 10 -an -t 0.5'.split()
    clips.ffmpeg('-ss', 2, '-i', source, '-vf', f'scale={size},scale=640:480,eq=brightness=0.15,setsar=1', *coded, square)
    clips.ffmpeg('-ss', 2, '-i', source, '-vf', f'scale={size},eq=brightness=0.15,setsar={aspect}', *coded, narrow)
    clips.ffmpeg('-ss', 2, '-i', source, '-vf', f'scale={size},eq=brightness=0.15,setsar=1', *coded, untold)
    black = [blackened(clips.run(path, tmp_path, types='face,person,vehicle', method='blacken', every=1)[0]) for path in (square, narrow, untold)]
    share, as_coded = overlap(*black[:2]), overlap(black[0], black[2])
    print(f'aspect {aspect}: {share:.3f} of what is black in either is black in both; {as_coded:.3f} where the networks see the pixels as coded')
    assert black[0].bit_count() > 5000 and share > 0.7 and share > as_coded + 0.1
