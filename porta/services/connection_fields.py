"""Fields of connections: what an issuer, a domain, a scope of another provider may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import InitErrorDetails

from porta.protocol.federation.profile import FIELDS
from porta.services.fields import judged, one_of
from porta.text.names import find_name_problem, find_text_problem

T = TypeVar("T")
_SCOPE = re.compile(r"[!\x23-\x5b\x5d-\x7e]{1,200}")
"""RFC 6749 §3.3."""
_URL = re.compile(r"[!-~]+")
_METHODS = ("client_secret_basic", "client_secret_post")
_NO_MORE = "must have no user or fragment"
_HERE = ("127.0.0.1", "::1", "localhost")
"""Hosts that may be spoken to in plain text, where private addresses are called at all."""


def find_issuer_problem(issuer: str) -> str | None:
    """Return why nothing can be asked of this issuer (OpenID Connect Discovery §2), or None."""
    problem = _find_endpoint_problem(issuer)
    if problem == _NO_MORE or (problem is None and "?" in issuer):
        return "must have no user, query or fragment"
    return problem


def _find_endpoint_problem(endpoint: str) -> str | None:
    """Return why this is no endpoint (RFC 6749 §3.1), or None."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "must be an https URL"
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)
    if not secure or not host or not _URL.fullmatch(endpoint):
        return "must be an https URL"
    if parts.username is not None or "#" in endpoint:
        return _NO_MORE
    return None


def _find_method_problem(method: str) -> str | None:
    return None if method in _METHODS else f"must be one of: {', '.join(_METHODS)}"


def _judge_options(options: dict[str, str]) -> dict[str, str]:
    """Let pydantic collect what is wrong with each option, at its own name."""
    wrong = [
        InitErrorDetails(type="value_error", loc=(name,), input=value, ctx={"error": problem})
        for name, value in options.items()
        if (problem := _OPTIONS[name](value)) is not None
    ]
    if wrong:
        raise ValidationError.from_exception_data("options", wrong, hide_input=True)
    return options


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _find_scope_problem(scope: str) -> str | None:
    return None if _SCOPE.fullmatch(scope) else "each is one word (RFC 6749 §3.3)"


Issuer = Annotated[str, Field(max_length=512), judged(find_issuer_problem)]
Scopes = Annotated[
    tuple[Annotated[str, judged(_find_scope_problem)], ...],
    Field(max_length=30),
    AfterValidator(_once),
]
_Text = Annotated[str, Field(min_length=1, max_length=255), judged(find_name_problem)]
Tenants = Annotated[tuple[_Text, ...], Field(max_length=100), AfterValidator(_once)]
"""Of Google hosted domains, of Microsoft Entra ID ids of tenants, of GitHub organizations."""
ClaimName = _Text
RuleValue = _Text
ClientSecret = Annotated[str, Field(min_length=1, max_length=4096), judged(find_text_problem)]
"""Of Apple the private key (PEM)."""
ClaimSources = Annotated[
    dict[Annotated[str, one_of(FIELDS)], ClaimName], Field(max_length=len(FIELDS))
]
"""The claim of the provider by the field of a person that it fills."""
_OPTIONS: dict[str, Callable[[str], str | None]] = {
    "team_id": find_name_problem,
    "key_id": find_name_problem,
    "authorization_endpoint": _find_endpoint_problem,
    "token_endpoint": _find_endpoint_problem,
    "userinfo_endpoint": _find_endpoint_problem,
    "token_endpoint_auth_method": _find_method_problem,
    "subject_claim": find_name_problem,
    "email_claim": find_name_problem,
    "email_verified_claim": find_name_problem,
}
Options = Annotated[
    dict[
        Annotated[str, one_of(tuple(_OPTIONS))],
        Annotated[str, Field(min_length=1, max_length=512)],
    ],
    Field(max_length=10),
    AfterValidator(_judge_options),
]
"""What only some providers ask for, by its name."""
