"""Linking at a sign-in: an account that was proved is no proof of who was at another provider."""

from __future__ import annotations

import html
import re
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pyotp import TOTP

from porta.authn import identities
from storage.models.connections import Connection, Identity
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.security.test_federation import (
    _come_back,
    _person,
    _send,
    _sign_in,
    served,
)
from tests.security.test_federation_factors import _demand
from tests.world import house
from tests.world.answers import above_the_footer, hidden_fields, location
from tests.world.browser import SESSION, Browser, a_browser, add_user, organization_id
from tests.world.mail import letters_to
from tests.world.second_factors import person_with_totp
from tests.world.served import Served
from tests.world.upstream import Provider, connect, forget

__all__ = ["served"]
ASKED = "to your account?"
"""What the page says on which somebody is asked whether both belong together."""


async def _identities(served: Served, user: User) -> tuple[Identity, ...]:
    storage = served.runtime.storage.everywhere
    return await storage.identities.of_user(user.id, user.organization_id)


async def _decide(browser: Browser, url: str, decision: str, **changes: str) -> httpx.Response:
    """Answer the question of the page at `url`, as it stands there."""
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": decision}
    return await browser.http.post(f"{url}/federation/link", data=form | changes)


async def _proved(
    served: Served, browser: Browser, connection: Connection, upstream: Provider, **said: Any
) -> tuple[str, User]:
    """Be somebody there who is unknown here, and prove an account; return who is asked, where."""
    alice = await add_user(served)
    browser.email = alice.email
    upstream.claims = _person(**said)
    url = location(await _sign_in(browser, connection, upstream))
    assert location(await browser.submit(url)) == url
    return url, alice


async def test_the_page_names_both_and_the_owner_is_told_by_mail(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(served.runtime, "post", replace(served.runtime.post, is_sent=True))
    connection = await connect(served, upstream)
    alice = await add_user(served)
    browser.email = alice.email
    upstream.claims = _person()
    url = location(await _sign_in(browser, connection, upstream))
    page = above_the_footer(await browser.http.get(url))
    assert connection.name in page
    assert upstream.claims["email"] in page
    await browser.submit(url)
    page = above_the_footer(await browser.http.get(url))
    assert ASKED in page
    assert all(each in page for each in (connection.name, upstream.claims["email"], alice.email))
    assert "The two addresses differ" in page
    assert browser.session is None, "nobody is signed in before they have answered"
    assert await _identities(served, alice) == ()
    assert "code" in await browser.follow(await _decide(browser, url, "link"))
    (identity,) = await _identities(served, alice)
    assert (identity.connection_id, identity.subject) == (connection.id, upstream.claims["sub"])
    (letter,) = await letters_to(served.runtime, pg, alice.id)
    for text in (letter.text, letter.html):
        assert connection.name in text
        assert upstream.claims["email"] in text
    ((by,),) = await pg.fetch(
        "SELECT actor_id::text FROM audit_log WHERE event_type = 'user.identity.linked'"
        " AND user_id = %(id)s",
        {"id": alice.id},
    )
    assert by == alice.id


async def test_who_says_no_is_signed_in_and_not_linked(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    connection = await connect(served, upstream)
    url, alice = await _proved(served, browser, connection, upstream)
    assert "code" in await browser.follow(await _decide(browser, url, "apart"))
    assert await _identities(served, alice) == ()
    assert await letters_to(served.runtime, pg, alice.id) == []


async def test_who_says_no_on_the_login_page_is_not_asked(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    alice = await add_user(served)
    browser.email = alice.email
    upstream.claims = _person()
    url = location(await _sign_in(browser, connection, upstream))
    assert location(await _decide(browser, url, "apart")) == url
    assert upstream.claims["email"] not in above_the_footer(await browser.http.get(url))
    assert "code" in await browser.follow(await browser.submit(url))
    assert await _identities(served, alice) == ()


async def test_nothing_is_linked_to_the_next_who_signs_in_at_this_browser(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    left, alice = await _proved(served, browser, connection, upstream)
    bob = await add_user(served)
    browser.email = bob.email
    csrf = hidden_fields((await browser.http.get(left)).text)["_csrf"]
    form = {"_csrf": csrf, "email": bob.email, "password": browser.password}
    assert location(await browser.http.post(f"{left}/login", data=form)) == left
    page = above_the_footer(await browser.http.get(left))
    assert bob.email in page, "the same interaction asks whoever it is"
    assert await browser.code(), "another one knows nothing of it"
    assert await _identities(served, alice) == await _identities(served, bob) == ()


async def test_what_a_form_did_not_show_is_not_linked(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    url, alice = await _proved(served, browser, connection, upstream)
    stale = hidden_fields((await browser.http.get(url)).text)["shown"]
    another = location(await _send(browser, url, connection))
    upstream.claims = _person(email=alice.email)
    await _come_back(browser, connection, upstream.grant(another))
    assert location(await browser.submit(url)) == url
    for shown in (stale, "", "x"):
        refused = await _decide(browser, url, "link", shown=shown)
        assert "Nothing was linked" in refused.text
    assert browser.session is None
    assert await _identities(served, alice) == ()


async def test_nobody_answers_for_somebody_else(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    url, alice = await _proved(served, browser, connection, upstream)
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": "link"}
    forged = await browser.http.post(f"{url}/federation/link", data=form | {"_csrf": "x"})
    assert forged.status_code == 403
    async with a_browser(served) as another:
        answer = await another.http.post(f"{url}/federation/link", data=form)
        assert answer.status_code == 400
        assert another.session is None
    assert await _identities(served, alice) == ()


async def test_it_waits_for_ten_minutes(
    served: Served, browser: Browser, upstream: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect(served, upstream)
    url, alice = await _proved(served, browser, connection, upstream)
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": "link"}
    monkeypatch.setattr(served.runtime, "clock", lambda: time.time() + identities.LIFETIME)
    late = await browser.http.post(f"{url}/federation/link", data=form)
    assert "Nothing was linked" in late.text
    assert browser.session is None
    assert upstream.claims["email"] not in above_the_footer(await browser.http.get(url))
    assert "code" in await browser.follow(await browser.submit(url))
    assert await _identities(served, alice) == ()


async def test_who_lets_somebody_else_sign_in_takes_it_along(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    url, _ = await _proved(served, browser, connection, upstream)
    csrf = hidden_fields((await browser.http.get(url)).text)["_csrf"]
    await browser.http.post(f"{url}/switch", data={"_csrf": csrf})
    assert upstream.claims["email"] not in above_the_footer(await browser.http.get(url))
    bob = await add_user(served)
    browser.email = bob.email
    assert "code" in await browser.follow(await browser.submit(url))
    assert await _identities(served, bob) == ()


async def test_so_does_who_was_signed_in_here(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    browser.email = (await add_user(served)).email
    assert await browser.code()
    upstream.claims = _person()
    url = location(await _sign_in(browser, connection, upstream, prompt="login"))
    page = await browser.http.get(url)
    assert upstream.claims["email"] in above_the_footer(page)
    csrf = hidden_fields(page.text)["_csrf"]
    await browser.http.post(f"{url}/switch", data={"_csrf": csrf})
    assert upstream.claims["email"] not in above_the_footer(await browser.http.get(url))


@pytest.mark.parametrize("meanwhile", ["suspended", "switched off", "taken"])
async def test_what_has_changed_meanwhile_is_not_linked(
    served: Served, browser: Browser, upstream: Provider, meanwhile: str
) -> None:
    connection = await connect(served, upstream)
    url, alice = await _proved(served, browser, connection, upstream)
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": "link"}
    everywhere, home = served.runtime.storage.everywhere, alice.organization_id
    match meanwhile:
        case "suspended":
            await everywhere.users.set_status(alice.id, home, "suspended", expected="active")
        case "switched off":
            await everywhere.connections.update(connection.id, home, {"status": "inactive"})
            forget(served, home)
        case _:
            bob = await add_user(served)
            who = (upstream.base, upstream.claims["sub"], None, None)
            assert await everywhere.identities.add(connection.id, home, bob.id, *who)
    refused = await browser.http.post(f"{url}/federation/link", data=form)
    assert refused.status_code == 200
    assert browser.session is None
    assert await _identities(served, alice) == ()
    if meanwhile == "taken":
        assert "could not be linked" in refused.text
        assert "code" in await browser.follow(await _decide(browser, url, "apart"))


async def test_a_second_factor_comes_before_the_question(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    alice = await add_user(served)
    browser.email = alice.email
    upstream.claims = _person()
    url = location(await _sign_in(browser, connection, upstream))
    await _demand(served, "required_totp")
    try:
        assert location(await browser.submit(url)) == url
        page = await browser.http.get(url)
        assert ASKED not in page.text
        form = {"_csrf": hidden_fields(page.text)["_csrf"], "decision": "link"}
        refused = await browser.http.post(f"{url}/federation/link", data=form)
        assert refused.status_code == 200
        assert browser.session is None
        assert await _identities(served, alice) == ()
    finally:
        await _demand(served, "optional")


async def test_who_sets_a_second_factor_up_first_is_shown_their_recovery_codes(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """They are shown once, and what is asked next is no reason to keep them back."""
    connection = await connect(served, upstream)
    await _demand(served, "required_totp")
    try:
        url, alice = await _proved(served, browser, connection, upstream)
        page = (await browser.http.get(url)).text
        secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
        assert secret is not None, page
        code = TOTP(secret[1].replace(" ", "")).now()
        form = {"_csrf": hidden_fields(page)["_csrf"], "method": "totp", "code": code}
        shown = await browser.http.post(f"{url}/two-factor", data=form)
        assert len(re.findall(r"<li><code>[A-Z2-9]{4}-[A-Z2-9]{4}</code>", shown.text)) == 10
        assert browser.session is None, "nobody is signed in before they have answered"
        on = re.search(r'<a class="btn-primary" href="([^"]+)"', shown.text)
        assert on is not None
        asked = await browser.http.get(html.unescape(on[1]), follow_redirects=True)
        assert ASKED in above_the_footer(asked)
        assert "code" in await browser.follow(await _decide(browser, url, "link"))
        assert len(await _identities(served, alice)) == 1
    finally:
        await _demand(served, "optional")


def _forget_session(browser: Browser) -> None:
    for path in ("/acme", "/interaction"):
        browser.http.cookies.delete(SESSION, domain="127.0.0.1", path=path)


async def test_no_trusted_device_stands_for_the_second_factor_of_who_is_linked(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """An identity is a way in that stays: a password, at a browser that is left open, is too little
    for that (decisions/0050).
    """
    connection = await connect(served, upstream)
    storage, home = served.runtime.storage.everywhere, await organization_id(served)
    user, totp = await person_with_totp(served.runtime, pg)
    browser.email, browser.password = user.email, house.PASSWORD
    await storage.organizations.update(home, {"trusted_device_days": 30})
    served.runtime._changed("organizations", "acme")
    try:
        url = await browser.begin()
        assert location(await browser.submit(url)) == url
        form = hidden_fields((await browser.http.get(url)).text) | {
            "method": "totp", "trust_device": "1",
            "code": totp.generate_otp(int(served.runtime.clock() // 30)),
        }  # fmt: skip
        assert "code" in await browser.follow(
            await browser.http.post(f"{url}/two-factor", data=form)
        )
        _forget_session(browser)
        assert "code" in await browser.sign_in(), "the device is good"
        _forget_session(browser)
        upstream.claims = _person()
        url = location(await _sign_in(browser, connection, upstream))
        assert location(await browser.submit(url)) == url
        assert browser.session is None
        page = await browser.http.get(url)
        assert 'name="code"' in page.text, "the second factor is asked for"
        assert ASKED not in page.text
        form = {"_csrf": hidden_fields(page.text)["_csrf"], "decision": "link"}
        await browser.http.post(f"{url}/federation/link", data=form)
        assert browser.session is None
        assert await _identities(served, user) == ()
    finally:
        await storage.organizations.update(home, {"trusted_device_days": 0})
        served.runtime._changed("organizations", "acme")


@pytest.mark.parametrize("decision", ["link", "apart"])
async def test_a_device_is_trusted_once_the_question_is_answered_and_not_before(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres, decision: str
) -> None:
    """What was ticked with the second factor waits with it, and counts where the sign-in ends."""
    connection = await connect(served, upstream)
    storage, home = served.runtime.storage.everywhere, await organization_id(served)
    user, totp = await person_with_totp(served.runtime, pg)
    browser.email, browser.password = user.email, house.PASSWORD
    await storage.organizations.update(home, {"trusted_device_days": 30})
    served.runtime._changed("organizations", "acme")
    try:
        upstream.claims = _person()
        url = location(await _sign_in(browser, connection, upstream))
        assert location(await browser.submit(url)) == url
        await _tick(served, browser, url, totp, trust_device="1")
        assert ASKED in (await browser.http.get(url)).text
        assert await storage.trusted_devices.list(user.id, home) == ()
        assert "code" in await browser.follow(await _decide(browser, url, decision))
        (device,) = await storage.trusted_devices.list(user.id, home)
        assert device.id
        _forget_session(browser)
        assert "code" in await browser.sign_in(), "the second factor is not asked for again"
    finally:
        await storage.organizations.update(home, {"trusted_device_days": 0})
        served.runtime._changed("organizations", "acme")


async def _tick(served: Served, browser: Browser, url: str, totp: TOTP, **ticked: str) -> None:
    """Show the second factor at `url`, which is not the end of it."""
    code = totp.generate_otp(int(served.runtime.clock() // 30))
    form = hidden_fields((await browser.http.get(url)).text) | {"method": "totp", "code": code}
    assert location(await browser.http.post(f"{url}/two-factor", data=form | ticked)) == url


async def test_no_device_is_trusted_unasked_or_where_none_is_by_then(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    connection = await connect(served, upstream)
    storage, home = served.runtime.storage.everywhere, await organization_id(served)

    async def days(count: int) -> None:
        await storage.organizations.update(home, {"trusted_device_days": count})
        served.runtime._changed("organizations", "acme")

    try:
        for ticked, by_then in (({}, 30), ({"trust_device": "1"}, 0)):
            await days(30)
            user, totp = await person_with_totp(served.runtime, pg)
            async with a_browser(served) as another:
                another.email, another.password = user.email, house.PASSWORD
                upstream.claims = _person()
                url = location(await _sign_in(another, connection, upstream))
                assert location(await another.submit(url)) == url
                await _tick(served, another, url, totp, **ticked)
                await days(by_then)
                assert "code" in await another.follow(await _decide(another, url, "apart"))
            assert await storage.trusted_devices.list(user.id, home) == ()
    finally:
        await days(0)


async def test_who_has_no_address_there_is_named_by_what_they_are_called(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    upstream.answers["/userinfo"] = {}
    hostile = "<b>\u202eoctocat"
    for name, shown in (("octocat", "octocat"), (hostile, "s-1"), ("<i>", "&lt;i&gt;")):
        async with a_browser(served) as another:
            upstream.claims = {"sub": f"s-1-{name}", "preferred_username": name}
            if name == hostile:
                upstream.claims["sub"] = "s-1"
            url = location(await _sign_in(another, connection, upstream))
            assert shown in above_the_footer(await another.http.get(url))
