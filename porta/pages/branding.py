"""Branding: an organization's name, logo, colours with enough contrast, and style sheet."""

from __future__ import annotations

import colorsys
import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from porta.pages.custom_css import root_color, sanitize
from porta.pages.values import web_url
from storage.models.organizations import Organization

DEFAULT_COLOR = "#3B82F6"
LIGHT_CARD = "#ffffff"
DARK_CARD = "#171a21"
"""The surfaces that brand colours must be readable on; page.css paints them."""
_LIGHT_INK = "#ffffff"
_DARK_INK = "#10131a"
_READABLE = 4.6  # WCAG 2.2 §1.4.3 wants 4.5; rounding to 8 bits takes a little
_WRITABLE = 3.1  # from here on white is expected on a colour, and it is darkened a little for it
_DISTINCT = 1.3  # a button is told by its label (§1.4.11), but it must not vanish
_STEP = 0.02
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_VERSION = "2"
"""Raised when the same branding gives another style sheet, so that browsers fetch it anew."""


class Palette(NamedTuple):
    """Brand colours for one scheme, as `#rrggbb`: a button, what is written on it, a link."""

    button: str
    on_button: str
    link: str


class Brand(NamedTuple):
    """What templates show of an organization; every part of it may be empty."""

    company: str
    initial: str
    logo_url: str
    favicon_url: str
    stylesheet_url: str
    slug: str


_NEUTRAL = Brand("", "", "", "", "", "")


def brand(organization: Organization | None) -> Brand:
    """Return what pages show of `organization`, or a neutral brand for None."""
    if organization is None:
        return _NEUTRAL
    company = (organization.branding_company_name or organization.name).strip()
    return Brand(
        company,
        company[:1].upper(),
        web_url(organization.branding_logo_url),
        web_url(organization.branding_favicon_url),
        f"/{organization.slug}/branding.css?v={stylesheet_version(organization)}",
        organization.slug,
    )


def stylesheet(organization: Organization) -> str:
    """Return the organization's style sheet: its colours for both schemes, then its custom CSS.

    A `--primary` that the custom CSS gives `:root` in hex stands for the organization's colour.
    Much CSS takes long to read: on the event loop ask `stylesheets.py`.
    """
    color = organization.branding_primary_color
    custom = sanitize(organization.branding_custom_css or "")
    primary = root_color(custom) or (color if color and _COLOR.fullmatch(color) else DEFAULT_COLOR)
    light, dark = palette(primary, LIGHT_CARD), palette(primary, DARK_CARD)
    # Custom CSS that knows nothing of a dark scheme would put dark text on a dark card.
    scheme = "light dark" if not custom or _knows_dark(custom) else "light"
    return (
        f":root{{color-scheme:{scheme};--primary:{primary.lower()};"
        f"--brand-light:{light.button};--on-brand-light:{light.on_button};"
        f"--link-light:{light.link};"
        f"--brand-dark:{dark.button};--on-brand-dark:{dark.on_button};--link-dark:{dark.link}}}\n"
        f"{custom}"
    )


def stylesheet_version(organization: Organization) -> str:
    """Return a short digest that changes when `stylesheet` does."""
    return _version(organization.branding_primary_color, organization.branding_custom_css)


def palette(color: str, surface: str) -> Palette:
    """Return readable brand colours on `surface` (`#rrggbb`), as near to `color` as they can be.

    Contrasts are those of WCAG 2.2 §1.4.3.
    """
    button = _until(color, surface, _DISTINCT)
    on_button = _LIGHT_INK
    if contrast(button, _LIGHT_INK) < _WRITABLE:
        on_button = _DARK_INK
    return Palette(
        _until(button, on_button, _READABLE), on_button, _until(color, surface, _READABLE)
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=256)
def _version(color: str | None, custom_css: str | None) -> str:
    named = f"{_VERSION}\0{color}\0{custom_css}"
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:16]


def _knows_dark(css: str) -> bool:
    return "prefers-color-scheme" in css or "light-dark(" in css


def _until(color: str, against: str, ratio: float) -> str:
    """Move the lightness of `color` away from `against` until their contrast reaches `ratio`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    away = _STEP if _luminance(against) < 0.5 else -_STEP
    while contrast(color, against) < ratio and 0 < lightness + away < 1:
        lightness += away
        color = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return color.lower()


def _luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in _channels(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + bytes(round(value * 255) for value in channels).hex()
