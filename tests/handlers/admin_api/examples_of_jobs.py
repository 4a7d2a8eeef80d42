"""Examples: jobs, dead letters tried again, and what is cancelled."""

from __future__ import annotations

from typing import Any

from porta.outbox import queue
from porta.outbox.queue import Kind, Nothing
from tests.handlers.admin_api.examples import Example, example
from tests.world.administrators import Installation

# No worker of the installation knows it, so it stays as it is.
_KIND = Kind("example", Nothing)


async def _dead(installation: Installation) -> str:
    """Return the id of a dead letter."""
    storage = installation.runtime.storage.everywhere
    async with storage.transaction() as tx:
        id = await queue.enqueue(tx, _KIND, Nothing())
        # Among the dead letters of earlier examples this is the one that is ready.
        claimed = await tx.jobs.claim([_KIND.name], lease=60.0)
        while claimed is not None and claimed.id != id:
            await tx.jobs.bury(claimed.id, claimed.lease, "no")
            claimed = await tx.jobs.claim([_KIND.name], lease=60.0)
        assert claimed is not None
        await tx.jobs.bury(claimed.id, claimed.lease, "no")
    return str(id)


@example("GET", "/jobs")
async def list_jobs(installation: Installation) -> Example:
    id = await _dead(installation)

    def check(body: Any) -> None:
        found = body["data"][0]
        assert (found["id"], found["state"], found["lastError"]) == (id, "dead", "no")
        assert "payload" not in found

    return Example(query={"state": "dead", "kind": "example"}, check=check)


@example("GET", "/jobs")
async def list_jobs_of_a_state_that_there_is_not(installation: Installation) -> Example:
    del installation
    return Example(query={"state": "lost"}, status=400)


@example("GET", "/jobs/{jobId}")
async def read_job(installation: Installation) -> Example:
    id = await _dead(installation)

    def check(body: Any) -> None:
        assert (body["data"]["id"], body["data"]["recurs"]) == (id, False)
        assert body["data"]["progress"] is None

    return Example({"jobId": id}, check=check)


@example("GET", "/jobs/{jobId}")
async def read_no_job(installation: Installation) -> Example:
    del installation
    return Example({"jobId": "none"}, status=404)


@example("POST", "/jobs/{jobId}/retry")
async def retry(installation: Installation) -> Example:
    id = await _dead(installation)

    def check(body: Any) -> None:
        assert (body["data"]["state"], body["data"]["attempts"]) == ("ready", 0)

    return Example({"jobId": id}, check=check)


@example("POST", "/jobs/{jobId}/retry")
async def retry_nothing(installation: Installation) -> Example:
    del installation
    return Example({"jobId": "99999999"}, status=404)


@example("POST", "/jobs/{jobId}/cancel")
async def cancel(installation: Installation) -> Example:
    id = await _dead(installation)

    def check(body: Any) -> None:
        assert (body["data"]["state"], body["data"]["deadAt"]) == ("cancelled", None)
        assert body["data"]["cancelledAt"] is not None

    return Example({"jobId": id}, check=check)


@example("POST", "/jobs/{jobId}/cancel")
async def cancel_nothing(installation: Installation) -> Example:
    del installation
    return Example({"jobId": "99999999"}, status=404)


@example("POST", "/jobs/{jobId}/cancel")
async def cancel_twice(installation: Installation) -> Example:
    id = await _dead(installation)
    await installation.runtime.storage.everywhere.jobs.cancel(int(id))
    return Example({"jobId": id}, status=409)


@example("GET", "/jobs/{jobId}/events")
async def watch_job(installation: Installation) -> Example:
    id = await _dead(installation)

    def check(event: Any) -> None:
        assert (event["id"], event["state"], event["lastError"]) == (id, "dead", "no")

    return Example({"jobId": id}, check=check)


@example("GET", "/jobs/{jobId}/events")
async def watch_no_job(installation: Installation) -> Example:
    del installation
    return Example({"jobId": "none"}, status=404)


@example("GET", "/jobs/{jobId}/events")
async def watch_after_no_event(installation: Installation) -> Example:
    headers = {"Last-Event-ID": "a b"}
    return Example({"jobId": await _dead(installation)}, headers=headers, status=400)
