"""What a video's path does beside keeping pictures and sound: refusals, what is dropped, rate, cancelling, tracks."""
import json
import subprocess

import pytest

import clips

SOURCE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25']
SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440']
H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']


def refused(path, folder, **settings):
    with pytest.raises(clips.Failed) as caught:
        clips.run(path, folder, types='face', **settings)
    return str(caught.value)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOUND, '-c:a', 'aac', '-t', '0.5', path)
    assert refused(path, tmp_path) == 'error -74 the file has sound but no video'


def test_cover_art_is_no_video(tmp_path):
    picture, path = tmp_path / 'cover.png', tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, '-frames:v', '1', picture)
    clips.ffmpeg(*SOUND, '-i', picture, '-map', '0', '-map', '1', '-c:a', 'aac', '-c:v', 'png', '-disposition:v:0', 'attached_pic', '-t', '0.5', path)
    assert 'sound but no video' in refused(path, tmp_path)


def test_other_formats_are_refused(tmp_path):
    gif, text, playlist = tmp_path / 'in.gif', tmp_path / 'in.txt', tmp_path / 'in.m3u8'
    clips.ffmpeg(*SOURCE, '-frames:v', '3', gif)
    text.write_text('no video at all\n' * 20)
    playlist.write_text('#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n')
    for path in (gif, text, playlist):
        assert refused(path, tmp_path).startswith('error -74 ')


def test_cover_art_and_further_videos_are_dropped(tmp_path):
    picture, path = tmp_path / 'cover.png', tmp_path / 'in.mkv'
    clips.ffmpeg(*SOURCE, '-frames:v', '1', picture)
    clips.ffmpeg(*SOURCE, '-f', 'lavfi', '-i', 'testsrc=size=96x96', *SOUND, '-map', '0', '-map', '1', '-map', '2', *H264, '-c:a', 'aac', '-attach', picture,
                 '-metadata:s:t', 'mimetype=image/png', '-t', '0.4', path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    kinds = [s['codec_type'] for s in clips.probe(output, '-show_streams')['streams']]
    assert sorted(kinds) == ['audio', 'video']
    assert any('further video' in w for w in warnings)


def test_metadata_is_kept_or_stripped(tmp_path):
    path = tmp_path / 'in.mp4'
    tags = ['-metadata', 'creation_time=2021-03-04T05:06:07Z', '-metadata', 'title=street', '-metadata', 'location=+47.07+015.43/']
    clips.ffmpeg(*SOURCE, *H264, *tags, '-t', '0.4', path)
    output = clips.run(path, tmp_path, types='face')[0]
    kept = clips.probe(output, '-show_format')['format']['tags']
    assert kept['creation_time'].startswith('2021-03-04T05:06:07') and kept['title'] == 'street'
    output = clips.run(path, tmp_path, types='face', strip=1)[0]
    stripped = clips.probe(output, '-show_format')['format']['tags']
    assert 'title' not in stripped and 'creation_time' not in stripped and 'location' not in stripped


def test_cancelling(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, *H264, '-t', '1', path)
    assert refused(path, tmp_path, cancel=1).startswith('error -125 ')


def test_the_index_is_in_front(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, *H264, '-t', '0.4', path)
    data = clips.run(path, tmp_path, types='face')[0].read_bytes()
    assert 0 < data.find(b'moov') < data.find(b'mdat')


def test_codec_is_as_asked(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, *H264, '-t', '0.4', path)
    for name in ('hevc', 'vp9', 'av1'):
        output = clips.run(path, tmp_path, types='face', codec=name)[0]
        assert clips.streams(output, 'V')[0]['codec_name'] == name
    assert 'want auto, h264, hevc, vp9 or av1' in refused(path, tmp_path, codec='mpeg1')
    assert 'ultrafast' in refused(path, tmp_path, preset='quick')


@pytest.mark.parametrize('codec', ['libx264 -preset veryfast', 'libx265 -preset ultrafast -x265-params log-level=none', 'libvpx-vp9 -deadline realtime -cpu-used 8',
                                   'libsvtav1 -preset 12'])
def test_bit_rate_is_kept(codec, tmp_path):
    path = tmp_path / 'in.mp4'
    noisy = ['-vf', 'noise=alls=12:allf=t']
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x96:rate=25', *noisy, '-c:v', *codec.split(), '-b:v', '400k', '-pix_fmt', 'yuv420p', '-t', '10', path)
    output = clips.run(path, tmp_path, types='face', rate=1)[0]
    assert abs(output.stat().st_size / path.stat().st_size - 1) < 0.03


def test_frames_that_are_inspected(tmp_path):
    """Few where little changes, all without tracks to cover the others, and what --detect-every says."""
    path = tmp_path / 'in.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:size=160x96:rate=24', *H264, '-t', '1', path)
    for settings, want in (({}, 8), ({'every': 1}, 24), ({'every': 2}, 12), ({'tracking': 0}, 24)):
        result = clips.run(path, tmp_path, types='face', **settings)[1]
        assert json.loads(result.read_text().splitlines()[-2])['inspected'] == want


@pytest.mark.parametrize('fast, want', [(150, 54), (10, 13)])
def test_frames_that_come_as_they_like_are_inspected_by_time(fast, want, tmp_path):
    """30 a second at first, then one now and then, as cameras do that wait for something to move."""
    path = tmp_path / 'in.mp4'
    times = f"setpts='if(lt(N,{fast}),N/30,{fast - 1}/30+(N-{fast - 1})*0.4)/TB'"
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:size=160x96:rate=30', '-vf', times, '-vsync', 'vfr', '-enc_time_base', '1/30000', *H264, '-bf', '0',
                 '-frames:v', fast + 3, path)
    assert clips.streams(path, 'V')[0]['r_frame_rate'] == '30/1'
    for settings, number in (({}, want), ({'every': 3}, -(-(fast + 3) // 3))):
        result = clips.run(path, tmp_path, types='face', **settings)[1]
        assert json.loads(result.read_text().splitlines()[-2])['inspected'] == number


def test_detecting_alone_writes_no_video(tmp_path):
    path = tmp_path / 'in.mp4'
    clips.ffmpeg(*SOURCE, *H264, '-t', '0.4', path)
    output, result, _, _ = clips.run(path, tmp_path, types='face', method='detect')
    assert output.stat().st_size == 0
    lines = [json.loads(line) for line in result.read_text().splitlines()[:-1]]
    assert [l['frame'] for l in lines if 'frame' in l] == list(range(10))
    assert lines[-1]['frames'] == 10


@pytest.mark.parametrize('codec', ['libx264 -preset ultrafast -pix_fmt yuv420p', 'libx264 -preset ultrafast -pix_fmt yuv420p10le', 'libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p'])
def test_columns_cut_off_at_the_left_stay_cut_off(codec, tmp_path):
    """The stream has them and says that they are not to be shown."""
    whole, path = tmp_path / 'whole.mp4', tmp_path / 'in.mp4'
    kind = 'hevc' if 'libx265' in codec else 'h264'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=black:size=640x480:rate=25', '-vf', 'drawbox=w=22:color=white:t=fill', '-c:v', *codec.split(), '-t', '0.4', whole)
    clips.ffmpeg('-i', whole, '-c', 'copy', '-bsf:v', f'{kind}_metadata=crop_left=22', path)
    output, _, _, warnings = clips.run(path, tmp_path, types='face')
    stream = clips.streams(output, 'V')[0]
    assert (stream['width'], stream['height']) == (618, 480) and not warnings
    shown = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(output), '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], check=True, timeout=60, capture_output=True).stdout
    assert len(shown) == 10 * 618 * 480 and max(shown) < 40
