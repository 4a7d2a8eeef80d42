"""The option `--database-url`, of commands that need no other setting."""

from __future__ import annotations

import click

from porta.cli.settings_report import report_settings
from porta.config.setting_errors import SettingsInvalid, missing
from porta.config.single_settings import find_database_url


def _database_url(ctx: click.Context, option: click.Parameter, given: str | None) -> str:
    with report_settings():
        url = given or find_database_url()
        if not url:
            raise SettingsInvalid([missing("DATABASE_URL")])
    return url


database_option = click.option(
    "--database-url",
    callback=_database_url,
    metavar="URL",
    help="postgresql://user:password@host:port/name  [else DATABASE_URL of environment or .env]",
)
