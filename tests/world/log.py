"""The log of a process in a test: configured as a server does, and read back."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from porta.observability import log

# The other end of the wire is in this process by chance only.
_OTHERS = ("httpx", "httpcore")


class Log:
    """What a process wrote."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self.stream = io.TextIOWrapper(self._bytes, encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.stream.flush()
        return self._bytes.getvalue().decode()

    def lines(self, message: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Return the JSON lines with this message and these fields."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [
            line
            for line in lines
            if message in (None, line["msg"]) and fields.items() <= line.items()
        ]


@contextmanager
def logged(*, level: str = "info", json: bool = True) -> Iterator[Log]:
    """Send the log of this process to what is yielded; put it back afterwards."""
    handlers, root_level = list(logging.root.handlers), logging.root.level
    written = Log()
    log.configure(level=level, json=json, stream=written.stream)
    for library in _OTHERS:
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        yield written
    finally:
        for library in _OTHERS:
            logging.getLogger(library).setLevel(logging.NOTSET)
        structlog.reset_defaults()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(root_level)
