"""Command line entry point: `porta COMMAND`. A command is imported when it is asked for."""

from __future__ import annotations

import keyword
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.exceptions import NoSuchCommand

from porta.cli import former_words
from porta.cli.groups import Group, help_command
from porta.version import VERSION

if TYPE_CHECKING:
    from porta.config.settings import Settings

COMMANDS = {
    "dev": ("porta.cli.dev", "Run a complete Porta on this machine, for development."),
    "serve": ("porta.cli.serve", "Run the server."),
    "worker": ("porta.cli.worker", "Work off the queue of jobs, in a process of its own."),
    "init": ("porta.cli.init", "Make the administration's application and its first person."),
    "provision": (
        "porta.cli.provision",
        "Make organizations, clients and people from files.",
    ),
    "migrate": ("porta.cli.migrate", "Bring the database to the schema of this version."),
    "keys": ("porta.cli.keys", "Show, make, rotate and revoke the keys that sign tokens."),
    "tokens": ("porta.cli.tokens", "End at once what was issued to a person, a client, a tenant."),
    "audit": ("porta.cli.audit", "Verify the audit trail, export it, and follow it."),
    "jobs": ("porta.cli.jobs", "Show what is queued, and try again what failed."),
    "login": ("porta.cli.login", "Sign in as an administrator of a server."),
    "logout": ("porta.cli.login", "Sign out, and revoke the token."),
    "whoami": ("porta.cli.login", "Tell who is signed in, and what they may do."),
    "org": ("porta.cli.org", "Make, change, suspend and delete organizations."),
    "client": ("porta.cli.client", "Register, change and revoke OAuth clients."),
    "user": ("porta.cli.user", "Add people, change them, let them in and keep them out."),
    "app": ("porta.cli.app", "Applications, with their modules, roles, permissions and claims."),
    "sessions": ("porta.cli.sessions", "Show who is signed in, and sign people out."),
    "refresh-families": (
        "porta.cli.refresh_families",
        "Show who lets which client act for them for long, and end it.",
    ),
    "api-resource": ("porta.cli.api_resource", "Declare the APIs that tokens are for."),
    "config": ("porta.cli.config", "Show and change the settings of an installation."),
    "domain": ("porta.cli.domain", "Domains that are proven, and where their people sign in."),
    "setup-link": ("porta.cli.setup_link", "Links that let others connect a provider or a domain."),
    "connection": ("porta.cli.connection", "Identity providers of others to sign in with."),
    "trace": ("porta.cli.trace", "Tell what happened until a page showed a support code."),
    "stats": ("porta.cli.stats", "Count what there is, and who signed in."),
    "bulk": ("porta.cli.bulk", "Change the status of many at once."),
    "export": ("porta.cli.export", "Write lists to files, as CSV or JSON."),
    "import": ("porta.cli.import_", "Bring in files, and lists of people."),
    "completion": ("porta.cli.completion", "Let your shell complete commands and options."),
    "health": ("porta.cli.health", "Ask the databases, or a running server, how they are."),
}
"""The module of each command, whose attribute of the same name it is, and a line about it."""


def attribute_of(word: str) -> str:
    """Return what a command is called in its module."""
    name = word.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


class LazyGroup(Group):
    """A group that lists its commands without importing them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            raise NoSuchCommand(
                unknown.command_name, possibilities=[*COMMANDS, "help"], ctx=ctx
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "help":
            return help_command
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name][0]), attribute_of(cmd_name))
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, former_words.read(args))

    def summary(self, ctx: click.Context, name: str) -> str:
        return COMMANDS[name][1]


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(VERSION)
    ctx.exit()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Print it.",
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Porta, a multi-tenant OpenID Connect provider.

    \b
    To try it:           porta dev
    To run it:           porta migrate up, porta init, porta provision FILE,
                         porta serve

    \b
    To administer it:    porta login, porta org, porta client, porta user,
                         porta app, from any machine

    What runs a server reads its settings from the environment, or a file .env beside it;
    DATABASE_URL, ISSUER_BASE_URL, COOKIE_KEYS and SIGNING_KEY_ENCRYPTION_KEY are needed. What
    administers asks the server that you signed in to.
    """
    ctx.obj = _run_server


def _run_server(settings: Settings) -> None:
    """Serve until told to stop: the one place where the core meets the web framework."""
    from handlers import app

    try:
        app.run(settings)
    except app.CannotListen as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main(prog_name="porta")
