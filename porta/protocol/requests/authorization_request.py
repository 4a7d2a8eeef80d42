"""Authorization request as a frozen record (RFC 6749 §4.1.1, Core §3.1.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from porta.protocol.clients.redirect_uris import omitted_redirect_uri
from porta.protocol.errors import (
    InvalidRequest,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UntrustedRequest,
)
from porta.protocol.requests.claims_request import NO_CLAIMS, ClaimsRequest, parse_claims_request
from porta.protocol.requests.params import Params
from porta.protocol.requests.scopes import OPENID, join_scope, parse_scope
from storage.models.clients import Client
from storage.models.interactions import Consent

LIMITS = {
    "client_id": 255,
    "redirect_uri": 2048,
    "response_type": 64,
    "response_mode": 64,
    "state": 3072,
    "nonce": 1024,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "prompt": 64,
    "login_hint": 320,
    "id_token_hint": 16384,
    "ui_locales": 256,
    "acr_values": 512,
    "display": 16,
    "claims": 4096,
}
"""Most bytes of each parameter, in UTF-8."""
_KEPT = (*LIMITS, "scope", "max_age")

MAX_KEPT = 6144
"""Most bytes of a request as it is kept until a person has answered, or until it is visited.

Whatever is kept around it, which nobody outside chooses, is less than 2 KB: 8 KB in all.
"""

_NOT_SUPPORTED: dict[str, type[OAuthError]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
    "registration": RegistrationNotSupported,
}

MAX_AGE = 10**9
"""Seconds; a larger max_age asks for nothing that a session could outlive."""


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Lists keep the client's order; `max_age` is in seconds."""

    client_id: str
    redirect_uri: str
    omits_redirect_uri: bool = False
    """Whether the only one registered stands for it: it is left out then wherever this is kept."""
    response_type: str | None = None
    response_mode: str | None = None
    scope: tuple[str, ...] = ()
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = None
    id_token_hint: str | None = None
    hint_subject: str | None = None
    """The `sub` of an id_token_hint that was verified; no parameter, and all that is kept of it."""
    ui_locales: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    display: str | None = None
    claims: ClaimsRequest = NO_CLAIMS
    resource: tuple[str, ...] = ()

    def to_parameters(self) -> dict[str, str]:
        """Return the parameters it consists of: an artifact's form.

        Without `resource`, which is several, and without `hint_subject`, which is no parameter.
        """
        words = {
            "scope": join_scope(self.scope),
            "prompt": " ".join(self.prompt),
            "ui_locales": " ".join(self.ui_locales),
            "acr_values": " ".join(self.acr_values),
            "max_age": None if self.max_age is None else str(self.max_age),
            "claims": self.claims.text,
        }
        if self.omits_redirect_uri:
            words["redirect_uri"] = None
        return {
            name: value
            for name in _KEPT
            if (value := words[name] if name in words else getattr(self, name))
        }


class RedirectTarget(msgspec.Struct, frozen=True):
    """Where an error travels, read before anything that could be wrong with the rest."""

    client_id: str
    redirect_uri: str
    omits_redirect_uri: bool
    state: str | None
    response_mode: str | None


def parse_client_id(params: Params) -> str:
    """Raises UntrustedRequest when `client_id` is missing, double or too long."""
    return _trusted(params, "client_id")


def parse_redirect_target(params: Params, client: Client) -> RedirectTarget:
    """Read the parameters an error needs to travel; nothing in them is trusted yet.

    Raises UntrustedRequest when `client_id` or `redirect_uri` is missing, double or too long. What
    was malformed is not missing: `redirect_uri` may be left out of a request that can be read as a
    whole, and only where `omitted_redirect_uri` knows what it would be.
    """
    omitted = "redirect_uri" not in params and params.problem is None
    return RedirectTarget(
        parse_client_id(params),
        omitted_redirect_uri(client, openid=_asks_openid(params))
        if omitted
        else _trusted(params, "redirect_uri"),
        omitted,
        params.get("state"),
        params.get("response_mode"),
    )


def parse_authorization_request(params: Params, client: Client) -> AuthorizationRequest:
    """Return the request that `params` describe; a pushed one is resolved by the caller before.

    Raises the OAuthError that belongs to what is malformed, UntrustedRequest only for a missing
    `client_id` or `redirect_uri`.
    """
    target = parse_redirect_target(params, client)
    params.check()
    for name, error in _NOT_SUPPORTED.items():
        if name in params:
            raise error(f"{name} is not supported")
    check_lengths(params, LIMITS)
    return _build(target, params.get, params.all("resource"))


def check_lengths(params: Params, limits: Mapping[str, int]) -> None:
    """Raise InvalidRequest for a parameter that has more bytes than `limits` allow."""
    given = params.names()
    for name, limit in limits.items():
        if name in given and _size(params.get(name)) > limit:
            raise InvalidRequest(f"parameter too long: {name}")


def check_kept_size(request: AuthorizationRequest, consent: Consent | None) -> None:
    """Raise InvalidRequest where keeping `request` would take more than MAX_KEPT bytes.

    Counted as JSON, as it is stored, with the `consent` it needs twice: what a page shows, and
    what a person agrees to.
    """
    kept = (request.to_parameters(), request.resource, consent, consent)
    if len(msgspec.json.encode(kept)) > MAX_KEPT:
        raise InvalidRequest("the request is too long")


def _build(
    target: RedirectTarget, get: Callable[[str], str | None], resource: tuple[str, ...]
) -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id=target.client_id,
        redirect_uri=target.redirect_uri,
        omits_redirect_uri=target.omits_redirect_uri,
        response_type=get("response_type"),
        response_mode=get("response_mode"),
        scope=parse_scope(get("scope")),
        state=get("state"),
        nonce=get("nonce"),
        code_challenge=get("code_challenge"),
        code_challenge_method=get("code_challenge_method"),
        prompt=_words(get("prompt")),
        max_age=_seconds(get("max_age")),
        login_hint=get("login_hint"),
        id_token_hint=get("id_token_hint"),
        ui_locales=_words(get("ui_locales")),
        acr_values=_words(get("acr_values")),
        display=get("display"),
        claims=parse_claims_request(get("claims")),
        resource=resource,
    )


def _asks_openid(params: Params) -> bool:
    return any(OPENID in text.split(" ") for text in params.all("scope"))


def _trusted(params: Params, name: str) -> str:
    value = params.get(name)
    if value is None:
        raise UntrustedRequest(params.problem or f"{name} is missing or given twice")
    if _size(value) > LIMITS[name]:
        raise UntrustedRequest(f"{name} is too long")
    return value


def _size(value: str | None) -> int:
    if value is None:
        return 0
    return len(value) if value.isascii() else len(value.encode())


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, text.split(" ")))) if text else ()


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise InvalidRequest("max_age must be a whole number of seconds")
    return min(int(text), MAX_AGE)
