"""Artifacts in Redis: short-lived, each under one key, consumed by a script."""

from __future__ import annotations

from typing import Any

from storage.errors import AlreadyConsumed, Contended
from storage.models.artifact import Artifact, artifact_id
from storage.models.artifacts import ArtifactKind
from storage.redis.breaker import RedisBreaker
from storage.redis.client import Call, Script
from storage.stores import (
    MOST_AMENDMENTS,
    SHORTEST_LIFE,
    Change,
    check_index,
    check_look_up,
    decode,
    encode,
    is_open_to,
    refusal,
)

# A value is "0" (or "1", once it is consumed), the organization, a line feed, the payload.
_SAVE = Script("""
local function owner(value)
  return string.sub(value, 2, string.find(value, '\\n', 2, true))
end
local old = redis.call('GET', KEYS[1])
if old and (ARGV[3] == '1' or string.sub(old, 1, 1) == '1' or owner(old) ~= owner(ARGV[1])) then
  return old
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
""")
# In the place of what is known; else that which stands is answered, and nothing where nothing does.
_AMEND = Script("""
local value = redis.call('GET', KEYS[1])
if value ~= ARGV[1] then return value or '' end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return false
""")
# A Redis that is full cannot mark what is used up, but it can let go of it: then nobody is told
# later that it was used, as after its time. One that takes no writes at all (READONLY, NOREPLICAS,
# MISCONF) gives out unmarked what PostgreSQL lets be used once: ARGV[3].
_CONSUME = Script("""
local value = redis.call('GET', KEYS[1])
if not value then return false end
local stop = string.find(value, '\\n', 2, true)
if ARGV[1] ~= '*' and string.sub(value, 2, stop - 1) ~= ARGV[1] then return false end
if ARGV[2] ~= '' and cjson.decode(string.sub(value, stop + 1)).client_id ~= ARGV[2] then
  return false
end
if string.sub(value, 1, 1) == '0' then
  local marked = redis.pcall('SETRANGE', KEYS[1], 0, '1')
  if type(marked) == 'table' and marked.err then
    if string.find(marked.err, 'OOM', 1, true) then
      redis.call('DEL', KEYS[1])
    elseif ARGV[3] ~= '1' then
      redis.call('SETRANGE', KEYS[1], 0, '1')  -- fails as it did, in the words of its kind
    end
  end
end
return value
""")
_DELETE = Script("""
local value = redis.call('GET', KEYS[1])
if not value then return false end
local stop = string.find(value, '\\n', 2, true)
if ARGV[1] ~= '*' and string.sub(value, 2, stop - 1) ~= ARGV[1] then return false end
return redis.call('DEL', KEYS[1])
""")


def key_of(kind: ArtifactKind, id: str) -> str:
    """Return the key an artifact is kept under."""
    return f"porta:{kind.record.__name__}:{id}"


def pack(artifact: Artifact) -> bytes:
    """Return the value of an artifact that is not consumed."""
    organization_id = artifact.organization_id.encode()
    if b"\n" in organization_id:
        raise ValueError("the id of an organization is one line")
    return b"0%b\n%b" % (organization_id, encode(artifact))


def unpack(
    kind: ArtifactKind, id: str, value: bytes, organization_id: str
) -> tuple[Artifact, bool] | None:
    """Return the artifact and whether it is consumed, or None when it is another's."""
    owner, _, payload = value[1:].partition(b"\n")
    if not is_open_to(owner.decode(), organization_id):
        return None
    return decode(kind, id, payload), value[:1] == b"1"


class RedisStore:
    """Artifacts that live in Redis only: without it they are `Unreachable`.

    One that takes no writes gives nothing to read either: what is found there could not go on, and
    whoever is told so at once can begin anew elsewhere. What it holds can still be used up, or end.
    Where it is believed to take none it is asked: another instance may know better.
    """

    def __init__(self, redis: RedisBreaker) -> None:
        self._redis = redis

    async def save(self, kind: ArtifactKind, artifact: Artifact, ttl: float) -> None:
        args = (pack(artifact), _milliseconds(ttl), int(kind.created_once))
        old = await self._redis.script(_SAVE, [key_of(kind, artifact.id)], args)
        if old is not None:
            found = unpack(kind, artifact.id, old, artifact.organization_id)
            raise refusal(kind, artifact, None if found is None else found[0])
        # An index lives where its own key does, perhaps on another server: it is a hint, and what
        # it leads to is looked at again.
        for index in kind.found_by:
            key = _index_key(kind, artifact.organization_id, index, getattr(artifact, index))
            await self._redis.command("SET", key, artifact.id, "PX", _milliseconds(ttl))

    async def amend(self, kind: ArtifactKind, known: Artifact, change: Change) -> Artifact | None:
        value, key = pack(known), key_of(kind, known.id)
        for _ in range(MOST_AMENDMENTS):
            new, ttl = change(known)
            args = (value, pack(new), _milliseconds(ttl))
            standing: bytes | None = await self._redis.script(_AMEND, [key], args)
            if standing is None:
                return new
            found = unpack(kind, known.id, standing, known.organization_id) if standing else None
            if found is None:
                return None
            value, (known, consumed) = standing, found
            if consumed:
                raise AlreadyConsumed(known)
        raise Contended(f"others are always first to change this {kind.record.__name__}")

    async def create_guarded(
        self, guard: Call, kind: ArtifactKind, artifact: Artifact, ttl: float
    ) -> Any:
        """Keep an artifact of a kind without an index, where `guard` returns an empty table.

        Returns what it returned. The id is the digest of a new value: nothing stands there yet.
        One round trip on one server (`RedisClient.guarded_set`).
        """
        key = key_of(kind, artifact.id)
        return await self._redis.guarded_set(guard, key, pack(artifact), _milliseconds(ttl))

    async def find(self, kind: ArtifactKind, id: str, organization_id: str) -> Artifact | None:
        check_look_up(kind, organization_id)
        if not self._redis.takes_writes:
            await self._redis.try_write()
        value = await self._redis.command("GET", key_of(kind, id))
        return _usable(kind, id, value, organization_id)

    async def find_by(
        self, kind: ArtifactKind, organization_id: str, index: str, value: str
    ) -> Artifact | None:
        check_index(kind, index)
        check_look_up(kind, organization_id)
        key = _index_key(kind, organization_id, index, value)
        named = await self._redis.command("GET", key)
        if named is None:
            return None
        id = named.decode()
        stored = await self._redis.command("GET", key_of(kind, id))
        found = _usable(kind, id, stored, organization_id)
        return found if found is not None and getattr(found, index) == value else None

    async def consume(
        self, kind: ArtifactKind, id: str, organization_id: str, client_id: str | None = None
    ) -> Artifact | None:
        check_look_up(kind, organization_id)
        condition = (organization_id, client_id or "", int(kind.founds))
        value = await self._redis.script(_CONSUME, [key_of(kind, id)], condition)
        found = None if value is None else unpack(kind, id, value, organization_id)
        if found is None:
            return None
        artifact, consumed = found
        if consumed:
            raise AlreadyConsumed(artifact)
        return artifact

    async def delete(self, kind: ArtifactKind, id: str, organization_id: str) -> bool:
        check_look_up(kind, organization_id)
        gone = await self._redis.script(_DELETE, [key_of(kind, id)], [organization_id])
        return gone is not None


def _milliseconds(ttl: float) -> int:
    return int(max(ttl, SHORTEST_LIFE) * 1000)


def _usable(
    kind: ArtifactKind, id: str, value: bytes | None, organization_id: str
) -> Artifact | None:
    found = None if value is None else unpack(kind, id, value, organization_id)
    return None if found is None or found[1] else found[0]


def _index_key(kind: ArtifactKind, organization_id: str, index: str, value: str) -> str:
    """The value is digested: an index such as a user code could be presented."""
    return f"porta:{kind.record.__name__}.{index}:{organization_id}:{artifact_id(value)}"
