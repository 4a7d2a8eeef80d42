"""Provisioning entries: names, slugs, locales, URLs, of which every entry is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, model_validator

from porta.services.claims import find_name_problem
from porta.services.commands import Command, with_slug
from porta.services.fields import (
    Algorithm,
    ApplicationSlug,
    Description,
    Locale,
    LoginMethods,
    Name,
    PermissionSlug,
    RoleSlug,
    Short,
    WebUrl,
    judged,
    rule,
)

__all__ = [
    "ENTRY",
    "AccessTokenFormat",
    "AccessTokenType",
    "Algorithm",
    "ApplicationSlug",
    "ClaimName",
    "Description",
    "Entry",
    "Locale",
    "LoginMethods",
    "Name",
    "PermissionSlug",
    "RoleSlug",
    "Short",
    "SluggedEntry",
    "WebUrl",
    "command_of",
    "rule",
]

ClaimName = Annotated[str, judged(find_name_problem)]
AccessTokenFormat = Literal["jwt", "opaque"]
AccessTokenType = Literal["at+jwt", "JWT"]


ENTRY = ConfigDict(alias_generator=str)
"""Of a command as an entry: keys are spelled as in Python alone."""


C = TypeVar("C", bound=Command)


def command_of(
    entry: BaseModel, model: type[C], *, without: frozenset[str] = frozenset(), **more: Any
) -> C:
    """Return the command that an entry says, `without` some of its fields: they are checked
    already, and by these rules.
    """
    names = (entry.model_fields_set & set(model.model_fields)) - without
    said = {name: getattr(entry, name) for name in names}
    said |= more
    # mypy's plugin of pydantic has it return the class that defines it.
    return cast(C, model.model_construct(set(said), **said))


class Entry(BaseModel):
    """A mapping of the file. A key that it does not know is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SluggedEntry(Entry):
    """An entry whose slug, when it is missing, is made of its name."""

    name: Name

    @model_validator(mode="before")
    @classmethod
    def _default_slug(cls, data: Any) -> Any:
        return with_slug(data)
