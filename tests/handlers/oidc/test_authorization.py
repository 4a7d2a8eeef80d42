"""The authorization endpoint, seen from a browser."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from handlers.http.server import Server
from porta.observability.log import support_code
from porta.runtime import Runtime
from tests.handlers.flow import answered, begin, hidden, parameters, sign_in, submit
from tests.handlers.http.wire import exchange, request, statuses
from tests.world.answers import above_the_footer
from tests.world.house import CALLBACK, SECRET
from tests.world.served import post_across_sites


async def test_a_request_becomes_an_interaction_bound_to_the_browser(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/acme/auth", params=parameters())
    assert answer.status_code == 303
    path = answer.headers["Location"]
    assert re.fullmatch(r"/interaction/[\w-]{43,44}\.[\w-]{100,1400}", path)
    assert answer.headers["Cache-Control"] == "no-store"
    (line,) = answer.headers.get_list("Set-Cookie")
    assert re.fullmatch(
        r"browser_acme=[\w-]{86}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax", line
    )


async def test_query_and_body_are_one_request(http: httpx.AsyncClient) -> None:
    both = parameters()
    client_id = {"client_id": both.pop("client_id")}
    assert (await http.post("/acme/auth", params=client_id, data=both)).status_code == 303
    twice = await http.post("/acme/auth", params=client_id, data=both | client_id)
    assert twice.status_code == 400
    state = {"state": "once"}
    twice = await http.post("/acme/auth", params=client_id | state, data=both | state)
    assert answered(twice.headers["Location"])["error"] == "invalid_request"
    assert "state" not in answered(twice.headers["Location"])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"client_id": ["web", "web"]},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": [CALLBACK, CALLBACK]},
        {"request_uri": "urn:ietf:params:oauth:request_uri:nothing"},
        {"client_id": "web\x00"},
    ],
)
async def test_an_untrusted_request_is_a_page_that_leads_nowhere(
    http: httpx.AsyncClient, changes: dict[str, str | None]
) -> None:
    answer = await http.get("/acme/auth", params=parameters(**changes))
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    told = above_the_footer(answer)
    assert CALLBACK not in told, "its home at most, which is registered"
    assert "evil.example" not in told
    assert support_code(answer.headers["X-Request-Id"]) in told


async def test_an_error_of_a_trusted_request_goes_to_the_client(http: httpx.AsyncClient) -> None:
    answer = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    told = answered(answer.headers["Location"])
    assert (told["error"], told["state"]) == ("login_required", "xyz")
    assert told["iss"].endswith("/acme")


async def test_a_fragment_stays_a_fragment(http: httpx.AsyncClient) -> None:
    changed = parameters(prompt="none", response_mode="fragment")
    answer = await http.get("/acme/auth", params=changed)
    assert answer.headers["Location"].startswith(f"{CALLBACK}#error=login_required")


async def test_a_form_post_is_a_page_whose_form_may_leave(http: httpx.AsyncClient) -> None:
    changed = parameters(prompt="none", response_mode="form_post", state='"><script>')
    answer = await http.get("/acme/auth", params=changed)
    assert answer.status_code == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert hidden(answer.text, "error") == "login_required"
    assert "<script>" not in answer.text
    assert "form-action" not in answer.headers["Content-Security-Policy"]


async def test_the_road_back_to_the_client_ends_the_interaction(http: httpx.AsyncClient) -> None:
    answer = await sign_in(http)
    assert answer.status_code == 303
    told = answered(answer.headers["Location"])
    assert set(told) == {"code", "state", "iss"}
    assert "Set-Cookie" not in answer.headers


async def test_a_session_answers_at_once(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    answer = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert "code" in answered(answer.headers["Location"])
    assert "Set-Cookie" not in answer.headers


async def test_a_session_is_one_organizations(http: httpx.AsyncClient) -> None:
    signed_in = await submit(http, await begin(http))
    cookies = signed_in.headers.get_list("Set-Cookie")
    assert cookies[0].startswith("browser_acme=")
    for cookie, path in zip(cookies[1:3], ("/acme", "/interaction"), strict=True):
        assert re.fullmatch(
            rf"session_acme=[\w-]{{43}}; Path={path}; Max-Age=\d+; HttpOnly; SameSite=Lax",
            cookie,
        )


@pytest.mark.parametrize("uid", ["x", "a" * 43, "%00", "..", "a" * 5000, "a%2fb"])
async def test_only_the_browser_that_began_goes_on(server: Server, uid: str) -> None:
    cookie = "Cookie: browser_acme=" + "b" * 86
    message = request("GET", f"/acme/auth/{uid}", cookie, "Connection: close")
    answer = await exchange(server.port, message)
    assert statuses(answer) == [400]
    assert b"This page has expired" in answer


async def test_another_browser_cannot_go_on(http: httpx.AsyncClient) -> None:
    path = await begin(http)
    posted = await submit(http, path)
    http.cookies.clear()
    answer = await http.get(posted.headers["Location"])
    assert answer.status_code == 400
    assert "Location" not in answer.headers


async def test_a_finished_interaction_is_over(http: httpx.AsyncClient) -> None:
    posted = await submit(http, await begin(http))
    kept = httpx.Cookies(http.cookies)
    first = await http.get(posted.headers["Location"])
    http.cookies = kept
    second = await http.get(posted.headers["Location"])
    assert "code" in answered(first.headers["Location"])
    assert second.headers["Location"] == "https://app.example/", "on to the application, by itself"


async def _posted(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    """Post a request from the client's site, and go on as the browser is told."""
    posted = await post_across_sites(http, "/acme/auth", data=parameters(**changes))
    assert posted.status_code == 303, posted.text
    return await http.get(posted.headers["Location"])


async def test_a_post_without_the_session_goes_on_by_get(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    """Core §3.1.2.1 wants POST; cookies of SameSite=Lax do not travel on it across sites."""
    answer = await http.post("/acme/auth", data=parameters())
    uid = answer.headers["Location"].rpartition("/")[2]
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{runtime.settings.issuer_base_url}/acme/auth/{uid}"
    (line,) = answer.headers.get_list("Set-Cookie")
    assert re.fullmatch(
        r"posted_acme=[\w-]{43}; Path=/acme/auth; Max-Age=600; HttpOnly; SameSite=Lax", line
    ), "no secret, which would take the place of one that was withheld"
    assert (await http.get(f"/interaction/{uid}")).status_code == 400, "nobody's yet"
    asked = await http.get(answer.headers["Location"])
    line, gone = asked.headers.get_list("Set-Cookie")
    if gone.startswith("browser_acme="):
        line, gone = gone, line
    assert gone.startswith("posted_acme=; Path=/acme/auth; Max-Age=0;")
    assert re.fullmatch(
        r"browser_acme=[\w-]{86}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax", line
    )
    assert asked.headers["Location"] == f"/interaction/{uid}"
    posted = await submit(http, f"/interaction/{uid}")
    told = answered((await http.get(posted.headers["Location"])).headers["Location"])
    assert (set(told), told["state"]) == ({"code", "state", "iss"}, "xyz")


@pytest.mark.parametrize("prompt", [None, "none"])
async def test_a_posted_request_finds_the_session(
    http: httpx.AsyncClient, prompt: str | None
) -> None:
    await sign_in(http)
    session = http.cookies.get("session_acme", path="/acme")
    answer = await _posted(http, prompt=prompt)
    assert set(answered(answer.headers["Location"])) == {"code", "state", "iss"}
    (gone,) = answer.headers.get_list("Set-Cookie")
    assert gone.startswith("posted_acme=; Path=/acme/auth; Max-Age=0;")
    assert http.cookies.get("session_acme", path="/acme") == session


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_a_posted_request_that_may_not_ask_is_refused(
    http: httpx.AsyncClient, mode: str
) -> None:
    answer = await _posted(http, prompt="none", response_mode=mode)
    if mode == "form_post":
        assert (hidden(answer.text, "error"), hidden(answer.text, "state")) == (
            "login_required",
            "xyz",
        )
    else:
        told = answered(answer.headers["Location"])
        assert (told["error"], told["state"]) == ("login_required", "xyz")
    assert all("Max-Age=0" in line for line in answer.headers.get_list("Set-Cookie"))


async def test_a_posted_request_goes_on_once(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    posted = await post_across_sites(http, "/acme/auth", data=parameters())
    kept = httpx.Cookies(http.cookies)
    first = await http.get(posted.headers["Location"])
    http.cookies = kept
    second = await http.get(posted.headers["Location"])
    assert (first.status_code, second.status_code) == (303, 400)
    assert "code" in answered(first.headers["Location"])


async def test_a_posted_request_goes_on_in_its_own_browser_only(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    session = httpx.Cookies(http.cookies)
    posted = await http.post("/acme/auth", data=parameters(), headers={"Cookie": ""})
    http.cookies = session  # another browser, led there while it is signed in
    answer = await http.get(posted.headers["Location"])
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": 0}])
async def test_a_posted_request_for_a_new_sign_in_gets_one(
    http: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    await sign_in(http)
    asked = await _posted(http, **changes)
    path = asked.headers["Location"]
    skipped = await http.get(path.replace("/interaction/", "/acme/auth/"))
    assert skipped.headers["Location"] == path
    posted = await submit(http, path)
    answer = await http.get(posted.headers["Location"])
    assert "code" in answered(answer.headers["Location"])


async def test_a_posted_request_asks_for_consent(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    silent = await _posted(http, client_id="third", prompt="none")
    assert answered(silent.headers["Location"])["error"] == "consent_required"
    asked = await _posted(http, client_id="third")
    path = asked.headers["Location"]
    form = {"_csrf": hidden((await http.get(path)).text, "_csrf"), "decision": "approve"}
    confirmed = await http.post(f"{path}/confirm", data=form)
    answer = await http.get(confirmed.headers["Location"])
    assert "code" in answered(answer.headers["Location"])
    silent = await _posted(http, client_id="third", prompt="none")
    assert "code" in answered(silent.headers["Location"])
    again = await _posted(http, client_id="third", prompt="consent")
    assert again.headers["Location"].startswith("/interaction/")


async def test_a_posted_request_with_the_session_is_answered_at_once(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    answer = await http.post("/acme/auth", data=parameters(prompt="none"))
    assert "code" in answered(answer.headers["Location"])
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("where", ["iframe", "empty"])
async def test_a_post_into_a_frame_is_answered_at_once(http: httpx.AsyncClient, where: str) -> None:
    """No cookie that is set or sent there would help it on."""
    headers = {"Sec-Fetch-Dest": where}
    answer = await http.post("/acme/auth", data=parameters(prompt="none"), headers=headers)
    assert answered(answer.headers["Location"])["error"] == "login_required"
    assert "Set-Cookie" not in answer.headers


async def test_what_is_wrong_with_a_posted_request_is_told_at_once(
    http: httpx.AsyncClient,
) -> None:
    for changes in ({"client_id": "unknown"}, {"redirect_uri": "https://evil.example/"}):
        page = await http.post("/acme/auth", data=parameters(**changes))
        assert (page.status_code, "Location" in page.headers) == (400, False)
    answer = await http.post("/acme/auth", data=parameters(code_challenge_method="plain"))
    assert answered(answer.headers["Location"])["error"] == "invalid_request"
    assert "Set-Cookie" not in answer.headers


async def test_K4_a_pushed_request_may_be_posted_again_until_there_is_a_code(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    pushed = await http.post("/acme/request", data=parameters() | {"client_secret": SECRET})
    reference = {"client_id": "web", "request_uri": pushed.json()["request_uri"]}
    posted = await post_across_sites(http, "/acme/auth", data=reference)
    again = await post_across_sites(http, "/acme/auth", data=reference)
    by_get = await http.get("/acme/auth", params=reference)
    assert (posted.status_code, again.status_code, by_get.status_code) == (303, 303, 303)
    assert "code" in answered(by_get.headers["Location"])
    late = await http.get(again.headers["Location"])
    assert answered(late.headers["Location"])["error"] == "invalid_request_uri"
    assert (await http.get("/acme/auth", params=reference)).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("locales", ["de", "xx de-CH"])
async def test_an_error_speaks_the_language_that_was_asked_for(
    http: httpx.AsyncClient, method: str, locales: str
) -> None:
    asked = parameters(client_id="unknown", ui_locales=locales)
    sent: dict[str, Any] = {"params": asked} if method == "GET" else {"data": asked}
    page = await http.request(method, "/acme/auth", **sent)
    assert (page.status_code, page.headers["Content-Language"]) == (400, "de")


@pytest.mark.parametrize("query", ["ui_locales=%", "ui_locales=de&ui_locales=de", "%00=de", "&="])
async def test_languages_that_cannot_be_read_are_nobodys(
    http: httpx.AsyncClient, query: str
) -> None:
    for answer in (
        await http.get(f"/acme/auth?{query}"),
        await http.post(f"/acme/auth?{query}", content=b"ui_locales=\xff"),
    ):
        assert (answer.status_code, answer.headers["Content-Language"]) == (400, "en")


async def test_it_knows_no_cors(http: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://spa.example"}
    answer = await http.get("/acme/auth", params=parameters(), headers=origin)
    assert not [name for name in answer.headers if name.startswith("access-control")]
