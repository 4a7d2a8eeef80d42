"""docs/succession.md, walked by an operator: each command as it stands there."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from storage.postgres.driver import Postgres
from tests.porta.security import rows as made_rows
from tests.succession import porta_1x
from tests.succession.sign_in import token, tokens
from tests.world.ports import free_port
from tests.world.served import Served
from tests.world.serving import serving as a_server
from tests.world.waiting import eventually

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "succession.md").read_text("utf-8")
_MENTIONED = {"porta provision", "porta dev"}
"""Commands of the guide that are no step of it."""
_STARTS = 60.0
"""Seconds that a server may take to be ready where every core has other work."""


class Operator:
    """Types what the guide says, in the environment of 1.x."""

    def __init__(self, url: str, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.typed: set[str] = set()
        self.environment = {
            "NODE_ENV": "production",
            "DATABASE_URL": url,
            "ISSUER_BASE_URL": f"http://127.0.0.1:{self.port}",
            "COOKIE_KEYS": "a-cookie-key-of-the-installation-of-1x",
            "SIGNING_KEY_ENCRYPTION_KEY": porta_1x.KEY,
            "TWO_FACTOR_ENCRYPTION_KEY": "2a" * 32,
            "SMTP_HOST": "mail.example.com",
            "SMTP_FROM": "id@example.com",
            "TRUST_PROXY": "true",
        }

    async def types(self, command: str, *more: str, **values: str) -> Result:
        """Run a command of the guide; `values` stand for its words in capitals."""
        assert f"`{command}`" in GUIDE
        self.typed.add(command)
        words = [values.get(word, word) for word in shlex.split(command)[1:]]
        runner = CliRunner(env=self.environment)
        # A command has a loop of its own.
        return await asyncio.to_thread(runner.invoke, main, [*words, *more])

    @asynccontextmanager
    async def serves(self) -> AsyncIterator[Served]:
        """Start a server in the place of 1.x, wait until it can be sent people, and stop it."""
        log = self.folder / "porta.log"
        environment = {**self.environment, "PORTA_SKIP_PROD_SAFETY": "false"}
        with a_server(log, self.port, **environment) as process:
            async with httpx.AsyncClient(timeout=60) as http:

                async def ready() -> bool:
                    assert process.poll() is None, log.read_text()
                    try:
                        answer = await http.get(f"http://127.0.0.1:{self.port}/ready")
                    except httpx.TransportError:
                        return False
                    return answer.status_code == 200

                await eventually(ready, _STARTS)
                # There is no runtime: it is another process, as an operator has it.
                yield Served(None, http, f"http://127.0.0.1:{self.port}")  # type: ignore[arg-type]
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, _STARTS) == 0

    def has_read(self, event: str) -> bool:
        """Tell whether the log of the last server tells of `event`."""
        lines = (self.folder / "porta.log").read_text().splitlines()
        return any(event in json.loads(line).values() for line in lines if line.startswith("{"))


async def test_succession_guide_can_be_walked_there_back_and_there_again(
    of_1x: str, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    value = await porta_1x.leave_refresh_token(database)
    await database.execute(
        "UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'totp' WHERE id <> %(id)s",
        {"id": porta_1x.CLEO},
    )
    operator = Operator(of_1x, tmp_path)
    await _looks_and_migrates(operator)
    before = await porta_1x.read(database)
    async with operator.serves() as served:
        issued = await _serves_as_before(served, value)
    assert operator.has_read("config.inherited")

    await _goes_back(operator, database, before)
    kid = await _was_rotated_there(database)
    told = await operator.types("porta migrate check --json")
    assert kid in _places(told)["keys_in_the_clear"]
    adopted = await operator.types("porta keys adopt KID", "--yes", KID=kid)
    assert adopted.exit_code == 0, adopted.stderr

    async with operator.serves() as served:
        assert "id_token" in await tokens(served)
        again = await token(
            served, grant_type="refresh_token", refresh_token=issued["refresh_token"]
        )
        assert again.status_code == 200, "what we issued before 1.x was back is good still"
    await _finishes(operator, database)
    async with operator.serves() as served:
        assert "id_token" in await tokens(served)
    assert operator.typed == _commands() - _MENTIONED


def _commands() -> set[str]:
    """Every command of the guide that stands there to be typed."""
    found = set(re.findall(r"`(porta [a-z][^`]*)`", GUIDE))
    # One is named without its argument where it is spoken of.
    return found - {each for each in found if any(o.startswith(f"{each} KID") for o in found)}


def _places(told: Result) -> dict[str, list[str]]:
    """Return where each finding is met; the guide has to know them all."""
    found: list[dict[str, Any]] = json.loads(told.stdout)["findings"]
    assert {each["key"] for each in found} <= set(re.findall(r"`([a-z_]+)`", GUIDE))
    return {each["key"]: [met["who"] for met in each["met"]] for each in found}


async def _looks_and_migrates(operator: Operator) -> None:
    looked = await operator.types("porta migrate check")
    assert looked.exit_code == 1, "the schema is not ours yet"
    assert all(word in looked.stdout for word in ("STOPS", "INFORMS"))
    assert (await operator.types("porta migrate check --schema")).exit_code == 1
    migrated = await operator.types("porta migrate up")
    assert migrated.exit_code == 0, migrated.stderr
    assert "encrypted signing key c5a271e8ec62329c" in migrated.stdout, "named"
    looked = await operator.types("porta migrate check")
    assert "The schema is that of this version." in looked.stdout
    assert looked.exit_code == 3, "of this database something stops, schema or no schema"
    assert (await operator.types("porta migrate check --schema")).exit_code == 0
    told = await operator.types("porta migrate check --json")
    assert told.exit_code == 3
    assert _places(told)["refresh_tokens"]
    status = await operator.types("porta migrate status")
    assert "way back to Porta 1.x is open" in status.stderr


async def _serves_as_before(served: Served, value: str) -> dict[str, Any]:
    """Somebody signs in with the password of 1.x, and somebody who was offline goes on."""
    issued = await tokens(served)
    assert len(issued["access_token"]) == 43, "opaque, as before"
    renewed = await token(served, grant_type="refresh_token", refresh_token=value)
    assert renewed.status_code == 200, renewed.text
    return issued


async def _goes_back(
    operator: Operator, database: Postgres, before: dict[str, dict[Any, Any]]
) -> None:
    """1.6.1 starts, and finds every row as it was, but for who has signed in."""
    after = await porta_1x.read(database)
    changed = {
        table for table, rows in before.items() for key, row in rows.items()
        if after[table].get(key) != row
    }  # fmt: skip
    assert changed == {"users"}
    (person,) = [row for key, row in after["users"].items() if before["users"][key] != row]
    assert str(person[0]) == porta_1x.CLEO
    rotated = await operator.types("porta keys rotate", "--yes")
    assert rotated.exit_code == 0, rotated.stderr
    newest, *others = await porta_1x.load_keys(database)
    assert newest in rotated.stdout
    assert "126a675dc58ac7aa" in others, "with which it signed before"
    await database.execute(porta_1x.WRITES["a sign-in"])
    status = await operator.types("porta migrate status")
    assert "way back to Porta 1.x is open" in status.stderr


async def _was_rotated_there(database: Postgres) -> str:
    """Rotate by the Admin API of 1.x, which leaves the new key in the clear; return its kid."""
    pair = made_rows.pair(number=8)
    await database.execute(porta_1x.WRITES["a rotation"])
    await database.execute(
        "INSERT INTO signing_keys (kid, algorithm, public_key, private_key, status) VALUES"
        " (%(kid)s, 'ES256', %(public_key)s, %(private_key)s, 'active')",
        {"kid": pair.kid, "public_key": pair.public_key, "private_key": pair.private_key},
    )
    return pair.kid


async def _finishes(operator: Operator, database: Postgres) -> None:
    unanswered = await operator.types("porta migrate finish")
    assert unanswered.exit_code != 0, "it asks"
    done = await operator.types("porta migrate finish", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "refresh tokens of 1.x are still good" in done.stdout
    status = await operator.types("porta migrate status")
    assert "way back to Porta 1.x is closed" in status.stderr
    looked = await operator.types("porta migrate check")
    assert looked.exit_code == 0, "after it the schema alone is looked at"
    await database.execute("UPDATE oidc_payloads SET expires_at = now()")
    again = await operator.types("porta migrate finish", "--yes")
    assert "oidc_payloads is gone" in again.stdout
