"""A person at an interaction: what opens it, what signs in, and what is left when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from porta.audit.event_types import EVENTS
from porta.authn import AUTHENTICATORS, attempt, login, progress
from porta.authn.authenticator import Evidence, LoginFailed
from porta.authn.progress import SignedIn
from porta.browser import interactions, keepsakes, open_interactions
from porta.browser.binding import Browser, new_secret
from porta.browser.interactions import InteractionExpired
from porta.browser.open_interactions import OpenInteraction
from porta.errors import Forbidden, NotFound, Unavailable
from porta.limits.origin import Origin
from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import opaque
from porta.security.passwords import Passwords
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.artifacts import Session
from storage.models.interactions import Consent, Interaction
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.house import CALLBACK, EMAIL, PASSWORD
from tests.world.runtime import opened

ORIGIN = Origin("192.0.2.7")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


@pytest_asyncio.fixture
async def tenant(runtime: Runtime) -> Tenant:
    return await resolve.resolve(runtime, "acme")


async def _open(runtime: Runtime, tenant: Tenant, **changes: Any) -> OpenInteraction:
    browser = Browser(changes.pop("secret", None) or new_secret())
    fields: dict[str, Any] = {
        "client_id": "third", "prompt": "login", "slug": tenant.slug,
        "parameters": {"client_id": "third", "redirect_uri": CALLBACK, "scope": "openid email"},
    }  # fmt: skip
    make = partial(
        Interaction,
        organization_id=tenant.id,
        browser=browser.digest or "",
        csrf=opaque.new_value(),
        created_at=int(runtime.clock()),
        **(fields | changes),
    )
    uid = await runtime.storage.artifacts.create(make, tenant.config.interaction_ttl)
    return await open_interactions.get(runtime, uid, lambda _: browser)


async def _submit(
    runtime: Runtime, opened: OpenInteraction, email: str, password: str, origin: Origin
) -> SignedIn:
    form = Params({"email": (email,), "password": (password,)})
    signed_in = await login.submit(runtime, opened, "password", form, origin)
    assert signed_in is not None
    return signed_in


async def _now(runtime: Runtime, opened: OpenInteraction) -> Interaction:
    found = await runtime.storage.artifacts.find(Interaction, opened.uid, opened.tenant.id)
    assert found is not None
    return found


async def _session(runtime: Runtime, signed_in: SignedIn) -> Session | None:
    tenant = await resolve.resolve(runtime, "acme")
    value = signed_in.session_value
    return await runtime.storage.artifacts.find(Session, value, tenant.id)


async def test_a_sign_in_notes_who_is_here(runtime: Runtime, tenant: Tenant) -> None:
    opened = await _open(runtime, tenant, consented=Consent(scope=("openid",)))
    signed_in = await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    session = await _session(runtime, signed_in)
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
    late = Origin("198.51.100.71", request_id=factories.new_id())
    with pytest.raises(InteractionExpired):
        await _submit(runtime, opened, EMAIL, PASSWORD, late)
    assert await pg.fetchrow("SELECT count(*) FROM sessions") == before
    told = await pg.fetch(
        "SELECT event_type, metadata ->> 'reason' FROM audit_log WHERE request_id = %(id)s",
        {"id": late.request_id},
    )
    assert told == [("user.login.password.failed", "interaction_expired")]


@pytest.mark.parametrize("meanwhile", ["another password", "no password", "suspended"])
async def test_what_ends_a_person_while_their_password_is_compared_leaves_no_session(
    runtime: Runtime, tenant: Tenant, pg: Postgres, meanwhile: str
) -> None:
    """Whoever knows the old password and signs in on and on meets the moment of the change."""
    everywhere = runtime.storage.everywhere
    person = factories.user(
        id=factories.new_id(), organization_id=tenant.id, email=f"{factories.new_id()}@acme.test",
        password_hash=await runtime.passwords.hash(PASSWORD),
    )  # fmt: skip
    await everywhere.users.insert(person)
    opened = await _open(runtime, tenant)
    form = Params({"email": (person.email,), "password": (PASSWORD,)})
    shown = AUTHENTICATORS["password"]
    evidence = Evidence(runtime, opened, form, ORIGIN, person.email, known_browser=False)
    user = await shown.verify(evidence)
    key = (person.id, tenant.id)
    async with everywhere.transaction() as tx:
        if meanwhile == "suspended":
            await tx.users.set_status(*key, "suspended", expected="active")
        else:
            new = "another hash" if meanwhile == "another password" else None
            await tx.user_passwords.set(*key, new)
        await tx.end_account(*key, "user.password.set")
    sign_in = attempt.proved(progress.NOBODY, evidence, user, "password")
    with pytest.raises(LoginFailed) as refused:
        await progress.go_on(evidence, user, sign_in, keepsakes.NONE)
    assert refused.value.reason == "changed_meanwhile"
    assert (await _now(runtime, opened)).session_uid is None
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log"
        " WHERE user_id = %(id)s AND event_type LIKE 'user.login%%'",
        {"id": person.id},
    )
    assert rows == [("user.login.password.failed",)]
    held = await pg.fetchrow(
        "SELECT count(*) FROM sessions WHERE account_id = %(id)s", {"id": person.id}
    )
    assert held == (0,)


@pytest.mark.parametrize("name", ["password", "passkey", "magic_link", "federation"])
def test_a_refusal_after_a_right_factor_is_an_event_that_there_is(name: str) -> None:
    assert AUTHENTICATORS[name].refused in EVENTS


async def test_a_form_sent_twice_leaves_the_session_of_the_first(
    runtime: Runtime, tenant: Tenant
) -> None:
    """The second is still being judged when the first has been taken to its end."""
    secret = new_secret()
    earlier = await _open(runtime, tenant, secret=secret)
    before = await _submit(runtime, earlier, EMAIL, PASSWORD, ORIGIN)
    session = await _session(runtime, before)
    assert session is not None
    opened = await _open(runtime, tenant, secret=secret)
    first = await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    assert await interactions.finish(runtime, opened.interaction, opened.uid)
    with pytest.raises(InteractionExpired):
        await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    left = await _session(runtime, first)
    assert left is not None
    assert left.uid == session.uid


async def test_two_sign_ins_at_one_interaction_end_the_first(
    runtime: Runtime, tenant: Tenant
) -> None:
    opened = await _open(runtime, tenant)
    first = await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    opened = OpenInteraction(opened.uid, await _now(runtime, opened), tenant, opened.client)
    second = await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    assert await _session(runtime, first) is None
    assert await _session(runtime, second) is not None


@pytest.mark.parametrize(
    "email",
    ["", "nobody", "a@b@c", "x" * 5000, f"{EMAIL}, b@c.test", "\u200b", f"{EMAIL}\0", "\ud800"],
)
async def test_what_is_no_address_is_refused_like_an_unknown_one(
    runtime: Runtime, tenant: Tenant, email: str
) -> None:
    opened = await _open(runtime, tenant)
    with pytest.raises(LoginFailed) as caught:
        await _submit(runtime, opened, email, PASSWORD, ORIGIN)
    assert (caught.value.message, caught.value.status) == ("login.error_invalid", 200)


async def test_who_may_not_sign_in_by_password_costs_no_hash(
    runtime: Runtime, tenant: Tenant
) -> None:
    opened = await _open(runtime, tenant)
    client = msgspec.structs.replace(opened.client, login_methods=("magic_link",))
    other = OpenInteraction(opened.uid, opened.interaction, tenant, client)
    with pytest.raises(LoginFailed) as caught:
        await _submit(runtime, other, EMAIL, PASSWORD, ORIGIN)
    assert (caught.value.message, caught.value.status) == ("errors.login_method_disabled", 403)


async def _told(pg: Postgres, origin: Origin) -> list[tuple[str, str, str | None]]:
    """Return type, category and person of the events from an origin, oldest first."""
    rows: list[Any] = await pg.fetch(
        "SELECT event_type, event_category, user_id::text FROM audit_log"
        " WHERE request_id = %(id)s ORDER BY sequence",
        {"id": origin.request_id},
    )
    return rows


async def test_a_throttled_sign_in_is_told_once_a_window(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    opened = await _open(runtime, tenant)
    email, origin = f"{opaque.new_value()}@x.test", Origin("192.0.2.40", "", opaque.new_value())
    tried = await asyncio.gather(
        *(_submit(runtime, opened, email, PASSWORD, origin) for _ in range(25)),
        return_exceptions=True,
    )
    statuses = [each.status for each in tried if isinstance(each, LoginFailed)]
    assert sorted(statuses) == [200] * 10 + [429] * 15
    told = await _told(pg, origin)
    assert [each for each in told if each[0] != "user.login.password.failed"] == [
        ("rate_limit.login", "security", None)
    ]


async def test_who_finds_the_pool_full_has_tried_nothing(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of the pool shuts nobody out, neither by a limit of attempts nor by a lock."""
    opened = await _open(runtime, tenant)
    few = msgspec.structs.replace(tenant.config, rate_limit_login_max=2, rate_limit_address_max=3)
    opened = replace(opened, tenant=replace(tenant, config=few))
    origin = Origin("192.0.2.43")
    hasher, full = runtime.passwords, Passwords(workers=1, queue=-1)
    monkeypatch.setattr(runtime, "passwords", full)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await _submit(runtime, opened, EMAIL, PASSWORD, origin)
    full.close()
    monkeypatch.setattr(runtime, "passwords", hasher)
    for _ in range(2):
        with pytest.raises(LoginFailed) as caught:
            await _submit(runtime, opened, EMAIL, "wrong" * 4, origin)
        assert caught.value.status == 200
    with pytest.raises(LoginFailed) as caught:
        await _submit(runtime, opened, EMAIL, PASSWORD, origin)
    assert caught.value.status == 429, "what was judged is counted"


async def test_security_3_a_sign_in_that_finds_no_room_asks_no_store(
    runtime: Runtime, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood that is refused costs us nothing that it could go on with."""
    opened, full = await _open(runtime, tenant), Passwords(workers=1, queue=-1)
    monkeypatch.setattr(runtime, "passwords", full)
    before = runtime.storage.round_trips
    with pytest.raises(Unavailable):
        await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    assert runtime.storage.round_trips == before
    full.close()


async def test_a_disabled_method_is_told_as_often_as_its_limit_allows(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    opened = await _open(runtime, tenant)
    client = msgspec.structs.replace(opened.client, login_methods=("magic_link",))
    other = OpenInteraction(opened.uid, opened.interaction, tenant, client)
    origin = Origin("192.0.2.41", "", opaque.new_value())
    statuses = []
    for _ in range(15):
        with pytest.raises(LoginFailed) as caught:
            await _submit(runtime, other, EMAIL, PASSWORD, origin)
        statuses.append(caught.value.status)
    assert statuses == [403] * 10 + [429] * 5
    assert await _told(pg, origin) == [
        *[("security.login_method_disabled", "security", None)] * 10,
        ("rate_limit.login", "security", None),
    ]


@pytest.mark.parametrize("approve", [True, False])
async def test_a_decision_is_told_with_the_person_who_made_it(
    runtime: Runtime, tenant: Tenant, pg: Postgres, approve: bool
) -> None:
    opened = await _open(runtime, tenant)
    await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    now = await _now(runtime, opened)
    here = await interactions.save(runtime, tenant, now, prompt="consent")
    origin = Origin("192.0.2.42", "", opaque.new_value())
    opened = OpenInteraction(opened.uid, here, tenant, opened.client)
    await open_interactions.consent(runtime, opened, approve, origin)
    user = await runtime.storage.everywhere.users.find_by_email(tenant.id, EMAIL)
    assert user is not None
    kind = "user.consent.granted" if approve else "user.consent.denied"
    assert await _told(pg, origin) == [(kind, "authentication", user.id)]


async def test_a_page_names_whoever_is_here_now(runtime: Runtime, tenant: Tenant) -> None:
    opened = await _open(runtime, tenant)
    assert await open_interactions.signed_in_as(runtime, opened) is None
    signed_in = await _submit(runtime, opened, EMAIL, PASSWORD, ORIGIN)
    session = await _session(runtime, signed_in)
    assert session is not None
    for changes, expected in (
        ({"previous_session": session.uid}, EMAIL),
        ({"previous_session": session.uid, "session_uid": "ended"}, EMAIL),
        ({"previous_session": "ended"}, None),
        ({"previous_session": None, "session_uid": session.uid}, None),
    ):
        shown = await _open(runtime, tenant, **changes)
        assert await open_interactions.signed_in_as(runtime, shown) == expected


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
        open_interactions.check_csrf(opened, value)
    open_interactions.check_csrf(opened, opened.interaction.csrf)


async def test_consent_is_kept_where_it_was_asked_for(
    runtime: Runtime, tenant: Tenant, pg: Postgres
) -> None:
    shown = Consent(scope=("openid", "email"), resource=("urn:a",), claims=("roles",))
    opened = await _open(runtime, tenant, prompt="consent", shown=shown)
    await open_interactions.consent(runtime, opened, True, ORIGIN)
    assert (await _now(runtime, opened)).consented == shown
    denied = await _open(runtime, tenant, prompt="consent")
    await open_interactions.consent(runtime, denied, False, ORIGIN)
    after = await _now(runtime, denied)
    assert (after.consented, after.error) == (None, "User denied consent")
    with pytest.raises(NotFound):
        await open_interactions.consent(runtime, await _open(runtime, tenant), True, ORIGIN)


async def test_an_interaction_of_what_is_gone_is_gone(runtime: Runtime, tenant: Tenant) -> None:
    for changes in ({"client_id": "nobody"}, {"slug": "globex"}, {"slug": "archived"}):
        with pytest.raises(NotFound):
            await _open(runtime, tenant, **changes)
    with pytest.raises(Forbidden):
        await _open(runtime, tenant, slug="suspended")


@pytest.mark.parametrize("tabs", [1, 3])
async def test_security_10_sign_ins_side_by_side_leave_one_session(
    runtime: Runtime, tenant: Tenant, tabs: int
) -> None:
    """Whether one form is posted again and again, or those of several tabs at once."""
    secret = new_secret()
    opened = [await _open(runtime, tenant, secret=secret) for _ in range(tabs)]
    made = await asyncio.gather(
        *(_submit(runtime, opened[n % tabs], EMAIL, PASSWORD, ORIGIN) for n in range(6))
    )
    alive = [each for each in [await _session(runtime, each) for each in made] if each is not None]
    assert len(alive) == 1
    for each in opened:
        assert (await _now(runtime, each)).session_uid == alive[0].uid
