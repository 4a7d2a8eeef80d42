"""porta jobs from another machine: the queue over the Admin API."""

from __future__ import annotations

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.jobs import Job
from porta.cli.answers import line
from porta.cli.nouns import Action, Given, noun

_ORG = {"organization_id": "--organization"}


async def _watch(admin: AdminClient, given: Given) -> Job | None:
    """Tell every change of a job, and return it as it ended."""
    last = None
    async with admin.jobs.events(given["job_id"]) as events:
        async for job in events:
            last = job
            done = job.progress
            far = f" {done.done} of {done.total or '?'}" if done is not None else ""
            click.echo(f"{job.state}{far}", err=True)
    return last


def _tell_end(job: Job) -> None:
    if job.state == "cancelled":
        click.echo("It was cancelled.", err=True)
        raise click.exceptions.Exit(1)
    if job.state == "dead":
        click.echo(line(f"It failed: {job.last_error}"), err=True)
        raise click.exceptions.Exit(1)


remote_jobs = noun(
    "jobs",
    "",
    ("id", "kind", "organizationId", "state", "attempts", "runAt", "lastError"),
    Action("list", "jobs.list", names=_ORG),
    Action("show", "jobs.get"),
    Action(
        "watch",
        "jobs.get",
        says="Tell every change of a job until it has ended; over the Admin API.",
        run=_watch,
        tell=_tell_end,
    ),
    Action("retry", "jobs.retry"),
    Action("cancel", "jobs.cancel", asks="Have job {job_id} done no more?"),
)
