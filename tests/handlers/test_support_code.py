"""The code that a page has for support leads to the line of the log (people 28)."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest

from porta.observability.log import support_code
from tests.handlers.flow import begin, parameters, submit
from tests.world.house import EMAIL
from tests.world.log import Log

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("path", "asked", "event"),
    [
        ("/acme/auth", parameters(redirect_uri="https://evil.example/"), "refused"),
        ("/interaction/" + "a" * 43, {}, "refused"),
        ("/suspended/auth", {}, "refused"),
        ("/no/such/page", {}, "request"),
    ],
)
async def test_people_28_the_page_and_the_log_tell_the_same_code(
    http: httpx.AsyncClient, log: Log, path: str, asked: dict[str, str], event: str
) -> None:
    page = await http.get(path, params=asked, headers=HTML)
    (code,) = re.findall(r"<code>([0-9A-Z]{3}-[0-9A-Z]{3})</code>", page.text)
    (line,) = log.lines(event, support_code=code)
    assert line["requestId"] == page.headers["X-Request-Id"]
    assert page.headers["X-Request-Id"] not in page.text, "too long to be read out"


@pytest.mark.parametrize(
    ("path", "asked", "received"),
    [
        (
            "/acme/auth",
            parameters(redirect_uri="https://evil.example/cb"),
            "https://evil.example/cb",
        ),
        ("/acme/auth", parameters(client_id="nobody-here"), "nobody-here"),
        (
            "/acme/session/end",
            {"client_id": "web", "post_logout_redirect_uri": "https://evil.example/bye"},
            "https://evil.example/bye",
        ),
        ("/acme/auth", parameters(redirect_uri="https://e.example/" + "x" * 900), None),
    ],
)
async def test_people_7_the_log_has_client_organization_and_the_value_received(
    http: httpx.AsyncClient, log: Log, path: str, asked: dict[str, str], received: str | None
) -> None:
    page = await http.get(path, params=asked)
    (line,) = log.lines("refused", requestId=page.headers["X-Request-Id"])
    assert (line["organization"], line["client_id"]) == ("acme", asked["client_id"])
    assert line["reason"]
    if received is None:
        assert len(line["received"]) <= 200, "bounded"
    else:
        assert line["received"] == received


async def test_people_28_what_is_answered_has_none(http: httpx.AsyncClient, log: Log) -> None:
    await http.get("/acme/.well-known/openid-configuration")
    await http.get(await begin(http))
    assert "support_code" not in log.text()


def test_people_28_a_code_is_short_and_nothing_in_it_is_taken_for_something_else() -> None:
    codes = {support_code(str(uuid4())) for _ in range(500)}
    assert len(codes) > 490
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}", each) for each in codes)
    assert support_code("00000000-0000-4000-8000-000000000000") == "000-000"


async def test_people_23_the_time_of_day_is_told_with_the_wait(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    for _ in range(12):
        page = await submit(http, path, email=f"x{EMAIL}", password="wrong")
        if page.status_code == 429:
            break
    assert re.search(r"\(after <bdi class=\"name\">\d\d:\d\d UTC</bdi>\)", page.text)
    assert f'data-wait="{page.headers["Retry-After"]}"' in page.text
