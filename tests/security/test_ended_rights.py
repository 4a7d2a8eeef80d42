"""Suspending is an end, not a pause: what was issued before stays dead (security 5, J.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.browser import sessions
from porta.protocol.tokens.authentication import AuthenticationContext
from porta.services import clients, organizations, session_control
from porta.tenants import resolve
from storage.models.artifact import artifact_id
from storage.models.artifacts import Session
from storage.models.clients import Client
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.redis.lane import Redis
from tests.world.administered import (
    set_application_status,
    set_client_status,
    set_organization_status,
    set_user_status,
)
from tests.world.answers import location
from tests.world.browser import (
    GOOD,
    PASSWORD,
    Browser,
    a_browser,
    add_client,
    add_user,
    code_form,
    is_active,
    organization_id,
    post,
    refresh_form,
    refusal,
    userinfo,
)
from tests.world.served import Served, beside
from tests.world.waiting import eventually

INVALID_GRANT = (400, "invalid_grant")
PERSON = [("person", "suspended"), ("person", "inactive"), ("person", "locked")]
CLIENT = [("client", "inactive"), ("application", "inactive")]
ORGANIZATION = [("organization", "suspended"), ("organization", "archived")]
REVOKED = [("person", "revoked"), ("client", "revoked"), ("organization", "revoked")]
"""Nothing is changed but that what was issued until now is refused (the panic button)."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(served: Served) -> AsyncIterator[Served]:
    """Return another instance of the same installation."""
    async with beside(served) as running:
        yield running


@dataclass(slots=True)
class Rights:
    """A person and a client of acme, and everything that was issued to them."""

    user: User
    client: Client
    browser: Browser
    code: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    of_machine: str = ""
    request_uri: str = ""
    session: str = ""

    async def ask(self, one: Served, path: str, form: dict[str, str]) -> Any:
        name = self.client.client_id
        return await post(one, path, form, name, secret=name * 2)

    async def gather(self) -> None:
        """Sign in, and have everything issued that can be."""
        one, name = self.browser.served, self.client.client_id
        code = await self.browser.code(client_id=name)
        self.tokens = (await self.ask(one, "/token", code_form(code))).json()
        self.code = await self.browser.code(client_id=name)
        machine = await self.ask(one, "/token", {"grant_type": "client_credentials"})
        self.of_machine = machine.json()["access_token"]
        pushed = await self.ask(one, "/request", GOOD | {"client_id": name})
        self.request_uri = pushed.json()["request_uri"]
        assert self.browser.session is not None
        self.session = self.browser.session


@pytest_asyncio.fixture
async def rights(served: Served) -> AsyncIterator[Rights]:
    async with a_browser(served) as browser:
        user = await add_user(served)
        browser.email, browser.password = user.email, PASSWORD
        grants = ("authorization_code", "refresh_token", "client_credentials")
        client = await add_client(served, grant_types=grants)
        gathered = Rights(user, client, browser)
        await gathered.gather()
        yield gathered


async def _set(served: Served, rights: Rights, what: str, status: str) -> None:
    storage, acme = served.runtime.storage.everywhere, rights.user.organization_id
    match what:
        case "person":
            await set_user_status(storage, rights.user.id, status)
        case "client":
            await set_client_status(storage, rights.client.client_id, status)
        case "application":
            await set_application_status(storage, "crm", status)
        case _:
            await set_organization_status(storage, acme, status)


async def _heard(rights: Rights, *instances: Served) -> None:
    """Wait until every instance knows the client and the organization as they are stored."""
    storage, acme = instances[0].runtime.storage.everywhere, rights.user.organization_id
    client = await storage.clients.find(rights.client.client_id, acme)
    organization = await storage.organizations.find_by_slug("acme")

    async def known() -> bool:
        return all(
            [
                await one.runtime.client(rights.client.client_id, acme) == client
                and await one.runtime.organization("acme") == organization
                for one in instances
            ]
        )

    await eventually(known)


async def _revoke(served: Served, rights: Rights, what: str) -> None:
    async with served.runtime.storage.everywhere.transaction() as tx:
        match what:
            case "person":
                await session_control.revoke_all(tx, SYSTEM, rights.user.id)
            case "client":
                await clients.revoke_tokens(tx, SYSTEM, rights.client.client_id)
            case _:
                await organizations.revoke_tokens(tx, SYSTEM, rights.user.organization_id)


async def _end_and_restore(rights: Rights, what: str, status: str, *instances: Served) -> None:
    if status == "revoked":
        await _revoke(instances[0], rights, what)
        await _heard(rights, *instances)
        return
    try:
        await _set(instances[0], rights, what, status)
        await _heard(rights, *instances)
    finally:
        await _set(instances[0], rights, what, "active")
        await _heard(rights, *instances)


async def _prompt_none(one: Served, rights: Rights, session: str) -> str:
    """Return where a silent request with the cookie `session` leads."""
    async with a_browser(one) as browser:
        browser.wears(session, rights.browser.secret)
        name = rights.client.client_id
        return location(await browser.authorize(client_id=name, prompt="none"))


async def _tokens_are_dead(one: Served, rights: Rights) -> None:
    access, refresh = rights.tokens["access_token"], rights.tokens["refresh_token"]
    assert refusal(await userinfo(one, access)) == (401, "invalid_token")
    for token in (access, refresh):
        answer = await rights.ask(one, "/token/introspection", {"token": token})
        assert answer.json() == {"active": False}
    assert refusal(await rights.ask(one, "/token", refresh_form(refresh))) == INVALID_GRANT


@pytest.mark.parametrize(("what", "status"), PERSON + CLIENT + ORGANIZATION + REVOKED)
async def test_security_5_tokens_stay_dead(
    served: Served, other: Served, rights: Rights, what: str, status: str
) -> None:
    await _end_and_restore(rights, what, status, served, other)
    for one in (served, other):
        await _tokens_are_dead(one, rights)
    assert refusal(await rights.ask(other, "/token", code_form(rights.code))) == INVALID_GRANT
    await rights.gather()
    for one in (served, other):
        assert (await userinfo(one, rights.tokens["access_token"])).status_code == 200
    refreshed = await rights.ask(other, "/token", refresh_form(rights.tokens["refresh_token"]))
    assert refreshed.status_code == 200
    assert (await rights.ask(other, "/token", code_form(rights.code))).status_code == 200


@pytest.mark.parametrize(("what", "status"), PERSON + ORGANIZATION + REVOKED[::2])
async def test_security_5_sessions_stay_dead(
    served: Served, other: Served, rights: Rights, what: str, status: str
) -> None:
    for one in (served, other):
        assert "code=" in await _prompt_none(one, rights, rights.session)
    await _end_and_restore(rights, what, status, served, other)
    for one in (served, other):
        assert "error=login_required" in await _prompt_none(one, rights, rights.session)


@pytest.mark.parametrize(("what", "status"), [*CLIENT, REVOKED[1]])
async def test_security_5_a_persons_session_survives_the_end_of_a_client(
    served: Served, other: Served, rights: Rights, what: str, status: str
) -> None:
    await _end_and_restore(rights, what, status, served, other)
    assert "code=" in await _prompt_none(other, rights, rights.session)


@pytest.mark.parametrize(("what", "status"), CLIENT + ORGANIZATION + REVOKED[1:])
async def test_security_5_what_a_client_holds_for_itself_stays_dead(
    served: Served, other: Served, rights: Rights, what: str, status: str
) -> None:
    await _end_and_restore(rights, what, status, served, other)
    for one in (served, other):
        answer = await rights.ask(one, "/token/introspection", {"token": rights.of_machine})
        assert answer.json() == {"active": False}
    name = rights.client.client_id
    pushed = {"client_id": name, "request_uri": rights.request_uri}
    refused = await rights.browser.http.get(f"{served.issuer()}/auth", params=pushed)
    assert refused.status_code == 400


async def test_security_5_others_notice_nothing(
    served: Served, other: Served, rights: Rights, browser: Browser
) -> None:
    tokens = await browser.tokens()
    for what, status in (PERSON[0], CLIENT[0], *REVOKED[:2]):
        await _end_and_restore(rights, what, status, served, other)
    assert await is_active(served, tokens["access_token"])
    assert (await post(other, "/token", refresh_form(tokens["refresh_token"]))).status_code == 200


async def test_security_5_a_sign_in_that_was_on_its_way_is_ended_by_the_return(
    served: Served, rights: Rights
) -> None:
    """The password was right before the account was suspended; its session came after."""
    await _set(served, rights, "person", "suspended")
    tenant = await resolve.resolve(served.runtime, "acme")
    _, late = await sessions.sign_in(
        served.runtime,
        tenant,
        rights.user.id,
        context=AuthenticationContext(("pwd",), "0", int(served.runtime.clock())),
        browser=rights.browser.presented.digest or "",
    )
    await _set(served, rights, "person", "active")
    assert "error=login_required" in await _prompt_none(served, rights, late)


async def test_security_5_copies_in_redis_are_buried(
    served: Served, rights: Rights, redis_url: str
) -> None:
    redis = await Redis.open(redis_url)
    key = f"porta:{Session.__name__}:{artifact_id(rights.session)}"
    assert b"account_id" in await redis.command("GET", key)
    await _set(served, rights, "person", "suspended")
    assert b"account_id" not in (await redis.command("GET", key) or b"")
    await redis.close()


async def test_security_5_a_password_that_is_set_ends_every_session(
    served: Served, rights: Rights
) -> None:
    async with served.runtime.storage.everywhere.transaction() as tx:
        await tx.end_account(rights.user.id, rights.user.organization_id, "password_set")
    await _tokens_are_dead(served, rights)
    assert "error=login_required" in await _prompt_none(served, rights, rights.session)


async def test_security_5_rolled_back_it_has_ended_nothing(served: Served, rights: Rights) -> None:
    async def suspend_in_vain() -> None:
        async with served.runtime.storage.everywhere.transaction() as tx:
            await set_user_status(tx, rights.user.id, "suspended")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await suspend_in_vain()
    assert (await userinfo(served, rights.tokens["access_token"])).status_code == 200
    assert "code=" in await _prompt_none(served, rights, rights.session)


async def test_security_5_another_organizations_person_is_left_alone(
    served: Served, rights: Rights
) -> None:
    stranger = await organization_id(served, "porta-admin")
    async with served.runtime.storage.everywhere.transaction() as tx:
        await tx.end_account(rights.user.id, stranger, "password_set")
    assert (await userinfo(served, rights.tokens["access_token"])).status_code == 200


async def test_security_5_an_automatic_lock_ends_nothing_nor_does_its_end(
    served: Served, rights: Rights, pg: Postgres
) -> None:
    await pg.execute(
        "UPDATE users SET status = 'locked', locked_reason = 'auto_lockout', locked_at = now()"
        " WHERE id = %(id)s",
        {"id": rights.user.id},
    )
    assert (await userinfo(served, rights.tokens["access_token"])).status_code == 200
    await _set(served, rights, "person", "active")
    assert (await userinfo(served, rights.tokens["access_token"])).status_code == 200
    assert "code=" in await _prompt_none(served, rights, rights.session)
