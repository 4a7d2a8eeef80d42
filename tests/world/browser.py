"""A browser with an address of its own at a server inside the test, and what it leaves behind."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from porta.browser import binding
from porta.security import opaque
from storage.models.clients import Client
from storage.models.users import User
from tests import factories
from tests.factories import challenge_of, new_id
from tests.world.answers import hidden_fields, location, query_of
from tests.world.served import CALLBACK, SECRETS, VERIFIER, Served
from tests.world.waiting import eventually

PASSWORD = "quiet-otter-paints-seven-lamps"
CHALLENGE = challenge_of(VERIFIER)
SESSION = "session_acme"
SECRET = "browser_acme"
GOOD: dict[str, str] = {
    "client_id": "acme-web-basic",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid profile email offline_access",
    "state": "of-the-client",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
"""An authorization request that is in order."""


def new_address() -> str:
    """Return an address that no other browser of this run has."""
    number = secrets.randbelow(2**24)
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


@dataclass(slots=True)
class Browser:
    """Somebody at a browser. Nothing is followed by itself."""

    served: Served
    http: httpx.AsyncClient
    email: str = "alice@acme.test"
    password: str = PASSWORD
    address: str = field(default_factory=new_address)

    async def authorize(self, **changes: str | None) -> httpx.Response:
        """Send an authorization request: GOOD with `changes`; None takes a parameter away."""
        merged: dict[str, str | None] = {**GOOD, **changes}
        params = {name: value for name, value in merged.items() if value is not None}
        return await self.http.get(f"{self.served.issuer()}/auth", params=params)

    async def begin(self, **changes: str | None) -> str:
        """Send an authorization request that has to ask; return the URL of the interaction."""
        url = location(await self.authorize(**changes))
        assert "/interaction/" in url, url
        return url

    async def submit(self, url: str, **changes: str) -> httpx.Response:
        """Post the login form of the interaction at `url`."""
        page = await self.http.get(url)
        assert page.status_code == 200, page.text
        form = {**hidden_fields(page.text), "email": self.email, "password": self.password}
        return await self.http.post(
            f"{url}/login", data=form | changes, headers={"X-Forwarded-For": self.address}
        )

    async def follow(self, answer: httpx.Response) -> dict[str, str]:
        """Follow redirects inside the house; return what arrives at the client."""
        while location(answer).startswith(self.served.base_url):
            answer = await self.http.get(location(answer))
        return query_of(answer)

    async def sign_in(self, **changes: str | None) -> dict[str, str]:
        """Return what arrives at the client, through the login page where it is shown."""
        answer = await self.authorize(**changes)
        if "/interaction/" in location(answer):
            answer = await self.submit(location(answer))
        return await self.follow(answer)

    async def code(self, **changes: str | None) -> str:
        """Return a code for the client acme-web-basic."""
        answer = await self.sign_in(**changes)
        assert "code" in answer, answer
        return answer["code"]

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Return the token response for a sign-in at acme-web-basic."""
        answer = await post(self.served, "/token", code_form(await self.code(**changes)))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    @property
    def session(self) -> str | None:
        """The value of the session cookie."""
        return self.http.cookies.get(SESSION, path="/acme")

    @property
    def secret(self) -> str:
        """The value of the cookie that binds session and interactions to this browser."""
        return self.http.cookies.get(SECRET, "", path="/") or ""

    @property
    def presented(self) -> binding.Browser:
        """What it presents at acme, as the server reads it."""
        keys = self.served.runtime.settings.cookie_keys
        return binding.Browser(binding.from_cookie(keys, "acme", self.secret), self.session)

    def wears(self, session: str | None, secret: str) -> None:
        """Have the cookies of somebody else."""
        self.http.cookies.set(SESSION, session or "", domain="127.0.0.1", path="/acme")
        self.http.cookies.set(SECRET, secret, domain="127.0.0.1", path="/")


@asynccontextmanager
async def a_browser(served: Served, **who: str) -> AsyncIterator[Browser]:
    """Open a browser without cookies."""
    async with httpx.AsyncClient(timeout=20) as http:
        yield Browser(served, http, **who)


def code_form(code: str, **changes: str) -> dict[str, str]:
    """Return the form that redeems a code of GOOD."""
    form = {"grant_type": "authorization_code", "code": code}
    return form | {"redirect_uri": CALLBACK, "code_verifier": VERIFIER} | changes


def refresh_form(token: str, **changes: str) -> dict[str, str]:
    """Return the form of the refresh token grant."""
    return {"grant_type": "refresh_token", "refresh_token": token} | changes


async def post(
    served: Served, path: str, form: dict[str, Any], client_id: str = "acme-web-basic",
    **more: Any,
) -> httpx.Response:  # fmt: skip
    """Post a form to an endpoint of acme as one of the clients with client_secret_basic."""
    secret = more.pop("secret", None) or SECRETS[client_id]
    return await served.http.post(
        served.issuer() + path, data=form, auth=(client_id, secret), **more
    )


async def is_active(
    served: Served, token: str, client_id: str = "acme-web-basic", secret: str | None = None
) -> bool:
    """Ask introspection."""
    form = {"token": token}
    answer = await post(served, "/token/introspection", form, client_id, secret=secret)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["active"])


async def userinfo(served: Served, token: str) -> httpx.Response:
    """Ask userinfo with a token in the header."""
    return await served.http.get(
        f"{served.issuer()}/me", headers={"Authorization": f"Bearer {token}"}
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and error code of an answer in JSON."""
    return answer.status_code, answer.json()["error"]


async def organization_id(served: Served, slug: str = "acme") -> str:
    """Return the id of an organization."""
    organization = await served.runtime.storage.everywhere.organizations.find_by_slug(slug)
    assert organization is not None
    return organization.id


async def add_user(served: Served, email: str = "", **fields: Any) -> User:
    """Add a person to acme whose password is PASSWORD, unless `password_hash` says otherwise."""
    user = factories.user(
        id=new_id(),
        organization_id=await organization_id(served),
        email=email or f"{secrets.token_hex(6)}@acme.test",
        **({"password_hash": await served.runtime.passwords.hash(PASSWORD)} | fields),
    )
    await served.runtime.storage.everywhere.users.insert(user)
    return user


async def add_client(served: Served, like: str = "acme-web-basic", **fields: Any) -> Client:
    """Add a client to acme that is like another; its secret is its client_id, twice."""
    clients = served.runtime.storage.everywhere.clients
    model = await clients.find(like, await organization_id(served))
    assert model is not None
    name = fields.pop("client_id", None) or f"client-{secrets.token_hex(12)}"
    client = msgspec.structs.replace(
        model, id=new_id(), client_id=name, client_name=name, secrets=(), **fields
    )
    await clients.insert(client)
    if client.client_type == "confidential":
        await served.runtime.storage.everywhere.client_secrets.add(
            client.id,
            client.organization_id,
            secret_hash="-",
            secret_sha256=opaque.sha256_hex(name * 2),
        )
    return client


@asynccontextmanager
async def configured(served: Served, **values: int) -> AsyncIterator[None]:
    """Have other settings of the system for a while."""
    before = (await served.runtime.snapshot()).config
    await _configure(served, values)
    try:
        yield
    finally:
        await _configure(served, {name: getattr(before, name) for name in values})


async def _configure(served: Served, values: dict[str, int]) -> None:
    for key, value in values.items():
        await served.runtime.storage.everywhere.system_config.put(key, value, "number")

    async def arrived() -> bool:
        config = (await served.runtime.snapshot()).config
        return all(getattr(config, key) == value for key, value in values.items())

    await eventually(arrived)
