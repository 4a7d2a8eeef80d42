"""The client against a server: what is made, listed, changed, refused; sent again or not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from porta.admin_client import (
    AdminClient,
    BearerToken,
    Conflict,
    Forbidden,
    Invalid,
    MachineTokens,
    NotFound,
    PreconditionFailed,
    SignInFailed,
    Unauthenticated,
)
from porta.admin_client.resources.clients import ClientBody
from porta.admin_client.resources.organizations import (
    BrandingPatch,
    NewOrganization,
    OrganizationPatch,
)
from porta.admin_client.resources.shared import Reasoned
from porta.admin_client.resources.users import NewUser
from porta.admin_client.transport import Rehearsed
from tests.world.administrators import Installation


async def test_an_organization_from_beginning_to_end(admin: AdminClient) -> None:
    made = await admin.organizations.create(NewOrganization(name="Acme Inc.", slug="acme-inc"))
    assert (made.slug, made.status, made.etag) == ("acme-inc", "active", '"1"')
    assert abs((datetime.now(UTC) - made.created_at).total_seconds()) < 60
    branding = BrandingPatch(company_name="Acme", primary_color="#0F766E")
    changed = await admin.organizations.update(
        made.id, OrganizationPatch(name="Acme", branding=branding), if_match=made.etag
    )
    assert (changed.name, changed.branding.company_name) == ("Acme", "Acme")
    less = OrganizationPatch(branding=BrandingPatch(company_name=None))
    assert (await admin.organizations.update("acme-inc", less)).branding.company_name is None
    await admin.organizations.suspend("acme-inc", Reasoned(reason="unpaid"))
    assert (await admin.organizations.get("acme-inc")).status == "suspended"
    types = {each.event_type async for each in admin.organizations.history("acme-inc")}
    assert {"org.created", "org.updated", "org.suspended"} <= types
    would = await admin.organizations.delete(made.id, dry_run=True)
    assert not would.deleted
    assert (await admin.organizations.delete(made.id)).deleted
    with pytest.raises(NotFound) as gone:
        await admin.organizations.get(made.id)
    assert gone.value.request_id


async def test_the_second_of_two_who_read_the_same_is_told(
    admin: AdminClient, installation: Installation
) -> None:
    read = await admin.organizations.get((await installation.organization()).id)
    first = await admin.organizations.update(
        read.id, OrganizationPatch(name="First"), if_match=read.etag
    )
    with pytest.raises(PreconditionFailed):
        await admin.organizations.update(
            read.id, OrganizationPatch(name="Second"), if_match=read.etag
        )
    again = await admin.organizations.update(
        read.id, OrganizationPatch(name="Second"), if_match=first.etag
    )
    assert again.name == "Second"


async def test_every_problem_is_told_with_its_path(admin: AdminClient) -> None:
    with pytest.raises(Invalid) as refused:
        await admin.organizations.create(
            NewOrganization(name="", slug="Not A Slug", branding=BrandingPatch(radius=-1))
        )
    assert {each.path for each in refused.value.problems} == {"name", "slug", "branding.radius"}
    assert refused.value.code == "validation_failed"
    assert refused.value.request_id
    assert "branding.radius: " in str(refused.value)


async def test_a_list_is_walked_through_page_by_page(
    admin: AdminClient, installation: Installation
) -> None:
    home = (await installation.organization()).id
    emails = {f"p{number}@walk.example" for number in range(7)}
    for email in emails:
        await admin.users.create(home, NewUser(email=email))
    rows = [each.email async for each in admin.users.list(home, page_size=3, sort_by="email")]
    assert len(rows) == 7
    assert set(rows) == emails
    listed = admin.users.list(home, page_size=3)
    page = await listed.page()
    assert (len(page.rows), page.next_cursor is None) == (3, False)
    assert len((await listed.page(page.next_cursor)).rows) == 3
    assert len(await listed.first(5)) == 5
    assert len(await listed.all()) == 7


async def test_a_post_that_is_sent_again_takes_effect_once(
    admin: AdminClient, installation: Installation
) -> None:
    body = NewOrganization(name="Once")
    made = [await admin.organizations.create(body, idempotency_key="the-same") for _ in range(2)]
    assert made[0].id == made[1].id
    with pytest.raises(Conflict):  # without a key of one's own each call is another
        await admin.organizations.create(body)


async def test_a_secret_is_shown_with_the_client_that_was_made(
    admin: AdminClient, installation: Installation
) -> None:
    home = await installation.organization()
    made = await admin.clients.create(
        ClientBody(
            organization_id=home.id,
            application_id=await installation.app(),
            client_name="Shop",
            client_type="confidential",
            redirect_uris=("https://shop.example/callback",),
        )
    )
    assert made.secret is not None
    assert made.secret.plaintext
    (secret,) = await admin.client_secrets.list(made.id)
    assert secret.id == made.secret.id


async def test_a_list_is_exported_as_a_file(admin: AdminClient, installation: Installation) -> None:
    home = await installation.organization()
    assert f'"slug":"{home.slug}"'.encode() in await admin.export.organizations()
    rows = (await admin.export.organizations(format="csv")).decode().splitlines()
    assert home.slug in rows[-1]


async def test_who_may_not_is_told_what_is_missing(installation: Installation) -> None:
    server = installation.runtime.settings.issuer_base_url
    person = await installation.person_with("admin:org:read")
    async with AdminClient(server, BearerToken(await installation.token(person))) as client:
        assert (await client.me.get()).permissions == ("admin:org:read",)
        with pytest.raises(Forbidden, match="admin:org:create"):
            await client.organizations.create(NewOrganization(name="Mine"))
    async with AdminClient(server, BearerToken("x" * 43)) as client:
        with pytest.raises(Unauthenticated):
            await client.me.get()
    async with AdminClient(server) as client:
        assert (await client.metadata.get()).issuer == installation.issuer


async def test_a_program_administers_for_itself(installation: Installation) -> None:
    server = installation.runtime.settings.issuer_base_url
    made = await installation.program("Robot", "porta-auditor")
    endpoint = f"{installation.issuer}/token"
    tokens = MachineTokens(endpoint, made["clientId"], made["secret"]["plaintext"])
    async with AdminClient(server, tokens) as client:
        assert (await client.me.get()).user_id is None
        await installation.execute("DELETE FROM artifacts")  # revoked: another is asked for
        assert "admin:org:read" in (await client.me.get()).permissions
    wrong = MachineTokens(endpoint, made["clientId"], "wrong")
    async with AdminClient(server, wrong) as client:
        with pytest.raises(SignInFailed) as refused:
            await client.me.get()
    assert refused.value.code == "invalid_client"


async def test_who_rehearses_reads_and_changes_nothing(
    admin: AdminClient, installation: Installation
) -> None:
    server = installation.runtime.settings.issuer_base_url
    home = await installation.organization()
    token = BearerToken(await installation.token())
    async with AdminClient(server, token, rehearses=True) as client:
        assert (await client.organizations.get(home.id)).name == home.name
        with pytest.raises(Rehearsed) as told:
            await client.organizations.update(home.id, OrganizationPatch(name="Other"))
    assert (told.value.request.method, told.value.request.url) == (
        "PATCH",
        f"/organizations/{home.id}",
    )
    assert told.value.request.content == b'{"name":"Other"}'
    assert (await admin.organizations.get(home.id)).name == home.name


@pytest.mark.parametrize("id", ["", ".", ".."])
async def test_an_id_that_would_mean_another_resource_is_not_sent(
    admin: AdminClient, id: str
) -> None:
    """`DELETE …/roles/` with nothing behind it is another route than that of one role."""
    with pytest.raises(ValueError, match="is empty"):
        await admin.organizations.delete(id)


@pytest.mark.parametrize("id", ["a/b", "a?dryRun=true", "a#b", "a%2Fb", "ä", "a b", "../me"])
async def test_whatever_is_in_an_id_stays_in_it(admin: AdminClient, id: str) -> None:
    with pytest.raises((NotFound, Invalid)):
        await admin.organizations.get(id)
