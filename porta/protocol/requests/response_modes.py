"""Authorization responses and the ways they travel (OAuth Multiple Response Types, Form Post)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from porta.errors import PortaError
from porta.protocol.errors import UntrustedRequest

MAX_LOCATION = 3072
"""Most bytes of a `Location` header as it is sent: proxies refuse an answer whose header is longer
than their buffer, 4 KB as a rule, and take the server for dead."""
_ANSWER = 128
"""Bytes that an answer may take besides redirect URI, `state` and `iss`: a code or an error."""
_WIDEST = 12
"""Bytes of the longest character in a URL: four in UTF-8, each escaped."""
DEFAULT_RESPONSE_MODE = "query"
"""For response type `code` (OAuth 2.0 Multiple Response Type Encoding Practices §2.1)."""

_URI_CHARACTERS = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class FormPost:
    """A form that the browser posts: `action` is the redirect URI, `fields` its hidden inputs."""

    action: str
    fields: Mapping[str, str]


def build_query(redirect_uri: str, parameters: Mapping[str, str]) -> str:
    """Return `redirect_uri` with `parameters` behind what its query held already."""
    target = _header_safe(redirect_uri)
    if not parameters or target[-1] in "?&":
        return target + _encode(parameters)
    return target + ("&" if "?" in target else "?") + _encode(parameters)


def build_fragment(redirect_uri: str, parameters: Mapping[str, str]) -> str:
    """Return `redirect_uri` with `parameters` as its fragment."""
    return f"{_header_safe(redirect_uri)}#{_encode(parameters)}"


def build_form_post(redirect_uri: str, parameters: Mapping[str, str]) -> FormPost:
    """Return the form of OAuth 2.0 Form Post Response Mode §2."""
    return FormPost(redirect_uri, dict(parameters))


RESPONSE_MODES: dict[str, Callable[[str, Mapping[str, str]], str | FormPost]] = {
    "query": build_query,
    "fragment": build_fragment,
    "form_post": build_form_post,
}


def effective_response_mode(requested: str | None) -> str:
    """Return the mode an answer travels by: the one asked for, or the default for any other.

    An error may travel before anybody has looked at what was asked for.
    """
    return requested if requested in RESPONSE_MODES else DEFAULT_RESPONSE_MODE


def check_returnable(
    redirect_uri: str, response_mode: str | None, issuer: str, state: str | None
) -> None:
    """Raise UntrustedRequest where no redirect could carry `state` back within MAX_LOCATION.

    RFC 6749 §4.1.2.1 wants it back, with an error too: without it a client would see a forged
    answer instead of the reason. A form has room for any.
    """
    if effective_response_mode(response_mode) == "form_post":
        return
    characters = len(redirect_uri) + len(state or "") + len(issuer)
    if characters * _WIDEST + _ANSWER <= MAX_LOCATION:
        return
    returned = (_header_safe(redirect_uri), _escape(state or ""), _escape(issuer))
    if sum(map(len, returned)) + _ANSWER > MAX_LOCATION:
        raise UntrustedRequest("state is too long to be sent back")


def success_parameters(issuer: str, code: str, state: str | None) -> dict[str, str]:
    """Return the parameters of RFC 6749 §4.1.2, with the `iss` of RFC 9207."""
    return _with_state({"code": code}, issuer, state)


def error_parameters(issuer: str, error: PortaError, state: str | None) -> dict[str, str]:
    """Return the parameters of RFC 6749 §4.1.2.1, with the `iss` of RFC 9207."""
    parameters = {"error": error.code}
    if error.message:
        parameters["error_description"] = describable(error.message)
    return _with_state(parameters, issuer, state)


def fitting(redirect_uri: str, response_mode: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return `parameters` without `error_description` where a redirect has no room for it."""
    built = RESPONSE_MODES[response_mode](redirect_uri, parameters)
    fits = isinstance(built, FormPost) or len(built) <= MAX_LOCATION
    return {
        name: value for name, value in parameters.items() if fits or name != "error_description"
    }


def describable(message: str) -> str:
    """Return `message` in the characters an error_description may have (RFC 6749 §5.2)."""
    return re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "?", message)


def _with_state(parameters: dict[str, str], issuer: str, state: str | None) -> dict[str, str]:
    if state is not None:
        parameters["state"] = state
    parameters["iss"] = issuer
    return parameters


def _escape(text: str) -> str:
    return quote(text, safe="")


def _encode(parameters: Mapping[str, str]) -> str:
    return urlencode(parameters, quote_via=quote, safe="")


def _header_safe(redirect_uri: str) -> str:
    # Compared byte for byte before; only bytes that no Location header may hold are escaped.
    return quote(redirect_uri, safe=_URI_CHARACTERS)
