"""What a stranger sends comes back bounded: redirects, and every other header (K19)."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.world.answers import location, query_of
from tests.world.browser import GOOD, Browser, add_client, post
from tests.world.served import CALLBACK, Served, serve

MOST = 3072
"""Bytes of a `Location` as it is sent."""
END = "http://127.0.0.1:9009/"
LETTERS = ("x", '"', " ", "é", "😀", "%")


def _size(answer: httpx.Response) -> int:
    """Return the bytes of the whole header."""
    return sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)


def _escaped(letter: str) -> int:
    return len(quote(letter, safe=""))


async def _longest(browser: Browser, letter: str, **changes: str) -> int:
    """Return how many of `letter` a state may have at most that still comes back."""
    low, high = 0, 4000
    while low < high:
        middle = (low + high + 1) // 2
        answer = await browser.authorize(state=letter * middle, **changes)
        low, high = (middle, high) if answer.is_redirect else (low, middle - 1)
    return low


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("mode", ["query", "fragment"])
async def test_K19_an_error_brings_its_state_back_or_is_a_page(
    browser: Browser, letter: str, mode: str
) -> None:
    """RFC 6749 §4.1.2.1: never without it, never beyond what proxies take."""
    changes = {"prompt": "none", "response_mode": mode}
    most = await _longest(browser, letter, **changes)
    assert most * _escaped(letter) > MOST - 300, "whatever fits is taken"
    answer = await browser.authorize(state=letter * most, **changes)
    assert len(answer.headers["location"]) <= MOST
    assert f"state={quote(letter * most, safe='')}" in answer.headers["location"]
    assert "error=" in answer.headers["location"]
    for longer in (1, 100):
        page = await browser.authorize(state=letter * (most + longer), **changes)
        assert page.status_code == 400
        assert "location" not in page.headers
        assert _size(page) < 4096
    assert _size(answer) < 4096


@pytest.mark.parametrize("letter", ["x", "é"])
async def test_K19_a_code_fits_wherever_an_error_does(browser: Browser, letter: str) -> None:
    await browser.code()
    most = await _longest(browser, letter)
    assert most * _escaped(letter) > MOST - 300
    answer = await browser.authorize(state=letter * most)
    assert query_of(answer)["state"] == letter * most
    assert query_of(answer)["code"]
    assert len(answer.headers["location"]) <= MOST
    assert _size(answer) < 4096


@pytest.mark.parametrize("wrong", [{"n" * 64: "\x01"}, {"<" * 100: "\x01"}])
async def test_K19_the_description_gives_way_to_the_state(
    browser: Browser, wrong: dict[str, str]
) -> None:
    most = await _longest(browser, "x", prompt="none")
    answer = await browser.authorize(state="x" * most, **wrong)
    told = query_of(answer)
    assert (told["error"], told["state"]) == ("invalid_request", "x" * most)
    assert "error_description" not in told
    assert len(answer.headers["location"]) <= MOST
    assert "error_description" in query_of(await browser.authorize(state="x", **wrong))


@pytest.mark.parametrize("length", [30, 1500, 2000])
async def test_K19_a_long_redirect_uri_leaves_less_room(served: Served, length: int) -> None:
    uri = f"https://shop.example/{'p' * (length - 21)}"
    client = await add_client(served, redirect_uris=(uri,))
    async with httpx.AsyncClient() as http:
        for state in range(0, 3000, 250):
            form = GOOD | {"client_id": client.client_id, "redirect_uri": uri, "prompt": "none"}
            answer = await http.get(f"{served.issuer()}/auth", params=form | {"state": "s" * state})
            assert answer.status_code in (303, 400)
            if state + length < MOST - 250:
                assert f"&state={'s' * state}&" in answer.headers["location"] or not state
            if state + length > MOST:
                assert "location" not in answer.headers
            assert _size(answer) < 4096


@pytest.mark.parametrize("length", [2800, 3072, 3073, 8000])
async def test_K19_a_form_has_room_for_any_state(browser: Browser, length: int) -> None:
    """Where it is too long to be kept, the error says so, and brings it back all the same."""
    state = "s" * length
    for changes in ({"prompt": "none"}, {"response_type": "token"}):
        answer = await browser.authorize(state=state, response_mode="form_post", **changes)
        assert answer.status_code == 200
        assert state in answer.text
        assert 'name="error"' in answer.text
        assert _size(answer) < 4096


@pytest.mark.parametrize("letter", LETTERS)
async def test_K19_logout_leads_back_within_bounds(browser: Browser, letter: str) -> None:
    asked = {"client_id": GOOD["client_id"], "post_logout_redirect_uri": END}
    url = f"{browser.served.issuer()}/session/end"
    fits = (MOST - 100) // _escaped(letter)
    for by_get in (True, False):
        for length in (1, fits // 2, fits, fits + 50, 3072):
            form = asked | {"state": letter * length}
            answer = await (
                browser.http.get(url, params=form) if by_get else browser.http.post(url, data=form)
            )
            assert answer.status_code in (303, 400, 431), answer.text
            assert len(answer.headers.get("location", "")) <= MOST
            assert _size(answer) < 4096
            if length * _escaped(letter) > MOST:
                assert answer.status_code != 303
    answer = await browser.http.get(url, params=asked | {"state": letter * fits})
    assert answer.headers["location"] == f"{END}?state={quote(letter * fits, safe='')}"


@pytest.mark.parametrize("name", ["ui_locales", "client_id", "id_token_hint", "state", "x"])
@pytest.mark.parametrize("value", ["v" * 12_000, "é" * 4000, '"' * 8000])
async def test_K19_no_header_grows_with_what_is_sent(
    served: Served, browser: Browser, name: str, value: str
) -> None:
    """Whatever it is answered: cookies, challenges, links and policies included."""
    sent = {name: value}
    for path in ("/auth", "/session/end", "/session/end/confirm", "/token", "/me", "/request"):
        url = served.issuer() + path
        posted = await browser.http.post(url, data=sent, headers={"Authorization": "Bearer x"})
        assert posted.status_code < 500
        assert _size(posted) < 4096
        got = await browser.http.get(f"{url}?{urlencode(sent)[:14_000]}")
        assert got.status_code < 500
        assert _size(got) < 4096
    refused = await post(served, "/token", {"grant_type": value[:100], name: value})
    assert _size(refused) < 4096


async def test_K19_what_is_carried_to_a_get_is_bounded(browser: Browser) -> None:
    """A post from another site is asked again by GET: its parameters stand in that URL."""
    form = {"client_id": "c" * 255, "state": '"' * 3000}
    answer = await browser.http.post(f"{browser.served.issuer()}/session/end", data=form)
    assert answer.status_code == 400
    fitting = {"client_id": GOOD["client_id"], "state": '"' * 900}
    answer = await browser.http.post(f"{browser.served.issuer()}/session/end", data=fitting)
    assert location(answer)
    assert len(answer.headers["location"]) <= MOST
    assert CALLBACK not in answer.headers["location"]


def _planted(slug: str) -> str:
    """Return a `Cookie` header whose every name asks to be taken away."""
    names = [f"browser_{slug}", f"session_{slug}", f"posted_{slug}", f"known_{slug}"]
    twice = [f"{name}={value}" for name in names for value in ("a" * 43, "b" * 43)]
    orgs = [f"{kind}_{'o' * 90}-{n}=v" for n in range(40) for kind in ("browser", "known")]
    return "; ".join(twice + orgs)


@pytest.mark.parametrize("issuer", ["http://a.b.c.login.example.test", None])
async def test_K19_cookies_that_are_taken_away_leave_room(
    database_url: str, redis_url: str, issuer: str | None
) -> None:
    """Whoever sends cookies in heaps has them taken away: as many as the answer has room for."""
    more = {"issuer_base_url": issuer} if issuer else {}
    async with serve(database_url, redis_url, **more) as served:
        served.http.headers["Cookie"] = _planted("acme")
        url = f"{served.base_url}/acme"
        end = {"client_id": GOOD["client_id"], "post_logout_redirect_uri": END}
        for length in (1, 1500, 2700):
            state = "s" * length
            answers = [
                await served.http.get(f"{url}/auth", params=GOOD | {"state": state}),
                await served.http.post(f"{url}/auth", data=GOOD | {"state": state}),
                await served.http.get(
                    f"{url}/auth", params=GOOD | {"state": state, "prompt": "none"}
                ),
                await served.http.get(f"{url}/session/end", params=end | {"state": state}),
                await served.http.post(f"{url}/session/end", data=end | {"state": state}),
            ]
            assert [answer.status_code for answer in answers] == [303] * 5
            assert all(_size(answer) < 4096 for answer in answers), list(map(_size, answers))
            assert any("set-cookie" in answer.headers for answer in answers)
