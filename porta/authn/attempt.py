"""Attempt at a factor: counted before it is judged, asked for, and a proof once it was right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from porta.authn import AUTHENTICATORS
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed, Shown
from porta.browser import open_interactions
from porta.errors import Unavailable
from porta.limits import rate_limits
from porta.limits.rate_limits import Guesses, Throttled
from storage.models.sign_ins import Proof, SignIn
from storage.models.users import User


async def count(evidence: Evidence, guesses: Guesses, event: str) -> LoginFailed | None:
    """Count an attempt, and raise LoginFailed when it is one too many.

    The last one of a pair is too many unless it is right: what to raise if it is not is returned.
    """
    try:
        await guesses.count(evidence.runtime)
    except Throttled as throttled:
        if throttled.first:
            await record(evidence, event)
        refusal = _refusal("errors.rate_limit_exceeded", 429, throttled.retry_after)
        if not throttled.last:
            raise refusal from None
        return refusal
    return None


async def check_asked(evidence: Evidence, method: str, asked: tuple[str, ...]) -> None:
    """Raise LoginFailed for a method that nobody asked for here."""
    if method not in asked:
        told = method if method in AUTHENTICATORS else "unknown"
        await record(evidence, "security.login_method_disabled", method=told)
        raise _refusal("errors.login_method_disabled", 403)


async def judge(
    authenticator: Authenticator, evidence: Evidence, guesses: Guesses, refusal: LoginFailed | None
) -> User:
    """Return whose proof it is; raises `refusal`, or LoginFailed. What nobody can judge is taken
    back.
    """
    try:
        user = await authenticator.verify(replace(evidence, counts=refusal is None))
    except LoginFailed as failure:
        raise refusal or failure from None
    except Unavailable:
        if refusal is None:
            await guesses.decrement(evidence.runtime)
        raise
    await guesses.reset(evidence.runtime)
    return user


async def begin(evidence: Evidence, method: str) -> None:
    """Do what a method begins with, where it does, and not too often. Raises LoginFailed."""
    start, user = AUTHENTICATORS[method].begin, evidence.user
    if start is not None and user is not None:
        guesses = rate_limits.of_mailed_code(evidence.tenant, user.id)
        await count(evidence, guesses, "rate_limit.2fa_resend")
        await start(evidence)


def proved(sign_in: SignIn, evidence: Evidence, user: User, method: str) -> SignIn:
    """Return the sign-in with one more proof: that `user` showed `method` just now."""
    authenticator, now = AUTHENTICATORS[method], int(evidence.runtime.clock())
    shown = Shown(authenticator.amr, verified=False)
    if authenticator.tell is not None:
        shown = authenticator.tell(evidence)
    proof = Proof(
        method=method, kind=authenticator.kind.value, amr=shown.amr, at=now,
        verified=shown.verified,
    )  # fmt: skip
    proofs = (*sign_in.proofs, proof)
    return msgspec.structs.replace(sign_in, account_id=user.id, proofs=proofs, enrolling=None)


async def record(evidence: Evidence, kind: str, **metadata: Any) -> None:
    """Leave an event of an attempt in the audit trail, with the person where they are known."""
    user_id = evidence.user.id if evidence.user is not None else None
    told = {name: value for name, value in metadata.items() if value is not None}
    await open_interactions.record(
        evidence.runtime, evidence.opened, kind, evidence.origin, user_id=user_id, **told
    )


def _refusal(message: str, status: int, retry_after: int | None = None) -> LoginFailed:
    refusal = LoginFailed(message, retry_after=retry_after)
    refusal.status = status
    return refusal
