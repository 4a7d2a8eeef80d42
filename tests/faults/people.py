"""People who sign in, as long as it takes, and what becomes of what they were given."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from porta.observability.redaction import mask_path
from tests.world.balancer import Balancer
from tests.world.browser import Browser, code_form, is_active, new_address, post, refresh_form
from tests.world.served import Served

WORKERS = int(os.environ.get("FAULT_WORKERS", "4"))


@dataclass(slots=True)
class Load:
    """People who come, sign in and stay; what they were promised is noted."""

    served: Served
    """The server whose address browsers know."""
    balancer: Balancer
    people: list[str]
    done: list[float] = field(default_factory=list)
    """When a whole sign-in ended."""
    took: list[float] = field(default_factory=list)
    failed: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Answers of 500 and more, by status and step."""
    again: int = 0
    """Sign-ins that had to begin anew."""
    promised: list[dict[str, Any]] = field(default_factory=list)

    async def one(self) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(timeout=20, transport=_Kept(self.balancer)) as http:
            http.event_hooks["response"].append(self._note)
            email = secrets.choice(self.people)
            person = Browser(self.served, http, email=email, address=new_address())
            try:
                code = await person.code()
                url = f"{self.served.issuer()}/token"
                auth = ("acme-web-basic", "acme-web-basic-development-secret-0001")
                answer = await http.post(url, data=code_form(code), auth=auth)
                assert answer.status_code == 200
            except AssertionError:
                self.again += 1
                return
        self.promised.append(answer.json())
        self.done.append(time.monotonic())
        self.took.append(self.done[-1] - began)

    async def _note(self, answer: httpx.Response) -> None:
        if answer.status_code >= 500:
            asked = answer.request
            self.failed[answer.status_code, f"{asked.method} {mask_path(asked.url.path)}"] += 1

    @property
    def failures(self) -> set[int]:
        """The statuses of those."""
        return {status for status, _ in self.failed}

    def longest_gap(self, since: float, until: float) -> float:
        """Return the longest time in which nobody came to the end of a sign-in."""
        ends = [since, *(end for end in self.done if since < end < until), until]
        return max(after - before for before, after in pairwise(ends))


class _Kept(httpx.AsyncBaseTransport):
    """The balancer outlives its browsers."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._balancer.handle_async_request(request)


@asynccontextmanager
async def working(load: Load) -> AsyncIterator[None]:
    async def repeat() -> None:
        while not over:
            await load.one()

    over = False
    workers = [asyncio.create_task(repeat()) for _ in range(WORKERS)]
    try:
        yield
    finally:
        over = True
        await asyncio.gather(*workers)


async def lost(load: Load, served: Served) -> int:
    """Return how many of those who were given tokens have them no longer."""
    missing = 0
    for tokens in load.promised:
        if not await is_active(served, tokens["access_token"]):
            missing += 1
            continue
        answer = await post(served, "/token", refresh_form(tokens["refresh_token"]))
        missing += answer.status_code != 200
    return missing
