"""What is asked of the provider, and how an answer is known to be right."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

from tests.bench.browser import Browser, authorize, open_login, sign_in
from tests.bench.connection import Answer, Connection
from tests.bench.target import Party, Target


@dataclass(slots=True)
class Visitor:
    """One connection's state: its browser and the tokens it holds."""

    target: Target
    browser: Browser
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        return self.browser.connection


@dataclass(frozen=True, slots=True)
class Workload:
    """A repeatable conversation; `requests` says how many HTTP requests it takes."""

    name: str
    once: Callable[[Visitor], Awaitable[None]]
    requests: int = 1
    needs_tokens: bool = False
    fresh_browser: bool = False
    slow: bool = False


def visitor(target: Target) -> Visitor:
    """Return a new visitor on a connection of its own."""
    return Visitor(target, Browser(Connection(urlsplit(target.issuer))))


async def obtain_tokens(guest: Visitor) -> None:
    """Sign the visitor in and redeem the code, so that tokens and a session are there."""
    code, verifier = await sign_in(guest.browser, guest.target)
    guest.tokens = await _redeem(guest, code, verifier)


async def _client_credentials(guest: Visitor) -> None:
    answer = await _call(guest, "token_endpoint", {"grant_type": "client_credentials"},
                         guest.target.machine)  # fmt: skip
    _expect(answer, "access_token")


async def _introspection(guest: Visitor) -> None:
    form = {"token": guest.tokens["access_token"]}
    answer = await _call(guest, "introspection_endpoint", form, guest.target.web)
    if _expect(answer, "active")["active"] is not True:
        raise RuntimeError("the token is not active")


async def _userinfo(guest: Visitor) -> None:
    path = guest.target.endpoints["userinfo_endpoint"]
    bearer = {"Authorization": f"Bearer {guest.tokens['access_token']}"}
    answer = await guest.connection.get(path, bearer)
    if _expect(answer, "sub")["email"].lower() != guest.target.email.lower():
        raise RuntimeError("somebody else's claims")


async def _refresh(guest: Visitor) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": guest.tokens["refresh_token"]}
    answer = await _call(guest, "token_endpoint", form, guest.target.web)
    guest.tokens = _expect(answer, "refresh_token")


async def _discovery(guest: Visitor) -> None:
    answer = await guest.connection.get(guest.target.endpoints["discovery"])
    if _expect(answer, "issuer")["issuer"] != guest.target.issuer:
        raise RuntimeError("another issuer")


async def _jwks(guest: Visitor) -> None:
    _expect(await guest.connection.get(guest.target.endpoints["jwks_uri"]), "keys")


async def _login_page(guest: Visitor) -> None:
    await open_login(guest.browser, guest.target, "v" * 43)


async def _session_sign_in(guest: Visitor) -> None:
    code, verifier = await authorize(guest.browser, guest.target)
    await _redeem(guest, code, verifier)


async def _whole_sign_in(guest: Visitor) -> None:
    code, verifier = await sign_in(guest.browser, guest.target)
    await _redeem(guest, code, verifier)


async def _redeem(guest: Visitor, code: str, verifier: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": guest.target.web.redirect_uri,
        "code_verifier": verifier,
    }
    return _expect(await _call(guest, "token_endpoint", form, guest.target.web), "id_token")


async def _call(guest: Visitor, endpoint: str, form: dict[str, str], party: Party) -> Answer:
    pair = f"{quote_plus(party.client_id)}:{quote_plus(party.client_secret)}".encode()
    basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return await guest.connection.post(guest.target.endpoints[endpoint], form, basic)


def _expect(answer: Answer, member: str) -> dict[str, Any]:
    document = json.loads(answer.body) if answer.status == 200 else {}
    if member not in document:
        raise RuntimeError(f"no {member}: {answer.status} {answer.body[:300]!r}")
    found: dict[str, Any] = document
    return found


WORKLOADS = (
    Workload("client_credentials", _client_credentials),
    Workload("introspection", _introspection, needs_tokens=True),
    Workload("userinfo", _userinfo, needs_tokens=True),
    Workload("refresh", _refresh, needs_tokens=True),
    Workload("discovery", _discovery),
    Workload("jwks", _jwks),
    Workload("login page", _login_page, requests=2, fresh_browser=True),
    Workload("sign-in, session", _session_sign_in, requests=2, needs_tokens=True),
    Workload("sign-in, password", _whole_sign_in, requests=5, fresh_browser=True, slow=True),
)
