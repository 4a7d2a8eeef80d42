"""OpenID Connect Discovery §3, RFC 8414: the whole document."""

from __future__ import annotations

from porta.protocol.discovery import build_document
from tests.factories import ISSUER


def test_the_document() -> None:
    assert build_document(
        ISSUER, algorithms=("ES256", "RS256"), ui_locales=("en", "de"), scopes=("a:read", "openid")
    ) == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/auth",
        "token_endpoint": f"{ISSUER}/token",
        "userinfo_endpoint": f"{ISSUER}/me",
        "jwks_uri": f"{ISSUER}/jwks",
        "introspection_endpoint": f"{ISSUER}/token/introspection",
        "revocation_endpoint": f"{ISSUER}/token/revocation",
        "end_session_endpoint": f"{ISSUER}/session/end",
        "global_token_revocation_endpoint": f"{ISSUER}/global-token-revocation",
        "global_token_revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "pushed_authorization_request_endpoint": f"{ISSUER}/request",
        "require_pushed_authorization_requests": False,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "scopes_supported": [
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
            "a:read",
        ],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "acr_values_supported": [
            "urn:porta:acr:federated",
            "urn:porta:acr:password",
            "urn:porta:acr:possession",
            "urn:porta:acr:mfa",
        ],
        "ui_locales_supported": ["en", "de"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "claim_types_supported": ["normal", "distributed"],
        "claims_supported": [
            "iss",
            "sub",
            "auth_time",
            "acr",
            "amr",
            "sid",
            "roles",
            "permissions",
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
            "email",
            "email_verified",
            "address",
            "phone_number",
            "phone_number_verified",
        ],
    }


def test_applications_F9_claims_of_the_organization_are_told_once() -> None:
    def told(*claims: str) -> list[str]:
        document = build_document(ISSUER, algorithms=("ES256",), claims=claims)
        supported: list[str] = document["claims_supported"]
        return supported

    assert told("department", "groups") == [*told(), "department", "groups"]
    assert told("email", "roles", "sub") == told()


def test_prompt_create_is_told_where_people_register() -> None:
    told = build_document(ISSUER, algorithms=("ES256",), registers=True)
    assert told["prompt_values_supported"][-1] == "create"
