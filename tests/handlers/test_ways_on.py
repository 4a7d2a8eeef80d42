"""Every page and every refusal: the organization's look, one primary action, and a way on
(people 8, 9, 16, 22, 23, 28)."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import msgspec
import pytest
import redis

from porta.config.settings import Settings
from porta.runtime import Runtime
from storage.models.artifact import artifact_id
from tests.handlers.flow import begin, parameters, redeem, sign_in, submit
from tests.world.answers import above_the_footer
from tests.world.house import CALLBACK
from tests.world.waiting import eventually

HOME = "https://app.example/"
HTML = {"Accept": "text/html,application/xhtml+xml"}
EVIL = "https://evil.example/cb"
LOOPBACK = "http://127.0.0.1:54321/callback"

Visit = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def primary_actions(page: str) -> list[str]:
    """Return the addresses that the primary buttons and links of a page lead to, as read."""
    found = re.findall(r'<a class="btn-primary"[^>]* href="([^"]+)"', page)
    for form in re.findall(r"<form .*?</form>", page, re.DOTALL):
        buttons = re.findall(r'<button type="submit" class="btn-primary"', form)
        found += re.findall(r'^<form method="post" action="([^"]+)"', form) * len(buttons)
    return [html.unescape(address) for address in found]


async def press(http: httpx.AsyncClient, address: str, page: str) -> None:
    """Follow a way on: it is the application's registered page, or a page of ours that is there."""
    assert not address.startswith("https://evil")
    if address in (HOME, CALLBACK):
        return
    assert address.startswith("/"), address
    posts = f'method="post" action="{html.escape(address)}"' in page
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    if posts:
        answer = await http.post(address, data=fields, headers=HTML)
    else:
        answer = await http.get(address, headers=HTML)
    assert answer.status_code in (200, 303), (address, answer.status_code)


async def _login(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get(await begin(http))


async def _consent(http: httpx.AsyncClient) -> httpx.Response:
    posted = await submit(http, await begin(http, client_id="third"))
    resumed = await http.get(posted.headers["Location"])
    return await http.get(resumed.headers["Location"])


async def _logout(http: httpx.AsyncClient) -> httpx.Response:
    await sign_in(http)
    return await http.get("/acme/session/end", params={"client_id": "web"})


async def _signed_out(http: httpx.AsyncClient) -> httpx.Response:
    done = await http.get("/acme/session/end", params={"client_id": "web"})
    return await http.get(done.headers["Location"])


async def _unregistered(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get("/acme/auth", params=parameters(redirect_uri=EVIL))


async def _logout_unregistered(http: httpx.AsyncClient) -> httpx.Response:
    asked = {"client_id": "web", "post_logout_redirect_uri": EVIL}
    return await http.get("/acme/session/end", params=asked)


async def _no_cookies(http: httpx.AsyncClient) -> httpx.Response:
    path = await begin(http)
    http.cookies.clear()
    return await http.get(path)


async def _stale_form(http: httpx.AsyncClient) -> httpx.Response:
    return await submit(http, await begin(http), _csrf="x" * 43)


async def _wrong(http: httpx.AsyncClient) -> httpx.Response:
    return await submit(http, await begin(http), password="wrong")


async def _guessed_too_often(http: httpx.AsyncClient) -> httpx.Response:
    path, email = await begin(http), f"{uuid4()}@acme.example"
    while (answer := await submit(http, path, email=email, password="wrong")).status_code == 200:
        pass
    return answer


async def _gesture(http: httpx.AsyncClient) -> httpx.Response:
    await sign_in(http)
    page = await http.get(await begin(http, client_id="desk", redirect_uri=LOOPBACK))
    assert "/continue" in page.text
    return page


async def _finished(http: httpx.AsyncClient) -> httpx.Response:
    """Where an application on the device has no page: the others are gone to by themselves."""
    path = await begin(http, client_id="desk", redirect_uri=LOOPBACK)
    posted = await submit(http, path)
    done = await http.get(posted.headers["Location"])
    assert done.headers["Location"].startswith(LOOPBACK), done.text
    page = await http.get(path)
    assert "You are signed in already" in page.text
    return page


async def _form_post(http: httpx.AsyncClient) -> httpx.Response:
    page = await sign_in(http, response_mode="form_post")
    assert 'name="code"' in page.text
    return page


async def _unknown_client(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get("/acme/auth", params=parameters(client_id="nobody-here"))


async def _native_unregistered(http: httpx.AsyncClient) -> httpx.Response:
    page = await http.get("/acme/auth", params=parameters(client_id="desk", redirect_uri=EVIL))
    assert "Desk" in page.text
    return page


async def _logout_of_nobody(http: httpx.AsyncClient) -> httpx.Response:
    asked = {"client_id": "nobody-here", "post_logout_redirect_uri": EVIL}
    return await http.get("/acme/session/end", params=asked)


async def _stranger(http: httpx.AsyncClient) -> httpx.Response:
    """Another browser, which has cookies of its own, at an interaction that it did not begin."""
    path = await begin(http)
    http.cookies.clear()
    await begin(http)
    return await http.get(path)


async def _stale_consent(http: httpx.AsyncClient) -> httpx.Response:
    page = await _consent(http)
    path = page.url.path.removesuffix("/consent")
    return await http.post(f"{path}/confirm", data={"_csrf": "x" * 43, "decision": "approve"})


async def _stale_logout(http: httpx.AsyncClient) -> httpx.Response:
    await sign_in(http)
    return await http.post("/acme/session/end/confirm", data={"xsrf": "x", "logout": "yes"})


async def _issuer(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get("/acme", headers=HTML)


async def _nowhere(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get("/acme/no/such/page", headers=HTML)


PAGES: dict[str, tuple[Visit, int]] = {
    "login": (_login, 200),
    "consent": (_consent, 200),
    "sign out": (_logout, 200),
    "signed out": (_signed_out, 200),
    "redirect_uri not registered": (_unregistered, 400),
    "post_logout_redirect_uri not registered": (_logout_unregistered, 400),
    "no cookies": (_no_cookies, 400),
    "stale form": (_stale_form, 403),
    "wrong password": (_wrong, 200),
    "guessed too often": (_guessed_too_often, 429),
    "native client": (_gesture, 200),
    "finished": (_finished, 400),
    "form_post": (_form_post, 200),
    "unknown client": (_unknown_client, 400),
    "native client, redirect_uri not registered": (_native_unregistered, 400),
    "sign out of nobody": (_logout_of_nobody, 400),
    "another browser": (_stranger, 400),
    "stale consent": (_stale_consent, 403),
    "stale sign out": (_stale_logout, 403),
    "the issuer": (_issuer, 200),
    "no such page": (_nowhere, 404),
}


@pytest.mark.parametrize("name", sorted(PAGES))
async def test_people_16_22_28_every_page_has_brand_one_action_and_a_way_on(
    http: httpx.AsyncClient, name: str
) -> None:
    visit, status = PAGES[name]
    answer = await visit(http)
    assert answer.status_code == status, answer.text
    assert "Acme Ltd." in answer.text
    assert "/acme/branding.css" in answer.text
    (action,) = primary_actions(answer.text)
    await press(http, action, answer.text)


async def test_people_23_a_rate_limit_has_a_button_and_a_time(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    async with limited(runtime, rate_limit_request_max=1):
        while (page := await http.get("/acme/auth", params=parameters())).status_code == 303:
            pass
        posted = await http.post("/acme/auth", data=parameters())
    for answer in (page, posted):
        assert answer.status_code == 429, answer.text
        assert "Acme Ltd." in answer.text
        assert re.search(r"\(after <bdi class=\"name\">\d\d:\d\d UTC</bdi>\)", answer.text)
        assert f'href="{HOME}"' in answer.text, "and the application"
        (action,) = primary_actions(answer.text)
        again = await http.get(action)
        assert again.status_code == 303, "the same request, once there is room"


@asynccontextmanager
async def limited(runtime: Runtime, **values: int) -> AsyncIterator[None]:
    """Have other limits for a while, and forget what was counted under them."""
    before = (await runtime.snapshot()).config
    try:
        await _configure(runtime, **values)
        yield
    finally:
        await _configure(runtime, **{name: getattr(before, name) for name in values})


async def _configure(runtime: Runtime, **values: int) -> None:
    for key, value in values.items():
        await runtime.storage.everywhere.system_config.put(key, value, "number")

    async def heard() -> bool:
        config = (await runtime.snapshot()).config
        return all(getattr(config, key) == value for key, value in values.items())

    await eventually(heard)


async def test_people_22_where_nobody_can_sign_in_the_way_back_is_the_primary_action(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    """A client whose only way of signing in is not there yet: no form, and still no dead end."""
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    web = await runtime.storage.everywhere.clients.find("web", acme.id)
    assert web is not None
    name = f"mail-{uuid4()}"
    mailed = msgspec.structs.replace(
        web, id=str(uuid4()), client_id=name, secrets=(), login_methods=("magic_link",)
    )
    await runtime.storage.everywhere.clients.insert(mailed)
    page = await http.get(await begin(http, client_id=name))
    (away,) = primary_actions(page.text)
    back = await http.get((await http.get(away)).headers["Location"])
    assert back.headers["Location"].startswith(f"{CALLBACK}?error=access_denied")


async def test_people_28_who_signs_out_gets_back_to_the_application(
    http: httpx.AsyncClient,
) -> None:
    """No client asks, no hint names one: it is the one that was signed in to last."""
    await redeem(http)
    asked = await http.get("/acme/session/end")
    assert 'href="/acme"' in asked.text, "a way to stay signed in"
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text))
    done = await http.post("/acme/session/end/confirm", data=fields)
    page = await http.get(done.headers["Location"])
    assert primary_actions(page.text) == [HOME]


@pytest.mark.parametrize(
    "query", ["", "?client_id=nobody", "?client_id=desk", "?client_id=a&client_id=b"]
)
async def test_people_28_without_an_application_the_way_on_is_the_organization(
    http: httpx.AsyncClient, query: str
) -> None:
    page = await http.get(f"/acme/session/end/success{query}")
    assert page.status_code == 200
    assert 'href="/acme"' in page.text
    assert (await http.get("/acme", headers=HTML)).status_code == 200


@pytest.mark.parametrize("path", ["/acme", "/acme/"])
async def test_people_8_the_issuer_is_a_page_for_people_only(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path, headers=HTML)
    assert (page.status_code, "Acme Ltd." in page.text) == (200, True)
    assert "Sign in from your application" in page.text
    assert "openid-configuration" not in page.text, "not in production"
    german = await http.get(path, headers=HTML | {"Accept-Language": "de"})
    assert "Melden Sie sich in Ihrer Anwendung an" in german.text
    bare = await http.get(path)
    assert (bare.status_code, bare.text) == (404, "Not Found")


async def test_people_8_the_issuers_page_leads_to_the_application_and_out(
    http: httpx.AsyncClient,
) -> None:
    stranger = await http.get("/acme", headers=HTML)
    assert (primary_actions(stranger.text), "/session/end" in stranger.text) == (["/"], False)
    await redeem(http)
    page = await http.get("/acme", headers=HTML)
    assert primary_actions(page.text) == [HOME]
    assert 'href="/acme/session/end"' in page.text
    assert (await http.get("/acme/session/end")).status_code == 200


@pytest.mark.parametrize("referer", [HOME, "https://app.example", "https://evil.example/"])
async def test_security_E4_no_link_of_a_page_depends_on_where_a_browser_says_it_comes_from(
    http: httpx.AsyncClient, referer: str
) -> None:
    for path in ("/acme", "/acme/auth?client_id=nobody-here", "/nobody-here/auth", "/"):
        page = await http.get(path, headers=HTML | {"Referer": referer})
        assert referer not in page.text, path
        bare = await http.get(path, headers=HTML)
        assert primary_actions(page.text) == primary_actions(bare.text), path


async def test_people_8_an_organization_names_its_own_page(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    home = "https://portal.globex.example/apps"
    globex = await runtime.storage.everywhere.organizations.find_by_slug("globex")
    assert globex is not None
    brand = msgspec.structs.replace(globex.brand, home_url=home)
    await runtime.storage.everywhere.organizations.update(globex.id, {"brand": brand})

    async def heard() -> bool:
        found = await runtime.organization("globex")
        return found is not None and found.brand.home_url == home

    await eventually(heard)
    unknown = "/globex/auth?client_id=nobody-here"
    for path in ("/globex", "/globex/session/end/success", "/globex/no/such/page", unknown):
        page = await http.get(path, headers=HTML)
        assert primary_actions(page.text) == [home], path


@pytest.mark.parametrize("path", ["/nobody-here", "/nobody-here/auth", "/no/such/page", "/%00"])
async def test_people_8_where_no_organization_is_the_way_on_is_the_first_page(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path, headers=HTML)
    assert page.status_code == 404
    (action,) = primary_actions(page.text)
    assert action == "/"
    await press(http, action, page.text)


@pytest.mark.parametrize(
    "typed",
    ["acme", " Acme ", "http://127.0.0.1:1/acme", "https://id.example/acme/", "nobody-here"],
)
async def test_people_9_the_first_page_leads_to_an_organization_by_its_name(
    http: httpx.AsyncClient, typed: str
) -> None:
    """An unknown one is answered as everywhere: the first page itself tells of none."""
    first = await http.get("/", headers=HTML)
    assert '<form method="get" action="/">' in first.text
    assert first.text.count('class="btn-primary"') == 1
    answer = await http.get("/", params={"organization": typed})
    known = typed != "nobody-here"
    assert answer.headers["Location"] == ("/acme" if known else "/nobody-here")
    page = await http.get(answer.headers["Location"], headers=HTML)
    assert page.status_code == (200 if known else 404)


@pytest.mark.parametrize(
    "typed", ["//evil.example", "https://evil.example", "a b", "x" * 300, "<b>", "..", "\\evil"]
)
async def test_people_9_the_first_page_leads_nowhere_else(
    http: httpx.AsyncClient, typed: str
) -> None:
    page = await http.get("/", params={"organization": typed})
    assert page.status_code == 200
    assert "cannot be the short name" in page.text
    assert "evil" not in page.text.split("<footer")[0]


async def test_people_9_the_first_page_knows_where_this_browser_signed_in(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    await sign_in(http)
    page = await http.get("/")
    assert primary_actions(page.text) == ["/acme"]
    assert "Go to" in page.text
    assert page.text.count('class="btn-primary"') == 1
    async with httpx.AsyncClient(base_url=http.base_url) as another:
        assert "Acme" not in (await another.get("/")).text
        planted = "; ".join(f"known_{slug}=x" for slug in ("archived", "suspended", "nobody", "A"))
        assert "Go to" not in (await another.get("/", headers={"Cookie": planted})).text


@pytest.mark.parametrize("path", ["/no/such", "/nobody-here", "/nobody-here/x", "/acme/x", "/%00"])
async def test_people_8_whoever_takes_html_never_gets_bare_text(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path, headers=HTML)
    assert page.status_code == 404
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Page not found" in page.text
    bare = await http.get(path)
    assert "<html" not in bare.text


@pytest.mark.parametrize("path", ["/suspended", "/suspended/auth", "/suspended/session/end"])
async def test_people_23_a_suspended_organization_keeps_its_name_and_look(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path, headers=HTML, params={"client_id": "nobody"})
    assert page.status_code == 403
    assert "Sign-in is paused" in page.text
    assert "Suspended" in page.text.split("</header>")[0]
    (again,) = primary_actions(page.text)
    assert again.startswith(path)
    (sheet,) = re.findall(r'href="(/suspended/branding\.css[^"]+)"', page.text)
    assert (await http.get(html.unescape(sheet))).status_code == 200
    assert (await http.get("/archived/branding.css")).status_code == 404


async def test_people_23_it_leads_back_to_the_application(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    paused = await runtime.storage.everywhere.organizations.find_by_slug("suspended")
    assert acme is not None
    assert paused is not None
    web = await runtime.storage.everywhere.clients.find("web", acme.id)
    assert web is not None
    name = f"of-{uuid4()}"
    theirs = msgspec.structs.replace(
        web, id=str(uuid4()), client_id=name, organization_id=paused.id, secrets=()
    )
    await runtime.storage.everywhere.clients.insert(theirs)
    page = await http.get("/suspended/auth", headers=HTML, params={"client_id": name})
    assert f'href="{HOME}"' in page.text
    assert len(primary_actions(page.text)) == 1
    other = await http.get("/suspended/auth", headers=HTML, params={"client_id": "web"})
    assert HOME not in other.text, "a client of another organization is none"


async def test_people_16_an_application_that_is_switched_off_is_no_way_on(
    http: httpx.AsyncClient, runtime: Runtime
) -> None:
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    web = await runtime.storage.everywhere.clients.find("web", acme.id)
    assert web is not None
    name = f"off-{uuid4()}"
    off = msgspec.structs.replace(web, id=str(uuid4()), client_id=name, secrets=())
    await runtime.storage.everywhere.clients.insert(off)
    await runtime.storage.everywhere.clients.set_status(off.id, acme.id, "inactive")

    async def heard() -> bool:
        client = await runtime.client(name, acme.id)
        return client is not None and client.status != "active"

    await eventually(heard)
    page = await http.get("/acme/auth", params=parameters(client_id=name))
    assert (page.status_code, HOME in above_the_footer(page)) == (400, False)


async def test_people_16_an_interaction_that_expired_has_one_primary_action(
    http: httpx.AsyncClient, redis_url: str
) -> None:
    path = await begin(http)
    value = path.rpartition("/")[2].partition(".")[0]
    with redis.Redis.from_url(redis_url) as store:
        store.delete(f"porta:Interaction:{artifact_id(value)}")
    page = await http.get(path)
    (again,) = primary_actions(page.text)
    await press(http, again, page.text)
    assert f'href="{HOME}"' in page.text


async def test_people_8_9_in_development_the_first_page_leads_to_every_issuer(
    developing: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    root = await developing.get("/", headers=HTML)
    assert 'href="/acme"' in root.text
    assert 'href="/globex"' in root.text
    assert "archived" not in root.text
    assert "/acme" not in (await http.get("/", headers=HTML)).text, "in production it tells nothing"
    page = await developing.get("/acme", headers=HTML)
    links = re.findall(r'<li><a href="(/[^"]+)"', page.text)
    assert len(links) == 2
    for link in links:
        assert (await developing.get(link)).json()
    lost = await developing.get("/no/such/page", headers=HTML)
    assert primary_actions(lost.text) == ["/"]
