"""A server inside the test: the real Application on real stores, seeded from examples/dev.yaml."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from handlers import app
from porta.config.settings import Settings
from porta.runtime import Runtime
from porta.services import startup
from porta.services.provisioning import provision
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import load_document
from tests.factories import challenge_of
from tests.world.answers import hidden_fields, location, query_of
from tests.world.ports import free_port

SEED = Path(__file__).parents[2] / "examples" / "dev.yaml"
CALLBACK = "http://127.0.0.1:9009/callback"
VERIFIER = "v" * 43


@dataclass(slots=True)
class Served:
    """A running server with its runtime at hand, and a browser that follows nothing by itself."""

    runtime: Runtime
    http: httpx.AsyncClient
    base_url: str

    def issuer(self, slug: str = "acme") -> str:
        return f"{self.base_url}/{slug}"

    async def sign_in(
        self,
        email: str = "alice@acme.test",
        password: str = "quiet-otter-paints-seven-lamps",
        **more: str,
    ) -> str:
        """Return a code of the client acme-web-basic, through the login page where it is shown."""
        answer = await self.authorize(**more)
        if location(answer).startswith(CALLBACK):
            return query_of(answer)["code"]
        page = await self.http.get(location(answer))
        fields = hidden_fields(page.text) | {"email": email, "password": password}
        answer = await self.http.post(f"{page.url}/login", data=fields)
        while not location(answer).startswith(CALLBACK):
            answer = await self.http.get(location(answer))
        return query_of(answer)["code"]

    async def authorize(self, **more: str) -> httpx.Response:
        """Send an authorization request of the client acme-web-basic."""
        parameters = {
            "client_id": "acme-web-basic",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": secrets.token_urlsafe(8),
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }
        return await self.http.get(f"{self.issuer()}/auth", params=parameters)

    async def token(
        self, client_id: str = "acme-web-basic", secret: str = "", **form: str
    ) -> httpx.Response:
        """Post to the token endpoint as one of the seeded confidential clients."""
        secret = secret or SECRETS[client_id]
        return await self.http.post(f"{self.issuer()}/token", data=form, auth=(client_id, secret))

    async def redeem(self, code: str) -> dict[str, Any]:
        """Return the token response for a code of acme-web-basic."""
        answer = await self.token(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


SECRETS = {
    "acme-web-basic": "acme-web-basic-development-secret-0001",
    "acme-web-post": "acme-web-post-development-secret-0002",
    "acme-machine": "acme-machine-development-secret-0003",
    "acme-partner": "acme-partner-development-secret-0004",
}


def settings_for(database_url: str, redis_url: str | None, **more: Any) -> Settings:
    """Return settings for tests: cheap hashes, fixed keys."""
    values: dict[str, Any] = {
        "environment": "test",
        "host": "127.0.0.1",
        "port": 0,
        "database_url": database_url,
        "redis_url": redis_url,
        "issuer_base_url": "http://127.0.0.1:1",
        "cookie_keys": ("k" * 32,),
        "signing_key_encryption_key": "ab" * 32,
        "two_factor_encryption_key": "cd" * 32,
        "argon2_memory_kib": 8192,
        "argon2_passes": 1,
        "log_level": "fatal",
        **more,
    }
    return Settings(_env_file=None, **values)


def settings_at(
    database_url: str, redis_url: str | None, host: str = "127.0.0.1", **more: Any
) -> Settings:
    """Return the same for a server that listens where its issuer says: on a free port of `host`."""
    port = free_port()
    here = {"port": port, "issuer_base_url": f"http://{host}:{port}"}
    return settings_for(database_url, redis_url, **here | more)


@asynccontextmanager
async def serve(database_url: str, redis_url: str | None, **more: Any) -> AsyncIterator[Served]:
    """Run a server on a free port until the context ends."""
    settings = settings_at(database_url, redis_url, **more)
    async with unseeded(settings, _seed) as running:
        yield running


@cache
def _document() -> Document:
    return load_document(SEED)


async def _seed(runtime: Runtime) -> None:
    await provision(
        runtime.storage.everywhere,
        _document(),
        passwords=runtime.passwords,
        now=runtime.clock(),
    )
    # All tests of a run come from one address, and count in one Redis.
    for limit in ("rate_limit_request_max", "rate_limit_request_installation_max"):
        await runtime.storage.everywhere.system_config.put(limit, 10**9, "number")


@asynccontextmanager
async def beside(served: Served, **more: Any) -> AsyncIterator[Served]:
    """Run another instance of the same installation, on another port."""
    async with unseeded(served.runtime.settings.model_copy(update={"port": 0, **more})) as running:
        yield running


@asynccontextmanager
async def unseeded(
    settings: Settings, seed: Callable[[Runtime], Awaitable[None]] | None = None
) -> AsyncIterator[Served]:
    """Run a server on whatever its database holds, and on a free port where none is set."""
    port = settings.port or free_port()
    settings = settings.model_copy(update={"port": port})
    async with AsyncExitStack() as opened:  # closed as well where nothing starts
        runtime = await Runtime.open(settings)
        opened.push_async_callback(runtime.close)
        await startup.prepare(runtime)
        if seed is not None:
            await seed(runtime)
        await _hear_everything(runtime)
        server = await app.start(runtime, settings)
        opened.push_async_callback(server.stop)
        http = await opened.enter_async_context(httpx.AsyncClient(timeout=20))
        yield Served(runtime, http, f"http://127.0.0.1:{port}")


async def post_across_sites(http: httpx.AsyncClient, url: str, **sent: Any) -> httpx.Response:
    """Post as a page of another site does: cookies of SameSite=Lax stay at home (RFC 6265bis)."""
    kept = httpx.Cookies(http.cookies)
    http.cookies.clear()
    answer = await http.post(url, **sent)
    http.cookies = kept
    http.cookies.extract_cookies(answer)
    return answer


async def _hear_everything(runtime: Runtime) -> None:
    """Wait until what the seed changed has been heard of: notifications come in their order."""
    last = asyncio.Event()

    def listen(table: str, key: str) -> None:
        if (table, key) == ("system_config", "seeded"):
            last.set()

    runtime.storage.on_change(listen)
    while not runtime.storage.listening:
        await asyncio.sleep(0.01)
    await runtime.storage.everywhere.system_config.put("seeded", 1, "number")
    await last.wait()
