"""Native clients get no code without a gesture (K11, security 6; requirement A.13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from porta.runtime import Runtime
from tests.handlers.flow import answered, begin, csrf, hidden, parameters, sign_in, submit
from tests.world.house import EMAIL

SCHEME = "com.example.app:/callback"
CLAIMED = "https://app.example/native"
LOOPBACK = "http://127.0.0.1:54321/callback"
UNASSURED = (SCHEME, LOOPBACK, "http://[::1]:9/callback", "http://localhost:5/callback")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients(runtime: Runtime) -> AsyncIterator[None]:
    """Two native clients: one of our own, one a third party."""
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    desk = await runtime.storage.everywhere.clients.find("desk", acme.id)
    assert desk is not None
    for name, first_party in (("phone", True), ("strange", False)):
        await runtime.storage.everywhere.clients.insert(
            msgspec.structs.replace(
                desk, id=str(uuid4()), client_id=name, client_name=f"My {name}",
                is_first_party=first_party,
                redirect_uris=(SCHEME, CLAIMED, "http://127.0.0.1/callback",
                               "http://[::1]/callback", "http://localhost:5/callback"),
            )
        )  # fmt: skip
    yield


@pytest_asyncio.fixture
async def alice(http: httpx.AsyncClient, clients: None) -> httpx.AsyncClient:
    """Somebody who signed in at a client on the web."""
    await sign_in(http)
    return http


async def _asked(http: httpx.AsyncClient, **changes: str) -> httpx.Response:
    """Return the page that the native client's request leads to."""
    page = await http.get(await begin(http, **{"client_id": "phone", **changes}))
    assert "/continue" in page.text, page.text
    return page


async def _decide(http: httpx.AsyncClient, page: httpx.Response, decision: str) -> httpx.Response:
    form = {"_csrf": hidden(page.text, "_csrf"), "decision": decision}
    return await http.post(f"{page.url.path}/continue", data=form)


async def _sign_out(http: httpx.AsyncClient) -> None:
    out = await http.get("/acme/session/end")
    form = {"xsrf": hidden(out.text, "xsrf"), "logout": "yes"}
    await http.post("/acme/session/end/confirm", data=form)


async def _silently(http: httpx.AsyncClient, **changes: str) -> dict[str, str]:
    asked = {"client_id": "phone", "prompt": "none", **changes}
    answer = await http.get("/acme/auth", params=parameters(**asked))
    assert answer.status_code == 303, answer.text
    return answered(answer.headers["Location"])


@pytest.mark.parametrize("uri", UNASSURED)
async def test_K11_a_session_alone_gets_no_code(alice: httpx.AsyncClient, uri: str) -> None:
    assert (await _silently(alice, redirect_uri=uri))["error"] == "interaction_required"
    page = await _asked(alice, redirect_uri=uri)
    assert page.status_code == 200
    assert "My phone" in page.text
    assert EMAIL in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]
    went = await _decide(alice, page, "continue")
    answer = await alice.get(went.headers["Location"])
    assert answer.headers["Location"].startswith(uri)
    assert "code" in answered(answer.headers["Location"])
    assert "code" in await _silently(alice, redirect_uri=uri), "once a session"


async def test_security_6_access_that_lasts_is_asked_for_each_time(
    alice: httpx.AsyncClient,
) -> None:
    lasting = {"redirect_uri": SCHEME, "scope": "openid offline_access"}
    for _ in range(2):
        page = await _asked(alice, **lasting)
        went = await _decide(alice, page, "continue")
        assert "code" in answered((await alice.get(went.headers["Location"])).headers["Location"])
        assert (await _silently(alice, **lasting))["error"] == "interaction_required"
    assert "code" in await _silently(alice, redirect_uri=SCHEME)


async def test_K11_an_address_that_its_owner_claimed_needs_none(alice: httpx.AsyncClient) -> None:
    assert "code" in await _silently(alice, redirect_uri=CLAIMED)
    told = await _silently(alice, redirect_uri=SCHEME)
    assert told["error"] == "interaction_required", "what was got there counts for nothing here"


async def test_K11_without_a_session_a_sign_in_comes_first(
    http: httpx.AsyncClient, clients: None
) -> None:
    assert (await _silently(http, redirect_uri=SCHEME))["error"] == "login_required"
    path = await begin(http, client_id="phone", redirect_uri=SCHEME)
    page = await http.get(path)
    assert "My phone" in page.text, "the page names the client, the person says who they are"
    posted = await submit(http, path)
    answer = await http.get(posted.headers["Location"])
    assert "code" in answered(answer.headers["Location"])


async def test_K11_a_sign_in_in_another_tab_is_no_gesture_here(
    http: httpx.AsyncClient, clients: None
) -> None:
    path = await begin(http, client_id="phone", redirect_uri=SCHEME)
    await sign_in(http)
    resumed = await http.get(path.replace("/interaction/", "/acme/auth/"))
    assert resumed.headers["Location"] == path
    assert "/continue" in (await http.get(path)).text


async def test_K11_a_third_party_is_asked_for_its_consent_and_no_more(
    alice: httpx.AsyncClient,
) -> None:
    asked = {"client_id": "strange", "redirect_uri": SCHEME}
    path = await begin(alice, **asked)
    form = {"decision": "approve", "_csrf": await csrf(alice, path)}
    agreed = await alice.post(f"{path}/confirm", data=form)
    answer = await alice.get(agreed.headers["Location"])
    assert "code" in answered(answer.headers["Location"])
    assert "code" in await _silently(alice, **asked)


@pytest.mark.parametrize("decision", ["", "cancel", "Continue", "yes"])
async def test_K11_anything_but_going_on_is_a_refusal(
    alice: httpx.AsyncClient, decision: str
) -> None:
    page = await _asked(alice, redirect_uri=SCHEME)
    went = await _decide(alice, page, decision)
    answer = await alice.get(went.headers["Location"])
    assert answered(answer.headers["Location"])["error"] == "access_denied"


@pytest.mark.parametrize("forged", ["", "x", "a" * 43])
async def test_K11_the_gesture_is_made_on_its_page(alice: httpx.AsyncClient, forged: str) -> None:
    page = await _asked(alice, redirect_uri=SCHEME)
    form = {"_csrf": forged, "decision": "continue"}
    posted = await alice.post(f"{page.url.path}/continue", data=form)
    assert posted.status_code == 403
    resumed = await alice.get(page.url.path.replace("/interaction/", "/acme/auth/"))
    assert resumed.headers["Location"] == page.url.path, "asked again"


async def test_K11_no_page_of_a_sign_in_makes_the_gesture(
    http: httpx.AsyncClient, clients: None
) -> None:
    path = await begin(http, client_id="phone", redirect_uri=SCHEME)
    form = {"_csrf": await csrf(http, path), "decision": "continue"}
    posted = await http.post(f"{path}/continue", data=form)
    assert (posted.status_code, posted.headers["Location"]) == (303, path)
    assert "password" in (await http.get(path)).text


async def test_K11_somebody_else_may_sign_in_instead(alice: httpx.AsyncClient) -> None:
    page = await _asked(alice, redirect_uri=SCHEME)
    switched = await _decide(alice, page, "switch")
    assert switched.headers["Location"] == page.url.path
    again = await alice.get(page.url.path)
    assert 'type="password"' in again.text
    posted = await submit(alice, page.url.path)
    answer = await alice.get(posted.headers["Location"])
    assert "code" in answered(answer.headers["Location"])


async def test_K11_a_gesture_is_of_one_session(alice: httpx.AsyncClient) -> None:
    page = await _asked(alice, redirect_uri=SCHEME)
    went = await _decide(alice, page, "continue")
    assert "code" in answered((await alice.get(went.headers["Location"])).headers["Location"])
    await _sign_out(alice)
    await sign_in(alice)
    assert (await _silently(alice, redirect_uri=SCHEME))["error"] == "interaction_required"


async def test_K11_a_gesture_counts_for_the_session_it_was_made_in_only(
    alice: httpx.AsyncClient,
) -> None:
    """Made, and not yet gone on with when somebody else signs in at this browser."""
    page = await _asked(alice, redirect_uri=SCHEME)
    went = await _decide(alice, page, "continue")
    await _sign_out(alice)
    await sign_in(alice)
    for _ in range(2):
        resumed = await alice.get(went.headers["Location"])
        assert resumed.headers["Location"] == page.url.path, "asked again"
    assert "/continue" in (await alice.get(page.url.path)).text


async def test_K11_a_consent_counts_for_the_session_it_was_given_in_only(
    alice: httpx.AsyncClient,
) -> None:
    """Neither at once, nor after whoever is here now was asked, and has not answered."""
    path = await begin(alice, client_id="strange", redirect_uri=SCHEME)
    form = {"decision": "approve", "_csrf": await csrf(alice, path)}
    agreed = await alice.post(f"{path}/confirm", data=form)
    await _sign_out(alice)
    await sign_in(alice)
    for _ in range(2):
        resumed = await alice.get(agreed.headers["Location"])
        assert resumed.headers["Location"] == path, "asked again"
    assert "/confirm" in (await alice.get(path)).text
