"""Provisioning rules between entries: twins, and what one entry cannot know of itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from porta.errors import Invalid
from porta.protocol.clients import client_metadata
from porta.security.keys import ALGORITHMS
from porta.services import brands, users
from porta.services.brands import BrandingPatch
from porta.services.provisioning.document import (
    ApplicationEntry,
    ClientEntry,
    Document,
    OrganizationEntry,
)
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import FileProblem, Path, problems_of
from porta.services.provisioning.settings import check_setting
from storage.models.organizations import Organization

E = TypeVar("E")


def find_rule_problems(document: Document) -> Iterator[FileProblem]:
    """Yield everything that is wrong and only shows between entries."""
    yield from _twins(("organizations",), document.organizations, lambda each: each.slug, "slug")
    for index, organization in enumerate(document.organizations):
        yield from _of_organization(("organizations", index), organization, document)
    clients = [
        (("organizations", i, "applications", j, "clients", k), client)
        for i, organization in enumerate(document.organizations)
        for j, application in enumerate(organization.applications)
        for k, client in enumerate(application.clients)
    ]
    yield from _same_client_ids(clients)
    for key, value in document.config.items():
        yield from _refused(("config", key), partial(check_setting, key, value))


def _of_organization(
    path: Path, organization: OrganizationEntry, document: Document
) -> Iterator[FileProblem]:
    resources, applications = organization.api_resources, organization.applications
    yield from _twins((*path, "users"), organization.users, lambda each: each.email, "email")
    yield from _twins(
        (*path, "api_resources"), resources, lambda each: each.identifier, "identifier"
    )
    yield from _twins((*path, "applications"), applications, lambda each: each.slug, "slug")
    if organization.branding is not None:
        yield from _of_branding(path, organization.branding)
    for index, user in enumerate(organization.users):
        place = (*path, "users", index, "password")
        yield from _of_password(place, user, organization, document.allow_passwords)
    for index, application in enumerate(applications):
        yield from _of_application((*path, "applications", index), application)


def _of_branding(path: Path, branding: BrandingPatch) -> Iterator[FileProblem]:
    """Whatever is stored beside it, a brand of a file fits together by itself."""
    yield from _refused(path, lambda: brands.merge(Organization(id="", name="", slug=""), branding))


def _refused(path: Path, check: Callable[[], object]) -> Iterator[FileProblem]:
    try:
        check()
    except Invalid as refusal:
        yield from problems_of(refusal, path)


def _of_application(path: Path, application: ApplicationEntry) -> Iterator[FileProblem]:
    for name in ("modules", "permissions", "roles", "claim_definitions"):
        yield from _twins((*path, name), getattr(application, name), lambda each: each.slug, "slug")
    clients = application.clients
    yield from _twins((*path, "clients"), clients, lambda each: each.client_name, "client_name")
    for index, client in enumerate(clients):
        yield from _of_client((*path, "clients", index), client)


def _of_client(path: Path, client: ClientEntry) -> Iterator[FileProblem]:
    if client.client_type == "public" and client.secret is not None:
        yield FileProblem((*path, "secret"), "a public client keeps no secret")
    if client.client_type == "public" and client.introspects_organization:
        where = (*path, "introspects_organization")
        yield FileProblem(where, "a public client introspects nothing")
    try:
        client_metadata.validate(client.registration(), algorithms=ALGORITHMS)
    except client_metadata.InvalidMetadata as refusal:
        yield from problems_of(refusal, path)


def _of_password(
    path: Path, user: UserEntry, organization: OrganizationEntry, allowed: bool
) -> Iterator[FileProblem]:
    password = user.password
    if password is None:
        return
    if not allowed:
        yield FileProblem(path, "passwords in a file need allow_passwords: true")
    policy = organization.two_factor_policy or "optional"
    names = users.names_of(_Named(organization), user)
    yield from _refused(path[:-1], lambda: users.check_new_password(password, policy, names))


class _Named:
    """An organization of a file, by the names that a stored one has."""

    def __init__(self, entry: OrganizationEntry) -> None:
        self.name = entry.name
        self.branding_company_name = entry.branding.company_name if entry.branding else None


def _same_client_ids(clients: Iterable[tuple[Path, ClientEntry]]) -> Iterator[FileProblem]:
    seen: set[str] = set()
    for path, client in clients:
        if client.client_id is None:
            continue
        if client.client_id in seen:
            yield FileProblem((*path, "client_id"), "stands twice in this file")
        seen.add(client.client_id)


def _twins(
    path: Path, entries: Sequence[E], key: Callable[[E], Hashable], field: str
) -> Iterator[FileProblem]:
    seen: set[Hashable] = set()
    for index, entry in enumerate(entries):
        if key(entry) in seen:
            yield FileProblem((*path, index, field), "stands twice in this list")
        seen.add(key(entry))
