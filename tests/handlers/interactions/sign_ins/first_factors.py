"""Moves: a password, a passkey, and what is wrong; all of a sign-in in a row."""

from __future__ import annotations

import html
import json
import re

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.interactions.sign_ins.drawn import REQUESTS, TAB, WHO
from tests.handlers.interactions.sign_ins.people import Asked
from tests.handlers.interactions.sign_ins.walk import Walk
from tests.world.house import PASSWORD

_MOST_WRONG = 3


class FirstFactors(Walk):
    """Who says who they are, by something that needs no mail and no other provider."""

    wrong = 0

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, who=WHO)
    def password(self, tab: int, who: int) -> None:
        person = self.home.people[who]
        form = {"email": person.email, "password": PASSWORD}
        opened = self.tabs.get(tab)
        self.post(opened, "login", form, lambda at: self.model.password(at, person, self.now))

    @precondition(lambda self: self.tabs and self.home.passkeys)
    @rule(tab=TAB, who=WHO, repeats=st.booleans())
    def passkey(self, tab: int, who: int, repeats: bool) -> None:
        """Show a passkey where a page asks for one that says who it is; and the same once more."""
        person = self.home.people[who]
        credential = self.show_passkey(tab, who, "")
        if credential is None:
            return
        form, opened = {"credential": credential}, self.tabs[tab]
        self.post(opened, "passkey", form, lambda at: self.model.passkey(at, person, self.now))
        if repeats:
            self.post(opened, "passkey", form, lambda at: False)

    def show_passkey(self, tab: int, who: int, query: str) -> str | None:
        """Return what the passkey of a person answers to a page, where it asks for any."""
        self.look(tab)
        opened = self.tabs.get(tab)
        if opened is None or opened.is_over or not opened.csrf:
            return None
        page = self.http.get(f"{opened.path}{query}")
        self.model.look(opened.tab, self.now)
        found = re.search(r'data-passkey="([^"]+)"', page.text)
        is_second = "/two-factor" in page.text
        if found is None or is_second != bool(query):
            return None
        return self.home.passkeys[self.home.people[who].id].get(json.loads(html.unescape(found[1])))

    @precondition(lambda self: self.tabs and self.wrong < _MOST_WRONG)
    @rule(tab=TAB, who=WHO, step=st.sampled_from(["login", "two-factor"]))
    def mistake(self, tab: int, who: int, step: str) -> None:
        """Show what is wrong: nothing comes of it."""
        self.wrong += 1
        form = {"email": self.home.people[who].email, "password": "wrong"}
        if step == "two-factor":
            form = {"method": ("totp", "email_otp")[who], "code": "000000"}
        self.post(self.tabs.get(tab), step, form, lambda at: False)

    @rule(tab=TAB, asked=REQUESTS, who=WHO)
    def sign_in(self, tab: int, asked: Asked, who: int) -> None:
        """Do all of it in a row: what else happens to a browser meets a session more often."""
        self.begin(tab, asked)
        if tab in self.tabs:
            self.password(tab, who)
            self.finish(tab)

    @precondition(lambda self: self.home.passkeys)
    @rule(tab=TAB, asked=REQUESTS, who=WHO)
    def sign_in_by_passkey(self, tab: int, asked: Asked, who: int) -> None:
        self.begin(tab, asked)
        if tab in self.tabs:
            self.passkey(tab, who, repeats=False)
            self.finish(tab)

    @rule(tab=TAB, who=WHO)
    def sign_in_anew(self, tab: int, who: int) -> None:
        self.sign_in(tab, Asked(prompt="login"), who)

    def finish(self, tab: int, recovers: bool = False) -> None:
        """Show, set up or put off what is missing, and go on."""
        raise NotImplementedError
