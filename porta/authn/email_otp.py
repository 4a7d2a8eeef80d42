"""E-mail code: six digits, mailed to a person for one interaction, good once (out-of-band)."""

from __future__ import annotations

import re
import secrets

from porta.audit import events
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.emails.message import Letter
from porta.protocol.tokens.authentication import Kind
from porta.security import opaque
from storage.models.sign_ins import Enrolment
from storage.models.users import User

TTL = 600
"""Seconds for which a code is good (G.2)."""
_SIX_DIGITS = re.compile(r"[0-9]{6}")


async def _begin(evidence: Evidence) -> None:
    """Mail a code. What was mailed before, for this interaction, stays good until it ends."""
    user, runtime, tenant = evidence.user, evidence.runtime, evidence.tenant
    assert user is not None, "asked for once it is known who it is"
    code = f"{secrets.randbelow(1_000_000):06}"
    letter = _write(evidence, user, code)
    async with runtime.storage.transaction() as tx:
        await tx.second_factors.add_mailed_code(
            user.id, tenant.id, _digests(evidence, user, code)[0], TTL
        )
        await runtime.post.queue(
            tx, "otp_code", letter, to=user.email, organization_id=tenant.id, lifetime=TTL,
            user_id=user.id,
        )  # fmt: skip
        await events.record(
            tx, "2fa.otp.sent", organization_id=tenant.id, user_id=user.id, origin=evidence.origin
        )


async def _verify(evidence: Evidence) -> User:
    user, code = evidence.user, (evidence.form.get("code") or "").replace(" ", "")
    assert user is not None, "asked for once it is known who it is"
    if _SIX_DIGITS.fullmatch(code) is None:
        raise LoginFailed("two_factor.error_mailed_code", reason="wrong_code")
    digests = _digests(evidence, user, code)
    factors = evidence.runtime.storage.second_factors
    if not await factors.use_mailed_code(user.id, evidence.tenant.id, digests):
        raise LoginFailed("two_factor.error_mailed_code", reason="wrong_code")
    return user


def _digests(evidence: Evidence, user: User, code: str) -> list[str]:
    """Return what is stored of a code, under each of our keys: who reads the table could try out a
    million of them otherwise. It is bound to the interaction, and so to its browser.
    """
    text = f"{evidence.opened.interaction.id}\n{user.id}\n{code}"
    keys = evidence.runtime.settings.cookie_keys
    return [opaque.sign_value((key,), "e-mail code", text) for key in keys]


def _write(evidence: Evidence, user: User, code: str) -> Letter:
    return evidence.runtime.post.emails.write(
        "otp_code", evidence.opened.look, user.locale,
        code=code, minutes=TTL // 60, name=user.given_name,
    )  # fmt: skip


AUTHENTICATOR = Authenticator(
    name="email_otp",
    kind=Kind.POSSESSION,
    amr=("otp",),
    verify=_verify,
    event="2fa.verify.success",
    is_ready=lambda settings: settings.smtp_host is not None,
    begin=_begin,
    offer=lambda evidence: Enrolment(method="email_otp"),
)
