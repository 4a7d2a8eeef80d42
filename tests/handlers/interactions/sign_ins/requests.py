"""A model of authorization requests: what one waits for, and what its code tells (Core §3.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tests.handlers.interactions.sign_ins.people import MFA, Asked, HalfWay, Tab, reaches
from tests.handlers.interactions.sign_ins.policy import Policy


class Told(NamedTuple):
    """What the tokens of a code say."""

    sub: str
    amr: tuple[str, ...]
    acr: str
    auth_time: int


@dataclass
class Requests(Policy):
    """Requests of one browser at one organization."""

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
            self.kept.consents.add(here.uid)
        return Told(here.person.id, here.amr, tab.asked.acr or here.acr, here.auth_time)

    def look(self, tab: Tab, now: int) -> None:
        """Reload its page: it may have moved on; whoever lacks but one factor is asked for it."""
        here = self.session
        answerable = here is not None and self.due(tab, now)[0] in ("code", "error")
        if here is not None and self.login(tab, now) == ("step_up",):
            answerable = False
        moved = (here.uid if here else None) != tab.previous
        if (moved or answerable) and tab.resumptions < 3:
            tab.resumptions += 1
            return
        asks = tab.prompt == "login" and tab.reasons == ("step_up",) and tab.half is None
        proof = here.proof() if here is not None else None
        if not asks or here is None or proof is None or here.uid != tab.previous:
            return
        half = HalfWay(here.person, (proof,))
        step = self.missing(tab.asked, half)
        if step.what == "second":
            tab.half, tab.guest = half, None
            tab.mailed += step.by[0] == "mail"

    def due(self, tab: Tab, now: int) -> tuple[str, tuple[str, ...]]:
        """Return what is missing, and why; `code` where nothing is, `error` for the client."""
        here, asked = self.session, tab.asked
        signed_in = here is not None and tab.signed_in == here.uid
        if tab.ends or (here is not None and signed_in and not reaches(here.acr, asked.acr)):
            return "error", ()
        reasons = () if signed_in else self.login(tab, now)
        if reasons == ("step_up",) and asked.acr == MFA and not self._may_have_more():
            return "error", ()
        if reasons:
            return "login", reasons
        assert here is not None
        approved = tab.consented and tab.previous == here.uid
        wanted = "consent" in asked.prompts() and not approved
        if not asked.first_party and (wanted or not (approved or here.uid in self.kept.consents)):
            return "consent", ()
        return "code", ()

    def _may_have_more(self) -> bool:
        here = self.session
        assert here is not None
        return self.setting.policy == "required_any" or bool(
            here.person.factor or here.person.has_passkey
        )

    def login(self, tab: Tab, now: int) -> tuple[str, ...]:
        """Return why somebody has to sign in; nothing where the session is enough."""
        here, asked = self.session, tab.asked
        if here is None:
            return ("no_session",)
        age = now - here.auth_time
        found = {
            "login": "login" in asked.prompts(),
            "select": "select_account" in asked.prompts() and tab.chosen != here.uid,
            "max_age": asked.max_age is not None and (asked.max_age == 0 or age > asked.max_age),
            "acr": not reaches(here.acr, asked.acr),
        }
        reasons = tuple(reason for reason, holds in found.items() if holds)
        if reasons == ("acr",) and asked.max_age is None and here.proof() is not None:
            return ("step_up",)
        return reasons
