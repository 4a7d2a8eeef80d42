"""WebP: its chunks, as far as they draw one still picture (RFC 9649 §2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from porta.images.image import Image, NoImage, check_size

_ALPHA = 0x10
_LEFT_OUT = frozenset({b"ICCP", b"EXIF", b"XMP "})


def is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def clean(content: bytes) -> Image:
    """Return a WebP of the chunks that draw it. Raises NoImage."""
    chunks: dict[bytes, bytes] = {}
    for kind, data in _chunks(content):
        if kind in (b"ANIM", b"ANMF"):
            raise NoImage("it is a WebP that moves")
        if kind in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH"):
            if kind in chunks:
                raise NoImage("it is a WebP with two pictures")
            chunks[kind] = data
        elif kind not in _LEFT_OUT:
            raise NoImage("it is a WebP with a chunk that nobody knows")
    lossy, lossless = chunks.get(b"VP8 "), chunks.get(b"VP8L")
    if (lossy is None) == (lossless is None):
        raise NoImage("it is a WebP without a picture, or with several")
    width, height = _lossy_size(lossy) if lossy is not None else _lossless_size(lossless or b"")
    check_size(width, height)
    alpha = chunks.get(b"ALPH")
    if lossy is None:
        return _image(_spell(b"VP8L", lossless or b""))
    if alpha is None:
        return _image(_spell(b"VP8 ", lossy))
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = _spell(b"VP8X", bytes([_ALPHA, 0, 0, 0]) + canvas)
    return _image(extended + _spell(b"ALPH", alpha) + _spell(b"VP8 ", lossy))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    (size,) = struct.unpack_from("<I", content, 4)
    end, place = size + 8, 12
    if end > len(content):
        raise NoImage("it is a WebP that ends too early")
    while place + 8 <= end:
        kind, length = struct.unpack_from("<4sI", content, place)
        if place + 8 + length > end:
            raise NoImage("it is a WebP that is damaged")
        yield kind, content[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _lossy_size(data: bytes) -> tuple[int, int]:
    """The header of a key frame (RFC 6386 §9.1)."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        raise NoImage("it is a WebP that is damaged")
    width, height = struct.unpack_from("<HH", data, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless_size(data: bytes) -> tuple[int, int]:
    if len(data) < 5 or data[0] != 0x2F:
        raise NoImage("it is a WebP that is damaged")
    (bits,) = struct.unpack_from("<I", data, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _spell(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _image(chunks: bytes) -> Image:
    content = b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
    return Image(content, "image/webp", "webp")
