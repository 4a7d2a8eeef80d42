"""Where walks lead: a Porta that serves, its databases, and the mail that it sends (SMTP)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from porta.dev import mail_catcher
from porta.dev.mail_inbox import Inbox, body_of
from porta.jobs import JOBS
from porta.jobs.worker import Worker
from porta.runtime import Runtime
from storage.postgres.driver import Postgres
from tests.world import house
from tests.world.passkeys import Home
from tests.world.passkeys import furnish as add_home
from tests.world.served import CALLBACK, Served, settings_at, unseeded
from tests.world.waiting import eventually

ADA, GRACE = "ada.lovelace@people.example", "grace.hopper@people.example"
NEW_ADDRESS, NEW_PASSWORD = "ada@new.example", "seven green bottles on a wall"
FEW = 3
"""How many attempts at a sign-in are a few, before it is too often."""
_NAMES = {"given_name": "Ada", "family_name": "Lovelace"}


@dataclass(frozen=True, slots=True)
class World:
    served: Served
    inbox: Inbox
    pg: Postgres
    read: set[str] = field(default_factory=set)
    """The letters that somebody has read."""

    @property
    def runtime(self) -> Runtime:
        return self.served.runtime

    @property
    def origin(self) -> str:
        return self.runtime.settings.issuer_base_url

    async def settle(
        self, *methods: str, policy: str = "optional", person: dict[str, Any] | None = None,
        client: dict[str, Any] | None = None, **organization: Any,
    ) -> Home:  # fmt: skip
        """Add an organization in which people sign in by `methods`, and Ada, who is of it. What
        was mailed before, to a walk that failed, nobody reads any more.
        """
        self.read.update(mail.id for mail in tuple(self.inbox.mails))
        who = {"email": ADA, "email_verified": True, **_NAMES} | (person or {})
        home = await add_home(self.runtime, *methods, policy=policy, **who)
        storage = self.runtime.storage.everywhere
        named = {"branding_company_name": "Acme Ltd.", **organization}
        await storage.organizations.update(home.id, named)
        stored = await storage.clients.find(home.client_id, home.id)
        assert stored is not None
        changes = {"client_name": "Portal", "redirect_uris": (CALLBACK,), **(client or {})}
        await storage.clients.update(stored.id, home.id, changes)
        return home

    async def read_letter(self, address: str, pattern: str) -> str:
        """Wait for a letter to an address that nobody has read, and return what it says there."""
        found: list[str] = []

        async def came() -> bool:
            for mail in tuple(self.inbox.mails):
                if address in mail.recipients and mail.id not in self.read:
                    body = body_of(mail.parsed(), "plain") or ""
                    if said := re.search(pattern, body, re.MULTILINE):
                        self.read.add(mail.id)
                        found.append(said[1])
                        return True
            return False

        await eventually(came)
        return found[0]

    async def link_to(self, address: str, kind: str) -> str:
        """Return the path of a link of a kind that was mailed to an address."""
        base = re.escape(self.origin)
        return await self.read_letter(address, rf"^{base}(/\S+/auth/{kind}/\S+)\s*$")

    async def code_to(self, address: str) -> str:
        """Return the code that was mailed to an address."""
        return await self.read_letter(address, r"^([0-9]{6})\s*$")


@asynccontextmanager
async def opened_world(database_url: str, redis_url: str, pg: Postgres) -> AsyncIterator[World]:
    """Run a server that mails, and may call the loopback. Its issuers have a name: no browser knows
    passkeys of an address.
    """
    mail = await mail_catcher.start()
    settings = settings_at(
        database_url, redis_url, "localhost",
        smtp_host="127.0.0.1", smtp_port=mail.smtp_port, smtp_tls="none", smtp_from="id@acme.test",
        outbound_private_addresses=True, trusted_proxies="127.0.0.1",
    )  # fmt: skip
    try:
        async with unseeded(settings, _seed) as running, _mailing(running.runtime):
            yield World(running, mail.inbox, pg)
    finally:
        await mail.stop()


@asynccontextmanager
async def _mailing(runtime: Runtime) -> AsyncIterator[None]:
    """Have what is queued sent, as a worker does."""
    worker = Worker(runtime, JOBS)
    working = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop(0)
        await working


async def _seed(runtime: Runtime) -> None:
    await house.furnish(runtime)
    few = dict.fromkeys(("rate_limit_login_max", "rate_limit_second_factor_max"), FEW)
    many = ("rate_limit_request_max", "rate_limit_request_installation_max")
    for name, most in {**few, **dict.fromkeys(many, 10**9)}.items():
        await runtime.storage.everywhere.system_config.put(name, most, "number")
