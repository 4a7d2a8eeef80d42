"""Sentinels: the address of the primary that most of them name."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from storage.errors import Refused, Unreachable
from storage.redis.connect import connect
from storage.redis.connection import Address, Command, Refusal, Wire
from storage.redis.error_replies import code_of
from storage.redis.urls import Place, RedisUrl


class Sentinels:
    """The Sentinels of a URL, all asked at once whenever the primary is to be dialled."""

    def __init__(self, url: RedisUrl, deadline: float) -> None:
        """A Sentinel that does not answer is waited for half of `deadline`, in seconds."""
        self._url = url
        self._patience = deadline / 2

    async def locate(self) -> Address:
        """Return where the primary is: as soon as a majority agrees, else where most say.

        Raises Refused where no Sentinel that answers knows the service, or lets us ask;
        Unreachable or TimeoutError where none answers.
        """
        answers = await self._answers()
        named = Counter(answer for answer in answers if isinstance(answer, tuple))
        if named:
            return self._url.address(named.most_common(1)[0][0])
        place = self._url.place
        for answer in answers:
            if isinstance(answer, str):
                raise Refused(f"{place} refuses the connection: {answer}")
        raise Unreachable(f"{place} does not answer: no Sentinel answers")

    async def _answers(self) -> list[Place | str]:
        asked = {asyncio.ensure_future(self._ask(place)) for place in self._url.places}
        majority = len(asked) // 2 + 1
        answers: list[Place | str] = []
        try:
            async with asyncio.timeout(self._patience):
                for each in asyncio.as_completed(asked):
                    answer = await each
                    answers += [answer] if answer is not None else []
                    if max(Counter(answers).values(), default=0) >= majority:
                        break
        except TimeoutError:
            if not answers:
                raise
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return answers

    async def _ask(self, place: Place) -> Place | str | None:
        """Return the primary's place, or what is wrong with the URL, or None: no answer."""
        address = Address(*place, self._url.tls, ())
        question: Command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._url.service)
        try:
            wire = await connect(address, self._patience, _forget)
            try:
                # A Sentinel may have a password or none: AUTH that it refuses harms nothing.
                *_, reply = await wire.send((*self._url.credentials, question))
            finally:
                wire.abort("asked")
        except (OSError, Unreachable):
            return None
        return _understood(reply)


def _understood(reply: Any) -> Place | str | None:
    if reply is None:
        return "no Sentinel that answers knows a service of this name"
    if not isinstance(reply, Refusal):
        host, port = reply
        return host.decode(), int(port)
    code = code_of(reply)
    if code in ("NOAUTH", "NOPERM"):
        return f"a Sentinel does not take this user and password ({code})"
    return "what answers there is no Sentinel" if code == "ERR" else None


def _forget(wire: Wire, reason: str) -> None:
    """Nobody waits for the connection to a Sentinel: it was asked, or it is gone."""
