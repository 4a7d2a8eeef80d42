"""Every route of the table: its success, each of its errors, and each missing permission.

Made from the table and from the examples: a route without an example, or an error of its own that
no example shows, fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from handlers.admin_api import openapi
from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from handlers.http.server import Server
from porta.services.permissions import PERMISSIONS
from tests.handlers.admin_api import tenant_rows
from tests.handlers.admin_api.examples import Example, Make, examples_of, strangers
from tests.handlers.admin_api.requests import good, name_of, refused, send
from tests.world.administrators import Installation, bearer

_NO_BODIES = (
    *("{", "[]", '{"a":1,"a":1}', '{"a":NaN}', "[" * 60_000, '{"a":"\\ud800"}', '"\\u0000"'),
)


def _with_makes() -> list[Any]:
    return [
        pytest.param(route, make, id=f"{name_of(route)} {make.__name__}")
        for route in ROUTES
        for make in examples_of(route)
    ]


ALL = pytest.mark.parametrize("route", ROUTES, ids=name_of)
GUARDED = pytest.mark.parametrize("route", [r for r in ROUTES if not r.public], ids=name_of)
WITH_PERMISSIONS = pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.permissions], ids=name_of
)
WITH_BODY = pytest.mark.parametrize("route", [r for r in ROUTES if r.request], ids=name_of)


@ALL
def test_a_route_has_permission_models_and_examples(route: Route) -> None:
    assert route.summary
    assert route.permissions or route.path in ("/metadata", "/me")
    assert set(route.permissions) <= PERMISSIONS.keys()
    assert (route.request is not None) == (route.method in ("POST", "PUT", "PATCH")) or (
        route.request is not None and route.method == "DELETE"
    )
    assert route.response is not None or route.raw_answers or route.method != "GET"
    assert examples_of(route), "tests/handlers/admin_api/examples_of_*.py have none"


def test_every_example_is_of_a_route() -> None:
    assert strangers() == set()


@ALL
async def test_each_error_of_its_own_has_an_example(
    installation: Installation, route: Route
) -> None:
    shown = {(await make(installation)).status for make in examples_of(route)}
    expected = set(route.errors) - {412}  # test_every_change.py shows it of each
    if route.placeholders:
        expected.add(404)
    assert expected - shown == set()


@pytest.mark.parametrize(("route", "make"), _with_makes())
async def test_an_example_is_answered(
    api: httpx.AsyncClient, installation: Installation, route: Route, make: Make
) -> None:
    made = await make(installation)
    answer = await send(api, route, made)
    if made.status is not None and made.status >= 400:
        body = refused(answer, made.status)
        if made.check is not None:
            made.check(body)
        return
    assert answer.status_code == (made.status or route.success), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert bool(answer.content) == (answer.status_code != 204)
    if made.check is not None:
        made.check(answer.content if route.raw_answers else answer.json())


@GUARDED
async def test_nobody_is_served_without_a_token(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    made = await good(installation, route)
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer " + "x" * 43}):
        answer = await send(api, route, made, headers=headers)
        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@WITH_PERMISSIONS
async def test_its_permissions_are_needed_and_enough(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    made = await good(installation, route)
    for missing in route.permissions:
        person = await installation.person_with(*(set(PERMISSIONS) - {missing}))
        headers = bearer(await installation.token(person))
        body = refused(await send(api, route, made, headers=headers), 403)
        assert missing in body["error"]
    person = await installation.person_with(*route.permissions)
    headers = bearer(await installation.token(person))
    answer = await send(api, route, made, headers=headers)
    if "super-administrators" in route.summary:
        refused(answer, 403)
        return
    if "that the caller asked for" in route.summary:  # and this one asked for nothing
        refused(answer, 404)
        return
    assert answer.status_code == route.success, answer.text


@GUARDED
async def test_who_administers_one_organization_meets_nothing_of_another(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    """With every permission, for an organization that nothing of the example belongs to: nothing is
    read, nothing is changed, and the answer is the one for what does not exist.
    """
    made = await good(installation, route)
    own = await installation.organization()
    person = await installation.person_with()
    await installation.delegate(own.id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))
    others = await tenant_rows.names_of_others(installation, own.id)
    others -= {person.id, person.email, installation.made.client.id, "porta-admin"}
    others -= {"active", "archived", "suspended"}  # slugs of the furniture, and statuses of ours
    before = await tenant_rows.state(installation)
    answer = await send(api, route, made, headers=headers)
    twin = tenant_rows.of_nobody(made, others)
    same = await send(api, route, twin, headers=headers)
    assert await tenant_rows.state(installation) == before
    if not route.delegable:
        refused(answer, 403)
    elif twin.url(route) != made.url(route):
        refused(answer, 404)
    if (twin.url(route), twin.query, twin.body) != (made.url(route), made.query, made.body):
        assert _said(answer, made) == _said(same, twin)
    assert tenant_rows.told(answer.text, others - _texts(made)) == set()


def _texts(made: Example) -> set[str]:
    """What a request says itself may be in its answer."""
    return {text for each in (made.path, made.query, made.body) for text in _leaves(each)}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value


def _said(answer: httpx.Response, made: Example) -> tuple[int, str]:
    """Return an answer without what is of this request and this moment alone."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "")
    for each in sorted(_texts(made), key=len, reverse=True):
        text = text.replace(each, "…") if len(each) > 7 else text
    return answer.status_code, re.sub(r"exportedAt\W+[\w:.-]+", "", text)


@ALL
async def test_other_methods_and_parameters_are_refused(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    """A `dryRun` that nobody reads would be a deletion."""
    made = await good(installation, route)
    offered = {each.method for each in ROUTES if each.path == route.path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - offered:
        answer = await api.request(method, made.url(route))
        refused(answer, 405)
        assert offered <= set(answer.headers["Allow"].split(", "))
    answer = await send(api, route, made, params={**made.query, "noSuchParameter": "true"})
    details = refused(answer, 400)["details"]
    assert "noSuchParameter" in [each["path"] for each in details]


@WITH_BODY
async def test_what_is_no_body_of_ours_is_refused(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    made = await good(installation, route)
    json = {"Content-Type": "application/json"}
    for content in _NO_BODIES:
        answer = await send(api, route, made, json=None, content=content, headers=json)
        refused(answer, 400)
    answer = await send(api, route, made, json={**(made.body or {}), "noSuchField": 1})
    assert "noSuchField" in [each["path"] for each in refused(answer, 400)["details"]]
    plain = {"Content-Type": "text/plain"}
    refused(await send(api, route, made, json=None, content="{}", headers=plain), 415)
    huge = await send(api, route, made, json=None, content=" " * 900_000, headers=json)
    refused(huge, 413)


@cache
def _document() -> dict[str, Any]:
    return openapi.build(ROUTES, "https://id.example")


@ALL
def test_the_document_has_every_route(route: Route) -> None:
    operation = _document()["paths"][route.path][route.method.lower()]
    assert operation["x-permissions"] == list(route.permissions)
    assert {str(each) for each in (route.success, *route.failures)} <= operation["responses"].keys()


async def test_the_document_is_served(api: httpx.AsyncClient, server: Server) -> None:
    answer = await api.get("/openapi.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert {(m.upper(), p) for p, methods in paths.items() for m in methods} == {
        (route.method, route.path) for route in ROUTES
    }
    again = await api.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
