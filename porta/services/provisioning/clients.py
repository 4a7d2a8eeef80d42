"""Step: clients, and their secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from porta.audit.changes import differing
from porta.errors import Conflict, Invalid
from porta.protocol.clients.client_auth import match_secret
from porta.security import opaque
from porta.services import client_secrets, clients
from porta.services.client_registration import ClientPatch, NewClient
from porta.services.client_secrets import NewSecret
from porta.services.provisioning.document import ClientEntry, SecretEntry
from porta.services.provisioning.entries import command_of
from porta.services.provisioning.report import Credential
from porta.services.provisioning.run import Catalogue, Run
from storage.models.applications import Application
from storage.models.clients import Client
from storage.models.organizations import Organization


async def provision_client(
    run: Run, organization: Organization, catalogue: Catalogue, entry: ClientEntry
) -> None:
    """Make the client of this client_id, else of this name in its application, or change it.

    Raises Invalid for a client_id that somebody else's client has.
    """
    application = catalogue.application
    stored = await _find(run, organization, application, entry)
    if stored is None:
        client = await _create(run, organization, application, entry)
        run.created("client", client.client_id, entry.client_name)
    elif not run.overwrite or stored.status == "revoked":
        client, why = stored, "exists" if stored.status != "revoked" else "revoked"
        run.skipped("client", client.client_id, entry.client_name, why)
    else:
        patch = command_of(entry, ClientPatch, **_said(entry))
        client = await clients.update(run.storage, run.actor, stored.id, patch)
        changed = differing(stored, client)
        run.updated("client", client.client_id, entry.client_name, changed, (stored, client))
    place = (organization.slug, application.slug, entry.client_id or entry.client_name)
    secret = await _provision_secret(run, client, entry.secret, place, new=stored is None)
    told = await run.storage.clients.find(client.client_id, organization.id) or client
    run.report.credentials.append(_credential(run, organization, application, told, entry, secret))


async def _create(
    run: Run,
    organization: Organization,
    application: Application,
    entry: ClientEntry,
) -> Client:
    home = {"organization_id": organization.id, "application_id": application.id}
    said = {**_said(entry), **home}
    if entry.token_endpoint_auth_method is None:
        public = entry.client_type == "public"
        said["token_endpoint_auth_method"] = "none" if public else "client_secret_post"
    try:
        return await clients.create(run.storage, run.actor, command_of(entry, NewClient, **said))
    except Conflict as refusal:
        raise Invalid(problems=refusal.problems) from None


def _said(entry: ClientEntry) -> dict[str, Any]:
    """Return what the file says by other names than a command has."""
    said: dict[str, Any] = {"client_type": entry.client_type}
    if "first_party" in entry.model_fields_set:
        said["is_first_party"] = entry.first_party
    return said


async def _find(
    run: Run, organization: Organization, application: Application, entry: ClientEntry
) -> Client | None:
    client_id = entry.client_id or await run.storage.clients.find_id_by_name(
        organization.id, application.id, entry.client_name
    )
    client = await run.storage.clients.find(client_id, organization.id) if client_id else None
    if client is not None and client.application_id != application.id:
        raise Invalid.at("client_id", message="a client of another application has it")
    return client


async def _provision_secret(
    run: Run, client: Client, entry: SecretEntry | None, place: tuple[str, str, str], *, new: bool
) -> str | None:
    """Return the secret to tell: a generated one when it is made, a chosen one while it works.

    `place` is the same in each attempt of a run: whatever has an id gets another one.
    """
    chosen = entry.value if entry else None
    if client.client_type == "public" or client.status == "revoked":
        return None
    if chosen is None and not new:
        return None
    if chosen is not None and not new:
        digest = opaque.sha256_hex(chosen)
        if await run.storage.client_secrets.has(client.id, client.organization_id, digest):
            run.skipped("client_secret", client.client_id, entry.label or "" if entry else "")
            return chosen if match_secret(client, chosen, run.now).alive else None
    end = entry.end(run.now) if entry else None
    command = NewSecret.model_construct(
        label=entry.label if entry else None,
        value=chosen,
        expires_at=datetime.fromtimestamp(end, UTC) if end is not None else None,
    )
    hashed = run.hashes.of(chosen or run.hashes.generated(place))
    _, secret = await client_secrets.add(run.storage, run.actor, client.id, command, hashed)
    run.created("client_secret", client.client_id, entry.label or "" if entry else "")
    return secret


def _credential(
    run: Run,
    organization: Organization,
    application: Application,
    client: Client,
    entry: ClientEntry,
    secret: str | None,
) -> Credential:
    told = entry.secret if secret else None
    chosen = entry.secret is not None and entry.secret.value is not None
    return Credential(
        organization=organization.slug,
        application=application.slug,
        client_name=client.client_name,
        client_id=client.client_id,
        client_type=client.client_type,
        token_endpoint_auth_method=client.token_endpoint_auth_method,
        redirect_uris=client.redirect_uris,
        client_secret=secret,
        is_generated=secret is not None and not chosen,
        label=told.label if told else None,
        expires_at=told.end(run.now) if told else None,
    )
