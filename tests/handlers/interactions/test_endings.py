"""No end of an interaction is a dead end (K5, K10, people 16, 23b)."""

from __future__ import annotations

import html
import re
import secrets
from uuid import uuid4

import httpx
import msgspec
import pytest
import redis

from porta.browser import binding, request_copies
from porta.runtime import Runtime
from porta.security import boxes
from storage.models.artifact import artifact_id
from tests.handlers.flow import answered, begin, csrf, parameters, sign_in, submit
from tests.world.house import EMAIL, PASSWORD
from tests.world.waiting import eventually

HOME = "https://app.example/"
STEPS = [("GET", ""), ("GET", "/consent"), ("GET", "/abort"), ("POST", "/login"),
         ("POST", "/confirm"), ("POST", "/continue")]  # fmt: skip


def _lose(redis_url: str, path: str) -> None:
    """Let the interaction expire."""
    value = path.rpartition("/")[2].partition(".")[0]
    with redis.Redis.from_url(redis_url) as store:
        assert store.delete(f"porta:Interaction:{artifact_id(value)}") == 1


def _restart(page: str) -> tuple[str, dict[str, str]]:
    """Return action and fields of the form that begins again."""
    (action,) = re.findall(r'<form method="post" action="([^"]+)">', page)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    return html.unescape(action), {name: html.unescape(value) for name, value in fields.items()}


@pytest.mark.parametrize(("method", "step"), STEPS)
async def test_K5_what_expired_begins_again(
    http: httpx.AsyncClient, redis_url: str, method: str, step: str
) -> None:
    path = await begin(http, state="kept", nonce="n-1", scope="openid email", ui_locales="en")
    _lose(redis_url, path)
    form = {"email": " Bob@acme.example ", "password": "x", "_csrf": "y"}
    ended = await http.request(method, path + step, data=form if method == "POST" else None)
    assert (ended.status_code, "Location" in ended.headers) == (400, False)
    assert "This page has expired" in ended.text
    assert "Acme Ltd." in ended.text, "whose page it was"
    assert f'href="{HOME}"' in ended.text, "the application"
    action, fields = _restart(ended.text)
    assert fields == ({"email": "Bob@acme.example"} if method == "POST" else {})
    begun = await http.post(action, data=fields)
    page = await http.get(begun.headers["Location"])
    assert page.url.path.startswith("/interaction/")
    if method == "POST":
        assert 'value="Bob@acme.example"' in page.text
    posted = await submit(http, page.url.path)
    told = answered((await http.get(posted.headers["Location"])).headers["Location"])
    assert (told["state"], "code" in told) == ("kept", True)


async def test_K5_where_it_resumes_as_well(http: httpx.AsyncClient, redis_url: str) -> None:
    path = await begin(http)
    _lose(redis_url, path)
    ended = await http.get(path.replace("/interaction/", "/acme/auth/"))
    assert ended.status_code == 400
    action, _ = _restart(ended.text)
    begun = await http.post(action, data={})
    assert begun.headers["Location"].startswith("/interaction/")


async def test_K5_a_replay_passes_every_check_again(
    http: httpx.AsyncClient, runtime: Runtime, redis_url: str
) -> None:
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    web = await runtime.storage.everywhere.clients.find("web", acme.id)
    assert web is not None
    gone = msgspec.structs.replace(web, id=str(uuid4()), client_id="gone", secrets=())
    await runtime.storage.everywhere.clients.insert(gone)
    path = await begin(http, client_id="gone")
    _lose(redis_url, path)
    action, _ = _restart((await http.get(path)).text)
    await runtime.storage.everywhere.clients.set_status(gone.id, acme.id, "inactive")

    async def heard() -> bool:
        client = await runtime.client("gone", acme.id)
        return client is None or client.status != "active"

    await eventually(heard)
    refused = await http.post(action, data={})
    assert (refused.status_code, "Location" in refused.headers) == (400, False)


@pytest.mark.parametrize("at", ["/interaction/", "/acme/auth/"])
async def test_K5_what_is_finished_leads_on_by_itself(http: httpx.AsyncClient, at: str) -> None:
    path = await begin(http)
    posted = await submit(http, path)
    await http.get(posted.headers["Location"])
    back = await http.get(path.replace("/interaction/", at))
    assert (back.status_code, back.headers["Location"]) == (303, HOME)
    http.cookies.delete("session_acme", domain="127.0.0.1", path="/acme")
    http.cookies.delete("session_acme", domain="127.0.0.1", path="/interaction")
    ended = await http.get(path.replace("/interaction/", at))
    assert ended.status_code == 400
    assert f'href="{HOME}"' in ended.text


async def test_K5_a_finished_one_of_another_browser_leads_nobody_on(
    http: httpx.AsyncClient,
) -> None:
    path = await begin(http)
    await http.get((await submit(http, path)).headers["Location"])
    http.cookies.clear()
    await sign_in(http)
    other = await http.get(path)
    assert (other.status_code, "Location" in other.headers) == (400, False)


async def _seal_for_globex(http: httpx.AsyncClient, runtime: Runtime) -> None:
    """Plant the browser's secret at the other organization, as whoever has COOKIE_KEYS can."""
    keys, sealed = runtime.settings.cookie_keys, http.cookies.get("browser_acme")
    secret = binding.from_cookie(keys, "acme", sealed)
    assert secret is not None
    value = binding.to_cookie(keys, "globex", secret)
    http.cookies.set("browser_globex", value, domain="127.0.0.1", path="/")


async def test_K5_another_organization_knows_nothing_of_one_that_waits(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    path = await begin(http)
    await _seal_for_globex(http, runtime)
    there = await http.get(path.replace("/interaction/", "/globex/auth/"))
    assert (there.status_code, "Location" in there.headers) == (400, False)
    assert "This page has expired" in there.text, "as one that never was"
    assert "code" in answered(
        (await http.get((await submit(http, path)).headers["Location"])).headers["Location"]
    ), "and it is unharmed"


async def test_K5_another_organization_knows_nothing_of_one_that_is_finished(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    path = await begin(http)
    await http.get((await submit(http, path)).headers["Location"])
    await _seal_for_globex(http, runtime)
    await _sign_in_at_globex(http, runtime)
    there = await http.get(path.replace("/interaction/", "/globex/auth/"))
    assert (there.status_code, "Location" in there.headers) == (400, False)
    assert "This page has expired" in there.text, "as one that never was"


async def _sign_in_at_globex(http: httpx.AsyncClient, runtime: Runtime) -> None:
    storage = runtime.storage.everywhere
    globex = await storage.organizations.find_by_slug("globex")
    acme = await storage.organizations.find_by_slug("acme")
    assert acme is not None
    assert globex is not None
    web = await storage.clients.find("web", acme.id)
    alice = await storage.users.find_by_email(acme.id, EMAIL)
    assert web is not None
    assert alice is not None
    there = {"id": str(uuid4()), "organization_id": globex.id}
    await storage.users.insert(msgspec.structs.replace(alice, **there))
    await storage.clients.insert(
        msgspec.structs.replace(web, client_id="globex-web", secrets=(), **there)
    )
    begun = await http.get("/globex/auth", params=parameters(client_id="globex-web"))
    posted = await submit(http, begun.headers["Location"])
    left = await http.get(posted.headers["Location"])
    assert "code" in answered(left.headers["Location"]), left.text


async def test_K5_a_client_without_a_page_is_named(http: httpx.AsyncClient) -> None:
    uri = "http://127.0.0.1:5000/callback"
    path = await begin(http, client_id="desk", redirect_uri=uri)
    await http.get((await submit(http, path)).headers["Location"])
    ended = await http.get(path)
    assert ended.status_code == 400
    assert "You are signed in already" in ended.text
    assert "Desk" in ended.text
    assert "127.0.0.1" not in ended.text


@pytest.mark.parametrize("step", ["", "/login"])
async def test_K5_a_browser_without_cookies_is_told_so(http: httpx.AsyncClient, step: str) -> None:
    path = await begin(http)
    http.cookies.clear()
    method, form = ("POST", {"email": EMAIL, "password": PASSWORD}) if step else ("GET", None)
    ended = await http.request(method, path + step, data=form)
    assert ended.status_code == 400
    assert "Cookies are needed" in ended.text
    assert "Acme Ltd." in ended.text
    action, _ = _restart(ended.text)
    again = await http.post(action, data={})
    http.cookies.clear()
    assert "Cookies are needed" in (await http.get(again.headers["Location"])).text


@pytest.mark.parametrize("copy", ["", ".", ".x", "." + "A" * 300, ".é", "." + "A" * 5000])
async def test_K5_a_copy_that_we_did_not_make_is_none(http: httpx.AsyncClient, copy: str) -> None:
    ended = await http.get("/interaction/" + "r" * 43 + copy)
    assert ended.status_code == 400
    assert '<form method="post"' not in ended.text
    assert "Acme" not in ended.text
    posted = await http.post("/acme/auth/" + "r" * 43 + copy, data={})
    assert (posted.status_code, "Location" in posted.headers) == (400, False)


async def test_K5_a_copy_is_of_its_organization(http: httpx.AsyncClient, redis_url: str) -> None:
    path = await begin(http)
    _lose(redis_url, path)
    there = path.replace("/interaction/", "/globex/auth/")
    for answer in (await http.get(there), await http.post(there, data={})):
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert "Acme" not in answer.text


async def test_K5_after_an_hour_the_application_has_to_begin(
    http: httpx.AsyncClient, redis_url: str, later: list[float]
) -> None:
    path = await begin(http)
    _lose(redis_url, path)
    later.append(request_copies.REPLAYABLE + 1)
    ended = await http.get(path)
    assert '<form method="post"' not in ended.text
    assert f'href="{HOME}"' in ended.text
    posted = await http.post(path.replace("/interaction/", "/acme/auth/"), data={})
    assert posted.status_code == 400


async def test_K5_a_long_request_is_remembered_by_its_client(
    http: httpx.AsyncClient, redis_url: str
) -> None:
    state, nonce = secrets.token_urlsafe(700), secrets.token_urlsafe(700)
    path = await begin(http, state=state, nonce=nonce)
    assert len(path) < 700
    _lose(redis_url, path)
    ended = await http.get(path)
    assert '<form method="post"' not in ended.text
    assert f'href="{HOME}"' in ended.text


async def test_K5_a_post_from_another_site_takes_no_secret_away(
    http: httpx.AsyncClient, redis_url: str
) -> None:
    path = await begin(http)
    _lose(redis_url, path)
    action, _ = _restart((await http.get(path)).text)
    http.cookies.clear()
    answer = await http.post(action, data={})
    assert not [c for c in answer.headers.get_list("Set-Cookie") if c.startswith("browser_")]


def test_K5_nothing_of_a_copy_can_be_read_or_changed() -> None:
    keys = ("new" * 12, "old" * 12)
    box = boxes.close(keys[1:], "replay", b"state and nonce")
    assert boxes.unlock(keys, "replay", box) == b"state and nonce"
    assert boxes.unlock(keys[:1], "replay", box) is None
    assert boxes.unlock(keys, "other", box) is None
    for other in (box[:-1], box[1:], box + "A", box.swapcase(), "", "é", "\ud800", box[:10]):
        assert boxes.unlock(keys, "replay", other) is None


async def test_K10_a_page_that_was_overtaken_goes_on(http: httpx.AsyncClient) -> None:
    waiting = await begin(http, state="waiting")
    assert (await http.get(waiting)).status_code == 200
    await sign_in(http)
    moved = await http.get(waiting)
    told = answered((await http.get(moved.headers["Location"])).headers["Location"])
    assert (told["state"], "code" in told) == ("waiting", True)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_K10_who_is_to_sign_in_again_is_asked_still(
    http: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    waiting = await begin(http, **changes)
    await sign_in(http)
    for _ in range(2):
        answer = await http.get(waiting)
        while answer.status_code == 303:
            answer = await http.get(answer.headers["Location"])
        assert 'type="password"' in answer.text
        assert "sign in again" in answer.text


async def test_K10_consent_given_in_another_tab_is_consent(http: httpx.AsyncClient) -> None:
    asked = {"client_id": "third", "scope": "openid email"}
    await sign_in(http)
    first, second = await begin(http, **asked), await begin(http, **asked)
    form = {"decision": "approve", "_csrf": await csrf(http, first)}
    await http.get((await http.post(f"{first}/confirm", data=form)).headers["Location"])
    moved = await http.get(second)
    told = answered((await http.get(moved.headers["Location"])).headers["Location"])
    assert "code" in told


async def test_K10_nobody_is_sent_round_and_round(http: httpx.AsyncClient) -> None:
    """Two paths see another session each: the pages give up, and ask."""
    waiting = await begin(http)
    await sign_in(http)
    http.cookies.delete("session_acme", domain="127.0.0.1", path="/acme")
    hops, answer = 0, await http.get(waiting)
    while answer.status_code == 303:
        hops, answer = hops + 1, await http.get(answer.headers["Location"])
        assert hops < 20
    assert 'type="password"' in answer.text


async def test_K10_a_page_does_not_name_who_is_signed_out(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    waiting = await begin(http, client_id="third")
    assert EMAIL in (await http.get(waiting)).text
    http.cookies.delete("session_acme", domain="127.0.0.1", path="/acme")
    http.cookies.delete("session_acme", domain="127.0.0.1", path="/interaction")
    answer = await http.get(waiting)
    while answer.status_code == 303:
        answer = await http.get(answer.headers["Location"])
    assert EMAIL not in answer.text
    assert 'type="password"' in answer.text


async def test_the_page_of_an_end_has_no_words_of_the_request(
    http: httpx.AsyncClient, redis_url: str
) -> None:
    path = await begin(http, state="secret-state", nonce="secret-nonce")
    _lose(redis_url, path)
    ended = await http.get(path)
    assert "secret-" not in ended.text
    assert "form-action" not in ended.headers["Content-Security-Policy"]
    assert parameters()["code_challenge"] not in ended.text
