"""The log: one JSON object a line in production, readable text elsewhere, and no secret in either.

Our modules and our libraries speak through `logging`; what happens on every request goes through
structlog, which costs less. Both end in the same processors, so a line looks the same either way.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TextIO

import msgspec
import structlog

from porta.observability.redaction import CONTROL, EventDict, bounded, mask_path, redact


@dataclass(slots=True)
class About:
    """What every line about one request tells of it, as far as it is known by then."""

    request_id: str
    method: str = ""
    path: str = ""
    organization: str | None = None
    """The slug of one that exists: what a stranger makes up stands in the path."""
    client_id: str | None = None
    support_code: str | None = None
    """What a page told a person to name, from then on."""
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was decided on the way, redacted: its trace tells of it."""
    carried: int = 0
    """How many of the notes are in a record that was saved since."""

    def step(self) -> str:
        """Return method and path, without what may be a credential."""
        return f"{self.method} {mask_path(self.path)}"


request: ContextVar[About | None] = ContextVar("request", default=None)
"""The request at hand. Only the log reads it."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_NUMBERS = {"debug": 20, "info": 30, "warning": 40, "error": 50, "exception": 50, "critical": 60}
"""Level names as the numbers that Porta 1.x wrote."""

_MOST_NOTES = 5

_SPOKEN = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: nothing in it is taken for something else."""

_MISHEARD = str.maketrans("OIL", "011")


def configure(*, level: str, json: bool, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream`, by default standard output.

    `level` is a key of LEVELS; `json` asks for one object a line.
    """
    stream = stream or sys.stdout
    number = LEVELS[level]
    shared: list[Any] = [_add_request, _add_error, redact]
    render: list[Any] = [_add_origin, _render_json] if json else [_console_time, _render_text]
    structlog.configure(
        processors=[structlog.processors.add_log_level, *shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(stream.buffer),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                *render,
                _to_text,
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(number)
    # Tornado tells of malformed messages at info, and quotes what a stranger sent.
    for library in ("tornado.general", "asyncio"):
        logging.getLogger(library).setLevel(max(number, logging.WARNING))


def request_log() -> Any:
    """Return the logger of requests, as `configure` left things; bound once, for its speed."""
    return structlog.get_logger().bind()


def remember(name: str, **told: Any) -> None:
    """Note what was decided about the request at hand, whatever the log hears of it; the first so
    many.
    """
    about = request.get()
    if about is not None and len(about.notes) < _MOST_NOTES:
        about.notes.append((name, dict(redact(None, name, dict(told)))))


def carry() -> tuple[str, str, tuple[str, ...]] | None:
    """Return id and step of the request at hand, and the names of what was decided in it, for a
    record that is saved: what it carries on is told nowhere else. None outside of a request.
    """
    about = request.get()
    if about is None:
        return None
    about.carried = len(about.notes)
    return about.request_id, about.step(), tuple(name for name, _ in about.notes)


def support_code(request_id: str) -> str:
    """Return six letters and digits of a request's id (a UUID), fit to be read out: K7Q-4MD."""
    bits = int(request_id.replace("-", "")[:8], 16)
    code = "".join(_SPOKEN[bits >> 5 * place & 31] for place in range(6))
    return f"{code[:3]}-{code[3:]}"


def read_support_code(text: str) -> str | None:
    """Return a support code as it was read out, in the form that pages show; None for none."""
    letters = text.upper().replace("-", "").replace(" ", "").translate(_MISHEARD)
    if len(letters) != 6 or not set(letters) <= set(_SPOKEN):
        return None
    return f"{letters[:3]}-{letters[3:]}"


def _add_request(_: Any, __: str, event: EventDict) -> EventDict:
    about = request.get()
    if about is None:
        return event
    event.setdefault("requestId", about.request_id)
    if about.organization is not None:
        event.setdefault("organization", about.organization)
    if about.support_code is not None:
        event.setdefault("support_code", about.support_code)
    if about.client_id is not None:
        event.setdefault("client_id", bounded(about.client_id))
    return event


def _add_error(_: Any, __: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into the object that Porta 1.x logged as `err`."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    if exc_info and exc_info[1] is not None:
        error = exc_info[1]
        stack = structlog.processors.format_exc_info(None, "", {"exc_info": exc_info})["exception"]
        event["err"] = {"type": type(error).__name__, "message": str(error), "stack": stack}
    return event


_EVENTS = frozenset({"config.safety_skipped", "ready.degraded"})
"""Lines that Porta 1.x named in a field `event`, for dashboards to look for."""
_PID = os.getpid()
_HOSTNAME = socket.gethostname()


def _add_origin(_: Any, __: str, event: EventDict) -> EventDict:
    message = event.pop("event", "")
    if message in _EVENTS:
        event["event"] = message
    return {
        "level": _NUMBERS.get(event.pop("level", "info"), 30),
        "time": int(time.time() * 1000),
        "pid": _PID,
        "hostname": _HOSTNAME,
        "msg": message,
        **event,
    }


_ENCODER = msgspec.json.Encoder(enc_hook=str)


# What JSON lets stand, and some readers take for the end of a line or for an order.
_COUSINS = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def _render_json(_: Any, __: str, event: EventDict) -> bytes:
    return _COUSINS.sub(_escape, _ENCODER.encode(event))


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


def _console_time(_: Any, __: str, event: EventDict) -> EventDict:
    stack = event.get("err", {}).get("stack") if isinstance(event.get("err"), dict) else None
    event = {key: _printable(value) for key, value in event.items() if key != "err"}
    event["timestamp"] = time.strftime("%Y-%m-%d %H:%M:%S%z")
    if stack is not None:
        event["exception"] = stack  # the renderer puts it on lines of its own
    return event


def _printable(value: Any) -> Any:
    return CONTROL.sub("?", value) if isinstance(value, str) else value


_CONSOLE = structlog.dev.ConsoleRenderer(
    colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
)


def _render_text(logger: Any, name: str, event: EventDict) -> bytes:
    return _CONSOLE(logger, name, event).encode("utf-8", "replace")


def _to_text(_: Any, __: str, line: Any) -> str:
    return line.decode() if isinstance(line, bytes) else str(line)
