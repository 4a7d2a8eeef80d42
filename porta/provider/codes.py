"""Authorization code: issued for a request that everybody agreed to (RFC 6749 §4.1.2)."""

from __future__ import annotations

from functools import partial

from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.consent import needed_consent
from porta.protocol.requests.prompts import told_acr
from porta.protocol.requests.scopes import join_scope
from porta.protocol.tokens.claims import registered_claims
from porta.runtime import Runtime
from porta.tenants.resolve import era_of
from porta.tenants.tenant import Tenant
from storage.models.artifacts import AuthorizationCode, Grant, Session
from storage.models.clients import Client


async def issue_code(
    runtime: Runtime,
    tenant: Tenant,
    client: Client,
    request: AuthorizationRequest,
    session: Session,
    grant: Grant,
    withdrawals: int,
) -> str:
    """Save a code for the session's account and return its value. `withdrawals` were counted in the
    session when it was looked at.
    """
    consent = needed_consent(request, client)
    make = partial(
        AuthorizationCode,
        organization_id=tenant.id,
        era=era_of(tenant, client),
        client_id=client.client_id,
        account_id=session.account_id,
        redirect_uri=request.redirect_uri,
        omits_redirect_uri=request.omits_redirect_uri,
        scope=join_scope(request.scope),
        grant_id=grant.id,
        session_uid=session.uid,
        session_expires_at=session.expires_at,
        authenticated_at=session.authenticated_at,
        created_at=int(runtime.clock()),
        nonce=request.nonce,
        code_challenge=request.code_challenge,
        claims=registered_claims(request.claims, client).to_dict(),
        consented_claims=consent.claims if consent is not None else (),
        resource=request.resource,
        amr=session.amr,
        acr=told_acr(request, session),
        withdrawals=withdrawals,
    )
    return await runtime.storage.artifacts.create(make, tenant.config.authorization_code_ttl)
