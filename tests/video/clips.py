"""Makes small videos with the ffmpeg program, runs them through pipeline-run and looks at both with ffprobe."""
import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('OBSCURA_BUILD', TOP / 'build')).resolve()
PROGRAM = BUILD / 'tests/video/pipeline-run'


def ffmpeg(*arguments):
    subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-y', *map(str, arguments)], check=True, timeout=120)


def probe(path, *arguments):
    out = subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', *arguments, str(path)], check=True, timeout=60, capture_output=True)
    return json.loads(out.stdout)


def streams(path, kind):
    found = probe(path, '-show_streams', '-select_streams', kind)['streams']
    return [s for s in found if not s['disposition'].get('attached_pic')]


def times(path):
    """When each frame is shown, in seconds."""
    frames = probe(path, '-show_frames', '-select_streams', 'V:0', '-show_entries', 'frame=best_effort_timestamp_time')['frames']
    return [float(f['best_effort_timestamp_time']) for f in frames]


def rotation(stream):
    return next((s['rotation'] for s in stream.get('side_data_list', []) if 'rotation' in s), 0)


def sound_hash(path, adts=False):
    """A hash over the packets of the sound as they are in the file."""
    extra = ['-bsf:a', 'aac_adtstoasc'] if adts else []
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-map', '0:a:0', '-c', 'copy', *extra, '-f', 'streamhash', '-'],
                         check=True, timeout=60, capture_output=True, text=True)
    return out.stdout.strip()


class Failed(Exception):
    pass


def run(source, folder, **settings):
    """The output, the result file and what the program printed; Failed where it refused with an error of its own."""
    output, result = pathlib.Path(folder) / 'out.mp4', pathlib.Path(folder) / 'result'
    done = subprocess.run([PROGRAM, source, output, result, *(f'{k}={v}' for k, v in settings.items())],
                          timeout=300, capture_output=True, text=True)
    assert done.returncode in (0, 1), f'{source}: ended with {done.returncode}: {done.stderr[-400:]}'
    if done.returncode:
        raise Failed(done.stderr.strip())
    report = [line.split('=', 1) for line in done.stdout.splitlines()]
    return output, result, dict(report), [v for k, v in report if k == 'warning']
