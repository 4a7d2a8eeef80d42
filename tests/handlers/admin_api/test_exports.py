"""Exports over HTTP: whole, once each, of nobody else, and never half without a sign of it."""

from __future__ import annotations

import csv
import io
import re

import httpx
import pytest

from tests.world.administrators import Installation, bearer

_PEOPLE = """
INSERT INTO users (organization_id, email, given_name, created_at, last_login_at)
SELECT %(home)s, 'p' || n || '@acme.test', %(name)s, now() + n * interval '1 ms',
    CASE WHEN n = %(broken)s THEN 'infinity'::timestamptz END
FROM generate_series(1, %(many)s) n
"""


async def _home(installation: Installation, many: int = 250, broken: int = 0) -> str:
    home = await installation.organization()
    name = '=HYPERLINK("https://evil.test")'
    await installation.execute(_PEOPLE, home=home.id, name=name, broken=broken, many=many)
    return home.id


async def test_a_list_of_any_length_is_told_whole_and_once(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home = await _home(installation)
    expected = {f"p{n}@acme.test" for n in range(1, 251)}
    asked = {"organizationId": home}
    answer = await api.get("/export/users", params=asked)
    assert answer.headers["Content-Type"] == "application/json"
    name = r'attachment; filename="users-export-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.json"'
    assert re.fullmatch(name, answer.headers["Content-Disposition"])
    body = answer.json()
    assert [body["total"], len(body["data"])] == [250, 250]
    assert {row["email"] for row in body["data"]} == expected
    assert "password" not in answer.text
    file = await api.get("/export/users", params={**asked, "format": "csv"})
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(file.text, newline="")))
    assert {row["email"] for row in rows} == expected
    assert len(rows) == 250


async def test_security_J6_no_cell_of_a_file_is_a_formula(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home = await _home(installation, 3)
    answer = await api.get("/export/users", params={"organizationId": home, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["given_name"] for row in rows} == {'\'=HYPERLINK("https://evil.test")'}
    told = await api.get("/export/users", params={"organizationId": home})
    assert told.json()["data"][0]["given_name"].startswith("=")


async def test_a_file_that_breaks_off_is_no_whole_one(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """What fails after the first page must not end like a shorter list."""
    home = await _home(installation, broken=150)
    for form in ("json", "csv"):
        with pytest.raises(httpx.RemoteProtocolError):
            await api.get("/export/users", params={"organizationId": home, "format": form})
    assert (await api.get("/me")).status_code == 200


async def test_who_administers_one_organization_exports_that_one(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    mine, other = await _home(installation, 3), await _home(installation, 3)
    person = await installation.person()
    await installation.delegate(mine, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))
    for kind in ("users", "organizations", "clients", "audit"):
        answer = await api.get(f"/export/{kind}", headers=headers)
        homes = {row.get("organization_id", row["id"]) for row in answer.json()["data"]}
        assert homes <= {mine}, kind
    answers = [
        await api.get("/export/users", params={"organizationId": id}, headers=headers)
        for id in (other, "00000000-0000-4000-8000-000000000000")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["error"] for answer in answers}) == 1


async def test_that_a_list_was_exported_stands_in_the_trail(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    home = await _home(installation, 1)
    await api.get("/export/users", params={"organizationId": home})
    (entry,) = (await api.get("/audit", params={"org": home})).json()["data"]
    assert (entry["eventType"], entry["metadata"]["list"]) == ("admin.export", "users")
    assert entry["actorId"] == installation.made.user.id


async def test_the_header_alone_is_answered_without_a_file(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    answer = await api.head("/export/organizations", params={"format": "csv"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Disposition"].endswith('.csv"')
