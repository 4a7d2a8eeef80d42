"""A small load balancer in front of the instances of a test: the browser sees one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.world.served import Served


class Balancer(httpx.AsyncHTTPTransport):
    """Sends every request to the next instance that is in; it retries nothing."""

    def __init__(self, *instances: Served) -> None:
        super().__init__(limits=httpx.Limits(max_connections=None))
        self.instances = list(instances)
        self.out: set[str] = set()
        """Base URLs of the instances that said that they are not ready."""
        self.statuses: list[int] = []
        """Of every answer."""
        self._turn = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        served = self._next()
        if served is None:
            self.statuses.append(502)
            return httpx.Response(502, request=request)
        sent = httpx.Request(
            request.method,
            request.url.copy_with(port=httpx.URL(served.base_url).port),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        answer = await super().handle_async_request(sent)
        self.statuses.append(answer.status_code)
        return answer

    def _next(self) -> Served | None:
        """Begin with the second: whoever asked for the first by name is sent on at once."""
        for _ in self.instances:
            self._turn = (self._turn + 1) % len(self.instances)
            served = self.instances[self._turn]
            if served.base_url not in self.out:
                return served
        return None

    @asynccontextmanager
    async def heeding_ready(self, every: float = 0.5) -> AsyncIterator[None]:
        """Ask /ready of each instance, `every` so many seconds, and heed what it says."""
        watch = asyncio.create_task(self._watch(every))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])

    async def _watch(self, every: float) -> None:
        async with httpx.AsyncClient(timeout=2) as http:
            while True:
                for served in tuple(self.instances):
                    if await _is_ready(http, served):
                        self.out.discard(served.base_url)
                    else:
                        self.out.add(served.base_url)
                await asyncio.sleep(every)


async def _is_ready(http: httpx.AsyncClient, served: Served) -> bool:
    try:
        answer = await http.get(f"{served.base_url}/ready")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
