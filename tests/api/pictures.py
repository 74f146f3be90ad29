"""Pictures drawn for tests: no photograph is part of the project."""
import io

import numpy
from PIL import Image, ImageDraw


def scene(width=320, height=240, seed=1):
    """A street of sorts: sky, road, blocks, and heads made of ellipses, with a little noise so that every pixel counts."""
    random = numpy.random.default_rng(seed)
    image = Image.new('RGB', (width, height), (150, 180, 210))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, height * 2 // 3, width, height], fill=(90, 90, 95))
    for _ in range(6):
        x, w = random.integers(0, width), random.integers(width // 12, width // 5)
        draw.rectangle([x, height // 4, x + w, height * 2 // 3], fill=tuple(int(v) for v in random.integers(60, 200, 3)))
    for k in range(3):
        x, y, r = width * (2 * k + 1) // 6, height // 2, max(3, height // 10)
        draw.ellipse([x - r, y - r * 4 // 3, x + r, y + r * 4 // 3], fill=(222, 178, 150))
        for dx in (-r // 2, r // 2):
            draw.ellipse([x + dx - r // 6, y - r // 3, x + dx + r // 6, y], fill=(30, 30, 40))
        draw.arc([x - r // 2, y, x + r // 2, y + r * 3 // 4], 20, 160, fill=(150, 50, 50), width=max(1, r // 6))
        draw.rectangle([x - r * 3 // 2, y + r * 4 // 3, x + r * 3 // 2, y + 4 * r], fill=(60, 70, 120))
    noise = random.integers(-12, 13, (height, width, 3))
    return Image.fromarray(numpy.clip(numpy.asarray(image).astype(int) + noise, 0, 255).astype(numpy.uint8))


def encode(image, kind='PNG', **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decode(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png(width=320, height=240, seed=1):
    return encode(scene(width, height, seed))


def jpeg(width=320, height=240, seed=1, quality=92, **options):
    return encode(scene(width, height, seed), 'JPEG', quality=quality, **options)


def array(data):
    """Decoded samples as numbers that may be subtracted (of 8 bits)."""
    return numpy.asarray(decode(data)).astype(numpy.int16)
