"""Damaged and odd files: a reason for each, and a server that lives on."""
import random
import struct
import zlib

import pytest
from PIL import Image

import pictures

JPEG, PNG = pictures.jpeg(120, 90), pictures.png(120, 90)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png_of(width, height, rows=b''):
    """A PNG by its header, with whatever rows are given: sizes that no encoder would write."""
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


BAD = {
    '0 bytes': b'',
    '1 byte': b'\xff',
    'JPEG header only': JPEG[:20],
    'JPEG half': JPEG[:len(JPEG) // 2],
    'JPEG without its end': JPEG[:-len(JPEG) // 4],
    'PNG header only': PNG[:8],
    'PNG half': PNG[:len(PNG) // 2],
    'PNG with a broken checksum': PNG[:-20] + bytes([PNG[-20] ^ 255]) + PNG[-19:],
    'PNG of 0x0': png_of(0, 0),
    'PNG that promises 2 gigapixels': png_of(50000, 40000),
    'PNG with too few rows': png_of(100, 100, bytes(301 * 3)),
    'PNG 30000x1': png_of(30000, 1, bytes(90001)),
    'text': b'hello, world\n' * 100,
    'GIF': pictures.encode(pictures.scene(20, 20), 'GIF'),
    'zip': b'PK\x03\x04' + bytes(100),
    'video that is none': b'\0\0\0\x18ftypisom' + bytes(2000),
    'Matroska that is none': b'\x1a\x45\xdf\xa3' + bytes(2000),
}


@pytest.mark.parametrize('name', BAD)
def test_refused_with_a_reason(server, name):
    before, files = server.tasks(), server.files()
    answer = server.upload(BAD[name])
    assert answer.status == 422 and len(answer.detail) > 10, answer
    assert server.tasks() == before and server.files() == files


def test_smallest_pictures(server):
    for image in (Image.new('RGB', (1, 1), (9, 8, 7)), Image.new('L', (1, 1)), Image.new('RGBA', (2, 1)), Image.new('1', (3, 3))):
        answer = server.upload(pictures.encode(image))
        assert answer.status == 200 or answer.status == 422 and answer.detail
        if answer.status == 200:
            assert pictures.decode(server.get(f'/v1/file/{answer.json()["id"]}/anonymised').body).size == image.size


def test_long_and_thin(server):
    for size in ((4000, 1), (1, 4000), (3, 2000)):
        answer = server.upload(pictures.encode(Image.new('RGB', size, (100, 120, 140))))
        assert answer.status == 200 or answer.status == 422 and answer.detail
        if answer.status == 200:
            assert pictures.decode(server.get(f'/v1/file/{answer.json()["id"]}/anonymised').body).size == size


def test_flipped_bytes(server):
    """Whatever became of the file: an answer that the document promises, and the next upload works."""
    r = random.Random(7)
    for i in range(40):
        data = bytearray((JPEG, PNG)[i % 2])
        for _ in range(r.choice([1, 3, 20])):
            data[r.randrange(8, len(data))] = r.randrange(256)
        assert server.upload(bytes(data)).status in (200, 422)
    assert server.done(PNG)['status'] == 'done'


FORMATS = {
    'grey JPEG': (pictures.scene(90, 70).convert('L'), 'JPEG', {}, 'L'),
    'progressive JPEG': (pictures.scene(91, 71), 'JPEG', {'progressive': True}, 'RGB'),
    'CMYK JPEG': (pictures.scene(90, 70).convert('CMYK'), 'JPEG', {}, 'RGB'),
    '4:4:4 JPEG': (pictures.scene(93, 67), 'JPEG', {'subsampling': 0}, 'RGB'),
    '4:2:0 JPEG of odd size': (pictures.scene(93, 67), 'JPEG', {'subsampling': 2}, 'RGB'),
    'grey PNG': (pictures.scene(90, 70).convert('L'), 'PNG', {}, 'L'),
    'PNG with alpha': (pictures.scene(90, 70).convert('RGBA'), 'PNG', {}, 'RGBA'),
    'palette PNG': (pictures.scene(90, 70).quantize(50), 'PNG', {}, 'RGB'),
    '1-bit PNG': (pictures.scene(90, 70).convert('1'), 'PNG', {}, 'L'),
    '16-bit PNG': (Image.frombytes('I;16', (64, 48), bytes(range(256)) * 24), 'PNG', {}, 'I'),
}


@pytest.mark.parametrize('name', FORMATS)
def test_formats_stay_what_they_are(server, name):
    image, kind, options, mode = FORMATS[name]
    task = server.done(pictures.encode(image, kind, **options))['id']
    result = pictures.decode(server.get(f'/v1/file/{task}/anonymised').body)
    assert result.format == kind and result.mode == mode and result.size == image.size


def test_orientation_is_applied(server):
    image = pictures.scene(120, 80)
    exif = Image.Exif()
    exif[0x0112] = 6
    task = server.done(pictures.encode(image, 'JPEG', exif=exif, quality=95))['id']
    result = pictures.decode(server.get(f'/v1/file/{task}/anonymised').body)
    assert result.size == (80, 120) and result.getexif().get(0x0112, 1) == 1
    assert server.get(f'/v1/file/{task}/metadata').json()['size'] == [120, 80]
    assert pictures.decode(server.get(f'/v1/file/{task}/binary-mask').body).size == (80, 120)
