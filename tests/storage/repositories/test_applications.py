"""Applications and their modules."""

from __future__ import annotations

import msgspec
import pytest

from storage.errors import AlreadyExists
from storage.models.applications import Application, ApplicationModule
from storage.postgres.driver import Postgres
from storage.repositories.applications import Applications
from tests.storage.repositories.world import World, new_id


async def test_an_application_is_found_by_its_slug(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    assert await applications.find_by_slug(world.application.slug) == world.application
    assert await applications.find_by_slug(world.application.slug.upper()) is None
    with pytest.raises(AlreadyExists):
        await applications.insert(
            Application(id=new_id(), name="Second", slug=world.application.slug)
        )


async def test_an_update_does_not_change_a_status(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    await applications.update(
        msgspec.structs.replace(world.application, name="New", status="archived")
    )
    found = await applications.find_by_slug(world.application.slug)
    assert found == msgspec.structs.replace(world.application, name="New")
    assert not await applications.set_status(world.application.id, "active", ("archived",))
    assert await applications.set_status(world.application.id, "archived", ("active", "inactive"))


async def test_modules(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    module = ApplicationModule(
        id=new_id(), application_id=world.application.id, name="Orders", slug="orders"
    )
    await applications.insert_module(module)
    with pytest.raises(AlreadyExists):
        await applications.insert_module(msgspec.structs.replace(module, id=new_id()))
    changed = msgspec.structs.replace(module, name="All orders", status="inactive")
    await applications.update_module(changed)
    assert await applications.modules(world.application.id) == (changed,)
