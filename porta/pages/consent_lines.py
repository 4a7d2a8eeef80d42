"""Consent lines: scopes and claims in the words of people, a line for what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from porta.pages import languages
from storage.models.claims import ClaimDefinition
from storage.models.clients import ApiResource, ScopeText
from storage.models.interactions import Consent

Text = Callable[[str], str]
"""A message of the catalogs by its key, in the language at hand."""

_ROLES = frozenset({"roles", "permissions"})
_PERSON = ("profile", "email", "phone", "address")
_OURS = frozenset({"openid", "offline_access", *_PERSON})


class Line(NamedTuple):
    """A line of the consent page: a message, what stands in it, and what is told on request.

    The message names all that is consented to; `details` (title, description) only explain it.
    """

    key: str
    values: Mapping[str, str] = {}
    details: tuple[tuple[str, str], ...] = ()


def build(
    shown: Consent,
    api_resources: Iterable[ApiResource],
    definitions: Iterable[ClaimDefinition],
    text: Text,
    language: str,
) -> list[Line]:
    """Return a line for each group of `shown`: the person, each API, claims, roles, the rest."""
    lines = [*_person(shown.scope, text), *_apis(shown, tuple(api_resources), language)]
    if names := [name for name in shown.claims if name not in _ROLES]:
        titles = {each.claim_name: each.title for each in definitions}
        told = ", ".join(titles.get(name) or name.replace("_", " ") for name in names)
        lines.append(Line("consent.claims", {"claims": told}))
    if _ROLES.intersection(shown.claims):
        lines.append(Line("consent.roles"))
    if "offline_access" in shown.scope:
        lines.append(Line("consent.scope_offline_access"))
    return lines


def _person(scope: tuple[str, ...], text: Text) -> Iterator[Line]:
    asked = [value for value in _PERSON if value in scope]
    if not asked:
        if "openid" in scope:
            yield Line("consent.scope_openid")
        return
    items = ", ".join(text(f"consent.item_{value}") for value in asked)
    known = [value for value in ("openid", *asked) if value in scope]
    details = tuple((text(f"consent.scope_{value}"), "") for value in known)
    yield Line("consent.person", {"items": items}, details if len(details) > 1 else ())


def _apis(shown: Consent, registered: tuple[ApiResource, ...], language: str) -> Iterator[Line]:
    """Yield a line for each API whose scopes are asked for; a scope that none has, by its name."""
    left = [value for value in shown.scope if value not in _OURS]
    named = [api for api in registered if api.identifier in shown.resource]
    for api in (*named, *(each for each in registered if each not in named)):
        owned = [value for value in left if value in api.scopes]
        if not owned:
            continue
        left = [value for value in left if value not in owned]
        words = [_words(api, value, language) for value in owned]
        items = ", ".join(title for title, _ in words)
        explained = any(description for _, description in words)
        values = {"api": api.name, "items": items}
        yield Line("consent.api", values, tuple(words) if explained else ())
    for value in left:
        yield Line("consent.other_scope", {"scope": value})


def _words(api: ApiResource, scope: str, language: str) -> tuple[str, str]:
    """Return title and description of a scope, each in the best language that it is written in."""
    texts = api.scope_texts.get(scope, ScopeText())
    chosen = languages.choose(texts.translations, language, None)
    translated = texts.translations.get(chosen, ScopeText())
    title = translated.title or texts.title or scope
    return title, translated.description or texts.description or ""
