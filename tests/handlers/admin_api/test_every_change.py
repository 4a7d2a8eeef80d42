"""Every route that changes something: under a condition, and sent twice.

RFC 9110 §13, draft-ietf-httpapi-idempotency-key-header. Made from the table and the examples.
"""

from __future__ import annotations

import secrets

import httpx
import pytest

from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from tests.handlers.admin_api import tenant_rows
from tests.handlers.admin_api.requests import good, name_of, refused, send
from tests.world.administrators import Installation

_CHANGES = [route for route in ROUTES if route.changes]
_AT = {(route.method, route.path): route for route in ROUTES}
CHANGES = pytest.mark.parametrize("route", _CHANGES, ids=name_of)
POSTS = pytest.mark.parametrize("route", [r for r in _CHANGES if r.method == "POST"], ids=name_of)
BESIDE_A_GET = pytest.mark.parametrize(
    "route", [r for r in _CHANGES if ("GET", r.path) in _AT and r.method != "POST"], ids=name_of
)


@CHANGES
async def test_nothing_is_changed_under_a_condition_that_does_not_hold(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    """Whoever sends one relies on it: what no route would look at is refused as well."""
    made = await good(installation, route)
    before = await tenant_rows.state(installation)
    for headers in ({"If-Match": '"987654321"'}, {"If-None-Match": "*"}):
        refused(await send(api, route, made, headers=headers), 412)
    assert await tenant_rows.state(installation) == before


@BESIDE_A_GET
async def test_what_is_read_with_a_tag_is_changed_under_it(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    made = await good(installation, route)
    read = await api.get(made.url(route))
    tag = read.headers.get("ETag")
    assert route.is_conditional or tag is None, "a tag that no change looks at"
    if tag is not None:
        answer = await send(api, route, made, headers={"If-Match": tag})
        assert answer.status_code == route.success, answer.text


@POSTS
async def test_a_post_with_a_key_takes_effect_once(
    api: httpx.AsyncClient, installation: Installation, route: Route
) -> None:
    made, key = await good(installation, route), {"Idempotency-Key": secrets.token_hex(8)}
    first = await send(api, route, made, headers=key)
    assert first.status_code in (route.success, *route.also), first.text
    assert "Idempotency-Replayed" not in first.headers
    between = await tenant_rows.state(installation)
    again = await send(api, route, made, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await tenant_rows.state(installation) == between
