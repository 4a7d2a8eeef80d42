"""`porta health`: are the databases there, is a server well?"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import click

from porta.cli.numbers import Seconds

_FACES = {"ok": "green", "error": "red"}
_STATES = {"healthy": "ok", "ok": "ok", "degraded": "degraded"}
"""How a server is that tells its status only."""
_LONGEST = 65_536
"""Bytes of an answer; a server has less to say."""


Answer = tuple[dict[str, str], list[str]]
"""How each part is, and what is wrong with those that are not well."""


@click.command()
@click.argument("check", required=False, type=click.Choice(["check"]), metavar="")
@click.option("--url", metavar="URL", help="Ask this server: http://127.0.0.1:3000")
@click.option(
    "--live", is_flag=True, help="With --url: ask only whether it answers, not for its databases."
)
@click.option(
    "--settings",
    "whole",
    is_flag=True,
    help="Look at every setting of a server first, not only at those asked with.",
)
@click.option(
    "--wait",
    type=Seconds(),
    default=0,
    metavar="SECONDS",
    help="Go on asking for so long until all are well.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")
def health(
    check: str | None, url: str | None, live: bool, whole: bool, wait: float, as_json: bool
) -> None:
    """Ask the databases, or a running server, how they are.

    Without --url it writes to DATABASE_URL and REDIS_URL itself. Exit code 0 means that people can
    sign in, 1 that they cannot: without Redis they can, and it is told as degraded.
    Porta 1.x spelled it porta health check, which works too.
    """
    if live and not url:
        raise click.UsageError("--live needs --url: it asks a server")
    if whole:
        _check_settings()
    checks, problems = _patiently(_question(url, live=live), wait)
    if not checks:
        raise click.ClickException(problems[0])
    for problem in problems:
        click.echo(problem, err=True)
    if as_json:
        click.echo(json.dumps(checks, indent=2))
    for name, state in () if as_json else checks.items():
        click.echo(f"{name:<10} {click.style(state, fg=_FACES.get(state, 'yellow'))}")
    if "error" in checks.values():
        sys.exit(1)


def _check_settings() -> None:
    """Exit where a server would refuse its settings: no waiting mends those."""
    from porta.cli import commands

    commands.settings_or_exit()


def _question(url: str | None, *, live: bool) -> Callable[[], Answer]:
    """Return what asks the server at `url`, else the databases. Raises ClickException."""
    if not url:
        # Asking a server needs none of this, and is what a container does every half minute.
        from porta.cli import commands
        from porta.config.single_settings import StoreSettings

        return partial(commands.ping, commands.some_settings_or_exit(StoreSettings))
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("begin it with http:// or https://", param_hint="--url")
    return partial(_ask_server, url, live=live)


def _patiently(ask: Callable[[], Answer], patience: float) -> Answer:
    """Ask until all are well, for `patience` seconds, and return the last answer."""
    deadline = time.monotonic() + patience
    while True:
        checks, problems = ask()
        left = deadline - time.monotonic()
        if left <= 0 or (checks and "error" not in checks.values()):
            return checks, problems
        time.sleep(min(1.0, left))


def _ask_server(url: str, *, live: bool) -> Answer:
    try:
        report = _fetch(url.rstrip("/") + ("/live" if live else "/health"))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        return {}, [f"No Porta answers at {url}: {_reason(error)}"]
    match report:
        case {"status": str(), "checks": dict(checks)} if checks:
            states = {name: str(state) for name, state in checks.items()}
            return states, _problems(report.get("faults"))
        case {"status": str(status)} if "checks" not in report:
            # From elsewhere a server tells whether it is well, and no more.
            return {"server": _STATES.get(status, "error")}, []
    return {}, [f"No Porta answers at {url}: this is not its report"]


def _reason(error: Exception) -> str:
    """Return why nobody answered, as a person would say it."""
    cause = error.reason if isinstance(error, URLError) else error
    match cause:
        case ConnectionRefusedError():
            return "nothing listens there; is porta serve running, and is this its port?"
        case TimeoutError():
            return "there was no answer in 5 seconds"
        case socket.gaierror():
            return "its host name cannot be resolved"
        case OSError(strerror=str(said)):
            return said
        case OSError():
            return str(cause)
    return "something else does, which is no report of Porta"


def _problems(told: object) -> list[str]:
    """Return a line for each problem of a report: what is not well, since when, and why."""
    if not isinstance(told, dict):
        return []
    return [
        f"{name}, since {problem.get('since')}: {problem.get('reason')}"
        for name, problem in told.items()
        if isinstance(problem, dict)
    ]


def _fetch(url: str) -> Any:
    opener = build_opener(ProxyHandler({}))  # a proxy would answer for itself, or for another
    request = Request(url)  # noqa: S310 - http or https
    try:
        answer = opener.open(request, timeout=5)
    except HTTPError as unwell:  # 503 carries the same body
        answer = unwell
    with answer:
        return json.loads(answer.read(_LONGEST))
