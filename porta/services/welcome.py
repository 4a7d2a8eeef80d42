"""Welcome: what is said by who takes an account into use, judged, and the mail that greets them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from porta.emails.message import Letter
from porta.pages import branding
from porta.runtime import Runtime
from porta.services import user_passwords
from porta.tenants.tenant import Tenant
from porta.text.names import find_name_problem
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import User

NOTICE = 3 * 86_400
"""Seconds after which a welcome is not sent any more."""
LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form says: names by their field, and the password, twice."""

    names: dict[str, str]
    password: str
    repeated: str


def find_problems(
    tenant: Tenant, user: User, typed: Typed, asks_names: Iterable[str], *, asks_password: bool
) -> tuple[str, ...]:
    """Return everything that is wrong with what was typed: reasons, and `name` for a name."""
    found: list[str] = []
    names = [typed.names.get(each, "") for each in asks_names]
    if any(len(name) > LONGEST_NAME or (name and find_name_problem(name)) for name in names):
        found.append("name")
    if asks_password:
        organization = tenant.organization
        said = user_passwords.names_of(organization, user)
        weak = user_passwords.find_problems(
            typed.password, organization, (*said, *filter(None, names))
        )
        found += [str(each.reason) for each in weak]
        if typed.password != typed.repeated:
            found.append("mismatch")
    return tuple(found)


def write(
    runtime: Runtime, tenant: Tenant, user: User, client: Client | None, home_url: str | None,
    look: Organization | None = None,
) -> Letter:  # fmt: skip
    """Write the mail: it leads to `home_url`, the page of `client`, else to the organization's,
    in the `look` of what led to it, or else the organization's own.
    """
    organization = look or tenant.organization
    return runtime.post.emails.write(
        "welcome",
        organization,
        user.locale,
        name=user.given_name,
        email=user.email,
        client_name=client.client_name if client and home_url else None,
        url=home_url or branding.brand(organization).home_url or tenant.issuer,
    )
