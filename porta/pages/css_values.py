"""CSS allow list: which properties an administrator may set, and to what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_FUNCTIONS = frozenset(
    (
        "rgb",
        "rgba",
        "hsl",
        "hsla",
        "hwb",
        "lab",
        "lch",
        "oklab",
        "oklch",
        "color-mix",
        "light-dark",
        "linear-gradient",
        "radial-gradient",
        "conic-gradient",
    )
)
COLOR_TOKENS = (
    *("--primary", "--button", "--on-button", "--link", "--page", "--page-text", "--card"),
    *("--field", "--text", "--muted", "--line", "--edge", "--danger", "--success"),
)
"""What `var()` may name: colours that are made of the brand, in the scheme that is shown."""
_VARIABLES = frozenset(COLOR_TOKENS)
_RADIUS_VARIABLES = frozenset({"--radius", "--radius-field"})
_PUNCTUATION = frozenset({",", "/"})
_FONT_NAME = re.compile(r"[A-Za-z0-9 _-]{1,64}")
_WORD = re.compile(r"-?[a-z][a-z0-9-]{0,63}", re.IGNORECASE)
_DEEPEST = 6
_MOST_TOKENS = 200
# How many CSS pixels a unit is, by the 16 px that browsers start from.
_PIXELS = {"px": 1.0, "pt": 4 / 3, "rem": 16.0, "em": 16.0, "ch": 8.0}
_RELATIVE = frozenset({"em", "ch"})
_SIZES = frozenset(
    ("small", "medium", "large", "x-large", "xx-large", "xxx-large", "inherit", "initial", "unset")
)

_NOTHING = (1.0, 0.0)


class Bounds(NamedTuple):
    """Lengths in CSS pixels. `percent` and `plain` bound `%` and numbers without a unit.

    `words` are the only keywords, where not all are safe, and lengths by the font are then none:
    what is a share of its parent's size multiplies with every element.
    """

    low: float
    high: float
    percent: tuple[float, float] = _NOTHING
    plain: tuple[float, float] = _NOTHING
    words: frozenset[str] = frozenset()


_COLOR = Bounds(0, 0, percent=(0, 100), plain=(0, 400))
_GRADIENT = Bounds(0, 1000, percent=(0, 200), plain=(0, 400))
_SPACE = Bounds(0, 96, percent=(0, 20))
_EDGE = Bounds(0, 16, plain=(0, 400))
_RADIUS = Bounds(0, 999, percent=(0, 50))
_SHADOW = Bounds(-32, 64, percent=(0, 100), plain=(0, 400))
_TYPE = Bounds(12, 48, words=_SIZES)
_SIDES = (
    *("", "-top", "-right", "-bottom", "-left", "-inline", "-block"),
    *("-inline-start", "-inline-end", "-block-start", "-block-end"),
)
_CORNERS = (
    *("", "-top-left", "-top-right", "-bottom-left", "-bottom-right"),
    *("-start-start", "-start-end", "-end-start", "-end-end"),
)
_WIDTH = Bounds(280, 1200, percent=(100, 100))

ALLOWED: dict[str, Bounds] = {
    "--primary": _COLOR,
    "color": _COLOR,
    "accent-color": _COLOR,
    "caret-color": _COLOR,
    "background": _GRADIENT,
    "background-color": _COLOR,
    "background-image": _GRADIENT,
    "background-position": Bounds(0, 1000, percent=(0, 100)),
    "background-repeat": _COLOR,
    "background-size": Bounds(0, 4000, percent=(0, 400)),
    "border-style": _COLOR,
    "border-width": _EDGE,
    "border-color": _COLOR,
    "box-shadow": _SHADOW,
    "font-family": _COLOR,
    "font-size": _TYPE,
    "font-style": _COLOR,
    "font-weight": Bounds(0, 0, plain=(100, 1000)),
    "line-height": Bounds(16, 64, percent=(100, 300), plain=(1, 3)),
    "letter-spacing": Bounds(-0.5, 4),
    "text-align": _COLOR,
    "text-decoration": _EDGE,
    "text-decoration-color": _COLOR,
    "text-transform": _COLOR,
    "gap": _SPACE,
    "max-width": _WIDTH,
    "max-inline-size": _WIDTH,
    **{f"margin{side}": _SPACE for side in _SIDES},
    **{f"padding{side}": _SPACE for side in _SIDES},
    **{f"border{side}": _EDGE for side in _SIDES},
    **{f"border{corner}-radius": _RADIUS for corner in _CORNERS},
}


def is_safe(name: str, value: list[Any]) -> bool:
    """Tell whether the property is allowed and every token of its value is, within its bounds."""
    bounds = ALLOWED.get(name if name.startswith("--") else name.lower())
    if bounds is None or not any(token.type != "whitespace" for token in value):
        return False
    fonts = name.lower() == "font-family"
    return len(value) <= _MOST_TOKENS and _all_safe(value, bounds, fonts=fonts, depth=0)


def _all_safe(tokens: Iterable[Any], bounds: Bounds, *, fonts: bool, depth: int) -> bool:
    return depth <= _DEEPEST and all(_is_safe_token(t, bounds, fonts, depth) for t in tokens)


def _is_safe_token(token: Any, bounds: Bounds, fonts: bool, depth: int) -> bool:
    match token.type:
        case "whitespace":
            return True
        case "ident":
            return _is_safe_word(token, bounds)
        case "hash":
            return bool(re.fullmatch(r"[0-9a-fA-F]{3,8}", token.value))
        case "literal":
            return token.value in _PUNCTUATION
        case "string":
            return fonts and bool(_FONT_NAME.fullmatch(token.value))
        case "number":
            return _is_zero(token, bounds) or _between(token.value, bounds.plain)
        case "percentage":
            return _is_zero(token, bounds) or _between(token.value, bounds.percent)
        case "dimension":
            return _is_safe_dimension(token, bounds)
        case "function":
            return _is_safe_function(token, bounds, fonts, depth)
    return False


def _is_safe_word(token: Any, bounds: Bounds) -> bool:
    if bounds.words:
        return token.lower_value in bounds.words
    return _WORD.fullmatch(token.value) is not None


def _is_safe_dimension(token: Any, bounds: Bounds) -> bool:
    if token.lower_unit in ("deg", "turn"):
        return bounds is _GRADIENT
    if bounds.words and token.lower_unit in _RELATIVE:
        return False
    pixels = _PIXELS.get(token.lower_unit)
    return pixels is not None and _between(token.value * pixels, (bounds.low, bounds.high))


def _is_safe_function(token: Any, bounds: Bounds, fonts: bool, depth: int) -> bool:
    parts = [part for part in token.arguments if part.type != "whitespace"]
    if token.lower_name == "var":
        known = _RADIUS_VARIABLES if bounds is _RADIUS else _VARIABLES
        return len(parts) == 1 and parts[0].type == "ident" and parts[0].value in known
    return token.lower_name in _FUNCTIONS and _all_safe(
        parts, _GRADIENT, fonts=fonts, depth=depth + 1
    )


def _is_zero(token: Any, bounds: Bounds) -> bool:
    return token.value == 0 and bounds.low <= 0


def _between(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
