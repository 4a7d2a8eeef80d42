"""The option `--database-url`, of commands that need no other setting."""

from __future__ import annotations

import click

from porta.config.setting_errors import SettingsInvalid
from porta.config.single_settings import find_database_url


def _database_url(ctx: click.Context, option: click.Parameter, given: str | None) -> str:
    try:
        url = given or find_database_url()
    except SettingsInvalid as fault:
        raise click.ClickException("\n".join(fault.problems)) from None
    if not url:
        raise click.MissingParameter(
            "Set DATABASE_URL in the environment or in a file .env in this folder.", ctx, option
        )
    return url


database_option = click.option(
    "--database-url",
    callback=_database_url,
    metavar="URL",
    help="postgresql://user:password@host:port/name  [else DATABASE_URL of environment or .env]",
)
