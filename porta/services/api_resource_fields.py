"""Fields of an API resource: its identifier, its scopes and their words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from porta.protocol.errors import InvalidScope
from porta.protocol.features.resource_indicators import MAX_LENGTH, is_identifier
from porta.protocol.requests.scopes import OIDC_SCOPES, parse_scope
from porta.services.commands import Command
from porta.services.fields import Description, Locale, Name, judged
from storage.models.clients import ScopeText


def find_identifier_fault(identifier: str) -> str | None:
    """Return why no request can name `identifier` (RFC 8707 §2), or None."""
    if is_identifier(identifier):
        return None
    return (
        "an absolute URI without a fragment is needed (RFC 8707 §2), of at most"
        f" {MAX_LENGTH} characters"
    )


def find_scope_fault(scope: str) -> str | None:
    """Return why `scope` can be none of an API, or None."""
    try:
        whole = parse_scope(scope) == (scope,)
    except InvalidScope:
        whole = False
    if not whole:
        return "each is one word (RFC 6749 §3.3)"
    return f"'{scope}' belongs to OpenID Connect" if scope in OIDC_SCOPES else None


class ScopeWords(Command):
    """What the consent page says of a scope."""

    title: Name | None = None
    description: Description | None = None


class Scope(ScopeWords):
    """A scope: its name alone, or with words for people, also in other languages."""

    name: Annotated[str, judged(find_scope_fault)]
    translations: Annotated[dict[Locale, ScopeWords], Field(max_length=100)] = Field(
        default_factory=dict
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @property
    def text(self) -> ScopeText:
        """Return the words as they are stored."""
        translations = {
            language: ScopeText(words.title, words.description)
            for language, words in self.translations.items()
        }
        return ScopeText(self.title, self.description, translations)


def once(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """Return the scopes, none of which may be named twice."""
    if len({scope.name for scope in scopes}) < len(scopes):
        raise ValueError("a scope stands in it twice")
    return scopes
