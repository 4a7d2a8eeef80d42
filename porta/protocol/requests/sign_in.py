"""Sign-in steps: what is demanded of a person, and what comes next (Core §3.1.2.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from porta.protocol.tokens.authentication import SESSION, Kind, context_of, met_acr
from storage.models.organizations import Organization
from storage.models.sign_ins import SecondFactors, SignIn
from storage.models.users import User

FEDERATION = "federation"
"""What every client takes, of the connections that its organization has."""
RECOVERY_CODE = "recovery_code"
PASSKEY = "passkey"
NOTHING_LEFT = "nothing_left"
"""Stands for the second factor of whoever chose one, and can show none: nobody is let in by it."""
METHODS = {"totp": "totp", "email": "email_otp", PASSKEY: PASSKEY}
"""The authenticator of each `two_factor_method`."""
_ENROLLED = {
    "required_totp": ("totp",),
    "required_email": ("email_otp",),
    "required_passkey": (PASSKEY,),
    "required_any": ("totp", "email_otp", PASSKEY),
}
"""What a person has to enrol, by the `two_factor_policy` of their organization."""
_ENCOURAGED = "encouraged"
"""The policy under which it is offered, and may be put off."""
PUT_OFF_DAYS = 14
"""For how long nobody is offered again what they have put off."""
_EACH_TIME = frozenset({"required_passkey"})
"""Policies that want their method at each sign-in: a passkey is but one gesture."""
_OTHERS_ALONE = frozenset({"required_totp", "required_email"})
"""Policies that want another method, by its name: no passkey stands in for it."""


@dataclass(frozen=True, slots=True)
class Required:
    """What has to be shown before somebody is signed in: one of each that is not empty."""

    first: tuple[str, ...]
    second: tuple[str, ...] = ()
    """The method that the person chose first; what stands in for it after that."""
    enrol: tuple[str, ...] = ()
    """What may be enrolled by whoever has no second factor, where one is demanded."""
    acr: tuple[object, ...] = ()
    """The authentication contexts of which a client demands one."""
    more: tuple[str, ...] = ()
    """What the person has that may lead to one of these."""
    offer: tuple[str, ...] = ()
    """What may be enrolled by whoever has no second factor, and is encouraged to have one."""
    put_off: bool = False
    """Whether they have said lately that they would rather not."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Have one of these methods shown."""

    methods: tuple[str, ...]
    second: bool = False
    """Whether it is known who it is, by another factor."""


@dataclass(frozen=True, slots=True)
class Enrol:
    """Have one of these methods enrolled, and shown."""

    methods: tuple[str, ...]
    optional: bool = False
    """Whether they may put it off, and go on without."""


@dataclass(frozen=True, slots=True)
class Done:
    """Everything was shown: this alone opens a session."""


Step = Ask | Enrol | Done


def required(
    organization: Organization,
    methods: tuple[str, ...],
    user: User | None = None,
    factors: SecondFactors | None = None,
    acr: tuple[object, ...] = (),
) -> Required:
    """Return what is demanded at a client that lets people sign in by `methods`.

    `user` is who it is, once that is known; `factors` what they have enrolled, where they have;
    `acr` the contexts of which the client demands one.
    """
    if user is None:
        return Required(methods, acr=acr)
    held = factors or SecondFactors()
    demanded = _required(organization, methods, user, held)
    passkeys = held.passkeys > 0 and organization.two_factor_policy not in _OTHERS_ALONE
    more = demanded.second or ((PASSKEY,) if passkeys else ())
    return replace(demanded, acr=acr, more=more)


def _required(
    organization: Organization, methods: tuple[str, ...], user: User, held: SecondFactors
) -> Required:
    policy = organization.two_factor_policy
    takes_passkey = held.passkeys > 0 and policy not in _OTHERS_ALONE
    missing = _ENROLLED.get(policy, ())
    if takes_passkey and (
        policy == "required_passkey" or (missing and not user.two_factor_enabled)
    ):
        return Required(methods, second=_with_codes(held, PASSKEY))
    if not user.two_factor_enabled:
        offer = _ENROLLED["required_any"] if policy == _ENCOURAGED and not held.passkeys else ()
        return Required(methods, enrol=missing, offer=offer, put_off=held.put_off)
    chosen = METHODS.get(held.method or "", "totp")
    can = {"totp": held.has_totp, PASSKEY: held.passkeys > 0}
    ways = (chosen,) if can.get(chosen, True) else ()
    second = _with_codes(held, *ways, *((PASSKEY,) if takes_passkey else ()))
    # What they chose was never set up, or is gone: what stands in for it is all there is.
    second = second or (NOTHING_LEFT,)
    return Required(methods, second, enrol=missing if policy == "required_passkey" else ())


def demands_second_factor(policy: str) -> bool:
    """Whether nobody is signed in under this `two_factor_policy` by one factor alone."""
    return policy in _ENROLLED


def trusted_days(organization: Organization) -> int:
    """Return for how many days a device may be trusted; 0 where none is."""
    policy = organization.two_factor_policy
    return 0 if policy in _EACH_TIME else organization.trusted_device_days


def at_trusted_device(demanded: Required) -> Required:
    """Return what is demanded where the person showed a second factor before, and it is remembered:
    none, for the sake of policy. What a client demands is asked for all the same.
    """
    return replace(demanded, second=())


def next_step(sign_in: SignIn, demanded: Required) -> Step:
    """Return what is missing; what was shown and is not demanded counts for nothing.

    Where nothing is, and the client demands more, that is asked for of whoever has it; it is for
    the request to fail where it is not reached.
    """
    step = _next_step(sign_in, demanded)
    if not isinstance(step, Done) or not demanded.acr:
        return step
    more = _more(sign_in, demanded)
    if met_acr(context_of(sign_in.proofs).acr, demanded.acr) is None and more:
        return Ask(more, second=True)
    return step


def _more(sign_in: SignIn, demanded: Required) -> tuple[str, ...]:
    """Return what adds to what was shown: to something that a person has, only what knows its owner
    as well.
    """
    first, *beside = sign_in.proofs
    if any(proof.method in demanded.more for proof in beside):
        return ()
    if first.kind == Kind.POSSESSION.value:
        return tuple(each for each in demanded.more if each == PASSKEY != first.method)
    return demanded.more


def _next_step(sign_in: SignIn, demanded: Required) -> Step:
    shown = {proof.method for proof in sign_in.proofs}
    if sign_in.account_id is None or shown.isdisjoint((*demanded.first, FEDERATION, SESSION)):
        return Ask(demanded.first)
    if any(proof.covers_second for proof in sign_in.proofs):
        return Done()
    # What said who it is counts once, unless it took two factors to show it.
    beside = {proof.method for proof in sign_in.proofs[1:]}
    beside |= {proof.method for proof in sign_in.proofs if proof.verified}
    # A recovery code that was shown may have been the last one: then none is held any more.
    if demanded.second and beside.isdisjoint((*demanded.second, RECOVERY_CODE)):
        return Ask(demanded.second, second=True)
    if demanded.enrol and beside.isdisjoint(demanded.enrol):
        return Enrol(demanded.enrol)
    # What was offered at this very interaction stays open until it is answered there.
    if demanded.offer and (sign_in.offered or not demanded.put_off):
        return Done() if not beside.isdisjoint(demanded.offer) else Enrol(demanded.offer, True)
    return Done()


def _with_codes(held: SecondFactors, *methods: str) -> tuple[str, ...]:
    """Return what a person who has a second factor may show: never nothing, or it would be none."""
    return tuple(dict.fromkeys((*methods, RECOVERY_CODE) if held.recovery_codes else methods))
