"""Videos through the API: upload, both downloads, the reference's messages. What is in the video is tests/video's matter."""
import io
import subprocess
import zipfile

import pytest

import pictures


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Ten frames, drawn by ffmpeg."""
    path = tmp_path_factory.mktemp('clip') / 'clip.mp4'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=10:duration=1', '-pix_fmt', 'yuv420p', str(path)], check=True)
    return path.read_bytes()


@pytest.fixture(scope='module')
def video(server, clip):
    return server.done(clip, name='clip.mp4')


def test_upload(server, video):
    assert video['content_type'] == video['content-type'] == 'video/mp4'
    assert video['anonymized_video'] == video['anonymized-video'] == f'http://127.0.0.1:{server.port}/v1/file/{video["id"]}/video/anonymised'
    assert video['metadata_url'].endswith('/video/metadata')
    record = server.get(f'/v1/task/{video["id"]}').json()
    assert record['type'] == 'video' and record['progress'] == 1


def test_download(server, video):
    path = f'/v1/file/{video["id"]}/video/anonymised'
    whole = server.get(path)
    assert whole.status == 200 and whole.headers['Content-Type'] == 'video/mp4' and whole.body[4:8] == b'ftyp'
    assert whole.headers['Content-Disposition'] == 'attachment; filename="clip-anonymised.mp4"'
    assert server.get(path.replace('anonymised', 'anonymized')).body == whole.body
    assert server.head(path).headers['Content-Length'] == str(len(whole.body))
    assert server.get(path, Range='bytes=4-7').body == b'ftyp'
    assert server.get(path, Range=f'bytes={len(whole.body)}-').status == 416
    assert server.get(path, If_None_Match=whole.headers['ETag']).status == 304


@pytest.mark.parametrize('query, want', [('', range(10)), ('?start_frame=3', range(3, 10)), ('?end_frame=2', range(3)), ('?start_frame=4&end_frame=4', [4]),
                                         ('?start-frame=8&end-frame=99', [8, 9]), ('?start_frame=&end_frame=', range(10))])
def test_metadata(server, video, query, want):
    frames = server.get(f'/v1/file/{video["id"]}/video/metadata{query}').json()
    assert [f['id'] for f in frames] == list(want)
    assert all(f['size'] == [120, 160] for f in frames)


def test_metadata_and_report_agree_on_what_tracks_filled(server, video):
    frames = server.get(f'/v1/file/{video["id"]}/video/metadata').json()
    tracks = server.get(f'/v1/file/{video["id"]}/video/report').json()['tracks']
    detections = [d for f in frames for d in f['detections']]
    assert sum('filled' in d for d in detections) == sum(t['filled'] for t in tracks)
    assert sum('filled' not in d for d in detections) == sum(t['detected'] for t in tracks)


def test_metadata_is_not_sent_twice(server, video):
    path = f'/v1/file/{video["id"]}/video/metadata'
    first = server.get(path)
    assert server.get(path, If_None_Match=first.headers['ETag']).status == 304
    assert server.get(path + '?start_frame=1').headers['ETag'] != first.headers['ETag']
    assert server.head(path).status == 200


@pytest.mark.parametrize('what', ['metadata', 'report', 'binary-mask', 'instance-mask'])
def test_nothing_follows_the_head_of_what_is_streamed(server, video, what):
    """Or a client that keeps the connection takes it for the next answer."""
    answer = server.raw(f'HEAD /v1/file/{video["id"]}/video/{what} HTTP/1.1\r\nHost: x\r\n\r\n'.encode(), seconds=1)
    assert answer.startswith(b'HTTP/1.1 200 ') and answer.split(b'\r\n\r\n', 1)[1] == b''


@pytest.mark.parametrize('query', ['start_frame=5&end_frame=4', 'start_frame=10', 'start_frame=-1', 'end_frame=-1', 'start_frame=x', 'end_frame=1.5'])
def test_wrong_ranges(server, video, query):
    answer = server.get(f'/v1/file/{video["id"]}/video/metadata?{query}')
    assert answer.status == 422 and 'frame' in answer.detail


def test_report_and_masks(server, video):
    assert server.get(f'/v1/file/{video["id"]}/video/report').json()['frames'] == 10
    for kind in ('binary', 'instance'):
        answer = server.get(f'/v1/file/{video["id"]}/video/{kind}-mask?mask-scale=50&start_frame=2&end_frame=4')
        assert answer.headers['Content-Type'] == 'application/zip'
        archive = zipfile.ZipFile(io.BytesIO(answer.body))
        assert archive.testzip() is None and archive.namelist() == [f'frame-{i:08}.png' for i in (2, 3, 4)]
        assert pictures.decode(archive.read('frame-00000002.png')).size == (80, 60)
        assert server.get(f'/v1/file/{video["id"]}/video/{kind}-mask?mask-scale=0').status == 422


def test_a_video_has_no_image_results(server, video):
    for resource in ('anonymised', 'binary-mask', 'instance-mask', 'metadata'):
        answer = server.get(f'/v1/file/{video["id"]}/{resource}')
        assert answer.status == 422 and 'video' in answer.detail


VIDEO = ['anonymised', 'metadata', 'report', 'binary-mask', 'instance-mask']


def test_nothing_is_told_twice(server, video):
    for resource in VIDEO:
        first = server.get(f'/v1/file/{video["id"]}/video/{resource}')
        assert server.get(f'/v1/file/{video["id"]}/video/{resource}', If_None_Match=first.headers['ETag']).status == 304


def test_unfinished_failed_deleted(server, clip, done):
    failed = server.upload(clip[:len(clip) // 2], headers={'x-is-async': '1'}).json()['id']
    assert server.wait(failed)['status'] == 'failed'
    gone = server.done(clip)['id']
    server.delete(f'/v1/task/{gone}?delete-scope=only-files')
    for resource in VIDEO:
        assert server.get(f'/v1/file/{failed}/video/{resource}').status == 409
        assert server.get(f'/v1/file/{gone}/video/{resource}').status == 410
        assert server.get(f'/v1/file/{done["id"]}/video/{resource}').status == 422
        assert server.get(f'/v1/file/00000000-0000-4000-8000-000000000000/video/{resource}').status == 404
