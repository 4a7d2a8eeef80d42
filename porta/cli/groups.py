"""Command groups: whole summaries, and `help` beside `--help`."""

from __future__ import annotations

import click


class Group(click.Group):
    """A group that tells the first sentence of each command whole, however wide the terminal is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the first sentence of the help of a command."""
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=10_000) if command is not None else ""


@click.command("help")
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Tell what a command does: porta help migrate up."""
    parent = ctx.parent
    assert parent is not None, "it is a command of the group"
    command: click.Command = parent.command
    for name in names:
        if not isinstance(command, click.Group):
            raise click.UsageError(f"{parent.command_path} has no commands below it.", parent)
        _, found, _ = command.resolve_command(parent, [name])
        assert found is not None, "an unknown one is refused"
        parent, command = click.Context(found, info_name=name, parent=parent), found
    click.echo(command.get_help(parent))
