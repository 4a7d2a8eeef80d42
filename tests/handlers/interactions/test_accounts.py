"""A browser shows whom it was asked to remember; is told nothing about them (issue 8, 7)."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from handlers import cookies
from porta.runtime import Runtime
from porta.security import remembered_accounts
from storage.postgres.driver import Postgres
from tests.handlers.flow import answered, begin, csrf, parameters, sign_in, submit
from tests.world.house import EMAIL, PASSWORD
from tests.world.links import person
from tests.world.second_factors import person_with_totp

ACCOUNTS = "accounts"
TICKED = {"remember": "yes"}


async def _remembered(http: httpx.AsyncClient) -> None:
    """Sign in, having asked to be remembered, and out again."""
    posted = await submit(http, await begin(http), **TICKED)
    assert posted.status_code == 303
    _sign_out(http)


def _sign_out(http: httpx.AsyncClient) -> None:
    for path in ("/acme", "/interaction"):
        http.cookies.delete("session_acme", path=path)


async def _page(http: httpx.AsyncClient, **asked: Any) -> tuple[str, str]:
    path = await begin(http, **asked)
    return path, (await http.get(path)).text


def _links(html: str) -> list[str]:
    return [each for each in re.findall(r'\?account=([\w-]+)"', html) if each != "other"]


def _is_chooser(html: str) -> bool:
    return "Choose an account" in html


async def test_nobody_is_remembered_who_did_not_ask(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    assert http.cookies.get(ACCOUNTS) is None
    _sign_out(http)
    _, page = await _page(http)
    assert not _is_chooser(page)
    assert 'name="remember" value="yes">' in page, "nothing is ticked for anybody"


async def test_who_asked_is_offered_and_an_address_is_all_that_is_filled_in(
    http: httpx.AsyncClient,
) -> None:
    await _remembered(http)
    path, page = await _page(http)
    assert _is_chooser(page)
    assert EMAIL not in page, "whoever looks on reads no address"
    assert "@acme" in page
    assert 'name="password"' not in page
    (handle,) = _links(page)
    chosen = (await http.get(f"{path}?account={handle}")).text
    assert f'value="{EMAIL}"' in chosen
    assert 'name="password"' in chosen
    assert 'id="remember"' not in chosen, "they asked before"
    quiet = await http.get("/acme/auth", params=parameters(prompt="none"))
    assert answered(quiet.headers["Location"])["error"] == "login_required"
    posted = await submit(http, path)
    assert posted.status_code == 303
    assert "accounts=" in str(posted.headers.get_list("Set-Cookie")), "remembered anew"


async def test_somebody_else_signs_in_and_is_not_remembered_by_that(
    http: httpx.AsyncClient,
) -> None:
    await _remembered(http)
    path, _ = await _page(http)
    plain = (await http.get(f"{path}?account=other")).text
    assert 'name="password"' in plain
    assert EMAIL not in plain
    assert 'id="remember"' in plain
    assert not _is_chooser(plain)


@pytest.mark.parametrize("handle", ["A" * 16, "x", "../..", "%00", "a" * 500])
async def test_what_names_nobody_here_is_the_page_of_everybody(
    http: httpx.AsyncClient, handle: str
) -> None:
    await _remembered(http)
    path, _ = await _page(http)
    answer = await http.get(f"{path}?account={handle}")
    assert answer.status_code in (200, 400)
    assert EMAIL not in answer.text


async def test_another_browser_is_told_nothing(http: httpx.AsyncClient) -> None:
    await _remembered(http)
    _, page = await _page(http)
    (handle,) = _links(page)
    http.cookies.clear()
    path, page = await _page(http)
    assert not _is_chooser(page)
    assert EMAIL not in (await http.get(f"{path}?account={handle}")).text


async def test_a_cookie_of_nobodys_making_is_none(http: httpx.AsyncClient) -> None:
    for value in ("x", "A" * 400, "A" * 1025):
        http.cookies.set(ACCOUNTS, value, domain="127.0.0.1", path="/")
        assert not _is_chooser((await _page(http))[1])


async def test_a_hint_of_the_client_comes_before_a_choice(http: httpx.AsyncClient) -> None:
    await _remembered(http)
    _, page = await _page(http, login_hint="grace@acme.example")
    assert not _is_chooser(page)
    assert 'value="grace@acme.example"' in page


async def test_an_account_is_forgotten_in_this_browser_by_its_form_alone(
    http: httpx.AsyncClient,
) -> None:
    await _remembered(http)
    path, page = await _page(http)
    (handle,) = _links(page)
    form = {"account": handle, "_csrf": await csrf(http, path)}
    assert (await http.get(f"{path}/forget?account={handle}")).status_code == 303
    refused = await http.post(f"{path}/forget", data=form | {"_csrf": "x" * 43})
    assert refused.status_code == 403
    assert _is_chooser(refused.text), "and says so"
    assert _is_chooser((await http.get(path)).text)
    unknown = await http.post(f"{path}/forget", data=form | {"account": "A" * 16})
    assert ACCOUNTS not in str(unknown.headers.get_list("Set-Cookie"))
    assert (await http.post(f"{path}/forget", data=form)).status_code == 303
    assert http.cookies.get(ACCOUNTS) is None
    assert not _is_chooser((await http.get(path)).text)


@pytest.mark.parametrize("change", ["locked", "gone"])
async def test_what_becomes_of_an_account_is_not_told(
    http: httpx.AsyncClient, runtime: Runtime, change: str
) -> None:
    """The page before and after differ in nothing but the secrets of their forms."""
    user = await person(runtime)
    posted = await submit(http, await begin(http), email=user.email, **TICKED)
    assert posted.status_code == 303
    _sign_out(http)
    before = (await _page(http))[1]
    if change == "gone":
        # As the browser of somebody who was erased meanwhile: sealed, and of nobody.
        keys, now = runtime.settings.cookie_keys, runtime.clock()
        ghost = replace(user, id="00000000-0000-0000-0000-000000000000")
        value = remembered_accounts.remember(keys, None, ghost, now, asked=True)
        http.cookies.set(ACCOUNTS, value or "", domain="127.0.0.1", path="/")
    else:
        users = runtime.storage.everywhere.users
        await users.set_status(user.id, user.organization_id, "locked", expected="active")
    path, after = await _page(http)
    assert re.sub(r"[\w.-]{16,}", "", after) == re.sub(r"[\w.-]{16,}", "", before)
    (handle,) = _links(after)
    assert (await http.get(f"{path}?account={handle}")).status_code == 200


async def test_who_is_signed_in_is_the_first_choice_and_goes_on_without_a_proof(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    path, page = await _page(http, prompt="select_account")
    assert _is_chooser(page)
    assert EMAIL in page
    form = {"_csrf": await csrf(http, path)}
    chosen = await http.post(f"{path}/account", data=form)
    assert chosen.status_code == 303
    assert "code=" in (await http.get(chosen.headers["Location"])).headers["Location"]


@pytest.mark.parametrize("prompt", ["login", "login select_account", None])
async def test_a_choice_is_no_proof_where_one_is_asked_for(
    http: httpx.AsyncClient, prompt: str | None
) -> None:
    await sign_in(http)
    if prompt is None:
        _sign_out(http)
    path = await begin(http, **({"prompt": prompt} if prompt else {}))
    chosen = await http.post(f"{path}/account", data={"_csrf": await csrf(http, path)})
    assert chosen.headers["Location"] == path, "it is asked for still"
    resumed = await http.get(path.replace("/interaction/", "/acme/auth/"))
    assert "/interaction/" in resumed.headers["Location"]


async def test_a_session_that_ended_meanwhile_is_no_choice(http: httpx.AsyncClient) -> None:
    await sign_in(http)
    path = await begin(http, prompt="select_account")
    form = {"_csrf": await csrf(http, path)}
    _sign_out(http)
    chosen = await http.post(f"{path}/account", data=form)
    resumed = await http.get(chosen.headers["Location"])
    assert "/interaction/" in resumed.headers["Location"], "they sign in"
    assert 'name="password"' in (await http.get(resumed.headers["Location"])).text


@pytest.mark.parametrize("value", ["", "x" * 43])
async def test_no_form_of_another_site_chooses(http: httpx.AsyncClient, value: str) -> None:
    await sign_in(http)
    path = await begin(http, prompt="select_account")
    refused = await http.post(f"{path}/account", data={"_csrf": value})
    assert refused.status_code == 403
    assert (await http.get(f"{path}/account")).status_code == 303
    assert _is_chooser((await http.get(path)).text)


async def test_whoever_is_signed_in_can_let_somebody_else_sign_in(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    path, _ = await _page(http, prompt="select_account")
    page = (await http.get(f"{path}?account=other")).text
    assert 'name="password"' in page
    assert EMAIL not in page
    form = {
        "email": EMAIL,
        "password": PASSWORD,
        "_csrf": await csrf(http, f"{path}?account=other"),
    }
    assert (await http.post(f"{path}/login", data=form)).status_code == 303


async def test_its_cookie_is_one_for_all_organizations_and_only_ours_to_read(
    http: httpx.AsyncClient,
) -> None:
    posted = await submit(http, await begin(http), **TICKED)
    (line,) = (x for x in posted.headers.get_list("Set-Cookie") if x.startswith("accounts="))
    assert "; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax" in line
    assert EMAIL.partition("@")[0] not in line
    assert cookies.accounts_name(secure=True) == "__Host-accounts"


async def test_the_wish_outlasts_a_second_factor(
    http: httpx.AsyncClient, runtime: Runtime, pg: Postgres
) -> None:
    codes = ("ABCD2345", "WXYZ6789")
    user, _ = await person_with_totp(runtime, pg, *codes)
    for code, ticked in zip(codes, ({}, TICKED), strict=True):
        path = await begin(http)
        posted = await submit(http, path, email=user.email, **ticked)
        assert ACCOUNTS not in http.cookies, "nobody is here yet"
        assert posted.headers["Location"] == path
        form = {"_csrf": await csrf(http, path), "method": "recovery_code", "code": code}
        await http.post(f"{path}/two-factor", data=form)
        assert (ACCOUNTS in http.cookies) is bool(ticked)
        _sign_out(http)
