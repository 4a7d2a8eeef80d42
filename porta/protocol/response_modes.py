"""Authorization responses and the ways they travel (OAuth Multiple Response Types, Form Post)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from porta.errors import PortaError

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


def success_parameters(issuer: str, code: str, state: str | None) -> dict[str, str]:
    """Return the parameters of RFC 6749 §4.1.2, with the `iss` of RFC 9207."""
    return _with_state({"code": code}, issuer, state)


def error_parameters(issuer: str, error: PortaError, state: str | None) -> dict[str, str]:
    """Return the parameters of RFC 6749 §4.1.2.1, with the `iss` of RFC 9207."""
    parameters = {"error": error.code}
    if error.message:
        parameters["error_description"] = describable(error.message)
    return _with_state(parameters, issuer, state)


def describable(message: str) -> str:
    """Return `message` in the characters an error_description may have (RFC 6749 §5.2)."""
    return re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "?", message)


def _with_state(parameters: dict[str, str], issuer: str, state: str | None) -> dict[str, str]:
    if state is not None:
        parameters["state"] = state
    parameters["iss"] = issuer
    return parameters


def _encode(parameters: Mapping[str, str]) -> str:
    return urlencode(parameters, quote_via=quote, safe="")


def _header_safe(redirect_uri: str) -> str:
    # Compared byte for byte before; only bytes that no Location header may hold are escaped.
    return quote(redirect_uri, safe=_URI_CHARACTERS)
