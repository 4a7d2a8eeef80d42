"""Two administrators at one thing, and a right that works at once on another instance (J.7)."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from porta.audit.actors import SYSTEM
from porta.errors import PreconditionFailed
from porta.services import system_settings
from tests.world.administrators import Installation, bearer
from tests.world.waiting import eventually


async def test_two_who_change_different_fields_keep_both_changes(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = f"/organizations/{(await installation.organization()).id}"
    for patch in ({"name": "First"}, {"defaultLocale": "de"}):
        assert (await api.patch(path, json=patch)).status_code == 200
    found = (await api.get(path)).json()["data"]
    assert (found["name"], found["defaultLocale"]) == ("First", "de")


async def test_all_who_change_different_fields_at_once_keep_their_changes(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Also of fields that are kept in one column."""
    path = f"/organizations/{(await installation.organization()).id}"
    look = {"inkColor": "#101010", "pageColor": "#FAFAFA", "radius": 4, "companyName": "Ltd."}
    fields = {"name": "All", "defaultLocale": "de", "requirePkce": True, "trustedDeviceDays": 7}
    patches = [{name: value} for name, value in fields.items()]
    patches += [{"branding": {name: value}} for name, value in look.items()]
    answers = await asyncio.gather(*(api.patch(path, json=each) for each in patches))
    assert [each.status_code for each in answers] == [200] * len(patches)
    found = (await api.get(path)).json()["data"]
    assert {name: found[name] for name in fields} == fields
    assert {name: found["branding"][name] for name in look} == look


async def test_the_second_who_changes_what_was_read_before_is_told(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = f"/organizations/{(await installation.organization()).id}"
    tag = (await api.get(path)).headers["ETag"]
    first = await api.patch(path, json={"name": "First"}, headers={"If-Match": tag})
    second = await api.patch(path, json={"name": "Second"}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["ETag"] != tag
    assert (await api.get(path)).json()["data"]["name"] == "First"
    known = await api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_the_second_who_changes_a_setting_is_told(api: httpx.AsyncClient) -> None:
    path = "/config/magic_link_ttl"
    tag = (await api.get(path)).headers["ETag"]
    first = await api.put(path, json={"value": 700}, headers={"If-Match": tag})
    second = await api.put(path, json={"value": 800}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert (await api.get(path)).json()["data"]["value"] == 700
    known = await api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 304


async def test_of_two_who_set_what_was_never_set_the_second_is_told(
    installation: Installation,
) -> None:
    """There is no row that the first could hold."""
    key, storage = "refresh_grace", installation.runtime.storage.everywhere
    await installation.execute("DELETE FROM system_config WHERE key = %(key)s", key=key)

    async def put() -> None:
        async with storage.transaction() as other:
            await system_settings.put(other, SYSTEM, key, 30, 0)

    async def waits() -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        return bool(await installation.fetch(f"{waiting} AND wait_event_type = 'Lock'"))

    async with storage.transaction() as tx:
        await system_settings.put(tx, SYSTEM, key, 20, 0)
        second = asyncio.create_task(put())
        await eventually(waits)
    with pytest.raises(PreconditionFailed):
        await second
    assert int((await storage.system_config.all())[key]) == 20


async def test_the_second_who_gives_a_person_a_claim_is_told(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person, application = await installation.person(), await installation.app()
    claim = await installation.post(f"/applications/{application}/claims", {"claimName": "level"})
    path = f"/applications/{application}/claims/{claim['id']}/users/{person.id}"
    nothing = await api.put(path, json={"value": "x"}, headers={"If-Match": '"1"'})
    assert nothing.status_code == 412, "there is none yet"
    tag = (await api.put(path, json={"value": "a"})).headers["ETag"]
    assert (await api.get(path)).headers["ETag"] == tag
    named = f"/organizations/{person.organization_id}/users/{person.id}/claims/{claim['id']}"
    first = await api.put(named, json={"value": "b"}, headers={"If-Match": tag})
    assert (first.status_code, first.headers["ETag"] == tag) == (200, False)
    for url in (path, named):
        for method, body in (("PUT", {"value": "c"}), ("DELETE", None)):
            late = await api.request(method, url, json=body, headers={"If-Match": tag})
            assert late.status_code == 412, (method, url)
    assert (await api.get(path)).json()["data"]["value"] == "b"


async def test_two_who_change_many_in_another_order_wait_and_do_not_fail(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    ids = [(await installation.organization()).id for _ in range(30)]
    answers = await asyncio.gather(
        *(
            api.post("/bulk/organizations/status", json={"ids": each, "action": action})
            for each, action in ((ids, "suspend"), (ids[::-1], "archive"))
        )
    )
    assert [each.status_code for each in answers] == [200, 200]
    for answer, asked in zip(answers, (ids, ids[::-1]), strict=True):
        assert [each["id"] for each in answer.json()["results"]] == asked


async def test_a_merge_patch_removes_what_is_null_and_leaves_the_rest(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    path = f"/organizations/{(await installation.organization()).id}"
    headers = {"Content-Type": "application/merge-patch+json"}
    await api.put(f"{path}/branding", json={"companyName": "Ltd.", "primaryColor": "#0F766E"})
    answer = await api.patch(path, content=b'{"branding":{"companyName":null}}', headers=headers)
    branding = answer.json()["data"]["branding"]
    assert (branding["companyName"], branding["primaryColor"]) == (None, "#0F766E")


async def test_who_administers_one_organization_sees_that_one(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    mine, other = await installation.organization(), await installation.organization()
    person = await installation.person()
    await installation.delegate(mine.id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))
    listed = (await api.get("/organizations", headers=headers)).json()
    assert [each["id"] for each in listed["data"]] == [mine.id]
    assert listed["total"] == 1
    nobody = "00000000-0000-4000-8000-000000000000"
    for method, step, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("PUT", "/branding", {"companyName": "Mine"}),
        ("POST", "/suspend", {}),
        ("POST", "/archive", {}),
        ("GET", "/history", None),
        ("GET", "/two-factor/policy", None),
        ("PUT", "/two-factor/policy", {"twoFactorPolicy": "optional"}),
        ("GET", "/two-factor/summary", None),
    ):
        answers = []
        for target in (other.id, other.slug, nobody):
            path = f"/organizations/{target}{step}"
            answers.append(await api.request(method, path, json=body, headers=headers))
        assert {answer.status_code for answer in answers} == {404}, (method, step)
        assert len({answer.json()["error"] for answer in answers}) == 1
    own = await api.patch(f"/organizations/{mine.id}", json={"name": "Mine"}, headers=headers)
    assert own.status_code == 200
    assert (await api.get(f"/organizations/{other.id}")).json()["data"]["name"] == other.name


async def test_every_change_is_in_the_trail_with_what_was_before_and_after(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    made = await installation.organization()
    await api.patch(f"/organizations/{made.id}", json={"name": "After"})
    (entry,) = (await api.get("/audit", params={"org": made.id})).json()["data"]
    assert entry["eventType"] == "org.updated"
    assert entry["actorId"] == installation.made.user.id
    assert made.name in str(entry["metadata"])
    assert "After" in str(entry["metadata"])


async def test_nobody_grants_what_they_do_not_hold(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Not by a role, not by a permission of a role that they have, not to themselves (J.2)."""
    person = await installation.person_with("admin:role:assign", "admin:role:update")
    headers = bearer(await installation.token(person))
    application = installation.made.application.id
    (role,) = [each for each in await installation.roles() if each.slug == "porta-super-admin"]
    (own,) = await installation.runtime.storage.everywhere.user_roles.of_user(
        person.id, person.organization_id
    )
    known = await installation.runtime.storage.everywhere.roles.permissions(application)
    (permission,) = [each for each in known if each.slug == "admin:key:rotate"]
    mine = f"/organizations/{installation.admin_id}/users/{person.id}/roles"
    for method, path, body in (
        ("PUT", mine, {"roleIds": [role.id]}),
        ("POST", mine, {"roleId": role.id}),
        (
            "PUT",
            f"/applications/{application}/roles/{own.id}/permissions",
            {"permissionIds": [permission.id]},
        ),
    ):
        answer = await api.request(method, path, json=body, headers=headers)
        assert answer.status_code == 403, (path, answer.text)
    assert (await api.post("/keys/rotate", headers=headers)).status_code == 403
