"""Image: what an upload is by its content, made anew of what a picture needs.

Nothing is taken from the sender's word, and no byte is kept that has not been understood: what
follows the picture, what was written about it (Exif, XMP, comments, colour profiles), and what
moves, is left out. So no file is a picture and something else at once, and none tells where it was
taken.
"""

from __future__ import annotations

from typing import NamedTuple

MOST_PIXELS = 2048
"""Pixels of each side: a browser keeps four bytes of each, whatever the file has."""


class NoImage(ValueError):
    """What was sent is no image that is taken; the message says why, in words for a person."""


class Image(NamedTuple):
    """An image as it is kept and sent."""

    content: bytes
    content_type: str
    suffix: str
    """Of its name, without a dot."""


def check_size(width: int, height: int) -> None:
    """Raise NoImage for what has no pixels, or more than a page should load."""
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise NoImage(f"it is {width} by {height} pixels: each side may have 1 to {MOST_PIXELS}")
