"""A person with a browser: follows redirects, fills in forms, keeps cookies."""

from __future__ import annotations

from typing import Self
from urllib.parse import urljoin

import httpx

from tests.world.answers import forms_of


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
