"""Idempotency-Key: a request sent twice changes something once, and is answered twice the same.

draft-ietf-httpapi-idempotency-key-header. The answer is kept in the transaction of the change: one
that is answered 2xx is kept, and one that is refused, or breaks off, leaves nothing behind and may
be sent again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

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


async def answer_once(
    runtime: Runtime,
    tx: Storage,
    caller: Caller,
    key: str,
    request: str,
    run: Callable[[], Awaitable[KeptAnswer]],
) -> tuple[KeptAnswer, bool]:
    """Return what `run` answers, or what it answered to the same request before; and whether it is
    such a repetition. `request` is a fingerprint; `tx` is the transaction of the change.

    Raises KeyReused where the key came with another request, and Conflict while the first one is
    being answered.
    """
    actor, keys = caller.key, runtime.settings.cookie_keys
    if not await tx.idempotent_answers.try_lock(actor, key):
        raise Conflict("A request with this Idempotency-Key is being answered", retry_after=1)
    purpose = f"{_PURPOSE} {actor} {key}"
    kept = await tx.idempotent_answers.find(actor, key)
    if kept is not None:
        if not opaque.equal(kept[0], request):
            raise KeyReused("This Idempotency-Key came with another request")
        former = boxes.unlock(keys, purpose, kept[1])
        if former is None:
            raise Conflict("A request with this Idempotency-Key took effect; its answer is lost")
        return msgspec.json.decode(former, type=KeptAnswer), True
    answer = await run()
    if len(answer.body) <= _LONGEST:
        box = boxes.close(keys, purpose, msgspec.json.encode(answer))
        await tx.idempotent_answers.keep(actor, key, request, box, LIFETIME)
    return answer, False
