"""Conventions of the Admin API: keys, cursors, origins, request ids, conditions, limits."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from handlers.admin_api.preconditions import is_known, parse_version
from porta.audit import events
from porta.errors import Invalid, PreconditionFailed
from tests.handlers.admin_api.conftest import ORIGIN
from tests.world.administrators import Installation, bearer


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


async def _ring(installation: Installation) -> dict[str, Any]:
    return {"organizationId": (await installation.organization()).id, "algorithm": "ES256"}


async def test_the_same_request_with_the_same_key_takes_effect_once(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    headers, body = _key(), await _ring(installation)
    first = await api.post("/keys/generate", json=body, headers=headers)
    second = await api.post("/keys/generate", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201), first.text
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    without = await api.post("/keys/generate", json=body)
    assert without.status_code == 409  # the next key would wait behind the first


async def test_an_answer_without_a_body_is_kept_too(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    kid = await installation.keys((await installation.organization()).id)
    headers = _key()
    first = await api.post(f"/keys/{kid}/revoke", headers=headers)
    second = await api.post(f"/keys/{kid}/revoke", headers=headers)
    assert (first.status_code, second.status_code) == (204, 204)
    assert (await api.post(f"/keys/{kid}/revoke")).status_code == 409


@pytest.mark.parametrize("change", ["body", "query", "path"])
async def test_a_key_with_another_request_is_refused(
    api: httpx.AsyncClient, installation: Installation, change: str
) -> None:
    headers, body = _key(), await _ring(installation)
    assert (await api.post("/keys/generate", json=body, headers=headers)).status_code == 201
    path = "/keys/rotate" if change == "path" else "/keys/generate"
    path += "?" if change == "query" else ""
    other = body | {"algorithm": "EdDSA"} if change == "body" else body
    answer = await api.post(path + ("x=" if change == "query" else ""), json=other, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "idempotency_key_reused"


async def test_a_request_that_was_refused_may_be_sent_again(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    headers, body = _key(), await _ring(installation)
    refused = await api.post("/keys/rotate", json=body, headers=headers)
    assert refused.status_code == 404
    await installation.keys(body["organizationId"])
    assert (await api.post("/keys/rotate", json=body, headers=headers)).status_code == 201


async def test_two_at_once_take_effect_once(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    headers, body = _key(), await _ring(installation)
    answers = await asyncio.gather(
        *(api.post("/keys/generate", json=body, headers=headers) for _ in range(6))
    )
    statuses = {answer.status_code for answer in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    kids = {answer.json()["data"]["kid"] for answer in answers if answer.status_code == 201}
    assert len(kids) == 1


async def test_a_key_is_of_one_administrator(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    headers = _key()
    mine = await api.post("/keys/generate", json=await _ring(installation), headers=headers)
    other = bearer(await installation.token(await installation.person("porta-super-admin")))
    theirs = await api.post(
        "/keys/generate", json=await _ring(installation), headers=headers | other
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)


async def test_kept_answers_are_encrypted(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    headers = _key()
    answer = await api.post("/keys/generate", json=await _ring(installation), headers=headers)
    kid = answer.json()["data"]["kid"]
    kept = await installation.fetch(
        "SELECT answer FROM idempotent_answers WHERE key = %(key)s", key=headers["Idempotency-Key"]
    )
    assert kept
    assert kid not in str(kept)


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü"])
async def test_a_key_that_is_none_is_refused(api: httpx.AsyncClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await api.post("/audit/cleanup", json={"retentionDays": 1}, headers=headers)
    assert answer.status_code == 400


async def test_a_patient_reader_meets_every_entry_once(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Also while others write; entries of one transaction have one and the same moment."""
    organization = await installation.organization()
    async with installation.runtime.storage.everywhere.transaction() as tx:
        for number in range(23):
            await events.record(
                tx, "org.updated", organization_id=organization.id, metadata={"n": number}
            )
    queries: tuple[dict[str, str], ...] = (
        {"org": organization.id},
        {"event": "org.updated"},
        {},
    )
    for query in queries:
        seen: list[str] = []
        cursor = None
        while True:
            more: dict[str, str] = {"cursor": cursor} if cursor else {}
            answer = await api.get("/audit", params={**query, "limit": 5, **more})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            seen += [each["id"] for each in page["data"]]
            await events.record(
                installation.runtime.storage.everywhere,
                "org.updated",
                organization_id=organization.id,
            )
            cursor = page["nextCursor"]
            assert page["hasMore"] == (cursor is not None)
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) >= 23


async def test_pages_go_back(api: httpx.AsyncClient) -> None:
    first = (await api.get("/audit", params={"limit": 3})).json()
    second = (await api.get("/audit", params={"limit": 3, "cursor": first["nextCursor"]})).json()
    before = {"limit": 3, "cursor": second["previousCursor"]}
    back = (await api.get("/audit", params=before)).json()
    assert [each["id"] for each in back["data"]] == [each["id"] for each in first["data"]]


async def test_a_cursor_is_of_one_list_and_one_reader(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    cursor = (await api.get("/audit", params={"limit": 1})).json()["nextCursor"]
    assert (await api.get("/audit", params={"cursor": cursor})).status_code == 200
    text, _, seal = cursor.partition(".")
    turned = seal[:-2] + ("A" if seal[-2] != "A" else "B") + seal[-1]
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/audit", {"cursor": cursor, "event": "org.updated"}),
        ("/sessions", {"cursor": cursor, "limit": "1"}),
        ("/audit", {"cursor": text}),
        ("/audit", {"cursor": f"{text}.{turned}"}),
        ("/audit", {"cursor": f"{text}x.{seal}"}),
        ("/audit", {"cursor": cursor, "page": 1}),
    )
    for path, query in asked:
        answer = await api.get(path, params=query)
        assert answer.status_code == 400, (path, query)
        assert answer.json()["details"][0]["path"] == "cursor"
    person = await installation.person()
    other = await installation.organization()
    await installation.delegate(other.id, "porta-super-admin", user=person)
    headers = bearer(await installation.token(person))
    answer = await api.get("/audit", params={"cursor": cursor}, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"pageSize": 101}])
async def test_a_page_has_bounds(api: httpx.AsyncClient, query: dict[str, Any]) -> None:
    answer = await api.get("/audit", params=query)
    assert answer.status_code == 400
    assert [each["path"] for each in answer.json()["details"]] == list(query)


async def test_a_parameter_given_twice_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.get("/audit?limit=1&limit=2")).status_code == 400


@pytest.mark.parametrize("path", ["/none", "", "/", "/keys/x/y/z", "/%00", "/config/%00"])
async def test_what_is_not_there_is_refused_alike(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404, answer.text
    assert answer.json()["status"] == 404


@pytest.mark.parametrize("path", ["/users/x/sessions", "/users/1'--/sessions"])
async def test_an_id_that_can_be_none_is_not_found(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.delete(path)).status_code == 404


async def test_a_request_brings_its_own_id(api: httpx.AsyncClient) -> None:
    answer = await api.get("/none", headers={"X-Request-Id": "abc-12345"})
    assert answer.headers["X-Request-Id"] == answer.json()["requestId"] == "abc-12345"
    for strange in ("x", "a b c d e f", "x" * 65, "<script>1</script>"):
        answer = await api.get("/me", headers={"X-Request-Id": strange})
        assert len(answer.headers["X-Request-Id"]) == 36


async def test_the_request_id_reaches_the_audit_trail(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    name, body = f"request-{secrets.token_hex(4)}", await _ring(installation)
    await api.post("/keys/generate", json=body, headers={"X-Request-Id": name})
    query: dict[str, Any] = {"event": "key.generated", "limit": 1}
    (entry,) = (await api.get("/audit", params=query)).json()["data"]
    assert entry["requestId"] == name
    assert entry["actorId"] == installation.made.user.id
    assert entry["ipAddress"] == "127.0.0.1"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_only_configured_origins_may_read(api: httpx.AsyncClient, method: str) -> None:
    asked = {"Access-Control-Request-Method": "PATCH"} if method == "OPTIONS" else {}
    for path in ("/me", "/none", "/config"):
        for origin in (ORIGIN, "https://evil.example", "null"):
            answer = await api.request(method, path, headers={"Origin": origin, **asked})
            allowed = origin == ORIGIN
            told = answer.headers.get("Access-Control-Allow-Origin")
            assert told == (ORIGIN if allowed else None), (path, origin)
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]


async def test_a_preflight_tells_methods_and_headers(api: httpx.AsyncClient) -> None:
    answer = await api.options("/config/x", headers={"Origin": ORIGIN, "Authorization": ""})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, PUT, OPTIONS"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    for name in ("Authorization", "If-Match", "Idempotency-Key", "X-Porta-SDK-Version"):
        assert name in allowed
    read = await api.get("/me", headers={"Origin": ORIGIN})
    assert "ETag" in read.headers["Access-Control-Expose-Headers"]


async def test_head_is_get_without_a_body(api: httpx.AsyncClient) -> None:
    answer = await api.head("/me")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_administrator_has_a_limit_of_their_own(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    person = bearer(await installation.token(await installation.person()))
    async with installation.limited(rate_limit_admin_max=3):
        answers = [await api.get("/me", headers=person) for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert answers[-1].json()["retryAfter"] > 0
        other = bearer(await installation.token(await installation.person()))
        assert (await api.get("/me", headers=other)).status_code == 200


async def test_changes_have_a_limit_of_their_own(
    api: httpx.AsyncClient, installation: Installation
) -> None:
    """Whoever may change nothing more for now may still look."""
    person = await installation.person("porta-super-admin")
    headers = bearer(await installation.token(person))
    path = f"/organizations/{(await installation.organization()).id}"
    async with installation.limited(rate_limit_admin_write_max=2):
        answers = [await api.patch(path, json={"name": "N"}, headers=headers) for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert (await api.get(path, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ([], None),
        (["*"], None),
        (['"7"'], 7),
        (['W/"7"'], 7),
        (['"7", W/"9"'], 9),
        (['"7"', '"9"'], 9),
        (['"x", "9"'], 9),
    ],
)
def test_if_match_asks_for_a_version(headers: list[str], version: int | None) -> None:
    assert parse_version(headers) == version


@pytest.mark.parametrize("headers", [['"x"'], ['W/"0123456789abcdef"'], ['"' + "1" * 40 + '"']])
def test_if_match_with_another_tag_never_matches(headers: list[str]) -> None:
    with pytest.raises(PreconditionFailed):
        parse_version(headers)


@pytest.mark.parametrize("headers", [["7"], ['"7'], [""], ['"7" "8"'], ['"a"' * 500]])
def test_if_match_that_is_malformed_is_refused(headers: list[str]) -> None:
    with pytest.raises(Invalid):
        parse_version(headers)


def test_if_none_match_knows_weak_and_strong_tags() -> None:
    assert is_known('"7"', ['"6", W/"7"'])
    assert is_known('"7"', ["*"])
    assert not is_known('"7"', ['"6"'])
    assert not is_known(None, ["*"])
