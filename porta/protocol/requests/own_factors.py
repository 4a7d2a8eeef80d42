"""Own factors: what a person may set up, and take away, of their second factors and passkeys."""

from __future__ import annotations

import msgspec

from porta.protocol.requests.sign_in import METHODS, required
from storage.models.organizations import Organization
from storage.models.sign_ins import SecondFactors
from storage.models.users import User

_ALLOWED = {
    "required_totp": ("totp",),
    "required_email": ("email",),
    "required_passkey": ("passkey",),
}
"""The second factors that may be chosen, where a policy wants one by its name."""
_ALL = ("totp", "email", "passkey")
FEW = 3
"""Recovery codes, of which there are few: their owner is told to make new ones."""
TO_SET_UP = "to_set_up"
POLICY, LAST_WAY = "policy", "last_way"
"""Why something may not be taken away: what is demanded would be gone; nobody would get in."""


def choices(organization: Organization) -> tuple[str, ...]:
    """Return the second factors (`two_factor_method`) that people may choose here."""
    return _ALLOWED.get(organization.two_factor_policy, _ALL)


def asked(organization: Organization, user: User, held: SecondFactors) -> str | None:
    """Return the second factor (`two_factor_method`) that is asked for first when the person signs
    in, whatever they chose; `TO_SET_UP` where one has to be set up then, None for none.
    """
    demanded = required(organization, (), user, held)
    for method, authenticator in METHODS.items():
        if demanded.second[:1] == (authenticator,):
            return method
    if demanded.second:
        return (
            held.method or "totp"
        )  # it is gone, or was never set up: a recovery code stands in for it
    return TO_SET_UP if demanded.enrol else None


def without_chosen(held: SecondFactors) -> str | None:
    """Return the second factor that is asked for once the chosen one is not: a passkey, where there
    is one and it was not that; None for none.
    """
    return "passkey" if held.passkeys > 0 and held.method != "passkey" else None


def find_problem_off(organization: Organization, user: User, held: SecondFactors) -> str | None:
    """Return why the chosen second factor may not be taken away, if so."""
    left = without_chosen(held)
    after = msgspec.structs.replace(held, method=left, has_totp=False)
    return None if _meets(organization, user, after, enabled=left is not None) else POLICY


def find_problem_passkey(
    organization: Organization, user: User, held: SecondFactors, *, other_ways: bool
) -> str | None:
    """Return why a passkey may not be taken away, if so. `other_ways` tells whether its owner can
    say who they are without one.
    """
    last = held.passkeys == 1
    if last and not other_ways:
        return LAST_WAY
    off = last and held.method == "passkey"
    method = None if off else held.method
    after = msgspec.structs.replace(held, passkeys=held.passkeys - 1, method=method)
    enabled = user.two_factor_enabled and not off
    return None if _meets(organization, user, after, enabled=enabled) else POLICY


def _meets(organization: Organization, user: User, held: SecondFactors, *, enabled: bool) -> bool:
    """Whether a person who has these would be let in, and not have to set up another first."""
    person = msgspec.structs.replace(user, two_factor_enabled=enabled)
    return not required(organization, (), person, held).enrol
