"""Set-up links: made as an administrator does, and used as whoever was sent one does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from storage.models.organizations import Organization
from tests.world.administrators import Installation
from tests.world.answers import hidden_fields, location
from tests.world.upstream import Provider

TYPED = {"client_id": "porta", "client_secret": "a secret of theirs"}


@dataclass(slots=True)
class Holder:
    """Somebody who has a link, in one browser."""

    http: httpx.AsyncClient
    url: str

    async def get(self, query: str = "") -> httpx.Response:
        return await self.http.get(f"{self.url}{query}")

    async def post(self, query: str = "", **form: str) -> httpx.Response:
        """Send the form that is shown, with these values."""
        fields = hidden_fields((await self.get(query)).text)
        return await self.http.post(self.url, data=fields | form)

    async def begin(self) -> httpx.Response:
        return await self.post(step="begin")

    async def test(self, upstream: Provider, **typed: str) -> httpx.Response:
        """Type what the provider gave, and go there."""
        form = {"issuer": upstream.base, **TYPED, **typed}
        return await self.post("?change=1", step="test", **form)

    def callback_of(self, there: str) -> str:
        """Return the redirect URI that a request to the provider names."""
        return str(httpx.URL(there).params["redirect_uri"])

    async def come_back(self, upstream: Provider, there: str) -> httpx.Response:
        """Sign in there, and come back; return what is answered at the link's own callback."""
        response = upstream.grant(there)
        answer = await self.http.get(self.callback_of(there), params=response)
        return await self.http.get(location(answer))

    async def pass_test(self, upstream: Provider, **typed: str) -> httpx.Response:
        """Have a test succeed, and return the page after it."""
        there = location(await self.test(upstream, **typed))
        return await self.http.get(location(await self.come_back(upstream, there)))


async def sent(installation: Installation, home: Organization, **more: Any) -> dict[str, Any]:
    """Make a link, by default for an OpenID Provider, and return what the Admin API answers."""
    body = more if "domainId" in more else {"provider": "openid", "name": "Acme Workforce", **more}
    made: dict[str, Any] = await installation.post(f"/organizations/{home.id}/setup-links", body)
    return made


@asynccontextmanager
async def held(base: httpx.URL, url: str) -> AsyncIterator[Holder]:
    """Open a link in a browser of its own."""
    async with httpx.AsyncClient(base_url=base, timeout=20) as http:
        yield Holder(http, urlsplit(url).path)
