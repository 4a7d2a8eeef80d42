"""The second step of `porta dev`, in a process of its own: migrate, seed, tell what there is.

Its first argument is the mark of the data folder when the database is not in that folder, else
empty; the rest are files. The last line of its standard output is JSON: `organizations` in the
shape of dev.json, and `demonstration`: the `client` that the demonstration page is, and a `person`
who can sign in there.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from porta.cli.commands import report_errors, settings_or_exit
from porta.config.settings import Settings
from porta.dev import guard
from porta.protocol.requests.sign_in import demands_second_factor
from porta.security.audit_keys import AuditKeys
from porta.security.encryption import EncryptionKeys
from porta.security.passwords import Parameters, Passwords
from porta.services import provisioning
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import ProvisioningFile, build_document, load_files
from porta.services.provisioning.people import UserEntry
from porta.services.provisioning.problems import DocumentInvalid
from porta.services.provisioning.report import Credential
from porta.services.usable_keys import check_encryption_key
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.postgres import migrate
from storage.router import Storage

_DEMONSTRATION = "Demonstration"
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


def main(mark: str, paths: Sequence[str]) -> None:
    """Make sure of the database, seed it, print; a refusal is an exit code and a message."""
    files, problems = load_files(paths)
    if problems:
        sys.exit("\n".join(f"{problem.source}: {problem}" for problem in problems))
    documents = {path: file.document for path, file in files.items()}
    try:
        settings = settings_or_exit()
        with report_errors(), _located(files):
            seeded = asyncio.run(_seed(settings, documents, mark))
    except click.ClickException as error:
        sys.exit(error.message)
    print(json.dumps(seeded))


@contextmanager
def _located(files: Mapping[str, ProvisioningFile]) -> Iterator[None]:
    """Give what is wrong with one of `files` its line and column."""
    try:
        yield
    except DocumentInvalid as refusal:
        located = [files[refusal.source].locate(problem) for problem in refusal.problems]
        raise DocumentInvalid(refusal.source, located) from None


async def _seed(settings: Settings, documents: Mapping[str, Document], mark: str) -> dict[str, Any]:
    if mark:
        await guard.check_ours(settings.database_url, mark)
    await migrate.up(settings.database_url)
    passwords = Passwords(
        Parameters(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    )
    stamp = AuditKeys(settings.signing_key_encryption_keys).stamp
    opened = await Storage.open(settings.database_url, settings.redis_url, pool_size=2, stamp=stamp)
    storage = opened.everywhere
    try:
        keys = settings.signing_key_encryption_keys
        check_encryption_key(await storage.signing_keys.list(), keys)
        if mark:  # before anything is seeded: who is interrupted then must be let in again
            await guard.put_mark(storage, mark)
        credentials = await provision_all(storage, documents, passwords, keys)
        told = (storage, passwords, settings.issuer_base_url, documents.values())
        seeded = await describe(*told, credentials)
        if seeded["demonstration"] is None and settings.environment == "development":
            credentials += await add_demonstration(storage, passwords, documents.values())
            seeded = await describe(*told, credentials)
        return seeded
    finally:
        passwords.close()
        await opened.close()


async def provision_all(
    storage: Storage,
    documents: Mapping[str, Document],
    passwords: Passwords,
    keys: EncryptionKeys = (),
) -> list[Credential]:
    """Provision all documents (by path), or none. Raises DocumentInvalid with the path at fault."""
    report = await provisioning.provision_all(
        storage, documents, passwords=passwords, now=time.time(), keys=keys
    )
    if report.errors:
        source = report.errors[0].source
        raise DocumentInvalid(source, [each for each in report.errors if each.source == source])
    return report.credentials


async def add_demonstration(
    storage: Storage, passwords: Passwords, documents: Iterable[Document]
) -> list[Credential]:
    """Give the first organization with somebody who signs in with a password the client that the
    demonstration page is; return that client. A seed of one's own has none.
    """
    for slug, users in _users(documents).items():
        organization, people = await _people(storage, passwords, slug, users)
        if any(person.can_sign_in for person in people):
            document = _demonstration_document(organization)
            return await provision_all(storage, {"the demonstration": document}, passwords)
    return []


def _demonstration_document(organization: Organization) -> Document:
    client = {
        "client_name": _DEMONSTRATION,
        "client_type": "public",
        "application_type": "native",
        "redirect_uris": [_LOOPBACK],
        "scope": "openid profile email",
        "id_token_signed_response_alg": "ES256",
        "login_methods": ["password"],
    }
    application = {"name": _DEMONSTRATION, "slug": "demonstration", "clients": [client]}
    entry = {"name": organization.name, "slug": organization.slug, "applications": [application]}
    return build_document("", {"version": "1.0", "organizations": [entry]})


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
        organization, people = await _people(storage, passwords, slug, users)
        own = [each for each in clients.values() if each.organization == slug]
        described[slug] = {
            "issuer": f"{base_url}/{slug}",
            "people": [person.describe() for person in people],
            "clients": [_client(each) for each in own],
        }
        person = next((each for each in people if each.can_sign_in), None)
        client = person and await _demonstrable(storage, organization, own)
        if client and person and demonstration is None:
            names = {"issuer": f"{base_url}/{slug}", "client_id": client.client_id}
            registration = names | {"scope": client.scope}
            demonstration = {"client": registration, "person": person.describe()}
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
    storage: Storage, passwords: Passwords, slug: str, users: Sequence[UserEntry]
) -> tuple[Organization, list[Person]]:
    organization = await storage.organizations.find_by_slug(slug)
    assert organization is not None, "it was provisioned"
    open_to_passwords = (
        organization.status == "active"
        and not demands_second_factor(organization.two_factor_policy)
        and "password" in organization.default_login_methods
    )
    people: dict[str, Person] = {}
    for user in users:
        stored = await storage.users.find_by_email(organization.id, user.email)
        if stored is None or user.password is None:
            continue
        right = (await passwords.verify(stored.password_hash, user.password)).ok
        usable = right and stored.status == "active" and not stored.two_factor_enabled
        person = Person(user.email, user.password if right else None, usable and open_to_passwords)
        if right or user.email not in people:
            people[user.email] = person
    return organization, list(people.values())


def _client(credential: Credential) -> dict[str, Any]:
    secret = credential.client_secret
    return {
        "client_name": credential.client_name,
        "client_id": credential.client_id,
        **({"client_secret": secret} if secret else {}),
        "token_endpoint_auth_method": credential.token_endpoint_auth_method,
        "redirect_uris": list(credential.redirect_uris),
    }


async def _demonstrable(
    storage: Storage, organization: Organization, credentials: Sequence[Credential]
) -> Client | None:
    """Return the first client that the demonstration page can be."""
    for credential in credentials:
        client = await storage.clients.find(credential.client_id, organization.id)
        if client is not None and _can_demonstrate(client):
            return client
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
    main(sys.argv[1], sys.argv[2:])
