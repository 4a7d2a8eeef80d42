"""Refresh tokens of Porta 1.x live on: taken over at their first use (succession, decisions)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from porta.audit.actors import SYSTEM
from porta.security import jwt
from porta.services import consents
from storage.postgres import way_back
from storage.postgres.driver import Postgres
from tests.succession import porta_1x
from tests.succession.sign_in import AUTH, CLIENT, serving, token
from tests.world.administered import set_client_status, set_user_status
from tests.world.served import Served, beside
from tests.world.waiting import eventually

_OTHER = ("dock-other", porta_1x.SECRET)
_SCOPE = "openid profile offline_access"


@pytest_asyncio.fixture(loop_scope="session")
async def served(adopted: str) -> AsyncIterator[Served]:
    async with serving(adopted) as running:
        yield running


async def _refresh(served: Served, value: str, **more: Any) -> Any:
    return await token(served, grant_type="refresh_token", refresh_token=value, **more)


async def _works(served: Served, value: str, **more: Any) -> bool:
    answer = await _refresh(served, value, **more)
    if answer.status_code != 200:
        assert answer.json()["error"] == "invalid_grant"
    return bool(answer.status_code == 200)


async def _without_grace(served: Served) -> None:
    await served.runtime.storage.everywhere.system_config.put("refresh_grace", 0, "number")

    async def heard() -> bool:
        return (await served.runtime.snapshot()).config.refresh_grace == 0

    await eventually(heard)


async def test_succession_refresh_nobody_who_was_offline_signs_in_anew(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    before = await porta_1x.read(database)
    answer = await _refresh(served, value)
    assert answer.status_code == 200, answer.text
    issued = answer.json()
    assert set(issued["scope"].split()) == set(_SCOPE.split())
    claims = jwt.read_own(issued["id_token"])
    assert (claims["sub"], claims["nonce"]) == (porta_1x.CLEO, "n-1x")
    assert claims["auth_time"] < time.time() - 500, "that of the sign-in at 1.x"
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    me = await served.http.get(f"{served.issuer('dock')}/me", headers=headers)
    assert me.json()["given_name"] == "Cleo"
    for _ in range(2):
        issued = (await _refresh(served, issued["refresh_token"])).json()
    assert (await porta_1x.read(database))["oidc_payloads"] == before["oidc_payloads"]


async def test_succession_refresh_a_copy_is_found_out(served: Served, database: Postgres) -> None:
    await _without_grace(served)
    value = await porta_1x.leave_refresh_token(database)
    successor = (await _refresh(served, value)).json()["refresh_token"]
    assert not await _works(served, value)
    assert not await _works(served, successor), "its family went with it"
    assert not await _works(served, value)
    told = await database.fetch(
        "SELECT count(*) FROM audit_log WHERE event_type = 'token.refresh_reused'"
    )
    assert told == [(1,)]


@pytest.mark.parametrize("taken_over_before", [True, False])
async def test_succession_refresh_what_1x_had_rotated_ends_its_grant(
    served: Served, database: Postgres, taken_over_before: bool
) -> None:
    grant = secrets.token_urlsafe(32)
    old = await porta_1x.leave_refresh_token(database, grantId=grant, consumed=True)
    value = await porta_1x.leave_refresh_token(database, grantId=grant, rotations=1)
    apart = await porta_1x.leave_refresh_token(database)
    if taken_over_before:
        value = (await _refresh(served, value)).json()["refresh_token"]
    assert not await _works(served, old)
    assert not await _works(served, value)
    assert await _works(served, apart), "another grant's"


REFUSED: dict[str, dict[str, Any]] = {
    "expired": {"expires_in": -1},
    "of a grant that is gone": {"grant": None},
    "of a grant that has expired": {"grant_expires_in": -1},
    "of a session of 1.x": {"scope": "openid profile"},
    "of a session, it says": {"expiresWithSession": True},
    "of a grant that was narrowed": {"grant": "openid"},
    "an access token": {"type": "AccessToken"},
    "of a person of another organization": {"accountId": "00000000-0000-4000-8000-000000000022"},
    "of nobody": {"accountId": "00000000-0000-4000-8000-000000000099"},
    "of no account": {"accountId": "cleo"},
    "without a date": {"iat": "yesterday"},
    "of another client": {"clientId": "dock-other"},
    "bound to a key (RFC 9449 §5)": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    "bound to a certificate (RFC 8705 §3)": {
        "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
    },
    "bound to an instance of its client": {"attestationJkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglB"},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
async def test_succession_refresh_what_is_refused(
    served: Served, database: Postgres, changes: dict[str, Any]
) -> None:
    value = await porta_1x.leave_refresh_token(database, **changes)
    assert not await _works(served, value)
    assert not await _works(served, value)


async def test_succession_refresh_what_1x_bound_to_nothing_is_a_bearers(
    served: Served, database: Postgres
) -> None:
    unbound = {"jkt": None, "x5t#S256": None, "attestationJkt": None}
    assert await _works(served, await porta_1x.leave_refresh_token(database, **unbound))


async def test_succession_refresh_a_rotated_token_that_is_sent_again_and_again_is_told_of_once(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database, consumed=True)
    for _ in range(3):
        assert not await _works(served, value)
    told = await database.fetch(
        "SELECT count(*) FROM audit_log WHERE event_type = 'token.refresh_reused'"
    )
    assert told == [(1,)]


@pytest.mark.parametrize("person", ["of nobody", "of a person of another organization"])
async def test_succession_refresh_a_rotated_token_of_no_person_here_is_refused_as_any(
    served: Served, database: Postgres, person: str
) -> None:
    value = await porta_1x.leave_refresh_token(database, consumed=True, **REFUSED[person])
    assert not await _works(served, value)
    url = f"{served.issuer('dock')}/token/revocation"
    answer = await served.http.post(url, data={"token": value}, auth=AUTH)
    assert answer.status_code == 200


async def test_succession_refresh_a_token_is_its_clients_and_its_organizations(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    assert not await _works(served, value, auth=_OTHER)
    backend = ("Zm9ydHktdGhyZWUtY2hhcmFjdGVycy1vZi1hLWNsaWVudA", porta_1x.SECRET)
    assert not await _works(served, value, auth=backend, slug="acme")
    assert await _works(served, value), "and unharmed"


async def test_succession_refresh_the_grant_and_the_client_decide_what_is_left(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database, grant="openid offline_access")
    answer = await _refresh(served, value)
    assert set(answer.json()["scope"].split()) == {"openid", "offline_access"}


@pytest.mark.parametrize("status", ["suspended", "locked", "inactive"])
async def test_succession_refresh_a_person_who_was_shut_out_stays_out(
    served: Served, database: Postgres, status: str
) -> None:
    """Also with a token that nobody had presented before, and after they are let in again."""
    first, later = (
        await porta_1x.leave_refresh_token(database),
        await porta_1x.leave_refresh_token(database),
    )
    storage = served.runtime.storage.everywhere
    await set_user_status(storage, porta_1x.CLEO, status)
    assert not await _works(served, first)
    await set_user_status(storage, porta_1x.CLEO, "active")
    for value in (first, later):
        assert not await _works(served, value)
    await asyncio.sleep(1.1)  # 1.x counts in seconds
    assert await _works(served, await porta_1x.leave_refresh_token(database, iat=int(time.time())))


async def test_succession_refresh_what_a_person_withdraws_takes_these_along(
    served: Served, database: Postgres
) -> None:
    """Also a token that nobody had presented before; what is issued later is another matter."""
    first, later = (
        await porta_1x.leave_refresh_token(database),
        await porta_1x.leave_refresh_token(database),
    )
    assert await _works(served, first)
    async with served.runtime.storage.everywhere.transaction() as tx:
        await consents.withdraw(tx, SYSTEM, porta_1x.CLEO, CLIENT)
    assert not await _works(served, later)
    await asyncio.sleep(1.1)  # 1.x counts in seconds
    assert await _works(served, await porta_1x.leave_refresh_token(database, iat=int(time.time())))


async def test_succession_refresh_whoever_ends_a_persons_rights_is_waited_for(
    served: Served, database: Postgres
) -> None:
    """Else a family that is being founded would slip past the end."""
    value = await porta_1x.leave_refresh_token(database)

    async def waits() -> bool:
        return bool(
            await database.fetch(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND query LIKE '%%FOR SHARE%%' AND datname = current_database()",
                {},
            )
        )

    async with served.runtime.storage.everywhere.transaction() as tx:
        await set_user_status(tx, porta_1x.CLEO, "suspended")
        await set_user_status(tx, porta_1x.CLEO, "active")
        late = asyncio.create_task(_works(served, value))
        await eventually(waits)
    assert not await late


async def test_succession_refresh_a_client_that_was_inactive_has_lost_them(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    storage = served.runtime.storage.everywhere
    for status in ("inactive", "active"):
        await set_client_status(storage, CLIENT, status)

    async def heard() -> bool:
        client = await served.runtime.client(CLIENT, porta_1x.DOCK)
        return client is not None and client.era == 2 and client.active

    await eventually(heard)
    assert not await _works(served, value)


@pytest.mark.parametrize("used_before", [True, False])
async def test_succession_refresh_what_its_client_revokes_is_dead(
    served: Served, database: Postgres, used_before: bool
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    successor = (await _refresh(served, value)).json()["refresh_token"] if used_before else None
    url = f"{served.issuer('dock')}/token/revocation"
    stranger = await served.http.post(url, data={"token": value}, auth=_OTHER)
    assert stranger.status_code == 200
    answer = await served.http.post(url, data={"token": value}, auth=AUTH)
    assert answer.status_code == 200
    assert not await _works(served, value)
    if successor:
        assert not await _works(served, successor)


async def test_succession_refresh_what_is_revoked_is_remembered_while_1x_would_know_it(
    served: Served, database: Postgres
) -> None:
    """However short the operator has made the lives of ours meanwhile."""
    for name in ("refresh_token_ttl", "refresh_token_absolute_ttl"):
        await served.runtime.storage.everywhere.system_config.put(name, 3600, "number")

    async def heard() -> bool:
        config = (await served.runtime.snapshot()).config
        return config.refresh_token_ttl == config.refresh_token_absolute_ttl == 3600

    await eventually(heard)
    value = await porta_1x.leave_refresh_token(database, expires_in=86_400)
    url = f"{served.issuer('dock')}/token/revocation"
    assert (await served.http.post(url, data={"token": value}, auth=AUTH)).status_code == 200
    kept = await database.fetch(
        "SELECT expires_at > now() + interval '86000 s' FROM token_families"
        " WHERE revoked_at IS NOT NULL"
    )
    assert kept == [(True,)]


async def test_succession_refresh_another_clients_revocation_harms_nothing(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    url = f"{served.issuer('dock')}/token/revocation"
    await served.http.post(url, data={"token": value}, auth=_OTHER)
    assert await _works(served, value)


async def test_succession_refresh_one_use_by_two_instances_founds_one_family(
    served: Served, database: Postgres
) -> None:
    value = await porta_1x.leave_refresh_token(database)
    async with beside(served) as other:
        answers = await asyncio.gather(
            *(_refresh(instance, value) for instance in (served, other) for _ in range(5))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await database.fetch("SELECT count(*) FROM token_families") == [(1,)]


async def test_succession_refresh_a_token_that_was_taken_over_is_not_kept_for_later(
    served: Served, database: Postgres
) -> None:
    used, unused = (
        await porta_1x.leave_refresh_token(database),
        await porta_1x.leave_refresh_token(database),
    )
    await database.execute(
        "DELETE FROM oidc_payloads WHERE NOT payload ? 'iiat' AND type <> 'Grant'"
    )
    assert await _works(served, used)
    url = served.runtime.settings.database_url
    assert (await way_back.finish(url, lambda *_: None)).refresh_tokens == 1
    left = await database.fetch("SELECT id FROM oidc_payloads WHERE type = 'RefreshToken'")
    assert left == [(unused,)]
    assert await _works(served, unused), "the way back is closed, and it is still good"
    assert (await way_back.finish(url, lambda *_: None)).refresh_tokens == 0
    assert not await _works(served, used[::-1]), "without the table, it is unknown"
