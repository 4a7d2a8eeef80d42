"""`porta migrate check`: the schema, and what differs from Porta 1.x at this very database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence

import click

from porta.cli.commands import report_errors
from porta.cli.database_option import database_option
from porta.config.setting_errors import SettingsInvalid
from porta.config.single_settings import find_signing_key_encryption_keys
from porta.services.succession import check as succession
from porta.services.succession.finding import Finding, Severity
from storage.postgres import isolation, way_back
from storage.postgres import migrate as runner
from storage.postgres.migrate import MigrationStatus
from storage.postgres.way_back import WayBack

_SHOWN = 10
"""Places of one finding on a screen; --json has all."""
_STOPPED = 3
_STYLES = {Severity.STOPS: "red", Severity.DIFFERS: "yellow", Severity.INFORMS: "cyan"}
_MEANING = {
    Severity.STOPS: "stop somebody or something",
    Severity.DIFFERS: "work, and answer otherwise",
    Severity.INFORMS: "need nothing",
}


@click.command()
@database_option
@click.option("--schema", "schema_only", is_flag=True, help="Look at the schema alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every place.")
def check(database_url: str, schema_only: bool, as_json: bool) -> None:
    """Tell whether the schema is that of this version, and what differs from Porta 1.x.

    At a database of 1.x, before it is migrated and until `porta migrate finish`, it lists what
    will not be as before for this very database and environment, each with its remedy. It reads
    alone: 1.x may serve meanwhile.

    \b
    Exit code  0  the schema is right, and nothing stops
               1  the schema is not that of this version: porta migrate up
               3  the schema is right, and something of 1.x stops

    With --schema it is 0 or 1: for a deployment that must not start before its database is ready.
    That row-level security is off is told, and is no such code: a setting lets servers go on.
    """
    with report_errors():
        unapplied = asyncio.run(runner.unapplied(database_url))
        findings = () if schema_only else _findings(database_url)
        left = () if unapplied else asyncio.run(isolation.find_outstanding(database_url))
    if as_json:
        _print_json(unapplied, findings, left)
    else:
        _print(unapplied, findings)
        if left:
            tell_isolation(left)
    stops = any(each.severity is Severity.STOPS for each in findings)
    raise click.exceptions.Exit(1 if unapplied else _STOPPED if stops else 0)


def _findings(database_url: str) -> Sequence[Finding]:
    if asyncio.run(way_back.find(database_url)) is not WayBack.OPEN:
        return ()
    try:
        keys = find_signing_key_encryption_keys()
    except SettingsInvalid:  # told among the settings
        keys = ()
    return asyncio.run(succession.find(database_url, keys))


def tell_isolation(left: Sequence[str]) -> None:
    """Tell that row-level security is off, and what has to be run before it is on."""
    click.echo(
        "Row-level security is off: PostgreSQL hides no organization from another, and a server in"
        " production does not start so. Have this run by somebody who may, then call porta migrate"
        " up again:\n",
        err=True,
    )
    for sql in left:
        click.echo(f"    {sql};", err=True)


def _print_json(
    unapplied: Sequence[MigrationStatus], findings: Sequence[Finding], left: Sequence[str]
) -> None:
    told = {
        "schema": [
            {"id": each.version, "name": each.name, "state": each.state} for each in unapplied
        ],
        "findings": [
            {
                "key": each.key,
                "severity": each.severity,
                "title": each.title,
                "remedy": each.remedy,
                "met": [{"who": met.who, "what": met.what} for met in each.met],
            }
            for each in findings
        ],
        "isolation": list(left),
    }
    click.echo(json.dumps(told, indent=2))


def _print(unapplied: Sequence[MigrationStatus], findings: Sequence[Finding]) -> None:
    for finding in findings:
        click.echo("\n".join(_lines(finding)) + "\n")
    if findings:
        click.echo(_summary(findings))
    if not unapplied:
        click.echo("The schema is that of this version.")
        return
    pending = [f"{each.version:04}_{each.name}" for each in unapplied if each.state == "pending"]
    changed = [f"{each.version:04}_{each.name}" for each in unapplied if each.state == "changed"]
    if pending:
        click.echo(f"Pending: {len(pending)} migrations, {pending[0]} to {pending[-1]}.")
        click.echo("Apply what is pending with: porta migrate up", err=True)
    if changed:
        click.echo(f"Changed after it was applied: {', '.join(changed)}. Restore its file.")


def _lines(finding: Finding) -> Iterator[str]:
    label = click.style(f"{finding.severity.upper():8}", fg=_STYLES[finding.severity], bold=True)
    yield f"{label} {finding.title}  [{finding.key}]"
    for met in finding.met[:_SHOWN]:
        yield f"           {_printable(met.who)}: {_printable(met.what)}"
    if len(finding.met) > _SHOWN:
        yield f"           and {len(finding.met) - _SHOWN} more: --json has all"
    yield click.wrap_text(f"→ {finding.remedy}", 100, "         ", "           ")


def _printable(text: str) -> str:
    """What stands in a row must not give orders to a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {each: sum(found.severity is each for found in findings) for each in Severity}
    told = ", ".join(f"{count} {_MEANING[each]}" for each, count in counts.items() if count)
    return f"Different from Porta 1.x: {told}. The way: docs/succession.md"
