"""What `porta dev` tells a newcomer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape


def tell(description: Mapping[str, Any], data: Path, seconds: float) -> None:
    """Print where everything is; `seconds` is how long the start took."""
    console = Console(highlight=False, soft_wrap=True)
    console.print()
    for name, value in _lines(description, data):
        console.print(f"  [bold]{name:<14}[/bold]{value}" if name else f"  {'':<14}{value}")
    console.print()
    console.print(f"[bold green]Porta is ready[/] after {seconds:.1f} s. Ctrl-C stops everything.")


def say_stopping() -> None:
    """Print that the end has begun."""
    Console(highlight=False).print("Stopping.")


def _lines(description: Mapping[str, Any], data: Path) -> Iterator[tuple[str, str]]:
    organizations = description["organizations"]
    if sign_in := description["sign_in"]:
        link = sign_in["url"]
        yield "Try it", f"[link={link}]{link}[/link]  starts a sign-in and shows the tokens"
        yield "Sign in as", f"{escape(sign_in['email'])}  password {escape(sign_in['password'])}"
    yield "", ""
    for index, url in enumerate(description["instances"]):
        yield ("" if index else "Server"), url
    for index, organization in enumerate(organizations.values()):
        issuer = organization["issuer"]
        yield ("" if index else "Issuers"), f"{issuer}/.well-known/openid-configuration"
    yield "Inbox", f"{description['mail']['web']}  every email lands here"
    yield "PostgreSQL", escape(description["database_url"])
    yield "Redis", escape(description["redis_url"])
    yield "Everything", f"{escape(str(data / 'dev.json'))}  people, clients and their secrets"
    yield "Logs", escape(str(data / "logs"))
    database = data / "postgres" / "data"
    if database.is_symlink():
        yield "Database", f"{database.resolve()}  as PostgreSQL's account cannot enter {data}"
