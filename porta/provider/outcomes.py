"""Outcome of an authorization request: an answer, a question, or another turn."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from porta.protocol.errors import OAuthError
from porta.protocol.requests import response_modes
from porta.protocol.requests.authorization_request import AuthorizationRequest, RedirectTarget
from porta.tenants.tenant import Tenant


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """Whom a response refuses, and why: for the log, which may tell more than the client."""

    client_id: str
    error: OAuthError


class Respond(msgspec.Struct, frozen=True):
    """Answer the client: by this mode, at this redirect URI, with these parameters."""

    redirect_uri: str
    response_mode: str
    parameters: dict[str, str]
    refused: RefusedRequest | None = None


class Interact(msgspec.Struct, frozen=True):
    """Ask the person: the interaction, and the secret of the browser that it is bound to."""

    uid: str
    secret: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Have the browser go on by GET, which brings its cookies, and this secret with them."""

    uid: str
    posted: str


@dataclass(frozen=True, slots=True)
class Arrive:
    """Lead to the pages of one's own account, or away from them, where nobody is signed in."""

    is_signed_in: bool
    section: str | None = None
    """Which of the pages; None for the first one."""


Outcome = Respond | Interact | Resume | Arrive


def granted(tenant: Tenant, request: AuthorizationRequest, code: str) -> Respond:
    """Return the answer that brings the client its code."""
    return Respond(
        request.redirect_uri,
        response_modes.effective_response_mode(request.response_mode),
        response_modes.success_parameters(tenant.issuer, code, request.state),
    )


def refused(tenant: Tenant, target: RedirectTarget, error: OAuthError) -> Respond:
    """Return the answer that brings the client an error, as much of it as has room."""
    mode = response_modes.effective_response_mode(target.response_mode)
    told = response_modes.error_parameters(tenant.issuer, error, target.state)
    return Respond(
        target.redirect_uri,
        mode,
        response_modes.fitting(target.redirect_uri, mode, told),
        RefusedRequest(target.client_id, error),
    )
