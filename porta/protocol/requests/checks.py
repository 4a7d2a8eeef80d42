"""Authorization request checks, one by one (RFC 6749 §4.1, Core §3.1.2, RFC 9700)."""

from __future__ import annotations

from msgspec.structs import replace

from porta.protocol.clients.redirect_uris import check_redirect_uri
from porta.protocol.errors import (
    InvalidRequest,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from porta.protocol.features import FEATURES
from porta.protocol.features.feature import AuthorizationPolicy, Check
from porta.protocol.requests.authorization_request import AuthorizationRequest
from porta.protocol.requests.response_modes import RESPONSE_MODES
from porta.protocol.requests.scopes import effective_scope
from storage.models.clients import Client

RESPONSE_TYPES = ("code",)
DISPLAY_VALUES = ("page", "popup", "touch", "wap")
PROMPT_VALUES = ("none", "login", "consent", "select_account")

_CREATE = "create"


def prompt_values(*, registers: bool) -> tuple[str, ...]:
    """Return the values of `prompt` where people may, or may not, make an account for themselves
    (OpenID Connect Initiating User Registration 1.0).
    """
    return (*PROMPT_VALUES, _CREATE) if registers else PROMPT_VALUES


def accept(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> AuthorizationRequest:
    """Return `request` as it will be granted: checked, and without what is ignored of it.

    The caller has found `client` active and the organization's own. Raises UntrustedRequest for
    the redirect URI, and for anything else the OAuthError that travels to the client.
    """
    check_redirect_uri(client, request.redirect_uri)
    accepted = replace(request, scope=effective_scope(request.scope, client))
    check(accepted, client, policy)
    values = prompt_values(registers=policy.registers)
    known = tuple(value for value in accepted.prompt if value in values)
    return accepted if known == accepted.prompt else replace(accepted, prompt=known)


def check(request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy) -> None:
    """Run CHECKS, then the check of each feature. Raises the first OAuthError found."""
    for step in CHECKS:
        step(request, client, policy)
    for feature in FEATURES:
        if feature.check is not None:
            feature.check(request, client, policy)


def check_response_type(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """Only `code`, and only for clients registered for it (RFC 6749 §3.1.1)."""
    if request.response_type is None:
        raise InvalidRequest("missing required parameter: response_type")
    if request.response_type not in RESPONSE_TYPES:
        raise UnsupportedResponseType("response_type is not supported")
    if (
        request.response_type not in client.response_types
        or "authorization_code" not in client.grant_types
    ):
        raise UnauthorizedClient("the client is not registered for this response_type")


def check_response_mode(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """One of RESPONSE_MODES, or none."""
    if request.response_mode is not None and request.response_mode not in RESPONSE_MODES:
        raise InvalidRequest("response_mode is not supported")


def check_prompt(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """`none` stands alone; a value that is not one of PROMPT_VALUES is ignored (Core §3.1.2.1)."""
    if "none" in request.prompt and len(request.prompt) > 1:
        raise InvalidRequest("prompt=none cannot be combined")


def check_display(
    request: AuthorizationRequest, client: Client, policy: AuthorizationPolicy
) -> None:
    """One of the values of Core §3.1.2.1; every page of ours serves all of them."""
    if request.display is not None and request.display not in DISPLAY_VALUES:
        raise InvalidRequest("display is unknown")


CHECKS: tuple[Check, ...] = (
    check_response_type,
    check_response_mode,
    check_prompt,
    check_display,
)
