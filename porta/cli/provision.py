"""`porta provision`: files of organizations, applications, clients and people, made so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import click

from porta.cli.commands import confirm, some_settings_or_exit, with_storage
from porta.cli.provision_report import (
    as_json,
    show_credentials,
    show_notes,
    show_problems,
    show_report,
)
from porta.cli.settings_report import report_settings
from porta.config.single_settings import (
    ProvisioningSettings,
    find_signing_key_encryption_keys,
)
from porta.security.passwords import Parameters, Passwords
from porta.services import startup
from porta.services.provisioning import Line, Report, provision_all
from porta.services.provisioning.document import Document
from porta.services.provisioning.file import STANDARD_INPUT, ProvisioningFile, load_files, locate
from porta.services.provisioning.problems import FileProblem
from storage.router import Storage

Mode = Literal["merge", "overwrite"]


@click.command()
@click.argument("names", nargs=-1, metavar="FILE...")
@click.option(
    *("--file", "-f", "more"), multiple=True, metavar="FILE", help="The same, as Porta 1.x has it."
)
@click.option(
    "--mode",
    type=click.Choice(["merge", "overwrite"]),
    default="merge",
    show_default=True,
    help="merge adds what is missing; overwrite changes what exists, too.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--yes", "--force", "yes", is_flag=True, help="Overwrite without asking first.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON instead of lines.")
def provision(
    names: tuple[str, ...],
    more: tuple[str, ...],
    mode: Mode,
    dry_run: bool,
    yes: bool,
    json_wanted: bool,
) -> None:
    """Make the database hold what FILEs say: organizations, clients, people.

    A FILE is YAML, or JSON where its name ends in .json; - is the standard input, as YAML. All of
    all files is applied, in one transaction, or nothing. Applied again, a file changes nothing.

    merge leaves everything that exists as it is, except for settings (config). overwrite changes
    what a file speaks of; it tells what changes, and what is lost by it, and asks first. Passwords,
    secrets, and what a file is silent about stay in either mode, and nothing is deleted as a whole.

    A client secret that is made is printed this once, and is stored nowhere in the clear.

    Exit code 0: the database holds it (or would, with --dry-run). 1: nothing was changed, and why.
    2: the command was called wrongly; nothing was changed.

    docs/provisioning.md describes the format; examples/minimal.yaml is the smallest useful file.
    """
    sources = (*names, *more)
    if not sources:
        raise click.UsageError("Name at least one file, or - for the standard input.")
    if sources.count(STANDARD_INPUT) > 1:
        raise click.UsageError("The standard input (-) can be read once only.")
    files, problems = load_files(sources)
    if problems:
        _refuse(problems, mode, dry_run, json_wanted)
    settings = some_settings_or_exit(ProvisioningSettings)
    run = _Runner(settings, files, mode)
    approved = _approve(run, yes) if mode == "overwrite" and not dry_run else None
    report = approved if isinstance(approved, Report) else run(dry_run=dry_run, approved=approved)
    if report.errors:
        problems = [locate(problem, files) for problem in report.errors]
        _refuse(problems, mode, dry_run, json_wanted)
    report.notes[:] = [locate(note, files) for note in report.notes]
    if json_wanted:
        click.echo(as_json(report))
        return
    show_report(report)
    show_notes(report)
    show_credentials(report)


class _Runner:
    """Runs the same files, tentatively or for good."""

    def __init__(
        self, settings: ProvisioningSettings, files: dict[str, ProvisioningFile], mode: Mode
    ) -> None:
        self._settings = settings
        self._documents: dict[str, Document] = {name: each.document for name, each in files.items()}
        self._mode: Mode = mode

    def __call__(self, *, dry_run: bool, approved: Sequence[Line] | None = None) -> Report:
        settings = self._settings
        with report_settings():
            keys = find_signing_key_encryption_keys()

        async def work(storage: Storage) -> Report:
            await startup.check_schema(settings.database_url)
            passwords = Passwords(
                Parameters(
                    settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes
                )
            )
            try:
                return await provision_all(
                    storage,
                    self._documents,
                    passwords=passwords,
                    mode=self._mode,
                    dry_run=dry_run,
                    approved=approved,
                    keys=keys,
                    now=time.time(),
                )
            finally:
                passwords.close()

        return with_storage(settings, work, tentative=dry_run)


def _approve(run: _Runner, yes: bool) -> Sequence[Line] | Report | None:
    """Return the updates that somebody agreed to; None where nobody has to be asked; a report with
    errors where there is nothing to agree to.
    """
    if yes:
        return None
    plan = run(dry_run=True)
    if plan.errors:
        return plan
    if plan.updated:
        show_report(plan, only_updates=True)
        confirm(f"Change {len(plan.updated)} things that exist?")
    return plan.updated


def _refuse(problems: Sequence[FileProblem], mode: Mode, dry_run: bool, json_wanted: bool) -> None:
    if json_wanted:
        click.echo(as_json(Report(mode, dry_run, errors=list(problems))))
    show_problems(problems)
    raise click.exceptions.Exit(1)
