"""The second step of `porta dev`, in a process of its own: migrate, seed, tell what there is.

The last line of its standard output is JSON: `organizations` in the shape of dev.json, and
`demonstration`, the client that the demonstration page is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from porta.errors import PortaError
from porta.security.passwords import Parameters, Passwords
from porta.services.provisioning import provision
from porta.services.provisioning.document import Document, OrganizationEntry
from porta.services.provisioning.file import load_document
from porta.services.provisioning.report import Credential, Report
from porta.settings import Settings, SettingsInvalid, load_settings
from storage import migrate
from storage.errors import StorageError
from storage.router import Storage

_LOOPBACK = "http://127.0.0.1/callback"  # RFC 8252 §7.3: any port matches


def main(paths: Sequence[str]) -> None:
    """Migrate, provision the files of `paths`, print; a refusal is an exit code and a message."""
    try:
        documents = [load_document(Path(path)) for path in paths]
        settings = load_settings()
        reports = asyncio.run(_seed(settings, documents))
    except (PortaError, StorageError, SettingsInvalid) as fault:
        sys.exit(getattr(fault, "message", "") or str(fault))
    problems = [str(problem) for report in reports for problem in report.errors]
    if problems:
        sys.exit("\n".join(problems))
    credentials = [each for report in reports for each in report.credentials]
    print(json.dumps(describe(settings.issuer_base_url, documents, credentials)))


async def _seed(settings: Settings, documents: Iterable[Document]) -> list[Report]:
    await migrate.up(settings.database_url)
    storage = await Storage.open(settings.database_url, settings.redis_url, pool_size=2)
    passwords = Passwords(
        Parameters(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    )
    try:
        return [
            await provision(storage, each, passwords=passwords, now=time.time())
            for each in documents
        ]
    finally:
        passwords.close()
        await storage.close()


def describe(
    base_url: str, documents: Iterable[Document], credentials: Sequence[Credential]
) -> dict[str, Any]:
    """Return the organizations with people and clients, and the client to demonstrate with."""
    organizations: dict[str, Any] = {}
    demonstration: dict[str, str] | None = None
    for entry in (
        organization for document in documents for organization in document.organizations
    ):
        clients = [each for each in credentials if each.organization == entry.slug]
        described = organizations.setdefault(
            entry.slug, {"issuer": f"{base_url}/{entry.slug}", "people": [], "clients": []}
        )
        described["people"] += [
            {"email": user.email, "password": user.password}
            for user in entry.users
            if user.password
        ]
        known = {client["client_id"] for client in described["clients"]}
        described["clients"] += [_client(c) for c in clients if c.client_id not in known]
        demonstration = demonstration or _demonstration(described, entry, clients)
    return {"organizations": organizations, "demonstration": demonstration}


def _client(credential: Credential) -> dict[str, Any]:
    secret = credential.client_secret
    return {
        "client_name": credential.client_name,
        "client_id": credential.client_id,
        **({"client_secret": secret} if secret else {}),
        "token_endpoint_auth_method": credential.token_endpoint_auth_method,
        "redirect_uris": list(credential.redirect_uris),
    }


def _demonstration(
    organization: dict[str, Any], entry: OrganizationEntry, clients: Sequence[Credential]
) -> dict[str, str] | None:
    """Return the registration that the demonstration page takes, where somebody can use it."""
    if not organization["people"]:
        return None
    able = {
        (each.application, each.client_name): each.client_id
        for each in clients
        if each.client_type == "public" and _LOOPBACK in each.redirect_uris
    }
    for application in entry.applications:
        for client in application.clients:
            client_id = able.get((application.slug, client.client_name))
            if client_id:
                issuer = organization["issuer"]
                return {"issuer": issuer, "client_id": client_id, "scope": client.scope}
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
