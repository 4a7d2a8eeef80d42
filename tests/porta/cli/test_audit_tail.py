"""porta audit tail: followed from a terminal, through a connection that breaks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from porta.admin_client.credentials import Credentials, CredentialsFile
from porta.audit import events
from porta.services import audit_sealing
from tests.factories import new_id
from tests.handlers.admin_api.streams import PATIENCE
from tests.world.administrators import Installation, installed
from tests.world.log import logged
from tests.world.relay import Relay, relay
from tests.world.served import Served, serve

ROOT = Path(__file__).parents[3]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[tuple[Served, Installation]]:
    with logged():
        async with (
            serve(database_url, redis_url) as served,
            installed(served.runtime, f"{served.base_url}/api/admin") as made,
        ):
            yield served, made


@pytest_asyncio.fixture(loop_scope="session")
async def wire(served: tuple[Served, Installation]) -> AsyncIterator[tuple[Relay, str]]:
    async with relay(served[0].base_url) as made:
        yield made


async def _happen(installation: Installation, *users: str, **more: Any) -> None:
    runtime = installation.runtime
    storage = runtime.storage.everywhere
    for user in users:
        await events.record(storage, "user.created", user_id=user, **more)
    while (await audit_sealing.seal(storage, runtime.audit_keys)).entries:
        pass


@asynccontextmanager
async def _tail(
    installation: Installation, server: str, folder: Path, *options: str, token: str | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Begin to follow, signed in as the super-admin, when nobody else does and nothing waits."""
    await _happen(installation)
    await _followed(installation, by=0)
    file = folder / "porta" / "credentials.json"
    CredentialsFile(file).write(
        Credentials(
            server=server,
            issuer=installation.issuer,
            client_id=installation.made.client.client_id,
            token_endpoint=f"{installation.issuer}/token",
            revocation_endpoint=f"{installation.issuer}/token/revocation",
            access_token=token or await installation.token(),
            expires_at=4e9,
        )
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "porta", "audit", "tail", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PORTA_CREDENTIALS": str(file)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode()


async def _followed(installation: Installation, by: int = 1) -> None:
    """Wait until the server knows of so many who follow."""
    async with asyncio.timeout(PATIENCE):
        while installation.runtime.audit_tail._followers != by:
            await asyncio.sleep(0.02)


async def test_entries_are_told_and_a_broken_connection_costs_none(
    served: tuple[Served, Installation], wire: tuple[Relay, str], tmp_path: Path
) -> None:
    _, installation = served
    relayed, server = wire
    users = [new_id() for _ in range(9)]
    async with _tail(installation, server, tmp_path, "--json") as process:
        await _followed(installation)
        await _happen(installation, *users[:3])
        seen = [json.loads(await _line(process)) for _ in range(3)]
        await relayed.close()
        await _happen(installation, *users[3:6])
        seen += [json.loads(await _line(process)) for _ in range(3)]
        await _happen(installation, *users[6:])
        seen += [json.loads(await _line(process)) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert [each["userId"] for each in seen] == users
    assert (process.returncode, out, err) == (0, b"", b"")


async def test_filters_and_a_line_that_orders_nothing(
    served: tuple[Served, Installation], wire: tuple[Relay, str], tmp_path: Path
) -> None:
    _, installation = served
    organization = await installation.organization()
    wanted = {"organization_id": organization.id, "description": "a\x1b[31mred\nline"}
    options = ("--organization", organization.slug, "--event", "user.created")
    async with _tail(installation, wire[1], tmp_path, *options) as process:
        await _followed(installation)
        user = new_id()
        await _happen(installation, new_id())
        await events.record(
            installation.runtime.storage.everywhere,
            "org.suspended",
            organization_id=organization.id,
        )
        await _happen(installation, user, **wanted)
        line = await _line(process)
    assert f"user.created  by=system  user={user}  organization={organization.id}" in line
    assert line.endswith("a [31mred line\n")


async def test_who_may_not_follow_is_told_so(
    served: tuple[Served, Installation], wire: tuple[Relay, str], tmp_path: Path
) -> None:
    _, installation = served
    token = await installation.token(await installation.person_with("admin:org:read"))
    async with _tail(installation, wire[1], tmp_path, token=token) as process:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"admin:audit:read" in err


@pytest.mark.parametrize("option", ["--user", "--actor"])
async def test_what_is_no_id_is_refused(
    served: tuple[Served, Installation], wire: tuple[Relay, str], tmp_path: Path, option: str
) -> None:
    _, installation = served
    async with _tail(installation, wire[1], tmp_path, option, "nobody") as process:
        async with asyncio.timeout(PATIENCE):
            _, err = await process.communicate()
    assert process.returncode == 3
    assert option.strip("-").encode() in err
