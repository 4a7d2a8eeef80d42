"""Sign-in with others: keys without names, words for addresses, what a refusal leaves behind."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from porta.security.keys import Key
from storage.models.connections import Connection, Identity
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.security.test_federation import (
    OTHER,
    _found,
    _person,
    _sign_in,
    _tokens,
    served,
)
from tests.security.test_federation_factors import _demand, _roles
from tests.world.answers import claims_of, location
from tests.world.browser import Browser, add_user
from tests.world.served import Served
from tests.world.upstream import Provider, connect, header, new_key, prove

__all__ = ["served"]


def _nameless(key: Key, *, signs: bool = True, shown: bool = True) -> Key:
    """Return a key whose tokens do not name it, and that is published without its name."""
    jwk = {name: value for name, value in key.jwk.items() if not (shown and name == "kid")}
    headers = {"JWT": header(alg=key.algorithm, typ="JWT")} if signs else {}
    return replace(key, headers=headers, jwk=jwk)


@pytest.mark.parametrize(("signs", "shown"), [(True, True), (True, False), (False, True)])
async def test_a_key_without_a_name_is_found(
    served: Served, browser: Browser, upstream: Provider, signs: bool, shown: bool
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims, upstream.key = _person(), _nameless(upstream.key, signs=signs, shown=shown)
    upstream.published = [_nameless(new_key("two"), shown=shown), upstream.key]
    await _tokens(browser, await _sign_in(browser, connection, upstream))


async def test_a_key_without_a_name_that_is_new_is_asked_for_once_in_a_while(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """As one whose name is not known: what was fetched a moment ago is not fetched again."""
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims, upstream.key = _person(), _nameless(upstream.key)
    upstream.published = [_nameless(new_key("two"))]
    for _ in range(2):
        assert (await _sign_in(browser, connection, upstream)).status_code == 400
    assert browser.session is None
    assert [path for path, _, _ in upstream.seen].count("/jwks") == 1


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_no_token_without_a_signature_of_the_provider_is_taken(
    served: Served, browser: Browser, upstream: Provider, algorithm: str
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person()
    told = header(alg=algorithm, typ="JWT")
    upstream.key = replace(_nameless(upstream.key), headers={"JWT": told})
    assert (await _sign_in(browser, connection, upstream)).status_code == 400
    assert await _found(served, upstream.claims["email"]) is None


@pytest.mark.parametrize("of_token", [None, True, False], ids=["silent", "yes", "no"])
@pytest.mark.parametrize("of_userinfo", [None, True, False], ids=["silent", "yes", "no"])
@pytest.mark.parametrize("in_token", [True, False], ids=["in token", "in userinfo"])
async def test_an_address_is_verified_by_who_tells_it(
    served: Served,
    browser: Browser,
    upstream: Provider,
    in_token: bool,
    of_token: bool | None,
    of_userinfo: bool | None,
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    person = _person(email_verified=of_token)
    email = person["email"]
    upstream.claims = person | ({} if in_token else {"email": None})
    told = {"sub": person["sub"], "email": email, "email_verified": of_userinfo}
    upstream.answers["/.well-known/openid-configuration"] = {
        **upstream.metadata(), "userinfo_endpoint": f"{upstream.base}/userinfo",
    }  # fmt: skip
    upstream.answers["/userinfo"] = {name: v for name, v in told.items() if v is not None}
    await _sign_in(browser, connection, upstream)
    word = of_token if in_token else of_userinfo
    made = await _found(served, email)
    assert (made is not None) is (word is True)


async def _linked(
    served: Served, upstream: Provider, connection: Connection, **address: str
) -> tuple[User, Identity]:
    """Return somebody who is known there, by an address and a name of long ago."""
    storage = served.runtime.storage.everywhere
    user = await add_user(served, **address)
    who = (upstream.base, f"s-{user.id}", "before@people.test", "Before")
    assert await storage.identities.add(connection.id, user.organization_id, user.id, *who)
    (identity,) = await storage.identities.of_user(user.id, user.organization_id)
    return user, identity


async def _is_untouched(served: Served, user: User, identity: Identity) -> None:
    storage, key = served.runtime.storage.everywhere, (user.id, user.organization_id)
    assert await storage.identities.of_user(*key) == (identity,)
    assert await storage.user_roles.of_user(*key) == ()
    after = await storage.users.find_by_id(*key)
    assert after is not None
    assert after.nickname is None


async def _mapped(served: Served, upstream: Provider) -> Connection:
    staff, _ = await _roles(served)
    return await connect(
        served, upstream, claim_mapping={"nickname": "nick"}, creates_accounts=True,
        role_mapping=[{"claim": "groups", "value": "staff", "roleIds": [staff.id]}],
    )  # fmt: skip


@pytest.mark.parametrize("refusal", ["suspended", "another domain", "second factor", "not let in"])
async def test_a_refused_sign_in_writes_nothing(
    served: Served, browser: Browser, upstream: Provider, refusal: str
) -> None:
    """Neither who they are there by now, nor that it was used, nor what is mapped."""
    connection, domain = await _mapped(served, upstream), f"{secrets.token_hex(6)}.test"
    user, identity = await _linked(served, upstream, connection, email=f"alice@{domain}")
    storage = served.runtime.storage.everywhere
    upstream.claims = _person(sub=identity.subject, groups=["staff"], nick="Countess")
    home = user.organization_id
    if refusal == "suspended":
        await storage.users.set_status(user.id, home, "suspended", expected="active")
    elif refusal == "another domain":
        await prove(served, await connect(served, upstream), domain, "require")
    elif refusal == "second factor":
        await _demand(served, "required_email")  # and this installation sends no mail
    else:
        await storage.connections.update(connection.id, home, {"allowed_domains": ["a.test"]})
        served.runtime._changed("connections", home)
    try:
        await _sign_in(browser, connection, upstream)
    finally:
        await _demand(served, "optional")
    assert browser.session is None
    await _is_untouched(served, user, identity)


async def test_nobody_is_made_who_could_not_sign_in(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await _mapped(served, upstream)
    upstream.claims = _person()
    await _demand(served, "required_email")
    try:
        await _sign_in(browser, connection, upstream)
    finally:
        await _demand(served, "optional")
    assert await _found(served, upstream.claims["email"]) is None


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_a_refusal_is_recorded_with_the_person_if_there_is_one(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres, known: bool
) -> None:
    """An account that was never made has no id: the trail keeps none."""
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims, user_id = _person(), None
    if known:
        user, identity = await _linked(served, upstream, connection)
        upstream.claims, user_id = _person(sub=identity.subject), user.id
    ((before,),) = await pg.fetch("SELECT coalesce(max(sequence), 0) FROM audit_log")
    await _demand(served, "required_email")  # and this installation sends no mail
    try:
        await _sign_in(browser, connection, upstream)
    finally:
        await _demand(served, "optional")
    rows = await pg.fetch(
        "SELECT user_id::text, metadata ->> 'reason' FROM audit_log"
        " WHERE event_type = 'user.login.federation.failed' AND sequence > %(before)s",
        {"before": before},
    )
    assert rows == [(user_id, "second_factor")]


async def test_a_sign_in_that_is_let_in_is_noted(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await _mapped(served, upstream)
    user, identity = await _linked(served, upstream, connection)
    upstream.claims = _person(sub=identity.subject, groups=["staff"], nick="Countess")
    tokens = await _tokens(browser, await _sign_in(browser, connection, upstream))
    assert claims_of(tokens["id_token"])["sub"] == user.id
    storage = served.runtime.storage.everywhere
    (after,) = await storage.identities.of_user(user.id, user.organization_id)
    assert (after.email, after.name) == (upstream.claims["email"], None)
    assert after.last_used_at > identity.last_used_at
    assert len(await storage.user_roles.of_user(user.id, user.organization_id)) == 1


async def test_who_is_somebody_at_another_organization_is_nobody_here(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """One provider, two organizations: each knows its own people."""
    here = await connect(served, upstream)
    there = await connect(served, upstream, slug=OTHER)
    storage = served.runtime.storage.everywhere
    user = factories.user(
        id=factories.new_id(), organization_id=there.organization_id,
        email=f"{secrets.token_hex(6)}@people.test",
    )  # fmt: skip
    await storage.users.insert(user)
    who = (upstream.base, f"s-{user.id}", None, None)
    assert await storage.identities.add(there.id, user.organization_id, user.id, *who)
    upstream.claims = _person(sub=f"s-{user.id}")
    answer = await _sign_in(browser, here, upstream)
    assert "/interaction/" in location(answer)
    assert browser.session is None
    for organization_id in (here.organization_id, there.organization_id):
        found = await storage.identities.find(here.id, organization_id, *who[:2])
        assert found is None
