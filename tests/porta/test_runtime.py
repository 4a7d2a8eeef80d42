"""What a process holds in memory follows what is stored, and no right outlives its row."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from porta.config.known import CONFIG_MAX_AGE, MAX_AGE_WITHOUT_NOTIFY
from porta.runtime import Runtime
from porta.security.keyring import KeyRings
from porta.services import signing_keys
from storage.errors import Unreachable
from storage.postgres.driver import Postgres
from tests import factories
from tests.world.relay import Relay, relay
from tests.world.runtime import opened, until_listening
from tests.world.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wired(database_url: str) -> AsyncIterator[tuple[Runtime, Relay]]:
    async with relay(database_url) as (wire, url), opened(url, None) as made:
        yield made, wire
        wire.restore()


@pytest.fixture
def runtime(wired: tuple[Runtime, Relay]) -> Runtime:
    return wired[0]


async def _acme(runtime: Runtime) -> str:
    acme = await runtime.organization("acme")
    assert acme is not None
    return acme.id


async def test_what_was_read_costs_nothing(runtime: Runtime) -> None:
    async def read() -> None:
        acme = await _acme(runtime)
        await runtime.snapshot()
        await runtime.client("web", acme)
        await runtime.api_resources(acme)
        await runtime.origins(acme)
        await runtime.offer(acme)
        await runtime.organization("nobody")
        await runtime.client("nobody", acme)

    await read()
    before = runtime.storage.round_trips
    await read()
    assert runtime.storage.round_trips == before


async def test_growth_what_is_asked_for_every_minute_is_read_anew_many_at_a_time(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 150 tenants: a statement for each kind and a hundred of them, and two for what they offer.
    No request waits for one.
    """
    now = [time.monotonic()]
    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr("porta.config.known.time", clock)
    async with opened(fresh_database_url, None) as runtime:
        acme = await runtime.organization("acme")
        assert acme is not None
        web = await runtime.client("web", acme.id)
        assert web is not None
        homes = []
        heard: list[tuple[str, str]] = []
        runtime.storage.on_change(lambda *change: heard.append(change))
        for number in range(150):
            home = msgspec.structs.replace(acme, id=str(uuid4()), slug=f"grown-{number}")
            await runtime.storage.everywhere.organizations.insert(home)
            mine = msgspec.structs.replace(
                web, id=str(uuid4()), client_id=home.slug, organization_id=home.id, secrets=()
            )
            await runtime.storage.everywhere.clients.insert(mine)
            homes.append(home)

        async def visit() -> None:
            for home in homes:
                assert await runtime.organization(home.slug) is not None
                assert await runtime.client(home.slug, home.id) is not None
                await runtime.api_resources(home.id)
                await runtime.offer(home.id)
                await runtime.origins(home.id)

        async def known() -> bool:
            return ("clients", homes[-1].slug) in heard

        caches = (
            *(runtime._organizations, runtime._clients, runtime._api_resources),
            *(runtime._offers, runtime._origins),
        )
        await eventually(known)  # notifications come in the order of the commits
        await visit()
        for _ in range(3):
            before = runtime.storage.round_trips.postgres
            now[0] += 50
            await visit()
            assert runtime.storage.round_trips.postgres == before, "nobody waits"

            async def read_anew(before: int = before) -> bool:
                reading = any(cache._flights or cache._due for cache in caches)
                return runtime.storage.round_trips.postgres == before + 12 and not reading

            await eventually(read_anew)


async def test_a_client_of_another_organization_is_unknown(runtime: Runtime) -> None:
    globex = await runtime.organization("globex")
    assert globex is not None
    assert await runtime.client("web", await _acme(runtime)) is not None
    assert await runtime.client("web", globex.id) is None


async def test_a_client_that_was_asked_for_before_it_came_is_heard_of(runtime: Runtime) -> None:
    """At every organization it was asked for: who is told of it is told its client_id only."""
    acme, globex = await _acme(runtime), await runtime.organization("globex")
    assert globex is not None
    for organization_id in (acme, globex.id):
        assert await runtime.client("late", organization_id) is None
    web = await runtime.client("web", acme)
    assert web is not None
    late = msgspec.structs.replace(web, id=str(uuid4()), client_id="late", secrets=())
    await runtime.storage.everywhere.clients.insert(late)

    async def known() -> bool:
        return await runtime.client("late", acme) is not None

    await eventually(known)
    assert await runtime.client("late", globex.id) is None
    await runtime.storage.everywhere.clients.set_status(late.id, acme, "inactive")

    async def stopped() -> bool:
        found = await runtime.client("late", acme)
        return found is not None and found.status == "inactive"

    await eventually(stopped)


async def test_a_setting_is_heard_of(runtime: Runtime) -> None:
    assert (await runtime.snapshot()).config.cors_max_age == 86_400
    await runtime.storage.everywhere.system_config.put("cors_max_age", 5, "number")

    async def arrived() -> bool:
        return (await runtime.snapshot()).config.cors_max_age == 5

    await eventually(arrived)


async def test_a_signing_key_is_heard_of(runtime: Runtime) -> None:
    acme = await _acme(runtime)
    now = runtime.clock()

    def published(keys: KeyRings) -> set[str]:
        return {str(jwk["kid"]) for jwk in keys.of(acme, now).jwks["keys"]}

    before = published((await runtime.snapshot()).keys)
    key = runtime.settings.signing_key_encryption_keys
    await signing_keys.ensure(runtime.storage.everywhere, key, ("PS256",), now=now, lead=0)

    async def arrived() -> bool:
        return published((await runtime.snapshot()).keys) > before

    await eventually(arrived)


async def test_a_resource_is_heard_of(runtime: Runtime) -> None:
    acme = await _acme(runtime)
    assert await runtime.api_resources(acme) == ()
    resource = factories.api(
        id=str(uuid4()), organization_id=acme, identifier="https://api.acme.test", name="API"
    )
    await runtime.storage.everywhere.api_resources.insert(resource)

    async def arrived() -> bool:
        return [api.id for api in await runtime.api_resources(acme)] == [resource.id]

    await eventually(arrived)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("UPDATE clients SET allowed_origins = '{https://new.test}' WHERE client_id = 'spa'",
         "UPDATE clients SET allowed_origins = '{}' WHERE client_id = 'spa'"),
        ("UPDATE clients SET redirect_uris = '{https://new.test/cb}' WHERE client_id = 'spa'",
         "UPDATE clients SET redirect_uris = '{https://spa.example/callback}'"
         " WHERE client_id = 'spa'"),
    ],
)  # fmt: skip
async def test_an_origin_comes_and_goes(
    runtime: Runtime, pg: Postgres, change: str, back: str
) -> None:
    acme = await _acme(runtime)

    async def known() -> bool:
        return "https://new.test" in await runtime.origins(acme)

    async def unknown() -> bool:
        return not await known()

    assert await unknown()
    await pg.execute(change)
    await eventually(known)
    await pg.execute(back)
    await eventually(unknown)


async def test_an_application_takes_its_clients_along(runtime: Runtime, pg: Postgres) -> None:
    acme = await _acme(runtime)

    async def status() -> str:
        client = await runtime.client("web", acme)
        return client.application_status if client else "none"

    assert await status() == "active"
    await pg.execute("UPDATE applications SET status = 'inactive' WHERE slug = 'app'")

    async def inactive() -> bool:
        return await status() == "inactive"

    await eventually(inactive)
    await pg.execute("UPDATE applications SET status = 'active' WHERE slug = 'app'")

    async def active() -> bool:
        return await status() == "active"

    await eventually(active)


async def test_a_claim_definition_is_heard_of(runtime: Runtime, pg: Postgres) -> None:
    acme = await _acme(runtime)

    async def names() -> list[str]:
        client = await runtime.client("web", acme)
        return [each.claim_name for each in client.claim_definitions] if client else []

    assert await names() == []
    await pg.execute(
        "INSERT INTO custom_claim_definitions (application_id, claim_name, claim_type)"
        " SELECT id, 'department', 'string' FROM applications WHERE slug = 'app'"
    )

    async def arrived() -> bool:
        return await names() == ["department"]

    await eventually(arrived)


async def test_who_does_not_hear_trusts_for_a_second(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runtime._max_age() == CONFIG_MAX_AGE
    monkeypatch.setattr(type(runtime.storage.everywhere), "listening", False)
    assert runtime._max_age() == MAX_AGE_WITHOUT_NOTIFY <= 1.0


async def test_while_nothing_is_heard_and_nothing_can_be_read(
    wired: tuple[Runtime, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public documents go on (K.3); what a client may do is not answered from memory, and who may
    introspect for an API resource neither (B.10).
    """
    runtime, wire = wired
    acme = await _acme(runtime)
    await runtime.snapshot()
    await runtime.client("web", acme)
    await runtime.api_resources(acme)
    offered = await runtime.offer(acme)
    wire.silence()
    try:
        runtime._changed("clients", "other")
        runtime._changed("api_resources", acme)
        runtime._changed("*", "")
        assert await runtime.organization("acme") is not None
        assert (await runtime.snapshot()).keys is not None
        for cache in (runtime._organizations, runtime._snapshots, runtime._offers):
            monkeypatch.setattr(cache, "_clock", lambda: time.monotonic() + 86_400)
        assert await runtime.organization("acme") is not None, "a day later"
        assert (await runtime.snapshot()).keys is not None
        assert await runtime.offer(acme) == offered
        monkeypatch.undo()
        for right in (runtime.client("web", acme), runtime.api_resources(acme)):
            with pytest.raises(Unreachable):
                await right
    finally:
        wire.restore()
        await until_listening(runtime)

    async def back() -> bool:
        try:
            return await runtime.client("web", acme) is not None
        except Unreachable:
            return False

    await eventually(back)


@pytest.mark.parametrize(
    ("change", "back", "name"),
    [
        ("UPDATE clients SET roles_claim = 'groups' WHERE client_id = 'spa'",
         "UPDATE clients SET roles_claim = NULL WHERE client_id = 'spa'", "groups"),
        ("INSERT INTO custom_claim_definitions (application_id, claim_name, claim_type)"
         " SELECT application_id, 'heard', 'string' FROM clients WHERE client_id = 'spa'",
         "DELETE FROM custom_claim_definitions WHERE claim_name = 'heard'", "heard"),
    ],
)  # fmt: skip
async def test_applications_F9_a_claim_is_heard_of(
    runtime: Runtime, pg: Postgres, change: str, back: str, name: str
) -> None:
    acme = await _acme(runtime)
    for statement, told in ((change, True), (back, False)):
        await pg.execute(statement)

        async def heard(told: bool = told) -> bool:
            return (name in (await runtime.offer(acme)).claims) is told

        await eventually(heard)
