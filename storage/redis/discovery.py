"""Service discovery by redis-py: the primary that Sentinels name, the nodes of a cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any

from redis import asyncio as aioredis
from redis.asyncio.cluster import ClusterNode, NodesManager
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.cluster import PRIMARY
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import (
    AskError,
    AuthenticationError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from storage.errors import Refused, Unreachable
from storage.redis.connect import connect
from storage.redis.connection import Address, Refusal, Wire, Word
from storage.redis.urls import Place, RedisUrl


async def locate_primary(url: RedisUrl, deadline: float) -> Address:
    """Ask all Sentinels at once; believe a majority as soon as it agrees, else most of them.

    One that does not answer is waited for half of `deadline`, in seconds. Raises Refused where no
    Sentinel that answers knows the service, or lets us ask; Unreachable or TimeoutError where
    none answers.
    """
    answers = await _ask_sentinels(url, deadline)
    named = Counter(answer for answer in answers if isinstance(answer, tuple))
    if named:
        return url.address(named.most_common(1)[0][0])
    for answer in answers:
        if isinstance(answer, str):
            raise Refused(f"{url.place} refuses the connection: {answer}")
    raise Unreachable(f"{url.place} does not answer: no Sentinel answers")


async def _ask_sentinels(url: RedisUrl, deadline: float) -> list[Place | str]:
    options = {"decode_responses": True, "redis_connect_func": partial(_authenticate, url)}
    # mypy: this class of the library is not typed.
    library = Sentinel(url.places, sentinel_kwargs=_options(url, deadline) | options)  # type: ignore[no-untyped-call]
    asked = [asyncio.ensure_future(_ask(each, url.service)) for each in library.sentinels]
    answers: list[Place | str] = []
    try:
        async with asyncio.timeout(deadline / 2):
            for each in asyncio.as_completed(asked):
                answer = await each
                answers += [answer] if answer is not None else []
                if max(Counter(answers).values(), default=0) > len(asked) // 2:
                    break
    except TimeoutError:
        if not answers:
            raise
    finally:
        for task in asked:
            task.cancel()
        await _completed(_closed(library, asked))
    return answers


async def _closed(library: Sentinel, asked: Iterable[asyncio.Future[Place | str | None]]) -> None:
    await asyncio.gather(*asked, return_exceptions=True)
    await library.aclose()


async def _completed(closing: Coroutine[Any, Any, None]) -> None:
    """Run to the end what closes connections, also for one who is cancelled meanwhile."""
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.shield(task)
    finally:
        await asyncio.wait([task])


async def _authenticate(url: RedisUrl, connection: Connection) -> None:
    """A Sentinel may have a password or none: AUTH that it refuses harms nothing."""
    await connection.on_connect()
    for words in url.auth:
        await connection.send_command(*words)
        with contextlib.suppress(AuthenticationError, ResponseError):
            await connection.read_response(disconnect_on_error=False)


async def _ask(sentinel: Any, service: str) -> Place | str | None:
    """Return the primary's place, or what is wrong with the URL, or None: no answer."""
    try:
        named: Place | None = await sentinel.sentinel_get_master_addr_by_name(service)
    except RedisError as failure:
        code = failure.status_code
        if code in ("NOAUTH", "NOPERM"):
            return f"a Sentinel does not take this user and password ({code})"
        return "what answers there is no Sentinel" if code == "ERR" else None
    return named or "no Sentinel that answers knows a service of this name"


def slot_of(key: Word) -> int:
    """Return the slot of a key: that of what stands in its first braces, or of the whole."""
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


class Nodes:
    """The primaries of a cluster by the slots they serve."""

    def __init__(self, url: RedisUrl, known: Iterable[Place], deadline: float) -> None:
        library = aioredis.RedisCluster(
            startup_nodes=[ClusterNode(*place) for place in known],
            username=url.user,
            password=url.password,
            address_remap=lambda told: (_named(told[0], url.places[0]), told[1]),
            require_full_coverage=False,
            dynamic_startup_nodes=False,
            **_options(url, deadline),
        )
        self._manager: NodesManager = library.nodes_manager

    @classmethod
    async def read(cls, url: RedisUrl, known: Iterable[Place], deadline: float) -> Nodes:
        """Ask the `known` in any order, for `deadline` seconds each, until all slots are told.

        Raises Refused where none can tell and one does not take us; Unreachable otherwise.
        """
        nodes = cls(url, known, deadline)
        try:
            await nodes._manager.initialize()
        except (RedisError, RedisClusterException, IndexError) as failure:  # without slots: Index
            raise await _problem(url, known, deadline) from failure
        finally:
            await _completed(nodes._manager.aclose("startup_nodes"))
        return nodes

    @property
    def primaries(self) -> frozenset[Place]:
        nodes = self._manager.get_nodes_by_server_type(PRIMARY)
        return frozenset((each.host, int(each.port)) for each in nodes)

    @property
    def whole(self) -> bool:
        """Whether every slot is served."""
        return len(self._manager.slots_cache) == REDIS_CLUSTER_HASH_SLOTS

    def owner(self, slot: int) -> Place | None:
        nodes = self._manager.slots_cache.get(slot)
        return (nodes[0].host, int(nodes[0].port)) if nodes else None

    async def redirected(self, asked: Place, reply: Refusal) -> Place:
        """Return where MOVED or ASK sends on to, and note what moved; no host is the one asked."""
        code, _, told = str(reply).partition(" ")
        redirect = AskError(told)
        redirect.host = _named(redirect.host, asked)
        if code == "MOVED":
            self._manager.slots_cache.setdefault(redirect.slot_id, [])
            await self._manager.move_slot(redirect)
        return redirect.host, redirect.port

    def one_key_each(self, prefix: str) -> list[str]:
        """Return keys that begin with `prefix`, one for each primary."""
        keys: dict[Place | None, str] = {}
        wanted = len(self.primaries)
        for number in range(REDIS_CLUSTER_HASH_SLOTS):
            key = f"{prefix}:{number}"
            keys.setdefault(self.owner(slot_of(key)), key)
            if len(keys) == wanted:
                break
        return list(keys.values())


def _named(host: str | None, asked: Place) -> str:
    """Return the host, or that which was asked where nodes do not say theirs."""
    return asked[0] if host in (None, "", "?") else host


async def _problem(url: RedisUrl, known: Iterable[Place], deadline: float) -> Unreachable:
    """Say why none of `known` tells its slots: the library does not, a greeting of ours does."""
    greetings = (
        connect(url.address(place), deadline, lambda wire, reason: None) for place in known
    )
    greeted = await asyncio.gather(*greetings, return_exceptions=True)
    for each in greeted:
        if isinstance(each, Wire):
            each.abort("greeted")
    failures = [each for each in greeted if isinstance(each, Unreachable)]
    refused = [each for each in failures if isinstance(each, Refused)]
    told = "; ".join(map(str, failures)) or "no node tells its slots"
    return refused[0] if refused else Unreachable(f"{url.place} does not answer: {told}")


def _options(url: RedisUrl, deadline: float) -> dict[str, Any]:
    """Return what a connection of the library begins with; it asks once, for `deadline` seconds."""
    return {
        "ssl": url.tls is not None,
        "protocol": 2,
        "driver_info": None,
        "socket_timeout": deadline,
        "socket_connect_timeout": deadline,
        "retry": Retry(NoBackoff(), 0),
    }
