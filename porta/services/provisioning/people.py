"""People in a provisioning file: who they are, and what they may do."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from porta.services.provisioning.entries import Entry, Locale, Name, Short, WebUrl, rule
from porta.text.email_addresses import canonical_email


class Address(Entry):
    street: str | None = Field(None, max_length=1000)
    locality: Name | None = None
    region: Name | None = None
    postal_code: str | None = Field(None, max_length=20)
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")


class RoleReference(Entry):
    app: str
    role: str


class ClaimValue(Entry):
    app: str
    claim: str
    value: JsonValue


class UserEntry(Entry):
    email: Annotated[str, rule(canonical_email)]
    email_verified: bool = False
    password: str | None = None
    status: Literal["active", "inactive"] = "active"
    given_name: Name | None = None
    family_name: Name | None = None
    middle_name: Name | None = None
    nickname: Name | None = None
    preferred_username: Name | None = None
    profile_url: WebUrl | None = None
    picture_url: WebUrl | None = None
    website_url: WebUrl | None = None
    gender: Short | None = None
    birthdate: date | None = None
    zoneinfo: Short | None = None
    locale: Locale | None = None
    phone_number: Short | None = None
    phone_number_verified: bool = False
    address: Address = Address()
    roles: tuple[RoleReference, ...] = ()
    claims: tuple[ClaimValue, ...] = ()
