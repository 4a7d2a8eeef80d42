"""A form that met a store which is away leads back to its page (people 23b)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.handlers.flow import begin, csrf, parameters, submit
from tests.handlers.ops.test_health import Fragile, fragile
from tests.handlers.test_ways_on import primary_actions
from tests.world.house import EMAIL, PASSWORD

__all__ = ["fragile"]


@pytest.mark.parametrize("step", ["/login", "/confirm"])
async def test_people_23b_a_form_that_met_an_outage_leads_back(fragile: Fragile, step: str) -> None:
    http: httpx.AsyncClient = fragile.http
    path = await begin(http)
    form = {"_csrf": await csrf(http, path), "email": EMAIL, "password": PASSWORD}
    fragile.postgres.silence()
    fragile.redis.silence()
    answer = await http.post(path + step, data=form)
    assert answer.status_code == 503
    assert f'href="{path}"' in answer.text, "a button that asks by GET"
    assert "Acme" in answer.text, "in its own clothes"
    assert PASSWORD not in answer.text


async def test_faults_F1_a_sign_in_that_lay_in_a_lost_redis_begins_again(fragile: Fragile) -> None:
    """Its page goes on by itself; what was typed is asked for once more, all but the address."""
    http: httpx.AsyncClient = fragile.http
    path, other = await begin(http), await begin(http)
    form = {"_csrf": await csrf(http, other), "email": EMAIL, "password": PASSWORD}
    fragile.redis.silence()
    page = await http.get(path, follow_redirects=True)
    assert page.status_code == 200, page.text
    assert page.url.path.startswith("/interaction/p"), "another one, where it can be finished"
    posted = await http.post(other + "/login", data=form, follow_redirects=True)
    assert posted.status_code == 200, posted.text
    assert posted.url.path.startswith("/interaction/p")
    assert EMAIL in posted.text
    assert PASSWORD not in posted.text
    answer = await submit(http, posted.url.path)
    answer = await http.get(urlsplit(answer.headers["location"]).path)
    assert "code=" in answer.headers["location"], "and it can be finished"


async def test_a_browser_without_its_secret_begins_nothing_by_a_link(fragile: Fragile) -> None:
    path = await begin(fragile.http)
    fragile.redis.silence()
    async with httpx.AsyncClient(base_url=fragile.http.base_url) as stranger:
        answer = await stranger.get(path)
        while answer.is_redirect:
            answer = await stranger.get(answer.headers["location"])
    assert answer.status_code in (400, 503)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "paths"),
    [
        ("GET", ("/acme/auth", "/acme/session/end", "/globex/auth", "/", "/acme")),
        ("POST", ("/acme/auth", "/acme/session/end", "/acme/session/end/confirm")),
    ],
)
async def test_people_23b_what_meets_an_outage_has_one_way_on(
    fragile: Fragile, method: str, paths: tuple[str, ...]
) -> None:
    """To the same once more, or to the application, or to a page that needs no database."""
    http = fragile.http
    posted = await submit(http, await begin(http))
    await http.get(urlsplit(posted.headers["Location"]).path)
    fragile.postgres.silence()
    fragile.redis.silence()
    ways = {}
    for path in paths:
        sent: dict[str, Any] = {"data" if method == "POST" else "params": parameters()}
        answer = await http.request(method, path, headers={"Accept": "text/html"}, **sent)
        assert answer.status_code == (200 if path in ("/", "/acme") else 503), answer.text
        (ways[path],) = primary_actions(answer.text)
    fragile.postgres.restore()
    fragile.redis.restore()
    for path, action in ways.items():
        if path.endswith("/auth") or (method, path) == ("GET", "/acme/session/end"):
            assert action.startswith(path)
        if action.startswith("/"):
            answer = await http.get(action, headers={"Accept": "text/html"})
            assert answer.status_code < 500, action
