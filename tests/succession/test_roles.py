"""The roles that a client is told: those of its application, or all as by 1.x (succession A15)."""

from __future__ import annotations

from typing import Any

from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import AUTH, serving, token, tokens
from tests.world.answers import claims_of
from tests.world.served import Served
from tests.world.waiting import eventually

ELSEWHERE = f"""
    WITH app AS (
        INSERT INTO applications (name, slug) VALUES ('Books', 'books') RETURNING id
    ), role AS (
        INSERT INTO roles (application_id, name, slug) SELECT id, 'Auditor', 'auditor' FROM app
        RETURNING id
    ), permission AS (
        INSERT INTO permissions (application_id, name, slug)
        SELECT id, 'Close', 'books:year:close' FROM app RETURNING id
    ), linked AS (
        INSERT INTO role_permissions SELECT role.id, permission.id FROM role, permission
    )
    INSERT INTO user_roles (user_id, role_id) SELECT '{porta_1x.CLEO}', id FROM role
"""
_SWITCH = "UPDATE clients SET tells_all_roles = {} WHERE client_id = 'dock-web'"


async def _told(served: Served, access_token: str) -> tuple[set[str], set[str]]:
    headers = {"Authorization": f"Bearer {access_token}"}
    claims: dict[str, Any] = (
        await served.http.get(f"{served.issuer('dock')}/me", headers=headers)
    ).json()
    url = f"{served.issuer('dock')}/token/introspection"
    answer = await served.http.post(url, data={"token": access_token}, auth=AUTH)
    assert answer.json()["roles"] == claims["roles"]
    return set(claims["roles"]), set(claims["permissions"])


async def _is_known(served: Served) -> bool:
    client = await served.runtime.client("dock-web", porta_1x.DOCK)
    return client is not None and client.tells_all_roles


async def test_succession_A15_a_clients_switch_gives_it_all_roles_as_before(
    of_1x: str, database: Postgres
) -> None:
    await database.execute(ELSEWHERE)
    take_over(of_1x)
    async with serving(of_1x) as served:
        own, of_own = await _told(served, (await tokens(served))["access_token"])
        assert "auditor" not in own
        assert "books:year:close" not in of_own
        await database.execute(_SWITCH.format("TRUE"))
        await eventually(lambda: _is_known(served))
        issued = await tokens(served)
        assert await _told(served, issued["access_token"]) == (
            own | {"auditor"}, of_own | {"books:year:close"},
        )  # fmt: skip
        assert set(claims_of(issued["id_token"])["roles"]) == own | {"auditor"}
        renewed = await token(
            served, grant_type="refresh_token", refresh_token=issued["refresh_token"]
        )
        assert (await _told(served, renewed.json()["access_token"]))[0] == own | {"auditor"}
        await database.execute(_SWITCH.format("FALSE"))
        assert await _told(served, renewed.json()["access_token"]) == (own, of_own)
