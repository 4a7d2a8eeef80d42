"""The audit trail proves itself: whatever is done to it in the database is named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from porta.audit import events
from porta.audit.actors import SYSTEM, Actor
from porta.audit.entries import authenticated
from porta.audit.findings import Fault, Problem, Report
from porta.limits.origin import Origin
from porta.security.audit_keys import AuditKeys, Verifiers
from porta.services import audit_proof, audit_sealing, audit_trail
from storage.models.audit import INSTALLATION, Recorded, Seal
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.world.rows import World, build_world

KEYS = AuditKeys((b"k" * 32,))
_TABLES = ("audit_log", "audit_seals", "audit_chains", "audit_state", "audit_checkpoints")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(database_url, pool_size=3, stamp=KEYS.stamp)
    yield opened.everywhere
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kept(pg: Postgres, storage: Storage) -> World:
    """Ten entries of one organization, sealed, and one of the installation, with a copy of them."""
    made = await build_world(pg)
    for number in range(10):
        await _happen(storage, made, number)
    await events.record(storage, "key.rotated", metadata={"kid": "1"})
    await _seal(storage)
    for table in _TABLES:
        await pg.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def world(pg: Postgres, kept: World) -> World:
    """The same, as it was before anybody touched it."""
    await pg.execute(
        f"TRUNCATE {', '.join(_TABLES)}, audit_unsealed;"
        + "".join(f"INSERT INTO {table} TABLE kept_{table};" for table in _TABLES)
        + "DELETE FROM audit_unsealed"
    )
    return kept


async def _happen(storage: Storage, world: World, number: int) -> None:
    await events.record(
        storage,
        "user.login.password",
        organization_id=world.organization.id,
        user_id=world.user.id,
        description=f"number {number}",
        metadata={"n": number, "share": 0.5, "many": 1e30},
        actor=Actor(user_id=world.user.id, client_id="a client"),
        origin=Origin(f"192.0.2.{number}", f"browser {number}", f"request-{number}"),
    )


async def _seal(storage: Storage) -> None:
    while (await audit_sealing.seal(storage, KEYS)).entries:
        pass


async def _report(storage: Storage, **more: object) -> Report:
    return await audit_proof.verify(storage, KEYS.verifiers, KEYS, **more)  # type: ignore[arg-type]


async def _first(storage: Storage) -> Problem:
    report = await _report(storage)
    assert report.count >= 1, "it is named"
    return report.problems[0]


async def _entry(pg: Postgres, world: World, position: int) -> str:
    row = await pg.fetchrow(
        "SELECT entry::text FROM audit_seals WHERE chain = %(chain)s AND position = %(at)s",
        {"chain": world.organization.id, "at": position},
    )
    assert row is not None
    return str(row[0])


async def test_what_nobody_touched_has_no_problem(storage: Storage, world: World) -> None:
    report = await _report(storage)
    assert (report.count, report.entries, report.chains) == (0, 11, 2)
    assert report.checkpoints >= 1


_OTHER = {
    "id": "gen_random_uuid()",
    "organization_id": "gen_random_uuid()",
    "user_id": "gen_random_uuid()",
    "actor_id": "gen_random_uuid()",
    "actor_type": "'system'",
    "actor_client": "'another'",
    "event_type": "'user.logout'",
    "event_category": "'admin'",
    "description": "'told otherwise'",
    "metadata": "metadata || '{\"n\": 4000}'",
    "ip_address": "'192.0.2.4/31'",
    "user_agent": "user_agent || ' '",
    "request_id": "'request-x'",
    "mac": "set_byte(mac, 7, get_byte(mac, 7) # 1)",
    "sequence": "sequence + 1000",
    "created_at": "created_at + interval '1 microsecond'",
}
"""What each column becomes."""


def test_every_column_of_an_entry_is_tried() -> None:
    assert set(_OTHER) == set(Recorded.__struct_fields__)


_REQUIRED = ("id", "event_type", "event_category", "sequence", "created_at")


@pytest.mark.parametrize(
    ("column", "wanted"),
    [*_OTHER.items(), *((column, "NULL") for column in _OTHER if column not in _REQUIRED)],
)
async def test_an_entry_that_was_altered_is_named(
    storage: Storage, pg: Postgres, world: World, column: str, wanted: str
) -> None:
    entry = await _entry(pg, world, 5)
    await pg.execute(
        f"UPDATE audit_log SET {column} = {wanted} WHERE id = %(id)s",
        {"id": entry},
    )
    first = await _first(storage)
    assert first.fault in (Fault.ALTERED, Fault.MISSING, Fault.MOVED)
    assert (first.chain, first.position, first.entry) == (world.organization.id, 5, entry)


_OTHER_SEAL = {
    "place": "place + 1000",
    "chain": "gen_random_uuid()",
    "position": "position + 1000",
    "entry": "gen_random_uuid()",
    "proof": "'none'",
    "origin": "set_byte(origin, 3, get_byte(origin, 3) # 1)",
    "origin_salt": "set_byte(origin_salt, 3, get_byte(origin_salt, 3) # 1)",
    "content": "set_byte(content, 3, get_byte(content, 3) # 1)",
    "content_salt": "set_byte(content_salt, 3, get_byte(content_salt, 3) # 1)",
    "sealed_at": "sealed_at - interval '1 microsecond'",
    "hash": "set_byte(hash, 3, get_byte(hash, 3) # 1)",
}


def test_every_column_of_a_seal_is_tried() -> None:
    assert set(_OTHER_SEAL) == set(Seal.__struct_fields__)


@pytest.mark.parametrize("column", _OTHER_SEAL)
async def test_a_seal_that_was_altered_is_named(
    storage: Storage, pg: Postgres, world: World, column: str
) -> None:
    entry = await _entry(pg, world, 5)
    await pg.execute(
        f"UPDATE audit_seals SET {column} = {_OTHER_SEAL[column]} WHERE entry = %(id)s",
        {"id": entry},
    )
    report = await _report(storage)
    assert report.count
    named = {(each.chain, each.position) for each in report.problems}
    assert {(world.organization.id, 5), (world.organization.id, 6)} & named


@pytest.mark.parametrize("position", [1, 5, 10])
async def test_an_entry_that_was_dropped_is_named(
    storage: Storage, pg: Postgres, world: World, position: int
) -> None:
    entry = await _entry(pg, world, position)
    await pg.execute("DELETE FROM audit_log WHERE id = %(id)s", {"id": entry})
    first = await _first(storage)
    assert (first.fault, first.position, first.entry) == (Fault.MISSING, position, entry)


@pytest.mark.parametrize("position", [1, 5, 10])
async def test_an_entry_that_was_dropped_with_its_seal_is_named(
    storage: Storage, pg: Postgres, world: World, position: int
) -> None:
    entry = await _entry(pg, world, position)
    for sql in ("DELETE FROM audit_log WHERE id = %(id)s",
                "DELETE FROM audit_seals WHERE entry = %(id)s"):  # fmt: skip
        await pg.execute(sql, {"id": entry})
    first = await _first(storage)
    assert (first.fault, first.chain) == (Fault.MISSING, world.organization.id)
    assert first.position == position


async def test_all_that_goes_with_a_chain_is_named(
    storage: Storage, pg: Postgres, world: World
) -> None:
    chain = world.organization.id
    for sql in (
        "DELETE FROM audit_log WHERE organization_id = %(chain)s",
        "DELETE FROM audit_seals WHERE chain = %(chain)s",
        "DELETE FROM audit_chains WHERE chain = %(chain)s",
    ):
        await pg.execute(sql, {"chain": chain})
    report = await _report(storage)
    gone = [each for each in report.problems if each.chain == chain]
    assert (gone[0].fault, gone[0].position) == (Fault.MISSING, 1)


_SWAPS = {
    "what they tell": ("metadata", "description"),
    "where they came from": ("ip_address", "user_agent"),
    "when they happened": ("created_at",),
    "their numbers": ("sequence",),
    "their ids": ("id",),
    "all but their ids": tuple(c for c in _OTHER if c != "id"),
}


@pytest.mark.parametrize("columns", _SWAPS.values(), ids=_SWAPS)
async def test_two_entries_that_were_swapped_are_named(
    storage: Storage, pg: Postgres, world: World, columns: tuple[str, ...]
) -> None:
    one, other = await _entry(pg, world, 4), await _entry(pg, world, 7)
    both = {"one": one, "other": other}
    where = "WHERE id IN (%(one)s, %(other)s)"
    await pg.execute(f"CREATE TABLE two AS SELECT * FROM audit_log {where}", both)
    await pg.execute(f"DELETE FROM audit_log {where}", both)
    taken = ", ".join(f"{'o' if each in columns else 't'}.{each}" for each in _OTHER)
    await pg.execute(
        f"INSERT INTO audit_log ({', '.join(_OTHER)})"
        f" SELECT {taken} FROM two t JOIN two o ON o.id <> t.id; DROP TABLE two"
    )
    report = await _report(storage)
    named = {each.position for each in report.problems if each.chain == world.organization.id}
    assert {4, 7} <= named
    assert report.problems[0].position == 4


async def test_two_seals_that_were_swapped_are_named(
    storage: Storage, pg: Postgres, world: World
) -> None:
    swap = "UPDATE audit_seals SET position = {} WHERE chain = %(chain)s AND position = {}"
    for wanted, is_now in ((1000, 5), (5, 6), (6, 1000)):
        await pg.execute(swap.format(wanted, is_now), {"chain": world.organization.id})
    report = await _report(storage)
    first = report.problems[0]
    assert (first.fault, first.chain, first.position) == (Fault.SWAPPED, world.organization.id, 5)


_COPY = """
    INSERT INTO audit_log (organization_id, user_id, actor_id, actor_type, actor_client, event_type,
        event_category, description, metadata, ip_address, user_agent, request_id, mac)
    SELECT organization_id, user_id, actor_id, actor_type, actor_client, event_type,
        event_category, description, metadata, ip_address, user_agent, request_id, {}
    FROM audit_log WHERE id = %(id)s RETURNING id::text
"""


@pytest.mark.parametrize("mac", ["mac", "NULL", "'\\x00'::bytea", "mac || mac"])
@pytest.mark.parametrize("sealed", [False, True])
async def test_an_entry_that_was_appended_is_named(
    storage: Storage, pg: Postgres, world: World, mac: str, sealed: bool
) -> None:
    """Whether it was put there a moment ago, or our own job has sealed it meanwhile."""
    entry = await _entry(pg, world, 5)
    ((made,),) = await pg.fetch(_COPY.format(mac), {"id": entry})
    if sealed:
        await _seal(storage)
        told = "SELECT metadata ->> 'first' FROM audit_log WHERE event_type = 'audit.tampered'"
        assert await pg.fetch(told) == [(made,)]
    first = await _first(storage)
    assert (first.fault, first.chain, first.entry) == (
        Fault.APPENDED,
        world.organization.id,
        made,
    )


async def test_an_entry_that_is_kept_from_being_sealed_is_named(
    storage: Storage, pg: Postgres, world: World
) -> None:
    await _happen(storage, world, 11)
    assert (await _report(storage)).unsealed == 1, "it is young"
    await pg.execute("DELETE FROM audit_unsealed")
    await _seal(storage)
    report = await _report(storage, patience=0.0)
    assert [each.fault for each in report.problems] == [Fault.UNSEALED]


async def test_an_entry_that_was_removed_before_it_was_sealed_is_told_of(
    storage: Storage, pg: Postgres, world: World
) -> None:
    await _happen(storage, world, 11)
    ((number,),) = await pg.fetch("SELECT max(sequence)::text FROM audit_log")
    await pg.execute("DELETE FROM audit_log WHERE sequence = %(n)s", {"n": number})
    await _seal(storage)
    told = "SELECT metadata ->> 'first' FROM audit_log WHERE event_type = 'audit.tampered'"
    assert await pg.fetch(told) == [(number,)]


async def test_an_end_that_was_cut_off_is_named(
    storage: Storage, pg: Postgres, world: World
) -> None:
    """With the seals, the ends of the chains, and where sealing stands; not with what is signed."""
    chain = world.organization.id
    await pg.execute(
        "DELETE FROM audit_log USING audit_seals s WHERE s.entry = audit_log.id AND s.place > 8"
    )
    await pg.execute("DELETE FROM audit_seals WHERE place > 8")
    await pg.execute(
        "UPDATE audit_chains c SET (position, hash, place) = (SELECT position, hash, place"
        " FROM audit_seals s WHERE s.chain = c.chain ORDER BY place DESC LIMIT 1)"
        " WHERE chain = %(chain)s",
        {"chain": chain},
    )
    await pg.execute("UPDATE audit_state SET place = 8")
    report = await _report(storage)
    assert (Fault.MISSING, chain, 9) in [
        (each.fault, each.chain, each.position) for each in report.problems
    ]


async def test_what_was_signed_elsewhere_names_what_was_cut_off(
    storage: Storage, pg: Postgres, world: World, tmp_path: Path
) -> None:
    """With all checkpoints forged away, only an anchor knows."""
    chain = world.organization.id
    anchor = tmp_path / "anchor"
    kept = await storage.audit_chain.checkpoints(0, 10)
    anchor.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in kept))
    await pg.execute("DELETE FROM audit_checkpoints WHERE number > 0")
    for table in ("audit_log", "audit_seals", "audit_chains"):
        await pg.execute(f"DELETE FROM {table}")
    await pg.execute("UPDATE audit_state SET place = 0, checkpoint = 0, checkpoint_hash = ''")
    assert (await _report(storage)).count == 0, "nothing in the database tells"
    report = await _report(storage, anchors=audit_proof.read_anchor(anchor))
    assert (Fault.MISSING, chain, 1) in [
        (each.fault, each.chain, each.position) for each in report.problems
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_checkpoints SET content = replace(content, '\"place\":11', '\"place\":10')",
        "UPDATE audit_checkpoints SET signature = sha512(signature)",
        "UPDATE audit_checkpoints SET kid = 'another'",
        "UPDATE audit_checkpoints SET number = 7",
        "UPDATE audit_checkpoints SET content = 'x'",
        "DELETE FROM audit_checkpoints",
    ],
)
async def test_a_checkpoint_that_was_altered_is_named(
    storage: Storage, pg: Postgres, world: World, sql: str
) -> None:
    await pg.execute(sql)
    assert "checkpoint" in (await _first(storage)).told


async def test_who_has_the_wrong_keys_proves_nothing(storage: Storage, world: World) -> None:
    others = AuditKeys((b"o" * 32,))
    report = await audit_proof.verify(storage, others.verifiers, others)
    assert [each.fault for each in report.problems] == [Fault.UNPROVEN]
    assert (await audit_proof.verify(storage, KEYS.verifiers, None)).count == 0
    renewed = AuditKeys((b"n" * 32, b"k" * 32))
    assert (await audit_proof.verify(storage, renewed.verifiers, renewed)).count == 0


async def test_what_was_written_under_former_keys_verifies_and_is_proven(
    pg: Postgres, database_url: str, world: World
) -> None:
    """After SIGNING_KEY_ENCRYPTION_KEY has changed, SIGNING_KEY_DECRYPTION_KEYS has the old one."""
    both, alone = AuditKeys((b"n" * 32, b"k" * 32)), AuditKeys((b"n" * 32,))
    renewed = (await Storage.open(database_url, pool_size=1, stamp=both.stamp)).everywhere
    try:
        await events.record(renewed, "key.reencrypted", organization_id=world.organization.id)
        async with renewed.transaction() as tx:
            await audit_sealing.seal_all(tx, both, 2)
        sealed = [each.entry for each in await renewed.audit_chain.sealed(0, 100)]
        report = await audit_proof.verify(renewed, both.verifiers, both)
        assert (report.problems, report.entries, report.unjudged) == ([], 12, 0)
        report = await audit_proof.verify(renewed, alone.verifiers, alone)
        assert report.problems == []
        assert 0 < report.unjudged < report.checkpoints, "the last one vouches for those before"
    finally:
        await renewed.close()
    codes = [(authenticated(each), each.mac) for each in sealed if each and each.mac]
    assert [both.judge(*code) for code in codes] == [True] * 12
    assert [alone.judge(*code) for code in codes] == [None] * 11 + [True]
    assert KEYS.verifiers.keys.items() < both.verifiers.keys.items()


async def test_a_chain_that_was_computed_anew_is_named(
    storage: Storage, pg: Postgres, world: World
) -> None:
    """Whoever knows how hashes are made can make all of them, but has not signed them."""
    await pg.execute("DELETE FROM audit_seals")
    await pg.execute("DELETE FROM audit_chains")
    await pg.execute("DELETE FROM audit_log WHERE sequence = (SELECT min(sequence) FROM audit_log)")
    await pg.execute("UPDATE audit_state SET place = 0, backlog_last = 1000, backlog_after = 0")
    await _seal(storage)
    report = await _report(storage)
    assert any(each.chain == world.organization.id for each in report.problems)


async def test_what_is_erased_breaks_nothing_and_is_told_of(
    storage: Storage, pg: Postgres, world: World
) -> None:
    await _happen(storage, world, 11)
    async with storage.transaction() as tx:
        erased = await audit_trail.erase_person(tx, SYSTEM, world.user.id, world.organization.id)
    assert erased == 11, "what waits to be sealed as well"
    await _seal(storage)
    report = await _report(storage)
    assert (report.count, report.erased) == (0, 10)
    left = await pg.fetch(
        "SELECT count(*) FROM audit_log a LEFT JOIN audit_seals s ON s.entry = a.id"
        " WHERE user_id = %(id)s AND event_type = 'user.login.password' AND (ip_address IS NOT NULL"
        " OR user_agent IS NOT NULL OR description IS NOT NULL OR metadata <> '{}')",
        {"id": world.user.id},
    )
    assert left == [(0,)]


@pytest.mark.parametrize(
    ("columns", "salts"),
    [("metadata = '{}', description = NULL", "content_salt = NULL"),
     ("ip_address = NULL, user_agent = NULL", "origin_salt = NULL")],
)  # fmt: skip
async def test_what_was_erased_by_nobody_we_know_is_named(
    storage: Storage, pg: Postgres, world: World, columns: str, salts: str
) -> None:
    entry = await _entry(pg, world, 5)
    await pg.execute(f"UPDATE audit_log SET {columns} WHERE id = %(id)s", {"id": entry})
    await pg.execute(f"UPDATE audit_seals SET {salts} WHERE entry = %(id)s", {"id": entry})
    first = await _first(storage)
    assert (first.fault, first.position, first.entry) == (Fault.ALTERED, 5, entry)


async def test_what_is_removed_as_too_old_leaves_a_chain_that_verifies(
    storage: Storage, pg: Postgres, world: World
) -> None:
    old = "SELECT entry FROM audit_seals WHERE place <= 6"
    await pg.execute(
        f"UPDATE audit_log SET created_at = created_at - interval '9 days' WHERE id IN ({old})"
    )
    while await audit_trail.shorten(storage, KEYS, 7, 4):
        pass
    assert await pg.fetch("SELECT min(place), count(*) FROM audit_seals") == [(7, 5)]
    assert await pg.fetch("SELECT count(*) FROM audit_log") == [(5,)]
    report = await _report(storage)
    assert report.count == 0
    await _happen(storage, world, 11)
    await _seal(storage)
    assert (await _report(storage)).count == 0
    await pg.execute("DELETE FROM audit_log WHERE id = %(id)s", {"id": await _entry(pg, world, 7)})
    first = await _first(storage)
    assert (first.fault, first.position) == (Fault.MISSING, 7)


async def test_nothing_goes_that_is_not_signed_for(
    storage: Storage, pg: Postgres, world: World
) -> None:
    await pg.execute("UPDATE audit_log SET created_at = created_at - interval '9 days'")
    await _happen(storage, world, 11)
    await _seal(storage)
    await pg.execute("UPDATE audit_log SET created_at = created_at - interval '9 days'")
    assert await audit_trail.shorten(storage, KEYS, 7, 100) == 11, "the last one is not signed for"
    await pg.execute("UPDATE audit_state SET checkpoint_at = checkpoint_at - interval '1 hour'")
    await _seal(storage)
    assert await audit_trail.shorten(storage, KEYS, 7, 100) == 1


_DAMAGE: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "one byte": lambda lines: [x.replace(b"192.0.2.4", b"192.0.2.5", 1) for x in lines],
    "a line is gone": lambda lines: lines[:5] + lines[6:],
    "two lines change places": lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
    "a line twice": lambda lines: [*lines[:6], lines[5], *lines[6:]],
    "cut off": lambda lines: lines[:-3],
    "something after the end": lambda lines: [*lines, lines[5]],
    "no line of ours": lambda lines: [*lines[:5], b"{]\n", *lines[6:]],
    "a checkpoint is gone": lambda lines: [x for x in lines if b'"checkpoint"' not in x],
}


@pytest.mark.parametrize("damage", _DAMAGE.values(), ids=_DAMAGE)
async def test_a_file_proves_itself_without_a_database(
    storage: Storage, world: World, tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = tmp_path / "trail"
    with path.open("wb") as file:
        assert await audit_proof.export(storage, file) == 11
    public = Verifiers.of_jwks(KEYS.verifiers.jwks()["keys"])
    assert audit_proof.verify_file(path, public, None).count == 0
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    assert audit_proof.verify_file(path, public, None).count > 0


async def test_the_chain_of_one_organization_is_a_file_of_its_own(
    storage: Storage, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "trail"
    with path.open("wb") as file:
        assert await audit_proof.export(storage, file, world.organization.id) == 10
    report = audit_proof.verify_file(path, KEYS.verifiers, KEYS)
    assert (report.count, report.entries, report.chains) == (0, 10, 1)
    assert INSTALLATION.encode() + b'","position"' not in path.read_bytes()


async def test_what_is_committed_late_is_sealed_all_the_same(
    storage: Storage, pg: Postgres, world: World
) -> None:
    """Its number is lower than that of what was sealed before it."""
    async with storage.transaction() as late:
        await events.record(late, "key.rotated", metadata={"late": True})
        await _happen(storage, world, 11)
        await _seal(storage)
    await _seal(storage)
    report = await _report(storage)
    assert (report.count, report.entries, report.unsealed) == (0, 13, 0)
