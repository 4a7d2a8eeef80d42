"""Small images of each kind, made by hand."""

from __future__ import annotations

import struct
import zlib

PIXELS = 8


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*more: bytes, width: int = PIXELS, height: int = PIXELS, color: int = 0xC2) -> bytes:
    """Return a PNG of one colour, with further chunks before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes([color, 0x41, 0x0C]) * width) * height
    parts = [
        chunk(b"IHDR", header),
        *more,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*more: bytes, width: int = PIXELS, height: int = PIXELS, frame: int = 0xC0) -> bytes:
    """Return what has the form of a JPEG, with further segments."""
    size = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    parts = [
        segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        *more,
        segment(0xDB, b"\0" + bytes([1]) * 64),
        segment(frame, size),
        segment(0xC4, b"\0" + bytes(16)),
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        b"\x12\xff\x00\x34\xff\xd0\x56",
    ]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP of these chunks, by default of one lossless picture."""
    spelled = b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in chunks or [(b"VP8L", lossless())]
    )
    return b"RIFF" + struct.pack("<I", len(spelled) + 4) + b"WEBP" + spelled


def lossless(width: int = PIXELS, height: int = PIXELS) -> bytes:
    """Return the data of a lossless picture."""
    return b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\x11\x88\x08"


def lossy(width: int = PIXELS, height: int = PIXELS) -> bytes:
    """Return the data of a lossy picture."""
    return b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\x00" * 8


def bitmap(width: int = PIXELS, height: int = PIXELS) -> bytes:
    """Return a picture of an icon as a bitmap."""
    header = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 32, 0, 0, 0, 0, 0, 0)
    return header + b"\x11\x22\x33\xff" * width * height + b"\0\0\0\0" * height


def ico(*pictures: bytes, between: bytes = b"") -> bytes:
    """Return an icon of these pictures, with something between them."""
    place = 6 + 16 * len(pictures)
    entries, data = b"", b""
    for picture in pictures:
        start = place + len(data) + len(between)
        entries += struct.pack("<BBBBHHII", PIXELS, PIXELS, 0, 0, 1, 32, len(picture), start)
        data += between + picture
    return b"\0\0\1\0" + struct.pack("<H", len(pictures)) + entries + data


def svg(
    inner: str = '<path d="M0 0h8v8z" fill="#C2410C"/>', root: str = "", before: str = ""
) -> bytes:
    """Return a drawing."""
    name = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"'
    return f"{before}<svg {name} {root}>{inner}</svg>".encode()
