"""Provisioning rules between entries: twins, and what one entry cannot know of itself.

They are held against the decoded file, entry by entry: one whose form is wrong is told so, and
keeps nobody from hearing what is wrong with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from porta.errors import Invalid
from porta.protocol.clients import client_metadata
from porta.security.keys import ALGORITHMS
from porta.services import brands, user_passwords
from porta.services.provisioning.document import ClientEntry, OrganizationEntry
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import FileProblem, Path, problems_of
from porta.services.provisioning.settings import check_setting
from porta.tenants import slugs
from porta.text.email_addresses import canonical_email
from storage.models.organizations import Organization

M = TypeVar("M", bound=BaseModel)
Raw = dict[str, Any]
_NESTED = frozenset(
    {"api_resources", "applications", "connections", "domains", "users", "roles", "claims"}
)
"""Lists of entries that are looked at by themselves."""


_TWINS = (
    *(("users", "email"), ("api_resources", "identifier")),
    *(("connections", "name"), ("domains", "domain")),
)


def find_rule_problems(data: object) -> Iterator[FileProblem]:
    """Yield everything that is wrong in a decoded file and only shows between its entries."""
    if not isinstance(data, dict):
        return
    yield from _twins(data, (), "organizations", "slug")
    seen: set[str] = set()
    for path, organization in entries(data, (), "organizations"):
        for kind, key in _TWINS:
            yield from _twins(organization, path, kind, key)
        yield from _twins(organization, path, "applications", "slug")
        yield from _of_organization(path, organization, data.get("allow_passwords") is True)
        for at, application in entries(organization, path, "applications"):
            yield from _of_application(at, application, seen)
    config = data.get("config")
    for key, value in config.items() if isinstance(config, dict) else ():
        if isinstance(key, str):
            yield from _refused(("config", key), partial(check_setting, key, value))


def _of_organization(path: Path, raw: Raw, passwords_allowed: bool) -> Iterator[FileProblem]:
    organization = _read(OrganizationEntry, raw)
    if organization is not None and organization.branding is not None:
        # Whatever is stored beside it, a brand of a file fits together by itself.
        blank = Organization(id="", name="", slug="")
        yield from _refused(path, partial(brands.merge, blank, organization.branding))
    for at, entry in entries(raw, path, "domains"):
        if entry.get("mode") == "require" and entry.get("connection") is None:
            yield FileProblem((*at, "connection"), "must be given where it is required")
    for at, entry in entries(raw, path, "users"):
        for key in ("password", "password_hash"):
            if entry.get(key) is not None and not passwords_allowed:
                message = "passwords in a file need allow_passwords: true"
                yield FileProblem((*at, key), message)
        user = _read(UserEntry, entry)
        if organization is not None and user is not None:
            yield from _of_password(at, user, organization)


def _of_password(
    path: Path, user: UserEntry, organization: OrganizationEntry
) -> Iterator[FileProblem]:
    password = user.password
    if password is None:
        return
    named = _Named(organization)
    names = user_passwords.names_of(named, user)
    yield from _refused(path, lambda: user_passwords.check_new_password(password, named, names))


class _Named:
    """An organization of a file, by the names that a stored one has, and with its policy."""

    def __init__(self, entry: OrganizationEntry) -> None:
        self.name = entry.name
        self.two_factor_policy = entry.two_factor_policy or "optional"
        self.password_min_length = entry.password_min_length or None
        self.branding_company_name = entry.branding.company_name if entry.branding else None


def _of_application(path: Path, raw: Raw, client_ids: set[str]) -> Iterator[FileProblem]:
    for kind in ("modules", "permissions", "roles", "claim_definitions"):
        yield from _twins(raw, path, kind, "slug")
    yield from _twins(raw, path, "clients", "client_name")
    for at, entry in entries(raw, path, "clients"):
        client_id = entry.get("client_id")
        if isinstance(client_id, str):
            if client_id in client_ids:
                yield FileProblem((*at, "client_id"), "stands twice in this file")
            client_ids.add(client_id)
        client = _read(ClientEntry, entry)
        if client is not None:
            yield from _of_client(at, client)


def _of_client(path: Path, client: ClientEntry) -> Iterator[FileProblem]:
    if client.client_type == "public" and client.secret is not None:
        yield FileProblem((*path, "secret"), "a public client keeps no secret")
    if client.client_type == "public" and client.introspects_organization:
        where = (*path, "introspects_organization")
        yield FileProblem(where, "a public client introspects nothing")
    if client.brand is not None:
        yield from _refused(path, partial(brands.merge_of_client, None, client.brand))
        if not client.first_party:
            yield FileProblem((*path, "brand"), "only a first-party client has one")
    try:
        client_metadata.validate(client.registration(), algorithms=ALGORITHMS)
    except client_metadata.InvalidMetadata as refusal:
        yield from problems_of(refusal, path)


def _twins(holder: Raw, path: Path, kind: str, key: str) -> Iterator[FileProblem]:
    seen: set[str] = set()
    for at, entry in entries(holder, path, kind):
        value = _value_of(entry, key)
        if value is not None and value in seen:
            yield FileProblem((*at, key), "stands twice in this list")
        seen |= {value} if value is not None else set()


def _value_of(entry: Raw, key: str) -> str | None:
    """Return what an entry is known by: a slug may be made of its name, an address is one person's
    in every spelling.
    """
    value, name = entry.get(key), entry.get("name")
    if key == "slug" and value is None and isinstance(name, str):
        return slugs.slugify(name)
    if not isinstance(value, str):
        return None
    try:
        if key == "domain":
            return value.lower()
        return canonical_email(value) if key == "email" else value
    except Invalid:
        return value


def _read(model: type[M], raw: Raw) -> M | None:
    """Return the entry without those nested in it; None where its form is wrong, which is told."""
    try:
        return model.model_validate({k: v for k, v in raw.items() if k not in _NESTED})
    except ValidationError:
        return None


def _refused(path: Path, check: Callable[[], object]) -> Iterator[FileProblem]:
    try:
        check()
    except Invalid as refusal:
        yield from problems_of(refusal, path)


def entries(holder: object, path: Path, key: str) -> Iterator[tuple[Path, Raw]]:
    """Yield every mapping of a list of the file with its path, whatever else the list holds."""
    listed = holder.get(key) if isinstance(holder, dict) else None
    for index, entry in enumerate(listed) if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            yield (*path, key, index), entry
