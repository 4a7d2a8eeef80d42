"""porta jobs: the queue as an operator sees it; another attempt by hand, or none any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from porta.audit.actors import SYSTEM
from porta.cli.answers import cell, console
from porta.cli.commands import confirm, rfc3339, some_settings_or_exit, with_storage
from porta.cli.over_api import EitherGroup
from porta.cli.remote_jobs import remote_jobs
from porta.config.single_settings import StoreSettings
from porta.errors import Conflict
from porta.services import jobs as service
from porta.services.jobs import JobFilters
from porta.services.targets import MOST_ROWS
from storage.models.jobs import Job, JobState
from storage.models.pages import Page
from storage.router import Storage

_STYLES = {
    JobState.DEAD: "red",
    JobState.RUNNING: "green",
    JobState.READY: "cyan",
    JobState.DONE: "dim",
    JobState.CANCELLED: "dim",
}
_COLUMNS = ("ID", "Kind", "Organization", "State", "Attempts", "Progress", "Next", "Last error")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group(cls=EitherGroup, remote=remote_jobs)
def jobs() -> None:
    """Show what is queued, try again what failed, and cancel what shall not be done.

    Where DATABASE_URL names a database, that is asked; else, or with --remote, the server that you
    signed in to.

    A job is READY when a worker may take it, and WAITING until its time comes, or that of another
    attempt. What fails for good is DEAD: it is kept for 90 days, and tried again when you say so.
    """


@jobs.command("list")
@click.option(
    "--state", type=click.Choice([str(each) for each in JobState]), help="Those in this state only."
)
@click.option("--kind", help="Those of this kind only.")
@click.option("--organization", metavar="SLUG", help="Those of this organization only.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_ROWS),
    default=50,
    show_default=True,
    help="The latest so many.",
)
@_json
def list_jobs(
    state: str | None, kind: str | None, organization: str | None, limit: int, as_json: bool
) -> None:
    """List jobs, the latest first."""

    async def read(storage: Storage) -> tuple[Sequence[Job], dict[str, str]]:
        slugs = {known.id: known.slug for known in await storage.organizations.list()}
        id = next((id for id, slug in slugs.items() if slug == organization), None)
        if organization is not None and id is None:
            raise click.ClickException(f"No organization has the slug {organization!r}.")
        filters = {"state": state, "kind": kind, "organizationId": id}
        found = await service.list(storage, SYSTEM, Page(limit=limit), JobFilters.parse(filters))
        return found.rows, slugs

    found, slugs = with_storage(some_settings_or_exit(StoreSettings), read)
    if as_json:
        click.echo(json.dumps([_as_json(job) for job in found], indent=2))
        return
    if not found:
        click.echo("No such jobs.", err=True)
        return
    console().print(_table(found, slugs))


@jobs.command()
@click.argument("id")
@_json
def show(id: str, as_json: bool) -> None:
    """Show one job: its attempts, how far it is, and why it failed. Never what is in it."""
    job = with_storage(
        some_settings_or_exit(StoreSettings), lambda storage: service.get(storage, SYSTEM, id)
    )
    if as_json:
        click.echo(json.dumps(_as_json(job), indent=2))
        return
    for name, value in _as_json(job).items():
        click.echo(f"{name.replace('_', ' '):<17} {'—' if value is None else value}")


@jobs.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--dead", is_flag=True, help="All dead letters.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def retry(ids: tuple[str, ...], dead: bool, yes: bool) -> None:
    """Try dead letters again; and at once, what waits for its next attempt.

    Mend what made them fail first (porta jobs show ID): they have all their attempts anew.
    """
    if bool(ids) == dead:
        raise click.UsageError("Name jobs by their ids, or give --dead for all dead letters.")
    if dead and not yes:
        confirm("Try all dead letters again?")

    async def revive(storage: Storage) -> int:
        return await (_all_dead(storage) if dead else _each(storage, ids))

    count = with_storage(some_settings_or_exit(StoreSettings), revive)
    click.echo(f"✓ {count} {'job is' if count == 1 else 'jobs are'} tried again.")


@jobs.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask first.")
def cancel(ids: tuple[str, ...], yes: bool) -> None:
    """Have jobs done no more, whether they wait, run, or are dead letters.

    What one that runs has sent by then stays sent; to PostgreSQL it writes nothing any more. They
    are kept for 90 days, and can be tried again (porta jobs retry ID).
    """
    if not yes:
        confirm(f"Cancel {len(ids)} {'job' if len(ids) == 1 else 'jobs'}?")

    async def end(storage: Storage) -> None:
        async with storage.transaction() as tx:
            for id in ids:
                await service.cancel(tx, SYSTEM, id)

    with_storage(some_settings_or_exit(StoreSettings), end)
    click.echo(f"✓ {len(ids)} {'job is' if len(ids) == 1 else 'jobs are'} cancelled.")


async def _each(storage: Storage, ids: Sequence[str]) -> int:
    async with storage.transaction() as tx:
        for id in ids:
            await service.retry(tx, SYSTEM, id)
    return len(ids)


async def _all_dead(storage: Storage) -> int:
    """Go through the pages: what is dead anew meanwhile has a place before them."""
    count, page = 0, Page(limit=MOST_ROWS)
    while True:
        found = await service.list(storage, SYSTEM, page, JobFilters(state=JobState.DEAD))
        for job in found.rows:
            try:
                async with storage.transaction() as tx:
                    await service.retry(tx, SYSTEM, str(job.id))
            except Conflict:  # somebody else did
                continue
            count += 1
        if found.next is None:
            return count
        page = Page(limit=MOST_ROWS, cursor=found.next)


def _table(found: Sequence[Job], slugs: dict[str, str]) -> Table:
    table = Table(header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for job in found:
        of = job.organization_id
        ended = job.ended or job.state is JobState.RUNNING
        table.add_row(
            str(job.id),
            job.kind,
            slugs.get(of, of) if of else "—",
            job.state,
            f"{job.attempts}" if job.scheduled else f"{job.attempts} of {job.max_attempts}",
            _progress(job) or "—",
            "—" if ended else rfc3339(job.run_at),
            cell(job.last_error or "") or "—",
            style=_STYLES.get(job.state, ""),
        )
    return table


def _progress(job: Job) -> str:
    if job.progress_done is None:
        return ""
    of = f" of {job.progress_total}" if job.progress_total is not None else ""
    return f"{job.progress_done}{of} {cell(job.progress_message or '')}".strip()


def _as_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "organization_id": job.organization_id,
        "state": str(job.state),
        "recurs": job.scheduled,
        "attempts": job.attempts,
        "max_attempts": None if job.scheduled else job.max_attempts,
        "created_at": rfc3339(job.created_at),
        "run_at": rfc3339(job.run_at),
        "done_at": _moment(job.done_at),
        "dead_at": _moment(job.dead_at),
        "cancelled_at": _moment(job.cancelled_at),
        "progress": _progress_json(job),
        "last_error": job.last_error,
    }


def _progress_json(job: Job) -> dict[str, Any] | None:
    if job.progress_done is None:
        return None
    return {
        "done": job.progress_done,
        "total": job.progress_total,
        "message": job.progress_message,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
