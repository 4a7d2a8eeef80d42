"""A model of sign-ins in one browser: what each proof is worth, and when it was shown.

It knows no code of ours: what the RFCs and the decisions 0033, 0044 and 0057 say, in a page.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

PASSWORD, MFA = "urn:porta:acr:password", "urn:porta:acr:mfa"
SESSION = "session"
_uids = itertools.count(1)


@dataclass
class Person:
    """Somebody, and the second factor that they have: `sms`, `otp` or None."""

    email: str
    id: str
    factor: str | None = None
    has_put_off: bool = False


@dataclass(frozen=True)
class Shown:
    """A proof: what it is, what tokens call it, and when it was shown."""

    kind: str
    amr: tuple[str, ...]
    at: int


@dataclass(frozen=True)
class Session:
    """Who is signed in, by what, since when."""

    uid: int
    person: Person
    amr: tuple[str, ...]
    acr: str
    auth_time: int

    def proof(self) -> Shown:
        return Shown(SESSION, self.amr, self.auth_time)


@dataclass(frozen=True)
class Asked:
    """An authorization request."""

    first_party: bool = True
    prompt: str | None = None
    max_age: int | None = None
    acr: str | None = None
    """The one that is demanded."""

    def prompts(self) -> list[str]:
        return (self.prompt or "").split()


@dataclass
class HalfWay:
    """Who has shown something at a tab, and is not signed in by it yet."""

    person: Person
    proofs: tuple[Shown, ...]
    offered: bool = False
    enrolling: bool = False


@dataclass
class Tab:
    """A request that waits for a person."""

    asked: Asked
    prompt: str = "login"
    reasons: tuple[str, ...] = ()
    previous: int | None = None
    """The session that was there when it was last asked for something."""
    signed_in: int | None = None
    """The session that came of signing in here."""
    chosen: int | None = None
    consented: bool = False
    half: HalfWay | None = None
    ends: bool = False
    """Whether the person went away, or refused."""
    resumptions: int = 0


@dataclass(frozen=True)
class Told:
    """What the tokens of a code say."""

    person: Person
    amr: tuple[str, ...]
    acr: str
    auth_time: int


@dataclass
class Model:
    """One browser at one organization."""

    encourages: bool
    session: Session | None = None
    consents: set[int] = field(default_factory=set)

    # what a request waits for

    def due(self, tab: Tab, now: int) -> tuple[str, tuple[str, ...]]:
        """Return what is missing, and why; `code` where nothing is, `error` for the client."""
        here, asked = self.session, tab.asked
        signed_in = here is not None and tab.signed_in == here.uid
        if tab.ends or (signed_in and not self._reaches(asked)):
            return "error", ()
        reasons = () if signed_in else self._login(tab, now)
        if reasons == ("step_up",) and asked.acr == MFA and not (here and here.person.factor):
            return "error", ()
        if reasons:
            return "login", reasons
        assert here is not None
        approved = tab.consented and tab.previous == here.uid
        wanted = "consent" in asked.prompts() and not approved
        if not asked.first_party and (wanted or not (approved or here.uid in self.consents)):
            return "consent", ()
        return "code", ()

    def _login(self, tab: Tab, now: int) -> tuple[str, ...]:
        here, asked = self.session, tab.asked
        if here is None:
            return ("no_session",)
        age = now - here.auth_time
        found = {
            "login": "login" in asked.prompts(),
            "select": "select_account" in asked.prompts() and tab.chosen != here.uid,
            "max_age": asked.max_age is not None and (asked.max_age == 0 or age > asked.max_age),
            "acr": not self._reaches(asked),
        }
        reasons = tuple(reason for reason, holds in found.items() if holds)
        if reasons == ("acr",) and asked.max_age is None and here.acr == PASSWORD:
            return ("step_up",)
        return reasons

    def _reaches(self, asked: Asked) -> bool:
        return self.session is not None and asked.acr in (None, PASSWORD, self.session.acr)

    def start(self, asked: Asked, now: int) -> tuple[str, Tab]:
        """Send a request: what becomes of it, and the tab that waits."""
        tab = Tab(asked)
        outcome, reasons = self.due(tab, now)
        if outcome in ("login", "consent") and "none" in asked.prompts():
            return "error", tab
        self._wait(tab, outcome, reasons)
        return outcome, tab

    def resume(self, tab: Tab, now: int) -> str:
        """Go on with a request."""
        outcome, reasons = self.due(tab, now)
        self._wait(tab, outcome, reasons)
        return outcome

    def _wait(self, tab: Tab, outcome: str, reasons: tuple[str, ...]) -> None:
        if outcome in ("login", "consent"):
            tab.prompt, tab.reasons, tab.consented = outcome, reasons, False
            tab.previous = self.session.uid if self.session else None

    def told(self, tab: Tab) -> Told:
        """Return what the tokens of its code say; they are given for good, as is a consent."""
        here = self.session
        assert here is not None
        if not tab.asked.first_party:
            self.consents.add(here.uid)
        return Told(here.person, here.amr, tab.asked.acr or here.acr, here.auth_time)

    # what a person does

    def look(self, tab: Tab, now: int) -> None:
        """Reload its page: it may have moved on; whoever lacks but one factor is asked for it."""
        here = self.session
        answerable = here is not None and self.due(tab, now)[0] in ("code", "error")
        if here is not None and self._login(tab, now) == ("step_up",):
            answerable = False
        moved = (here.uid if here else None) != tab.previous
        if (moved or answerable) and tab.resumptions < 3:
            tab.resumptions += 1
            return
        asks = tab.prompt == "login" and tab.reasons == ("step_up",) and tab.half is None
        if not asks or here is None or here.uid != tab.previous:
            return
        if here.acr == PASSWORD and here.person.factor:
            tab.half = HalfWay(here.person, (here.proof(),))

    def half_way(self, tab: Tab) -> HalfWay | None:
        """Return who is half-way at a tab, as long as that is worth something."""
        half, here = tab.half, self.session
        if half is None or tab.prompt != "login":
            return None
        if half.proofs[0].kind == SESSION and (
            here is None or here.uid != tab.previous or here.proof() != half.proofs[0]
        ):
            return None
        return half

    def password(self, tab: Tab, person: Person, now: int) -> bool:
        """Show a right password; True where it signs in."""
        return self._go_on(tab, person, (Shown("knowledge", ("pwd",), now),))

    def second(self, tab: Tab, factor: str, now: int) -> bool:
        """Show a right second factor; True where it signs in."""
        half = self.half_way(tab)
        if half is None or half.enrolling or half.person.factor != factor:
            return False
        return self._go_on(tab, half.person, (*half.proofs, Shown("possession", (factor,), now)))

    def begin_to_enrol(self, tab: Tab) -> bool:
        """Choose an app, where one is offered."""
        half = self.half_way(tab)
        if half is None or half.person.factor or not half.offered:
            return False
        half.enrolling = True
        return True

    def enrol(self, tab: Tab, now: int) -> bool:
        """Show the app that was begun with; True where it is theirs, and signs in."""
        half = self.half_way(tab)
        if half is None or not half.enrolling or half.person.factor:
            return False
        half.person.factor = "otp"
        return self._go_on(tab, half.person, (*half.proofs, Shown("possession", ("otp",), now)))

    def put_off(self, tab: Tab) -> bool:
        """Press "Not now"; True where it signs in."""
        half = self.half_way(tab)
        if half is None or not half.offered or half.person.factor:
            return False
        half.person.has_put_off = True
        return self._go_on(tab, half.person, half.proofs)

    def _go_on(self, tab: Tab, person: Person, proofs: tuple[Shown, ...]) -> bool:
        missing = person.factor is not None and len(proofs) < 2
        offers = self.encourages and not (person.factor or person.has_put_off or len(proofs) > 1)
        if missing or offers:
            tab.half = HalfWay(person, proofs, offered=offers)
            return False
        values = dict.fromkeys(value for proof in proofs for value in proof.amr)
        several = len(proofs) > 1
        first, here = proofs[0], self.session
        self.session = Session(
            here.uid if here is not None and here.person is person else next(_uids),
            person,
            (*values, "mfa") if several else tuple(values),
            MFA if several else PASSWORD,
            first.at if first.kind == SESSION else max(proof.at for proof in proofs),
        )
        tab.signed_in = tab.previous = self.session.uid
        tab.half, tab.consented = None, False
        return True

    def choose(self, tab: Tab) -> None:
        """Go on as whoever is signed in, where the client wants that said."""
        asks = "select_account" in tab.asked.prompts() and tab.reasons == ("select",)
        if tab.prompt == "login" and asks and tab.previous is not None:
            tab.chosen = tab.previous

    def switch(self, tab: Tab) -> None:
        """Let somebody else sign in."""
        if tab.prompt != "login":
            return
        if tab.half is not None and tab.reasons != ("step_up",):
            tab.half = None
        elif tab.previous is not None:
            tab.reasons, tab.half = ("select",), None

    def decide(self, tab: Tab, approve: bool) -> None:
        """Answer a question for consent."""
        if tab.prompt == "consent":
            tab.consented, tab.ends = approve, tab.ends or not approve

    def sign_out(self) -> None:
        self.session = None
