"""Refresh families over the Admin API: whose are listed, what is told, and what ends with one."""

from __future__ import annotations

import httpx

from storage.models.tokens import Rotation
from tests import factories
from tests.handlers.admin_api.examples_of_refresh_families import family
from tests.world.administrators import Installation, bearer


async def _ids(api: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await api.get("/refresh-families", params=query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


async def test_families_are_those_of_a_person_or_of_a_client(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home = (await installation.organization()).id
    one, other = await family(installation, home), await family(installation, home)
    assert await _ids(api, userId=one.account_id) == [one.id]
    assert await _ids(api, clientId=other.client_id) == [other.id]
    assert await _ids(api, userId=one.account_id, clientId=other.client_id) == []
    assert await _ids(api, userId=one.account_id, organizationId=installation.admin_id) == []


async def test_a_family_tells_of_its_newest_refresh_token(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    made = await family(installation)
    tokens = installation.runtime.storage.tokens
    old = factories.refresh_token(made)
    await installation.execute(
        "UPDATE artifacts SET created_at = created_at - interval '1 hour', id = %(new)s"
        " WHERE family_id = %(id)s AND kind = 'RefreshToken'",
        id=made.id, new=old.id,
    )  # fmt: skip
    next_ = factories.refresh_token(made, scope="openid offline_access")
    access = factories.access_token(made)
    rotated = await tokens.rotate(old, next_, 3600, access, 600, 10)
    assert rotated.rotation is Rotation.ROTATED
    found = (await api.get(f"/refresh-families/{made.id}")).json()["data"]
    assert found["scopes"] == ["openid", "offline_access"]
    (row,) = await installation.fetch(
        "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') FROM artifacts"
        " WHERE id = %(id)s",
        id=next_.id,
    )
    assert found["lastUsedAt"].startswith(str(row[0]))


async def test_what_ended_is_told_only_to_who_asks_for_it(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    made = await family(installation)
    url = f"/refresh-families/{made.id}"
    assert (await api.delete(url)).status_code == 204
    assert await _ids(api, userId=made.account_id) == []
    assert await _ids(api, userId=made.account_id, activeOnly="false") == [made.id]
    ended = (await api.get(url)).json()["data"]
    assert ended["revokedReason"] == "revoked_by_administrator"
    assert (await api.delete(url)).status_code == 204
    assert (await api.get(url)).json()["data"] == ended  # once is enough
    path = f"/organizations/{made.organization_id}/users/{made.account_id}/history"
    history = (await api.get(path)).json()["data"]
    told = [each for each in history if each["eventType"] == "token.family_revoked"]
    assert [each["metadata"]["client_id"] for each in told] == [made.client_id]


async def test_tokens_of_an_ended_family_are_dead(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person = await installation.person("porta-auditor")
    token = await installation.token(person)
    id = installation.id_of(token)
    (row,) = await installation.fetch("SELECT family_id FROM artifacts WHERE id = %(id)s", id=id)
    assert (await api.get(f"/refresh-families/{row[0]}")).status_code == 404  # no refresh token
    client = installation.made.client
    made = factories.family(client, person.id)
    refresh, value = factories.refresh_token(made), factories.new_value()
    access = factories.access_token(made, value, audience=(installation.issuer,))
    storage = installation.runtime.storage.everywhere
    await storage.tokens.redeem(made, 3600, access, 600, refresh, 3600)
    assert (await api.get("/me", headers=bearer(value))).status_code == 200
    assert (await api.delete(f"/refresh-families/{made.id}")).status_code == 204
    assert (await api.get("/me", headers=bearer(value))).status_code == 401
    assert (await api.get("/me", headers=bearer(token))).status_code == 200
    successor = factories.refresh_token(made)
    again = await storage.tokens.rotate(refresh, successor, 3600, access, 600, 10)
    assert again.rotation is Rotation.GONE


async def test_who_administers_one_organization_sees_its_families_alone(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    own, foreign = await family(installation), await family(installation)
    person = await installation.person()
    await installation.delegate(own.organization_id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))

    async def found(made: str, **more: str) -> object:
        query = {"userId": made, **more}
        return (await api.get("/refresh-families", params=query, headers=headers)).json()["data"]

    assert await found(own.account_id)
    assert await found(foreign.account_id) == []
    assert await found(foreign.account_id, organizationId=foreign.organization_id) == []
    for method in ("GET", "DELETE"):
        answer = await api.request(method, f"/refresh-families/{foreign.id}", headers=headers)
        assert answer.status_code == 404
    assert await _ids(api, userId=foreign.account_id) == [foreign.id]
