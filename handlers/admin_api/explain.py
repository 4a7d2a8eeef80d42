"""Explain: why one person's tokens for one client say what they say, and what if."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.bodies import parse_json
from porta.administration.call import Answer, Call, Data, Shown
from porta.administration.explain import explain_tokens
from porta.errors import Invalid
from porta.protocol.features.resource_indicators import MAX_LENGTH, MAX_RESOURCES
from porta.protocol.requests.authorization_request import LIMITS
from porta.protocol.requests.scopes import MAX_SCOPE
from porta.provider.explain.question import Explanation, Question, WhatIf
from porta.services.commands import Command
from porta.services.permissions import needed_by

_SLUGS = Field(None, max_length=2048, description="Slugs with spaces between them")


class ExplainQuery(Command):
    """For which client, what it asks for, and how things are to be looked at."""

    client_id: str = Field(min_length=1, max_length=255, description="The OAuth client_id")
    scope: str | None = Field(
        None, max_length=MAX_SCOPE, description="As in a request; all it is registered for"
    )
    resource: str | None = Field(
        None,
        max_length=MAX_RESOURCES * (MAX_LENGTH + 1),
        description="Identifiers of API resources with spaces between them (RFC 8707)",
    )
    claims: str | None = Field(
        None, max_length=LIMITS["claims"], description="The claims parameter (Core §5.5)"
    )
    roles: str | None = _SLUGS
    without_roles: str | None = _SLUGS
    claim_values: str | None = Field(
        None, max_length=8192, description="JSON object: other values of custom claims, by name"
    )
    user_status: Literal["active", "inactive", "suspended", "locked"] | None = None
    client_status: Literal["active", "inactive", "revoked"] | None = None
    organization_status: Literal["active", "suspended", "archived"] | None = None
    first_party: bool | None = None

    def question(self, user_id: str) -> Question:
        """Return what is asked about a person. Raises Invalid."""
        return Question(
            user_id=user_id,
            client_id=self.client_id,
            scope=self.scope,
            resource=_words(self.resource),
            claims=self.claims,
            what_if=WhatIf(
                roles=_words(self.roles),
                without_roles=_words(self.without_roles),
                claims=_object(self.claim_values),
                user_status=self.user_status,
                client_status=self.client_status,
                organization_status=self.organization_status,
                first_party=self.first_party,
            ),
        )


class PolicyOutcome(Shown):
    """One policy, and what it makes of this."""

    policy: str
    outcome: str = Field(
        description="allowed; asked (once the person has done it); refused; told (decides nothing)"
    )
    reason: str


class ScopeOutcome(Shown):
    """One scope that was asked for."""

    scope: str
    is_granted: bool
    reason: str


class ToldClaim(Shown):
    """A claim that is told; `value` is null for what is only known when it is issued."""

    name: str
    value: Any = None
    source: str
    rule: str


class AbsentClaim(Shown):
    """A claim that is not told, and why."""

    name: str
    source: str
    reason: str
    detail: str


class ExplainedTarget(Shown):
    """What the ID token, the access token or userinfo holds."""

    target: str
    form: str = Field(description="jwt, json, opaque (what introspection tells), or none")
    reason: str = Field(description="Why there is none")
    claims: tuple[ToldClaim, ...]
    absent: tuple[AbsentClaim, ...]
    size: int = Field(description="Bytes of JSON of the person's claims, written out in full")
    is_large: bool
    referenced: tuple[str, ...] = Field(description="What stands elsewhere (_claim_names)")


class ExplainedTokens(Shown):
    """Everything that decides on the tokens of one person for one client."""

    organization_id: str
    user_id: str
    client_id: str
    is_issued: bool
    decisions: tuple[PolicyOutcome, ...]
    scopes: tuple[ScopeOutcome, ...]
    audience: tuple[str, ...]
    targets: tuple[ExplainedTarget, ...]


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text or "").split()))


def _object(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = parse_json(text.encode())
    except Invalid as refusal:
        raise Invalid.at("claimValues", message=refusal.message) from None
    if not isinstance(value, dict):
        raise Invalid.at("claimValues", message="must be a JSON object")
    return value


def _shown(explanation: Explanation) -> ExplainedTokens:
    return ExplainedTokens.model_validate(explanation)


async def _explain(call: Call) -> Answer:
    question = call.query_as(ExplainQuery).question(call.id("userId"))
    found = await explain_tokens(
        call.storage, call.actor, call.runtime, call.id("organizationId"), question
    )
    return Answer(Data(data=_shown(found)))


ROUTES = (
    Route(
        "GET",
        "/organizations/{organizationId}/users/{userId}/explain",
        "Tell why a person's tokens for a client say what they say, and what if",
        _explain,
        permissions=needed_by(explain_tokens),
        query=ExplainQuery,
        response=Data[ExplainedTokens],
        delegable=True,
    ),
)
