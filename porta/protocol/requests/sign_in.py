"""Sign-in steps: what is demanded of a person, and what comes next (Core §3.1.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from storage.models.organizations import Organization
from storage.models.sign_ins import SecondFactors, SignIn
from storage.models.users import User

RECOVERY_CODE = "recovery_code"
METHODS = {"totp": "totp", "email": "email_otp"}
"""The authenticator of each `two_factor_method`."""
_ENROLLED = {
    "required_totp": ("totp",),
    "required_email": ("email_otp",),
    "required_any": ("totp", "email_otp"),
}
"""What a person has to enrol, by the `two_factor_policy` of their organization."""


@dataclass(frozen=True, slots=True)
class Required:
    """What has to be shown before somebody is signed in: one of each that is not empty."""

    first: tuple[str, ...]
    second: tuple[str, ...] = ()
    """The method that the person chose first; what stands in for it after that."""
    enrol: tuple[str, ...] = ()
    """What may be enrolled by whoever has no second factor, where one is demanded."""


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


@dataclass(frozen=True, slots=True)
class Done:
    """Everything was shown: this alone opens a session."""


Step = Ask | Enrol | Done


def required(
    organization: Organization,
    methods: tuple[str, ...],
    user: User | None = None,
    factors: SecondFactors | None = None,
) -> Required:
    """Return what is demanded at a client that lets people sign in by `methods`.

    `user` is who it is, once that is known; `factors` what they have enrolled, where they have.
    """
    if user is None:
        return Required(methods)
    if user.two_factor_enabled:
        return Required(methods, second=_enrolled(factors))
    return Required(methods, enrol=_ENROLLED.get(organization.two_factor_policy, ()))


def next_step(sign_in: SignIn, demanded: Required) -> Step:
    """Return what is missing; what was shown and is not demanded counts for nothing."""
    shown = {proof.method for proof in sign_in.proofs}
    if sign_in.account_id is None or shown.isdisjoint(demanded.first):
        return Ask(demanded.first)
    if demanded.second and shown.isdisjoint(demanded.second):
        return Ask(demanded.second, second=True)
    if demanded.enrol and shown.isdisjoint(demanded.enrol):
        return Enrol(demanded.enrol)
    return Done()


def _enrolled(factors: SecondFactors | None) -> tuple[str, ...]:
    """Return what a person who has a second factor may show: never nothing, or it would be none."""
    held = factors or SecondFactors()
    chosen = METHODS.get(held.method or "", "totp")
    return (chosen, RECOVERY_CODE) if held.recovery_codes else (chosen,)
