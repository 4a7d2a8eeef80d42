"""Recovery code: one of those that a person wrote down, once (look-up secret, NIST SP 800-63B)."""

from __future__ import annotations

import re

from porta.authn.authenticator import Authenticator, Evidence, LoginFailed
from porta.authn.password import asker_of
from porta.protocol.tokens.authentication import Kind
from storage.models.users import User

MOST = 20
"""Codes that an attempt is compared with. Porta 1.x made ten at a time, and twenty by mistake."""
_BETWEEN = re.compile(r"[\s-]+")
_CODE = re.compile(r"[A-Z2-9]{8}")


async def _verify(evidence: Evidence) -> User:
    user, runtime = evidence.user, evidence.runtime
    assert user is not None, "asked for once it is known who it is"
    code = to_code(evidence.form.get("code") or "")
    if code is None:
        raise LoginFailed("two_factor.error_recovery_code", reason="wrong_code")
    factors, asker = runtime.storage.second_factors, asker_of(evidence.tenant, evidence.origin)
    for id, stored in await factors.list_recovery_codes(user.id, user.organization_id, MOST):
        verdict = await runtime.passwords.verify(stored, code, asker)
        if verdict.ok and await factors.use_recovery_code(id, user.organization_id):
            return user
    raise LoginFailed("two_factor.error_recovery_code", reason="wrong_code")


def to_code(typed: str) -> str | None:
    """Return a code as it was hashed: in capitals, without what stands between its halves."""
    code = _BETWEEN.sub("", typed).upper()
    return code if _CODE.fullmatch(code) else None


AUTHENTICATOR = Authenticator(
    name="recovery_code",
    kind=Kind.POSSESSION,
    amr=("otp",),
    verify=_verify,
    event="2fa.recovery.used",
)
