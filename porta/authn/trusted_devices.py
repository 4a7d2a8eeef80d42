"""Trusted device: where a second factor was shown, and is not asked for again for a time.

It stands for what a policy demands, and for nothing else: it is no proof, and no token tells of it
(decisions/0050).
"""

from __future__ import annotations

from porta.audit import events
from porta.authn.authenticator import Evidence
from porta.protocol.requests.sign_in import RECOVERY_CODE, Ask, Step, trusted_days
from porta.protocol.tokens.authentication import SESSION
from porta.security import trusted_devices
from porta.tenants.tenant import Tenant
from storage.models.sign_ins import SignIn
from storage.models.trusted_devices import NewTrustedDevice, TrustedDevice
from storage.models.users import User
from storage.router import Storage

FIELD = "trust_device"
"""The field of a form by which a person says that they are not to be asked here again."""
_LONGEST_AGENT = 256


class DeviceForgotten(Exception):
    """A device that was good, and is no longer: whoever is at it is asked after all."""


async def find(
    evidence: Evidence, user: User, step: Step, cookie: str | None
) -> TrustedDevice | None:
    """Return the device that stands for the second factor of a step; None where it is to be shown.

    Nothing is read where an organization trusts no devices, or the browser brings none of this
    person.
    """
    tenant, runtime = evidence.tenant, evidence.runtime
    if not (isinstance(step, Ask) and step.second and trusted_days(tenant.organization)):
        return None
    if not evidence.opened.takes_trusted_device:
        return None
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    digest = trusted_devices.find(keys, cookie, tenant.id, user.id, now)
    if digest is None:
        return None
    return await runtime.storage.trusted_devices.find(user.id, tenant.id, digest)


async def use(tx: Storage, evidence: Evidence, user: User, device: TrustedDevice) -> None:
    """Hold the device while its owner is signed in. Raises DeviceForgotten where it was taken away
    meanwhile.
    """
    if not await tx.trusted_devices.use(device.id, user.id, evidence.tenant.id):
        raise DeviceForgotten
    await _record(tx, evidence, user, "2fa.device.used", device.id)


def may_trust(tenant: Tenant, sign_in: SignIn, method: str) -> bool:
    """Whether a device may be trusted where `method` is shown as a second factor: not for a code
    that was written down, which is good once.
    """
    if sign_in.enrolling is not None or method == RECOVERY_CODE:
        return False
    beside_session = bool(sign_in.proofs) and sign_in.proofs[0].method == SESSION
    return not beside_session and trusted_days(tenant.organization) > 0


async def keep(tx: Storage, evidence: Evidence, user: User, cookie: str | None) -> str | None:
    """Trust this browser, in the transaction that signs its owner in; return its new cookie, or
    None where no devices are trusted any more.
    """
    tenant, runtime, origin = evidence.tenant, evidence.runtime, evidence.origin
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    before = trusted_devices.find(keys, cookie, tenant.id, user.id, now)
    days = trusted_days(tenant.organization)
    value, digest = trusted_devices.keep(keys, cookie, tenant.id, user.id, now, days)
    new = NewTrustedDevice(
        digest=digest,
        user_agent=origin.user_agent[:_LONGEST_AGENT] or None,
        ip_address=origin.address,
        in_place_of=before,
    )
    id = await tx.trusted_devices.add(user.id, tenant.id, new)
    if id is None:
        return None
    await _record(tx, evidence, user, "2fa.device.trusted", id)
    return value


async def _record(tx: Storage, evidence: Evidence, user: User, kind: str, device_id: str) -> None:
    await events.record(
        tx, kind, organization_id=evidence.tenant.id, user_id=user.id, origin=evidence.origin,
        metadata={"device_id": device_id, "client_id": evidence.opened.client.client_id},
    )  # fmt: skip
