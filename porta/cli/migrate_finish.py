"""`porta migrate finish`: the way back to Porta 1.x is closed, and what only 1.x read removed."""

from __future__ import annotations

import asyncio

import click

from porta.cli.commands import confirm, report_errors, rfc3339
from porta.cli.database_option import database_option
from storage.postgres import way_back
from storage.postgres.way_back import Finished, Remnant, WayBack

_TOLD = {
    WayBack.OPEN: "The way back to Porta 1.x is open, until: porta migrate finish",
    WayBack.CLOSED: "The way back to Porta 1.x is closed.",
}


def tell_way_back(database_url: str) -> None:
    """Say on stderr whether Porta 1.x may come back, where it ever was."""
    found = asyncio.run(way_back.find(database_url))
    if found in _TOLD:
        click.echo(_TOLD[found], err=True)


@click.command()
@database_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def finish(database_url: str, yes: bool) -> None:
    """Close the way back to Porta 1.x, for good, and remove what only 1.x read.

    It tells what goes before it asks. Refresh tokens of 1.x that are still good stay until they are
    used or expire, so that nobody signs in anew: their table goes when you call this again after
    that. Whoever is interrupted calls it again.
    """
    with report_errors():
        found = asyncio.run(way_back.remnants(database_url))
        if not found:
            click.echo("Nothing to do: the way back is closed, and nothing of 1.x is left.")
            return
        _announce(found)
        if not yes:
            confirm("Close the way back to Porta 1.x for good?")
        _report(asyncio.run(way_back.finish(database_url, _removed, tell_waiting)))


def _announce(found: tuple[Remnant, ...]) -> None:
    click.echo("No Porta 1.x can serve on this database afterwards. What only 1.x read goes:")
    for each in found:
        size = each.size / 1_048_576
        click.echo(f"  {each.table}: about {each.rows} rows, {size:.1f} MiB")


def tell_waiting(told: str) -> None:
    """Say on stderr what is waited for."""
    click.echo(f"{told[:1].upper()}{told[1:]}", err=True)


def _removed(table: str, rows: int) -> None:
    click.echo(f"{table}: {rows} rows removed", err=True)


def _report(done: Finished) -> None:
    for table in done.dropped:
        click.echo(f"✓ {table} is gone.")
    if done.last_expires_at is not None:
        click.echo(
            f"{done.refresh_tokens} refresh tokens of 1.x are still good, the last until"
            f" {rfc3339(done.last_expires_at)}. Call porta migrate finish again after that."
        )
