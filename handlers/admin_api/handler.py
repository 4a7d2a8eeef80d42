"""Admin API handler: every route of the table is read, allowed, run and answered by one class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers import download, event_stream
from handlers.admin_api.answers import build, may_read
from handlers.admin_api.preconditions import is_known, parse_version
from handlers.admin_api.route import EVENT_STREAM, Route
from handlers.admin_api.unknown_paths import AdminErrorHandler
from handlers.errors import Failure, failure_of
from porta.administration import access, bodies, idempotency, limits
from porta.administration.access import Caller
from porta.administration.call import Answer, Call, Event, Events, Nothing
from porta.administration.idempotency import KeptAnswer, Once
from porta.audit.actors import Actor
from porta.errors import Forbidden, PortaError, PreconditionFailed
from porta.protocol.tokens.bearer import parse_bearer
from porta.services.commands import Command
from storage.errors import Unreachable

_JSON = frozenset({"application/json", "application/merge-patch+json"})
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id,"
    " Last-Event-ID, X-Confirm-Purge, X-Porta-SDK-Version, X-CSRF-Token"
)
_UNSAID = ("", "application/octet-stream")
_PREFLIGHT_AGE = "86400"


class AdminHandler(AdminErrorHandler):
    """A path of the table, with its route for each method."""

    def initialize(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes

    @classmethod
    def longest_body(cls, method: str, arguments: Mapping[str, Any]) -> int:
        route: Route | None = arguments["routes"].get(method)
        return super().longest_body(method, arguments) if route is None else route.longest_body

    def prepare(self) -> None:
        """Nothing: Tornado has no word for a path that knows a method less than its class."""

    async def get(self, *segments: str) -> None:
        await self._serve("GET", segments)

    async def head(self, *segments: str) -> None:
        await self._serve("GET", segments)

    async def post(self, *segments: str) -> None:
        await self._serve("POST", segments)

    async def put(self, *segments: str) -> None:
        await self._serve("PUT", segments)

    async def patch(self, *segments: str) -> None:
        await self._serve("PATCH", segments)

    async def delete(self, *segments: str) -> None:
        await self._serve("DELETE", segments)

    async def options(self, *segments: str) -> None:
        """Answer a preflight (Fetch §3.2.2); an origin that is not allowed is told nothing."""
        del segments
        self.set_header("Vary", "Origin, Access-Control-Request-Headers")
        if may_read(self):
            self.set_header("Access-Control-Allow-Methods", ", ".join(self._methods()))
            self.set_header("Access-Control-Allow-Headers", _ALLOWED_HEADERS)
            self.set_header("Access-Control-Max-Age", _PREFLIGHT_AGE)
        self.finish_empty(HTTPStatus.NO_CONTENT)

    def _methods(self) -> list[str]:
        offered = {*self._routes, "OPTIONS", *(["HEAD"] if "GET" in self._routes else [])}
        return [name for name in self.SUPPORTED_METHODS if name in offered]

    def write_failure(self, failure: Failure) -> None:
        if failure.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self._methods()))
        super().write_failure(failure)

    async def _serve(self, method: str, segments: tuple[str, ...]) -> None:
        route = self._routes.get(method)
        if route is None:
            raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
        asked = await self._read(route, segments)
        if not route.changes:
            await self._look(route, asked)
            return
        key = idempotency.parse_key(self.request.headers.get_list("Idempotency-Key"))
        version = parse_version(self.request.headers.get_list("If-Match"))
        self._check_conditions(route, version)
        raw = self.request.body if self._is_raw(route) else None
        asked = replace(asked, version=version, raw=raw)
        once = None
        if key is not None and asked.caller is not None and method == "POST":
            once = Once(self.runtime, asked.caller, key, self._fingerprint())
        if route.opens_transactions:
            await self._run_apart(route, asked, once)
        else:
            await self._run(route, asked, once)

    async def _read(self, route: Route, segments: tuple[str, ...]) -> Call:
        """Return what is asked, by whom; who may not is refused before anything is read."""
        caller = None if route.public else await self._admit(route)
        path = bodies.read_path(dict(zip(route.placeholders, segments, strict=True)))
        query, body = self._read_query(route), self._read_body(route)
        headers = {name.lower(): value for name, value in self.request.headers.get_all()}
        everywhere = self.runtime.storage.everywhere
        return Call(self.runtime, everywhere, caller, path, query, body, headers)

    async def _run(self, route: Route, asked: Call, once: Once | None) -> None:
        """Answer by a route in a transaction, which keeps the answer as well."""
        prepared = await route.prepare(asked) if route.prepare else None
        async with asked.storage.transaction() as tx:
            call = replace(asked, storage=tx, prepared=prepared)

            async def run() -> KeptAnswer:
                return _kept(route, await route.run(call))

            if once is None:
                answer, replayed = await run(), False
            else:
                answer, replayed = await idempotency.answer_once(tx, once, run)
        self._answer(answer, replayed=replayed)

    async def _run_apart(self, route: Route, asked: Call, once: Once | None) -> None:
        """Answer by a route that opens its transactions itself, and keeps its answer in one."""
        former = await once.recall(asked.storage) if once is not None else None
        if former is not None:
            self._answer(former, replayed=True)
            return

        answer = await route.run(
            replace(
                asked,
                keep=lambda tx, made: idempotency.keep_apart(tx, once, _kept(route, made)),
            )
        )
        self._answer(_kept(route, answer), replayed=False)

    async def _look(self, route: Route, asked: Call) -> None:
        """Answer a request that changes nothing."""
        last = event_stream.parse_last_event_id(self.request.headers.get_list("Last-Event-ID"))
        call = replace(asked, last_event_id=last)
        answer = await route.run(call)
        if answer.events is not None:
            await self._stream(route, call, answer.events)
        elif answer.download is not None:
            await download.send(self, answer.download)
        else:
            self._answer(_kept(route, answer), replayed=False, content=answer.content)

    async def _admit(self, route: Route) -> Caller:
        """Return who asks. Raises InvalidToken, TooManyRequests, and Forbidden for a permission."""
        caller = await self._authenticate()
        await limits.count(self.runtime, caller, changes=route.changes)
        _check_rights(route, caller.actor)
        return caller

    async def _authenticate(self) -> Caller:
        token = parse_bearer(self.authorization(), None, self.query_names())
        return await access.authenticate(self.runtime, token, self.origin)

    async def _stream(self, route: Route, call: Call, events: Events) -> None:
        """Send what happens, as long as the token and its rights are what they were."""
        if self.request.method == "HEAD":
            self.set_header("Content-Type", EVENT_STREAM)
            self.finish()
            return

        async def check() -> None:
            actor = (await self._authenticate()).actor
            _check_rights(route, actor)
            if actor.organization_id != call.actor.organization_id:
                raise Forbidden("what you administer has changed")

        assert call.caller is not None
        with self.application.streams.place(call.caller.key) as end:
            try:
                await event_stream.send(self, events, check, end)
            except (PortaError, Unreachable) as error:
                self._end_with(error)
        self.finish()

    def _end_with(self, error: PortaError | Unreachable) -> None:
        """Tell in the stream what it ends with: its status has been sent."""
        self.error = error
        failure = failure_of(error)
        self.log_refusal(failure)
        self.write(event_stream.spell(Event(build(self, failure), name="error")))

    def _read_query(self, route: Route) -> Command:
        parameters = self.query()
        given = {name: parameters.get(name) or "" for name in parameters.names()}
        return bodies.read_query(route.query, given)

    def _read_body(self, route: Route) -> Command:
        raw = self.request.body
        if route.request is None or (route.optional_body and not raw):
            return (route.request or Nothing)()
        if self._is_raw(route):
            return Nothing()
        if self._media_type() not in _JSON:
            raise HTTPError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return route.request.parse(bodies.parse_json(raw))

    def _check_conditions(self, route: Route, version: int | None) -> None:
        """Raise PreconditionFailed for a condition that would not be looked at: what is not known
        to hold keeps a request from being performed (RFC 9110 §13.2.1).
        """
        if self.request.headers.get_list("If-None-Match"):
            raise PreconditionFailed("If-None-Match is of what is read, and not of changes")
        if version is not None and not route.is_conditional:
            raise PreconditionFailed("If-Match: what this changes has no versions")

    def _is_raw(self, route: Route) -> bool:
        """Whether the body is taken as it is: also one that does not say what it is, as programs of
        Porta 1.x send it. Its content decides.
        """
        return bool(route.raw_types) and self._media_type() in (*route.raw_types, *_UNSAID)

    def _media_type(self) -> str:
        """Return what the request says of its body, without parameters."""
        return self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _fingerprint(self) -> str:
        request = self.request
        return idempotency.fingerprint(
            str(request.method), str(request.uri), request.body.decode("latin-1")
        )

    def _answer(self, answer: KeptAnswer, *, replayed: bool, content: bytes | None = None) -> None:
        for name, value in answer.headers.items():
            self.set_header(name, value)
        if replayed:
            self.set_header("Idempotency-Replayed", "true")
        tag = answer.headers.get("ETag")
        if self.request.method in ("GET", "HEAD") and is_known(
            tag, self.request.headers.get_list("If-None-Match")
        ):
            self.finish_empty(HTTPStatus.NOT_MODIFIED)
        elif content is not None:
            self.finish(content)
        elif answer.body == "":
            self.finish_empty(answer.status)
        else:
            self.set_status(answer.status)
            self.finish(answer.body)


def _check_rights(route: Route, actor: Actor) -> None:
    """Raise Forbidden, naming the permission that is missing."""
    for permission in route.permissions:
        actor.check(permission)
    if not route.delegable:
        actor.check_unbound()


def _kept(route: Route, answer: Answer) -> KeptAnswer:
    headers = dict(answer.headers)
    if answer.version is not None:
        headers["ETag"] = f'"{answer.version}"'
    if answer.body is None:
        return KeptAnswer(int(HTTPStatus.NO_CONTENT), "", headers)
    body = answer.body.model_dump_json(by_alias=True, exclude_unset=True)
    return KeptAnswer(answer.status or route.status, body, headers)
