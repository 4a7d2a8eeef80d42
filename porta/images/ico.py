"""ICO: its pictures, each a PNG or a bitmap without a file header (MS-ICO)."""

from __future__ import annotations

import struct

from porta.images import png
from porta.images.image import Image, NoImage, check_size

SIGNATURE = b"\0\0\1\0"
_MOST = 16
_HEADER = 40  # BITMAPINFOHEADER
_DEPTHS = (1, 4, 8, 24, 32)
_DAMAGED = "it is an icon that is damaged"


def clean(content: bytes) -> Image:
    """Return an icon of the same pictures, with nothing between or behind them. Raises NoImage."""
    if len(content) < 6:
        raise NoImage(_DAMAGED)
    (count,) = struct.unpack_from("<H", content, 4)
    if not 0 < count <= _MOST or len(content) < 6 + 16 * count:
        raise NoImage(f"an icon has 1 to {_MOST} pictures")
    pictures = [_picture(content, 6 + 16 * each) for each in range(count)]
    entries, place = [], 6 + 16 * count
    for entry, data in pictures:
        entries.append(entry + struct.pack("<II", len(data), place))
        place += len(data)
    head = SIGNATURE + struct.pack("<H", count)
    whole = b"".join([head, *entries, *(data for _, data in pictures)])
    return Image(whole, "image/x-icon", "ico")


def _picture(content: bytes, place: int) -> tuple[bytes, bytes]:
    """Return the first half of an entry, and its picture."""
    size, start = struct.unpack_from("<II", content, place + 8)
    data = content[start : start + size]
    if len(data) < _HEADER or len(data) != size:
        raise NoImage(_DAMAGED)
    data = png.clean(data).content if data.startswith(png.SIGNATURE) else _bitmap(data)
    return content[place : place + 8], data


def _bitmap(data: bytes) -> bytes:
    """Return a bitmap and its mask, without what follows them."""
    length, width, double, planes, depth, compression = struct.unpack_from("<IiiHHI", data)
    (colors,) = struct.unpack_from("<I", data, 32)
    height = double // 2
    if length != _HEADER or planes != 1 or depth not in _DEPTHS or compression != 0 or colors > 256:
        raise NoImage("it is an icon of a kind that is not taken")
    check_size(width, height)
    palette = 4 * (colors or 1 << depth) if depth <= 8 else 0
    pixels = _HEADER + palette + (width * depth + 31) // 32 * 4 * height
    mask = (width + 31) // 32 * 4 * height
    if len(data) < pixels:
        raise NoImage(_DAMAGED)
    return data[: pixels + mask]
