"""Fields of a person: what each may be, and how a patch of them is stored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from porta.services.commands import ABSENT, Patch
from porta.services.fields import (
    Country,
    Day,
    Email,
    Flag,
    Locale,
    Name,
    Short,
    WebUrl,
    judged,
)
from porta.text.names import find_text_problem

Street = Annotated[str, Field(min_length=1, max_length=1000), judged(find_text_problem)]


PostalCode = Annotated[str, Field(min_length=1, max_length=20), judged(find_text_problem)]


class AddressPatch(Patch):
    """Where a person lives (OpenID Connect Core §5.1.1)."""

    street: Street | None = ABSENT
    locality: Name | None = ABSENT
    region: Name | None = ABSENT
    postal_code: PostalCode | None = ABSENT
    country: Country | None = ABSENT


class UserPatch(Patch):
    """What of a person may change; password and status have ways of their own."""

    email: Email = ABSENT
    """Another address is not verified, unless that is said too."""
    email_verified: Flag = ABSENT
    given_name: Name | None = ABSENT
    family_name: Name | None = ABSENT
    middle_name: Name | None = ABSENT
    nickname: Name | None = ABSENT
    preferred_username: Name | None = ABSENT
    profile_url: WebUrl | None = ABSENT
    picture_url: WebUrl | None = ABSENT
    website_url: WebUrl | None = ABSENT
    gender: Short | None = ABSENT
    birthdate: Day | None = ABSENT
    zoneinfo: Short | None = ABSENT
    locale: Locale | None = ABSENT
    phone_number: Short | None = ABSENT
    phone_number_verified: Flag = ABSENT
    address: AddressPatch | None = ABSENT


class NewUser(UserPatch):
    """A person to be added. Without a password they have none."""

    email: Email
    password: str | None = Field(None, repr=False)
    status: Literal["active", "inactive"] = ABSENT


def columns_of(patch: UserPatch) -> dict[str, Any]:
    """Return what a patch says of a person, by the columns that keep it."""
    said = patch.said()
    said.pop("password", None)
    if said.get("birthdate") is not None:
        said["birthdate"] = said["birthdate"].isoformat()
    if "address" in said:
        address = said.pop("address")
        told = address.said() if address is not None else dict.fromkeys(AddressPatch.model_fields)
        said |= {f"address_{name}": value for name, value in told.items()}
    return said
