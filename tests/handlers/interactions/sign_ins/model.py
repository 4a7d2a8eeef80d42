"""A model of sign-ins in one browser: what each thing that a person does makes of them.

It knows no code of ours: what the RFCs and the decisions say. See `policy` and `requests`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from tests.handlers.interactions.sign_ins import people
from tests.handlers.interactions.sign_ins.people import (
    PASSKEY,
    RECOVERY,
    Guest,
    HalfWay,
    Person,
    Session,
    Shown,
    Tab,
    worth,
)
from tests.handlers.interactions.sign_ins.requests import Requests

_secrets = itertools.count(1)


@dataclass
class Model(Requests):
    """One browser at one organization. What a person does returns True where it signs in."""

    # first factors

    def password(self, tab: Tab, person: Person, now: int) -> bool:
        return self._go_on(tab, HalfWay(person, (people.password(now),)), now)

    def passkey(self, tab: Tab, person: Person, now: int) -> bool:
        return self._go_on(tab, HalfWay(person, (people.passkey(now),)), now)

    def ask_for_link(self, tab: Tab, person: Person) -> bool:
        """Have a link mailed: it takes the place of one of before, and of the code of that."""
        if tab.prompt == "login":
            tab.link, tab.code = person, None
        return False

    def press_link(self, tab: Tab, now: int) -> bool:
        """Press the button of its link, in this browser."""
        person = tab.link
        if person is None or tab.prompt != "login":
            return False
        tab.link = None
        return self._go_on(tab, HalfWay(person, (people.magic_link(now),)), now)

    def press_elsewhere(self, tab: Tab, is_theirs: bool) -> None:
        """Say in another browser that one began to sign in, for a code; or that one did not."""
        if tab.link is not None and tab.prompt == "login":
            tab.code, tab.link = tab.link if is_theirs else None, None

    def type_code(self, tab: Tab, person: Person, now: int) -> bool:
        """Type the code that another browser has shown for this tab's link."""
        if tab.code is not person or tab.prompt != "login":
            return False
        tab.code = None
        return self._go_on(tab, HalfWay(person, (people.magic_link(now),)), now)

    def come_back(self, tab: Tab, subject: str, now: int) -> bool:
        """Come back from another provider: as whom one is known as, or as nobody yet."""
        if tab.prompt != "login":
            return False
        tab.half, tab.guest = None, Guest(subject, now)
        person, trusted = self.kept.identities.get(subject), self.setting.trusts_provider
        if person is None:
            return False
        tab.guest, several = None, trusted and self.setting.says_mfa
        proof = Shown("federation", "federated", ("fed",), now, verified=several, covers=trusted)
        return self._go_on(tab, HalfWay(person, (proof,)), now)

    # what comes after them

    def second(self, tab: Tab, by: str, now: int, trusts: bool = False) -> bool:
        """Show a right second factor: `app`, `mail`, a recovery code or a passkey."""
        half, step = self.half_way(tab), self.asked(tab)
        if half is None or step.what != "second" or by not in step.by:
            return False
        person = half.person
        person.codes -= by == RECOVERY
        if self.setting.policy == "required_any" and person.factor is None:
            person.factor, person.codes = by, 10  # a passkey: it is their second factor now
        may = by != RECOVERY and half.proofs[0].by != people.SESSION
        shown = people.passkey(now) if by == PASSKEY else people.code(by, now)
        done = HalfWay(person, (*half.proofs, shown), half.offered)
        return self._go_on(tab, done, now, trusts=trusts and may)

    def choose_factor(self, tab: Tab, by: str) -> bool:
        """Choose `app` or `mail`: a code is sent, or another secret made where one is set up."""
        half, step = self.half_way(tab), self.asked(tab)
        if half is None or by not in step.by:
            return False
        half.enrolling = (by, next(_secrets)) if step.what != "second" else None
        tab.mailed += by == "mail"
        return False

    def enrol(self, tab: Tab, what: tuple[str, int], now: int) -> bool:
        """Show what was begun with: it is theirs from then on, and ten recovery codes are."""
        half, step = self.half_way(tab), self.asked(tab)
        if half is None or half.enrolling != what or step.what not in ("enrol", "offer"):
            return False
        half.person.factor, half.person.codes = what[0], 10
        proofs = (*half.proofs, people.code(what[0], now))
        return self._go_on(tab, HalfWay(half.person, proofs, half.offered), now)

    def put_off(self, tab: Tab, now: int) -> bool:
        """Press "Not now"."""
        half = self.half_way(tab)
        if half is None or self.asked(tab).what != "offer":
            return False
        half.person.has_put_off = True
        return self._go_on(tab, HalfWay(half.person, half.proofs), now)

    def confirms(self, tab: Tab, now: int) -> tuple[Person, Guest] | None:
        """Return who is asked whether they are who was at another provider: nobody who has yet to
        show something."""
        half, guest = self.half_way(tab), self.waiting(tab, now)
        if half is None or guest is None or self.missing(tab.asked, half).what != "nothing":
            return None
        return half.person, guest

    def link(self, tab: Tab, shown: tuple[Person, Guest] | None, now: int) -> bool:
        """Say yes to what a page has `shown`: it counts for that alone, and links nobody who is
        somebody else's already."""
        asked, half = self.confirms(tab, now), tab.half
        if asked is None or half is None or shown != asked:
            return False
        person, guest = asked
        if self.kept.identities.setdefault(guest.subject, person) is not person:
            return False
        return self._conclude(tab, half, trusts=half.trusts)

    def keep_apart(self, tab: Tab, now: int) -> bool:
        """Say no: one goes on as whom one has proved to be."""
        half = tab.half
        if self.confirms(tab, now) is not None and half is not None:
            return self._conclude(tab, half, trusts=half.trusts)
        if tab.prompt == "login":
            tab.guest = None
        return False

    def _go_on(self, tab: Tab, half: HalfWay, now: int, *, trusts: bool = False) -> bool:
        step, waits = self.missing(tab.asked, half), self.waiting(tab, now) is not None
        if not waits and (step.what == "nothing" or self.stands_in(tab, half)):
            return self._conclude(tab, half, trusts=trusts and step.what == "nothing")
        half.trusts = trusts and step.what == "nothing"
        half.offered = step.what == "offer"
        half.enrolling = ("app", next(_secrets)) if step.what == "enrol" else None
        tab.mailed += step.what == "second" and step.by[0] == "mail"
        tab.half = half
        return False

    def _conclude(self, tab: Tab, half: HalfWay, *, trusts: bool) -> bool:
        here, person = self.session, half.person
        uid = here.uid if here is not None and here.person is person else next(people.uids)
        self.session = Session(uid, person, *worth(half.proofs))
        if trusts and self.setting.trusts_devices:
            self.kept.devices.add(person.id)
        tab.signed_in = tab.previous = uid
        tab.half, tab.guest, tab.consented = None, None, False
        return True

    # what happens beside

    def choose(self, tab: Tab) -> None:
        """Go on as whoever is signed in, where the client wants that said."""
        asks = "select_account" in tab.asked.prompts() and tab.reasons == ("select",)
        if tab.prompt == "login" and asks and tab.previous is not None:
            tab.chosen = tab.previous

    def switch(self, tab: Tab) -> None:
        """Let somebody else sign in: nothing of who goes is left."""
        if tab.prompt != "login":
            return
        if tab.half is not None and tab.reasons != ("step_up",):
            tab.half = tab.guest = None
        elif tab.previous is not None:
            tab.reasons, tab.half, tab.guest = ("select",), None, None

    def decide(self, tab: Tab, approve: bool) -> None:
        """Answer a question for consent."""
        if tab.prompt == "consent":
            tab.consented, tab.ends = approve, tab.ends or not approve

    def sign_out(self) -> None:
        self.session = None

    def shut_out(self, person: Person) -> None:
        """End everything of a person: their sessions, and that devices are trusted."""
        self.kept.devices.discard(person.id)
        if self.session is not None and self.session.person is person:
            self.session = None
