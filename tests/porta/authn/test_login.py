"""A person at an interaction: what opens it, what signs in, and what is left when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from porta import interactions, sessions, tenancy
from porta.authn import login
from porta.authn.login import OpenInteraction
from porta.authn.password import LoginFailed
from porta.errors import Forbidden, NotFound
from porta.interactions import InteractionOver
from porta.origin import Origin
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenant import Tenant
from storage.models.artifacts import Interaction, Session, artifact_id
from storage.postgres import Postgres
from tests.handlers.house import CALLBACK, EMAIL, PASSWORD
from tests.porta.opened import opened

ORIGIN = Origin("192.0.2.7")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await tenancy.resolve(runtime, "acme")


async def _open(runtime: Runtime, tenant: Tenant, **changes: Any) -> OpenInteraction:
    uid, browser = opaque.new_value(), opaque.new_value()
    fields: dict[str, Any] = {
        "client_id": "third", "prompt": "login", "slug": tenant.slug,
        "parameters": {"client_id": "third", "redirect_uri": CALLBACK, "scope": "openid email"},
    }  # fmt: skip
    interaction = Interaction(
        id=artifact_id(uid),
        organization_id=tenant.id,
        browser=artifact_id(browser),
        csrf=opaque.new_value(),
        created_at=int(runtime.clock()),
        **(fields | changes),
    )
    await interactions.save(runtime, tenant, interaction)
    return await login.open_interaction(runtime, uid, browser)


async def _now(runtime: Runtime, opened: OpenInteraction) -> Interaction:
    found = await runtime.storage.artifacts.find(Interaction, opened.uid, opened.tenant.id)
    assert found is not None
    return found


async def test_a_sign_in_notes_who_is_here(runtime: Runtime, tenant: Tenant) -> None:
    opened = await _open(runtime, tenant, consented=("openid",))
    signed_in = await login.submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    session = await sessions.find(runtime, tenant, signed_in.session_value)
    assert session is not None
    assert session.expires_at == signed_in.expires_at
    after = await _now(runtime, opened)
    assert after.session_uid == after.previous_session == session.uid
    assert after.consented is None, "what was said before is nobody's word any more"


async def test_a_sign_in_that_comes_too_late_leaves_no_session(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    opened = await _open(runtime, tenant)
    assert await interactions.finish(runtime, opened.interaction, opened.uid)
    before = await pg.fetchrow("SELECT count(*) FROM sessions")
    with pytest.raises(InteractionOver):
        await login.submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    assert await pg.fetchrow("SELECT count(*) FROM sessions") == before


async def test_two_sign_ins_at_one_interaction_end_the_first(
    runtime: Runtime, tenant: Tenant
) -> None:
    opened = await _open(runtime, tenant)
    first = await login.submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    opened = OpenInteraction(opened.uid, await _now(runtime, opened), tenant, opened.client)
    second = await login.submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    assert await sessions.find(runtime, tenant, first.session_value) is None
    assert await sessions.find(runtime, tenant, second.session_value) is not None


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b@c", "x" * 5000, f"{EMAIL}, b@c.test", "\u200b"]
)
async def test_what_is_no_address_is_refused_like_an_unknown_one(
    runtime: Runtime, tenant: Tenant, email: str
) -> None:
    opened = await _open(runtime, tenant)
    with pytest.raises(LoginFailed) as caught:
        await login.submit(runtime, opened, email, PASSWORD, ORIGIN)
    assert (caught.value.message, caught.value.status) == ("login.error_invalid", 200)


async def test_who_may_not_sign_in_by_password_costs_no_hash(
    runtime: Runtime, tenant: Tenant
) -> None:
    opened = await _open(runtime, tenant)
    client = msgspec.structs.replace(opened.client, login_methods=("magic_link",))
    other = OpenInteraction(opened.uid, opened.interaction, tenant, client)
    with pytest.raises(LoginFailed) as caught:
        await login.submit(runtime, other, EMAIL, PASSWORD, ORIGIN)
    assert (caught.value.message, caught.value.status) == ("errors.login_method_disabled", 403)


async def test_a_client_decides_before_its_organization(runtime: Runtime, tenant: Tenant) -> None:
    opened = await _open(runtime, tenant)
    for methods, expected in ((None, ("password",)), ((), ()), (("x",), ("x",))):
        client = msgspec.structs.replace(opened.client, login_methods=methods)
        shown = OpenInteraction(opened.uid, opened.interaction, tenant, client)
        assert shown.login_methods == expected


@pytest.mark.parametrize("value", [None, "", "x", "é", "\ud800"])
async def test_a_form_of_elsewhere_is_refused(
    runtime: Runtime, tenant: Tenant, value: str | None
) -> None:
    opened = await _open(runtime, tenant)
    with pytest.raises(Forbidden):
        login.check_csrf(opened, value)
    login.check_csrf(opened, opened.interaction.csrf)


async def test_consent_is_kept_where_it_was_asked_for(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    opened = await _open(runtime, tenant, prompt="consent")
    await login.consent(runtime, opened, True, ORIGIN)
    assert (await _now(runtime, opened)).consented == ("openid", "email")
    denied = await _open(runtime, tenant, prompt="consent")
    await login.consent(runtime, denied, False, ORIGIN)
    after = await _now(runtime, denied)
    assert (after.consented, after.error) == (None, "User denied consent")
    with pytest.raises(NotFound):
        await login.consent(runtime, await _open(runtime, tenant), True, ORIGIN)


async def test_an_interaction_of_what_is_gone_is_gone(runtime: Runtime, tenant: Tenant) -> None:
    for changes in ({"client_id": "nobody"}, {"slug": "globex"}, {"slug": "archived"}):
        with pytest.raises(NotFound):
            await _open(runtime, tenant, **changes)
    with pytest.raises(Forbidden):
        await _open(runtime, tenant, slug="suspended")


async def test_sign_ins_side_by_side_are_no_error(runtime: Runtime, tenant: Tenant) -> None:
    opened = await _open(runtime, tenant)
    both = await asyncio.gather(
        *(login.submit(runtime, opened, EMAIL, PASSWORD, ORIGIN) for _ in range(4))
    )
    alive = [await sessions.find(runtime, tenant, each.session_value) for each in both]
    assert all(isinstance(each, Session) for each in alive)
