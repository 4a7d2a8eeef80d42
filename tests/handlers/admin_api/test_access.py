"""Who may ask the Admin API, and who may not (RFC 6750, RFC 9068 §4; security J.1, J.7)."""

from __future__ import annotations

import httpx
import pytest

from porta.services.permissions import PERMISSIONS
from tests.world.administrators import Installation, bearer


async def _me(api: httpx.AsyncClient, token: str) -> httpx.Response:
    return await api.get("/me", headers=bearer(token))


async def test_a_super_admin_has_every_permission(api: httpx.AsyncClient) -> None:
    answer = await api.get("/me")
    assert answer.status_code == 200, answer.text
    me = answer.json()["data"]
    assert set(me["permissions"]) == set(PERMISSIONS)
    assert me["organizationId"] is None
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearer", "Bearer x y", "Bearer " + "x" * 43])
async def test_what_is_no_token_is_refused_with_a_challenge(
    api: httpx.AsyncClient, value: str
) -> None:
    answer = await api.get("/me", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert ("error=" in answer.headers["WWW-Authenticate"]) == value.startswith("Bearer")


async def test_a_token_in_the_url_is_refused(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    token = await installation.token()
    answer = await api.get("/me", params={"access_token": token}, headers={"Authorization": ""})
    assert answer.status_code == 400


async def test_two_authorization_headers_are_refused(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    header = ("Authorization", f"Bearer {await installation.token()}")
    async with httpx.AsyncClient(base_url=api.base_url) as client:
        answer = await client.get("/me", headers=[header, header])
    assert answer.status_code == 400


async def test_rights_are_those_of_role_permissions_at_each_request(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Porta 1.x took them from a table of its own, by the name of the role."""
    storage = installation.runtime.storage.everywhere
    person = await installation.person_with("admin:config:read", "admin:key:read")
    token = await installation.token(person)
    assert (await api.get("/keys", headers=bearer(token))).status_code == 200
    (role,) = await storage.user_roles.of_user(person.id, person.organization_id)
    await installation.execute(
        """
        DELETE FROM role_permissions rp USING permissions p
        WHERE p.id = rp.permission_id AND rp.role_id = %(role)s AND p.slug = 'admin:key:read'
        """,
        role=role.id,
    )
    answer = await api.get("/keys", headers=bearer(token))
    assert answer.status_code == 403
    assert "admin:key:read" in answer.json()["error"]
    assert (await api.get("/config", headers=bearer(token))).status_code == 200


async def test_roles_of_other_applications_give_no_right(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person = await installation.person()
    await installation.foreign_role(person, "porta-super-admin", "admin:config:read")
    answer = await _me(api, await installation.token(person))
    assert answer.json()["data"]["permissions"] == []


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_a_person_who_is_not_active_is_refused(
    api: httpx.AsyncClient, installation: Installation, status: str
) -> None:
    person = await installation.person("porta-super-admin")
    token = await installation.token(person)
    assert (await _me(api, token)).status_code == 200
    await installation.execute(
        "UPDATE users SET status = %(status)s WHERE id = %(id)s", status=status, id=person.id
    )
    assert (await _me(api, token)).status_code == 401


async def test_a_token_of_another_organization_is_unknown(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    other = await installation.organization()
    person = await installation.person("porta-super-admin", organization_id=other.id)
    client = await installation.client(organization_id=other.id)
    issuer = f"{installation.runtime.settings.issuer_base_url}/{other.slug}"
    for audience in (installation.issuer, issuer, installation.audience):
        token = await installation.token(person, client, audience=(audience,), scope="admin")
        assert (await _me(api, token)).status_code == 401


@pytest.mark.parametrize(
    ("application", "audiences", "scope", "status"),
    [
        ("porta-admin", ("issuer",), "openid", 200),
        ("porta-admin", ("own",), "", 200),
        ("porta-admin", ("own", "issuer"), "openid", 200),
        ("porta-admin", ("https://api.example",), "openid", 401),
        ("porta-admin", ("issuer", "https://api.example"), "openid", 401),
        ("porta-admin", ("own", "https://api.example"), "admin", 401),
        ("other", ("own",), "admin", 200),
        ("other", ("own", "issuer"), "openid admin", 200),
        ("other", ("own",), "openid", 403),
        ("other", ("own",), "admins administer", 403),
        ("other", ("issuer",), "openid admin", 401),
        ("other", ("own", "https://api.example"), "admin", 401),
    ],
)
async def test_a_token_has_to_be_for_the_admin_api(
    api: httpx.AsyncClient,
    installation: Installation,
    application: str,
    audiences: tuple[str, ...],
    scope: str,
    status: int,
) -> None:
    spelled = {"issuer": installation.issuer, "own": installation.audience}
    fields = {} if application == "porta-admin" else {"application_id": await installation.app()}
    client = await installation.client(**fields)
    audience = tuple(spelled.get(each, each) for each in audiences)
    token = await installation.token(client=client, audience=audience, scope=scope)
    answer = await _me(api, token)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE token_families SET revoked_at = now() WHERE account_id = %(user)s",
        "UPDATE token_families SET expires_at = now() WHERE account_id = %(user)s",
        "UPDATE artifacts SET expires_at = now() WHERE account_id = %(user)s",
        "UPDATE artifacts SET consumed_at = now() WHERE account_id = %(user)s",
        "DELETE FROM artifacts WHERE account_id = %(user)s",
        "UPDATE clients SET status = 'inactive' WHERE id = %(client)s",
        "UPDATE clients SET era = era + 1 WHERE id = %(client)s",
        "UPDATE applications SET status = 'inactive' WHERE id = %(application)s",
    ],
)
async def test_a_dead_token_is_refused_at_once(
    api: httpx.AsyncClient, installation: Installation, sql: str
) -> None:
    person, application = await installation.person("porta-auditor"), await installation.app()
    client = await installation.client(application_id=application)
    token = await installation.token(
        person, client, audience=(installation.audience,), scope="admin"
    )
    assert (await _me(api, token)).status_code == 200
    await installation.execute(sql, user=person.id, client=client.id, application=application)
    assert (await _me(api, token)).status_code == 401


async def test_refresh_tokens_and_codes_are_no_access_tokens(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    token = await installation.token()
    for kind in ("RefreshToken", "Grant", "AuthorizationCode"):
        await installation.execute(
            "UPDATE artifacts SET kind = %(kind)s WHERE id = %(id)s",
            kind=kind, id=installation.id_of(token),
        )  # fmt: skip
        assert (await _me(api, token)).status_code == 401


async def test_a_client_administers_by_a_delegation_only(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    client = await installation.client()
    token = await installation.machine_token(client)
    answer = await _me(api, token)
    assert answer.json()["data"]["permissions"] == []
    assert answer.json()["data"]["userId"] is None
    await installation.delegate(None, "porta-auditor", client=client)
    answer = await _me(api, token)
    assert "admin:audit:read" in answer.json()["data"]["permissions"]
    assert answer.json()["data"]["organizationId"] is None
    assert (await api.get("/audit", headers=bearer(token))).status_code == 200
    assert (await api.post("/keys/rotate", headers=bearer(token))).status_code == 403


async def test_the_delegation_of_a_client_is_nothing_to_its_people(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    client, person = await installation.client(), await installation.person()
    await installation.delegate(None, "porta-super-admin", client=client)
    answer = await _me(api, await installation.token(person, client))
    assert answer.json()["data"]["permissions"] == []


async def test_a_delegation_restricts_and_never_adds(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person, other = (
        await installation.person("porta-super-admin"),
        await installation.organization(),
    )
    token = await installation.token(person)
    await installation.delegate(other.id, "porta-auditor", user=person)
    me = (await _me(api, token)).json()["data"]
    assert me["organizationId"] == other.id
    assert all(each.endswith(":read") for each in me["permissions"])
    assert (await api.get("/config", headers=bearer(token))).status_code == 403
    # The organization goes, and with it every right: nobody is left with more than before.
    await installation.execute("DELETE FROM organizations WHERE id = %(id)s", id=other.id)
    me = (await _me(api, token)).json()["data"]
    assert me["permissions"] == []


async def test_explain_shows_nothing_of_another_organization(
    installation: Installation, api: httpx.AsyncClient
) -> None:
    """Every id of the other answers like one that there is not."""
    mine, theirs = await installation.organization(), await installation.organization()
    administrator = await installation.person()
    await installation.delegate(mine.id, "porta-super-admin", user=administrator)
    headers = bearer(await installation.token(administrator))
    application_id, found = await installation.app(), {}
    for organization in (mine, theirs):
        client = await installation.client(
            organization_id=organization.id, application_id=application_id,
            redirect_uris=("https://app.example/callback",),
        )  # fmt: skip
        person = await installation.person(organization_id=organization.id)
        found[organization.id] = (person.id, client.client_id)

    async def ask(organization_id: str, user_id: str, client_id: str) -> httpx.Response:
        url = f"/organizations/{organization_id}/users/{user_id}/explain"
        return await api.get(url, params={"clientId": client_id}, headers=headers)

    (user, client_id), (their_user, their_client) = found[mine.id], found[theirs.id]
    assert (await ask(mine.id, user, client_id)).status_code == 200
    nobody = "00000000-0000-4000-8000-000000000000"
    for asked, unknown in (
        ((theirs.id, their_user, their_client), (nobody, their_user, their_client)),
        ((mine.id, their_user, client_id), (mine.id, nobody, client_id)),
        ((mine.id, user, their_client), (mine.id, user, "unheard-of")),
    ):
        refused, absent = await ask(*asked), await ask(*unknown)
        assert refused.status_code == absent.status_code == 404
        bodies = [
            {k: v for k, v in a.json().items() if k != "requestId"} for a in (refused, absent)
        ]
        assert bodies[0] == bodies[1]


async def test_two_delegated_administrators_do_not_meet(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """What is the other's is as what is not there."""
    mine, other = await installation.organization(), await installation.organization()
    person = await installation.person()
    await installation.delegate(mine.id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))
    nobody = "00000000-0000-4000-8000-000000000000"
    for path in ("/stats/organization/{}", "/users/{}/sessions"):
        method = "GET" if path.startswith("/stats") else "DELETE"
        theirs = await api.request(method, path.format(other.id), headers=headers)
        absent = await api.request(method, path.format(nobody), headers=headers)
        assert theirs.status_code == absent.status_code == 404
        assert theirs.json() | {"requestId": ""} == absent.json() | {"requestId": ""}
    for path, name in (("/audit", "org"), ("/sessions", "organizationId")):
        for organization in (other.id, nobody):
            answer = await api.get(path, params={name: organization}, headers=headers)
            assert answer.json()["data"] == []


async def test_access_takes_one_round_trip(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    await api.get("/me")
    before = installation.runtime.storage.round_trips
    assert (await api.get("/me")).status_code == 200
    after = installation.runtime.storage.round_trips
    assert (after.postgres - before.postgres, after.redis - before.redis) == (1, 1)
