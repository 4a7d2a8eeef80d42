"""Idempotency-Key: a request sent twice changes something once, and is answered twice the same.

draft-ietf-httpapi-idempotency-key-header. The answer is kept in the transaction of the change: one
that is answered 2xx is kept, and one that is refused, or breaks off, leaves nothing behind and may
be sent again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from porta.administration.access import Caller
from porta.errors import Conflict, Invalid, PortaError
from porta.runtime import Runtime
from porta.security import boxes, opaque
from storage.router import Storage

LIFETIME = 86_400
"""Seconds that an answer is kept."""
MAX_KEY = 255
_LONGEST = 256 * 1024
"""Characters of an answer that is kept. No single thing is longer."""
_KEY = re.compile(rf'[\x21-\x7e]{{1,{MAX_KEY}}}|"[\x20-\x7e]{{1,{MAX_KEY}}}"')
_PURPOSE = "idempotent answer"


class KeyReused(PortaError):
    """The key came before, with another request."""

    status = 422
    code = "idempotency_key_reused"


class BeingAnswered(PortaError):
    """Another request with the same key is being answered."""

    status = 409
    code = "conflict"


class KeptAnswer(msgspec.Struct, frozen=True):
    """What was answered."""

    status: int
    body: str
    headers: dict[str, str] = {}


def parse_key(values: list[str]) -> str | None:
    """Return the key of an `Idempotency-Key` header, or None without one. Raises Invalid."""
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise Invalid(f"Idempotency-Key must be one value of 1 to {MAX_KEY} visible characters")
    return values[0].strip('"')


def fingerprint(*parts: str) -> str:
    """Return what tells one request from another: method, path and query, and body."""
    return opaque.sha256_hex("\n".join(opaque.sha256_hex(part) for part in parts))


@dataclass(frozen=True, slots=True)
class Once:
    """A request with a key, of a route that answers it in a transaction of its own."""

    runtime: Runtime
    caller: Caller
    key: str
    request: str
    """Its fingerprint."""

    @property
    def _purpose(self) -> str:
        return f"{_PURPOSE} {self.caller.key} {self.key}"

    async def recall(self, storage: Storage) -> KeptAnswer | None:
        """Return what was answered before. Raises KeyReused where the key came with another
        request, and Conflict where the answer is lost.
        """
        kept = await storage.idempotent_answers.find(self.caller.key, self.key)
        if kept is None:
            return None
        if not opaque.equal(kept[0], self.request):
            raise KeyReused("This Idempotency-Key came with another request")
        former = boxes.unlock(self.runtime.settings.cookie_keys, self._purpose, kept[1])
        if former is None:
            raise Conflict("A request with this Idempotency-Key took effect; its answer is lost")
        return msgspec.json.decode(former, type=KeptAnswer)

    async def hold(self, tx: Storage) -> None:
        """Hold the key until `tx` ends. Raises BeingAnswered while another request with it is."""
        if not await tx.idempotent_answers.try_lock(self.caller.key, self.key):
            raise BeingAnswered(
                "A request with this Idempotency-Key is being answered", retry_after=1
            )

    async def keep(self, tx: Storage, answer: KeptAnswer) -> None:
        """Keep the answer in the transaction of its effect, if it is not too large."""
        if len(answer.body) <= _LONGEST:
            keys = self.runtime.settings.cookie_keys
            box = boxes.close(keys, self._purpose, msgspec.json.encode(answer))
            await tx.idempotent_answers.keep(self.caller.key, self.key, self.request, box, LIFETIME)


async def answer_once(
    tx: Storage, once: Once, run: Callable[[], Awaitable[KeptAnswer]]
) -> tuple[KeptAnswer, bool]:
    """Return what `run` answers, or what it answered to the same request before; and whether it is
    such a repetition. `tx` is the transaction of the change.

    Raises KeyReused where the key came with another request, and Conflict while the first one is
    being answered.
    """
    await once.hold(tx)
    former = await once.recall(tx)
    if former is not None:
        return former, True
    answer = await run()
    await once.keep(tx, answer)
    return answer, False


async def keep_apart(tx: Storage, once: Once | None, answer: KeptAnswer) -> None:
    """Keep the answer of a route that opened `tx` itself; nothing, of a request without a key.

    Raises Conflict where another request with it was answered meanwhile: `tx` is rolled back then.
    """
    if once is None:
        return
    await once.hold(tx)
    if await once.recall(tx) is not None:
        raise BeingAnswered("A request with this Idempotency-Key was answered just now")
    await once.keep(tx, answer)
