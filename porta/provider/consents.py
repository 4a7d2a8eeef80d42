"""Consents of a person to a client, in one session (OpenID Connect Core §3.1.2.4)."""

from __future__ import annotations

from porta.protocol.clients.redirect_uris import is_assured
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.consent import missing_consent, needed_consent
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.artifact import artifact_id
from storage.models.artifacts import Grant, Session
from storage.models.clients import Client
from storage.models.interactions import Consent, Interaction


def grant_id(session: Session, client: Client) -> str:
    """A grant belongs to one session and one client, so it needs no index to be found."""
    return grant_id_in(session.uid, client)


def grant_id_in(session_uid: str, client: Client) -> str:
    """The same, of a session that is known by its uid."""
    return artifact_id(f"{session_uid}\n{client.client_id}")


def approved(interaction: Interaction | None, session: Session | None) -> Consent | None:
    """Return what was approved at the interaction, by the person who is still here."""
    if interaction is None or session is None or interaction.previous_session != session.uid:
        return None
    return interaction.consented


def held(grant: Grant | None, approved: Consent | None = None) -> tuple[Consent, ...]:
    """Return what the person allowed, before or just now."""
    before = grant.consents if grant is not None else ()
    return before if approved is None else (*before, approved)


async def cover(
    runtime: Runtime,
    tenant: Tenant,
    client: Client,
    request: AuthorizationRequest,
    session: Session,
    grant: Grant | None,
    withdrawals: int,
) -> Grant:
    """Return a grant that covers the request, saving it when it had to grow.

    Whoever gets here had the gesture made that a client needs whose address is not assured. Where
    something was withdrawn in the session since `withdrawals` were counted, nothing is saved: it
    would come back, and the code that follows founds nothing.
    """
    needed, before = needed_consent(request, client), held(grant)
    gesture = not is_assured(client, request.redirect_uri)
    if (
        grant is not None
        and grant.gesture >= gesture
        and (needed is None or not missing_consent(needed, before))
    ):
        return grant
    if needed is not None:
        before = (*(each for each in before if missing_consent(each, (needed,))), needed)
    grown = Grant(
        id=grant_id(session, client),
        organization_id=tenant.id,
        account_id=session.account_id,
        client_id=client.client_id,
        session_uid=session.uid,
        created_at=grant.created_at if grant else int(runtime.clock()),
        consents=before,
        gesture=gesture or (grant is not None and grant.gesture),
    )
    await runtime.storage.consents.grow(grown, tenant.config.grant_ttl, withdrawals)
    return grown
