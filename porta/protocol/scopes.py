"""Scopes: parsing, what a client may be granted, and what a scope brings (RFC 6749 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from porta.protocol.errors import InvalidScope
from storage.models.clients import ApiResource, Client

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
OIDC_SCOPES = (OPENID, "profile", "email", "address", "phone", OFFLINE_ACCESS)
"""Core §5.4 and §11; what discovery lists."""

MAX_SCOPE = 2048
MAX_VALUES = 100
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def parse_scope(text: str | None) -> tuple[str, ...]:
    """Split `text` at spaces, each value once, in order. None is no scope. Raises InvalidScope."""
    if text is None:
        return ()
    values = tuple(dict.fromkeys(value for value in text.split(" ") if value))
    if len(text) > MAX_SCOPE or len(values) > MAX_VALUES:
        raise InvalidScope("scope is too long")
    if not all(_TOKEN.fullmatch(value) for value in values):
        raise InvalidScope("scope holds a forbidden character")
    return values


def join_scope(values: Iterable[str]) -> str:
    """Return `values` as the text of a scope parameter."""
    return " ".join(values)


def registered_scope(client: Client) -> tuple[str, ...]:
    """Return the scopes that `client` is registered for. What cannot be read counts as none."""
    try:
        return parse_scope(client.scope)
    except InvalidScope:
        return ()


def effective_scope(
    requested: tuple[str, ...], client: Client, api_resources: Iterable[ApiResource] = ()
) -> tuple[str, ...]:
    """Return what is left of `requested` without what could come to nothing.

    Scopes that nobody here knows are ignored, as Core §3.1.2.1 wants it and Porta 1.x did.
    `offline_access` means a refresh token (Core §11): a client without that grant type loses it
    silently. Known scopes that the client is not registered for stay, to be refused.

    Raises InvalidScope when nothing is left: a token response without `scope` would say that all
    of it was granted (RFC 6749 §5.1).
    """
    known = {*OIDC_SCOPES, *registered_scope(client)}
    for api in api_resources:
        known.update(api.scopes)
    if "refresh_token" not in client.grant_types:
        known.discard(OFFLINE_ACCESS)
    effective = tuple(value for value in requested if value in known)
    _check_left(requested, effective)
    return effective


def remaining_scope(granted: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """Return what of `granted` the client is registered for still."""
    registered = registered_scope(client)
    return tuple(value for value in granted if value in registered)


def check_registered(scope: tuple[str, ...], client: Client) -> None:
    """Raise InvalidScope for a scope that `client` is not registered for.

    RFC 6749 §3.3 leaves the choice between refusing and ignoring it; refused, it is noticed.
    """
    registered = registered_scope(client)
    for value in scope:
        if value not in registered:
            raise InvalidScope(f"scope not registered for this client: {value}")


def narrow_scope(granted: tuple[str, ...], requested: str | None) -> tuple[str, ...]:
    """Return the scope a refresh asks for (RFC 6749 §6): all of it when nothing is requested.

    Raises InvalidScope when `requested` holds a scope that was not granted.
    """
    if requested is None:
        return granted
    values = parse_scope(requested)
    if not set(values) <= set(granted):
        raise InvalidScope("scope exceeds what was granted")
    return values or granted


def client_credentials_scope(client: Client, requested: str | None) -> tuple[str, ...]:
    """Return the scope of a token that `client` asks for itself (RFC 6749 §4.4.2).

    Nothing requested is nothing granted. Nobody is offline without a person, so
    `offline_access` falls away. Raises InvalidScope, also when nothing else was requested.
    """
    asked = parse_scope(requested)
    values = tuple(value for value in asked if value != OFFLINE_ACCESS)
    _check_left(asked, values)
    check_registered(values, client)
    return values


def issues_refresh_token(client: Client, scope: tuple[str, ...]) -> bool:
    """Tell whether a code with `scope` brings `client` a refresh token.

    Clients that asked for `offline_access`, and confidential web applications always: theirs is
    bound to the session (`is_bound_to_session`).
    """
    if "refresh_token" not in client.grant_types:
        return False
    return OFFLINE_ACCESS in scope or (
        client.application_type == "web"
        and client.client_type == "confidential"
        and client.token_endpoint_auth_method != "none"
    )


def is_bound_to_session(scope: tuple[str, ...]) -> bool:
    """Tell whether the tokens of `scope` die with the session they came from (Core §11)."""
    return OFFLINE_ACCESS not in scope


def _check_left(requested: tuple[str, ...], granted: tuple[str, ...]) -> None:
    if requested and not granted:
        raise InvalidScope("nothing is left of the scope that was requested")
