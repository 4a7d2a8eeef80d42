"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from porta.protocol.clients.redirect_uris import check_post_logout_redirect_uri
from porta.protocol.errors import InvalidRequest, UntrustedRequest
from porta.protocol.requests.authorization_request import check_lengths
from porta.protocol.requests.params import Params
from porta.protocol.requests.response_modes import MAX_LOCATION, build_query
from storage.models.clients import Client

LIMITS = {
    "id_token_hint": 16384,
    "client_id": 255,
    "post_logout_redirect_uri": 2048,
    "state": 3072,
    "ui_locales": 256,
}
"""Most bytes of each parameter, in UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionRequest:
    """What a relying party asks for when it signs a person out (§2)."""

    id_token_hint: str | None = None
    client_id: str | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = None
    ui_locales: tuple[str, ...] = ()

    def to_parameters(self) -> dict[str, str]:
        """Return the parameters it was read from: for a form, or for the same request by GET."""
        values = {name: getattr(self, name) for name in LIMITS} | {
            "ui_locales": " ".join(self.ui_locales)
        }
        return {name: value for name, value in values.items() if value}


def parse_end_session(params: Params) -> EndSessionRequest:
    """Return the request that `params` describe. Raises InvalidRequest for what is too long."""
    check_lengths(params, LIMITS)
    return EndSessionRequest(
        id_token_hint=params.get("id_token_hint"),
        client_id=params.get("client_id"),
        post_logout_redirect_uri=params.get("post_logout_redirect_uri"),
        state=params.get("state"),
        ui_locales=tuple(word for word in (params.get("ui_locales") or "").split(" ") if word),
    )


def named_client(request: EndSessionRequest, hint: Mapping[str, Any] | None) -> str | None:
    """Return the client_id that the request or its verified `hint` names, None for neither.

    Raises InvalidRequest when both do and differ (§2).
    """
    audience = _audience(hint)
    if request.client_id is not None:
        if audience and request.client_id not in audience:
            raise InvalidRequest("client_id is not the audience of id_token_hint")
        return request.client_id
    return audience[0] if len(audience) == 1 else None


def accept(request: EndSessionRequest, client: Client | None) -> EndSessionRequest:
    """Return the request as the person may be asked it: it leads to `client`, or nowhere.

    `client` is the one `named_client` named, active and of this organization, or None. A
    `post_logout_redirect_uri` that nobody vouches for is dropped, so that whoever brings it may
    still sign out. Raises UntrustedRequest for one beside a `client_id` that is not known, or that
    is not registered, byte for byte (§3), and InvalidRequest where `state` leaves no room for it in
    a redirect (MAX_LOCATION).
    """
    uri = request.post_logout_redirect_uri
    if uri is not None and client is not None:
        check_post_logout_redirect_uri(client, uri)
    elif uri is not None and request.client_id is not None:
        raise UntrustedRequest("post_logout_redirect_uri without a known client")
    accepted = replace(
        request,
        client_id=client.client_id if client else None,
        post_logout_redirect_uri=uri if client else None,
        id_token_hint=None,
    )
    if len(build_redirect(accepted) or "") > MAX_LOCATION:
        raise InvalidRequest("state is too long to be sent back")
    return accepted


def build_redirect(request: EndSessionRequest) -> str | None:
    """Return the URL to send the browser to when all is done, None for a page of our own.

    The request is one that was accepted.
    """
    uri, state = request.post_logout_redirect_uri, request.state
    if uri is None:
        return None
    return build_query(uri, {"state": state} if state is not None else {})


def _audience(hint: Mapping[str, Any] | None) -> tuple[str, ...]:
    audience = hint.get("aud") if hint is not None else None
    if isinstance(audience, str):
        return (audience,)
    return tuple(audience) if isinstance(audience, list) else ()
