"""JPEG: its segments, as far as they draw (ITU-T T.81, Annex B)."""

from __future__ import annotations

import struct

from porta.images.image import Image, NoImage, check_size

SIGNATURE = b"\xff\xd8\xff"
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; Huffman
_TABLES = frozenset({0xC4, 0xDB, 0xDD})  # Huffman, quantization, restart interval
_KEPT_APPLICATION = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
_RESTARTS = range(0xD0, 0xD8)
_JFIF = 16  # bytes of its segment without a thumbnail
_MOST_SCANS = 100
"""Of a progressive one, which has ten or so: whoever sees it draws the whole picture for each."""
_DAMAGED = "it is a JPEG that is damaged"


def clean(content: bytes) -> Image:
    """Return a JPEG of the segments that draw it. Raises NoImage."""
    kept, place, frames, scans = [content[:2]], 2, 0, 0
    while True:
        marker, place = _marker(content, place)
        if marker == _EOI:
            break
        segment, place = _segment(content, place)
        if marker in _FRAMES:
            frames += 1
            _check_frame(segment)
        elif marker != _SOS and marker not in _TABLES and not _is_kept(marker, segment):
            _check_left_out(marker)
            continue
        kept += [bytes([0xFF, marker]), struct.pack(">H", len(segment) + 2), segment]
        if marker == _SOS:
            scans += 1
            if scans > _MOST_SCANS:
                raise NoImage("it is a JPEG that is drawn over and over again")
            end = _end_of_scan(content, place)
            kept.append(content[place:end])
            place = end
    if frames != 1 or scans == 0:
        raise NoImage("it is a JPEG without a picture, or with several")
    return Image(b"".join([*kept, b"\xff\xd9"]), "image/jpeg", "jpg")


def _marker(content: bytes, place: int) -> tuple[int, int]:
    """Return the marker at `place`, which may be filled up before it (B.1.1.2)."""
    if content[place : place + 1] != b"\xff":
        raise NoImage(_DAMAGED)
    while content[place : place + 1] == b"\xff":
        place += 1
    if place >= len(content):
        raise NoImage("it is a JPEG that ends too early")
    return content[place], place + 1


def _segment(content: bytes, place: int) -> tuple[bytes, int]:
    if place + 2 > len(content):
        raise NoImage("it is a JPEG that ends too early")
    end = place + int(struct.unpack_from(">H", content, place)[0])
    if end < place + 2 or end > len(content):
        raise NoImage(_DAMAGED)
    return content[place + 2 : end], end


def _check_frame(segment: bytes) -> None:
    if len(segment) < 6:
        raise NoImage(_DAMAGED)
    height, width = struct.unpack_from(">HH", segment, 1)
    check_size(width, height)


def _is_kept(marker: int, segment: bytes) -> bool:
    """Whether it says how colours are meant; without a thumbnail, which is a picture of its own."""
    name = _KEPT_APPLICATION.get(marker)
    return name is not None and segment.startswith(name) and len(segment) < _JFIF


def _check_left_out(marker: int) -> None:
    """Raise NoImage for what is neither about the picture nor a comment."""
    if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
        raise NoImage("it is a JPEG of a kind that browsers do not show")


def _end_of_scan(content: bytes, place: int) -> int:
    """Return where the entropy-coded data that begin at `place` end (B.1.1.5)."""
    while True:
        place = content.find(b"\xff", place)
        if place < 0 or place + 1 >= len(content):
            raise NoImage("it is a JPEG that ends too early")
        following = content[place + 1]
        if following != 0 and following not in _RESTARTS:
            return place
        place += 2
