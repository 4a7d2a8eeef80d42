"""TOTP: a code of an authenticator app, each time step once (RFC 6238)."""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

import pyotp

from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.config.settings import Settings
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.security import boxes, opaque
from porta.security.encryption import Encrypted, encrypt
from porta.security.totp_secrets import open_secret
from storage.models.sign_ins import Enrolment
from storage.models.users import TotpSecret, User
from storage.router import Storage

_LOG = logging.getLogger(__name__)
_PERIOD = 30  # seconds
_WINDOW = 1
"""Steps before and after the one of our clock (RFC 6238 §5.2)."""
_SETUP, _SETUP_LIFE = "totp setup", 600
"""What the box of a secret is closed for, and for how many seconds it is good."""
_SIX_DIGITS = re.compile(r"[0-9]{6}")


async def _verify(evidence: Evidence) -> User:
    user, runtime = evidence.user, evidence.runtime
    assert user is not None, "asked for once it is known who it is"
    if evidence.enrolling is not None:
        _step_of(evidence, secret_of(evidence.enrolling, runtime.settings) or "")
        return user
    stored = await runtime.storage.second_factors.find_totp(user.id, user.organization_id)
    if stored is None:
        raise LoginFailed("two_factor.error_invalid_code", reason="not_enrolled")
    secret = open_secret(stored, runtime.settings.two_factor_encryption_keys)
    if secret is None:
        _LOG.error("totp.unreadable", extra={"user_id": user.id})
        raise LoginFailed("two_factor.error_unavailable", reason="unreadable")
    step = _step_of(evidence, secret)
    if not await runtime.storage.second_factors.use_totp_step(
        stored.id, user.organization_id, step
    ):
        raise LoginFailed("two_factor.error_used_code", reason="used_code")
    return user


def _step_of(evidence: Evidence, secret: str) -> int:
    step = find_step(secret, evidence.form.get("code") or "", evidence.runtime.clock())
    if step is None:
        raise LoginFailed("two_factor.error_invalid_code", reason="wrong_code")
    return step


def _offer(evidence: Evidence) -> Enrolment:
    key = evidence.runtime.settings.two_factor_encryption_keys[0]
    return Enrolment(method="totp", secret=".".join(encrypt(pyotp.random_base32(), key)))


async def _keep(tx: Storage, evidence: Evidence) -> None:
    enrolling, user, settings = evidence.enrolling, evidence.user, evidence.runtime.settings
    assert enrolling is not None
    assert user is not None
    step = _step_of(evidence, secret_of(enrolling, settings) or "")
    encrypted = Encrypted(*(enrolling.secret or "").split("."))
    await tx.second_factors.set_totp(user.id, user.organization_id, encrypted, step)


class Begun(NamedTuple):
    """A secret that somebody is setting up at their account: in base32, and in a box that travels
    through their browser and opens at the same `place` alone.
    """

    secret: str
    box: str


def begin_at(runtime: Runtime, place: str) -> Begun:
    """Make a secret to be set up at `place`, a person in their session, within minutes."""
    secret, ends = pyotp.random_base32(), int(runtime.clock()) + _SETUP_LIFE
    data = f"{ends}\n{secret}\n{place}".encode()
    return Begun(secret, boxes.close(runtime.settings.cookie_keys, _SETUP, data))


def find_begun(runtime: Runtime, place: str, box: str) -> Begun | None:
    """Return what was begun at this place, while it is good."""
    data = boxes.unlock(runtime.settings.cookie_keys, _SETUP, box)
    if data is None:
        return None
    ends, secret, told = data.decode().split("\n", 2)
    return Begun(secret, box) if told == place and int(ends) > runtime.clock() else None


def confirm(runtime: Runtime, secret: str, code: str) -> tuple[Encrypted, int] | None:
    """Return what is kept of a secret whose code this is, and the step that is used by that."""
    step = find_step(secret, code, runtime.clock())
    if step is None:
        return None
    return encrypt(secret, runtime.settings.two_factor_encryption_keys[0]), step


def secret_of(enrolling: Enrolment, settings: Settings) -> str | None:
    """Return the secret in base32 that somebody is setting up; None where we cannot read it."""
    if enrolling.secret is None:
        return None
    row = TotpSecret("", "", *enrolling.secret.split("."))
    return open_secret(row, settings.two_factor_encryption_keys)


def to_uri(secret: str, account: str, issuer: str) -> str:
    """Return what an authenticator app reads from a QR code (the key URI format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def find_step(secret: str, code: str, now: float) -> int | None:
    """Return the time step whose code it is, of those around `now` (seconds since the epoch).

    Blanks between the digits are passed over, as apps show them; ASCII's are the only digits.
    """
    code = code.replace(" ", "")
    if _SIX_DIGITS.fullmatch(code) is None:
        return None
    try:
        otp, current = pyotp.TOTP(secret, interval=_PERIOD), int(now // _PERIOD)
    except ValueError:  # no base32, or too short to be one (RFC 4226 §4, R6)
        return None
    steps = range(current - _WINDOW, current + _WINDOW + 1)
    found = [step for step in steps if opaque.equal(otp.generate_otp(step), code)]
    return found[-1] if found else None


AUTHENTICATOR = Authenticator(
    name="totp",
    kind=Kind.POSSESSION,
    amr=("otp",),
    verify=_verify,
    event="2fa.verify.success",
    is_ready=lambda settings: bool(settings.two_factor_encryption_keys),
    offer=_offer,
    keep=_keep,
)
