"""A model of what is missing of a sign-in, as decisions 0033, 0042, 0046, 0050 and 0057 say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.handlers.interactions.sign_ins.people import (
    PASSKEY,
    RECOVERY,
    SESSION,
    Asked,
    Guest,
    HalfWay,
    Person,
    Remembered,
    Session,
    Setting,
    Shown,
    Tab,
    reaches,
    worth,
)

_LINKING = 600
"""Seconds for which who was at another provider waits for an account."""


class Missing(NamedTuple):
    """What is asked for next: `second`, `enrol`, `offer` or `nothing`; and by which ways."""

    what: str
    by: tuple[str, ...] = ()


NOTHING = Missing("nothing")
ENROLLED = ("app", "mail")
"""What somebody can set up here (a passkey is made elsewhere)."""


@dataclass
class Policy:
    """One browser at one organization: what it wants of whom."""

    setting: Setting
    session: Session | None = None
    kept: Remembered = field(default_factory=Remembered)

    def missing(self, asked: Asked, half: HalfWay) -> Missing:
        """Return what somebody who is half-way has still to show, set up, or put off."""
        step = self._by_policy(half)
        more = self._more(half)
        if step is NOTHING and more and not reaches(worth(half.proofs).acr, asked.acr):
            return Missing("second", more)
        return step

    def _by_policy(self, half: HalfWay) -> Missing:
        person, policy = half.person, self.setting.policy
        if any(proof.covers for proof in half.proofs):
            return NOTHING
        ways = self._ways(person)
        if ways:
            is_shown = any(each.by in (*ways, RECOVERY) for each in _beside(half.proofs))
            return NOTHING if is_shown else Missing("second", ways)
        if policy == "required_any":
            return Missing("enrol", ENROLLED)
        encouraged = policy == "encouraged" and not person.has_passkey
        if encouraged and (half.offered or not person.has_put_off):
            return Missing("offer", ENROLLED)
        return NOTHING

    def _ways(self, person: Person) -> tuple[str, ...]:
        """Return what counts as the second factor that is demanded of a person: what they chose, or
        what they have where one is required; and what stands in for it.
        """
        ways = [person.factor] if person.factor else []
        if person.has_passkey and (ways or self.setting.policy == "required_any"):
            ways.append(PASSKEY)
        if ways and person.codes:
            ways.append(RECOVERY)
        return tuple(dict.fromkeys(ways))

    def _more(self, half: HalfWay) -> tuple[str, ...]:
        """Return what a person has that reaches more than what they have shown."""
        first, *beside = half.proofs
        has = self._ways(half.person) or ((PASSKEY,) if half.person.has_passkey else ())
        if any(proof.by in has for proof in beside):
            return ()
        if first.kind == "possession":
            return tuple(way for way in has if way == PASSKEY != first.by)
        return has

    def stands_in(self, tab: Tab, half: HalfWay) -> bool:
        """Whether this browser stands for what is missing: it is trusted by this very person, and
        the client wants nothing to be sure of.
        """
        asked, sure = tab.asked, {"login", "max_age", "acr", "step_up"}
        return (
            self.setting.trusts_devices
            and half.person.id in self.kept.devices
            and self.missing(asked, half).what == "second"
            and not sure.intersection((*asked.prompts(), *tab.reasons))
            and (reaches(worth(half.proofs).acr, asked.acr) or not self._more(half))
        )

    def waiting(self, tab: Tab, now: int) -> Guest | None:
        """Return who was at another provider, and waits for an account."""
        guest = tab.guest
        return guest if guest is not None and now - guest.at < _LINKING else None

    def half_way(self, tab: Tab) -> HalfWay | None:
        """Return who is half-way at a tab, as long as that is worth something."""
        half, here = tab.half, self.session
        if half is None or tab.prompt != "login":
            return None
        if any(proof.at < half.person.changed_at for proof in half.proofs):
            return None
        if half.proofs[0].by == SESSION and (
            here is None or here.uid != tab.previous or here.proof() != half.proofs[0]
        ):
            return None
        return half

    def asked(self, tab: Tab) -> Missing:
        """Return what whoever is half-way is asked for; nothing where that changed meanwhile from
        what is begun with, to what is there or the other way round."""
        half = self.half_way(tab)
        step = self.missing(tab.asked, half) if half is not None else NOTHING
        begun = half is not None and half.enrolling is not None
        return NOTHING if (step.what, begun) in (("second", True), ("enrol", False)) else step


def _beside(proofs: tuple[Shown, ...]) -> list[Shown]:
    """Return what counts beside what said who it is, unless that took two factors itself."""
    return [proof for at, proof in enumerate(proofs) if at > 0 or proof.verified]
