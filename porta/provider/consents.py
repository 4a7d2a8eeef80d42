"""What a person has allowed a client, in one session (OpenID Connect Core §3.1.2.4)."""

from __future__ import annotations

from porta.protocol import prompts
from porta.protocol.requests import AuthorizationRequest
from porta.protocol.scopes import parse_scope
from porta.runtime import Runtime
from porta.tenant import Tenant
from storage.models.artifacts import Grant, Interaction, Session, artifact_id
from storage.models.clients import Client


def grant_id(session: Session, client: Client) -> str:
    """A grant belongs to one session and one client, so it needs no index to be found."""
    return artifact_id(f"{session.uid}\n{client.client_id}")


def approved(interaction: Interaction | None, session: Session | None) -> tuple[str, ...] | None:
    """Return what was approved at the interaction, by the person who is still here."""
    if interaction is None or session is None or interaction.previous_session != session.uid:
        return None
    return interaction.consented


def covered_scope(grant: Grant | None, approved: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the scopes that the person allowed, before or just now; None for never asked."""
    if grant is None and approved is None:
        return None
    return (*parse_scope(grant.scope if grant else None), *(approved or ()))


async def cover(
    runtime: Runtime,
    tenant: Tenant,
    client: Client,
    request: AuthorizationRequest,
    session: Session,
    grant: Grant | None,
) -> Grant:
    """Return a grant that covers the request, saving it when it had to grow."""
    wanted = prompts.consent_scope(request, client)
    held = parse_scope(grant.scope) if grant else ()
    if grant is not None and set(wanted) <= set(held):
        return grant
    grown = Grant(
        id=grant_id(session, client),
        organization_id=tenant.id,
        account_id=session.account_id,
        client_id=client.client_id,
        session_uid=session.uid,
        scope=" ".join(dict.fromkeys((*held, *wanted))),
        created_at=grant.created_at if grant else int(runtime.clock()),
    )
    await runtime.storage.artifacts.save(grown, tenant.config.grant_ttl)
    return grown
