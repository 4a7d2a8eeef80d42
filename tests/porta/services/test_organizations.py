"""Organizations: made, changed under a version, suspended, archived, restored, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from porta.audit.actors import SYSTEM, Actor
from porta.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from porta.services import organizations
from porta.services.commands import Reasoned
from porta.services.organization_fields import NewOrganization, OrganizationPatch
from porta.services.organizations import OrganizationFilters
from porta.services.permissions import PERMISSIONS
from storage.models.organizations import Organization
from storage.models.pages import Page
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.services.audit import event_types, last_metadata

SUPER = Actor(permissions=frozenset(PERMISSIONS))
ORG_ADMIN = Actor(permissions=frozenset(p for p in PERMISSIONS if p.startswith("admin:org:")))
CHANGES: dict[str, Callable[..., Any]] = {
    "suspend": organizations.suspend,
    "activate": organizations.activate,
    "archive": organizations.archive,
    "restore": organizations.restore,
}


async def make(storage: Storage, name: str = "Acme", **more: Any) -> Organization:
    slug = more.pop("slug", f"acme-{uuid4().hex}")
    command = NewOrganization.parse({"name": name, "slug": slug, **more})
    return await organizations.create(storage, SYSTEM, command)


async def test_an_organization_is_stored(storage: Storage, pg: Postgres) -> None:
    made = await make(storage, slug="stored", defaultLocale="de", defaultLoginMethods=["password"])
    assert await storage.organizations.find_by_slug("stored") == made
    assert (made.status, made.default_locale, made.version) == ("active", "de", 1)
    assert made.created_at > 1_700_000_000
    assert await event_types(pg, "organization_id", made.id) == ["org.created"]
    told = await last_metadata(pg, "organization_id", made.id)
    assert told["after"]["name"] == "Acme"
    assert "before" not in told


async def test_a_slug_is_made_of_the_name(storage: Storage) -> None:
    command = NewOrganization.parse({"name": "Grüße & Söhne"})
    assert (await organizations.create(storage, SYSTEM, command)).slug == "grue-sohne"
    with pytest.raises(Invalid, match="slug: is missing, and cannot be made of the name"):
        NewOrganization.parse({"name": "株式会社"})


@pytest.mark.parametrize(
    "slug",
    ["", "ab", "Acme", "interaction", "ready", "a/b", "x" * 101, "a\0b", "ä" * 5, str(UUID(int=7))],
)
def test_a_bad_slug_is_refused(slug: str) -> None:
    with pytest.raises(Invalid, match="slug"):
        NewOrganization.parse({"name": "Acme", "slug": slug})


async def test_a_slug_is_taken_once(storage: Storage) -> None:
    await make(storage, slug="taken")
    async with storage.transaction() as tx:
        with pytest.raises(Conflict) as refused:
            await make(tx, slug="taken")
        assert [problem.path for problem in refused.value.problems] == [("slug",)]
        await make(tx, slug="beside-it")  # the transaction goes on
    assert await storage.organizations.find_by_slug("beside-it")


@pytest.mark.parametrize("more", [{"isSuperAdmin": True}, {"status": "archived"}, {"id": "x"}])
def test_what_is_not_for_sending_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="is not a key of this format"):
        NewOrganization.parse({"name": "Acme", **more})


async def test_a_patch_changes_what_it_says_and_tells_before_and_after(
    storage: Storage, pg: Postgres
) -> None:
    made = await make(storage, branding={"primaryColor": "#0F766E", "companyName": "Acme Inc"})
    patch = OrganizationPatch.parse(
        {
            "name": "Renamed",
            "twoFactorPolicy": "required_totp",
            "branding": {"companyName": None, "primaryColor": "#000000"},
        }
    )
    after = await organizations.update(storage, SYSTEM, made.id, patch, made.version)
    assert (after.name, after.two_factor_policy) == ("Renamed", "required_totp")
    assert (after.branding_company_name, after.branding_primary_color) == (None, "#000000")
    assert after.version == made.version + 1
    assert await storage.organizations.find_by_id(made.id) == after
    assert await event_types(pg, "organization_id", made.id) == [
        "org.created",
        "org.updated",
        "org.branding.updated",
        "org.2fa.policyChanged",
    ]
    told = await last_metadata(pg, "organization_id", made.id, "org.branding.updated")
    assert told["before"] == {
        "branding_primary_color": "#0F766E",
        "branding_company_name": "Acme Inc",
    }
    assert told["after"] == {"branding_primary_color": "#000000", "branding_company_name": None}


async def test_a_patch_that_changes_nothing_leaves_no_trace(storage: Storage, pg: Postgres) -> None:
    made = await make(storage)
    for patch in ({}, {"name": "Acme"}, {"branding": None}):
        assert (
            await organizations.update(storage, SYSTEM, made.id, OrganizationPatch.parse(patch))
            == made
        )
    assert await event_types(pg, "organization_id", made.id) == ["org.created"]


@pytest.mark.parametrize(
    "field", ["name", "defaultLocale", "defaultLoginMethods", "twoFactorPolicy", "requirePkce"]
)
def test_null_does_not_remove_what_cannot_be_empty(field: str) -> None:
    with pytest.raises(Invalid, match=f"{field}: "):
        OrganizationPatch.parse({field: None})


async def test_two_changes_of_different_fields_both_stand(storage: Storage) -> None:
    made = await make(storage)
    first = OrganizationPatch(name="First")
    second = OrganizationPatch(default_locale="de")
    await organizations.update(storage, SYSTEM, made.id, first)
    await organizations.update(storage, SYSTEM, made.id, second)
    found = await storage.organizations.find_by_id(made.id)
    assert found is not None
    assert (found.name, found.default_locale) == ("First", "de")


async def test_a_change_of_what_was_read_before_another_changed_it_is_told(
    storage: Storage,
) -> None:
    made = await make(storage)
    await organizations.update(
        storage, SYSTEM, made.id, OrganizationPatch(name="First"), made.version
    )
    late: tuple[Any, ...] = (
        lambda: organizations.update(
            storage, SYSTEM, made.id, OrganizationPatch(name="Second"), made.version
        ),
        lambda: organizations.suspend(storage, SYSTEM, made.id, version=made.version),
        lambda: organizations.delete(storage, SYSTEM, made.id, version=made.version),
    )
    for change in late:
        with pytest.raises(PreconditionFailed):
            await change()
    found = await storage.organizations.find_by_id(made.id)
    assert found is not None
    assert (found.name, found.status) == ("First", "active")


async def test_at_once_two_change_one_thing_and_nothing_is_lost(storage: Storage) -> None:
    """Members of a brand stand in one column: each change has to see the one before it."""
    made = await make(storage)
    fields = ("inkColor", "pageColor", "cardColor")

    async def paint(field: str, color: str) -> None:
        patch = OrganizationPatch.parse({"branding": {field: color}})
        async with storage.transaction() as tx:
            await organizations.update(tx, SYSTEM, made.id, patch)
            await asyncio.sleep(0.01)

    async def rename(version: int, name: str) -> bool:
        try:
            async with storage.transaction() as tx:
                patch = OrganizationPatch(name=name)
                await organizations.update(tx, SYSTEM, made.id, patch, version)
                await asyncio.sleep(0.01)
        except PreconditionFailed:
            return False
        return True

    for turn in range(3):
        color = f"#00000{turn}"
        await asyncio.gather(*(paint(field, color) for field in fields))
        found = await storage.organizations.find_by_id(made.id)
        assert found is not None
        brand = found.brand
        assert (brand.ink_color, brand.page_color, brand.card_color) == (color,) * 3
        won = await asyncio.gather(*(rename(found.version, f"N{turn}{n}") for n in range(3)))
        assert sorted(won) == [False, False, True]


async def test_two_changes_of_one_transaction_have_two_versions(storage: Storage) -> None:
    made = await make(storage)
    async with storage.transaction() as tx:
        one = await organizations.update(tx, SYSTEM, made.id, OrganizationPatch(name="One"))
        two = await organizations.update(tx, SYSTEM, made.id, OrganizationPatch(name="Two"))
    assert [made.version, one.version, two.version] == [1, 2, 3]


async def test_the_ways_between_statuses(storage: Storage, pg: Postgres) -> None:
    made = await make(storage)
    way = ("suspend", "activate", "archive", "restore", "suspend", "archive")
    statuses = []
    for change in way:
        after = await CHANGES[change](storage, SYSTEM, made.id, Reasoned(reason="unpaid"))
        assert await storage.organizations.find_by_id(made.id) == after
        statuses.append(after.status)
    assert statuses == ["suspended", "active", "archived", "active", "suspended", "archived"]
    assert await event_types(pg, "organization_id", made.id) == [
        "org.created",
        "org.suspended",
        "org.activated",
        "org.archived",
        "org.restored",
        "org.suspended",
        "org.archived",
    ]
    told = await last_metadata(pg, "organization_id", made.id)
    assert told == {
        "reason": "unpaid",
        "changed": ["status"],
        "before": {"status": "suspended"},
        "after": {"status": "archived"},
    }


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("active", "activate"),
        ("active", "restore"),
        ("suspended", "suspend"),
        ("suspended", "restore"),
        ("archived", "suspend"),
        ("archived", "archive"),
        ("archived", "activate"),
    ],
)
async def test_the_ways_that_do_not_exist(
    storage: Storage, pg: Postgres, status: str, change: str
) -> None:
    made = await make(storage)
    if status != "active":
        await storage.organizations.set_status(made.id, status)
    with pytest.raises(Invalid):
        await CHANGES[change](storage, SYSTEM, made.id)
    found = await storage.organizations.find_by_id(made.id)
    assert found is not None
    assert found.status == status
    assert await event_types(pg, "organization_id", made.id) == ["org.created"]


@pytest.mark.parametrize(
    "change", [organizations.suspend, organizations.archive, organizations.delete]
)
async def test_the_super_admin_organization_stays(
    storage: Storage, change: Callable[..., Any]
) -> None:
    for target in ("porta-admin", (await _admin(storage)).id):
        with pytest.raises(Invalid, match="super-admin"):
            await change(storage, SUPER, target)
    assert (await _admin(storage)).status == "active"


async def test_the_super_admin_organization_is_changed_by_super_administrators_alone(
    storage: Storage,
) -> None:
    patch = OrganizationPatch(two_factor_policy="required_any")
    admin = await _admin(storage)
    bound = Actor(permissions=frozenset(PERMISSIONS), organization_id=admin.id)
    for actor in (ORG_ADMIN, bound):
        with pytest.raises(Forbidden, match="super-admin"):
            await organizations.update(storage, actor, "porta-admin", patch)
    after = await organizations.update(storage, SUPER, "porta-admin", patch)
    assert after.two_factor_policy == "required_any"


async def _admin(storage: Storage) -> Organization:
    found = await storage.organizations.find_super_admin()
    assert found is not None
    return found


@pytest.mark.parametrize(
    "target",
    [str(UUID(int=7)), "unknown", "", "a\0b", "\ud800", "x" * 5000, "' OR 1", "a\u202e", "%"],
)
async def test_an_unknown_organization(storage: Storage, target: str) -> None:
    for operation in (
        organizations.get,
        organizations.suspend,
        organizations.activate,
        organizations.archive,
        organizations.restore,
        organizations.delete,
        organizations.count_dependents,
    ):
        with pytest.raises(NotFound, match=r"^Organization not found$"):
            await operation(storage, SYSTEM, target)
    with pytest.raises(NotFound, match=r"^Organization not found$"):
        await organizations.update(storage, SYSTEM, target, OrganizationPatch(name="X"))


async def test_who_administers_one_organization_meets_no_other(storage: Storage) -> None:
    own, other = await make(storage), await make(storage)
    actor = Actor(permissions=frozenset(PERMISSIONS), organization_id=own.id)
    assert await organizations.get(storage, actor, own.slug) == own
    for target in (other.id, other.slug):
        with pytest.raises(NotFound, match=r"^Organization not found$"):
            await organizations.get(storage, actor, target)
        with pytest.raises(NotFound, match=r"^Organization not found$"):
            await organizations.update(storage, actor, target, OrganizationPatch(name="X"))
        with pytest.raises(NotFound, match=r"^Organization not found$"):
            await organizations.suspend(storage, actor, target)
    listed = await organizations.list(storage, actor, Page(), OrganizationFilters())
    assert listed.rows == (own,)
    with pytest.raises(Forbidden, match="whole installation"):
        await organizations.create(storage, actor, NewOrganization.parse({"name": "Third"}))
    assert await storage.organizations.find_by_id(other.id) == other


async def test_the_actor_is_told(storage: Storage, pg: Postgres) -> None:
    made = await make(storage)
    nobody = str(uuid4())
    await organizations.suspend(storage, Actor(nobody, permissions=SUPER.permissions), made.id)
    row = await pg.fetchrow(
        """
        SELECT actor_id, metadata ->> 'actor_client_id' FROM audit_log
        WHERE event_type = 'org.suspended' AND organization_id = %(id)s
        """,
        {"id": made.id},
    )
    assert row == (nobody, None)  # the trail names also somebody whose row is gone


async def test_an_organization_goes_with_what_belongs_to_it(storage: Storage, pg: Postgres) -> None:
    made = await make(storage, slug="to-go")
    await pg.execute(
        "INSERT INTO users (organization_id, email) VALUES (%(id)s, 'a@acme.test')", {"id": made.id}
    )
    counts = await organizations.count_dependents(storage, SYSTEM, made.id)
    assert counts == {"clients": 0, "users": 1, "api_resources": 0, "branding_assets": 0}
    assert await organizations.delete(storage, SYSTEM, "to-go") == made
    assert await storage.organizations.find_by_id(made.id) is None
    told = await last_metadata(pg, "slug", "to-go")
    assert told["counts"] == counts
    assert "after" not in told


async def test_registration_is_closed_until_it_is_opened(storage: Storage) -> None:
    made = await make(storage)
    assert (made.registration, made.registration_domains) == ("closed", ())
    patch = OrganizationPatch.parse(
        {"registration": "domain", "registrationDomains": ["Acme.example", "acme.example"]}
    )
    after = await organizations.update(storage, SYSTEM, made.id, patch)
    assert (after.registration, after.registration_domains) == ("domain", ("acme.example",))


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"registration": "anybody"}, "registration"),
        ({"registration": None}, "registration"),
        ({"registration": "domain"}, "registration_domains"),
        ({"registrationDomains": ["a@acme.example"]}, "registrationDomains"),
        ({"registrationDomains": ["*.acme.example"]}, "registrationDomains"),
        ({"registrationDomains": ["example"]}, "registrationDomains"),
        ({"passwordMinLength": 7}, "passwordMinLength"),
        ({"passwordMinLength": 65}, "passwordMinLength"),
        ({"passwordMinLength": "20"}, "passwordMinLength"),
        ({"refuseBreachedPasswords": None}, "refuseBreachedPasswords"),
    ],
)
async def test_a_setting_that_cannot_be_is_refused(
    storage: Storage, patch: dict[str, Any], place: str
) -> None:
    made = await make(storage)
    with pytest.raises(Invalid, match=place):
        await organizations.update(storage, SYSTEM, made.id, OrganizationPatch.parse(patch))


async def test_what_is_asked_of_new_passwords_is_set_and_taken_back(storage: Storage) -> None:
    made = await make(storage)
    assert (made.password_min_length, made.refuse_breached_passwords) == (None, False)
    for length, refuses in ((20, True), (None, False)):
        said = {"passwordMinLength": length, "refuseBreachedPasswords": refuses}
        await organizations.update(storage, SYSTEM, made.id, OrganizationPatch.parse(said))
        after = await storage.organizations.find_by_id(made.id)
        assert after is not None
        assert (after.password_min_length, after.refuse_breached_passwords) == (length, refuses)


async def test_the_super_admin_organization_takes_nobody_in(storage: Storage) -> None:
    found = await storage.organizations.find_super_admin()
    assert found is not None
    patch = OrganizationPatch(registration="open")
    with pytest.raises(Invalid, match="takes nobody in"):
        await organizations.update(storage, SYSTEM, found.id, patch)
