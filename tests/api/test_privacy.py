"""No output of the server holds a copy of the original's pixels, wherever the upload hides it (contract: "Privacy rules that no request can turn off").

A secret picture, noise that nothing else produces, is hidden in every place where files keep previews, thumbnails, second pictures and films. Everything the
server gives out or leaves on disk is then searched: for the secret's bytes in any of the forms it was hidden in, also in what PNGs have packed, and for
anything inside the file that can be decoded as a picture. What is hidden in metadata of all kinds is tested in tests/unit/test_media_privacy.c.
"""
import time
import base64
import io
import struct
import zlib

import numpy
import pytest
from PIL import Image

import pictures

NOISE = Image.fromarray(numpy.random.default_rng(99).integers(0, 256, (48, 48, 3), dtype=numpy.uint8))
JPEG, PNG, RAW = pictures.encode(NOISE, 'JPEG', quality=70), pictures.encode(NOISE), NOISE.tobytes()
BASE64, HEX = base64.b64encode(JPEG), JPEG.hex().encode()
FORMS = {'JPEG bytes': JPEG, 'PNG bytes': PNG, 'samples': RAW, 'base64': BASE64, 'hexadecimal': HEX}
XMP = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
       b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:g="http://ns.adobe.com/xap/1.0/g/img/" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>kept'
       b'</dc:format><xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType="Resource"><g:image>%s</g:image></rdf:li></rdf:Alt></xmp:Thumbnails></rdf:Description>'
       b'</rdf:RDF></x:xmpmeta>')


def tiff(ifd0, ifd1=()):
    """A little-endian TIFF structure of (tag, type, bytes) entries; JPEG lies at offset 8."""
    out = bytearray(b'II*\0\0\0\0\0' + JPEG + bytes(len(JPEG) % 2))
    place = {}
    for name, entries in (('1', ifd1), ('0', ifd0)):
        rows = b''
        for tag, kind, value in entries:
            size = {2: 1, 3: 2, 4: 4, 7: 1}[kind]
            rows += struct.pack('<HHI', tag, kind, len(value) // size)
            rows += value.ljust(4, b'\0') if len(value) <= 4 else struct.pack('<I', len(out))
            out += value if len(value) > 4 else b''
        place[name] = len(out) if entries else 0
        out += struct.pack('<H', len(entries)) + rows + struct.pack('<I', place['1'] if name == '0' else 0)
    out[4:8] = struct.pack('<I', place['0'])
    return bytes(out)


def u32(v):
    return struct.pack('<I', v)


EXIF = tiff([(0x010f, 2, b'Kept Make\0')], [(0x0103, 3, b'\6\0'), (0x0201, 4, u32(8)), (0x0202, 4, u32(len(JPEG)))])
MAKER_NOTE = tiff([(0x010f, 2, b'Kept Make\0'), (0x927c, 7, JPEG)])
IRB = b'Photoshop 3.0\0' + b'8BIM' + struct.pack('>HHI', 1036, 0, 28 + len(JPEG)) + bytes(28) + JPEG


def with_segment(marker, content):
    cover = pictures.jpeg()
    return cover[:2] + bytes([0xff, marker]) + struct.pack('>H', len(content) + 2) + content + cover[2:]


def with_chunk(kind, content):
    cover = pictures.png()
    return cover[:33] + struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content)) + cover[33:]


UPLOADS = {
    'EXIF thumbnail': with_segment(0xe1, b'Exif\0\0' + EXIF),
    'MakerNote': with_segment(0xe1, b'Exif\0\0' + MAKER_NOTE),
    'XMP thumbnail': with_segment(0xe1, b'http://ns.adobe.com/xap/1.0/\0' + XMP % BASE64),
    'extended XMP': with_segment(0xe1, b'http://ns.adobe.com/xmp/extension/\0' + b'0' * 32 + bytes(8) + BASE64),
    'JFXX thumbnail': with_segment(0xe0, b'JFXX\0\x10' + JPEG),
    'MPF': with_segment(0xe2, b'MPF\0' + JPEG),
    'Photoshop thumbnail': with_segment(0xed, IRB),
    'comment': with_segment(0xfe, BASE64),
    'second picture behind the first': pictures.jpeg() + JPEG,
    'motion photo': pictures.jpeg() + b'\0\0\0\x18ftypmp42' + RAW + PNG,
    'PNG eXIf': with_chunk(b'eXIf', EXIF),
    'PNG text': with_chunk(b'tEXt', b'Comment\0' + BASE64),
    'PNG packed text': with_chunk(b'zTXt', b'Comment\0\0' + zlib.compress(BASE64)),
    'PNG raw profile': with_chunk(b'zTXt', b'Raw profile type exif\0\0' + zlib.compress(b'\nexif\n' + HEX)),
    'PNG XMP': with_chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' + XMP % BASE64),
    'PNG private chunk': with_chunk(b'prVt', JPEG),
    'content credentials': with_chunk(b'caBX', JPEG),
    'behind the PNG': pictures.png() + PNG,
}


def unpacked(data):
    """The file, and what its PNG chunks but the picture's own have packed."""
    yield data
    if data[:8] != b'\x89PNG\r\n\x1a\n':
        return
    at = 8
    while at + 12 <= len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        if kind in (b'zTXt', b'iTXt', b'iCCP'):
            chunk = data[at + 8:at + 8 + size]
            for skip in range(min(len(chunk), 120)):
                try:
                    yield zlib.decompress(chunk[skip:])
                except zlib.error:
                    pass
        at += size + 12


def traces(data):
    """What of the secret, or of any picture within, is in a file's bytes."""
    found = set()
    for part in unpacked(data):
        for name, form in FORMS.items():
            body = form[len(form) // 3:]    # behind the tables that every JPEG has
            if any(body[i:i + 24] in part for i in range(0, len(body) - 24, 24)):
                found.add(name)
        for signature in (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'):
            at = part.find(signature, 1)
            while at > 0:
                try:
                    Image.open(io.BytesIO(part[at:])).load()
                    found.add('a picture inside')
                except Exception:    # noqa: whatever Pillow says of what is not a picture
                    pass
                at = part.find(signature, at + 1)
    return found


@pytest.mark.parametrize('place', UPLOADS)
def test_no_output_holds_the_original(server, place):
    data = UPLOADS[place]
    assert traces(data), 'the search finds what the test has hidden'
    answer = server.done(data)
    outputs = ['anonymised', 'anonymised?download=PNG', 'anonymised?download=JPEG&quality=50', 'anonymised?download=JPEG', 'binary-mask', 'instance-mask',
               'metadata']
    for output in outputs:
        response = server.get(f'/v1/file/{answer["id"]}/{output}')
        assert response.status == 200, output
        assert not traces(response.body), output
    for path in server.output.rglob(f'*{answer["id"]}*'):
        if path.is_file():
            assert not traces(path.read_bytes()), path


def test_what_is_harmless_stays(server):
    for place, kept in (('EXIF thumbnail', b'Kept Make'), ('MakerNote', b'Kept Make'), ('XMP thumbnail', b'<dc:format>kept</dc:format>'),
                        ('PNG eXIf', b'Kept Make'), ('PNG XMP', b'<dc:format>kept</dc:format>')):
        answer = server.done(UPLOADS[place])
        assert kept in server.get(f'/v1/file/{answer["id"]}/anonymised').body, place


def test_strip_metadata_drops_everything(start):
    server = start('--strip-metadata')
    for place in ('EXIF thumbnail', 'XMP thumbnail', 'PNG eXIf'):
        answer = server.done(UPLOADS[place])
        for output in ('anonymised', 'anonymised?download=PNG', 'anonymised?download=JPEG&quality=50'):
            body = server.get(f'/v1/file/{answer["id"]}/{output}').body
            assert b'Exif' not in body and b'eXIf' not in body and b'xmpmeta' not in body and b'Kept' not in body


def test_nothing_is_left_with_delete_originals(start):
    server = start('--delete-originals')
    server.done(UPLOADS['second picture behind the first'])
    until = time.monotonic() + 30
    while any(f.endswith('.original') for f in server.files()):      # a waiting client may see that the task is done a moment before
        assert time.monotonic() < until
        time.sleep(0.05)
    for path in server.folder.rglob('*'):
        if path.is_file():
            assert not traces(path.read_bytes()), path


def test_jpeg_keeps_its_coding_outside_of_objects(server):
    """Without a quality named, what is not redacted is not coded again: not one sample differs."""
    data = pictures.jpeg(960, 720, quality=80)
    detections = lambda answer: server.get(f'/v1/file/{answer["id"]}/metadata').json()['detections']
    best = max(d['score'] for d in detections(server.done(data, method='detect', face='true', face_threshold=0.02)))
    answer = server.done(data, method='blacken', face='true', face_threshold=best - 0.001)
    before, after = pictures.array(data), pictures.array(server.get(f'/v1/file/{answer["id"]}/anonymised').body)
    changed = (before != after).any(axis=2)
    boxes = numpy.zeros_like(changed)
    for d in detections(answer):
        x1, y1, x2, y2 = d['bbox']
        dx, dy = int((x2 - x1) * 0.2) + 34, int((y2 - y1) * 0.2) + 34    # the feather, and the blocks that it touches
        boxes[max(0, y1 - dy):y2 + dy, max(0, x1 - dx):x2 + dx] = True
    assert changed.any() and not changed[~boxes].any()
    assert boxes.mean() < 0.95, 'there is something outside'


def test_one_file_that_cannot_be_deleted_keeps_no_other(start, picture):
    server = start('--retention', '4')
    ids = [server.done(picture)['id'] for _ in range(3)]
    stuck = server.output / f'{ids[2]}.result'
    stuck.unlink()
    stuck.mkdir()    # no unlink takes this away
    until = time.monotonic() + 60
    while len(server.tasks()) > 1 or server.files() or 'cannot be deleted' not in server.log.read_text():
        assert time.monotonic() < until, (server.tasks(), server.files(), server.log.read_text())
        time.sleep(0.2)
    assert [t['id'] for t in server.tasks()] == [ids[2]]
    assert server.files() == []
    assert 'retention' in server.log.read_text()
    stuck.rmdir()
    while server.tasks():
        assert time.monotonic() < until, 'it goes once it can'
        time.sleep(0.2)
