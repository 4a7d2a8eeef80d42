"""Adopted clients keep opaque access tokens, new ones get JWTs (succession A8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from porta.services.provisioning import provision
from porta.services.provisioning.file import load_document
from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import AUTH, serving, token, tokens
from tests.world.served import Served

_FORMATS = "SELECT client_id, access_token_format FROM clients ORDER BY 1"
_MACHINE = "UPDATE clients SET grant_types = '{client_credentials}' WHERE client_id = 'dock-other'"
_FILE = """
version: "1.0"
organizations:
  - name: Dock
    slug: dock
    applications:
      - name: Shop
        slug: shop
        clients:
          - client_id: dock-web
            client_name: Dock
            client_type: confidential
            redirect_uris: ["http://127.0.0.1:9009/callback"]
            {said}
          - client_id: dock-new
            client_name: Dock new
            client_type: confidential
            redirect_uris: ["http://127.0.0.1:9009/callback"]
"""


async def _call(served: Served, access_token: str) -> Any:
    headers = {"Authorization": f"Bearer {access_token}"}
    return await served.http.get(f"{served.issuer('dock')}/me", headers=headers)


async def _introspect(served: Served, value: str, auth: tuple[str, str] = AUTH) -> dict[str, Any]:
    url = f"{served.issuer('dock')}/token/introspection"
    answer = await served.http.post(url, data={"token": value}, auth=auth)
    found: dict[str, Any] = answer.json()
    return found


async def test_succession_A8_an_adopted_client_gets_opaque_tokens_that_work(
    of_1x: str, database: Postgres
) -> None:
    await database.execute(_MACHINE)
    take_over(of_1x)
    async with serving(of_1x) as served:
        issued = await tokens(served)
        refreshed = await token(
            served, grant_type="refresh_token", refresh_token=issued["refresh_token"]
        )
        for value in (issued["access_token"], refreshed.json()["access_token"]):
            assert len(value) == 43
            assert (await _call(served, value)).json()["sub"] == porta_1x.CLEO
            told = await _introspect(served, value)
            assert told["active"] is True
            assert told["sub"] == porta_1x.CLEO
        other = ("dock-other", porta_1x.SECRET)
        own = await token(served, other, grant_type="client_credentials")
        assert len(own.json()["access_token"]) == 43
        assert (await _introspect(served, own.json()["access_token"], other))["active"] is True
        revoked = issued["access_token"]
        await served.http.post(
            f"{served.issuer('dock')}/token/revocation", data={"token": revoked}, auth=AUTH
        )
        assert (await _call(served, revoked)).status_code == 401
        assert (await _call(served, refreshed.json()["access_token"])).status_code == 200


async def test_succession_A8_clients_that_1x_makes_later_are_of_1x_too(
    adopted: str, database: Postgres
) -> None:
    assert {form for _, form in await database.fetch(_FORMATS)} == {"opaque"}
    await database.execute(porta_1x.WRITES["a client"])
    assert ("made-by-1x", "opaque") in await database.fetch(_FORMATS)


async def test_succession_A8_a_database_that_was_adopted_before_gets_them_back(
    of_1x: str, database: Postgres
) -> None:
    """An earlier version gave JWTs to all; clients of ours keep theirs."""
    take_over(of_1x)
    dated = "SELECT client_id, updated_at FROM clients ORDER BY 1"
    await database.execute(porta_1x.WRITES["a client"])
    await database.execute(
        "UPDATE clients SET access_token_format = 'jwt';"
        " ALTER TABLE clients ALTER access_token_format SET DEFAULT 'jwt';"
        " DELETE FROM schema_migrations WHERE name = 'opaque_for_adopted'"
    )
    before = await database.fetch(dated)
    take_over(of_1x)
    found: dict[str, str] = dict(await database.fetch(_FORMATS))
    assert found.pop("made-by-1x") == "jwt", "made after our first migration"
    assert set(found.values()) == {"opaque"}
    assert await database.fetch(dated) == before, "no row that 1.x reads has changed"


@pytest.mark.parametrize("mode", ["merge", "overwrite"])
async def test_succession_A8_a_file_changes_the_form_where_it_says_so(
    adopted: str, database: Postgres, mode: Literal["merge", "overwrite"], tmp_path: Path
) -> None:
    async with serving(adopted) as served:
        for said, expected in (("", "opaque"), ("access_token_format: jwt", "jwt")):
            file = tmp_path / "dock.yaml"
            file.write_text(_FILE.format(said=said), encoding="utf-8")
            report = await provision(
                served.runtime.storage.everywhere, load_document(file),
                passwords=served.runtime.passwords, mode=mode, now=served.runtime.clock(),
            )  # fmt: skip
            assert not report.errors
            found: dict[str, str] = dict(await database.fetch(_FORMATS))
            assert found["dock-web"] == (expected if mode == "overwrite" else "opaque")
            assert found["dock-new"] == "jwt"
