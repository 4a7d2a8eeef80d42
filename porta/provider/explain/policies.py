"""Policies on one person's tokens: each with what it decides, and why."""

from __future__ import annotations

from collections.abc import Iterator

from porta.protocol.clients.redirect_uris import is_assured
from porta.protocol.features import pkce
from porta.protocol.features.feature import AuthorizationPolicy
from porta.protocol.requests import scopes
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.consent import missing_consent, needed_consent
from porta.provider import consents
from porta.provider.explain.question import Decision, Outcome, ScopeDecision
from porta.provider.explain.supposed import Supposed
from porta.runtime import Runtime
from storage.models.artifacts import Grant
from storage.models.clients import Client

_FALLS_WITH = {
    "organization": "the organization is {}",
    "client": "the client is {}",
    "application": "the client's application is {}",
    "person": "the person is {}",
}


def statuses(about: Supposed) -> Iterator[Decision]:
    """Yield who may do anything at all."""
    user = about.facts.user
    found = {
        "organization": (about.tenant.organization.status, None),
        "client": (about.client.status, None),
        "application": (about.client.application_status, None),
        "person": (user.status, user.is_usable),
    }
    for policy, (status, usable) in found.items():
        stands = usable if usable is not None else status == "active"
        reason = _FALLS_WITH[policy].format(status)
        if stands and status != "active":
            reason += ", by failed attempts: sessions and tokens go on, passwords do not"
        yield Decision(policy, "allowed" if stands else "refused", reason)


def sign_in(about: Supposed, policy: AuthorizationPolicy) -> Iterator[Decision]:
    """Yield how the person signs in, and what the client has to send."""
    organization, client, user = about.tenant.organization, about.client, about.facts.user
    own = client.login_methods
    methods = own if own is not None else organization.default_login_methods
    whose = "client" if own is not None else "organization"
    reason = f"{', '.join(methods) or 'none'}, by the {whose}"
    if user.password_hash is None:
        reason += "; the person has no password"
    yield Decision("login_methods", "told", reason)
    factor = "has" if user.two_factor_enabled else "has no"
    policy_of = organization.two_factor_policy
    reason = f"{policy_of}, by the organization; the person {factor} second factor"
    if policy_of == "encouraged" and not user.two_factor_enabled:
        reason += ": it is offered at a sign-in to whoever has no passkey, and may be put off"
    yield Decision("two_factor", "told", reason)
    needed = pkce.is_required(client, policy)
    yield Decision(
        "pkce", "told", "the client has to use it" if needed else "the client may use it"
    )


async def consent(
    runtime: Runtime, about: Supposed, request: AuthorizationRequest
) -> tuple[Decision, ...]:
    """Return whether the person is asked for consent, and for a gesture."""
    needed = needed_consent(request, about.client)
    assured = is_assured(about.client, request.redirect_uri)
    grants: tuple[Grant, ...] = ()
    if needed is not None or not assured:
        grants = await _grants(runtime, about)
    if needed is None:
        first = Decision("consent", "allowed", "a first-party client needs none")
    elif any(not missing_consent(needed, grant.consents) for grant in grants):
        first = Decision("consent", "allowed", "given in a session that lives")
    else:
        first = Decision("consent", "asked", "no session that lives has given all of it")
    return first, _gesture(request, grants, assured)


def tokens(client: Client, scope: tuple[str, ...]) -> Iterator[Decision]:
    """Yield what comes beside the access token."""
    if not scopes.issues_refresh_token(client, scope):
        reason = "none: it takes the grant type, and offline_access or a confidential web client"
    elif scopes.is_bound_to_session(scope):
        reason = "one that ends with the person's session"
    else:
        reason = "one that outlives the session: offline_access"
    yield Decision("refresh_token", "told", reason)


def scope_decisions(
    asked: tuple[str, ...], accepted: tuple[str, ...], granted: tuple[str, ...], client: Client
) -> Iterator[ScopeDecision]:
    """Yield what became of each scope: `accepted` at the authorization endpoint, and `granted` to
    the access token.
    """
    registered = scopes.registered_scope(client)
    for value in asked:
        if value in granted:
            reason = "the client is registered for it"
        elif value in accepted:
            reason = "it belongs to another resource than those of the audience"
        elif value in registered:
            reason = "the client has no grant type refresh_token"
        else:
            reason = "the client is not registered for it"
        yield ScopeDecision(value, value in granted, reason)


async def _grants(runtime: Runtime, about: Supposed) -> tuple[Grant, ...]:
    read, account = runtime.storage.explanations, about.facts.user.id
    tenant = about.tenant
    uids = await read.session_uids(account, tenant.id, idle_ttl=tenant.config.session_idle_ttl)
    ids = [consents.grant_id_in(uid, about.client) for uid in uids]
    return await read.grants(ids, account, tenant.id)


def _gesture(request: AuthorizationRequest, grants: tuple[Grant, ...], assured: bool) -> Decision:
    outcome: Outcome = "allowed"
    if assured:
        reason = "nobody but the client is at its redirect URI"
    elif "offline_access" in request.scope:
        outcome, reason = "asked", "offline_access of a native client whose address is not assured"
    elif any(grant.gesture for grant in grants):
        reason = "made in a session that lives"
    else:
        outcome, reason = "asked", "once a session: a native client whose address is not assured"
    return Decision("gesture", outcome, reason)
