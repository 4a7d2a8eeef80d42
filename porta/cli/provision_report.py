"""Provisioning reports for a terminal, and as JSON: what was done, refused, and made in secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

from porta.cli.commands import rfc3339
from porta.services.provisioning import Credential, Line, Report
from porta.services.provisioning.problems import FileProblem, printable

_DONE = ("created", "updated", "unchanged")
_PLANNED = ("to create", "to update", "unchanged")


def show_report(report: Report, *, only_updates: bool = False) -> None:
    """Print a line for each thing of the files, and the sums; what is lost stands below its line.

    What is only asked about goes to standard error, as the question does.
    """
    words = _PLANNED if report.dry_run else _DONE
    lists = (report.created, report.updated, report.skipped)
    for word, lines in zip(words, lists, strict=True):
        if only_updates and lines is not report.updated:
            continue
        for line in lines:
            click.echo(_row(word, line), err=only_updates)
            for lost in line.lost:
                click.echo(f"{'':<11}- {lost}", err=only_updates)
    if not only_updates:
        sums = ", ".join(f"{len(ls)} {word}" for word, ls in zip(words, lists, strict=True))
        click.echo(f"Nothing was changed: {sums}." if report.dry_run else f"✓ {sums}.")


def _row(word: str, line: Line) -> str:
    kind = line.kind.replace("_", " ")
    name = f"  {line.name}" if line.name and line.name != line.slug else ""
    detail = f"  ({line.detail})" if line.detail not in ("", "exists", "unchanged") else ""
    return printable(f"{word:<10} {kind:<16} {line.slug}{name}{detail}").rstrip()


def show_credentials(report: Report) -> None:
    """Print the secrets that were made, the only time that anybody sees them."""
    made = [each for each in report.credentials if each.is_generated]
    if not made:
        return
    click.echo("\nClient secrets, shown this once; give each to its application now:")
    for each in made:
        click.echo(printable(f"\n  {each.client_name} ({each.organization})"))
        click.echo(f"    client_id      {each.client_id}")
        click.echo(f"    client_secret  {each.client_secret}")
        if each.expires_at is not None:
            click.echo(f"    expires        {rfc3339(each.expires_at)}")


def show_notes(report: Report) -> None:
    """Print on standard error what was taken, and may be a slip."""
    for note in report.notes:
        click.echo(f"Note: {printable(note.source)}: {note}", err=True)


def show_problems(problems: Sequence[FileProblem]) -> None:
    """Print every problem on standard error, and that nothing was changed."""
    for problem in problems:
        source = f"{printable(problem.source)}: " if problem.source else ""
        click.echo(f"{source}{problem}", err=True)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    click.echo(f"Error: Nothing was changed; {count}.", err=True)


def as_json(report: Report) -> str:
    """Return a report as JSON. Secrets stand in it where they were made by this run."""
    told = {
        "mode": report.mode,
        "dry_run": report.dry_run,
        "created": _lines(report.created),
        "updated": _lines(report.updated),
        "unchanged": _lines(report.skipped),
        "credentials": [_credential(each) for each in report.credentials],
        "notes": [_problem(each) for each in report.notes],
        "errors": [_problem(each) for each in report.errors],
    }
    return json.dumps(told, indent=2)


def _lines(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [
        {
            "type": line.kind,
            "slug": line.slug,
            "name": line.name,
            "detail": line.detail,
            **({"lost": list(line.lost)} if line.lost else {}),
        }
        for line in lines
    ]


def _credential(each: Credential) -> dict[str, Any]:
    told = each.names()
    if each.is_generated:
        told["client_secret"] = each.client_secret or ""
    return told


def _problem(problem: FileProblem) -> dict[str, Any]:
    at = problem.position
    return {
        "file": problem.source,
        "line": at.line if at else None,
        "column": at.column if at else None,
        "path": problem.place,
        "names": [name for name in problem.names if name],
        "message": problem.message,
    }
