"""Authenticators: the ways a person can prove who they are, in one table."""

from __future__ import annotations

from porta.authn import email_otp, federated, magic_link, passkey, password, recovery_code, totp
from porta.authn.authenticator import Authenticator

AUTHENTICATORS: dict[str, Authenticator] = {
    each.name: each
    for each in (
        password.AUTHENTICATOR,
        passkey.AUTHENTICATOR,
        magic_link.AUTHENTICATOR,
        federated.AUTHENTICATOR,
        totp.AUTHENTICATOR,
        email_otp.AUTHENTICATOR,
        recovery_code.AUTHENTICATOR,
    )
}
