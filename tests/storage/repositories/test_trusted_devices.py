"""Trusted devices: a few of each person, good while their organization as it is now says so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest_asyncio

from storage.models.trusted_devices import NewTrustedDevice
from storage.models.users import User
from storage.repositories.trusted_devices import MOST
from storage.router import Storage
from tests import factories


async def _person(storage: Storage, **changes: Any) -> User:
    home = factories.organization(
        id=factories.new_id(),
        slug=f"d-{factories.new_id()}",
        **{"trusted_device_days": 30} | changes,
    )
    await storage.everywhere.organizations.insert(home)
    user = factories.user(
        id=factories.new_id(), organization_id=home.id, email=f"{factories.new_id()}@a.test"
    )
    await storage.everywhere.users.insert(user)
    return user


@pytest_asyncio.fixture(loop_scope="session")
async def person(storage: Storage) -> User:
    return await _person(storage)


def _new(digest: str, before: str | None = None) -> NewTrustedDevice:
    return NewTrustedDevice(
        digest=digest, user_agent="Firefox", ip_address="192.0.2.1", in_place_of=before
    )


async def test_one_is_found_by_its_owner_and_goes_once(storage: Storage, person: User) -> None:
    key, digest = (person.id, person.organization_id), factories.new_id()
    devices, other = storage.trusted_devices, await _person(storage)
    id = await devices.add(*key, _new(digest))
    assert id is not None
    found = await devices.find(*key, digest)
    assert found is not None
    assert (found.id, found.user_agent, found.last_used_at) == (id, "Firefox", None)
    assert 29 * 86_400 < found.expires_at - found.created_at <= 31 * 86_400
    theirs = (other.id, other.organization_id)
    assert await devices.find(*theirs, digest) is None
    assert not await devices.use(id, *theirs)
    assert not await devices.remove(id, *theirs)
    assert await devices.add(person.id, other.organization_id, _new(factories.new_id())) is None
    assert await devices.use(id, *key)
    (used,) = await devices.list(*key)
    assert used.last_used_at is not None
    gone = await asyncio.gather(*(devices.remove(id, *key) for _ in range(8)))
    assert gone.count(True) == 1
    assert not await devices.use(id, *key)


async def test_none_is_kept_where_none_may_be(storage: Storage) -> None:
    for changes in ({"trusted_device_days": 0}, {"two_factor_policy": "required_passkey"}):
        person = await _person(storage, **changes)
        key = (person.id, person.organization_id)
        assert await storage.trusted_devices.add(*key, _new(factories.new_id())) is None


async def test_the_oldest_makes_room_and_a_browser_has_one(storage: Storage, person: User) -> None:
    key, devices = (person.id, person.organization_id), storage.trusted_devices
    kept = [await devices.add(*key, _new(factories.new_id())) for _ in range(MOST + 2)]
    assert [each.id for each in await devices.list(*key)] == kept[2:]
    digest = factories.new_id()
    await devices.add(*key, _new(digest))
    again = await devices.add(*key, _new(factories.new_id(), digest))
    left = [each.id for each in await devices.list(*key)]
    assert (len(left), left[-1]) == (MOST, again)
    assert await devices.remove_all(*key) == MOST


async def test_what_has_expired_is_purged_and_so_are_passkeys_that_went_long_ago(
    storage: Storage, person: User
) -> None:
    everywhere, key = storage.everywhere, (person.id, person.organization_id)
    fresh = await storage.trusted_devices.add(*key, _new(factories.new_id()))
    stale = await storage.trusted_devices.add(*key, _new(factories.new_id()))
    await storage.passkeys.handle(*key, factories.new_id())
    pg = everywhere.passkeys._pg
    given = {"id": stale, "user": person.id, "org": person.organization_id}
    await pg.execute("UPDATE trusted_devices SET expires_at = now() WHERE id = %(id)s", given)
    for name, days in (("long", 401), ("lately", 399), ("there", None)):
        await pg.execute(
            "INSERT INTO passkeys (organization_id, user_id, credential_id, public_key, name,"
            " backup_eligible, backed_up, removed_at) VALUES (%(org)s, %(user)s, %(name)s, '', 'P',"
            " TRUE, TRUE, now() - make_interval(days => %(days)s))",
            {**given, "name": name, "days": days},
        )
    while await everywhere.expired.purge():
        pass
    assert [each.id for each in await storage.trusted_devices.list(*key)] == [fresh]
    rows = await pg.fetch(
        "SELECT credential_id FROM passkeys WHERE user_id = %(user)s ORDER BY 1", given
    )
    assert [row[0] for row in rows] == ["lately", "there"]
    left = await pg.fetch("SELECT 1 FROM trusted_devices WHERE user_id = %(user)s", given)
    assert len(left) == 1
