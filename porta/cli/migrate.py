"""`porta migrate`: the schema of the database, seen and brought up to date."""

from __future__ import annotations

import asyncio
import json

import click
from rich.console import Console
from rich.table import Table

from porta.cli.commands import report_errors, rfc3339
from porta.cli.database_option import database_option
from porta.cli.groups import Group
from porta.cli.migrate_check import check, tell_isolation
from porta.cli.migrate_finish import finish, tell_waiting, tell_way_back
from porta.config.setting_errors import SettingsInvalid
from porta.config.single_settings import find_signing_key_encryption_keys
from porta.security.encryption import encrypt
from storage.postgres import migrate as runner
from storage.postgres.migrate import MigrationRefused, MigrationStatus

_STYLES = {"pending": "yellow", "changed": "red", "unknown": "dim"}
_MEANING = {
    "changed": "A migration changed after it was applied: restore its file.",
    "unknown": "A newer version of Porta has applied more; this version may go on serving.",
}


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group(cls=Group)
def migrate() -> None:
    """Bring the database to the schema of this version.

    Migrations are numbered SQL files, applied once, forward only, by one process at a time: each
    in a transaction, or in steps, which an interrupted one begins anew. The previous version of
    Porta can go on serving meanwhile. A database of Porta 1.x (1.6.1) is recognised and taken over
    as it stands: make a backup first. 1.x can go on serving, and come back, until you say `finish`.
    """


migrate.add_command(check)
migrate.add_command(finish)


@migrate.command()
@database_option
@click.option("--dry-run", is_flag=True, help="Only tell what would be applied.")
def up(database_url: str, dry_run: bool) -> None:
    """Apply every pending migration.

    Private keys that a database of Porta 1.x holds in the clear are encrypted when it is taken
    over, under SIGNING_KEY_ENCRYPTION_KEY. Row-level security is switched on, with two roles that
    servers take; where that needs rights that DATABASE_URL has not, it tells what to run.
    """
    left: list[str] = []
    with report_errors():
        if dry_run:
            names = asyncio.run(runner.plan(database_url, in_the_clear=_promise))
            for name in names:
                click.echo(f"would apply {name}")
        else:
            names = asyncio.run(
                runner.up(
                    database_url,
                    applied=lambda name: click.echo(f"applied {name}"),
                    waiting=tell_waiting,
                    seal=_seal,
                    left=left.append,
                )
            )
    if left:
        tell_isolation(left)
    if not names:
        click.echo("Nothing to do: the schema is that of this version.")


@migrate.command()
@database_option
@_json
def status(database_url: str, as_json: bool) -> None:
    """Show every migration and how it stands: applied, pending, changed or unknown; and whether
    the way back to Porta 1.x is open.
    """
    with report_errors():
        standing = asyncio.run(runner.status(database_url))
        _show(standing, as_json)
        tell_way_back(database_url)


def _seal(kid: str, private_key: str) -> tuple[str, str, str]:
    """Encrypt a private key that Porta 1.x kept in the clear, and say so."""
    key = _encryption_key(kid)
    click.echo(f"encrypted signing key {kid}")
    return encrypt(private_key, key)


def _promise(kid: str) -> None:
    """Say that a private key would be encrypted, where it would."""
    _encryption_key(kid)
    click.echo(f"would encrypt signing key {kid}")


def _encryption_key(kid: str) -> bytes:
    try:
        keys = find_signing_key_encryption_keys()
    except SettingsInvalid as error:
        raise click.ClickException("\n".join(error.problems)) from None
    if not keys:
        raise MigrationRefused(
            f"signing key {kid} of Porta 1.x is stored in the clear, and is encrypted when the"
            " database is taken over: set SIGNING_KEY_ENCRYPTION_KEY to the value that the servers"
            " have; nothing was changed"
        )
    return keys[0]


def _show(standing: list[MigrationStatus], as_json: bool) -> None:
    if as_json:
        rows = [
            {"id": e.version, "name": e.name, "state": e.state, "run_on": _moment(e.applied_at)}
            for e in standing
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("ID", "Name", "State", "Applied", header_style="bold")
    for each in standing:
        style = _STYLES.get(each.state, "")
        when = _moment(each.applied_at) or ""
        table.add_row(f"{each.version:04}", each.name, each.state, when, style=style)
    Console(soft_wrap=True).print(table)
    for state in dict.fromkeys(each.state for each in standing):
        if state in _MEANING:
            click.echo(_MEANING[state], err=True)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)
