"""porta completion: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands and options.

    \b
    bash:  porta completion bash >> ~/.bashrc
    zsh:   porta completion zsh >> ~/.zshrc
    fish:  porta completion fish > ~/.config/fish/completions/porta.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "the choices are those that click knows"
    root = ctx.find_root()
    click.echo(found(root.command, {}, "porta", "_PORTA_COMPLETE").source())
