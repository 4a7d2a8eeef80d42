"""Linked providers at one's own account: who may link and take away, and what is left of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import replace

import httpx
import msgspec
import pytest

from porta.audit.actors import Actor
from porta.authn import identities
from porta.browser import account_visits
from porta.errors import Conflict
from porta.limits import own_changes
from porta.limits.own_changes import DayOver
from porta.services.identities import unlink_own
from porta.tenants import resolve
from storage.models.connections import Connection, Identity
from storage.models.organizations import Organization
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.security.test_federation import (
    OTHER,
    _callback,
    _person,
    _sign_in,
    served,
)
from tests.world.answers import above_the_footer, hidden_fields, location, query_in
from tests.world.browser import Browser, a_browser, add_user, organization_id
from tests.world.mail import letters_to
from tests.world.served import Served, beside
from tests.world.upstream import Provider, connect, forget, prove

__all__ = ["served"]


async def _arrive(browser: Browser, email: str = "") -> User:
    """Sign in to one's own account."""
    user = await add_user(browser.served, email)
    browser.email = user.email
    answer = await browser.submit(location(await browser.http.get(_page(browser))))
    while answer.is_redirect:
        answer = await browser.http.get(location(answer))
    assert answer.status_code == 200
    return user


def _page(browser: Browser) -> str:
    return f"{browser.served.issuer()}/account/identities"


async def _post(browser: Browser, **form: str) -> httpx.Response:
    csrf = hidden_fields((await browser.http.get(_page(browser))).text)
    return await browser.http.post(_page(browser), data={"_csrf": csrf.get("_csrf", "")} | form)


async def _back(browser: Browser, connection: Connection, upstream: Provider) -> httpx.Response:
    """Go to the provider from the account, and come back; return what is answered in the end."""
    there = location(await _post(browser, connection=connection.id))
    assert there.startswith(f"{upstream.base}/authorize?"), there
    return await _hand_over(browser, connection, upstream.grant(there))


async def _hand_over(
    browser: Browser, connection: Connection, response: dict[str, str]
) -> httpx.Response:
    handed = await browser.http.get(_callback(browser, connection), params=response)
    return await browser.http.get(location(handed))


async def _answer(browser: Browser, url: str, decision: str) -> httpx.Response:
    fields = hidden_fields((await browser.http.get(url)).text)
    return await browser.http.post(_page(browser), data=fields | {"decision": decision})


async def _identities(served: Served, user: User) -> tuple[Identity, ...]:
    storage = served.runtime.storage.everywhere
    return await storage.identities.of_user(user.id, user.organization_id)


async def test_one_change_too_many_asks_the_same_question_again(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """Who waits goes on waiting, and the page says until when."""
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    asks = location(await _back(browser, connection, upstream))
    tenant, mine = await resolve.resolve(served.runtime, "acme"), Actor(user_id=alice.id)
    with suppress(DayOver):
        for _ in range(own_changes.MOST):
            await own_changes.count(served.runtime, tenant, "identities", mine)
    refused = await _answer(browser, asks, "link")
    assert refused.status_code == 429
    page = above_the_footer(refused)
    assert "as often as a day allows" in page
    assert int(refused.headers["Retry-After"]) > 0
    waiting = hidden_fields((await browser.http.get(asks)).text)["waiting"]
    assert hidden_fields(refused.text)["waiting"] == waiting
    assert await _identities(served, alice) == ()


async def test_a_person_links_a_provider_signs_in_there_and_takes_it_away(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(served.runtime, "post", replace(served.runtime.post, is_sent=True))
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    asks = location(await _back(browser, connection, upstream))
    page = above_the_footer(await browser.http.get(asks))
    assert all(each in page for each in (connection.name, upstream.claims["email"], alice.email))
    assert await _identities(served, alice) == ()
    done = location(await _answer(browser, asks, "link"))
    assert "told=linked" in done
    (identity,) = await _identities(served, alice)
    assert upstream.claims["email"] in above_the_footer(await browser.http.get(done))
    async with a_browser(served) as another:
        assert "code" in await another.follow(await _sign_in(another, connection, upstream))
    assert "told=unlinked" in location(await _post(browser, unlink=identity.id))
    assert await _identities(served, alice) == ()
    assert (await browser.http.get(_page(browser))).status_code == 200, "they are still signed in"
    told = [letter.text for letter in await letters_to(served.runtime, pg, alice.id)]
    assert len(told) == 2
    assert "no longer" in told[0]
    rows = await pg.fetch(
        "SELECT event_type, actor_id::text FROM audit_log WHERE user_id = %(id)s"
        " AND event_type LIKE 'user.identity.%%' ORDER BY sequence",
        {"id": alice.id},
    )
    assert rows == [("user.identity.linked", alice.id), ("user.identity.unlinked", alice.id)]


async def test_who_says_no_or_comes_late_is_not_linked(
    served: Served, browser: Browser, upstream: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    asks = location(await _back(browser, connection, upstream))
    fields = hidden_fields((await browser.http.get(asks)).text) | {"decision": "link"}
    await _answer(browser, asks, "apart")
    again = await browser.http.post(_page(browser), data=fields)
    assert "Nothing was linked" in again.text
    before = int(time.time()) - identities.LIFETIME
    upstream.claims |= {"iat": before}
    with monkeypatch.context() as patched:
        patched.setattr(served.runtime, "clock", lambda: before)
        asks = location(await _back(browser, connection, upstream))
        fields = hidden_fields((await browser.http.get(asks)).text) | {"decision": "link"}
    assert "Nothing was linked" in (await browser.http.post(_page(browser), data=fields)).text
    assert await _identities(served, alice) == ()


async def test_what_one_session_asked_for_counts_in_no_other(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    response = upstream.grant(location(await _post(browser, connection=connection.id)))
    async with a_browser(served) as another:  # an attacker's code, in the browser of a victim
        bob = await _arrive(another)
        refused = await _hand_over(another, connection, response)
        assert "Nothing was linked" in refused.text
        asks = location(await _hand_over(browser, connection, response))
        value = query_in(asks)["waiting"]
        page = await another.http.get(f"{_page(another)}?waiting={value}")
        assert upstream.claims["email"] not in above_the_footer(page)
        stolen = await _post(another, waiting=value, decision="link")
        assert "Nothing was linked" in stolen.text
        assert await _identities(served, bob) == ()
    assert "told=linked" in location(await _answer(browser, asks, "link"))
    assert len(await _identities(served, alice)) == 1


async def test_a_response_counts_once_and_of_its_own_connection(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection, other = await connect(served, upstream), await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    response = upstream.grant(location(await _post(browser, connection=connection.id)))
    mixed_up = await browser.http.get(f"{_page(browser)}/{other.id}/callback", params=response)
    assert "Nothing was linked" in mixed_up.text
    first = await _hand_over(browser, connection, response)
    assert first.is_redirect
    assert not (
        await browser.http.get(f"{_page(browser)}/{connection.id}/callback", params=response)
    ).is_redirect
    fields = hidden_fields((await browser.http.get(location(first))).text) | {"decision": "link"}
    answers = await asyncio.gather(
        *(browser.http.post(_page(browser), data=fields) for _ in range(3))
    )
    assert sum("told=linked" in each.headers.get("location", "") for each in answers) == 1
    assert len(await _identities(served, alice)) == 1


async def test_no_form_of_another_site_or_of_long_ago_changes_anything(
    served: Served, browser: Browser, upstream: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    for form in ({"connection": connection.id}, {"unlink": "x"}, {"waiting": "x"}):
        forged = await browser.http.post(_page(browser), data={"_csrf": "x", **form})
        assert forged.status_code == 403
    csrf = hidden_fields((await browser.http.get(_page(browser))).text)["_csrf"]
    later = time.time() + account_visits.RECENT
    monkeypatch.setattr(served.runtime, "clock", lambda: later)
    asked = await browser.http.post(
        _page(browser), data={"_csrf": csrf, "connection": connection.id}
    )
    assert "/interaction/" in location(asked)
    assert await _identities(served, alice) == ()


async def test_what_is_of_another_organization_or_another_person_is_unknown(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection, foreign = await connect(served, upstream), await connect(served, upstream, OTHER)
    await _arrive(browser)
    refused = await _post(browser, connection=foreign.id)
    assert refused.status_code == 503
    bob = await add_user(served)
    storage = served.runtime.storage.everywhere
    who = (upstream.base, "s-bob", None, None)
    assert await storage.identities.add(connection.id, bob.organization_id, bob.id, *who)
    (identity,) = await _identities(served, bob)
    assert "told" not in location(await _post(browser, unlink=identity.id))
    assert len(await _identities(served, bob)) == 1


async def test_the_last_way_in_stays(served: Served, upstream: Provider) -> None:
    """Also of two that are taken away at once, in two processes."""
    first, second = await connect(served, upstream), await connect(served, upstream)
    home = await served.runtime.storage.everywhere.organizations.find_by_id(
        await organization_id(served)
    )
    assert home is not None
    user = await add_user(served)
    storage = served.runtime.storage.everywhere
    await storage.user_passwords.set(user.id, home.id, None)
    for connection in (first, second):
        who = (upstream.base, f"s-{user.id}", None, None)
        assert await storage.identities.add(connection.id, home.id, user.id, *who)
    known = await _identities(served, user)

    async def take(where: Served, identity: Identity, home: Organization = home) -> bool:
        runtime = where.runtime
        async with runtime.storage.transaction() as tx:
            actor, active = Actor(user_id=user.id), await runtime.connections(home.id)
            return await unlink_own(tx, actor, home, user, identity.id, runtime.post, active)

    async with beside(served) as another:
        took = await asyncio.gather(
            take(served, known[0]), take(another, known[1]), return_exceptions=True
        )
    assert sorted(str(type(each).__name__) for each in took) == ["Conflict", "bool"]
    assert len(await _identities(served, user)) == 1
    await storage.connections.update(first.id, home.id, {"status": "inactive"})
    await storage.connections.update(second.id, home.id, {"status": "inactive"})
    forget(served, home.id)
    (left,) = await _identities(served, user)
    with pytest.raises(Conflict):
        await take(served, left)
    mailed = msgspec.structs.replace(home, default_login_methods=("magic_link",))
    with pytest.raises(Conflict):  # this installation sends no mail
        await take(served, left, mailed)


async def test_where_a_domain_requires_its_provider_nothing_else_is_a_way_in(
    served: Served, upstream: Provider
) -> None:
    """Neither a password, nor a mailed link, nor somebody they are at another provider."""
    work, other = await connect(served, upstream), await connect(served, upstream)
    domain, runtime = f"{secrets.token_hex(6)}.test", served.runtime
    user = await add_user(served, f"alice@{domain}")
    storage, key = runtime.storage.everywhere, (user.id, user.organization_id)
    home = await storage.organizations.find_by_id(user.organization_id)
    assert home is not None
    home = msgspec.structs.replace(home, default_login_methods=("password", "magic_link"))
    mails = replace(runtime.post, is_sent=True)
    for connection, subject in ((work, "one"), (other, "two"), (work, "three")):
        who = (upstream.base, f"{subject}-{user.id}", None, None)
        assert await storage.identities.add(connection.id, home.id, user.id, *who)
    one, two, three = await _identities(served, user)

    async def take(identity: Identity) -> bool:
        async with runtime.storage.transaction() as tx:
            actor = Actor(user_id=user.id)
            active = await runtime.connections(home.id)
            return await unlink_own(tx, actor, home, user, identity.id, mails, active)

    proven = await prove(served, work, domain, "require")
    assert await take(one), "they are somebody else there as well"
    with pytest.raises(Conflict):
        await take(three)
    assert await take(two), "which was none"
    with pytest.raises(Conflict):
        await take(three)
    assert await storage.domains.update(proven.id, home.id, {"mode": "offer"}) is not None
    forget(served, home.id)
    assert await take(three), "a password is a way in again"
    assert await storage.identities.of_user(*key) == ()


async def test_a_session_that_was_ended_meanwhile_changes_nothing(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    alice = await _arrive(browser)
    upstream.claims = _person()
    asks = location(await _back(browser, connection, upstream))
    fields = hidden_fields((await browser.http.get(asks)).text) | {"decision": "link"}
    storage = served.runtime.storage.everywhere
    await storage.end_account(alice.id, alice.organization_id, "test")
    led = location(await browser.http.post(_page(browser), data=fields))
    assert led == _page(browser), "by GET, which brings the cookies"
    assert "/interaction/" in location(await browser.http.get(led))
    assert await _identities(served, alice) == ()


async def test_no_other_provider_is_linked_than_that_of_their_domain(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """It would let nobody in: neither from the page, nor where it is asked for, nor later."""
    work, other = await connect(served, upstream), await connect(served, upstream)
    domain = f"{secrets.token_hex(6)}.test"
    alice = await _arrive(browser, f"alice@{domain}")
    upstream.claims = _person()
    asks = location(await _back(browser, other, upstream))
    fields = hidden_fields((await browser.http.get(asks)).text) | {"decision": "link"}
    await prove(served, work, domain, "require")
    refused = await browser.http.post(_page(browser), data=fields)
    assert (refused.status_code, "no other one can be linked" in refused.text) == (403, True)
    assert (work.name in refused.text, other.name in refused.text) == (True, False)
    refused = await _post(browser, connection=other.id)
    assert (refused.status_code, "no other one can be linked" in refused.text) == (403, True)
    assert await _identities(served, alice) == ()
    asks = location(await _back(browser, work, upstream))
    assert "told=linked" in location(await _answer(browser, asks, "link"))
    assert [each.connection_id for each in await _identities(served, alice)] == [work.id]


async def test_what_lets_nobody_in_can_be_taken_away_and_what_stays_says_why(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    work, other = await connect(served, upstream), await connect(served, upstream)
    domain, storage = f"{secrets.token_hex(6)}.test", served.runtime.storage.everywhere
    alice = await _arrive(browser, f"alice@{domain}")
    for connection in (work, other):
        who = (upstream.base, f"s-{alice.id}", None, None)
        assert await storage.identities.add(connection.id, alice.organization_id, alice.id, *who)
    await storage.user_passwords.set(alice.id, alice.organization_id, None)
    await prove(served, work, domain, "require")
    known = {each.connection_id: each.id for each in await _identities(served, alice)}
    refused = await _post(browser, unlink=known[work.id])
    assert (refused.status_code, "so it stays" in refused.text) == (409, True)
    assert "Choose a password" not in refused.text
    assert "told=unlinked" in location(await _post(browser, unlink=known[other.id]))
    # Also where it is the only one: it was no way in.
    await storage.identities.delete(known[work.id], alice.id, alice.organization_id)
    who = (upstream.base, f"s-{alice.id}", None, None)
    assert await storage.identities.add(other.id, alice.organization_id, alice.id, *who)
    (left,) = await _identities(served, alice)
    assert "told=unlinked" in location(await _post(browser, unlink=left.id))
