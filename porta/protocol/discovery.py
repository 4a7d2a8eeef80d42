"""The discovery document (OpenID Connect Discovery §3, RFC 8414 §2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from porta.protocol import endpoints
from porta.protocol.clients.client_auth import METHODS
from porta.protocol.clients.client_metadata import GRANT_TYPES
from porta.protocol.features import FEATURES
from porta.protocol.requests.checks import DISPLAY_VALUES, RESPONSE_TYPES, prompt_values
from porta.protocol.requests.response_modes import RESPONSE_MODES
from porta.protocol.requests.scopes import OIDC_SCOPES
from porta.protocol.tokens.authentication import ACR_VALUES
from porta.protocol.tokens.standard_claims import ROLE_CLAIMS, STANDARD_CLAIMS

TOKEN_CLAIMS = ("iss", "sub", "auth_time", "acr", "amr", "sid")

_ENDPOINTS = {
    "authorization_endpoint": endpoints.AUTHORIZATION,
    "token_endpoint": endpoints.TOKEN,
    "userinfo_endpoint": endpoints.USERINFO,
    "jwks_uri": endpoints.JWKS,
    "introspection_endpoint": endpoints.INTROSPECTION,
    "revocation_endpoint": endpoints.REVOCATION,
    "end_session_endpoint": endpoints.END_SESSION,
    "global_token_revocation_endpoint": endpoints.GLOBAL_REVOCATION,
}


def build_document(
    issuer: str,
    *,
    algorithms: Iterable[str],
    ui_locales: Iterable[str] = (),
    scopes: Iterable[str] = (),
    claims: Iterable[str] = (),
    registers: bool = False,
) -> dict[str, Any]:
    """Return the metadata of `issuer`, the same for OpenID Connect and for OAuth.

    `algorithms` are those the key ring can sign ID tokens with, `ui_locales` the languages of the
    pages, `scopes` and `claims` further ones to list (those of API resources and applications).
    `registers` says that people may make an account for themselves.
    """
    document: dict[str, Any] = {
        "issuer": issuer,
        **{name: endpoints.absolute(issuer, path) for name, path in _ENDPOINTS.items()},
        **_authorization(registers=registers),
        **_authentication(),
        "grant_types_supported": list(GRANT_TYPES),
        "scopes_supported": list(dict.fromkeys((*OIDC_SCOPES, *scopes))),
        "id_token_signing_alg_values_supported": list(algorithms),
        "ui_locales_supported": list(ui_locales),
        **_claims(claims),
    }
    for feature in FEATURES:
        document.update(feature.discovery(issuer))
    return document


def _authorization(*, registers: bool) -> dict[str, Any]:
    return {
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "prompt_values_supported": list(prompt_values(registers=registers)),
        "display_values_supported": list(DISPLAY_VALUES),
        "acr_values_supported": list(ACR_VALUES),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _authentication() -> dict[str, Any]:
    confidential = list(METHODS)
    return {
        "token_endpoint_auth_methods_supported": [*confidential, "none"],
        "revocation_endpoint_auth_methods_supported": [*confidential, "none"],
        # RFC 7662 §2.1: introspection asks for a client that proves who it is.
        "introspection_endpoint_auth_methods_supported": confidential,
        # draft-parecki-oauth-global-token-revocation §5: a signed JWT (RFC 7523).
        "global_token_revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
    }


def _claims(further: Iterable[str]) -> dict[str, Any]:
    standard = (claim.name for claim in STANDARD_CLAIMS)
    return {
        "subject_types_supported": ["public"],
        # What is too large for a token goes by reference (Core §5.6.2).
        "claim_types_supported": ["normal", "distributed"],
        "claims_supported": list(dict.fromkeys((*TOKEN_CLAIMS, *ROLE_CLAIMS, *standard, *further))),
    }
