"""`porta health`: are the databases there, is a server well?"""

from __future__ import annotations

import json
import sys
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click

_FACES = {"ok": "green", "not configured": "yellow", "error": "red"}


@click.command()
@click.option("--url", metavar="URL", help="Ask this server: http://127.0.0.1:3000")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")
def health(url: str | None, as_json: bool) -> None:
    """Ask the databases, or a running server, how they are.

    Without --url it connects to DATABASE_URL and REDIS_URL itself. Exit code 0 means well, 1 not.
    """
    checks = _ask_server(url) if url else _ask_databases()
    if as_json:
        click.echo(json.dumps(checks, indent=2))
    for name, state in () if as_json else checks.items():
        click.echo(f"{name:<10} {click.style(state, fg=_FACES.get(state))}")
    if "error" in checks.values():
        sys.exit(1)


def _ask_server(url: str) -> dict[str, str]:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("begin it with http:// or https://", param_hint="--url")
    request = Request(url.rstrip("/") + "/health")  # noqa: S310 - http or https
    try:
        try:
            answer = urlopen(request, timeout=5)  # noqa: S310 - http or https
        except HTTPError as unwell:  # 503 carries the same body
            answer = unwell
        with answer:
            checks: dict[str, str] = json.load(answer)["checks"]
            return checks
    except (URLError, TimeoutError, ValueError, KeyError) as error:
        raise click.ClickException(f"No Porta answers at {url}: {error}") from None


def _ask_databases() -> dict[str, str]:
    # Asking a server needs none of this, and is what a container does every half minute.
    from porta.cli import opened

    return opened.ping(opened.settings_or_exit())
