"""Endpoint paths, once, relative to the issuer."""

from __future__ import annotations

AUTHORIZATION = "/auth"
AUTHORIZATION_RESUME = "/auth/{uid}"
TOKEN = "/token"
USERINFO = "/me"
JWKS = "/jwks"
INTROSPECTION = "/token/introspection"
REVOCATION = "/token/revocation"
GLOBAL_REVOCATION = "/global-token-revocation"
PUSHED_AUTHORIZATION = "/request"
END_SESSION = "/session/end"
END_SESSION_CONFIRM = "/session/end/confirm"
END_SESSION_SUCCESS = "/session/end/success"
FEDERATION_CALLBACK = "/federation/{connection}/callback"
"""Where other providers send people back to: one for each connection (RFC 9700 §4.4.2)."""
OPENID_CONFIGURATION = "/.well-known/openid-configuration"
OAUTH_METADATA = "/.well-known/oauth-authorization-server"

WELL_KNOWN_PREFIX = "/.well-known/oauth-authorization-server"
"""RFC 8414 §3.1 puts the well-known part before the issuer's path: prefix + `/{slug}`."""

FORGOT_PASSWORD = "/auth/forgot-password"
MAGIC_LINK = "/auth/magic-link/{token}"
RESET_PASSWORD = "/auth/reset-password/{token}"
REGISTRATION = "/auth/register"
REGISTRATION_LINK = "/auth/register/{token}"
EMAIL_CHANGE = "/auth/email-change/{token}"
EMAIL_CHANGE_REFUSAL = "/auth/refuse-email-change/{token}"
ACCEPT_INVITATION = "/auth/accept-invite/{token}"
SETUP = "/auth/setup/{token}"
SETUP_CALLBACK = "/auth/setup/{token}/callback"

ACCOUNT = "/account"
"""The pages of one's own account."""
ACCOUNT_SECTION = "/account/{section}"

ADMIN_API = "/api/admin"
"""Below no issuer, but of the installation."""


def account_page(section: str | None) -> str:
    """Return the endpoint of a section of one's own account; of its first page for None."""
    return ACCOUNT if section is None else ACCOUNT_SECTION.format(section=section)


def absolute(issuer: str, endpoint: str, **parts: str) -> str:
    """Return the URL of `endpoint` at `issuer`; `parts` fill its placeholders."""
    return issuer + endpoint.format_map(parts)
