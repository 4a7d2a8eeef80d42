"""The second step of `porta dev`, in a process of its own: migrate, seed, tell what there is.

The last line of its standard output is JSON: `organizations` in the shape of dev.json, and
`demonstration`: the `client` that the demonstration page is, and a `person` who can sign in there.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from porta.cli.commands import report_errors, settings_or_exit
from porta.config.settings import Settings
from porta.security.passwords import Parameters, Passwords
from porta.services.provisioning import provision
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import load_document
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import DocumentInvalid
from porta.services.provisioning.report import Credential
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.postgres import migrate
from storage.router import Storage

_LOOPBACK = "http://127.0.0.1/callback"  # RFC 8252 §7.3: any port matches


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a file, as the database knows them."""

    email: str
    password: str | None
    """None when the database keeps another: a password is never provisioned anew."""
    can_sign_in: bool

    def describe(self) -> dict[str, str]:
        return {"email": self.email, **({"password": self.password} if self.password else {})}


def main(paths: Sequence[str]) -> None:
    """Migrate, provision the files of `paths`, print; a refusal is an exit code and a message."""
    try:
        documents = _load(paths)
        settings = settings_or_exit()
        with report_errors():
            seeded = asyncio.run(_seed(settings, documents))
    except click.ClickException as fault:
        sys.exit(fault.message)
    print(json.dumps(seeded))


def _load(paths: Sequence[str]) -> dict[str, Document]:
    """Return the documents by their paths. Raises ClickException with the mistakes of all files."""
    documents: dict[str, Document] = {}
    refusals: list[str] = []
    for path in paths:
        try:
            documents[path] = load_document(Path(path))
        except DocumentInvalid as refusal:
            refusals.append(refusal.message)
    if refusals:
        raise click.ClickException("\n".join(refusals))
    return documents


async def _seed(settings: Settings, documents: Mapping[str, Document]) -> dict[str, Any]:
    await migrate.up(settings.database_url)
    storage = await Storage.open(settings.database_url, settings.redis_url, pool_size=2)
    passwords = Passwords(
        Parameters(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    )
    try:
        credentials = await provision_all(storage, documents, passwords)
        return await describe(
            storage, passwords, settings.issuer_base_url, documents.values(), credentials
        )
    finally:
        passwords.close()
        await storage.close()


async def provision_all(
    storage: Storage, documents: Mapping[str, Document], passwords: Passwords
) -> list[Credential]:
    """Provision all documents (by path), or none. Raises DocumentInvalid with the path at fault."""
    credentials: list[Credential] = []
    async with storage.transaction() as tx:
        for path, document in documents.items():
            report = await provision(tx, document, passwords=passwords, now=time.time())
            if report.errors:
                raise DocumentInvalid(path, report.errors)
            credentials += report.credentials
    return credentials


async def describe(
    storage: Storage,
    passwords: Passwords,
    base_url: str,
    documents: Iterable[Document],
    credentials: Sequence[Credential],
) -> dict[str, Any]:
    """Return the organizations with people and clients, and the client to demonstrate with."""
    described: dict[str, Any] = {}
    demonstration: dict[str, Any] | None = None
    clients: dict[str, Credential] = {}
    for each in credentials:
        clients.setdefault(each.client_id, each)  # only the first file is told a secret made there
    for slug, users in _users(documents).items():
        issuer = f"{base_url}/{slug}"
        organization = await storage.organizations.find_by_slug(slug)
        assert organization is not None, "it was provisioned"
        people = await _people(storage, passwords, organization, users)
        own = [each for each in clients.values() if each.organization == slug]
        described[slug] = {
            "issuer": issuer,
            "people": [person.describe() for person in people],
            "clients": [_client(each) for each in own],
        }
        demonstration = demonstration or await _demonstration(
            storage, issuer, organization, own, people
        )
    return {"organizations": described, "demonstration": demonstration}


def _users(documents: Iterable[Document]) -> dict[str, list[UserEntry]]:
    """Return the people of the files who have a password, by the slug of their organization."""
    found: dict[str, list[UserEntry]] = {}
    for document in documents:
        for organization in document.organizations:
            with_password = (user for user in organization.users if user.password)
            found.setdefault(organization.slug, []).extend(with_password)
    return found


async def _people(
    storage: Storage, passwords: Passwords, organization: Organization, users: Sequence[UserEntry]
) -> list[Person]:
    open_to_passwords = (
        organization.status == "active"
        and organization.two_factor_policy == "optional"
        and "password" in organization.default_login_methods
    )
    people: dict[str, Person] = {}
    for user in users:
        stored = await storage.users.find_by_email(organization.id, user.email)
        if stored is None or user.password is None:
            continue
        right = (await passwords.verify(stored.password_hash, user.password)).ok
        if right or user.email not in people:
            people[user.email] = Person(
                user.email,
                user.password if right else None,
                right
                and open_to_passwords
                and stored.status == "active"
                and not stored.two_factor_enabled,
            )
    return list(people.values())


def _client(credential: Credential) -> dict[str, Any]:
    secret = credential.client_secret
    return {
        "client_name": credential.client_name,
        "client_id": credential.client_id,
        **({"client_secret": secret} if secret else {}),
        "token_endpoint_auth_method": credential.token_endpoint_auth_method,
        "redirect_uris": list(credential.redirect_uris),
    }


async def _demonstration(
    storage: Storage,
    issuer: str,
    organization: Organization,
    credentials: Sequence[Credential],
    people: Sequence[Person],
) -> dict[str, Any] | None:
    """Return the client that the demonstration page can be, and somebody who can sign in there."""
    person = next((each for each in people if each.can_sign_in), None)
    if person is None:
        return None
    for credential in credentials:
        client = await storage.clients.find(credential.client_id, organization.id)
        if client is not None and _can_demonstrate(client):
            registration = {"issuer": issuer, "client_id": client.client_id, "scope": client.scope}
            return {"client": registration, "person": person.describe()}
    return None


def _can_demonstrate(client: Client) -> bool:
    """Whether the page can be this client: on any port, and with ID tokens that it can verify."""
    return (
        client.status == "active"
        and client.token_endpoint_auth_method == "none"
        and client.application_type == "native"
        and _LOOPBACK in client.redirect_uris
        and client.id_token_signed_response_alg == "ES256"
        and "openid" in client.scope.split()
        and "password" in (client.login_methods or ("password",))
    )


if __name__ == "__main__":
    main(sys.argv[1:])
