"""Commands that stand over the database of a server, and from elsewhere over the Admin API."""

from __future__ import annotations

import os

import click

from porta.cli.groups import Group
from porta.cli.remote import credentials_file
from porta.config.setting_errors import SettingsInvalid
from porta.config.single_settings import find_database_url

REMOTE = "--remote"
_SERVER = "--server"


class EitherGroup(Group):
    """A group whose commands ask the database that the environment names; where it names none, or
    `--remote` or `--server` is given, the server that somebody signed in to.
    """

    def __init__(self, *args: object, remote: click.Group, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # those of click
        self.remote = remote

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands of both ways, once each."""
        return list(dict.fromkeys([*self.commands, *self.remote.commands]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        here, there = self.commands.get(cmd_name), self.remote.commands.get(cmd_name)
        if here is None or there is None:
            return here or there
        return there if _is_remote(ctx.meta.get(REMOTE, ())) else here

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        ctx.meta[REMOTE] = tuple(args)
        name, command, rest = super().resolve_command(ctx, args)
        if name in self.remote.commands:
            rest = [each for each in rest if each != REMOTE]
        return name, command, rest


def _is_remote(args: tuple[str, ...]) -> bool:
    if REMOTE in args or any(each.partition("=")[0] == _SERVER for each in args):
        return True
    return "PORTA_SERVER" in os.environ or (_is_signed_in() and not _names_a_database())


def _is_signed_in() -> bool:
    """Else whoever stands at a server without its environment is told what is missing there."""
    return "PORTA_CLIENT_ID" in os.environ or credentials_file().path.exists()


def _names_a_database() -> bool:
    try:
        return bool(find_database_url())
    except SettingsInvalid:
        return True  # the command says what is wrong
