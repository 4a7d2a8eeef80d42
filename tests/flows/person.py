"""A person with a browser: follows redirects, fills in forms, keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it says already."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag in ("input", "button") and self.forms and "name" in values:
            form = self.forms[-1]
            form.names.add(values["name"])
            if values.get("type") == "hidden":
                form.fields[values["name"]] = values.get("value", "")


class Person:
    """Somebody who signs in through the pages. Redirects to `stop_at` are not followed."""

    def __init__(self, email: str, password: str) -> None:
        self.email = email
        self.password = password
        self.http = httpx.Client(timeout=30)
        self.pages: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def visit(self, url: str, stop_at: str) -> str:
        """Open `url` and do what the pages ask for, until the browser is sent to `stop_at`."""
        response = self.http.get(url)
        for _ in range(10):
            if response.is_redirect:
                url = urljoin(str(response.url), response.headers["location"])
                if url.startswith(stop_at):
                    return url
                response = self.http.get(url)
            else:
                response = self._answer(response, stop_at)
        raise AssertionError("the pages lead nowhere")

    def _answer(self, response: httpx.Response, stop_at: str) -> httpx.Response:
        page = response.text
        assert response.status_code == 200, f"{response.status_code}: {page}"
        self.pages.append(page)
        for form in forms_of(page):
            action = urljoin(str(response.url), form.action)
            if "password" in form.names:
                values = {**form.fields, "email": self.email, "password": self.password}
            elif "decision" in form.names:
                yes = "continue" if action.endswith("/continue") else "approve"
                values = {**form.fields, "decision": yes}
            elif "xsrf" in form.names:
                values = {**form.fields, "logout": "yes"}
            elif action.startswith(stop_at):  # response_mode form_post
                return httpx.Response(
                    303,
                    headers={"location": f"{action}?{httpx.QueryParams(form.fields)}"},
                    request=response.request,
                )
            else:
                continue
            return self.http.post(action, data=values)
        raise AssertionError(f"nothing to do on this page:\n{page}")


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page, in their order."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def query_of(url: str) -> dict[str, str]:
    """Return the parameters in the query of a URL."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
