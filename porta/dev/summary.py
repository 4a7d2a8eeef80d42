"""Summary that `porta dev` prints for a newcomer."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape


class Unheard(Exception):
    """Whoever read our standard output has enough: `porta dev | head`."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # What is left in a buffer would be tried again at our end, and complained of.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise Unheard


def check_heard() -> None:
    """Raise Unheard when standard output is a pipe that nobody reads any more."""
    try:
        output = sys.stdout.fileno()
        if not stat.S_ISFIFO(os.fstat(output).st_mode):
            return
    except (AttributeError, OSError):  # there is none, or none that the system knows
        return
    poll = select.poll()
    poll.register(output, 0)
    if poll.poll(0):  # not asked for anything, it tells of the end
        raise Unheard


def tell(description: Mapping[str, Any], data: Path, seconds: float) -> None:
    """Print where everything is; `seconds` is how long the start took. Raises Unheard."""
    console = _Console(highlight=False, soft_wrap=True)
    console.print()
    for name, value in _lines(description, data):
        console.print(f"  [bold]{name:<14}[/bold]{value}" if value else "")
    console.print()
    console.print(f"[bold green]Porta is ready[/] after {seconds:.1f} s. Ctrl-C stops everything.")


def say_stopping() -> None:
    """Print that the end has begun, if anybody is there."""
    with contextlib.suppress(Unheard):
        _Console(highlight=False).print("Stopping.")


_NOTHING_TO_TRY = "none to try: that takes a person in the seed who signs in with a password alone"


def _lines(description: Mapping[str, Any], data: Path) -> Iterator[tuple[str, str]]:
    organizations = description["organizations"]
    if sign_in := description["sign_in"]:
        link = sign_in["url"]
        yield "Try it", f"[link={link}]{link}[/link]  starts a sign-in and shows the tokens"
        yield "Sign in as", f"{escape(sign_in['email'])}  password {escape(sign_in['password'])}"
    else:
        yield "Sign-in", _NOTHING_TO_TRY
    yield "", ""
    for index, url in enumerate(description["instances"]):
        yield ("" if index else "Server"), url
    for index, organization in enumerate(organizations.values()):
        issuer = organization["issuer"]
        yield ("" if index else "Issuers"), f"{issuer}/.well-known/openid-configuration"
    for note in description["notes"]:
        yield "Note", escape(note)
    yield "Inbox", f"{description['mail']['web']}  every email lands here"
    yield "PostgreSQL", escape(description["database_url"])
    yield "Redis", escape(description["redis_url"])
    yield "Everything", f"{escape(str(data / 'dev.json'))}  people, clients and their secrets"
    yield "Keys", f"{escape(str(data / 'secrets.json'))}  COOKIE_KEYS and the encryption keys"
    yield "Logs", escape(str(data / "logs"))
    database = data / "postgres" / "data"
    if database.is_symlink():
        yield "Database", f"{database.resolve()}  as PostgreSQL's account cannot enter {data}"
