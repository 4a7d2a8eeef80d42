"""Sanitized custom CSS in the light and the dark scheme (Media Queries 5, prefers-color-scheme)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import tinycss2
import tinycss2.color4

from porta.pages.colors import mix, to_hex

_PAGE = frozenset({"body", "html", ":root", "html,body", "body,html"})
_PAINTED = ("background", "box-shadow", "border", "text-decoration")
_WITHOUT_COLOR = ("-width", "-style", "-radius", "-position", "-repeat", "-size")


class Grounds(NamedTuple):
    """The colours that custom CSS paints the page with, in each scheme; none where it does not."""

    light: tuple[str, ...]
    dark: tuple[str, ...]


def in_both_schemes(css: str) -> str:
    """Return `css` with its colours in the light scheme only, unless it knows the dark one.

    What it says of a light card would else meet the letters of the dark one. A colour is known to
    be meant for both where it is of `light-dark()` or of the brand's tokens alone.
    """
    if "prefers-color-scheme" in css:
        return css
    return "".join(map(_split, _parse(css)))


def page_grounds(css: str) -> Grounds:
    """Return the colours of the page in `css`, which is as `in_both_schemes` returns it."""
    light: list[str] = []
    dark: list[str] = []
    for condition, declaration in _page_backgrounds(_parse(css)):
        if "dark" not in condition:
            light += _colors(declaration.value, 0)
        if "light" not in condition:
            dark += _colors(declaration.value, 1)
    return Grounds(tuple(light), tuple(dark))


def _parse(css: str) -> list[Any]:
    return list(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))


def _split(rule: Any) -> str:
    if rule.type == "at-rule":
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        return f"@media {_write(rule.prelude)}{{{''.join(map(_split, inner))}}}\n"
    selector, parts = _write(rule.prelude), _declarations(rule)
    both = "".join(part.serialize() + ";" for part in parts if not _is_light(part))
    light = "".join(part.serialize() + ";" for part in parts if _is_light(part))
    return (f"{selector}{{{both}}}\n" if both else "") + (
        f"@media (prefers-color-scheme:light){{{selector}{{{light}}}}}\n" if light else ""
    )


def _is_light(declaration: Any) -> bool:
    """Tell whether this is a colour for the light scheme alone."""
    name = declaration.lower_name
    paints = "color" in name or name.startswith(_PAINTED)
    if not paints or name.endswith(_WITHOUT_COLOR):
        return False
    written = _write(declaration.value).lower()
    return not ("light-dark(" in written or "var(" in written)


def _page_backgrounds(rules: Iterable[Any], condition: str = "") -> Iterator[tuple[str, Any]]:
    for rule in rules:
        if rule.type == "at-rule":
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            yield from _page_backgrounds(inner, _write(rule.prelude).lower())
        elif _write(rule.prelude).replace(" ", "").lower() in _PAGE:
            for part in _declarations(rule):
                if part.lower_name in ("background", "background-color", "background-image"):
                    yield condition, part


def _declarations(rule: Any) -> list[Any]:
    parts = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    return [part for part in parts if part.type == "declaration"]


def _colors(tokens: Iterable[Any], scheme: int) -> Iterator[str]:
    """Yield every colour in a value; of `light-dark()` that of the scheme, 0 or 1."""
    for token in tokens:
        found: Any = tinycss2.color4.parse_color(token)
        if found is not None and found != "currentcolor":
            yield mix("#ffffff", _opaque(found), found.alpha)
        elif token.type == "function":
            arguments = list(token.arguments)
            if token.lower_name == "light-dark":
                comma = next((i for i, each in enumerate(arguments) if each == ","), 0)
                arguments = arguments[comma + 1 :] if scheme else arguments[:comma]
            yield from _colors(arguments, scheme)


def _opaque(color: Any) -> str:
    """Return the colour; of one that sRGB is not asked for, a grey of the same luminance."""
    try:
        red, green, blue = color.to("srgb").coordinates
    except NotImplementedError:
        light = _luminance(color.to("lab").coordinates[0] or 0)
        grey = 12.92 * light if light < 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
        red = green = blue = grey
    return to_hex((red or 0, green or 0, blue or 0))


def _luminance(lightness: float) -> float:
    """Return the luminance, 0 to 1, of a CIE lightness, 0 to 100 (CSS Color 4 §9.3)."""
    lightness = min(max(lightness, 0), 100)
    return ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3


def _write(tokens: Any) -> str:
    return str(tinycss2.serialize(tokens)).strip()
