"""Own factors: a person chooses, replaces and takes away what they sign in by, at their account.

Everything here runs in a transaction that holds the person (`account_visits.hold`): of two requests
that take away what is left, the second one sees what the first one did. Whoever has shown lately
that it is them comes here, and nobody else (decisions/0043, 0050).
"""

from __future__ import annotations

from dataclasses import dataclass

from porta.audit import events
from porta.audit.actors import Actor
from porta.authn import authenticator_notice
from porta.emails import notices
from porta.errors import Invalid
from porta.protocol import endpoints
from porta.protocol.requests import own_factors
from porta.runtime import Runtime
from porta.security.encryption import Encrypted
from porta.tenants.tenant import Tenant
from storage.models.organizations import Organization
from storage.models.passkeys import Passkey
from storage.models.sign_ins import SecondFactors
from storage.models.users import UserProfile
from storage.router import Storage

_SET_UP = {
    "totp": "2fa.setup.totp.complete",
    "email": "2fa.setup.email.complete",
    "passkey": "2fa.setup.passkey.complete",
}
UNVERIFIED, NO_PASSKEY, NOT_HERE = "unverified", "no_passkey", "not_here"


class NotYours(Invalid):
    """What cannot be done to one's own factors; `reason` says why, for a text of the page."""

    def __init__(self, reason: str) -> None:
        super().__init__("this cannot be done to this factor", reason=reason)
        self.why = reason


@dataclass(frozen=True, slots=True)
class Own:
    """A person at their account, held until the transaction ends."""

    runtime: Runtime
    tenant: Tenant
    user: UserProfile
    actor: Actor
    url: str
    """The page of their account, for the mail that tells what has changed."""

    @property
    def key(self) -> tuple[str, str]:
        return self.user.id, self.tenant.id


async def choose(
    tx: Storage,
    own: Own,
    method: str,
    hashes: tuple[str, ...],
    secret: tuple[Encrypted, int] | None = None,
) -> bool:
    """Have `method` (`totp` with its `secret` and the step that it was shown in, `email`, or
    `passkey`) be what is asked for beside the first factor, in the place of another; tell whether
    the recovery codes of these `hashes` were kept, since there were none.

    Raises NotYours.
    """
    organization, held = await _find(tx, own)
    _check_choice(organization, own, held, method)
    factors = tx.second_factors
    await factors.choose(*own.key, method)
    if secret is not None:
        await factors.set_totp(*own.key, *secret)
    elif method != "totp":
        await factors.remove_totp(*own.key)
    needs_codes = held.recovery_codes == 0 or not own.user.two_factor_enabled
    if needs_codes:
        await factors.replace_recovery_codes(*own.key, hashes)
    await _record(tx, own, _SET_UP[method])
    if method == "passkey":
        await _tell(tx, own, "passkey_asked")  # it was told of when it was added
    else:
        await authenticator_notice.queue(tx, own.runtime, own.tenant, own.user, method)
    if own.user.two_factor_enabled:
        await tx.trusted_devices.remove_all(*own.key)
    return needs_codes


def _check_choice(organization: Organization, own: Own, held: SecondFactors, method: str) -> None:
    if method not in own_factors.choices(organization):
        raise NotYours(NOT_HERE)
    if method == "email" and not (own.user.email_verified and own.runtime.post.is_sent):
        raise NotYours(UNVERIFIED)
    if method == "passkey" and not held.passkeys:
        raise NotYours(NO_PASSKEY)


async def turn_off(tx: Storage, own: Own) -> None:
    """Take away the second factor that was chosen: a passkey is asked for then, where there is one
    beside it, else nothing. Raises NotYours where a policy demands one.
    """
    organization, held = await _find(tx, own)
    if not own.user.two_factor_enabled:
        return
    if problem := own_factors.find_problem_off(organization, own.user, held):
        raise NotYours(problem)
    left = own_factors.without_chosen(held)
    await _take_chosen(tx, own, left)
    await _record(tx, own, "2fa.disabled", method=held.method or "", left=left or "")
    await _tell(tx, own, "second_factor_off" if left is None else "second_factor_passkey")


async def _take_chosen(tx: Storage, own: Own, left: str | None) -> None:
    await tx.second_factors.remove_totp(*own.key)
    await tx.trusted_devices.remove_all(*own.key)
    if left is not None:
        await tx.second_factors.choose(*own.key, left)
    else:
        await tx.second_factors.turn_off(*own.key)


async def renew_codes(tx: Storage, own: Own, hashes: tuple[str, ...]) -> bool:
    """Keep recovery codes of these `hashes`, and none of those before; False where there is no
    second factor that they could stand in for.
    """
    if not own.user.two_factor_enabled:
        return False
    await tx.second_factors.replace_recovery_codes(*own.key, hashes)
    await _record(tx, own, "2fa.recovery.regenerated", codes=len(hashes))
    await _tell(tx, own, "recovery_codes_new")
    return True


async def rename_passkey(tx: Storage, own: Own, passkey_id: str, name: str) -> bool:
    """Call a passkey `name`; False where they have no such passkey."""
    found = await _find_passkey(tx, own, passkey_id)
    if found is None:
        return False
    if found.name != name:
        await tx.passkeys.rename(found.id, own.tenant.id, name)
        await _record(tx, own, "user.passkey.renamed", passkey_id=found.id)
    return True


async def remove_passkey(tx: Storage, own: Own, passkey_id: str) -> bool:
    """Take a passkey away, and with the last one the second factor that it was; False where they
    have no such passkey. Raises NotYours where a policy demands it, or nobody would get in.
    """
    found = await _find_passkey(tx, own, passkey_id)
    if found is None:
        return False
    organization, held = await _find(tx, own)
    problem = own_factors.find_problem_passkey(
        organization, own.user, held, other_ways=await _has_other_ways(tx, own, organization)
    )
    if problem is not None:
        raise NotYours(problem)
    await tx.passkeys.remove(found.id, own.tenant.id)
    await tx.trusted_devices.remove_all(*own.key)
    if held.passkeys == 1 and held.method == "passkey":
        await tx.second_factors.turn_off(*own.key)
    await _record(tx, own, "user.passkey.removed", passkey_id=found.id)
    await _tell(tx, own, "passkey_removed", passkey=found.name)
    return True


async def tell_few_codes(
    tx: Storage, runtime: Runtime, tenant: Tenant, user: UserProfile, left: int
) -> None:
    """Tell a person how few recovery codes are left, after one was used."""
    url = endpoints.absolute(tenant.issuer, endpoints.account_page("security"))
    await notices.tell_change(
        tx, runtime.post, tenant.organization, user, "recovery_codes_few", url, left=str(left)
    )


async def _has_other_ways(tx: Storage, own: Own, organization: Organization) -> bool:
    """Whether the person can say who they are without a passkey."""
    methods = organization.default_login_methods
    by_mail = own.runtime.post.is_sent
    if "password" in methods and (own.user.password_hash is not None or by_mail):
        return True
    if "magic_link" in methods and by_mail:
        return True
    return bool(await tx.identities.of_user(*own.key))


async def _find(tx: Storage, own: Own) -> tuple[Organization, SecondFactors]:
    """Return the organization and the factors as they are now, not as a copy has them."""
    organization = await tx.organizations.find_by_id(own.tenant.id)
    held = await tx.second_factors.find(*own.key)
    return organization or own.tenant.organization, held or SecondFactors()


async def _find_passkey(tx: Storage, own: Own, passkey_id: str) -> Passkey | None:
    held = await tx.passkeys.list(*own.key)
    return next((each for each in held if each.id == passkey_id), None)


async def _record(tx: Storage, own: Own, kind: str, **told: str | int) -> None:
    await events.record(
        tx, kind, organization_id=own.tenant.id, user_id=own.user.id, metadata=told, actor=own.actor
    )


async def _tell(tx: Storage, own: Own, what: str, **told: str) -> None:
    post, organization = own.runtime.post, own.tenant.organization
    await notices.tell_change(tx, post, organization, own.user, what, own.url, **told)
