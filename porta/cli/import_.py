"""porta import: provisioning files, manifests and lists of people, over the Admin API."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from porta.admin_client.resources.import_ import ImportState
from porta.admin_client.resources.shared import ImportReport
from porta.cli.answers import cell, console, line
from porta.cli.nouns import Action, Given, noun
from porta.services.provisioning.syntax import Malformed, parse_json, parse_yaml

_FILE = click.Argument(["file"], type=click.Path(dir_okay=False, allow_dash=True))


def _text_of(given: Given) -> tuple[str, str]:
    """Return the name and the text of the file that is given; `-` is standard input."""
    name = str(given.pop("file"))
    try:
        with click.open_file(name, encoding="utf-8") as opened:
            return name, opened.read()
    except (OSError, UnicodeError) as error:
        raise click.ClickException(f"{name}: {error}") from None


def _parsed(name: str, text: str) -> Any:
    try:
        return parse_json(text) if name.endswith(".json") else parse_yaml(text)
    except Malformed as error:
        raise click.ClickException(f"{name}: {error}") from None


def _read_file(given: Given) -> None:
    name, text = _text_of(given)
    given["manifest"] = _parsed(name, text)
    if not isinstance(given["manifest"], dict):
        raise click.ClickException(f"{name} is no provisioning file.")


def _read_people(given: Given) -> None:
    name, text = _text_of(given)
    if name.endswith(".csv") or not name.endswith((".json", ".yaml", ".yml")):
        given["csv"] = text
        return
    found = _parsed(name, text)
    people = found.get("users") if isinstance(found, dict) else found
    if not isinstance(people, list):
        raise click.ClickException(f"{name} holds no list of people.")
    given["users"] = tuple(people)


def _tell(found: ImportReport) -> None:
    """Tell the counts, what is wrong by its path, and new secrets, which are told once."""
    if found.job_id is not None:
        click.echo(f"A job does it: porta import show {found.job_id}")
        return
    for word in ("created", "updated", "skipped"):
        click.echo(f"{word:<8} {len(getattr(found, word) or ())}")
    for each in (*(found.notes or ()), *(found.errors or ())):
        click.echo(line(json.dumps(_fields(each), ensure_ascii=False)), err=True)
    if found.credentials:
        _tell_credentials([_fields(each) for each in found.credentials])
    if found.errors:
        raise click.exceptions.Exit(3)


def _tell_state(found: ImportState) -> None:
    click.echo(f"state    {found.state}")
    if found.report is not None:
        _tell(found.report)


def _tell_credentials(rows: list[dict[str, Any]]) -> None:
    table = Table(header_style="bold", title="Keep these: they are told once")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(str(value)) for value in row.values()))
    console().print(table)


def _fields(each: Any) -> dict[str, Any]:
    told = {name: getattr(each, name) for name in each.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}


import_ = noun(
    "import",
    "Bring in files, and lists of people: all of it, or nothing.",
    (),
    Action(
        "file",
        "import_.create",
        says="Bring in a provisioning file, or a manifest of Porta 1.x (YAML, JSON; - is standard"
        " input). Without --mode it is only told what would be done.",
        only=("mode", "dry_run"),
        further=(_FILE,),
        prepare=_read_file,
        tell=_tell,
    ),
    Action(
        "people",
        "users.import_",
        says="Bring people into an organization: a file of CSV, or of JSON or YAML by its name."
        " Without --mode it is only told what would be done.",
        options=("organization_id",),
        names={"organization_id": "--org"},
        only=("mode", "dry_run"),
        further=(_FILE,),
        prepare=_read_people,
        tell=_tell,
    ),
    Action("show", "import_.get", tell=_tell_state),
)
