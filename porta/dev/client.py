"""A relying party that shows what it is given (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 8252).

It is the native client of the seed: its redirect URI is on the loopback interface, at any port.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any, TypeVar
from urllib.parse import urlencode

from tornado.httpserver import HTTPServer

from porta.dev import pages, web
from porta.dev.relying_party import (
    Demonstration,
    Pending,
    Registration,
    SignInRefused,
    challenge,
    complete,
    metadata_of,
    take_pending,
)

T = TypeVar("T")
_COOKIE = "porta_demonstration"
_RESULT_COOKIE = "porta_demonstration_result"
_MOST_PENDING = 100
MOST_RESULTS = 20


def start(registration: Registration, port: int = 0) -> tuple[str, HTTPServer]:
    """Listen on the loopback interface; return the link that starts a sign-in, and the server."""
    client = Demonstration(registration)
    handlers = {
        "/": _WelcomeHandler,
        "/sign-in": _SignInHandler,
        "/callback": _CallbackHandler,
        "/result": _ResultHandler,
    }
    routes = [(path, handler, {"client": client}) for path, handler in handlers.items()]
    base, server = web.serve(routes, port)
    client.redirect_uri = f"{base}/callback"
    return f"{base}/sign-in", server


class _ClientHandler(web.PageHandler):
    """A page of the relying party, or why there is none."""

    def initialize(self, client: Demonstration) -> None:
        self.client = client

    def keep_cookie(self, name: str, value: str) -> None:
        self.set_header("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax")

    def brought(self, name: str) -> list[str]:
        """Return the values of a cookie: several, as all ports of a host share its cookies."""
        pairs = (pair.strip() for pair in self.request.headers.get("Cookie", "").split(";"))
        return [pair.removeprefix(f"{name}=") for pair in pairs if pair.startswith(f"{name}=")]

    def write_error(self, status_code: int, **info: Any) -> None:
        refusal = info["exc_info"][1]
        if isinstance(refusal, SignInRefused):
            self.finish(pages.render("refused", reason=refusal.message))
        else:
            super().write_error(status_code, **info)


class _WelcomeHandler(_ClientHandler):
    """`GET /`."""

    def get(self) -> None:
        self.finish(pages.render("welcome", issuer=self.client.registration.issuer))


class _SignInHandler(_ClientHandler):
    """`GET /sign-in`: to the authorization endpoint."""

    async def get(self) -> None:
        endpoint = (await metadata_of(self.client))["authorization_endpoint"]
        state, pending = _keep(self.client.pending, Pending(), _MOST_PENDING)
        parameters = {
            "response_type": "code",
            "client_id": self.client.registration.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": self.client.registration.scope,
            "state": state,
            "nonce": pending.nonce,
            "code_challenge": challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        # RFC 9700 §4.7.1: the state is this browser's; no one can slip in another's code.
        self.keep_cookie(_COOKIE, state)
        self.see_other(f"{endpoint}?{urlencode(parameters)}")


class _CallbackHandler(_ClientHandler):
    """`GET /callback`: what was learned is kept for this browser alone, which is sent there.

    It can be loaded again, a code not.
    """

    async def get(self) -> None:
        answer = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        pending = take_pending(self.client, answer, self.brought(_COOKIE))
        shown = await complete(self.client, answer, pending)
        # By another name than the state, which others are told.
        identifier, _ = _keep(self.client.results, shown, MOST_RESULTS)
        self.keep_cookie(_RESULT_COOKIE, identifier)
        self.see_other("/result")


class _ResultHandler(_ClientHandler):
    """`GET /result`."""

    def get(self) -> None:
        kept = map(self.client.results.get, self.brought(_RESULT_COOKIE))
        shown = next(filter(None, kept), None)
        if shown is None:
            raise SignInRefused("Nothing is kept here for this browser, or no longer.")
        self.finish(shown)


def _keep(kept: OrderedDict[str, T], value: T, most: int) -> tuple[str, T]:
    """Keep `value` under a new, random name, and return both; the oldest goes for it."""
    name = secrets.token_urlsafe(24)
    kept[name] = value
    while len(kept) > most:
        kept.popitem(last=False)
    return name, value
