"""Applications and their modules."""

from __future__ import annotations

import msgspec
import pytest

from storage.models.applications import ApplicationModule
from storage.postgres.driver import Postgres
from storage.repositories.applications import Applications
from tests import factories
from tests.factories import new_id
from tests.world.rows import World


async def test_an_application_is_found_by_its_slug(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    assert await applications.find_by_slug(world.application.slug) == world.application
    assert await applications.find_by_slug(world.application.slug.upper()) is None
    second = factories.application(id=new_id(), name="Second", slug=world.application.slug)
    assert await applications.insert(second) is None
    for key in (world.application.id, world.application.slug):
        assert await applications.find_by_key(key) == world.application
    assert await applications.find_by_key(new_id()) is None


async def test_an_update_writes_the_columns_that_it_names(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    after = await applications.update(world.application.id, {"name": "New"})
    assert after == await applications.find_by_slug(world.application.slug)
    assert after is not None
    assert after == msgspec.structs.replace(
        world.application, name="New", version=2, updated_at=after.updated_at
    )
    assert await applications.update(new_id(), {"name": "New"}) is None
    for unwritten in ("slug", "id", "version"):
        with pytest.raises(ValueError, match="no columns"):
            await applications.update(world.application.id, {unwritten: "x"})


async def test_modules(pg: Postgres, world: World) -> None:
    applications = Applications(pg)
    module = ApplicationModule(
        id=new_id(), application_id=world.application.id, name="Orders", slug="orders"
    )
    made = await applications.insert_module(module)
    assert await applications.insert_module(msgspec.structs.replace(module, id=new_id())) is None
    assert await applications.modules(world.application.id) == (made,)
    assert await applications.find_module(new_id(), module.id) is None
    changed = await applications.update_module(module.id, {"status": "inactive"})
    assert changed is not None
    assert (changed.name, changed.status, changed.version) == ("Orders", "inactive", 2)
    assert await applications.find_module(world.application.id, module.id) == changed
