"""Claim sources: what there is to tell of a person, and what releases it (Core §5.1, §5.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from porta.protocol.requests.claims_request import ClaimsRequest
from porta.protocol.requests.scopes import OPENID, registered_scope
from porta.protocol.tokens.claim_trace import Claim, Target, Trace
from porta.protocol.tokens.claim_types import is_of_type
from porta.protocol.tokens.standard_claims import (
    RESERVED_CLAIMS,
    ROLE_CLAIMS,
    STANDARD_CLAIMS,
    StandardClaim,
)
from storage.models.claims import ClaimDefinition
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import AccountFacts

INCLUDED: dict[str, Callable[[ClaimDefinition], bool]] = {
    "id_token": lambda definition: definition.include_in_id_token,
    "userinfo": lambda definition: definition.include_in_userinfo,
    "access_token": lambda definition: definition.include_in_access_token,
}
"""Whether a definition has its claim in a target."""


@dataclass(frozen=True, slots=True)
class Release:
    """Whose claims are told to whom: all that decides on them beside the request."""

    facts: AccountFacts
    client: Client
    organization: Organization
    issuer: str
    scope: tuple[str, ...]
    consented: Collection[str] = ()
    """Of the claims with `openid`, those that the person allowed a third party."""


def standard(
    release: Release, request: ClaimsRequest, target: Target, trace: Trace | None
) -> Iterator[Claim]:
    """Yield the standard claims that a scope or the `claims` parameter has in `target`."""
    requested = request.of(target)
    if target != "userinfo" and not requested and trace is None:
        return
    user, scope = release.facts.user, release.scope
    registered = registered_scope(release.client) if requested else ()
    for claim in STANDARD_CLAIMS:
        if target == "userinfo" and claim.scope in scope:
            rule = f"scope {claim.scope}"
        elif claim.name in requested and claim.scope in registered:
            rule = "claims parameter"
        else:
            if trace is not None:
                _note_standard(trace, claim, target, claim.name in requested)
            continue
        value = claim.read(user)
        if value is not None and value != "":
            yield Claim(claim.name, value, claim.source, rule)
        elif claim.name == "preferred_username" and _email_stands_in(release):
            yield Claim(claim.name, release.facts.user.email, "users.email", rule)
        elif trace is not None:
            trace.note(claim.name, claim.source, "value_not_set", "the person has none")


def roles(release: Release, trace: Trace | None) -> Iterator[Claim]:
    """Yield roles and permissions, each where the application defines any."""
    facts, client = release.facts, release.client
    found = (
        (client.defines_roles, facts.roles),
        (client.defines_permissions, facts.permissions),
    )
    for name, (defined, value) in zip(ROLE_CLAIMS, found, strict=True):
        if defined or value:
            yield Claim(name, list(value), name, "scope openid")
        elif trace is not None:
            trace.note(name, name, "not_defined", f"the application defines no {name}")


def custom(release: Release, target: Target, trace: Trace | None) -> Iterator[Claim]:
    """Yield the custom claims that have a value, and are in `target` by their definition."""
    included = INCLUDED[target]
    for definition in release.client.claim_definitions:
        name = definition.claim_name
        value = release.facts.claims.get(name)
        if name in RESERVED_CLAIMS:
            continue  # a row from before that was a rule; whoever has the name is told of instead
        if value is not None and included(definition) and _fits(definition, value):
            yield Claim(name, value, "custom_claim_values", "claim definition")
        elif trace is not None:
            _note_custom(trace, definition, target, value)


def without_openid(release: Release, trace: Trace) -> None:
    """Note what would come with `openid`."""
    defined = (definition.claim_name for definition in release.client.claim_definitions)
    for name in (*ROLE_CLAIMS, *defined):
        source = name if name in ROLE_CLAIMS else "custom_claim_values"
        trace.note(name, source, "scope_not_granted", f"it comes with {OPENID}")


def is_consented(release: Release, claim: Claim, trace: Trace | None) -> bool:
    """Whether the client may be told what came with `openid`."""
    if release.client.is_first_party or claim.name in release.consented:
        return True
    if trace is not None:
        trace.note(claim.name, claim.source, "not_consented", "the person has not allowed it")
    return False


def _email_stands_in(release: Release) -> bool:
    """An address is no less one under another name: a third party needs the scope of it too."""
    told = release.client.is_first_party or "email" in release.scope
    return release.organization.email_as_username and told and bool(release.facts.user.email)


def _note_standard(trace: Trace, claim: StandardClaim, target: Target, asked: bool) -> None:
    if asked:
        detail = f"the client is not registered for the scope {claim.scope}"
        trace.note(claim.name, claim.source, "scope_not_registered", detail)
    elif target == "userinfo":
        trace.note(claim.name, claim.source, "scope_not_granted", f"it comes with {claim.scope}")
    else:
        detail = "userinfo has it; an ID token with id_token_claims, or the claims parameter"
        detail = detail if target == "id_token" else "userinfo has it"
        trace.note(claim.name, claim.source, "target_excluded", detail)


def _fits(definition: ClaimDefinition, value: Any) -> bool:
    """A row may be older than the rule that a value is of its type: a reader relies on the type.
    Any JSON is JSON.
    """
    return definition.claim_type == "json" or is_of_type(definition.claim_type, value)


def _note_custom(trace: Trace, definition: ClaimDefinition, target: Target, value: Any) -> None:
    name, source = definition.claim_name, "custom_claim_values"
    if not INCLUDED[target](definition):
        trace.note(name, source, "target_excluded", f"its definition has no include_in_{target}")
    elif value is None:
        trace.note(name, source, "value_not_set", "the person has no value")
    else:
        trace.note(name, source, "wrong_type", f"the value is no {definition.claim_type}")
