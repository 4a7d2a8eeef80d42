"""Requests of the Admin API as the examples make them, and how refusals look."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import httpx

from handlers.admin_api.route import EVENT_STREAM, Route
from tests.handlers import admin_api
from tests.handlers.admin_api.examples import Example, examples_of
from tests.handlers.admin_api.streams import Watched
from tests.world.administrators import Installation

_ERROR = {"error", "code", "status", "requestId"}

for _module in pkgutil.iter_modules(admin_api.__path__, f"{admin_api.__name__}."):
    if "examples_of_" in _module.name:
        importlib.import_module(_module.name)


def name_of(route: Route) -> str:
    """Return the name of a route, as tests of it bear it."""
    return f"{route.method} {route.path}"


async def send(api: httpx.AsyncClient, route: Route, made: Example, **more: Any) -> httpx.Response:
    """Send an example, with what else is given in its place."""
    headers = {**made.headers, **more.pop("headers", {})}
    given: dict[str, Any] = {"params": made.query, "headers": headers}
    if made.body is not None:
        given["json"] = made.body
    if route.is_stream:
        return await _send_streamed(api, route, made, **{**given, **more})
    return await api.request(route.method, made.url(route), **{**given, **more})


async def _send_streamed(
    api: httpx.AsyncClient, route: Route, made: Example, **given: Any
) -> httpx.Response:
    """Return an answer with the data of its first event for a body: the others may never come.

    Without any, where it says that there is none by now.
    """
    async with api.stream(route.method, made.url(route), **given) as answer:
        content = b""
        if answer.headers.get("Content-Type") != EVENT_STREAM:
            content = await answer.aread()
        else:
            event = await Watched(answer).event() or {}
            content = json.dumps(event["data"]).encode() if "data" in event else b""
    return httpx.Response(
        answer.status_code, headers=answer.headers, content=content, request=answer.request
    )


async def good(installation: Installation, route: Route) -> Example:
    """Return the first example of a route, which is a good one."""
    return await examples_of(route)[0](installation)


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the body of an answer that refuses with this status, as all of them look."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert body.keys() >= _ERROR
    assert body["status"] == status
    assert body["requestId"] == answer.headers["X-Request-Id"]
    return body
