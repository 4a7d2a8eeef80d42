"""What a brand may hold: tokens, links, texts and custom CSS, checked before they are stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple

from porta.errors import Invalid
from porta.pages import branding, custom_css
from porta.pages.colors import is_color
from porta.pages.render import find_languages
from porta.protocol.clients.registered_uris import find_link_fault
from porta.text.names import find_name_fault
from storage.models.organizations import Brand, BrandTexts, Organization

LONGEST_URL = 2048
LONGEST_TEXTS = {"title": 80, "lead": 200, "help": 300, "note": 200}
"""Characters."""
_MOST_TOLD = 20

Path = tuple[str, ...]


class Mistake(NamedTuple):
    """What is wrong with a brand, and where: `texts.de.title`."""

    path: Path
    message: str


def find_mistakes(brand: Brand) -> Iterator[Mistake]:
    """Yield everything that is wrong with the tokens, links and texts of a brand."""
    for name, find_fault in _FIELDS.items():
        value = getattr(brand, name)
        fault = find_fault(value) if value is not None else None
        if fault:
            yield Mistake(_PLACES.get(name, (name,)), fault)
    if (brand.background == "picture") != (brand.background_url is not None):
        yield Mistake(("background_url",), "background: picture and background_url need each other")
    for texts in brand.texts:
        yield from _of_texts(texts)


def find_css_mistakes(css: str) -> Iterator[str]:
    """Yield what custom CSS holds that no page would be given, each with its line; bounded."""
    _, dropped = custom_css.clean(css)
    yield from map(str, dropped[:_MOST_TOLD])
    if len(dropped) > _MOST_TOLD:
        yield f"and {len(dropped) - _MOST_TOLD} more"


def check(wanted: Organization, stored: Organization | None = None) -> None:
    """Raise Invalid with every mistake in the brand of `wanted`.

    Custom CSS that is stored already is not looked at: 1.x allowed more, and pages are given what
    is allowed of it.
    """
    told = [f"{'.'.join(path)}: {message}" for path, message in find_mistakes(wanted.brand)]
    css = wanted.branding_custom_css
    if css and (stored is None or css != stored.branding_custom_css):
        told += [f"custom_css: {mistake}" for mistake in find_css_mistakes(css)]
    if told:
        raise Invalid("; ".join(told))


def _of_texts(texts: BrandTexts) -> Iterator[Mistake]:
    language, known = texts.language, find_languages()
    if language not in known:
        yield Mistake(("texts", language), f"is no language of the pages: {', '.join(known)}")
    for name, longest in LONGEST_TEXTS.items():
        text = getattr(texts, name)
        fault = find_name_fault(text) if text is not None else None
        if text is not None and len(text) > longest:
            fault = f"must have at most {longest} characters"
        if fault:
            yield Mistake(("texts", language, name), fault)


def _color(value: str) -> str | None:
    return None if is_color(value) else "must be a colour like #0F766E"


def _one_of(known: Collection[str], value: str) -> str | None:
    return None if value in known else f"must be one of: {', '.join(known)}"


def _radius(value: int) -> str | None:
    most = branding.LARGEST_RADIUS
    return None if 0 <= value <= most else f"must be a number of pixels from 0 to {most}"


def _url(value: str) -> str | None:
    if len(value) > LONGEST_URL:
        return f"must have at most {LONGEST_URL} characters"
    if not value.lower().startswith("https://"):
        return "must be an https URL"
    return find_link_fault(value)


_PLACES: dict[str, Path] = {f"{name}_url": ("links", name) for name in branding.LINKS}
_FIELDS: dict[str, Callable[..., str | None]] = {
    **dict.fromkeys(("ink_color", "page_color", "card_color"), _color),
    "radius": _radius,
    "font": partial(_one_of, tuple(branding.FONTS)),
    "background": partial(_one_of, branding.BACKGROUNDS),
    "card_position": partial(_one_of, branding.POSITIONS),
    **dict.fromkeys(("background_url", "logo_dark_url", "home_url"), _url),
    **dict.fromkeys((f"{name}_url" for name in branding.LINKS), _url),
}
