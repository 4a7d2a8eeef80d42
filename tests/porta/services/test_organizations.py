"""Organizations: made, changed, suspended, archived, restored."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest

from porta.audit.events import Actor
from porta.errors import Conflict, Invalid, NotFound
from porta.services import organizations, users
from storage.models.organizations import Organization
from storage.models.users import User
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.audit import event_types


def new(slug: str, **more: object) -> Organization:
    return Organization(id="", name="Acme", slug=slug, **more)  # type: ignore[arg-type]


async def test_an_organization_is_stored(storage: Storage, pg: Postgres) -> None:
    made = await organizations.create(
        storage,
        new("stored", default_locale="de", default_login_methods=("password",), status="archived"),
    )
    found = await storage.organizations.find_by_slug("stored")
    assert found is not None
    assert msgspec.structs.replace(found, updated_at=0.0) == made
    assert (made.status, made.default_locale) == ("active", "de")
    assert await event_types(pg, "organization_id", made.id) == ["org.created"]


@pytest.mark.parametrize("slug", ["", "ab", "Acme", "interaction", "ready", "a/b", "x" * 101])
async def test_a_bad_slug_is_refused(storage: Storage, slug: str) -> None:
    with pytest.raises(Invalid, match="slug"):
        await organizations.create(storage, new(slug))
    assert await storage.organizations.find_by_slug(slug) is None


async def test_a_slug_is_taken_once(storage: Storage) -> None:
    await organizations.create(storage, new("taken"))
    with pytest.raises(Conflict):
        await organizations.create(storage, new("taken"))


async def test_there_is_one_super_admin_organization(storage: Storage) -> None:
    with pytest.raises(Invalid, match="super-admin"):
        await organizations.create(storage, new("second", is_super_admin=True))
    assert await storage.organizations.find_by_slug("second") is None


async def test_css_is_written_anew_before_it_is_stored(storage: Storage) -> None:
    css = "/* ours */ .card { COLOR : teal }"
    made = await organizations.create(storage, new("styled", branding_custom_css=css))
    found = await storage.organizations.find_by_slug("styled")
    assert found is not None
    assert found.branding_custom_css == made.branding_custom_css == ".card{color:teal;}\n"
    wanted = msgspec.structs.replace(found, branding_custom_css="@import 'https://evil.test/x';")
    with pytest.raises(Invalid, match="custom_css: line 1: @import"):
        await organizations.update(storage, wanted)


async def test_an_update_tells_what_changed(storage: Storage, pg: Postgres) -> None:
    made = await organizations.create(storage, new("changed"))
    wanted = msgspec.structs.replace(
        made,
        name="Renamed",
        slug="other-slug",
        status="archived",
        is_super_admin=True,
        two_factor_policy="required_totp",
        branding_company_name="Acme Inc",
    )
    changed = await organizations.update(storage, wanted)
    assert changed == ("name", "two_factor_policy", "branding_company_name")
    assert await organizations.update(storage, wanted) == ()
    found = await storage.organizations.find_by_slug("changed")
    assert found is not None
    assert (found.name, found.status, found.is_super_admin) == ("Renamed", "active", False)
    assert found.branding_company_name == "Acme Inc"
    assert await event_types(pg, "organization_id", made.id) == [
        "org.created",
        "org.updated",
        "org.branding.updated",
        "org.2fa.policyChanged",
    ]


async def test_the_ways_between_statuses(storage: Storage, pg: Postgres) -> None:
    made = await organizations.create(storage, new("ways"))
    for status in ("suspended", "active", "archived", "active", "suspended", "archived"):
        changed = await organizations.set_status(storage, made.id, status, reason="unpaid")
        assert changed.status == status
        found = await storage.organizations.find_by_id(made.id)
        assert found is not None
        assert found.status == status
    assert await event_types(pg, "organization_id", made.id) == [
        "org.created",
        "org.suspended",
        "org.activated",
        "org.archived",
        "org.restored",
        "org.suspended",
        "org.archived",
    ]
    assert await event_types(pg, "reason", "unpaid")


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("active", "active"),
        ("suspended", "suspended"),
        ("archived", "suspended"),
        ("archived", "archived"),
        ("active", "destroyed"),
        ("active", ""),
    ],
)
async def test_the_ways_that_do_not_exist(
    storage: Storage, pg: Postgres, status: str, wanted: str
) -> None:
    made = await organizations.create(storage, new(f"no-way-{uuid4().hex}"))
    if status != "active":
        await organizations.set_status(storage, made.id, status)
    told = await event_types(pg, "organization_id", made.id)
    with pytest.raises(Invalid):
        await organizations.set_status(storage, made.id, wanted)
    found = await storage.organizations.find_by_id(made.id)
    assert found is not None
    assert found.status == status
    assert await event_types(pg, "organization_id", made.id) == told


@pytest.mark.parametrize("status", ["suspended", "archived"])
async def test_the_super_admin_organization_stays_active(storage: Storage, status: str) -> None:
    admin = await storage.organizations.find_by_slug("porta-admin")
    assert admin is not None
    with pytest.raises(Invalid, match="super-admin"):
        await organizations.set_status(storage, admin.id, status)
    found = await storage.organizations.find_by_slug("porta-admin")
    assert found is not None
    assert found.status == "active"


async def test_an_unknown_organization(storage: Storage) -> None:
    with pytest.raises(NotFound):
        await organizations.set_status(storage, str(uuid4()), "suspended")
    unknown = msgspec.structs.replace(new("unknown"), id=str(uuid4()))
    with pytest.raises(NotFound):
        await organizations.update(storage, unknown)


async def test_the_actor_is_told(storage: Storage, pg: Postgres) -> None:
    made = await organizations.create(storage, new("acted"))
    admin = await users.create(storage, User(id="", organization_id=made.id, email="a@acme.test"))
    await organizations.set_status(storage, made.id, "suspended", actor=Actor(admin.id))
    row = await pg.fetchrow(
        "SELECT actor_id FROM audit_log WHERE event_type = 'org.suspended' AND actor_id = %(id)s",
        {"id": admin.id},
    )
    assert row == (admin.id,)
