"""Public documents: what everybody may read and caches may keep, soon even without PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from handlers.cors import ANY_ORIGIN
from handlers.tenant import TenantHandler
from storage.errors import Unreachable

T = TypeVar("T")

_SILENCE = 0.4  # seconds for which a public document waits for a database that says nothing


class PublicDocumentHandler(TenantHandler):
    """A document for everybody, whatever the origin; caches may keep it."""

    always_answers = True
    is_routine = True
    origins = ANY_ORIGIN

    async def prepare(self) -> None:
        self._answers = self.runtime.storage.answers
        if self.runtime.has_tenant(self.slug()):
            await super().prepare()
        else:
            await self.unless_silent(super().prepare)

    async def unless_silent(self, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` returns; it only reads, and may be called twice.

        Raises Unreachable where PostgreSQL has answered nobody since the request came, in time for
        an answer within 0.5 s (requirement K.3): one that is slow and well is waited for. What is
        being read meanwhile is there for whoever comes again.
        """
        try:
            async with asyncio.timeout(max(_SILENCE - self.request.request_time(), 0)):
                return await read()
        except TimeoutError:
            if self.runtime.storage.answers == self._answers:
                raise Unreachable("PostgreSQL says nothing") from None
        return await read()

    async def options(self) -> None:
        self.origins.answer_preflight(self)

    async def head(self) -> None:
        await self.get()

    async def get(self) -> None:
        raise NotImplementedError

    def finish_document(self, document: object, *, max_age: int) -> None:
        """Answer with `document`, for caches to keep `max_age` seconds."""
        self.origins.open(self)
        self.set_header("Cache-Control", f"public, max-age={max_age}")
        self.finish(self.encode(document))
