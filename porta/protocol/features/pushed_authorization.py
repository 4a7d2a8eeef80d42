"""Pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from porta.protocol.endpoints import PUSHED_AUTHORIZATION, absolute
from porta.protocol.errors import InvalidRequest, UntrustedRequest
from porta.protocol.features.feature import Feature
from porta.protocol.requests.params import Params

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"


def build_request_uri(reference: str) -> str:
    """Return the `request_uri` whose secret part is `reference` (RFC 9126 §2.2)."""
    return REQUEST_URI_PREFIX + reference


def parse_request_uri(request_uri: str | None) -> str | None:
    """Return the reference in a `request_uri` of ours; None for none, and for any other."""
    if request_uri is None or not request_uri.startswith(REQUEST_URI_PREFIX):
        return None
    return request_uri.removeprefix(REQUEST_URI_PREFIX) or None


def check_pushed(params: Params, client_id: str) -> None:
    """Check what a push must not hold (RFC 9126 §2.1). Raises InvalidRequest."""
    if "request_uri" in params:
        raise InvalidRequest("request_uri cannot be pushed")
    if params.get("client_id") not in (None, client_id):
        raise InvalidRequest("client_id is not that of the authenticated client")


def check_reference_client(params: Params, client_id: str) -> None:
    """Check that the front channel names the client that pushed (RFC 9126 §4).

    Raises UntrustedRequest: whoever brings another's `request_uri` sees a page.
    """
    if params.get("client_id") != client_id:
        raise UntrustedRequest("client_id is missing or not that of the pushed request")


def build_response(request_uri: str, expires_in: int) -> dict[str, Any]:
    """Return the body of the 201 answer; `expires_in` in seconds (RFC 9126 §2.2)."""
    return {"request_uri": request_uri, "expires_in": expires_in}


def _discovery(issuer: str) -> Mapping[str, Any]:
    return {
        "pushed_authorization_request_endpoint": absolute(issuer, PUSHED_AUTHORIZATION),
        "require_pushed_authorization_requests": False,
    }


FEATURE = Feature("pushed_authorization_requests", discovery=_discovery)
