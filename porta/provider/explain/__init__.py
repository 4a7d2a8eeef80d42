"""Explain: why one person's tokens for one client say what they say.

What is explained is built by the functions that issue; what is added are the reasons.
"""

from __future__ import annotations

from dataclasses import replace

from porta.protocol.errors import OAuthError
from porta.protocol.features import pkce
from porta.protocol.features.feature import AuthorizationPolicy
from porta.protocol.features.resource_indicators import access_token_header, address
from porta.protocol.requests import checks
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.claims_request import parse_claims_request
from porta.protocol.requests.scopes import parse_scope, registered_scope
from porta.protocol.tokens.claim_sources import Release
from porta.protocol.tokens.claims import claims_with_openid
from porta.provider import policy
from porta.provider.explain import policies, supposed, targets
from porta.provider.explain.question import Decision, Explanation, Question
from porta.provider.explain.supposed import Supposed
from porta.runtime import Runtime
from porta.tenants.tenant import Tenant
from storage.models.organizations import Organization

_CHALLENGE = "A" * 43
"""One that passes: whether the client sends one is nothing that is asked here."""


async def explain(runtime: Runtime, organization: Organization, question: Question) -> Explanation:
    """Return what decides on the tokens that the question is about. Nothing is written.

    Raises NotFound for a client or a person that the organization does not have, and Invalid for a
    what-if that cannot be. What a client would be refused is an answer.
    """
    snapshot = await runtime.snapshot()
    tenant = Tenant(
        organization,
        issuer=f"{runtime.settings.issuer_base_url}/{organization.slug}",
        config=snapshot.config,
        keys=snapshot.keys.of(organization.id, runtime.clock()),
    )
    about = await supposed.find(runtime, tenant, question)
    rules = await policy.find(runtime, about.tenant)
    decisions = (*policies.statuses(about), *policies.sign_in(about, rules))
    try:
        return await _granted(runtime, about, question, rules, decisions)
    except OAuthError as refusal:
        refused = Decision("request", "refused", f"{refusal.code}: {refusal.message}")
        return _explanation(about, (*decisions, refused))


async def _granted(
    runtime: Runtime,
    about: Supposed,
    question: Question,
    rules: AuthorizationPolicy,
    decisions: tuple[Decision, ...],
) -> Explanation:
    client, tenant = about.client, about.tenant
    request = _request(about, question)
    accepted = checks.accept(request, client, rules)
    addressed = address(accepted.resource, accepted.scope, rules.api_resources, tenant.issuer)
    access_token_header(client, addressed.targets)
    consent = await policies.consent(runtime, about, accepted)
    allowed = Decision("request", "allowed", "every check passes")
    decisions = (*decisions, allowed, *consent, *policies.tokens(client, addressed.scope))
    release = Release(
        about.facts, client, tenant.organization, tenant.issuer, addressed.scope,
        claims_with_openid(client, accepted.scope),
    )  # fmt: skip
    scopes = policies.scope_decisions(request.scope, accepted.scope, addressed.scope, client)
    return replace(
        _explanation(about, decisions),
        scopes=tuple(scopes),
        audience=addressed.audience,
        targets=targets.explain(targets.Granted(about, addressed, accepted.claims, release)),
    )


def _request(about: Supposed, question: Question) -> AuthorizationRequest:
    """Return the request that asks what the question does, and leaves nothing else to object to."""
    client = about.client
    asked = question.scope
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=next(iter(client.redirect_uris), ""),
        response_type="code",
        scope=registered_scope(client) if asked is None else parse_scope(asked),
        code_challenge=_CHALLENGE,
        code_challenge_method=pkce.METHOD,
        claims=parse_claims_request(question.claims),
        resource=question.resource,
    )


def _explanation(about: Supposed, decisions: tuple[Decision, ...]) -> Explanation:
    return Explanation(
        user_id=about.facts.user.id,
        client_id=about.client.client_id,
        organization_id=about.tenant.id,
        decisions=decisions,
    )
