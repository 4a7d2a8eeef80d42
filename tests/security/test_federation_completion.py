"""Sign-in with others: what a provider says is taken over where the sign-in ends, and not before.

Whoever is asked for a second factor has come half-way: a provider that was broken into changes
nothing of somebody who has one.
"""

from __future__ import annotations

import secrets

import httpx
import pytest
from pyotp import TOTP

from porta.authn.identities import LIFETIME, MOST
from storage.models.connections import Connection, Identity
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests.security.test_federation import _found, _person, _sign_in, served
from tests.security.test_federation_factors import _demand
from tests.security.test_federation_refusals import _is_untouched, _mapped
from tests.world import house
from tests.world.answers import hidden_fields, location
from tests.world.browser import Browser, a_browser, add_user
from tests.world.mail import letters_to
from tests.world.runtime import clock_ahead
from tests.world.second_factors import person_with_totp
from tests.world.served import Served
from tests.world.upstream import Provider, connect, forget

__all__ = ["served"]
_DIGITS = "0123456789"


async def _known(
    served: Served, upstream: Provider, connection: Connection, pg: Postgres
) -> tuple[User, TOTP, Identity]:
    """Return somebody with an authenticator app who is known at a connection."""
    user, totp = await person_with_totp(served.runtime, pg)
    storage = served.runtime.storage.everywhere
    who = (upstream.base, f"s-{user.id}", "before@people.test", "Before")
    assert await storage.identities.add(connection.id, user.organization_id, user.id, *who)
    (identity,) = await storage.identities.of_user(user.id, user.organization_id)
    return user, totp, identity


async def _show(
    served: Served, browser: Browser, url: str, totp: TOTP, *, wrong: bool = False, **more: str
) -> httpx.Response:
    """Post a code of an authenticator app, or one that is none, at the interaction."""
    step = int(served.runtime.clock() // 30)
    near = {totp.generate_otp(each) for each in range(step - 3, step + 4)}
    code = next(n * 6 for n in _DIGITS if n * 6 not in near) if wrong else totp.generate_otp(step)
    page = await browser.http.get(url)
    form = hidden_fields(page.text) | {"method": "totp", "code": code} | more
    return await browser.http.post(f"{url}/two-factor", data=form)


async def _roles_of(served: Served, user: User) -> int:
    storage = served.runtime.storage.everywhere
    return len(await storage.user_roles.of_user(user.id, user.organization_id))


async def _linked(served: Served, user: User) -> tuple[Identity, ...]:
    storage = served.runtime.storage.everywhere
    return await storage.identities.of_user(user.id, user.organization_id)


async def test_nothing_is_taken_over_before_the_second_factor_was_right(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    connection = await _mapped(served, upstream)
    user, totp, identity = await _known(served, upstream, connection, pg)
    upstream.claims = _person(sub=identity.subject, groups=["staff"], nick="Countess")
    url = location(await _sign_in(browser, connection, upstream))
    assert 'name="code"' in (await browser.http.get(url)).text
    await _is_untouched(served, user, identity)
    assert (await _show(served, browser, url, totp, wrong=True)).status_code == 200
    await _is_untouched(served, user, identity)
    assert "code" in await browser.follow(await _show(served, browser, url, totp))
    assert await _roles_of(served, user) == 1
    (after,) = await _linked(served, user)
    assert (after.email, after.last_used_at > identity.last_used_at) == (
        upstream.claims["email"], True,
    )  # fmt: skip
    storage = served.runtime.storage.everywhere
    found = await storage.users.find_by_id(user.id, user.organization_id)
    assert found is not None
    assert found.nickname == "Countess"


async def test_a_domain_that_is_answered_for_links_nobody_before_the_second_factor(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    connection = await connect(served, upstream, authoritative_domains=["acme.example"])
    user, totp = await person_with_totp(served.runtime, pg)
    upstream.claims = _person(email=user.email)
    url = location(await _sign_in(browser, connection, upstream))
    assert 'name="code"' in (await browser.http.get(url)).text
    await _show(served, browser, url, totp, wrong=True)
    assert await _linked(served, user) == ()
    assert await letters_to(served.runtime, pg, user.id) == []
    assert "code" in await browser.follow(await _show(served, browser, url, totp))
    assert [each.subject for each in await _linked(served, user)] == [upstream.claims["sub"]]


async def test_no_trusted_device_stands_for_the_second_factor_of_who_is_linked_by_an_address(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """Once they are linked it does, as for everybody who is known there."""
    connection = await connect(served, upstream, authoritative_domains=["acme.example"])
    storage, home = served.runtime.storage.everywhere, connection.organization_id
    user, totp = await person_with_totp(served.runtime, pg)
    browser.email, browser.password = user.email, house.PASSWORD

    async def days(count: int) -> None:
        await storage.organizations.update(home, {"trusted_device_days": count})
        served.runtime._changed("organizations", "acme")

    await days(30)
    try:
        url = await browser.begin()
        await browser.submit(url)
        trusted = await _show(served, browser, url, totp, trust_device="1")
        assert "code" in await browser.follow(trusted)
        upstream.claims = _person(email=user.email)
        there = location(await _sign_in(browser, connection, upstream, prompt="select_account"))
        assert 'name="code"' in (await browser.http.get(there)).text
        assert await _linked(served, user) == ()
        who = (upstream.base, upstream.claims["sub"], user.email, None)
        assert await storage.identities.add(connection.id, home, user.id, *who)
        answer = await _sign_in(browser, connection, upstream, prompt="select_account")
        assert "code" in await browser.follow(answer)
    finally:
        await days(0)


@pytest.mark.parametrize("meanwhile", ["unlinked", "switched off", "no longer answered for"])
async def test_who_is_half_way_counts_no_more_once_they_are_not_who_was_there(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres, meanwhile: str
) -> None:
    """A factor that is right by then signs nobody in, and none is asked for."""
    by_address = meanwhile == "no longer answered for"
    domains = ["acme.example"] if by_address else []
    connection = await connect(served, upstream, authoritative_domains=domains)
    storage, home = served.runtime.storage.everywhere, connection.organization_id
    if by_address:
        user, totp = await person_with_totp(served.runtime, pg)
        upstream.claims = _person(email=user.email)
    else:
        user, totp, identity = await _known(served, upstream, connection, pg)
        upstream.claims = _person(sub=identity.subject)
    url = location(await _sign_in(browser, connection, upstream))
    page = await browser.http.get(url)
    form = hidden_fields(page.text) | {
        "method": "totp", "code": totp.generate_otp(int(served.runtime.clock() // 30)),
    }  # fmt: skip
    if meanwhile == "unlinked":
        assert await storage.identities.delete(identity.id, user.id, home)
    elif meanwhile == "switched off":
        await storage.connections.update(connection.id, home, {"status": "inactive"})
    else:
        await storage.connections.update(connection.id, home, {"authoritative_domains": []})
    forget(served, home)
    refused = await browser.http.post(f"{url}/two-factor", data=form)
    assert browser.session is None
    assert refused.status_code == 303
    assert 'name="password"' in (await browser.http.get(url)).text
    if by_address:
        assert await _linked(served, user) == ()


async def test_the_account_of_an_address_is_not_given_to_two_who_have_it_in_turn(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """Both are half-way with the address that one of them was given after the other."""
    connection = await connect(served, upstream, authoritative_domains=["acme.example"])
    user, totp = await person_with_totp(served.runtime, pg)
    upstream.claims = _person(email=user.email)
    url = location(await _sign_in(browser, connection, upstream))
    async with a_browser(served) as another:
        upstream.claims = _person(email=user.email)
        there = location(await _sign_in(another, connection, upstream))
        assert "code" in await another.follow(await _show(served, another, there, totp))
    assert 'name="password"' in (await browser.http.get(url)).text, "it starts over"
    assert len(await _linked(served, user)) == 1


async def test_somebody_else_who_signs_in_meanwhile_takes_nothing_over(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """One who was half-way leaves, and another person signs in at the same interaction."""
    connection = await _mapped(served, upstream)
    user, _, identity = await _known(served, upstream, connection, pg)
    upstream.claims = _person(sub=identity.subject, groups=["staff"], nick="Countess")
    url = location(await _sign_in(browser, connection, upstream))
    page = await browser.http.get(url)
    form = {"_csrf": hidden_fields(page.text)["_csrf"]}
    await browser.http.post(f"{url}/switch", data=form)
    assert "code" in await browser.follow(await browser.submit(url))
    await _is_untouched(served, user, identity)
    alice = await _found(served, browser.email)
    assert alice is not None
    assert (alice.nickname == "Countess", await _linked(served, alice)) == (False, ())


async def test_somebody_new_holds_no_role_before_they_are_signed_in(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """Their account is made, for a factor to be enrolled at."""
    connection = await _mapped(served, upstream)
    upstream.claims = _person(groups=["staff"], nick=secrets.token_hex(4))
    await _demand(served, "required_totp")
    try:
        await _sign_in(browser, connection, upstream)
        made = await _found(served, upstream.claims["email"])
        assert made is not None
        assert await _roles_of(served, made) == 0
    finally:
        await _demand(served, "optional")
    assert browser.session is None


_REFUSES = """
    CREATE FUNCTION refuse_roles() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no role is written'; END $$;
    CREATE TRIGGER refuse_roles BEFORE INSERT OR DELETE ON user_roles
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_roles();
"""
_MENDS = (
    "DROP TRIGGER IF EXISTS refuse_roles ON user_roles; DROP FUNCTION IF EXISTS refuse_roles();"
)


async def test_nobody_is_signed_in_whose_roles_cannot_be_written(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """Else a session would stand with the roles that the provider has just taken away."""
    connection = await _mapped(served, upstream)
    user = await add_user(served)
    storage, who = served.runtime.storage.everywhere, (upstream.base, f"s-{user.id}", None, None)
    assert await storage.identities.add(connection.id, user.organization_id, user.id, *who)
    (identity,) = await _linked(served, user)
    upstream.claims = _person(sub=identity.subject, groups=["staff"], nick="Countess")
    await pg.execute(_REFUSES)
    try:
        refused = await _sign_in(browser, connection, upstream)
    finally:
        await pg.execute(_MENDS)
    assert refused.status_code >= 500
    assert browser.session is None
    rows = await pg.fetch("SELECT 1 FROM sessions WHERE account_id = %(id)s", {"id": user.id})
    assert rows == []
    await _is_untouched(served, user, identity)
    answer = await _sign_in(browser, connection, upstream)
    assert "code" in await browser.follow(answer)
    assert await _roles_of(served, user) == 1


async def test_who_was_there_before_takes_nothing_over_of_what_was_said_later(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """A sign-in that was left half-way would give back a role that was taken away since."""
    connection = await _mapped(served, upstream)
    user, totp, identity = await _known(served, upstream, connection, pg)
    upstream.claims = _person(sub=identity.subject, groups=["staff"])
    url = location(await _sign_in(browser, connection, upstream))
    page = await browser.http.get(url)
    form = hidden_fields(page.text) | {
        "method": "totp", "code": totp.generate_otp(int(served.runtime.clock() // 30) + 1),
    }  # fmt: skip
    async with a_browser(served) as another:
        upstream.claims = _person(sub=identity.subject, groups=[])
        there = location(await _sign_in(another, connection, upstream))
        assert "code" in await another.follow(await _show(served, another, there, totp))
    await browser.http.post(f"{url}/two-factor", data=form)
    assert browser.session is None
    assert await _roles_of(served, user) == 0
    assert 'name="password"' in (await browser.http.get(url)).text, "it starts over"


async def test_of_two_who_were_there_in_turn_the_later_one_is_noted(
    served: Served, upstream: Provider, pg: Postgres
) -> None:
    connection = await connect(served, upstream)
    user, _, identity = await _known(served, upstream, connection, pg)
    identities = served.runtime.storage.everywhere.identities
    who = (connection.id, user.organization_id, identity.issuer, identity.subject)
    now = served.runtime.clock()
    assert await identities.use(*who, "first@people.test", at=now - 5), "as the first one ever"
    assert await identities.use(*who, "later@people.test", at=now)
    assert await identities.use(*who, "before@people.test", at=now - 1) is None
    assert await identities.use(*who, "again@people.test", at=now)
    (after,) = await _linked(served, user)
    assert after.email == "again@people.test"
    assert after.last_used_at == pytest.approx(now, abs=0.001)
    assert (after.was_used_after(now - 1), after.was_used_after(now + 1)) == (True, False)


@pytest.mark.parametrize("meanwhile", ["ten minutes", "another domain"])
async def test_what_a_provider_said_does_not_wait_for_ever(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres, meanwhile: str
) -> None:
    """Nor does it count where the connection lets the address in no more."""
    connection = await _mapped(served, upstream)
    user, totp, identity = await _known(served, upstream, connection, pg)
    upstream.claims = _person(sub=identity.subject, groups=["staff"])
    url = location(await _sign_in(browser, connection, upstream))
    form = hidden_fields((await browser.http.get(url)).text) | {"method": "totp"}
    with clock_ahead(served.runtime) as ahead:
        if meanwhile == "ten minutes":
            ahead.append(LIFETIME)
        else:
            storage, home = served.runtime.storage.everywhere, user.organization_id
            await storage.connections.update(connection.id, home, {"allowed_domains": ["a.test"]})
            forget(served, home)
        form["code"] = totp.generate_otp(int(served.runtime.clock() // 30))
        await browser.http.post(f"{url}/two-factor", data=form)
        assert 'name="password"' in (await browser.http.get(url)).text
    assert browser.session is None
    await _is_untouched(served, user, identity)


async def test_no_account_is_left_that_nobody_could_get_into(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """Who somebody is there becomes another account's while theirs is made."""
    connection = await connect(served, upstream, creates_accounts=True)
    other = await add_user(served)
    upstream.claims = _person()
    given = (
        f"'{other.organization_id}', '{connection.id}', '{other.id}', '{upstream.base}',"
        f" '{upstream.claims['sub']}'"
    )
    await pg.execute(f"""
        CREATE FUNCTION outrun() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO identities (organization_id, connection_id, user_id, issuer, subject)
            VALUES ({given}); RETURN NEW;
        END $$;
        CREATE TRIGGER outrun BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION outrun();
    """)
    try:
        refused = await _sign_in(browser, connection, upstream)
    finally:
        await pg.execute("DROP TRIGGER outrun ON users; DROP FUNCTION outrun()")
    assert refused.status_code == 200
    assert browser.session is None
    assert await _found(served, upstream.claims["email"]) is None


async def test_who_is_too_many_already_is_found_by_no_address(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """It could never be linked: they sign in by a way of their own, and are not asked in vain."""
    connection = await connect(served, upstream, authoritative_domains=["acme.example"])
    elsewhere = await connect(served, upstream)
    user = await add_user(served, email=f"{secrets.token_hex(6)}@acme.example")
    identities = served.runtime.storage.everywhere.identities
    for number in range(MOST):
        who = (upstream.base, f"{user.id} {number}", None)
        assert await identities.add(elsewhere.id, user.organization_id, user.id, *who)
    upstream.claims = _person(email=user.email)
    answer = await _sign_in(browser, connection, upstream)
    assert answer.status_code == 303
    assert 'name="password"' in (await browser.http.get(location(answer))).text
    assert len(await _linked(served, user)) == MOST
