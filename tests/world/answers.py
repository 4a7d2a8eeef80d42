"""What Porta's answers say, read as a client or a browser reads them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx


def claims_of(token: str) -> dict[str, Any]:
    """Return the payload of a compact JWS."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    return decoded


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a compact JWS."""
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=" * 3))
    return decoded


def location(answer: httpx.Response) -> str:
    """Return the absolute URL that a redirect leads to."""
    assert answer.is_redirect, f"{answer.status_code}: {answer.text}"
    return urljoin(str(answer.url), answer.headers["location"])


def query_of(answer: httpx.Response) -> dict[str, str]:
    """Return the parameters that a redirect carries."""
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def query_in(url: str) -> dict[str, str]:
    """Return the parameters in the query of a URL."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def above_the_footer(page: httpx.Response) -> str:
    """Return what a page says; behind it stands the query it was asked with, for its languages."""
    return page.text.partition("<footer")[0]


def hidden_fields(page: str) -> dict[str, str]:
    """Return the hidden inputs of what a page posts, by name."""
    posted = [form for form in forms_of(page) if form.method == "post"]
    return {name: value for form in posted for name, value in form.fields.items()}


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it says already."""

    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag in ("input", "button") and self.forms and "name" in values:
            form = self.forms[-1]
            form.names.add(values["name"])
            if values.get("type") == "hidden":
                form.fields[values["name"]] = values.get("value", "")


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page, in their order."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms
