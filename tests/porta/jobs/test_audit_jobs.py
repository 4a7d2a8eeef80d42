"""The jobs of the audit trail, as a worker runs them: sealed at once, and kept elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from porta.audit import events
from porta.audit.findings import Report
from porta.jobs import process
from porta.runtime import Runtime
from porta.services import audit_proof
from storage.models.audit import Checkpoint
from storage.postgres.driver import Postgres
from tests.factories import new_id
from tests.world.served import settings_for
from tests.world.waiting import eventually


@asynccontextmanager
async def _at_work(database_url: str, **more: Any) -> AsyncIterator[Runtime]:
    """A worker, and what else runs in a process, until the block ends."""
    runtime = await Runtime.open(settings_for(database_url, None, **more))
    try:
        async with process.at_work(runtime, jobs=True) as work:
            try:
                yield runtime
            finally:
                work.stop(5.0)
    finally:
        await runtime.close()


async def _happen(runtime: Runtime, *organizations: str | None) -> None:
    for id in organizations:
        await events.record(runtime.storage.everywhere, "org.updated", organization_id=id)


async def _report(runtime: Runtime, **more: Any) -> Report:
    keys = runtime.audit_keys
    return await audit_proof.verify(runtime.storage.everywhere, keys.verifiers, keys, **more)


async def _until_sealed(runtime: Runtime, count: int, seconds: float = 60.0) -> Report:
    async def sealed() -> bool:
        report = await _report(runtime)
        assert report.problems == []
        return report.entries == count and report.checkpoints > 0

    await eventually(sealed, seconds)
    return await _report(runtime)


async def test_what_happens_is_sealed_and_signed_by_a_worker(fresh_database_url: str) -> None:
    async with _at_work(fresh_database_url) as runtime:
        await _happen(runtime, *[new_id() for _ in range(3)], None, None)
        report = await _until_sealed(runtime, 5)
        assert (report.chains, report.unsealed, report.without_code) == (4, 0, 0)
        await _happen(runtime, None)
        await _until_sealed(runtime, 6)


async def test_an_entry_whose_transaction_lasts_is_sealed_when_it_ends(
    fresh_database_url: str,
) -> None:
    """Whoever looked for it before the commit has not seen it, and nobody looks for a minute."""
    async with _at_work(fresh_database_url) as runtime:
        await _happen(runtime, None)
        await _until_sealed(runtime, 1)
        async with runtime.storage.everywhere.transaction() as tx:
            await events.record(tx, "org.updated")
            await asyncio.sleep(6.0)  # longer than the worker looks again by itself
            assert not runtime.storage.recorded.is_set()
        await _until_sealed(runtime, 2)


async def test_what_is_rolled_back_wakes_nobody(fresh_database_url: str) -> None:
    runtime = await Runtime.open(settings_for(fresh_database_url, None))
    try:
        async with runtime.storage.everywhere.transaction() as tx:
            await events.record(tx, "org.updated")
            raise LookupError
    except LookupError:
        pass
    assert not runtime.storage.recorded.is_set()
    await _happen(runtime, None)
    assert runtime.storage.recorded.is_set()
    await runtime.close()


class _Webhook:
    """Refuses as often as it is told, and keeps what it took."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[bytes] = []
        self.refused = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = [
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        body = await reader.readexactly(length)
        if self.refused < self.refusals:
            self.refused += 1
            writer.write(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n")
        else:
            self.taken.append(body)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def _webhook(refusals: int) -> AsyncIterator[tuple[_Webhook, str]]:
    hook = _Webhook(refusals)
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    try:
        yield hook, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/anchor"
    finally:
        server.close()


async def _pending(runtime: Runtime) -> int:
    pg = runtime.storage.everywhere._executor
    row = await pg.fetchrow(
        "SELECT count(*) FROM jobs WHERE kind = 'anchor_audit' AND done_at IS NULL"
    )
    assert row is not None
    return int(row[0])


async def test_a_checkpoint_is_kept_in_a_file_and_at_a_url_that_failed_first(
    fresh_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "anchor.jsonl"
    async with _webhook(2) as (hook, url):
        anchored: dict[str, Any] = {
            "audit_anchor_file": str(file),
            "audit_anchor_url": url,
            "outbound_private_addresses": True,
        }
        async with _at_work(fresh_database_url, **anchored) as runtime:
            await _happen(runtime, None)
            await _until_sealed(runtime, 1)

            async def taken() -> bool:
                return bool(hook.taken) and not await _pending(runtime)

            await eventually(taken, 40.0)
            kept = audit_proof.read_anchor(file)
            assert (hook.refused, len(hook.taken)) == (2, 1)
            assert msgspec.json.decode(hook.taken[0], type=Checkpoint) == kept[0]
            assert (await _report(runtime, anchors=kept)).problems == []
            owner = await Postgres.open(fresh_database_url, 1)
            await owner.execute(
                "TRUNCATE audit_log, audit_seals, audit_chains, audit_checkpoints, audit_unsealed;"
                " UPDATE audit_state SET place = 0, checkpoint = 0, checkpoint_place = 0,"
                " checkpoint_hash = ''"
            )
            await owner.close()
            assert (await _report(runtime)).problems == [], "nothing in it tells"
            (problem, *_) = (await _report(runtime, anchors=kept)).problems
            assert (str(problem.fault), "anchor" in problem.told) == ("missing", True)


async def test_a_file_that_cannot_be_written_is_tried_again(
    fresh_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "mounted later" / "anchor.jsonl"
    async with _at_work(fresh_database_url, audit_anchor_file=str(file)) as runtime:
        await _happen(runtime, None)
        await _until_sealed(runtime, 1)
        errors: list[Any] = []

        async def failed() -> bool:
            pg = runtime.storage.everywhere._executor
            errors[:] = await pg.fetch(
                "SELECT last_error FROM jobs WHERE kind = 'anchor_audit' AND last_error IS NOT NULL"
            )
            return bool(errors)

        await eventually(failed)
        assert "the anchor (file) did not take it" in errors[0][0]
        file.parent.mkdir()

        async def kept() -> bool:
            return file.exists() and not await _pending(runtime)

        await eventually(kept, 40.0)
        assert [each.number for each in audit_proof.read_anchor(file)] == [1]
