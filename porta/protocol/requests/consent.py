"""Consent: what a person has to allow a third party, and whether they have (Core §3.1.2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.scopes import registered_scope
from porta.protocol.tokens.claims import claims_with_openid, scopes_of_claims
from storage.models.clients import Client
from storage.models.interactions import Consent


def needed_consent(request: AuthorizationRequest, client: Client) -> Consent | None:
    """Return all that `client` will get; None for a first-party client, which never asks."""
    if client.is_first_party:
        return None
    return Consent(
        scope=consent_scope(request, client),
        resource=tuple(dict.fromkeys(request.resource)),
        claims=claims_with_openid(client, request.scope),
    )


def consent_scope(request: AuthorizationRequest, client: Client) -> tuple[str, ...]:
    """Return the scopes that consent must name: those requested, and those behind single claims.

    A claim asked for by the `claims` parameter is shown as the scope that carries it.
    """
    implied = scopes_of_claims(request.claims.names())
    registered = registered_scope(client)
    return (
        *request.scope,
        *(value for value in implied if value in registered and value not in request.scope),
    )


def missing_consent(needed: Consent, held: Iterable[Consent]) -> tuple[str, ...]:
    """Return why `held` does not cover `needed`; empty when it does.

    What was shown for one resource was not shown for another, nor for none in particular: there,
    a scope is good at every resource that owns it (RFC 9068 §3). In one place it adds up.
    """
    given = tuple(held)
    places = [tuple(_at(place, given)) for place in needed.resource or (None,)]
    found = {
        "resources_missing": bool(needed.resource) and not all(places),
        "scopes_missing": any(
            not set(needed.scope) <= {value for consent in place for value in consent.scope}
            for place in places
        ),
        "claims_missing": any(
            not set(needed.claims) <= {name for consent in place for name in consent.claims}
            for place in places
        ),
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _at(resource: str | None, held: tuple[Consent, ...]) -> Iterator[Consent]:
    for consent in held:
        if resource in consent.resource if resource is not None else not consent.resource:
            yield consent
