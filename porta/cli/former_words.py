"""Former words: the server's command line of Porta 1.x, read where harmless, else refused."""

from __future__ import annotations

import os

import click

from porta.cli import former_nouns

_REFUSED = {
    ("migrate", "down"): "There is no way down, and none is needed: Porta 1.6.1 serves on the"
    " database as it is until you say porta migrate finish (docs/succession.md).",
    ("seed",): "There is no seed to run. porta dev brings one, on a machine of your own; migrations"
    " bring what an installation needs.",
}
"""The first words of a command, and what is said instead."""
_VARIABLES = {
    "--database-url": "DATABASE_URL",
    "--redis-url": "REDIS_URL",
    "--server": "PORTA_SERVER",
}
_FOR_COMMANDS = ("--json", "--dry-run")


def read(args: list[str]) -> list[str]:
    """Return `args` in our words; `--database-url`, `--redis-url` and `--server`
    become variables.

    Raises click.UsageError, with the new word, for what is not here, or would not be harmless.
    """
    first, moved, rest = _options(list(args))
    for words, told in _REFUSED.items():
        if tuple(rest[: len(words)]) == words:
            raise click.UsageError(told)
    if rest[:1] == ["init"] and "--force" in rest:
        raise click.UsageError("init has no --force: an installation is made once.")
    if rest[:2] == ["health", "check"]:
        rest = [word for word in rest if word != "--direct"]
    return [*first, *former_nouns.read(rest), *moved]


def _options(args: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return our own options before the command, those that 1.x had there and that belong behind
    it, and the command with what follows.
    """
    first, moved = [], []
    while args and args[0].startswith("-"):
        word = args.pop(0)
        name, _, value = word.partition("=")
        if name in _VARIABLES:
            os.environ[_VARIABLES[name]] = value or _value(name, args)
        elif word in _FOR_COMMANDS:
            moved.append(word)
        elif word == "--force":
            raise click.UsageError("There is no --force: give --yes to the command that asks.")
        elif word != "--verbose":
            first.append(word)
    return first, moved, _without_redis([word for word in args if word != "--verbose"])


def _without_redis(args: list[str]) -> list[str]:
    """1.x took `--redis-url` behind a command too; `--database-url` is an option of ours there."""
    kept = []
    while args:
        name, _, value = (word := args.pop(0)).partition("=")
        if name == "--redis-url":
            os.environ["REDIS_URL"] = value or _value(name, args)
        else:
            kept.append(word)
    return kept


def _value(name: str, args: list[str]) -> str:
    if not args:
        raise click.UsageError(f"Option '{name}' requires an argument.")
    return args.pop(0)
