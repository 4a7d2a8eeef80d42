"""Settings errors of every command: one list, one exit code (1), and where settings come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from porta.config.setting_errors import SettingsInvalid


@contextmanager
def report_settings() -> Iterator[None]:
    """End the command with everything that is wrong with the settings."""
    try:
        yield
    except SettingsInvalid as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        raise click.ClickException(
            f"The settings cannot be used:\n{lines}\n"
            "They come from the environment, or from a file .env in this folder."
        ) from None
