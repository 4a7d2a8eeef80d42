"""Token introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from porta.protocol.requests.scopes import parse_scope
from porta.protocol.tokens import introspection
from porta.protocol.tokens.bearer import is_askable
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claims import build_claims
from porta.provider import accounts, client_auth
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.security import jwt
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import AccessToken
from storage.models.clients import Client
from storage.models.tokens import PresentedToken
from storage.models.users import AccountFacts


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
    claims = await _claims(runtime, tenant, value, found, holder)
    return introspection.build_introspection(
        found.token, tenant.issuer, int(runtime.clock()), claims
    )


async def _claims(
    runtime: Runtime, tenant: Tenant, value: str, found: PresentedToken, holder: Client
) -> dict[str, Any]:
    """Return what a JWT says; what an opaque token would say if it were one (RFC 7662 §2.2); and
    what a JWT refers to, as it is now.
    """
    if "." not in value:
        return _told(tenant, found.token, found.account, holder)
    said = jwt.read_own(value)
    elsewhere = said.pop("_claim_names", None)
    if elsewhere is None or not isinstance(found.token, AccessToken):
        return said
    del said["_claim_sources"]
    facts = await accounts.find_facts(runtime, tenant, found.token.account_id, holder)
    told = _told(tenant, found.token, facts, holder)
    return said | {name: told[name] for name in elsewhere if name in told}


def _told(
    tenant: Tenant, token: introspection.Token, account: AccountFacts | None, holder: Client
) -> dict[str, Any]:
    if account is None or not isinstance(token, AccessToken):
        return {}
    scope = parse_scope(token.scope)
    release = Release(
        account, holder, tenant.organization, tenant.issuer, scope, token.consented_claims
    )
    return build_claims(release, target="access_token", whole=True).document
