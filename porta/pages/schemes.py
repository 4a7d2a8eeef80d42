"""The colours of a page in its light and its dark scheme, made of a brand's tokens."""

from __future__ import annotations

from typing import NamedTuple

from porta.pages.colors import (
    DARK,
    LIGHT,
    READABLE,
    VISIBLE,
    contrast,
    darkened,
    is_color,
    is_dark,
    luminance,
    mend,
    mix,
)
from storage.models.organizations import Brand

_LIGHT_INK = "#ffffff"
_DARK_INK = "#10131a"
_WRITABLE = 3.1  # from here on white is expected on a colour, and it is darkened a little for it
# A button is told by its label (§1.4.11), but it must not vanish. On a light, on a dark card:
_DISTINCT = {False: 1.3, True: 1.6}
_COMFORTABLE = {False: 7.0, True: 10.0}  # §1.4.6, for most of the text
_DEEP = 0.1  # luminance; a surface so dark stays what it is in the dark scheme
_PALE = 0.6  # luminance; a glow of so light a colour is a stain
_TINT = 0.07
_RED = "#d92d20"
_GREEN = "#12a150"
_GLOW = {False: 0.16, True: 0.1}


class Palette(NamedTuple):
    """Brand colours on one surface: a button, what is written on it, a link."""

    button: str
    on_button: str
    link: str


class _Base(NamedTuple):
    """What stands for tokens that a brand does not set."""

    page: str
    card: str
    field: str
    text: str
    muted: str
    line: str
    edge: str
    danger: str
    success: str


_BASES = {
    False: _Base(
        *("#f5f6f8", "#ffffff", "#ffffff", "#161a22", "#586172", "#e3e6eb", "#858e9d"),
        *("#a81c14", "#14703c"),
    ),
    True: _Base(
        *("#0c0e13", "#171a21", "#101319", "#eceff4", "#a4adbc", "#2b303a", "#6f7a8b"),
        *("#ffb4ab", "#7fdba5"),
    ),
}


def palette(color: str, surface: str) -> Palette:
    """Return readable brand colours on `surface`, as near to `color` as they can be."""
    distinct = _DISTINCT[is_dark(surface)]
    seen = mend(color, surface, ratio=distinct)
    inks = [_LIGHT_INK, _DARK_INK]
    if contrast(seen, _LIGHT_INK) < _WRITABLE:
        inks.reverse()
    pairs = [(mend(seen, ink), ink) for ink in inks]
    pairs.append((mend(_LIGHT_INK, surface), mend(_DARK_INK, mend(_LIGHT_INK, surface))))
    button, ink = next(pair for pair in pairs if contrast(pair[0], surface) >= 1.25)
    return Palette(button, ink, mend(color, surface))


def scheme(
    brand: Brand, primary: str, *, dark: bool, grounds: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the colour variables of one scheme, by their names in page.css.

    `grounds` are what custom CSS paints the page with, instead of the brand's page.
    """
    base = _BASES[dark]
    card, field = _card(brand, dark)
    page = _page(brand, primary, dark)
    paints = grounds or _paints(brand, primary, page, dark)
    text = mend(
        _ink(brand) or _fit(card, base.text), card, field, ratio=_COMFORTABLE[is_dark(card)]
    )
    plain = not (is_color(brand.card_color) or is_color(brand.ink_color))
    muted = mend(base.muted if plain else mix(text, card, 0.3), card, field)
    button, on_button, link = palette(primary, card)
    return {
        "button": button,
        "on-button": on_button,
        "pressed": LIGHT if is_dark(on_button) else DARK,
        "link": mend(link, card, field),
        "page": page,
        "glow": paints[-1],
        "page-text": mend(_fit(paints[0], base.muted), *paints),
        "card": card,
        "field": field,
        "text": text,
        "muted": muted,
        "line": base.line if plain else mix(card, text, 0.12),
        "edge": mend(base.edge if plain else mix(text, card, 0.5), card, field, ratio=VISIBLE),
        **_signals(card),
    }


def _signals(card: str) -> dict[str, str]:
    dark = is_dark(card)
    base, share = _BASES[dark], 0.14 if dark else 0.07
    soft = _legible(card, mix(card, _RED, share))
    fine = _legible(card, mix(card, _GREEN, share))
    return {
        "danger": mend(base.danger, card, soft),
        "danger-soft": soft,
        "danger-line": mix(card, _RED, 0.3),
        "success": mend(base.success, card, fine),
        "success-soft": fine,
    }


def _card(brand: Brand, dark: bool) -> tuple[str, str]:
    """Return the card, and a field on it."""
    base, color = _BASES[dark], brand.card_color
    if color is None or not is_color(color):
        return base.card, base.field
    if not dark:
        return color.lower(), color.lower()
    card = color.lower() if luminance(color) < _DEEP else darkened(color, 0.11)
    return card, mix(card, DARK, 0.25)


def _page(brand: Brand, primary: str, dark: bool) -> str:
    color = brand.page_color
    if color is not None and is_color(color):
        return color.lower() if not dark or luminance(color) < _DEEP else darkened(color, 0.06)
    return mix(_BASES[dark].page, primary, 0 if brand.background == "plain" else _TINT)


def _paints(brand: Brand, primary: str, page: str, dark: bool) -> tuple[str, str]:
    """Return the page, and what its top is lit with: the page itself where it is not."""
    lit = brand.background in (None, "glow") and luminance(primary) <= _PALE
    glow = _legible(page, mix(page, primary, _GLOW[dark]))
    return page, glow if lit else page


def _legible(surface: str, other: str) -> str:
    """Return `other`, or `surface` where no letters could be read on both."""
    ends = (min(contrast(end, surface), contrast(end, other)) for end in (LIGHT, DARK))
    return other if max(ends) >= READABLE else surface


def _ink(brand: Brand) -> str | None:
    return brand.ink_color if is_color(brand.ink_color) else None


def _fit(surface: str, color: str) -> str:
    """Return `color`, or its like of the other scheme where that is what the surface asks for."""
    base = _BASES[is_dark(surface)]
    known = {each.text: base.text for each in _BASES.values()}
    known |= {each.muted: base.muted for each in _BASES.values()}
    return known.get(color, color)
