"""What templates call: texts, dates and fields, made safe for HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from babel.dates import format_date
from tornado.escape import xhtml_escape

from porta.pages.catalogs import (
    Text,
)
from porta.pages.values import minutes

_HOURS = 5400
"""Seconds from which on it is hours that people are told to wait."""
_SPECIAL = re.compile(rb"""[&<>"']""")


def day(tag: str, at: float) -> str:
    """Return the day of `at` (seconds since the epoch, UTC) as a language writes it (CLDR)."""
    return format_date(datetime.fromtimestamp(at, UTC), "long", locale=tag.replace("-", "_"))


def located(base_path: str, url: str) -> str:
    """Return where `url` is: a path of ours stands below that of the issuer."""
    return f"{base_path}{url}" if url.startswith("/") else url


def escaped(value: bytes) -> str | bytes:
    """Return what a template writes, safe in HTML: most values have nothing to escape."""
    return xhtml_escape(value) if _SPECIAL.search(value) else value


def hidden_fields(query: str) -> str:
    """Return the fields of a form whose submission has this query again, once for all buttons."""
    return "".join(
        f'<input type="hidden" name="{xhtml_escape(name)}" value="{xhtml_escape(value)}">'
        for name, value in parse_qsl(query, keep_blank_values=True)
    )


def rich(text: Text, key: str, **values: str) -> str:
    """Return a message as HTML, its values escaped, isolated (bidirectional text) and marked."""
    marked = {name: f'<bdi class="name">{xhtml_escape(v)}</bdi>' for name, v in values.items()}
    return xhtml_escape(text(key, **{name: f"{{{name}}}" for name in values})).format_map(marked)


def retry(text: Text, seconds: float) -> str:
    """Return how long to wait: in whole minutes, or hours where those would be many."""
    if seconds < _HOURS:
        return text("login.retry_after", count=minutes(seconds))
    return text("login.retry_hours", count=-(-int(seconds) // 3600))


def known(text: Text, *keys: str) -> str:
    """Return the message of the first key that exists; a page is never without words."""
    return next(filter(None, (find(text, key) for key in keys)), "") or text("errors.generic")


def find(text: Text, key: str) -> str:
    """Return the message of a key that comes from outside a template, or ""."""
    try:
        return text(key)
    except KeyError:
        return ""
