"""Random walks of a browser through sign-ins, beside a model of what each proof is worth."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import httpx
import pyotp
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from porta.browser import interactions
from porta.runtime import Runtime
from porta.security import jwt
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.flow import VERIFIER, answered, hidden, parameters
from tests.handlers.interactions.sign_in_model import MFA, PASSWORD, Asked, Model, Person, Tab
from tests.world.answers import hidden_fields
from tests.world.house import CALLBACK
from tests.world.house import PASSWORD as RIGHT
from tests.world.second_factors import choose

T = TypeVar("T")
TAB, WHO = st.integers(0, 1), st.integers(0, 1)
REQUESTS = st.builds(
    Asked,
    first_party=st.booleans(),
    prompt=st.sampled_from([None, None, None, "login", "consent", "select_account", "none"]),
    max_age=st.sampled_from([None, None, None, 0, 5, 100]),
    acr=st.sampled_from([None, None, None, MFA, PASSWORD]),
)
_ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "value": MFA}}})
_MOST_SECONDS, _MOST_WRONG = 400, 3


@dataclass(frozen=True)
class World:
    """What every walk has, and the loop that it lives on; walks run in a thread."""

    runtime: Runtime
    postgres: Postgres
    base_url: str
    password_hash: str
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@dataclass
class Open:
    """A tab of the browser: where it is, what its forms hold, what the model says of it."""

    path: str
    tab: Tab
    csrf: str = ""
    app: pyotp.TOTP | None = None
    is_over: bool = False

    @property
    def uid(self) -> str:
        return self.path.rpartition("/")[2]


class SignIns(RuleBasedStateMachine):
    """One browser with two tabs, two people, two clients; any order of what can be done."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.http = httpx.Client(base_url=self.world.base_url, timeout=60)
        self.tabs: dict[int, Open] = {}
        self.apps: dict[str, pyotp.TOTP] = {}
        # It stands still but for what a walk says, ahead of the moment that people are added at.
        self.now = self.began = int(time.time()) + 60
        self.wrong = 0
        self.clock, self.world.runtime.clock = self.world.runtime.clock, lambda: float(self.now)

    def teardown(self) -> None:
        self.world.runtime.clock = self.clock
        self.http.close()

    @initialize(encourages=st.booleans(), asked=REQUESTS)
    def furnish(self, encourages: bool, asked: Asked) -> None:
        """Somebody who has a second factor, and somebody who has none."""
        self.model = Model(encourages)
        self.slug = self.world.wait(self._furnish("encouraged" if encourages else "optional"))
        self.begin(0, asked)

    async def _furnish(self, policy: str) -> str:
        storage, mark = self.world.runtime.storage.everywhere, factories.new_id()
        home = factories.organization(
            id=mark, slug=f"walk-{mark}", two_factor_policy=policy,
            default_login_methods=("password",),
        )  # fmt: skip
        await storage.organizations.insert(home)
        application = factories.application(id=mark, slug=f"walk-{mark}")
        await storage.applications.insert(application)
        self.clients = {True: f"first-{mark}", False: f"third-{mark}"}
        for first, client_id in self.clients.items():
            await storage.clients.insert(
                factories.client(
                    id=factories.new_id(), organization_id=home.id, application_id=application.id,
                    client_id=client_id, redirect_uris=(CALLBACK,), client_type="public",
                    token_endpoint_auth_method="none", secrets=(), is_first_party=first,
                )
            )  # fmt: skip
        self.users = []
        for _ in range(2):
            user = factories.user(
                id=factories.new_id(), organization_id=home.id,
                email=f"{factories.new_id()}@walk.example",
                password_hash=self.world.password_hash,
            )  # fmt: skip
            await storage.users.insert(user)
            self.users.append(user)
        self.people = [Person(user.email, user.id) for user in self.users]
        await choose(self.world.postgres, self.users[0], "email")
        self.people[0].factor = "sms"
        return home.slug

    # requests

    @rule(tab=TAB, asked=REQUESTS)
    def begin(self, tab: int, asked: Asked) -> None:
        """Send an authorization request from a tab, whatever that had before."""
        client = self.clients[asked.first_party]
        demands: dict[str, Any] = {"prompt": asked.prompt, "max_age": asked.max_age}
        if asked.acr == MFA:
            demands["claims"] = _ESSENTIAL
        elif asked.acr is not None:
            demands["acr_values"] = asked.acr
        given = {name: value for name, value in demands.items() if value is not None}
        sent = parameters(client_id=client, **given)
        answer = self.http.get(f"/{self.slug}/auth", params=sent)
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
            self._redeem(answered(where)["code"], tab)
        return where

    def _redeem(self, code: str, tab: Tab) -> None:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER, "client_id": self.clients[tab.asked.first_party],
        }  # fmt: skip
        tokens = self.http.post(f"/{self.slug}/token", data=form).json()
        claims, told = jwt.read_own(tokens["id_token"]), self.model.told(tab)
        said = (claims["sub"], tuple(claims["amr"]), claims["acr"], claims["auth_time"])
        assert said == (told.person.id, told.amr, told.acr, told.auth_time), (tab, told)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def resume(self, tab: int) -> None:
        """Go on, as the form that was answered says; or go back to it once it is over."""
        if (opened := self.tabs.get(tab)) is None:
            return
        answer = self.http.get(f"/{self.slug}/auth/{opened.uid}")
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

    # forms, whether a page shows them or not

    def _at(self, tab: int) -> Open | None:
        return self.tabs.get(tab)

    def _post(
        self, tab: int, step: str, form: dict[str, str], says: Callable[[Tab], object]
    ) -> httpx.Response | None:
        """Post a form of a tab; a session comes of it where the model says so, and else none."""
        if (opened := self._at(tab)) is None or not opened.csrf:
            return None
        before = self._cookie()
        answer = self.http.post(f"{opened.path}/{step}", data={"_csrf": opened.csrf, **form})
        signed_in = not opened.is_over and says(opened.tab) is True
        assert (self._cookie() != before) == signed_in, (step, opened, self.model, answer.text)
        where = str(answer.headers.get("Location", ""))
        assert "code" not in answered(where), "no form is answered with a code"
        return answer

    def _cookie(self) -> str | None:
        return self.http.cookies.get(f"session_{self.slug}", path=f"/{self.slug}")

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def look(self, tab: int) -> None:
        """Reload the page, or go back to it."""
        if (opened := self._at(tab)) is None:
            return
        answer = self.http.get(opened.path)
        if answer.headers.get("Location") == opened.path:
            answer = self.http.get(opened.path)
        if not opened.is_over:
            self.model.look(opened.tab, self.now)
        if answer.status_code == 200 and not opened.is_over:
            opened.csrf = hidden(answer.text, "_csrf")

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, who=WHO)
    def password(self, tab: int, who: int) -> None:
        person = self.people[who]
        form = {"email": person.email, "password": RIGHT}
        self._post(tab, "login", form, lambda at: self.model.password(at, person, self.now))

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def second(self, tab: int) -> None:
        """Show the second factor of whoever is half-way there."""
        half = self.tabs[tab].tab.half if tab in self.tabs else None
        factor = half.person.factor if half else None
        if half is not None and factor == "otp":
            form = {"method": "totp", "code": self._code(self.apps[half.person.id])}
        else:
            form = {"method": "email_otp", "code": "open sesame"}
        told = factor or "sms"
        self._post(tab, "two-factor", form, lambda at: self.model.second(at, told, self.now))

    @rule(tab=TAB, asked=REQUESTS, who=WHO)
    def sign_in(self, tab: int, asked: Asked, who: int) -> None:
        """Do all of it in a row: what else happens to a browser meets a session more often."""
        self.begin(tab, asked)
        if tab in self.tabs:
            self.password(tab, who)
            self.second(tab)
            self.put_off(tab)
            self.resume(tab)

    @rule(tab=TAB, who=WHO)
    def sign_in_anew(self, tab: int, who: int) -> None:
        self.sign_in(tab, Asked(prompt="login"), who)

    @precondition(lambda self: self.tabs and self.wrong < _MOST_WRONG)
    @rule(tab=TAB, who=WHO, step=st.sampled_from(["login", "two-factor"]))
    def mistake(self, tab: int, who: int, step: str) -> None:
        """Show what is wrong: nothing comes of it."""
        self.wrong += 1
        form = {"email": self.people[who].email, "password": "wrong"}
        if step == "two-factor":
            form = {"method": "email_otp", "code": "close sesame"}
        self._post(tab, step, form, lambda at: False)

    def _code(self, app: pyotp.TOTP) -> str:
        """Return a code that nobody has used: of the next time step."""
        self.now += 30
        return app.generate_otp(self.now // 30)

    @precondition(lambda self: self.tabs and self.model.encourages)
    @rule(tab=TAB)
    def begin_to_enrol(self, tab: int) -> None:
        form = {"method": "totp"}
        answer = self._post(tab, "two-factor/resend", form, self._begins)
        if answer is None or not self.tabs[tab].tab.half or self.tabs[tab].is_over:
            return
        page = self.http.get(self.tabs[tab].path)
        self.model.look(self.tabs[tab].tab, self.now)
        shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
        if shown is not None:
            self.tabs[tab].app = pyotp.TOTP(shown[1].replace(" ", ""))

    def _begins(self, at: Tab) -> bool:
        self.model.begin_to_enrol(at)
        return False

    @precondition(lambda self: any(each.app for each in self.tabs.values()))
    @rule(tab=TAB)
    def enrol(self, tab: int) -> None:
        """Show the app that a page has shown the key of."""
        opened = self._at(tab)
        if opened is None or opened.app is None:
            return
        form = {"method": "totp", "code": self._code(opened.app)}
        half, had = opened.tab.half, opened.tab.half and opened.tab.half.person.factor
        self._post(tab, "two-factor", form, lambda at: self.model.enrol(at, self.now))
        if half is not None and half.person.factor == "otp" and not had:
            self.apps[half.person.id] = opened.app

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def put_off(self, tab: int) -> None:
        self._post(tab, "two-factor/later", {}, self.model.put_off)

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB, step=st.sampled_from(["approve", "approve", "deny", "account", "switch"]))
    def decide(self, tab: int, step: str) -> None:
        """Answer for consent, go on as whoever is signed in, or let somebody else."""
        if step in ("account", "switch"):
            does = self.model.choose if step == "account" else self.model.switch
            self._post(tab, step, {}, does)
        else:
            approve = step == "approve"
            self._post(
                tab, "confirm", {"decision": step}, lambda at: self.model.decide(at, approve)
            )

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def abort(self, tab: int) -> None:
        if (opened := self._at(tab)) is not None:
            self.http.get(f"{opened.path}/abort")
            opened.tab.ends = True

    # what happens beside

    @rule()
    def sign_out(self) -> None:
        page = self.http.get(f"/{self.slug}/session/end")
        if "xsrf" in (fields := hidden_fields(page.text)):
            form = {"xsrf": fields["xsrf"], "logout": "yes"}
            self.http.post(f"/{self.slug}/session/end/confirm", data=form)
            self.model.sign_out()

    @precondition(lambda self: self.now - self.began < _MOST_SECONDS)
    @rule(seconds=st.sampled_from([1, 6, 101]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def gain(self) -> None:
        """Whoever has no second factor gets one elsewhere: where they stand, it is asked for."""
        if self.people[1].factor is None:
            self.world.wait(choose(self.world.postgres, self.users[1], "email"))
            self.people[1].factor = "sms"

    @precondition(lambda self: self.tabs)
    @rule(tab=TAB)
    def expire(self, tab: int) -> None:
        """The time of a request is over, wherever in it somebody was."""
        opened = self._at(tab)
        if opened is not None and not opened.is_over:
            self.world.wait(self._expire(opened.uid))
            opened.is_over = True

    async def _expire(self, uid: str) -> None:
        standing = await interactions.find(self.world.runtime, uid)
        assert standing is not None
        await self.world.runtime.storage.artifacts.delete(standing)

    @invariant()
    def who_is_signed_in_is_who_showed_it(self) -> None:
        """Nobody else, and by nothing else: as a client is told that asks for nothing."""
        if not hasattr(self, "slug"):
            return
        quiet = Asked(prompt="none")
        asked = parameters(client_id=self.clients[True], prompt="none")
        outcome, tab = self.model.start(quiet, self.now)
        self._check(self.http.get(f"/{self.slug}/auth", params=asked), outcome, tab)
