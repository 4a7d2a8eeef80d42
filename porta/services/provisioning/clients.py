"""Step: clients, and their secrets."""

from __future__ import annotations

from typing import Any

from porta.errors import Conflict, Invalid
from porta.protocol.clients.client_auth import match_secret
from porta.protocol.clients.client_metadata import ClientMetadata
from porta.security import opaque
from porta.services import clients
from porta.services.clients import Terms
from porta.services.provisioning.document import ClientEntry, SecretEntry
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
        client = stored
        changed = await clients.update(
            run.storage,
            client,
            _kept(client, entry) | entry.registration(only_said=True),
            terms=_terms(entry, client),
            actor=run.actor,
        )
        after = await run.storage.clients.find(client.client_id, organization.id)
        run.updated("client", client.client_id, entry.client_name, changed, (client, after))
    secret = await _provision_secret(run, client, entry.secret, new=stored is None)
    told = await run.storage.clients.find(client.client_id, organization.id) or client
    run.report.credentials.append(_credential(run, organization, application, told, entry, secret))


async def _create(
    run: Run,
    organization: Organization,
    application: Application,
    entry: ClientEntry,
) -> Client:
    try:
        return await clients.create(
            run.storage,
            organization,
            application,
            entry.registration(),
            terms=_terms(entry, None),
            client_id=entry.client_id,
            actor=run.actor,
        )
    except Conflict as refusal:
        raise Invalid(refusal.message) from None


_TERMS = {
    "first_party": "is_first_party",
    "login_methods": "login_methods",
    "introspects_organization": "introspects_organization",
    "tells_all_roles": "tells_all_roles",
}
"""What an administrator decides, by the keys of the file."""
_REGISTERED = frozenset(ClientMetadata.__dataclass_fields__) - {"metadata"}


def _terms(entry: ClientEntry, stored: Client | None) -> Terms:
    """Return the terms of the file; where that is silent, those of a client that exists."""
    silent = _TERMS.keys() - entry.model_fields_set if stored is not None else set()
    said = {
        name: getattr(stored, name) if key in silent else getattr(entry, key)
        for key, name in _TERMS.items()
    }
    return Terms(**said)


def _kept(stored: Client, entry: ClientEntry) -> dict[str, Any]:
    """Return what `stored` is registered as. Response types follow the grant types of a file."""
    kept = {name: getattr(stored, name) for name in _REGISTERED} | dict(stored.metadata)
    if "grant_types" in entry.model_fields_set:
        del kept["response_types"]
    # Two words for one thing: the one that the file says takes the place of the other.
    if any(mapping.source == "roles" for mapping in entry.claim_mappings or ()):
        del kept["roles_claim"]
    elif entry.roles_claim:
        kept["claim_mappings"] = [m for m in kept["claim_mappings"] if m.source != "roles"]
    if entry.client_type != stored.client_type:  # that alone is wrong, and told
        del kept["token_endpoint_auth_method"]
    return kept


async def _find(
    run: Run, organization: Organization, application: Application, entry: ClientEntry
) -> Client | None:
    client_id = entry.client_id or await run.storage.clients.find_id_by_name(
        organization.id, application.id, entry.client_name
    )
    client = await run.storage.clients.find(client_id, organization.id) if client_id else None
    if client is not None and client.application_id != application.id:
        raise Invalid("client_id: a client of another application has it")
    return client


async def _provision_secret(
    run: Run, client: Client, entry: SecretEntry | None, *, new: bool
) -> str | None:
    """Return the secret to tell: a generated one when it is made, a chosen one while it works."""
    chosen = entry.value if entry else None
    if client.client_type == "public" or client.status == "revoked":
        return None
    if chosen is None and not new:
        return None
    if chosen is not None and not new:
        digest = opaque.sha256_hex(chosen)
        if await run.storage.clients.has_secret(client.id, client.organization_id, digest):
            run.skipped("client_secret", client.client_id, entry.label or "" if entry else "")
            return chosen if match_secret(client, chosen, run.now).alive else None
    secret = await clients.add_secret(
        run.storage,
        client,
        run.passwords,
        value=chosen,
        label=entry.label if entry else None,
        expires_at=entry.end(run.now) if entry else None,
        actor=run.actor,
    )
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
