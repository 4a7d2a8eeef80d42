"""porta audit: the audit trail verified, where it stands or in a file, exported, and followed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from porta.audit.findings import Problem, Report
from porta.cli.audit_tail import tail
from porta.cli.commands import audit_keys_at_hand, some_settings_or_exit, with_storage
from porta.cli.groups import Group
from porta.cli.remote_audit import remote_audit
from porta.config.single_settings import StoreSettings
from porta.security.audit_keys import AuditKeys, Verifiers
from porta.services import audit_proof, audit_sealing
from storage.models.audit import INSTALLATION, Checkpoint
from storage.router import Storage

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST_BATCHES = 40
"""That are sealed before an export: what has just happened is in it."""


@click.group(cls=Group)
def audit() -> None:
    """Verify the audit trail, export it, and follow it as it grows.

    Every entry is sealed within seconds into a hash chain of its organization, and how far the
    chains go is signed every few minutes with a key that is derived from
    SIGNING_KEY_ENCRYPTION_KEY. Where these checkpoints are kept elsewhere too (AUDIT_ANCHOR_FILE,
    AUDIT_ANCHOR_URL), nobody can cut the end off unseen either.
    """


@audit.command()
@click.option("--file", type=_FILE, help="An exported file, instead of the database.")
@click.option("--anchor", "anchors", type=_FILE, multiple=True, help="Checkpoints kept elsewhere.")
@click.option("--jwks", type=_FILE, help="Public keys (porta audit keys), where ours is not set.")
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=audit_proof.PATIENCE,
    show_default=True,
    help="Seconds within which an entry has to be sealed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    file: Path | None, anchors: tuple[Path, ...], jwks: Path | None, patience: float, as_json: bool
) -> None:
    """Name what is altered, missing, swapped, duplicated or appended; exit with 1 where it is.

    With --file no database is asked, and with --jwks no secret is needed.
    """
    keys = audit_keys_at_hand()
    verifiers = _verifiers(jwks, keys)
    kept = [each for path in anchors for each in _read_anchor(path)]
    if file is not None:
        report = audit_proof.verify_file(file, verifiers, keys, kept)
        names: dict[str, str] = {}
    else:
        report, names = with_storage(
            some_settings_or_exit(StoreSettings),
            lambda storage: _verify(storage, verifiers, keys, kept, patience),
        )
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2))
    else:
        _print(report, names)
    if report.count:
        raise click.exceptions.Exit(1)


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--organization", metavar="SLUG", help="The chain of this organization only.")
def export(file: Path, organization: str | None) -> None:
    """Write the trail to a new FILE that proves itself: porta audit verify --file FILE.

    It holds all that the trail does: addresses, and what was told of people.
    """
    keys = audit_keys_at_hand()

    async def write(storage: Storage) -> int:
        chain = None
        if organization is not None:
            chain = next(
                (o.id for o in await storage.organizations.list() if o.slug == organization), None
            )
            if chain is None:
                raise click.ClickException(f"No organization has the slug {organization!r}.")
        if keys is not None:
            async with storage.transaction() as tx:
                await audit_sealing.seal_all(tx, keys, _MOST_BATCHES)
        return await audit_proof.export(storage, opened, chain)

    settings = some_settings_or_exit(StoreSettings)
    with _new_file(file) as opened:
        count = with_storage(settings, write)
    click.echo(f"✓ {count} entries are in {file}.")


@audit.command()
def keys() -> None:
    """Print the public keys that checkpoints are verified with, as a JWK Set.

    Keep them where whoever can write to the database cannot.
    """
    at_hand = audit_keys_at_hand()
    if at_hand is None:
        raise click.ClickException("SIGNING_KEY_ENCRYPTION_KEY is not set.")
    click.echo(json.dumps(at_hand.verifiers.jwks(), indent=2))


audit.add_command(tail)
for _command in remote_audit.commands.values():
    audit.add_command(_command)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file for its owner alone, which is not there afterwards unless all went well."""
    try:
        opened = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    try:
        with opened:
            yield opened
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _verify(
    storage: Storage,
    verifiers: Verifiers,
    keys: AuditKeys | None,
    kept: list[Checkpoint],
    patience: float,
) -> tuple[Report, dict[str, str]]:
    report = await audit_proof.verify(storage, verifiers, keys, anchors=kept, patience=patience)
    return report, {each.id: each.slug for each in await storage.organizations.list()}


def _verifiers(jwks: Path | None, keys: AuditKeys | None) -> Verifiers:
    found = dict(keys.verifiers.keys) if keys is not None else {}
    if jwks is not None:
        try:
            read = msgspec.json.decode(jwks.read_bytes(), type=dict[str, Any])
            found |= Verifiers.of_jwks(read["keys"]).keys
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            raise click.ClickException(f"{jwks} holds no JWK Set.") from None
    if not found:
        raise click.UsageError(
            "Nothing to verify signatures with: set SIGNING_KEY_ENCRYPTION_KEY, or give --jwks."
        )
    return Verifiers(found)


def _read_anchor(path: Path) -> list[Checkpoint]:
    try:
        return audit_proof.read_anchor(path)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: {error}.") from None


def _print(report: Report, names: dict[str, str]) -> None:
    for problem in report.problems:
        click.echo(f"✗ {_line(problem, names)}")
    if report.count > len(report.problems):
        click.echo(f"  and {report.count - len(report.problems)} more")
    for count, told in (
        (report.erased, "of which something personal was erased"),
        (report.without_code, "from before, or of Porta 1.x: sealed later, as they stood then"),
        (report.unsealed, "to be sealed within the next seconds"),
        (report.waiting, "from before the chain, still to be sealed"),
    ):
        if count:
            click.echo(f"  {count} {told}")
    if report.unjudged:
        click.echo(f"  {report.unjudged} checkpoints of keys that are not at hand")
    mark = "✗" if report.count else "✓"
    click.echo(
        f"{mark} {report.entries} {_word(report.entries, 'entry', 'entries')} in {report.chains}"
        f" {_word(report.chains, 'chain', 'chains')}, {report.checkpoints}"
        f" {_word(report.checkpoints, 'checkpoint', 'checkpoints')}: {report.count or 'no'}"
        f" {_word(report.count, 'problem', 'problems')}"
    )


def _word(count: int, one: str, several: str) -> str:
    return one if count == 1 else several


def _line(problem: Problem, names: dict[str, str]) -> str:
    where = []
    if problem.chain is not None:
        name = "the installation" if problem.chain == INSTALLATION else names.get(problem.chain)
        where.append(f"chain of {name or problem.chain}")
    if problem.position is not None:
        where.append(f"position {problem.position}")
    if problem.entry is not None:
        about = ", ".join(filter(None, (problem.event_type, problem.at)))
        where.append(f"entry {problem.entry}" + (f" ({about})" if about else ""))
    told = f"{problem.fault}: {problem.told}"
    line = f"{', '.join(where)}: {told}" if where else told
    return "".join(c if c.isprintable() else " " for c in line)
