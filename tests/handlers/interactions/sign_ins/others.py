"""Moves: sign-in at another provider, and linking whoever was there to an account (0042, 0046)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.interactions.sign_ins.drawn import REQUESTS, TAB, WHO
from tests.handlers.interactions.sign_ins.links import MagicLinks
from tests.handlers.interactions.sign_ins.opened import Open
from tests.handlers.interactions.sign_ins.people import Asked

SUBJECT = st.sampled_from(["one", "two"])


class Others(MagicLinks):
    """Who was at another provider, and who they are here."""

    used: str | None = None
    """Where the browser was sent to, and has come back from: its state was taken."""

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def go_there(self, tab: int) -> None:
        """Be sent to the other provider."""
        opened = self.tabs.get(tab)
        form = {"connection": self.home.connection}
        answer = self.post(opened, "federation", form, lambda at: False)
        where = str(answer.headers.get("Location", "")) if answer is not None else ""
        if opened is not None and where.startswith(self.world.provider.base):
            opened.trips.append(where)

    @precondition(lambda self: any(each.trips for each in self.tabs.values()))
    @rule(tab=TAB, subject=SUBJECT, who=WHO)
    def come_back(self, tab: int, subject: str, who: int) -> None:
        """Come back, as somebody who says they have the address of a person here."""
        opened = self._away(tab)
        if opened is None:
            return
        response = self._grant(opened.trips[-1], subject, who)
        if not opened.is_over and opened.tab.prompt == "login":
            self.used = opened.trips.pop()
        self.do(
            opened, lambda: self.http.get(self._callback(), params=response),
            lambda at: self.model.come_back(at, subject, self.now),
        )  # fmt: skip

    def _away(self, tab: int) -> Open | None:
        opened = self.tabs.get(tab)
        return opened if opened is not None and opened.trips else None

    def _callback(self) -> str:
        return f"/{self.home.slug}/federation/{self.home.connection}/callback"

    def _grant(self, there: str, subject: str, who: int) -> dict[str, str]:
        """Sign in there; what its tokens say goes by the clock of the walk."""
        claims: dict[str, Any] = {
            "sub": subject, "iat": self.now, "exp": self.now + 300, "email_verified": True,
            "email": self.home.people[who].email, "amr": ["pwd"],
        }  # fmt: skip
        if self.model.setting.says_mfa:
            claims["amr"] = ["pwd", "mfa"]
        self.world.provider.claims = claims
        return self.world.provider.grant(there)

    @precondition(lambda self: self.tabs and self.used)
    @rule(tab=TAB, subject=SUBJECT)
    def come_back_again(self, tab: int, subject: str) -> None:
        """Come back once more for a request that was answered, with another code."""
        opened = self.tabs.get(tab)
        if opened is not None and self.used is not None:
            response = self._grant(self.used, subject, 0)
            self.do(
                opened, lambda: self.http.get(self._callback(), params=response), lambda at: False
            )

    @precondition(lambda self: any(each.trips for each in self.tabs.values()))
    @rule(tab=TAB, subject=SUBJECT, who=WHO)
    def come_back_elsewhere(self, tab: int, subject: str, who: int) -> None:
        """Bring a response to a browser that was not sent there: it signs nobody in."""
        opened = self._away(tab)
        if opened is None:
            return
        response = self._grant(opened.trips[-1], subject, who)
        with self.browser() as elsewhere:
            self.do(
                opened, lambda: elsewhere.get(self._callback(), params=response), lambda at: False
            )
            names = [each.name for each in elsewhere.cookies.jar]
            assert not any("session" in name for name in names), names

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, stale=st.booleans())
    def link(self, tab: int, stale: bool) -> None:
        """Say yes on the page of linking: as it stands, or as it was seen before."""
        if not stale:
            self.look(tab)
        opened = self.tabs.get(tab)
        if opened is None:
            return
        mark, shown = opened.asks
        form = {"decision": "link", "shown": mark}
        self.post(opened, "federation/link", form, lambda at: self.model.link(at, shown, self.now))

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def keep_apart(self, tab: int) -> None:
        self.post(
            self.tabs.get(tab), "federation/link", {"decision": "apart"},
            lambda at: self.model.keep_apart(at, self.now),
        )  # fmt: skip

    @rule(tab=TAB, asked=REQUESTS, subject=SUBJECT, who=WHO)
    def sign_in_there(self, tab: int, asked: Asked, subject: str, who: int) -> None:
        """Sign in at the other provider, and prove an account to be linked where one is unknown."""
        self.begin(tab, asked)
        if tab not in self.tabs:
            return
        self.go_there(tab)
        self.come_back(tab, subject, who)
        if tab in self.tabs and self.tabs[tab].tab.guest is not None:
            self.password(tab, who)
            self.enrol(tab)
            self.second(tab, trusts=True)
            self.put_off(tab)
            self.link(tab, stale=False)
        self.finish(tab)
