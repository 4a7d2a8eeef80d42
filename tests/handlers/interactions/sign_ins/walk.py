"""A walk of a browser through sign-ins, beside a model: requests, pages, and what is checked.

What people do at a page stands in a module for each group of moves.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import pyotp
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from porta.security import jwt
from tests.handlers.flow import answered, parameters, token_request
from tests.handlers.interactions.sign_ins.drawn import REQUESTS, SETTINGS, TAB
from tests.handlers.interactions.sign_ins.model import Model
from tests.handlers.interactions.sign_ins.opened import Open
from tests.handlers.interactions.sign_ins.people import (
    MFA,
    Asked,
    Setting,
    Tab,
)
from tests.handlers.interactions.sign_ins.world import Home, World
from tests.world.answers import hidden_fields
from tests.world.house import CALLBACK

_ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "value": MFA}}})


class Walk(RuleBasedStateMachine):
    """One browser with two tabs, two people, two clients; any order of what can be done."""

    world: ClassVar[World]
    model: Model
    home: Home

    def __init__(self) -> None:
        super().__init__()
        self.http = self.browser()
        self.tabs: dict[int, Open] = {}
        # It stands still but for what a walk says, ahead of the moment that people are added at.
        self.now = self.began = int(time.time()) + 600
        self.steps = 0
        self.clock, self.world.runtime.clock = self.world.runtime.clock, lambda: float(self.now)

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.world.base_url, timeout=60)

    def teardown(self) -> None:
        self.world.runtime.clock = self.clock
        self.http.close()

    @initialize(setting=SETTINGS, asked=REQUESTS)
    def furnish(self, setting: Setting, asked: Asked) -> None:
        """Somebody who has a second factor, and somebody who has none."""
        self.model = Model(setting)
        self.home = self.world.wait(self.world.furnish(setting))
        self.begin(0, asked)

    # requests

    @rule(tab=TAB, asked=REQUESTS)
    def begin(self, tab: int, asked: Asked) -> None:
        """Send an authorization request from a tab, whatever that had before."""
        client = self.home.clients[asked.first_party]
        demands: dict[str, Any] = {"prompt": asked.prompt, "max_age": asked.max_age}
        if asked.acr == MFA:
            demands["claims"] = _ESSENTIAL
        elif asked.acr is not None:
            demands["acr_values"] = asked.acr
        given = {name: value for name, value in demands.items() if value is not None}
        sent = parameters(client_id=client, **given)
        answer = self.http.get(f"/{self.home.slug}/auth", params=sent)
        outcome, waiting = self.model.start(asked, self.now)
        where = self._check(answer, outcome, waiting)
        if outcome in ("login", "consent"):
            self.tabs[tab] = Open(where, waiting)
            self.look(tab)

    def _check(self, answer: httpx.Response, outcome: str, tab: Tab) -> str:
        """What became of a request is what the model says; a code tells the truth."""
        where = str(answer.headers.get("Location", ""))
        found = "login" if where.startswith("/interaction/") else "other"
        if where.startswith(CALLBACK):
            found = "code" if "code" in answered(where) else "error"
        expected = "login" if outcome == "consent" else outcome
        assert found == expected, (found, outcome, tab, self.model.session, answer.text[:300])
        if found == "code":
            self._redeem(where, tab)
        return where

    def _redeem(self, where: str, tab: Tab) -> None:
        form = token_request(where, client_id=self.home.clients[tab.asked.first_party])
        tokens = self.http.post(f"/{self.home.slug}/token", data=form).json()
        claims, told = jwt.read_own(tokens["id_token"]), self.model.told(tab)
        said = (claims["sub"], tuple(claims["amr"]), claims["acr"], claims["auth_time"])
        assert said == told, (tab, told)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def resume(self, tab: int) -> None:
        """Go on, as the form that was answered says; or go back to it once it is over."""
        if (opened := self.tabs.get(tab)) is None:
            return
        answer = self.http.get(f"/{self.home.slug}/auth/{opened.uid}")
        if opened.is_over:
            self._check_again(answer, opened, tab)
            return
        outcome = self.model.resume(opened.tab, self.now)
        self._check(answer, outcome, opened.tab)
        opened.is_over = outcome in ("code", "error")

    def _check_again(self, answer: httpx.Response, opened: Open, tab: int) -> None:
        """What is over gives no code, unless it is sent anew, as it was at first."""
        where = str(answer.headers.get("Location", ""))
        if where.startswith(CALLBACK) and "code" in answered(where):
            outcome, waiting = self.model.start(opened.tab.asked, self.now)
            self._check(answer, outcome, waiting)
        del self.tabs[tab]

    # pages and forms, whether a page shows them or not

    def post(
        self, opened: Open | None, step: str, form: dict[str, str], says: Callable[[Tab], object]
    ) -> httpx.Response | None:
        """Post a form of a tab; a session comes of it where the model says so, and else none."""
        if opened is None or not opened.csrf:
            return None
        sent, url = {"_csrf": opened.csrf, **form}, f"{opened.path}/{step}"
        return self.do(opened, lambda: self.http.post(url, data=sent), says)

    def do(
        self, opened: Open, send: Callable[[], httpx.Response], says: Callable[[Tab], object]
    ) -> httpx.Response:
        """Send something that is about a tab, and compare what comes of it."""
        before, half = self._cookie(), opened.tab.half
        answer = send()
        signed_in = not opened.is_over and says(opened.tab) is True
        context = (str(answer.url), opened, half, self.model, answer.text)
        assert (self._cookie() != before) == signed_in, context
        where = str(answer.headers.get("Location", ""))
        assert "code" not in answered(where) or where.startswith(self.world.provider.base)
        codes = re.findall(r"<li><code>([A-Z2-9-]{9})</code>", answer.text)
        if codes and half is not None:
            self.home.codes[half.person.id] = codes
        self._read_mail(opened)
        return answer

    def _read_mail(self, opened: Open) -> None:
        """Read the code that was mailed for a tab, where the model says that one was."""
        half = opened.tab.half
        if opened.tab.mailed > opened.read and half is not None:
            code = self.world.wait(self.world.last_mailed_code(half.person))
            opened.codes[half.person.id] = code
        opened.read = opened.tab.mailed

    def _cookie(self) -> str | None:
        name = f"session_{self.home.slug}"
        return self.http.cookies.get(name, path=f"/{self.home.slug}")

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def look(self, tab: int) -> None:
        """Reload the page, or go back to it."""
        if (opened := self.tabs.get(tab)) is None:
            return
        answer = self.http.get(opened.path)
        if answer.headers.get("Location") == opened.path:
            answer = self.http.get(opened.path)
        if opened.is_over:
            return
        self.model.look(opened.tab, self.now)
        self._read_mail(opened)
        if answer.status_code == 200:
            fields = hidden_fields(answer.text)
            self._check_page(opened.tab, answer.text, asks="shown" in fields)
            opened.csrf, half = fields["_csrf"], opened.tab.half
            opened.asks = (fields.get("shown", ""), self.model.confirms(opened.tab, self.now))
            secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', answer.text)
            if secret is not None and half is not None and half.enrolling is not None:
                opened.app = half.enrolling, pyotp.TOTP(secret[1].replace(" ", ""))

    def _check_page(self, tab: Tab, page: str, *, asks: bool) -> None:
        """A page asks for what the model says is missing, and for nothing else."""
        second = tab.prompt == "login" and self.model.asked(tab).what != "nothing"
        assert ("/two-factor" in page) == second, (tab, self.model, page)
        assert asks == (self.model.confirms(tab, self.now) is not None), (tab, self.model, page)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def abort(self, tab: int) -> None:
        if (opened := self.tabs.get(tab)) is not None:
            self.http.get(f"{opened.path}/abort")
            opened.tab.ends = True

    @invariant()
    def who_is_signed_in_is_who_showed_it(self) -> None:
        """Nobody else, and by nothing else: as a client is told that asks for nothing."""
        if not hasattr(self, "home"):
            return
        self.steps += 1
        if self.steps % 8 == 0:
            self.world.wait(self.world.forgive(self.home))
        asked = parameters(client_id=self.home.clients[True], prompt="none")
        outcome, tab = self.model.start(Asked(prompt="none"), self.now)
        self._check(self.http.get(f"/{self.home.slug}/auth", params=asked), outcome, tab)
