"""`porta audit verify`: what a person reads of each finding, and what a large trail takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from porta.__main__ import main
from porta.audit import events
from porta.audit.actors import Actor
from porta.audit.events import stamped
from porta.limits.origin import Origin
from porta.security.audit_keys import AuditKeys
from porta.services import audit_sealing
from storage.models.events import Event
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests import factories
from tests.factories import new_id
from tests.world.databases import run_apart

ROOT = Path(__file__).parents[3]
KEY = "ab" * 32
KEYS = AuditKeys((bytes.fromhex(KEY),))
ACME = "0b6b0f4e-3c1a-4d5c-9c3e-9b1b3b4b5c6d"
MANY = 200_000
_CPU, _MEMORY = 90.0, 40.0
"""Seconds, and MB more than a small trail takes: of 200,000 entries, which are 100 MB."""
# The highest of this program alone: rusage would count the one that it was forked from (proc(5)).
_MEASURED = """
import re, sys, time
from pathlib import Path
from porta.__main__ import main
main(["audit", "verify"], standalone_mode=False)
(most,) = re.findall(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
print(time.process_time(), "s", most, file=sys.stderr)
"""
Verify = Callable[..., Result]


@pytest.fixture
def verify(fresh_database_url: str) -> Verify:
    """Run the command on a trail of six entries, after something was done to it."""

    def invoke(sql: str = "", *options: str, key: str | None = KEY) -> Result:
        run_apart(_fill(fresh_database_url, sql))
        environment = {
            "DATABASE_URL": fresh_database_url,
            "SIGNING_KEY_ENCRYPTION_KEY": key,
            "COLUMNS": "80",
        }
        return CliRunner(env=environment).invoke(main, ["audit", "verify", *options])

    return invoke


async def _fill(url: str, sql: str) -> None:
    storage = (await Storage.open(url, pool_size=1, stamp=KEYS.stamp)).everywhere
    await storage.organizations.insert(factories.organization(id=ACME, name="Acme", slug="acme"))
    for number in range(5):
        await events.record(
            storage,
            "user.created",
            organization_id=ACME,
            user_id=new_id(),
            description=f"number {number}",
            actor=Actor(user_id=new_id()),
            origin=Origin("192.0.2.1", "a browser", "a request"),
        )
    await events.record(storage, "key.rotated", metadata={"kid": "1"})
    async with storage.transaction() as tx:
        await audit_sealing.seal_all(tx, KEYS, 2)
    await storage.close()
    if sql:
        pg = await Postgres.open(url, 1)
        await pg.execute(sql)
        await pg.close()


_SEAL = f"chain = '{ACME}' AND position"
_ENTRY = f"id = (SELECT entry FROM audit_seals WHERE {_SEAL} = 3)"
_FINDINGS = {
    "altered": (
        f"UPDATE audit_log SET description = E'told \\x1b[2J otherwise' WHERE {_ENTRY}",
        "✗ chain of acme, position 3, entry {id} (user.created, {at}): altered: description or"
        " metadata",
    ),
    "missing": (
        f"DELETE FROM audit_log WHERE {_ENTRY}",
        "✗ chain of acme, position 3, entry {id}: missing: it was sealed, and is not there",
    ),
    "missing with its seal": (
        f"WITH gone AS (DELETE FROM audit_seals WHERE {_SEAL} = 3 RETURNING entry)"
        " DELETE FROM audit_log WHERE id IN (SELECT entry FROM gone)",
        "✗ chain of acme, position 3: missing: position 4 stands in its place",
    ),
    "moved": (
        f"WITH two AS (SELECT position, entry FROM audit_seals WHERE {_SEAL} IN (3, 4))"
        f" UPDATE audit_seals s SET entry = gen_random_uuid() FROM two WHERE s.entry = two.entry;"
        f" UPDATE audit_seals SET entry = (SELECT id FROM audit_log WHERE description = 'number 3')"
        f" WHERE {_SEAL} = 3;"
        f" UPDATE audit_seals SET entry = (SELECT id FROM audit_log WHERE description = 'number 2')"
        f" WHERE {_SEAL} = 4",
        "position 3, entry {id} (user.created, {at}): moved: description or metadata: the entry is"
        " genuine, and not the one sealed here",
    ),
    "appended": (
        "INSERT INTO audit_log (event_type, event_category) VALUES (E'user.\\x1b[31mcreated', 'x')",
        "✗ chain of the installation, entry {id} (user. [31mcreated, {at}): appended: not written"
        " by this installation, and not sealed",
    ),
    "checkpoint gone": (
        "DELETE FROM audit_checkpoints",
        "✗ missing: checkpoint 1: it was signed",
    ),
    "checkpoint altered": (
        "UPDATE audit_checkpoints SET content = replace(content, '\"place\":6', '\"place\":5')",
        "✗ altered: checkpoint 1: its signature is of something else",
    ),
    "erased": (
        f"UPDATE audit_log SET ip_address = NULL, user_agent = NULL WHERE {_ENTRY};"
        f" UPDATE audit_seals SET origin_salt = NULL WHERE {_SEAL} = 3",
        "✗ chain of acme, position 3, entry {id} (user.created, {at}): altered: address or program"
        " erased, and no entry tells of it",
    ),
}


@pytest.mark.parametrize("name", _FINDINGS)
def test_a_finding_is_told_in_one_line(verify: Verify, name: str) -> None:
    sql, expected = _FINDINGS[name]
    result = verify(sql)
    assert result.exit_code == 1, result.output
    lines = result.output.splitlines()
    told = [_plain(line) for line in lines]
    assert any(_plain(expected) in line for line in told), result.output
    assert lines[-1].startswith("✗ "), "the sum comes last"
    assert "problem" in lines[-1]
    assert "\x1b" not in result.output


def _plain(line: str) -> str:
    """Return a line without what is of this run alone."""
    words = line.replace("{id}", "ID").replace("{at}", "AT").split(" ")
    return " ".join(_word(each) for each in words)


def _word(word: str) -> str:
    kept = word.rstrip(":),")
    if len(kept) == 36 and kept.count("-") == 4:
        return "ID" + word[36:]
    if len(kept) > 20 and kept.endswith("Z") and kept[10] == "T":
        return "AT" + word[len(kept) :]
    return word


def test_a_trail_that_nobody_touched(verify: Verify) -> None:
    result = verify()
    assert (result.exit_code, result.output) == (
        0,
        "✓ 6 entries in 2 chains, 1 checkpoint: no problems\n",
    )


def test_an_entry_that_waits_too_long_is_named(verify: Verify) -> None:
    result = verify(
        "INSERT INTO audit_unsealed SELECT sequence FROM audit_log ORDER BY 1 DESC LIMIT 1;"
        "DELETE FROM audit_seals WHERE place = 6; DELETE FROM audit_checkpoints;"
        "DELETE FROM audit_chains WHERE place = 6;"
        "UPDATE audit_state SET place = 5, checkpoint = 0, checkpoint_place = 0",
        "--patience",
        "0",
    )
    assert result.exit_code == 1
    told = r"entry \S+ \(key\.rotated, \S+\): not sealed: written \d+ seconds ago, and never sealed"
    assert re.search(told, result.output), result.output


def test_another_key_proves_nothing(verify: Verify) -> None:
    result = verify("", key="cd" * 32)
    assert result.exit_code == 1
    assert "not proven: checkpoint 1: its key" in result.output


def test_without_any_key_it_is_said_what_to_give(verify: Verify) -> None:
    result = verify("", key=None)
    assert result.exit_code == 2
    assert "--jwks" in result.output


@pytest_asyncio.fixture(loop_scope="session")
async def large(fresh_database_url: str) -> AsyncIterator[str]:
    """A database with very many sealed entries."""
    storage = (await Storage.open(fresh_database_url, pool_size=1, stamp=KEYS.stamp)).everywhere
    pg = await Postgres.open(fresh_database_url, 1, statement_timeout=0)
    chains = [new_id() for _ in range(20)]
    for start in range(0, MANY, 2000):
        await _write(
            pg, [_entry(chains[number % 20], number) for number in range(start, start + 2000)]
        )
    await pg.execute("ANALYZE")
    while (await audit_sealing.seal(storage, KEYS)).entries:
        pass
    await pg.close()
    await storage.close()
    yield fresh_database_url


def _entry(chain: str, number: int) -> Event:
    made = Event(
        event_type="user.login.password",
        event_category="authentication",
        organization_id=chain,
        user_id=new_id(),
        actor_id=None,
        actor_type="user",
        actor_client=None,
        description=None,
        metadata=msgspec.json.encode({"client_id": f"client {number}"}).decode(),
        ip_address="192.0.2.1",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        request_id=new_id(),
    )
    return stamped(made, KEYS.stamp)


async def _write(pg: Postgres, entries: list[Event]) -> None:
    columns = {name: [getattr(each, name) for each in entries] for name in Event.__struct_fields__}
    await pg.execute(
        "INSERT INTO audit_log (id, organization_id, user_id, actor_type, event_type,"
        " event_category, metadata, ip_address, user_agent, request_id, mac)"
        " SELECT id, organization_id, user_id, actor_type, event_type, event_category,"
        " metadata::jsonb, ip_address::inet, user_agent, request_id, decode(mac, 'hex')"
        " FROM unnest(%(id)s::uuid[], %(organization_id)s::uuid[], %(user_id)s::uuid[],"
        " %(actor_type)s::text[], %(event_type)s::text[], %(event_category)s::text[],"
        " %(metadata)s::text[], %(ip_address)s::text[], %(user_agent)s::text[],"
        " %(request_id)s::text[], %(mac)s::text[]) AS new (id, organization_id, user_id,"
        " actor_type, event_type, event_category, metadata, ip_address, user_agent, request_id,"
        " mac)",
        columns,
    )


def _cost(url: str) -> tuple[str, float, float]:
    """Return what the command prints, and the seconds of CPU and MB of memory that it takes."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED],
        env={**os.environ, "DATABASE_URL": url, "SIGNING_KEY_ENCRYPTION_KEY": KEY},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, _, memory = done.stderr.split()[-3:]
    return done.stdout, float(cpu), int(memory) / 1024


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_large_trail_is_verified_in_bounded_time_and_memory(
    large: str,
) -> None:
    output, cpu, memory = _cost(large)
    pg = await Postgres.open(large, 1)
    await pg.execute("TRUNCATE audit_log, audit_seals, audit_chains, audit_checkpoints")
    await pg.execute(
        "UPDATE audit_state SET place = 0, checkpoint = 0, checkpoint_place = 0,"
        " checkpoint_hash = ''"
    )
    await pg.close()
    _, _, least = _cost(large)
    print(f"{MANY} entries: {cpu:.1f} s of CPU, {memory:.0f} MB, of which {least:.0f} for none")
    assert f"✓ {MANY} entries in 20 chains" in output
    assert cpu < _CPU
    assert memory - least < _MEMORY
