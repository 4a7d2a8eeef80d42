"""porta migrate up at a database of Porta 1.x: keys in the clear are encrypted (security 13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.cli.migrate import migrate
from porta.security.encryption import Encrypted, decrypt
from porta.security.keyring import KeyRings
from storage.models.signing_keys import SigningKey
from storage.postgres.driver import Postgres
from storage.repositories.signing_keys import SigningKeys
from tests.porta.security.rows import pair
from tests.world.databases import run_apart

FIXTURE = Path(__file__).parents[2] / "storage" / "fixtures" / "porta_1x.sql"
KEY = "0f" * 32
PLAIN, ENCRYPTED = "c5a271e8ec62329c", "126a675dc58ac7aa"
Run = Callable[..., Result]


@pytest.fixture
def database(create_database: Callable[..., str]) -> str:
    """A database of Porta 1.x that holds a key in the clear, and one that is encrypted."""
    url = create_database()
    _at(url, lambda pg: pg.execute(FIXTURE.read_text(encoding="utf-8")))
    return url


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNING_KEY_ENCRYPTION_KEY", raising=False)

    def invoke(key: str | None) -> Result:
        env = {"DATABASE_URL": database, "SIGNING_KEY_ENCRYPTION_KEY": key}
        return CliRunner().invoke(migrate, ["up"], env=env)

    return invoke


def _at(url: str, work: Callable[[Postgres], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        pg = await Postgres.open(url, 1, statement_timeout=0)
        try:
            return await work(pg)
        finally:
            await pg.close()

    return run_apart(opened())


def _keys(url: str) -> dict[str, SigningKey]:
    return {row.kid: row for row in _at(url, lambda pg: SigningKeys(pg).list())}


def test_security_13_an_adoption_encrypts_what_is_in_the_clear_and_says_so(
    database: str, run: Run
) -> None:
    adopted = run(KEY)
    assert adopted.exit_code == 0, adopted.output
    assert f"encrypted signing key {PLAIN}" in adopted.output
    assert ENCRYPTED not in adopted.output
    assert "PRIVATE" not in adopted.output
    row = _keys(database)[PLAIN]
    assert row.encrypted
    sealed = Encrypted(row.private_key, row.private_key_iv or "", row.private_key_tag or "")
    opened = decrypt(sealed, bytes.fromhex(KEY))
    assert opened.startswith("-----BEGIN PRIVATE KEY-----"), "in the form that 1.x reads as well"
    rings = KeyRings.build(_keys(database).values(), (bytes.fromhex(KEY),), longest_token_ttl=3600)
    ring = rings.of("", row.activated_at + 1)
    assert ring.verifier(PLAIN) is not None


@pytest.mark.parametrize("key", [None, "", "0f" * 31, "none"])
def test_security_13_without_the_key_at_hand_nothing_is_changed(
    database: str, run: Run, key: str | None
) -> None:
    refused = run(key)
    assert refused.exit_code == 1
    assert "SIGNING_KEY_ENCRYPTION_KEY" in refused.output
    assert _at(database, lambda pg: pg.fetch("SELECT to_regclass('schema_migrations')::text")) == [
        (None,)
    ]
    rows = _at(database, lambda pg: pg.fetch("SELECT kid FROM signing_keys WHERE NOT encrypted"))
    assert rows == [(PLAIN,)]
    assert run(KEY).exit_code == 0


def test_security_13_what_appears_in_the_clear_later_is_not_encrypted(
    database: str, run: Run
) -> None:
    """Else the next deployment would adopt a key that somebody else put there."""
    assert run(KEY).exit_code == 0
    planted = pair()
    sql = "INSERT INTO signing_keys (kid, public_key, private_key) VALUES (%(k)s, %(p)s, %(s)s)"
    values = {"k": planted.kid, "p": planted.public_key, "s": planted.private_key}
    _at(database, lambda pg: pg.execute(sql, values))
    again = run(KEY)
    assert again.exit_code == 0
    assert planted.kid not in again.output
    assert not _keys(database)[planted.kid].encrypted


def test_security_13_a_database_without_keys_in_the_clear_needs_no_key(
    database: str, run: Run
) -> None:
    _at(database, lambda pg: pg.execute("DELETE FROM signing_keys WHERE NOT encrypted"))
    adopted = run(None)
    assert adopted.exit_code == 0, adopted.output
    assert "encrypted signing key" not in adopted.output
