"""Jobs: models and routes of the resource.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Unpack

from porta.admin_client.events import Events
from porta.admin_client.listing import Listed
from porta.admin_client.model import Entity
from porta.admin_client.resource import Once, Resource
from porta.admin_client.resources.shared import Progress


class Job(Entity, frozen=True, kw_only=True):
    """What is to be done later, or was; what is in it is not told."""

    id: str
    kind: str
    organization_id: str | None
    state: str
    recurs: bool
    attempts: int
    max_attempts: int | None
    run_at: datetime
    created_at: datetime
    done_at: datetime | None
    dead_at: datetime | None
    cancelled_at: datetime | None
    last_error: str | None
    progress: Progress | None


class JobsResource(Resource):
    """Jobs."""

    def list(
        self,
        *,
        state: Literal["ready", "waiting", "running", "done", "dead", "cancelled"] | None = None,
        kind: str | None = None,
        organization_id: str | None = None,
        page_size: int = 100,
    ) -> Listed[Job]:
        """List jobs, the latest first."""
        return self._pages(
            Job,
            ("jobs",),
            query={"state": state, "kind": kind, "organizationId": organization_id},
            page_size=page_size,
        )

    async def get(self, job_id: str) -> Job:
        """Read a job: its state, its attempts and how far it is."""
        return await self._one(Job, "GET", ("jobs", job_id))

    def events(self, job_id: str) -> Events[Job]:
        """Watch a job: an event whenever it changes, until it has ended."""
        return self._events(Job, ("jobs", job_id, "events"))

    async def retry(self, job_id: str, **once: Unpack[Once]) -> Job:
        """Try a dead letter again, or at once what waits."""
        return await self._one(Job, "POST", ("jobs", job_id, "retry"), **once)

    async def cancel(self, job_id: str, **once: Unpack[Once]) -> Job:
        """Have a job done no more; one that runs commits nothing from then on."""
        return await self._one(Job, "POST", ("jobs", job_id, "cancel"), **once)
