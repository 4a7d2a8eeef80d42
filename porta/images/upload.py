"""Uploaded image: told by its first bytes, whatever its sender calls it, and cleaned as such."""

from __future__ import annotations

import struct

from porta.images import ico, jpeg, png, svg, webp
from porta.images.image import Image, NoImage

CONTENT_TYPES = (
    "image/png",
    "image/svg+xml",
    "image/x-icon",
    "image/vnd.microsoft.icon",
    "image/jpeg",
    "image/webp",
)
"""What an upload may call itself; what it is, is told by its content."""
LARGEST = 512 * 1024
"""Bytes."""


def clean(content: bytes) -> Image:
    """Return what `content` is, made anew. Linear in its size. Raises NoImage."""
    if not 0 < len(content) <= LARGEST:
        raise NoImage(f"it has {len(content)} bytes: 1 to {LARGEST} are taken")
    try:
        return _cleaned(content)
    except struct.error:
        raise NoImage("the image ends too early") from None


def _cleaned(content: bytes) -> Image:
    if content.startswith(png.SIGNATURE):
        return png.clean(content)
    if content.startswith(jpeg.SIGNATURE):
        return jpeg.clean(content)
    if webp.is_webp(content):
        return webp.clean(content)
    if content.startswith(ico.SIGNATURE):
        return ico.clean(content)
    if svg.may_be(content):
        return svg.clean(content)
    raise NoImage("it is neither PNG, JPEG, WebP, ICO nor SVG")
