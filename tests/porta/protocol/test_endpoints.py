"""The paths that shipped clients of Porta know by heart."""

from __future__ import annotations

from porta.protocol import endpoints


def test_every_path_once() -> None:
    names = [name for name in vars(endpoints) if name.isupper() and name != "WELL_KNOWN_PREFIX"]
    assert {name: getattr(endpoints, name) for name in names} == {
        "ADMIN_API": "/api/admin",
        "AUTHORIZATION": "/auth",
        "AUTHORIZATION_RESUME": "/auth/{uid}",
        "FEDERATION_CALLBACK": "/federation/{connection}/callback",
        "TOKEN": "/token",
        "USERINFO": "/me",
        "JWKS": "/jwks",
        "INTROSPECTION": "/token/introspection",
        "REVOCATION": "/token/revocation",
        "PUSHED_AUTHORIZATION": "/request",
        "GLOBAL_REVOCATION": "/global-token-revocation",
        "END_SESSION": "/session/end",
        "END_SESSION_CONFIRM": "/session/end/confirm",
        "END_SESSION_SUCCESS": "/session/end/success",
        "OPENID_CONFIGURATION": "/.well-known/openid-configuration",
        "OAUTH_METADATA": "/.well-known/oauth-authorization-server",
        "FORGOT_PASSWORD": "/auth/forgot-password",
        "MAGIC_LINK": "/auth/magic-link/{token}",
        "RESET_PASSWORD": "/auth/reset-password/{token}",
        "REGISTRATION": "/auth/register",
        "REGISTRATION_LINK": "/auth/register/{token}",
        "ACCOUNT": "/account",
        "ACCOUNT_SECTION": "/account/{section}",
        "EMAIL_CHANGE": "/auth/email-change/{token}",
        "EMAIL_CHANGE_REFUSAL": "/auth/refuse-email-change/{token}",
        "ACCEPT_INVITATION": "/auth/accept-invite/{token}",
        "SETUP": "/auth/setup/{token}",
        "SETUP_CALLBACK": "/auth/setup/{token}/callback",
    }


def test_absolute() -> None:
    issuer = "https://id.example/acme"
    assert endpoints.absolute(issuer, endpoints.TOKEN) == "https://id.example/acme/token"
    resume = endpoints.absolute(issuer, endpoints.AUTHORIZATION_RESUME, uid="u1")
    assert resume == "https://id.example/acme/auth/u1"
