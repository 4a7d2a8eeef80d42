"""Enrolment: a second factor that a policy demands becomes a person's own, within a sign-in."""

from __future__ import annotations

import msgspec

from porta.audit import events
from porta.authn import AUTHENTICATORS, authenticator_notice
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.password import asker_of
from porta.protocol.requests.sign_in import METHODS
from porta.security import recovery_codes
from storage.models.users import UserProfile
from storage.router import Storage

_NAMES = {method: name for name, method in METHODS.items()}
"""The `two_factor_method` of each authenticator."""
_EVENTS = {
    "totp": "2fa.setup.totp.complete",
    "email": "2fa.setup.email.complete",
    "passkey": "2fa.setup.passkey.complete",
}


async def keep(
    evidence: Evidence, user: UserProfile, method: str
) -> tuple[UserProfile, tuple[str, ...]]:
    """Make the method that was just shown the second factor of a person; return them as they are
    then, and their recovery codes, of which nothing but hashes is kept.

    Who has another one that the policy does not take keeps it, and the codes that they have. Raises
    LoginFailed where they have one by now, Unavailable where there is no room to hash.
    """
    tenant, runtime = evidence.tenant, evidence.runtime
    if user.two_factor_enabled:
        await _add(evidence, user, method)
        return user, ()
    codes, asker = recovery_codes.new_codes(), asker_of(tenant, evidence.origin)
    hashed = map(recovery_codes.to_hashed, codes)
    hashes = [await runtime.passwords.hash(code, asker) for code in hashed]
    name, kept = _NAMES[method], AUTHENTICATORS[method].keep
    async with runtime.storage.transaction() as tx:
        if not await tx.second_factors.enrol(user.id, tenant.id, name, hashes):
            raise LoginFailed("two_factor.error_enrolled", reason="enrolled_elsewhere")
        if kept is not None and evidence.enrolling is not None:
            await kept(tx, evidence)
        await _record(tx, evidence, user, name)
    return msgspec.structs.replace(user, two_factor_enabled=True, two_factor_method=name), codes


async def _add(evidence: Evidence, user: UserProfile, method: str) -> None:
    """Keep one more second factor of a person."""
    kept = AUTHENTICATORS[method].keep
    assert kept is not None, "nothing is enrolled beside another that is not kept by itself"
    async with evidence.runtime.storage.transaction() as tx:
        await kept(tx, evidence)
        await _record(tx, evidence, user, _NAMES[method])


async def _record(tx: Storage, evidence: Evidence, user: UserProfile, name: str) -> None:
    """Leave an event, and tell the person: whoever has their password could have done it."""
    tenant = evidence.tenant
    await events.record(
        tx, _EVENTS[name], organization_id=tenant.id, user_id=user.id, origin=evidence.origin
    )  # fmt: skip
    await authenticator_notice.queue(tx, evidence.runtime, tenant, user, name)
