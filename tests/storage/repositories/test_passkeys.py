"""Passkeys: each once within an organization, twenty of a person, and counters that only go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest_asyncio

from storage.models.passkeys import NewPasskey
from storage.models.users import User
from storage.repositories.passkeys import MOST
from storage.router import Storage
from tests import factories


def _new(credential_id: str, **changes: Any) -> NewPasskey:
    values: dict[str, Any] = {
        "credential_id": credential_id, "public_key": b"\x00key", "sign_count": 0,
        "backup_eligible": True, "backed_up": False,
    }  # fmt: skip
    return NewPasskey(**values | changes)


async def _person(storage: Storage) -> User:
    home = factories.organization(id=factories.new_id(), slug=f"p-{factories.new_id()}")
    await storage.everywhere.organizations.insert(home)
    user = factories.user(
        id=factories.new_id(), organization_id=home.id, email=f"{factories.new_id()}@a.test"
    )
    await storage.everywhere.users.insert(user)
    return user


@pytest_asyncio.fixture(loop_scope="session")
async def person(storage: Storage) -> User:
    return await _person(storage)


async def test_a_person_has_one_name_for_authenticators(storage: Storage, person: User) -> None:
    key = (person.id, person.organization_id)
    assert await storage.passkeys.handle(*key) is None
    named = await asyncio.gather(
        *(storage.passkeys.handle(*key, factories.new_id()) for _ in range(10))
    )
    assert len(set(named)) == 1
    assert await storage.passkeys.handle(*key) == named[0]
    other = await _person(storage)
    assert await storage.passkeys.handle(person.id, other.organization_id, "x") is None


async def test_what_is_kept_is_found_within_its_organization(
    storage: Storage, person: User
) -> None:
    key, other = (person.id, person.organization_id), await _person(storage)
    assert await storage.passkeys.add(*key, "Phone", _new("c1")) is None, "nobody has no handle"
    for each in (person, other):
        await storage.passkeys.handle(each.id, each.organization_id, factories.new_id())
    new = _new("c1", transports=("usb", "nfc"), attestation=b"\xff")
    id = await storage.passkeys.add(*key, "Phone", new)
    assert await storage.passkeys.add(*key, "Phone", _new("c1")) is None
    assert await storage.passkeys.add(other.id, other.organization_id, "Key", _new("c1"))
    found = await storage.passkeys.find(person.organization_id, "c1")
    assert found is not None
    assert (found.id, found.user_id, found.public_key) == (id, person.id, b"\x00key")
    assert (found.transports, found.last_used_at, found.version) == (("usb", "nfc"), None, 1)
    assert await storage.passkeys.list(*key) == (found,)
    assert await storage.passkeys.list(person.id, other.organization_id) == ()
    for change in (
        storage.passkeys.use(found.id, other.organization_id, 1, backed_up=True),
        storage.passkeys.rename(found.id, other.organization_id, "Mine"),
        storage.passkeys.remove(found.id, other.organization_id),
    ):
        assert not await change
    assert await storage.passkeys.find(person.organization_id, "c1") == found


async def test_a_counter_goes_on_or_stays_at_nothing(storage: Storage, person: User) -> None:
    key, org = (person.id, person.organization_id), person.organization_id
    await storage.passkeys.handle(*key, factories.new_id())
    id = await storage.passkeys.add(*key, "Phone", _new("counted"))
    assert id is not None

    async def use(count: int) -> bool:
        return await storage.passkeys.use(id, org, count, backed_up=True)

    assert [await use(count) for count in (0, 0, 3, 3, 2, 0, 4)] == [
        True, True, True, False, False, False, True,
    ]  # fmt: skip
    assert sorted(await asyncio.gather(*(use(9) for _ in range(10)))).count(True) == 1
    (found,) = await storage.passkeys.list(*key)
    assert (found.sign_count, found.backed_up, found.version) == (9, True, 1), "a use is no change"


async def test_what_is_removed_opens_nothing_and_is_remembered(
    storage: Storage, person: User
) -> None:
    key, org = (person.id, person.organization_id), person.organization_id
    await storage.passkeys.handle(*key, factories.new_id())
    id = await storage.passkeys.add(*key, "Phone", _new("gone"))
    assert id is not None
    assert await storage.passkeys.rename(id, org, "Old phone")
    assert await storage.passkeys.remove(id, org)
    assert not await storage.passkeys.remove(id, org)
    assert not await storage.passkeys.use(id, org, 5, backed_up=True)
    found = await storage.passkeys.find(org, "gone")
    assert found is not None
    assert (found.public_key, found.removed_at is not None, found.version) == (b"", True, 3)


async def test_a_person_has_so_many_and_no_more(storage: Storage, person: User) -> None:
    key = (person.id, person.organization_id)
    await storage.passkeys.handle(*key, factories.new_id())
    kept = [await storage.passkeys.add(*key, "P", _new(f"many-{n}")) for n in range(MOST + 1)]
    assert [each is not None for each in kept] == [True] * MOST + [False]
