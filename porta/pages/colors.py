"""Colours as `#rrggbb`, and their contrast (WCAG 2.2 §1.4.3): measured, and mended."""

from __future__ import annotations

import colorsys
import re

LIGHT = "#ffffff"
DARK = "#000000"
READABLE = 4.6
"""What text is mended to: §1.4.3 wants 4.5, and rounding to 8 bits takes a little."""
VISIBLE = 3.1
"""What edges are mended to: §1.4.11 wants 3."""
_STEP = 0.02
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def is_color(text: str | None) -> bool:
    """Tell whether `text` is a colour of this form."""
    return text is not None and _COLOR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mend(color: str, *surfaces: str, ratio: float = READABLE) -> str:
    """Return `color` as it is, or as near to it as its contrast on every surface reaches `ratio`.

    Only its lightness moves, and towards white or black: whichever the surfaces leave more room
    for. Where not even that is enough, it is returned: 4.58 at the least on a single surface.
    """
    best = max(LIGHT, DARK, key=lambda end: _least(end, surfaces))
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    away = _STEP if best == LIGHT else -_STEP
    while _least(color, surfaces) < ratio:
        lightness += away
        if not 0 < lightness < 1:
            return best
        color = to_hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return color.lower()


def mix(one: str, other: str, share: float) -> str:
    """Return `one` with `share` (0 to 1) of `other` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return to_hex(tuple(a + (b - a) * share for a, b in pairs))


def darkened(color: str, lightness: float) -> str:
    """Return the dark surface (`lightness` 0 to 1) that has a hint of the hue of `color`."""
    hue, _, saturation = colorsys.rgb_to_hls(*_channels(color))
    return to_hex(colorsys.hls_to_rgb(hue, lightness, min(saturation, 0.3)))


def is_dark(color: str) -> bool:
    """Tell whether white is easier to read on `color` than black."""
    return contrast(color, LIGHT) > contrast(color, DARK)


def luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in _channels(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def to_hex(channels: tuple[float, ...]) -> str:
    """Return the colour of three channels, 0 to 1."""
    return "#" + bytes(round(min(max(value, 0), 1) * 255) for value in channels).hex()


def _least(color: str, surfaces: tuple[str, ...]) -> float:
    return min((contrast(color, surface) for surface in surfaces), default=21.0)


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255
