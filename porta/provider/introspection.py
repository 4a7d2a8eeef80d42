"""Token introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from porta.protocol.requests.scopes import parse_scope
from porta.protocol.tokens import introspection
from porta.protocol.tokens.bearer import is_askable
from porta.protocol.tokens.claims import Release, build_claims, to_dict
from porta.provider import client_auth
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.security import jwt
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import AccessToken
from storage.models.clients import Client
from storage.models.tokens import PresentedToken


async def introspect(runtime: Runtime, tenant: Tenant, request: ClientRequest) -> dict[str, Any]:
    """Describe a living token to a confidential client that has a right to know it.

    Everything else is `active: false`, whatever the reason.
    """
    client = await client_auth.authenticate_confidential(runtime, tenant, request)
    value = request.form.required("token")
    found = await runtime.storage.tokens.find(value, tenant.id) if is_askable(value) else None
    if found is None or jwt.was_revoked(value, tenant.keys):
        return {"active": False}
    holder = await resolve.find_client(runtime, tenant, found.token.client_id)
    if holder is None or found.token.era != resolve.era_of(tenant, holder):
        return {"active": False}
    api_resources = await runtime.api_resources(tenant.id)
    if not introspection.may_introspect(client, found.token, api_resources):
        return {"active": False}
    claims = jwt.read_own(value) if "." in value else _claims(tenant, found, holder)
    return introspection.build_introspection(
        found.token, tenant.issuer, int(runtime.clock()), claims
    )


def _claims(tenant: Tenant, found: PresentedToken, holder: Client) -> dict[str, Any]:
    """Return what an opaque token would say itself if it were a JWT (RFC 7662 §2.2)."""
    token, account = found.token, found.account
    if account is None or not isinstance(token, AccessToken):
        return {}
    scope = parse_scope(token.scope)
    release = Release(account, holder, tenant.organization, scope, token.consented_claims)
    return to_dict(build_claims(release, target="access_token"))
