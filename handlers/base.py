"""Base handler: headers, parameters, errors turned into bytes."""

from __future__ import annotations

import uuid
from asyncio import Future
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, ClassVar

import msgspec
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from handlers import cookies, languages
from handlers.answers import JSON, Answers
from handlers.application import Porta
from handlers.errors import RETRY, Failure, failure_of, is_expected
from handlers.headers import AnswerHeaders, leave_room
from handlers.http.framing import MAX_BODY
from porta.limits.origin import Origin
from porta.limits.proxies import client_address
from porta.observability import log, redaction
from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.params import Params, parse_params
from porta.protocol.requests.response_modes import MAX_LOCATION
from porta.runtime import Runtime
from storage.errors import Unreachable
from storage.models.organizations import Organization

FORM = "application/x-www-form-urlencoded"
_USER_AGENT_LENGTH = 512
_UNAVAILABLE = int(HTTPStatus.SERVICE_UNAVAILABLE)
_encode = msgspec.json.Encoder().encode


class PortaHandler(RequestHandler):
    """A request of ours. Only this class, and what derives from it, turns an error into bytes."""

    application: Porta
    SUPPORTED_METHODS: tuple[str, ...] = ("GET", "HEAD", "POST", "OPTIONS")
    always_answers: ClassVar[bool] = False
    """Whether even a process with too many requests at once answers this one."""
    is_probe: ClassVar[bool] = False
    """Whether it is answered on a connection that has no place too."""
    is_routine: ClassVar[bool] = False
    """Whether machines ask for this all day: the log hears of it when it fails."""
    is_secret: ClassVar[bool] = False
    """Whether its address is worth a password: no page of it fetches anything from elsewhere, nor
    tells anybody where it is (requirement G.8)."""
    repeatable: ClassVar[frozenset[str]] = frozenset()
    """The parameters that a request may carry several times: none, where no RFC allows it."""
    answers: Answers = JSON
    """How it tells what failed."""
    shows_code: bool = False
    """Whether its answer is a page with a support code."""
    error: BaseException | None = None
    """What the request failed with."""
    _jar: cookies.Jar | None = None

    def __init__(self, application: Porta, request: HTTPServerRequest, **kwargs: Any) -> None:
        self.request_id = str(uuid.uuid4())
        self.about = log.About(self.request_id, request.method or "", request.path)
        log.request.set(self.about)  # here: Tornado refuses a method before prepare
        application.life.in_flight += 1
        super().__init__(application, request, **kwargs)

    @classmethod
    def longest_body(cls, method: str, arguments: Mapping[str, Any]) -> int:
        """Return how many bytes a request by `method` may bring; `arguments` are those that its
        URL is registered with.
        """
        del method, arguments
        return MAX_BODY

    def clear(self) -> None:
        """Begin the answer: every header it has by default, and no name of a product."""
        headers = AnswerHeaders(self.application.common_headers)
        headers["X-Request-Id"] = self.request_id
        headers["Date"] = self.application.date()
        if self.is_secret:
            headers["Referrer-Policy"] = "no-referrer"
        if self.application.life.draining:
            headers["Connection"] = "close"
        self._headers = headers
        self._write_buffer: list[bytes] = []
        self.set_status(200)

    @property
    def runtime(self) -> Runtime:
        return self.application.runtime

    @property
    def origin(self) -> Origin:
        """Where this request came from. Raises Unavailable behind a proxy that production needs
        to know of: everybody would be one address.
        """
        headers, settings = self.request.headers, self.runtime.settings
        peer, forwarded = self.request.remote_ip or "", headers.get_list("X-Forwarded-For")
        trusted = settings.trusted_proxies
        if forwarded and not trusted:
            self.application.meet_untrusted_proxy(peer)
        address = client_address(peer, forwarded, trusted, settings.trusted_proxy_hops)
        agent = headers.get("User-Agent", "")[:_USER_AGENT_LENGTH]
        return Origin(address, agent, self.request_id)

    @property
    def jar(self) -> cookies.Jar:
        """The cookies that the request brings."""
        if self._jar is None:
            self._jar = cookies.parse(self.request.headers.get("Cookie", ""))
        return self._jar

    @property
    def is_begun(self) -> bool:
        """Whether a part of the answer has been sent."""
        return self._headers_written

    def compute_etag(self) -> str | None:
        """No entity tag: what is made for one request is not asked for again."""
        return None

    def authorization(self) -> str | None:
        """Return the `Authorization` header. Raises InvalidRequest when there are two."""
        values = self.request.headers.get_list("Authorization")
        if len(values) > 1:
            raise InvalidRequest("two Authorization headers")
        return values[0] if values else None

    def query(self, *, deferred: bool = False) -> Params:
        """Return the parameters of the URL. Raises InvalidRequest."""
        raw = self.request.query.encode("latin-1")
        return parse_params(raw, repeatable=self.repeatable, deferred=deferred)

    def query_names(self) -> frozenset[str]:
        """Return the names of the parameters in the URL."""
        return self.query().names() if self.request.query else frozenset()

    def form(self, *, free: frozenset[str] = frozenset(), deferred: bool = False) -> Params:
        """Return the parameters of the body, those of `free` whatever characters they hold.

        Raises InvalidRequest, for a body of any other type as well; none at all is an empty form,
        whatever type it claims (RFC 9110 §8.3: a type is that of content).
        """
        body = self.request.body
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0]
        if body and media_type.strip().lower() != FORM:
            raise InvalidRequest(f"the body must be {FORM}")
        return parse_params(body, repeatable=self.repeatable, free=free, deferred=deferred)

    def named(self, name: str) -> str | None:
        """Return a parameter of this request, as far as those can be read."""
        for read in (self.query, self.form):
            with suppress(InvalidRequest):
                if value := read(deferred=True).get(name):
                    return value
        return None

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        self.answers.before_finish(self)
        return super().finish(chunk)

    def finish_json(self, body: dict[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.finish(_encode(body))

    def encode(self, body: object) -> bytes:
        return _encode(body)

    def finish_text(self, body: str, content_type: str = "text/plain; charset=utf-8") -> None:
        self.set_header("Content-Type", content_type)
        self.finish(body)

    def see_other(self, url: str) -> None:
        """303: a browser asks for `url` by GET, whatever it sent here (RFC 9700 §4.12).

        Raises InvalidRequest for a `url` of more than MAX_LOCATION bytes.
        """
        if len(url) > MAX_LOCATION:
            raise InvalidRequest("what was sent is too long to be passed on in a URL")
        self.set_status(HTTPStatus.SEE_OTHER)
        self.set_header("Location", url)
        self.clear_header("Content-Type")
        self.finish()

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written; the header, which comes first, within its bounds, and every 503
        with when to come back (requirement K.3).
        """
        if not self._headers_written:
            leave_room(self._headers)
            if self._status_code == _UNAVAILABLE and "Retry-After" not in self._headers:
                self._headers["Retry-After"] = str(RETRY)
        return super().flush(include_footers)

    def finish_empty(self, status: int) -> None:
        self.set_status(status)
        self.clear_header("Content-Type")
        self.finish()

    def write_failure(self, failure: Failure) -> None:
        """Write the body of an error."""
        self.answers.write_failure(self, failure)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.error = error = kwargs.get("exc_info", (None, None, None))[1]
        failure = failure_of(error, status_code)
        if is_expected(error):  # what is not has its line, and what no route knows is no refusal
            self.log_refusal(failure)
        self.set_status(failure.status)
        if failure.retry_after is not None:
            self.set_header("Retry-After", failure.retry_after)
        if failure.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.write_failure(failure)

    def log_refusal(self, failure: Failure) -> None:
        """Tell the log who was refused, by which code and for what reason: once an answer."""
        self.answers.before_log(self)
        if self.about.client_id is None:
            self.about.client_id = self.claimed_client()
        reason = redaction.bounded(failure.reason or failure.message)
        self.application.log.info(
            "refused",
            error=failure.code,
            status=failure.status,
            reason=reason,
            **self.answers.refused_values(self),
        )
        log.remember("refused", error=failure.code, reason=reason)

    def claimed_client(self) -> str | None:
        """Return the client_id that the request gives, proven or not: for the log."""
        return None

    def organization(self) -> Organization | None:
        """Return whose colours a page wears, or None for none."""
        return None

    def ui_locales(self) -> str | None:
        """Return the languages that an authorization request asked for."""
        return None

    def default_locales(self) -> tuple[str | None, ...]:
        """Return the locales of a page where nothing is asked for, the first one that is there."""
        organization = self.organization()
        return (organization.default_locale,) if organization else ()

    def menu_query(self) -> str | None:
        """Return what the menu of languages adds a choice to; None where there is no menu."""
        return languages.menu_query(self)

    def ways_on(self) -> dict[str, Any]:
        """Return what an error page knows of the application and of beginning again."""
        return {}

    def retry_url(self) -> str | None:
        """Return this very address; None for a form, and for what is no path of ours."""
        request = self.request
        asked_again = request.method == "GET" and request.uri and request.uri.startswith("/")
        return f"{self.application.base_path}{request.uri}" if asked_again else None

    def takes_html(self) -> bool:
        """Whether a person asks, by a browser."""
        return "text/html" in self.request.headers.get("Accept", "")

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.answers.before_log(self)
        if is_expected(value):
            return
        if isinstance(value, Unreachable):
            self.application.log.warning("storage.unreachable", error=str(value))
            log.remember("storage.unreachable")
            return
        log.remember("request.failed", error=type(value).__name__)
        self.application.log.error(
            "request.failed",
            method=self.request.method,
            url=redaction.mask_path(self.request.path),
            exc_info=(typ, value, tb),
        )

    def on_finish(self) -> None:
        self.application.life.in_flight -= 1
        self.answers.after_finish(self)

    @classmethod
    def allowed_methods(cls) -> list[str]:
        """Return the methods this handler implements."""
        names = cls.SUPPORTED_METHODS
        return [
            n for n in names if getattr(cls, n.lower()) is not getattr(RequestHandler, n.lower())
        ]
