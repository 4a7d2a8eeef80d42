"""porta keys reencrypt: what is encrypted at rest, anew under another key."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from porta.cli.keys import keys
from porta.security.encryption import DecryptionFailed, Encrypted, decrypt, encrypt
from porta.security.keys import KeyUnusable, is_encrypted_under
from porta.services import reencryption, signing_keys
from porta.services.reencryption import AtRest
from storage.postgres.driver import Postgres
from storage.router import Storage
from tests.porta.security import rows as made_rows
from tests.succession import porta_1x
from tests.succession.sign_in import serving, tokens
from tests.world.waiting import eventually

OLD, NEW, OTHER = bytes.fromhex(porta_1x.KEY), bytes.fromhex("3c" * 32), bytes.fromhex("7d" * 32)
OLD_2FA, NEW_2FA = bytes.fromhex("2a" * 32), bytes.fromhex("2b" * 32)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_ENV = {
    "ISSUER_BASE_URL": "http://localhost:3000",
    "COOKIE_KEYS": "c" * 32,
    "REDIS_URL": "",
    "SIGNING_KEY_ENCRYPTION_KEY": NEW.hex(),
    "SIGNING_KEY_DECRYPTION_KEYS": OLD.hex(),
    "TWO_FACTOR_ENCRYPTION_KEY": NEW_2FA.hex(),
    "TWO_FACTOR_DECRYPTION_KEYS": OLD_2FA.hex(),
}
_PEOPLE = 3000
Read = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


@pytest_asyncio.fixture
async def storage(adopted: str, database: Postgres) -> AsyncIterator[Storage]:
    """A database of 1.x that we have served on: keys of each table and ring, a TOTP secret."""
    opened = await Storage.open(adopted, pool_size=2)
    await signing_keys.ensure(opened.everywhere, (OLD,), now=1e9, lead=0)
    await signing_keys.ensure(
        opened.everywhere, (OLD,), now=1e9, lead=0, organization_id=porta_1x.DOCK
    )
    await _store_totp(database, OLD_2FA)
    yield opened.everywhere
    await opened.close()


async def _store_totp(database: Postgres, key: bytes) -> None:
    """Have the fixture's secret as 1.x encrypts it."""
    values = encrypt(SECRET, key)._asdict()
    await database.execute(
        "UPDATE user_totp SET encrypted_secret = %(ciphertext)s, encryption_iv = %(iv)s,"
        " encryption_tag = %(tag)s",
        values,
    )


async def _many(database: Postgres) -> None:
    await database.execute(
        f"""
        WITH people AS (
            INSERT INTO users (organization_id, email)
            SELECT '{porta_1x.DOCK}', 'many' || n || '@dock.example'
            FROM generate_series(1, {_PEOPLE}) n RETURNING id
        )
        INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv, encryption_tag)
        SELECT people.id, encrypted_secret, encryption_iv, encryption_tag
        FROM people, user_totp
        """
    )


async def _run(url: str, *arguments: str, **env: str | None) -> Result:
    """Run the command, which has a loop of its own, in a thread."""
    given = {**_ENV, "DATABASE_URL": url, **env}
    return await asyncio.to_thread(CliRunner().invoke, keys, ["reencrypt", *arguments], env=given)


async def _stored(database: Postgres) -> Read:
    columns = "kid, private_key, private_key_iv, private_key_tag, encrypted"
    return (
        await database.fetch(
            f"SELECT {columns} FROM signing_keys UNION ALL"
            f" SELECT {columns} FROM ring_keys ORDER BY 1"
        ),
        await database.fetch("SELECT * FROM user_totp ORDER BY id"),
    )


async def _secrets(database: Postgres, *accepted: bytes) -> list[int]:
    """Return how many TOTP secrets open under each key; all have to open under one."""
    found = await database.fetch(
        "SELECT encrypted_secret, encryption_iv, encryption_tag FROM user_totp"
    )
    counts = [sum(_opens(row, key) for row in found) for key in accepted]
    assert sum(counts) == len(found)
    return counts


def _opens(row: Iterable[str], key: bytes) -> bool:
    try:
        return decrypt(Encrypted(*row), key) == SECRET
    except DecryptionFailed:
        return False


async def _keys_under(storage: Storage, key: bytes) -> set[bool]:
    return {is_encrypted_under(row, (key,)) for row in await storage.signing_keys.list()}


async def test_reencryption_takes_every_table_form_and_ring(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    for row in (
        made_rows.bound_row(number=4, key=OLD, id=str(uuid4())),  # of a version before the way back
        made_rows.row("RS256", key=OTHER, id=str(uuid4())),
    ):
        await storage.signing_keys.insert(row)
    before = {row.kid: row for row in await storage.signing_keys.list()}
    assert {row.is_bound for row in before.values()} == {True, False}
    several = f"{OLD.hex()} , {OTHER.hex()}"
    done = await _run(adopted, "--yes", SIGNING_KEY_DECRYPTION_KEYS=several)
    assert done.exit_code == 0, done.output
    assert await _keys_under(storage, NEW) == {True}
    assert await _keys_under(storage, OLD) == {False}
    assert await _secrets(database, NEW_2FA, OLD_2FA) == [1, 0]
    for row in await storage.signing_keys.list():
        former = before[row.kid]
        for name in ("id", "public_key", "status", "activated_at", "created_at", "retired_at"):
            assert getattr(row, name) == getattr(former, name), name
    recorded = await database.fetch(
        "SELECT (metadata->>'totp_secrets')::int, jsonb_array_length(metadata->'kids')"
        " FROM audit_log WHERE event_type = 'key.reencrypted'"
    )
    assert recorded == [(1, len(before))]
    stored = await _stored(database)
    again = await _run(adopted, "--yes", SIGNING_KEY_DECRYPTION_KEYS="")
    assert (again.exit_code, "Nothing to do" in again.output) == (0, True)
    assert await _stored(database) == stored


async def test_reencryption_1x_reads_it_with_the_new_key(
    adopted: str, database: Postgres, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should it come back, it is given the key that holds by then."""
    before = await porta_1x.load_keys(database)
    assert (await _run(adopted, "--yes")).exit_code == 0
    with pytest.raises(DecryptionFailed):
        await porta_1x.load_keys(database)
    monkeypatch.setattr(porta_1x, "KEY", NEW.hex())
    assert await porta_1x.load_keys(database) == before


async def test_reencryption_tells_first_and_changes_nothing_until_it_is_told(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    before = await _stored(database)
    kids = {row.kid for row in await storage.signing_keys.list()}
    told = await _run(adopted, "--dry-run")
    assert told.exit_code == 0, told.output
    assert all(f"would encrypt: signing key {kid}" in told.output for kid in kids)
    assert "would encrypt: 1 TOTP secrets" in told.output
    unanswered = await _run(adopted)
    assert unanswered.exit_code != 0
    assert await _stored(database) == before
    assert before[0], "there are some"


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"SIGNING_KEY_DECRYPTION_KEYS": OTHER.hex()}, "SIGNING_KEY_DECRYPTION_KEYS"),
        ({"SIGNING_KEY_DECRYPTION_KEYS": ""}, "SIGNING_KEY_DECRYPTION_KEYS"),
        ({"TWO_FACTOR_DECRYPTION_KEYS": OTHER.hex()}, "TWO_FACTOR_DECRYPTION_KEYS"),
        ({"TWO_FACTOR_DECRYPTION_KEYS": ""}, "TWO_FACTOR_DECRYPTION_KEYS"),
        ({"SIGNING_KEY_DECRYPTION_KEYS": "0f" * 31}, "SIGNING_KEY_DECRYPTION_KEYS"),
        ({"TWO_FACTOR_DECRYPTION_KEYS": f"{OLD_2FA.hex()};"}, "TWO_FACTOR_DECRYPTION_KEYS"),
    ],
)
async def test_reencryption_a_wrong_key_is_refused_before_anything_is_written(
    adopted: str, database: Postgres, storage: Storage, env: dict[str, str], named: str
) -> None:
    before = await _stored(database)
    for arguments in (["--yes"], ["--dry-run"]):
        refused = await _run(adopted, *arguments, **env)
        assert refused.exit_code == 1
        assert named in refused.output
        assert await _stored(database) == before


async def test_reencryption_one_row_of_another_key_stops_all(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    lost = made_rows.row("EdDSA", number=6, key=OTHER, id=str(uuid4()))
    await storage.signing_keys.insert(lost)
    before = await _stored(database)
    refused = await _run(adopted, "--yes")
    assert (refused.exit_code, lost.kid in refused.output) == (1, True)
    assert await _stored(database) == before
    await signing_keys.revoke(storage, (OLD,), lost.kid, now=2e9, force=True)
    assert (await _run(adopted, "--yes")).exit_code == 0, "once it is given up"


async def test_reencryption_what_1x_left_in_the_clear_is_encrypted_once_somebody_vouches(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    made, planted = (made_rows.plain_row(number=n, id=str(uuid4())) for n in (8, 9))
    for row in (made, planted):
        await storage.signing_keys.insert(row)
    before = await _stored(database)
    refused = await _run(adopted, "--yes", "--adopt", "0" * 16, "--adopt", made.kid)
    assert (refused.exit_code, "0" * 16 in refused.output) == (1, True)
    assert await _stored(database) == before
    done = await _run(adopted, "--yes", "--adopt", made.kid)
    assert done.exit_code == 0, done.output
    assert f"--adopt {planted.kid}" in done.output
    found = {row.kid: row for row in await storage.signing_keys.list()}
    assert is_encrypted_under(found[made.kid], (NEW,))
    assert not found[planted.kid].encrypted


async def test_reencryption_without_a_key_for_them_totp_secrets_stay(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    done = await _run(
        adopted, "--yes", TWO_FACTOR_ENCRYPTION_KEY=None, TWO_FACTOR_DECRYPTION_KEYS=None
    )
    assert done.exit_code == 0, done.output
    assert "1 TOTP secrets stay as they are" in done.output
    assert await _secrets(database, OLD_2FA) == [1]
    assert await _keys_under(storage, NEW) == {True}


async def test_reencryption_whoever_is_killed_calls_again(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    await _many(database)
    command = [sys.executable, "-m", "porta", "keys", "reencrypt", "--yes"]
    for _ in range(2):
        process = subprocess.Popen(
            command, env={**os.environ, **_ENV, "DATABASE_URL": adopted},
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        assert "looked at" in process.stderr.readline(), "a batch is committed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        anew, _ = await _secrets(database, NEW_2FA, OLD_2FA)
        assert anew >= 500
        assert await _keys_under(storage, NEW) == {True}
    done = await _run(adopted, "--yes")
    assert done.exit_code == 0, done.output
    assert await _secrets(database, NEW_2FA, OLD_2FA) == [_PEOPLE + 1, 0]


async def test_reencryption_a_transaction_that_fails_leaves_what_it_found(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    """Interrupted at a row in the middle, which nobody can tell from a kill there."""
    await database.execute(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'stopped'; END $$;"
        " CREATE TRIGGER stop BEFORE INSERT ON ring_keys FOR EACH ROW"
        " WHEN (NEW.algorithm = 'EdDSA') EXECUTE FUNCTION stop()"
    )
    before = await _stored(database)
    assert (await _run(adopted, "--yes")).exit_code == 1
    assert await _stored(database) == before
    await database.execute("DROP TRIGGER stop ON ring_keys")
    assert (await _run(adopted, "--yes")).exit_code == 0


async def test_reencryption_what_changes_meanwhile_is_not_lost(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    """Another secret is enrolled under the row that was just read: it waits, and stands."""
    held = await Postgres.open(adopted, 1)
    fresh = encrypt(SECRET, NEW_2FA)
    at_rest = AtRest((NEW, OLD), (NEW_2FA, OLD_2FA))
    try:
        async with held.transaction() as transaction:
            await transaction.execute(
                "UPDATE user_totp SET encrypted_secret = %(ciphertext)s, encryption_iv = %(iv)s,"
                " encryption_tag = %(tag)s",
                fresh._asdict(),
            )
            running = asyncio.ensure_future(reencryption.run(storage, at_rest))
            await eventually(lambda: _waits(database))
        await running
    finally:
        await held.close()
    (found,) = await database.fetch(
        "SELECT encrypted_secret, encryption_iv, encryption_tag FROM user_totp"
    )
    assert found == tuple(fresh)


async def _waits(database: Postgres) -> bool:
    row = await database.fetchrow(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    return row is not None and row[0] > 0


async def test_reencryption_servers_with_both_keys_go_on(
    adopted: str, database: Postgres, storage: Storage
) -> None:
    """Those that encrypt under the old one still, and those that do under the new one already."""
    old, new, both = OLD.hex(), NEW.hex(), (NEW.hex(),)
    async with (
        serving(adopted, signing_key_decryption_keys=both) as former,
        serving(
            adopted, signing_key_encryption_key=new, signing_key_decryption_keys=(old,)
        ) as latter,
    ):
        servers = (former, latter)
        jwks = {(await _jwks(served)) for served in servers}
        assert (await _run(adopted, "--yes")).exit_code == 0
        for served in servers:
            await eventually(partial(_has_heard, served))
        assert {(await _jwks(served)) for served in servers} == jwks
        for served in servers:
            issued = await tokens(served)
            assert "id_token" in issued
        # A key that a server with the old one makes is read by the other, and encrypted next time.
        made = await signing_keys.rotate(
            storage, former.runtime.settings.signing_key_encryption_keys, now=2e9, lead=0,
            algorithm="EdDSA",
        )  # fmt: skip
        assert is_encrypted_under(made[0], (OLD,))
    assert (await _run(adopted, "--yes")).exit_code == 0
    async with serving(adopted, signing_key_encryption_key=new) as alone:
        assert (await _jwks(alone)) >= next(iter(jwks))
        assert "id_token" in await tokens(alone)
    with pytest.raises(KeyUnusable):
        async with serving(adopted):
            pass


async def _jwks(served: Any) -> frozenset[str]:
    answer = await served.http.get(f"{served.issuer('dock')}/jwks")
    return frozenset(jwk["kid"] for jwk in answer.json()["keys"])


async def _has_heard(served: Any) -> bool:
    """Whether the server's snapshot is of the rows that are encrypted anew."""
    rings = (await served.runtime.snapshot()).keys
    rows = rings._by_kid.values()
    return all(is_encrypted_under(row, (NEW,)) for row in rows)
