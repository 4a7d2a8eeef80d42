"""Brand rules: tokens, links, texts and custom CSS, checked before they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import AfterValidator, Field, Strict

from porta.errors import Invalid
from porta.pages import branding, custom_css
from porta.pages.catalogs import find_languages
from porta.services.commands import ABSENT, Patch
from porta.services.fields import (
    LONGEST_URL,
    Color,
    Link,
    Name,
    SecureLink,
    judged,
    one_of,
)
from porta.text.names import find_name_problem
from storage.models.organizations import Brand, BrandTexts, ClientBrand, Organization

__all__ = [
    "LONGEST_TEXTS",
    "LONGEST_URL",
    "BrandLinks",
    "BrandWords",
    "BrandingPatch",
    "LookPatch",
    "merge",
]

LONGEST_TEXTS = {"title": 80, "lead": 200, "help": 300, "note": 200}
"""Characters."""
_MOST_TOLD = 20
_Kind = TypeVar("_Kind", bound=Brand)
OF_1X = ("primary_color", "company_name", "custom_css", "logo_url", "favicon_url")
"""What Porta 1.x has a column for."""
AS_ITS_ORGANIZATION = ClientBrand()


def find_css_problems(css: str) -> Iterator[str]:
    """Yield what custom CSS holds that no page would be given, each with its line; bounded."""
    _, dropped = custom_css.clean(css)
    yield from map(str, dropped[:_MOST_TOLD])
    if len(dropped) > _MOST_TOLD:
        yield f"and {len(dropped) - _MOST_TOLD} more"


def _clean(css: str) -> str:
    """CSS is cleaned before it is stored: what nobody can store, nobody can be served."""
    told = "\n".join(find_css_problems(css))
    if told:
        raise ValueError(told)
    return custom_css.sanitize(css)


def _find_language_problem(language: str) -> str | None:
    known = find_languages()
    return None if language in known else f"is no language of the pages: {', '.join(known)}"


def _words(name: str) -> Any:
    return Field(max_length=LONGEST_TEXTS[name])


class BrandLinks(Patch):
    """Where the footer of every page leads."""

    support: SecureLink | None = ABSENT
    privacy: SecureLink | None = ABSENT
    terms: SecureLink | None = ABSENT
    imprint: SecureLink | None = ABSENT


class BrandWords(Patch):
    """What an organization says on its pages in one language."""

    title: Annotated[str, _words("title"), judged(find_name_problem)] | None = ABSENT
    lead: Annotated[str, _words("lead"), judged(find_name_problem)] | None = ABSENT
    help: Annotated[str, _words("help"), judged(find_name_problem)] | None = ABSENT
    note: Annotated[str, _words("note"), judged(find_name_problem)] | None = ABSENT


class LookPatch(Patch):
    """How pages look; of a client, where that is not as its organization."""

    primary_color: Color | None = ABSENT
    company_name: Name | None = ABSENT
    logo_url: Link | None = ABSENT
    favicon_url: Link | None = ABSENT
    ink_color: Color | None = ABSENT
    page_color: Color | None = ABSENT
    card_color: Color | None = ABSENT
    radius: Annotated[int, Strict(), Field(ge=0, le=branding.LARGEST_RADIUS)] | None = ABSENT
    font: Annotated[str, one_of(tuple(branding.FONTS))] | None = ABSENT
    background: Annotated[str, one_of(branding.BACKGROUNDS)] | None = ABSENT
    background_url: SecureLink | None = ABSENT
    card_position: Annotated[str, one_of(branding.POSITIONS)] | None = ABSENT
    logo_dark_url: SecureLink | None = ABSENT
    home_url: SecureLink | None = ABSENT
    links: BrandLinks | None = ABSENT
    texts: dict[Annotated[str, judged(_find_language_problem)], BrandWords | None] | None = ABSENT
    """By the language of the pages."""


class BrandingPatch(LookPatch):
    """How an organization looks."""

    custom_css: Annotated[str, AfterValidator(_clean)] | None = ABSENT


def merge(stored: Organization, patch: BrandingPatch | None) -> dict[str, Any]:
    """Return the columns that `patch` sets; None removes the whole brand (RFC 7396).

    Raises Invalid where what is left does not fit together.
    """
    said = patch.said() if patch is not None else dict.fromkeys(BrandingPatch.model_fields)
    columns = {f"branding_{name}": said.pop(name) or None for name in OF_1X if name in said}
    if said:
        columns["brand"] = _merged(stored.brand, said, "branding")
    return columns


def merge_of_client(stored: ClientBrand | None, patch: LookPatch | None) -> ClientBrand | None:
    """Return how a client looks by `patch`; None where it looks as its organization does.

    Raises Invalid where what is left does not fit together.
    """
    if patch is None:
        return None
    merged = _merged(stored or AS_ITS_ORGANIZATION, patch.said(), "brand")
    return merged if merged != AS_ITS_ORGANIZATION else None


def _merged(brand: _Kind, said: dict[str, Any], place: str) -> _Kind:
    said = dict(said)
    if "links" in said:
        links = said.pop("links")
        told = links.said() if links is not None else dict.fromkeys(BrandLinks.model_fields)
        said |= {f"{name}_url": url for name, url in told.items()}
    if "texts" in said:
        said["texts"] = _merge_texts(brand.texts, said["texts"])
    merged = msgspec.structs.replace(brand, **said)
    _check_fits(merged, place)
    return merged


def _merge_texts(
    stored: tuple[BrandTexts, ...], patch: dict[str, BrandWords | None] | None
) -> tuple[BrandTexts, ...]:
    if patch is None:
        return ()
    texts = {each.language: each for each in stored}
    for language, words in patch.items():
        if words is None:
            texts.pop(language, None)
        else:
            known = texts.get(language, BrandTexts(language=language))
            texts[language] = msgspec.structs.replace(known, **words.said())
    return tuple(texts.values())


def _check_fits(brand: Brand, place: str) -> None:
    if (brand.background == "picture") != (brand.background_url is not None):
        raise Invalid.at(
            *(place, "backgroundUrl"),
            message="the background picture and its URL need each other",
        )
