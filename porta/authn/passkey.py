"""Passkey: a key that an authenticator holds, shown for one interaction (WebAuthn Level 3)."""

from __future__ import annotations

from porta.audit import events
from porta.authn import passkey_options
from porta.authn.authenticator import Authenticator, Evidence, LoginFailed, Shown
from porta.authn.passkey_options import Purpose
from porta.protocol.requests.params import Params
from porta.protocol.tokens.authentication import Kind
from porta.runtime import Runtime
from porta.security import opaque, passkeys
from porta.security.passkey_challenges import LIFE
from porta.security.passkeys import Asserted, PasskeyRefused
from porta.tenants.tenant import Tenant
from storage.errors import AlreadyConsumed
from storage.models.artifact import artifact_id
from storage.models.artifacts import ReplayDetection
from storage.models.passkeys import NewPasskey, Passkey
from storage.models.sign_ins import Enrolment
from storage.models.users import User
from storage.router import Storage

FIELD = "credential"
"""The field of a form that holds a PublicKeyCredential as JSON (§5.1)."""
REFUSED, UNKNOWN = "passkey.error_refused", "passkey.error_unknown"
_STALE, _COPIED = "passkey.error_stale", "passkey.error_copied"
_MODELS = {
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
    "dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "iCloud Keychain",
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-40a3-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
}
"""What a new passkey is called, by the model that its authenticator says it is."""


async def _verify(evidence: Evidence) -> User:
    try:
        if evidence.enrolling is not None:
            return await _verify_new(evidence, evidence.enrolling)
        return await _verify_known(evidence)
    except PasskeyRefused as refusal:
        await _record_failure(evidence, "not_verified", detail=str(refusal))
        raise LoginFailed(REFUSED, reason="not_verified") from None
    except LoginFailed as failure:
        await _record_failure(evidence, failure.reason)
        raise


async def _record_failure(evidence: Evidence, reason: str | None, **more: str) -> None:
    """Leave an event of a first factor; of a second one there is one that all of them have."""
    if evidence.user is None:
        await events.record(
            evidence.runtime.storage, "user.login.passkey.failed",
            organization_id=evidence.tenant.id, origin=evidence.origin,
            metadata={
                "client_id": evidence.opened.client.client_id, "reason": reason, **more,
            },
        )  # fmt: skip


async def _verify_known(evidence: Evidence) -> User:
    """Return whose passkey it is; raises LoginFailed, PasskeyRefused."""
    runtime, credential = evidence.runtime, _credential(evidence)
    stored, first = await _find(evidence, credential), evidence.user is None
    purpose = Purpose.FIRST if first else Purpose.SECOND
    challenge = _challenge(evidence, credential, purpose)
    ceremony = passkey_options.ceremony(runtime.settings, challenge)
    told = passkeys.verify_assertion(ceremony, credential, stored.public_key, must_verify=first)
    if told.backup_eligible != stored.backup_eligible:
        raise PasskeyRefused("it is no longer what it was made as")  # §7.2, step 20
    await use_challenge(runtime, evidence.tenant, challenge)
    await _use(evidence, stored, told)
    return evidence.user or await _owner(evidence, stored)


async def _find(evidence: Evidence, credential: str) -> Passkey:
    """Return the passkey that an answer says it is from, where it is of whoever is to show one."""
    presented, user = passkeys.present(credential), evidence.user
    storage, organization_id = evidence.runtime.storage, evidence.tenant.id
    stored = await storage.passkeys.find(organization_id, presented.credential_id)
    if stored is None or stored.removed_at is not None:
        raise LoginFailed(UNKNOWN, reason="unknown" if stored is None else "removed")
    if user is not None and stored.user_id != user.id:
        raise LoginFailed(UNKNOWN, reason="another_person")
    # §7.2, step 6: it says itself whose it is where nobody has said so before.
    handle = presented.handle if user is None else presented.handle or stored.handle
    if not opaque.equal(handle or "", stored.handle):
        raise LoginFailed(UNKNOWN, reason="user_handle")
    return stored


def _challenge(evidence: Evidence, credential: str, purpose: Purpose) -> str:
    """Return the challenge that was answered, where we handed it out for this, just now."""
    challenge = passkeys.challenge_of(credential)
    runtime, opened, user = evidence.runtime, evidence.opened, evidence.user
    if not passkey_options.is_good(runtime, opened, purpose, user, challenge):
        raise LoginFailed(_STALE, reason="challenge")
    return challenge


async def use_challenge(runtime: Runtime, tenant: Tenant, challenge: str) -> None:
    """Take a challenge that was answered rightly: of all who bring it, one does.

    Raises LoginFailed for the others.
    """
    mark = ReplayDetection(
        id=artifact_id(f"passkey challenge {challenge}"), organization_id=tenant.id
    )
    try:
        await runtime.storage.artifacts.save(mark, LIFE)
    except AlreadyConsumed:
        raise LoginFailed(_STALE, reason="challenge_used") from None


async def _use(evidence: Evidence, stored: Passkey, told: Asserted) -> None:
    storage, organization_id = evidence.runtime.storage, evidence.tenant.id
    if await storage.passkeys.use(
        stored.id, organization_id, told.sign_count, backed_up=told.backed_up
    ):
        return
    await events.record(
        storage, "passkey.counter_reused", organization_id=organization_id,
        user_id=stored.user_id, origin=evidence.origin,
        metadata={"passkey_id": stored.id, "known": stored.sign_count, "told": told.sign_count},
    )  # fmt: skip
    raise LoginFailed(_COPIED, reason="counter")


async def _owner(evidence: Evidence, stored: Passkey) -> User:
    """Return the person, who has proven by now to be it: the state of their account is told."""
    users = evidence.runtime.storage.users
    user = await users.find_by_id(stored.user_id, evidence.tenant.id)
    if user is None:
        raise LoginFailed(UNKNOWN, reason="unknown")
    if not user.is_usable:
        raise LoginFailed(f"login.error_account_{user.status}", reason=user.status)
    return user


async def _verify_new(evidence: Evidence, enrolling: Enrolment) -> User:
    user = evidence.user
    assert user is not None, "asked for once it is known who it is"
    challenge = _challenge(evidence, _credential(evidence), Purpose.ENROL)
    read_new(evidence, challenge)
    await use_challenge(evidence.runtime, evidence.tenant, challenge)
    return user


def read_new(evidence: Evidence, challenge: str) -> NewPasskey:
    """Return the credential that an authenticator made for a challenge; raises PasskeyRefused."""
    ceremony = passkey_options.ceremony(evidence.runtime.settings, challenge)
    return passkeys.verify_registration(ceremony, _credential(evidence))


async def _keep(tx: Storage, evidence: Evidence) -> None:
    user = evidence.user
    assert user is not None
    new = read_new(evidence, passkeys.challenge_of(_credential(evidence)))
    if await tx.passkeys.add(user.id, user.organization_id, name_of(new), new) is None:
        raise LoginFailed(REFUSED, reason="too_many_or_twice")


def name_of(new: NewPasskey) -> str:
    """Return what a new passkey is called, until somebody calls it something else."""
    return _MODELS.get(new.aaguid or "", "Passkey")


def _credential(evidence: Evidence) -> str:
    return evidence.form.get(FIELD) or ""


def _tell(evidence: Evidence) -> Shown:
    """What can be copied to other devices is no key of hardware, whatever holds it (RFC 8176)."""
    new = evidence.enrolling is not None
    told = passkeys.read_flags(_credential(evidence), new=new)
    return Shown(("swk" if told.backup_eligible else "hwk", "user"), verified=told.verified)


def _named(form: Params) -> str:
    """Return whose attempts it counts with: those of the passkey that is tried."""
    try:
        return f'"passkey {passkeys.present(form.get(FIELD) or "").credential_id[:64]}"'
    except PasskeyRefused:
        return '"passkey"'


AUTHENTICATOR = Authenticator(
    name="passkey",
    kind=Kind.POSSESSION,
    amr=("user",),
    verify=_verify,
    event="user.login.passkey",
    event_beside="2fa.verify.success",
    is_ready=passkey_options.is_ready,
    offer=lambda evidence: Enrolment(method="passkey"),
    keep=_keep,
    tell=_tell,
    named=_named,
)
