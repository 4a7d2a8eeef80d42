"""PNG: its chunks, as far as they draw (PNG, third edition, §4.8, §5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from porta.images.image import Image, NoImage, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"bKGD"})
_ANCILLARY = 0x20  # the bit of the first letter that says: whoever does not know it may go on
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_LONGEST_SMALL = 1024  # bytes of a chunk that is neither pixels nor palette


def clean(content: bytes) -> Image:
    """Return a PNG of the chunks that draw it. Raises NoImage."""
    kept: list[bytes] = [SIGNATURE]
    kinds: list[bytes] = []
    for kind, data in _chunks(content):
        if kind not in _KEPT:
            if not kind[0] & _ANCILLARY:
                raise NoImage("it is a PNG with a chunk that nobody knows")
            continue
        if not kinds:
            _check_header(kind, data)
        elif kind == b"IHDR":
            raise NoImage("it is a PNG with two headers")
        elif kind not in (b"IDAT", b"PLTE") and len(data) > _LONGEST_SMALL:
            raise NoImage("it is a PNG with a chunk that is too long")
        kinds.append(kind)
        kept.append(_spell(kind, data))
        if kind == b"IEND":
            break
    if kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        raise NoImage("it is a PNG that ends too early")
    return Image(b"".join(kept), "image/png", "png")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 8 + length
        data = content[place + 8 : end]
        if end + 4 > len(content) or not kind.isalpha():
            raise NoImage("it is a PNG that is damaged")
        if struct.unpack_from(">I", content, end)[0] != zlib.crc32(kind + data):
            raise NoImage("it is a PNG whose check sum is wrong")
        yield kind, data
        place = end + 4


def _check_header(kind: bytes, data: bytes) -> None:
    if kind != b"IHDR" or len(data) != 13:
        raise NoImage("it is a PNG without a header")
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", data)
    check_size(width, height)
    if depth not in _DEPTHS.get(color, ()) or (compression, filtering) != (0, 0) or interlace > 1:
        raise NoImage("it is a PNG of a kind that there is not")


def _spell(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
