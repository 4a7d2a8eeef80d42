"""Organizations: found by slug or id, one of them never suspended."""

from __future__ import annotations

import msgspec
import pytest

from storage.errors import AlreadyExists
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from storage.repositories.organizations import Organizations
from tests import factories
from tests.factories import new_id
from tests.world.rows import World


@pytest.fixture
def organizations(pg: Postgres) -> Organizations:
    return Organizations(pg)


def _full() -> Organization:
    id = new_id()
    return factories.organization(
        id=id,
        name="Näme \U0001f3e2 'quoted'",
        slug=f"full-{id[:8]}",
        status="suspended",
        branding_logo_url="https://example.com/logo.png",
        branding_favicon_url="https://example.com/favicon.ico",
        branding_primary_color="#112233",
        branding_company_name="Full",
        branding_custom_css="a { color: red }",
        default_locale="de",
        two_factor_policy="required_any",
        require_pkce=True,
        id_token_claims=True,
        id_token_signed_response_alg="RS256",
        email_as_username=False,
        default_login_methods=("password",),
    )


async def test_an_organization_is_found_as_it_was_inserted(organizations: Organizations) -> None:
    full = _full()
    await organizations.insert(full)
    by_slug = await organizations.find_by_slug(full.slug)
    assert by_slug is not None
    assert by_slug == await organizations.find_by_id(full.id)
    assert by_slug.updated_at > 1_700_000_000
    made = ("updated_at", "created_at", "version")
    names = [name for name in full.__struct_fields__ if name not in made]
    assert [getattr(by_slug, name) for name in names] == [getattr(full, name) for name in names]
    assert by_slug in await organizations.list()


@pytest.mark.parametrize("slug", ["", "absent", "PORTA-ADMIN", "porta-admin ", "porta%", "a' OR 1"])
async def test_only_the_exact_slug_is_found(organizations: Organizations, slug: str) -> None:
    assert await organizations.find_by_slug(slug) is None


async def test_a_slug_is_given_once(organizations: Organizations, world: World) -> None:
    second = factories.organization(id=new_id(), name="Second", slug=world.organization.slug)
    assert await organizations.insert(second) is None
    assert await organizations.find_by_id(second.id) is None


async def test_there_is_one_super_admin_organization(organizations: Organizations) -> None:
    with pytest.raises(AlreadyExists) as caught:
        await organizations.insert(
            factories.organization(
                id=new_id(), name="Second", slug="second-admin", is_super_admin=True
            )
        )
    assert caught.value.constraint == "idx_organizations_super_admin"


async def test_a_status_changes(organizations: Organizations, world: World) -> None:
    after = await organizations.set_status(world.organization.id, "suspended")
    assert after == await organizations.find_by_id(world.organization.id)
    assert after is not None
    assert after.status == "suspended"
    assert not await organizations.set_status(new_id(), "suspended")


@pytest.mark.parametrize("status", ["suspended", "archived"])
async def test_the_super_admin_organization_stays_active(
    organizations: Organizations, status: str
) -> None:
    admin = await organizations.find_by_slug("porta-admin")
    assert admin is not None
    assert not await organizations.set_status(admin.id, status)
    assert await organizations.find_by_slug("porta-admin") == admin


async def test_an_update_writes_the_columns_that_it_names_alone(
    organizations: Organizations,
) -> None:
    full = _full()
    await organizations.insert(full)
    before = await organizations.find_by_id(full.id)
    after = await organizations.update(full.id, {"name": "New", "default_login_methods": ("x",)})
    assert before is not None
    assert after == msgspec.structs.replace(
        before,
        name="New",
        default_login_methods=("x",),
        version=2,
        updated_at=after.updated_at if after else 0,
    )
    assert await organizations.update(new_id(), {"name": "New"}) is None


@pytest.mark.parametrize("name", ["id", "slug", "status", "is_super_admin", "version", "1; --"])
async def test_an_update_writes_no_other_column(organizations: Organizations, name: str) -> None:
    with pytest.raises(ValueError, match="no columns"):
        await organizations.update(new_id(), {name: "x"})


async def test_growth_many_are_found_by_their_slugs_at_once(
    pg: Postgres, organizations: Organizations, world: World
) -> None:
    full = _full()
    await organizations.insert(full)
    asked = [full.slug, "nobody", world.organization.slug]
    before = pg.round_trips
    found = await organizations.find_by_slugs(asked)
    assert pg.round_trips == before + 1
    assert found == {slug: await organizations.find_by_slug(slug) for slug in asked}
    assert [each and each.id for each in found.values()] == [full.id, None, world.organization.id]
    assert await organizations.find_by_slugs([]) == {}
