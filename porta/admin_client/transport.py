"""Transport of the Admin API: a request with its token, sent again where that is safe."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import quote, urlencode

from porta.admin_client.errors import AdminApiError, NoAnswer, NotSignedIn, refusal
from porta.admin_client.http import Http, HttpAnswer, OnChunk, check_address
from porta.admin_client.tokens import TokenSource

BASE = "/api/admin"
_JITTER = random.SystemRandom()
_PATIENCE = 30.0
"""Seconds that are waited at most before another attempt."""
_FIRST_WAIT = 0.25
_LOST_ON_THE_WAY = (502, 504)

Value = str | int | bool | date | datetime | None


@dataclass(frozen=True, slots=True)
class Request:
    """One request below /api/admin."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    content_type: str = "application/json"
    if_match: str | None = None
    idempotency_key: str | None = None
    last_event_id: str | None = None

    @property
    def url(self) -> str:
        """Path and query, as they are sent."""
        path = "/".join(quote(part, safe="") for part in self.path)
        return f"/{path}?{urlencode(self.query)}" if self.query else f"/{path}"

    @property
    def is_repeatable(self) -> bool:
        """Whether it takes effect once however often it is sent (RFC 9110 §9.2.2).

        Changes of a resource are not: when the first one took effect, the second one meets another
        version, or nothing.
        """
        return self.method == "GET" or self.idempotency_key is not None


class Rehearsed(AdminApiError):
    """A change that was not sent, because nothing is to be changed."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"{request.method} {request.url}")
        self.request = request


def query_of(given: Mapping[str, Value]) -> tuple[tuple[str, str], ...]:
    """Return parameters as text; those that are None are left out."""
    return tuple((name, _text(value)) for name, value in given.items() if value is not None)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def check_path(path: tuple[str, ...]) -> None:
    """Raise ValueError where a part is empty, or dots: another resource would be meant."""
    if any(not part or part in (".", "..") for part in path):
        raise ValueError(f"an id or a name is empty: {'/'.join(path)}")


class Transport:
    """How requests reach one server."""

    def __init__(
        self,
        server: str,
        tokens: TokenSource | None,
        http: Http,
        *,
        attempts: int = 4,
        rehearses: bool = False,
    ) -> None:
        """`attempts` is how often a request is sent at most. Who `rehearses` changes nothing.

        Raises InsecureAddress.
        """
        check_address(server)
        self.server = server.rstrip("/")
        self._tokens, self._http = tokens, http
        self._attempts, self._rehearses = attempts, rehearses
        self._sent = ""

    async def open(self, request: Request, on_chunk: OnChunk) -> HttpAnswer:
        """Give `on_chunk` what a stream says, until it ends; it is asked for once.

        Raises what `send` does, and what `on_chunk` raises.
        """
        check_path(request.path)
        answer = await self._once(request, on_chunk)
        if answer.status >= 300:
            raise _refused(answer)
        return answer

    async def renew(self) -> bool:
        """Whether there is another token than the one that was sent last, and refused since."""
        return self._tokens is not None and await self._tokens.renew(self._http, self._sent)

    async def send(self, request: Request) -> HttpAnswer:
        """Return the answer of success. Raises Refused, NoAnswer, NotSignedIn, Rehearsed."""
        check_path(request.path)
        if request.method == "POST" and request.idempotency_key is None:
            request = replace(request, idempotency_key=secrets.token_urlsafe(18))
        if self._rehearses and request.method != "GET":
            raise Rehearsed(request)
        left = self._attempts
        while True:
            left -= 1
            wait = _FIRST_WAIT * 2 ** (self._attempts - left) * _JITTER.uniform(0.5, 1)
            try:
                answer = await self._once(request, None)
            except NoAnswer as failed:
                if left <= 0 or (failed.was_sent and not request.is_repeatable):
                    raise
            else:
                if answer.status < 300:
                    return answer
                asked = _wait(request, answer, wait)
                if left <= 0 or asked is None or asked > _PATIENCE:
                    raise _refused(answer)
                wait = asked
            await asyncio.sleep(wait)

    async def _once(self, request: Request, on_chunk: OnChunk | None) -> HttpAnswer:
        """Send it, and once more where the token was refused and there is a newer one."""
        token = await self._token()
        answer = await self._send(request, token, on_chunk)
        if answer.status != 401 or token is None or self._tokens is None:
            return answer
        if not await self._tokens.renew(self._http, token):
            return answer
        return await self._send(request, await self._token(), on_chunk)

    async def _token(self) -> str | None:
        return None if self._tokens is None else await self._tokens.token(self._http)

    async def _send(
        self, request: Request, token: str | None, on_chunk: OnChunk | None
    ) -> HttpAnswer:
        headers = {"Accept": "*/*"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
            self._sent = token
        if request.content is not None:
            headers["Content-Type"] = request.content_type
        if request.if_match is not None:
            headers["If-Match"] = request.if_match
        if request.last_event_id is not None:
            headers["Last-Event-ID"] = request.last_event_id
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        url = f"{self.server}{BASE}{request.url}"
        return await self._http.send(
            request.method, url, headers, request.content, on_chunk=on_chunk
        )


def _wait(request: Request, answer: HttpAnswer, otherwise: float) -> float | None:
    """Return seconds until this may be sent again, or None where that is of no use, or no good."""
    if answer.status == 409 and request.method == "POST":
        return answer.retry_after  # the first one is at work: it says when to ask
    if answer.status in (429, 503) and answer.retry_after is not None:
        return answer.retry_after  # it was refused, and had no effect
    if answer.status in (429, 503) and request.is_repeatable:
        return otherwise
    if answer.status in _LOST_ON_THE_WAY and request.is_repeatable:
        return otherwise
    return None


def _refused(answer: HttpAnswer) -> AdminApiError:
    if 300 <= answer.status < 400:
        where = answer.headers.get("Location", "another address")
        return NotSignedIn(f"The server sends its callers on to {where}: is this its address?")
    return refusal(
        answer.status,
        answer.content,
        request_id=answer.headers.get("X-Request-Id"),
        retry_after=answer.retry_after,
    )
