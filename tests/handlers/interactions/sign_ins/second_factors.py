"""Moves: a second factor, shown, set up or put off; and a device that is trusted for it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.interactions.sign_ins.drawn import TAB, WHO
from tests.handlers.interactions.sign_ins.first_factors import FirstFactors
from tests.handlers.interactions.sign_ins.opened import Open
from tests.handlers.interactions.sign_ins.people import PASSKEY, RECOVERY, HalfWay, Tab

_METHODS = {"app": "totp", "mail": "email_otp", PASSKEY: "passkey", RECOVERY: "recovery_code"}


class SecondFactors(FirstFactors):
    """What is asked of whoever has said who they are."""

    spent: dict[str, str] | None = None
    """The form that was right last."""

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, trusts=st.booleans())
    def second(self, tab: int, trusts: bool) -> None:
        """Show the second factor of whoever is half-way there."""
        opened = self.tabs.get(tab)
        half = opened.tab.half if opened is not None else None
        factor = half.person.factor if half is not None else None
        if half is None or factor is None or opened is None:
            self._show(opened, "mail", "123456", trusts)
        elif factor == PASSKEY:
            self.second_by_passkey(tab, self.home.people.index(half.person))
        elif factor == "app":
            self._show(opened, factor, self._code(half.person.id), trusts)
        else:
            if half.person.id not in opened.codes:
                self.choose_factor(tab, "mail")
            self._show(opened, factor, opened.codes.get(half.person.id), trusts)

    def _show(self, opened: Open | None, by: str, code: str | None, trusts: bool = False) -> None:
        """Post a code that is right where it is asked for."""
        if code is None or opened is None:
            return
        form = {"method": _METHODS[by], "code": code} | ({"trust_device": "1"} if trusts else {})
        half = opened.tab.half
        self.post(
            opened, "two-factor", form, lambda at: self.model.second(at, by, self.now, trusts)
        )
        self._spend(opened, half, form)

    def _spend(self, opened: Open, half: HalfWay | None, form: dict[str, str]) -> None:
        """Keep what was taken: it is good no more."""
        if half is not None and opened.tab.half is not half:
            self.spent = form
            if form["method"] == "email_otp":
                opened.codes.pop(half.person.id, None)

    @precondition(lambda self: self.tabs and self.spent)
    @rule(tab=TAB)
    def repeat(self, tab: int) -> None:
        """Show once more what was right once."""
        if self.spent is not None:
            self.post(self.tabs.get(tab), "two-factor", self.spent, lambda at: False)

    @precondition(lambda self: len(self.tabs) > 1)
    @rule(tab=TAB)
    def stray(self, tab: int) -> None:
        """Show the code that was mailed for the other tab."""
        opened, other = self.tabs[tab], self.tabs[1 - tab]
        if (half := opened.tab.half) is not None and half.person.id in other.codes:
            form = {"method": "email_otp", "code": other.codes[half.person.id]}
            self.post(opened, "two-factor", form, lambda at: False)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, trusts=st.booleans())
    def recover(self, tab: int, trusts: bool) -> None:
        """Show a recovery code of whoever is half-way there."""
        opened = self.tabs.get(tab)
        half = opened.tab.half if opened is not None else None
        left = self.home.codes.get(half.person.id) if half is not None else None
        if opened is not None and half is not None and left:
            self._show(opened, RECOVERY, left[0], trusts)
            if opened.tab.half is not half:
                left.pop(0)

    @precondition(lambda self: self.tabs and self.home.passkeys)
    @rule(tab=TAB, who=WHO)
    def second_by_passkey(self, tab: int, who: int) -> None:
        """Show the passkey of a person, whoever is half-way there."""
        credential = self.show_passkey(tab, who, "?method=passkey")
        opened = self.tabs.get(tab)
        if credential is None or opened is None:
            return
        form, half = {"method": "passkey", "credential": credential}, opened.tab.half
        is_theirs = half is not None and half.person is self.home.people[who]

        def says(at: Tab) -> bool:
            return is_theirs and self.model.second(at, PASSKEY, self.now)

        self.post(opened, "two-factor", form, says)

    def _code(self, id: str) -> str | None:
        """Return a code that nobody has used: of the next time step."""
        if id not in self.home.apps:
            return None
        self.now += 30
        return self.home.apps[id].generate_otp(self.now // 30)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, by=st.sampled_from(["app", "mail"]))
    def choose_factor(self, tab: int, by: str) -> None:
        """Have a code sent, or begin to set up what is offered or demanded."""
        form = {"method": _METHODS[by]}
        self.post(
            self.tabs.get(tab), "two-factor/resend", form,
            lambda at: self.model.choose_factor(at, by),
        )  # fmt: skip

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def enrol(self, tab: int) -> None:
        """Show what is being set up, or was in this tab: an app whose key a page has shown, or the
        code of a mail.
        """
        self.look(tab)
        opened = self.tabs.get(tab)
        half = opened.tab.half if opened is not None else None
        if opened is None or half is None or half.enrolling is None:
            return
        what, code = half.enrolling, opened.codes.get(half.person.id)
        if what[0] == "app":
            if opened.app is None:
                return
            what, app = opened.app
            self.now += 30
            code = app.generate_otp(self.now // 30)
        if code is not None:
            form = {"method": _METHODS[what[0]], "code": code}
            self.post(opened, "two-factor", form, lambda at: self.model.enrol(at, what, self.now))
            self._spend(opened, half, form)
            if opened.tab.half is not half and what[0] == "app" and opened.app is not None:
                self.home.apps[half.person.id] = opened.app[1]

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def put_off(self, tab: int) -> None:
        self.post(
            self.tabs.get(tab), "two-factor/later", {},
            lambda at: self.model.put_off(at, self.now),
        )  # fmt: skip

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, recovers=st.booleans())
    def finish(self, tab: int, recovers: bool = False) -> None:
        self.enrol(tab)
        if recovers:
            self.recover(tab, trusts=True)
        self.second(tab, trusts=True)
        self.put_off(tab)
        self.resume(tab)
