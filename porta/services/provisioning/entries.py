"""Provisioning entries: names, slugs, locales, URLs, of which every entry is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from porta.services.claims import parse_claim_name
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
    rule,
)
from porta.tenants import slugs

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
    "rule",
]

ClaimName = Annotated[str, rule(parse_claim_name)]
AccessTokenFormat = Literal["jwt", "opaque"]
AccessTokenType = Literal["at+jwt", "JWT"]


ENTRY = ConfigDict(alias_generator=str)
"""Of a command as an entry: keys are spelled as in Python alone."""


class Entry(BaseModel):
    """A mapping of the file. A key that it does not know is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SluggedEntry(Entry):
    """An entry whose slug, when it is missing, is made of its name."""

    name: Name

    @model_validator(mode="before")
    @classmethod
    def _default_slug(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            return data
        return {"slug": slugs.slugify(data["name"]), **data}
