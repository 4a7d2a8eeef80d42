"""Porta 1.6.1 starts and serves on a database that our server has served on (succession A1)."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from porta.errors import Conflict, NotFound
from porta.security.encryption import DecryptionFailed
from porta.security.keys import ALGORITHMS, KeyUnusable
from porta.services import legacy_keys, signing_keys
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.security import rows
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.sign_in import serving, tokens
from tests.world.answers import header_of
from tests.world.served import Served
from tests.world.waiting import eventually

_KEY = bytes.fromhex(porta_1x.KEY)
_OF_1X = "126a675dc58ac7aa"


_CONSTRAINTS = """
    SELECT DISTINCT c.conrelid::regclass::text, c.conname
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
    WHERE c.conrelid::regclass::text = %(table)s AND a.attname = ANY(%(theirs)s)
"""
_DEMANDING = """
    SELECT column_name FROM information_schema.columns
    WHERE table_name = %(table)s AND column_name <> ALL(%(theirs)s)
        AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
"""


class _UndoneAgain(Exception):
    """Rolls a transaction back."""


async def _shown(served: Served, slug: str = "dock") -> list[str]:
    answer = await served.http.get(f"{served.issuer(slug)}/jwks")
    return [key["kid"] for key in answer.json()["keys"]]


def _differences(
    before: dict[str, dict[Any, Any]], after: dict[str, dict[Any, Any]]
) -> dict[str, list[Any]]:
    """Return by table what changed of the rows that were there before."""
    changed = {
        table: [(row, after[table].get(key)) for key, row in found.items()
                if after[table].get(key) != row]
        for table, found in before.items()
    }  # fmt: skip
    return {table: found for table, found in changed.items() if found}


async def test_succession_A1_every_row_that_1x_reads_stays_as_it_was(
    of_1x: str, database: Postgres
) -> None:
    before = await porta_1x.read(database)
    assert all(before.values()), "every table of 1.x has rows here"
    take_over(of_1x)
    assert not _differences(before, await porta_1x.read(database))
    async with serving(of_1x) as served:
        for name in ("cleo", "dora"):
            issued = await tokens(served, name)
            assert header_of(issued["id_token"])["kid"] == _OF_1X
        assert len(await _shown(served)) == len(ALGORITHMS)
    changed = _differences(before, after := await porta_1x.read(database))
    assert set(changed) == {"users"}, changed
    columns = [name.strip() for name in porta_1x.READS["users"].split(",")]
    for was, now in changed["users"]:
        # As 1.x does it itself: what is counted and dated at a sign-in, and nothing else.
        told = {name for name, x, y in zip(columns, was, now, strict=True) if x != y}
        assert told == {"last_login_at", "login_count"}
    assert await porta_1x.load_keys(database) == [_OF_1X, "c5a271e8ec62329c"]
    assert set(after["signing_keys"]) == set(before["signing_keys"]), "no new key either"


@pytest.mark.parametrize("kind", porta_1x.WRITES)
async def test_succession_A1_what_1x_writes_is_taken(served_on: Postgres, kind: str) -> None:
    touched = 0
    with suppress(_UndoneAgain):
        async with served_on.transaction() as tx:
            touched = await tx.execute(porta_1x.WRITES[kind])
            raise _UndoneAgain
    assert touched > 0


async def test_succession_A1_nothing_that_we_added_asks_anything_of_1x(
    of_1x: str, database: Postgres
) -> None:
    """Columns of ours fill themselves, and what is checked is checked in columns of ours."""
    before = await _asked_of_1x(database, _CONSTRAINTS)
    assert await _asked_of_1x(database, _DEMANDING) == set(), "the columns are those of 1.x"
    take_over(of_1x)
    assert await _asked_of_1x(database, _DEMANDING) == set()
    assert await _asked_of_1x(database, _CONSTRAINTS) - before == {
        ("signing_keys", "signing_keys_way_back"),  # what 1.x could not load
    }


async def _asked_of_1x(database: Postgres, sql: str) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for table, columns in porta_1x.READS.items():
        theirs = [name.strip() for name in columns.split(",")]
        if table == "signing_keys":
            theirs += ["private_key", "private_key_iv", "private_key_tag", "encrypted"]
        found |= set(await database.fetch(sql, {"table": table, "theirs": theirs}))
    return found


async def test_succession_A1_1x_and_we_verify_what_the_other_has_signed(
    of_1x: str, database: Postgres
) -> None:
    """Forth, with a rotation of ours; back, with a key that 1.x makes; and forth again."""
    take_over(of_1x)
    async with serving(of_1x) as served:
        now = time.time()
        organization = porta_1x.DOCK
        made = await signing_keys.rotate(
            served.runtime.storage.everywhere, (_KEY,), now=now, lead=0
        )
        own = await signing_keys.ensure(
            served.runtime.storage.everywhere,
            (_KEY,),
            now=now,
            lead=0,
            organization_id=organization,
        )
        ours = next(row.kid for row in made if row.algorithm == "ES256")

        async def heard() -> bool:
            return {row.kid for row in own} <= set(await _shown(served))

        await eventually(heard)
        issued = await tokens(served)
        assert header_of(issued["id_token"])["kid"] in {row.kid for row in own}
        assert {_OF_1X, ours} <= set(await _shown(served, "acme"))
    shown_by_1x = await porta_1x.load_keys(database)
    assert shown_by_1x[0] == ours, "that with which we signed last"
    assert _OF_1X in shown_by_1x

    pair = rows.pair(number=9)
    await database.execute(
        porta_1x.encrypted_key(pair.kid, pair.public_key, pair.private_key, time.time())
    )
    assert (await porta_1x.load_keys(database))[0] == pair.kid
    async with serving(of_1x) as served:
        shown = await _shown(served, "acme")
        assert {_OF_1X, ours, pair.kid} <= set(shown)
        assert shown[0] == pair.kid, "which signs"


@pytest.mark.parametrize("status", ["active", "retired"])
async def test_succession_A1_keys_of_earlier_versions_leave_the_table_of_1x(
    of_1x: str, database: Postgres, status: str
) -> None:
    """A database that a version before the way back served on: its keys stood with those of 1.x."""
    take_over(of_1x)
    await _as_before(database)
    planted = [
        rows.row("RS256", key=_KEY),
        rows.row("EdDSA", key=_KEY),
        rows.row("PS256", key=_KEY),
    ]
    bound = rows.bound_row(key=_KEY)
    own = rows.row("ES256", number=3, key=_KEY, organization_id=porta_1x.DOCK)
    for row in (*planted, bound, own):
        await database.execute(
            "INSERT INTO signing_keys (kid, algorithm, public_key, private_key, private_key_iv,"
            " private_key_tag, encrypted, status, organization_id) VALUES (%(kid)s, %(algorithm)s,"
            " %(public_key)s, %(private_key)s, %(private_key_iv)s, %(private_key_tag)s, TRUE,"
            " %(status)s, %(organization_id)s)",
            {
                **{name: getattr(row, name) for name in row.__struct_fields__},
                "status": status,
            },
        )
    with pytest.raises((AssertionError, DecryptionFailed)):
        await porta_1x.load_keys(database)
    take_over(of_1x)
    assert await porta_1x.load_keys(database) == [_OF_1X, "c5a271e8ec62329c"]
    async with serving(of_1x) as served:
        assert {row.kid for row in (*planted, bound)} <= set(await _shown(served, "acme"))
        assert own.kid in await _shown(served)
    assert bound.kid in await porta_1x.load_keys(database), "1.x verifies what it has signed"


async def _as_before(database: Postgres) -> None:
    """Take the way back out of a migrated database."""
    await database.execute(
        "ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_way_back; DROP TABLE ring_keys;"
        " DELETE FROM schema_migrations WHERE name = 'ring_keys'"
    )


async def test_succession_A1_a_key_of_the_admin_api_of_1x_is_refused_until_somebody_vouches(
    adopted: str, database: Postgres
) -> None:
    """1.x came back and was rotated there: what was active is retired, the new key in the clear."""
    made, planted = rows.pair(number=8), rows.plain_row(number=9)
    await database.execute(porta_1x.WRITES["a rotation"])
    for pair in (made, planted):
        await database.execute(
            "INSERT INTO signing_keys (kid, algorithm, public_key, private_key, status) VALUES"
            " (%(kid)s, 'ES256', %(public_key)s, %(private_key)s, 'active')",
            {name: getattr(pair, name) for name in ("kid", "public_key", "private_key")},
        )
    with pytest.raises(KeyUnusable, match="porta keys adopt"):
        async with serving(adopted):
            pass
    storage = (await Storage.open(adopted)).everywhere
    await legacy_keys.adopt(storage, (_KEY,), made.kid)
    for refused in (made.kid, _OF_1X):
        with pytest.raises(Conflict, match="left in the clear"):
            await legacy_keys.adopt(storage, (_KEY,), refused)
    with pytest.raises(NotFound):
        await legacy_keys.adopt(storage, (_KEY,), "0" * 16)
    await storage.close()
    assert made.kid in await porta_1x.load_keys(database), "and 1.x reads it still"
    async with serving(adopted) as served:
        shown = await _shown(served, "acme")
        assert made.kid == shown[0]
        assert planted.kid not in shown
        assert header_of((await tokens(served))["id_token"])["kid"] == made.kid
