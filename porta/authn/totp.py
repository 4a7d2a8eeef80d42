"""TOTP: a code of an authenticator app, each time step once (RFC 6238)."""

from __future__ import annotations

import logging
import re

import pyotp

from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.protocol.tokens.authentication import Kind
from porta.security import opaque
from porta.security.totp_secrets import open_secret
from storage.models.users import User

_LOG = logging.getLogger(__name__)
_PERIOD = 30  # seconds
_WINDOW = 1
"""Steps before and after the one of our clock (RFC 6238 §5.2)."""
_SIX_DIGITS = re.compile(r"[0-9]{6}")


async def _verify(evidence: Evidence) -> User:
    user, runtime = evidence.user, evidence.runtime
    assert user is not None, "asked for once it is known who it is"
    stored = await runtime.storage.second_factors.find_totp(user.id, user.organization_id)
    if stored is None:
        raise LoginFailed("two_factor.error_invalid_code", reason="not_enrolled")
    secret = open_secret(stored, runtime.settings.two_factor_encryption_keys)
    if secret is None:
        _LOG.error("totp.unreadable", extra={"user_id": user.id})
        raise LoginFailed("two_factor.error_unavailable", reason="unreadable")
    step = find_step(secret, evidence.form.get("code") or "", runtime.clock())
    if step is None:
        raise LoginFailed("two_factor.error_invalid_code", reason="wrong_code")
    if not await runtime.storage.second_factors.use_totp_step(
        stored.id, user.organization_id, step
    ):
        raise LoginFailed("two_factor.error_used_code", reason="used_code")
    return user


def find_step(secret: str, code: str, now: float) -> int | None:
    """Return the time step whose code it is, of those around `now` (seconds since the epoch).

    Blanks between the digits are passed over, as apps show them; ASCII's are the only digits.
    """
    code = code.replace(" ", "")
    if _SIX_DIGITS.fullmatch(code) is None:
        return None
    otp, current = pyotp.TOTP(secret, interval=_PERIOD), int(now // _PERIOD)
    steps = range(current - _WINDOW, current + _WINDOW + 1)
    found = [step for step in steps if opaque.equal(otp.generate_otp(step), code)]
    return found[-1] if found else None


AUTHENTICATOR = Authenticator(
    name="totp",
    kind=Kind.POSSESSION,
    amr=("otp",),
    verify=_verify,
    event="2fa.verify.success",
)
