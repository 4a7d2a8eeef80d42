"""Moves: a magic link, asked for, pressed here or elsewhere, and looked at by a scanner (0037)."""

from __future__ import annotations

import re

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.interactions.sign_ins.drawn import REQUESTS, TAB, WHO
from tests.handlers.interactions.sign_ins.opened import Open
from tests.handlers.interactions.sign_ins.people import Asked
from tests.handlers.interactions.sign_ins.second_factors import SecondFactors
from tests.world.answers import hidden_fields
from tests.world.links import mailed_links


class MagicLinks(SecondFactors):
    """Who says who they are by a link in a mail."""

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, who=WHO)
    def ask_for_link(self, tab: int, who: int) -> None:
        opened, person = self.tabs.get(tab), self.home.people[who]
        form = {"email": person.email}
        answer = self.post(
            opened, "magic-link", form, lambda at: self.model.ask_for_link(at, person)
        )
        if opened is None or answer is None or opened.is_over or opened.tab.prompt != "login":
            return
        mailed = mailed_links(self.world.runtime, self.world.postgres, self.home.users[who])
        opened.link, opened.code = self.world.wait(mailed)[0], ""

    @precondition(lambda self: any(each.link for each in self.tabs.values()))
    @rule(tab=TAB)
    def press_link(self, tab: int) -> None:
        """Press its button here: the first time, or once more."""
        opened = self._with_link(tab)
        if opened is not None:
            self._press(opened, opened.link, self.http)

    def _press(self, opened: Open, link: str, browser: httpx.Client, **form: str) -> httpx.Response:
        page = browser.get(link)
        sent = hidden_fields(page.text) | form
        is_here = browser is self.http and link == opened.link
        return self.do(
            opened, lambda: browser.post(link, data=sent),
            lambda at: is_here and self.model.press_link(at, self.now),
        )  # fmt: skip

    @precondition(lambda self: len(self.tabs) > 1)
    @rule(tab=TAB)
    def press_at_another_tab(self, tab: int) -> None:
        """Press a link as if it were of another request: it signs nobody in there."""
        opened, other = self._with_link(tab), self.tabs[1 - tab]
        if opened is not None:
            link = f"{opened.link.partition('?')[0]}?interaction={other.uid}"
            self._press(other, link, self.http)

    @precondition(lambda self: any(each.link for each in self.tabs.values()))
    @rule(tab=TAB, decision=st.sampled_from(["code", "code", "no"]))
    def press_elsewhere(self, tab: int, decision: str) -> None:
        """Press it in another browser, where it signs nobody in, and is given up for a code."""
        opened = self._with_link(tab)
        if opened is None:
            return
        with self.browser() as elsewhere:
            page = self._press(opened, opened.link, elsewhere, decision=decision)
            names = [each.name for each in elsewhere.cookies.jar]
            assert not any("session" in name for name in names), names
        found = re.search(r"<code>([0-9]{4} [0-9]{4})</code>", page.text)
        if not opened.is_over:
            self.model.press_elsewhere(opened.tab, decision == "code")
        has_code = not opened.is_over and opened.tab.code is not None and not opened.code
        assert (found is not None) == has_code, (opened, page.text)
        if found is not None:
            opened.code = found[1]

    @precondition(lambda self: any(each.code for each in self.tabs.values()))
    @rule(tab=TAB, at=TAB)
    def type_code(self, tab: int, at: int) -> None:
        """Type the code that another browser has shown: where the link was asked for, or not."""
        opened, there = self.tabs.get(tab), self.tabs.get(at)
        if opened is None or there is None or not opened.code:
            return
        person, form = opened.tab.code, {"code": opened.code}
        self.post(
            there, "magic-link/code", form,
            lambda at: there is opened
            and person is not None
            and self.model.type_code(at, person, self.now),
        )  # fmt: skip

    @precondition(lambda self: any(each.link for each in self.tabs.values()))
    @rule(tab=TAB, method=st.sampled_from(["GET", "HEAD"]))
    def scan(self, tab: int, method: str) -> None:
        """Look at a link, as scanners of mail do: nothing comes of it."""
        opened = self._with_link(tab)
        if opened is not None:
            with self.browser() as scanner:
                scanner.request(method, opened.link)
            self.do(opened, lambda: self.http.request(method, opened.link), lambda at: False)

    def _with_link(self, tab: int) -> Open | None:
        opened = self.tabs.get(tab)
        return opened if opened is not None and opened.link else None

    @rule(tab=TAB, asked=REQUESTS, who=WHO, elsewhere=st.booleans())
    def sign_in_by_link(self, tab: int, asked: Asked, who: int, elsewhere: bool) -> None:
        self.begin(tab, asked)
        if tab in self.tabs:
            self.ask_for_link(tab, who)
            if elsewhere:
                self.press_elsewhere(tab, "code")
                self.type_code(tab, tab)
            else:
                self.press_link(tab)
            self.finish(tab)
