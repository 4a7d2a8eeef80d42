"""Provisioning entries: names, slugs, locales, URLs, of which every entry is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from porta.errors import Invalid
from porta.pages.colors import is_color
from porta.protocol.clients.registered_uris import find_link_fault
from porta.services.claims import parse_claim_name
from porta.services.signing_algorithms import parse_algorithm
from porta.tenants import slugs
from porta.text.names import find_name_fault
from porta.text.urls import parse_web_url


def rule(check: Callable[[str], str]) -> AfterValidator:
    """Let pydantic collect what `check` refuses with Invalid."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except Invalid as refusal:
            raise ValueError(refusal.message) from None

    return AfterValidator(validate)


def _image(url: str) -> str:
    fault = find_link_fault(url)
    if fault is not None:
        raise Invalid(fault)
    return url


def _color(color: str) -> str:
    if not is_color(color):
        raise Invalid("must be a colour like #0F766E")
    return color


def _name(name: str) -> str:
    fault = find_name_fault(name)
    if fault is not None:
        raise Invalid(fault)
    return name


Name = Annotated[str, Field(min_length=1, max_length=255), rule(_name)]
Description = Annotated[str, Field(max_length=1000)]
Short = Annotated[str, Field(min_length=1, max_length=50), rule(_name)]
Locale = Annotated[str, Field(max_length=10, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]
WebUrl = Annotated[str, Field(max_length=2048), rule(parse_web_url)]
Color = Annotated[str, rule(_color)]
ImageUrl = Annotated[str, Field(max_length=2048), rule(_image)]
OrganizationSlug = Annotated[str, rule(slugs.parse_organization_slug)]
ApplicationSlug = Annotated[str, rule(slugs.parse_application_slug)]
RoleSlug = Annotated[str, rule(slugs.parse_role_slug)]
PermissionSlug = Annotated[str, rule(slugs.parse_permission_slug)]
ClaimName = Annotated[str, rule(parse_claim_name)]
LoginMethods = Annotated[
    tuple[Literal["password", "magic_link"], ...], Field(min_length=1, max_length=2)
]
AccessTokenFormat = Literal["jwt", "opaque"]
AccessTokenType = Literal["at+jwt", "JWT"]
Algorithm = Annotated[str, rule(parse_algorithm)]


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
