"""Scopes: parsing, what a client may be granted, and what a scope brings (RFC 6749 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from porta.protocol.errors import InvalidScope
from storage.models.clients import Client

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
    values = tuple(dict.fromkeys(filter(None, text.split(" "))))
    if len(text) > MAX_SCOPE or len(values) > MAX_VALUES:
        raise InvalidScope("scope is too long")
    if not all(map(_TOKEN.fullmatch, values)):
        raise InvalidScope("scope holds a forbidden character")
    return values


def join_scope(values: Iterable[str]) -> str:
    """Return `values` as the text of a scope parameter."""
    return " ".join(values)


def registered_scope(client: Client) -> tuple[str, ...]:
    """Return the scopes that `client` is registered for. What cannot be read counts as none."""
    return _registered(client.scope)


@lru_cache(maxsize=1024)
def _registered(text: str) -> tuple[str, ...]:
    try:
        return parse_scope(text)
    except InvalidScope:
        return ()


def effective_scope(requested: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """Return what of `requested` the client may have.

    A scope that nobody here knows is ignored (Core §3.1.2.1), and so is one that the client is not
    registered for: RFC 6749 §3.3 leaves the choice, the token response tells what was granted, and
    a client that sends one text everywhere works everywhere. `offline_access` means a refresh token
    (Core §11): a client without that grant type loses it silently.

    Raises InvalidScope when nothing is left: a token response without `scope` would say that all
    of it was granted (RFC 6749 §5.1).
    """
    usable = set(registered_scope(client))
    if "refresh_token" not in client.grant_types:
        usable.discard(OFFLINE_ACCESS)
    return _some(requested, tuple(value for value in requested if value in usable))


def remaining_scope(granted: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """Return what of `granted` the client is registered for still."""
    registered = registered_scope(client)
    return tuple(value for value in granted if value in registered)


def narrow_scope(
    granted: tuple[str, ...], requested: str | None, client: Client
) -> tuple[str, ...]:
    """Return the scope a refresh asks for (RFC 6749 §6): all of it when nothing is requested.

    What the client could not have been granted is ignored, as where it was asked for first. Raises
    InvalidScope when `requested` holds what it could have and was not granted, or nothing else.
    """
    asked, registered = parse_scope(requested), registered_scope(client)
    values = _some(asked, tuple(value for value in asked if value in registered))
    if not set(values) <= set(granted):
        raise InvalidScope("scope exceeds what was granted")
    return values or granted


def client_credentials_scope(
    client: Client, requested: str | None, known: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the scope of a token that `client` asks for itself (RFC 6749 §4.4.2).

    Nothing requested is nothing granted, and so is what nobody here knows: machines send scopes
    that mean something elsewhere, as Porta 1.x let them. Nobody is offline without a person, so
    `offline_access` falls away too. Raises InvalidScope when nothing else is left, and for what
    somebody here knows, an OIDC scope or one of `known`, those of the API resources, and the client
    is not registered for: a machine that counts on it is to hear that it has it not.
    """
    asked, registered = parse_scope(requested), registered_scope(client)
    recognized = tuple(value for value in asked if value in {*OIDC_SCOPES, *known})
    refused = [value for value in recognized if value not in registered]
    if refused:
        raise InvalidScope(f"the client is not registered for scope {join_scope(refused)}")
    granted = tuple(value for value in asked if value in registered and value != OFFLINE_ACCESS)
    return _some(recognized, granted)


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


def _some(requested: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
    if requested and not granted:
        raise InvalidScope("nothing is left of the scope that was requested")
    return granted
