"""Commands that ask a server over the Admin API: where it is, as whom, what is told of refusals."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from porta.admin_client import (
    AdminApiError,
    AdminClient,
    Forbidden,
    Invalid,
    MachineTokens,
    NoAnswer,
    NotSignedIn,
    Refused,
    SignInFailed,
    Unauthenticated,
)
from porta.admin_client.credentials import CredentialsFile, KeptTokens
from porta.admin_client.http import Http
from porta.admin_client.sign_in import find_entrance
from porta.admin_client.tokens import TokenSource
from porta.admin_client.transport import Rehearsed
from porta.cli.answers import line, spelled

SERVER = "Which server; else that of the sign-in."
CA_FILE = "Authorities that are trusted in place of the system's."
_SECRET = {"password", "secret", "clientSecret", "value"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Connection:
    """Which server is asked, and how; None is what the environment or the sign-in says."""

    server: str | None = None
    ca_file: str | None = None
    rehearses: bool = False
    json_wanted: bool = False


def credentials_file() -> CredentialsFile:
    """Return where the sign-in is kept: PORTA_CREDENTIALS, or ~/.porta/credentials.json."""
    named = os.environ.get("PORTA_CREDENTIALS")
    return CredentialsFile(Path(named) if named else Path.home() / ".porta" / "credentials.json")


def ask_server(connection: Connection, work: Callable[[AdminClient], Awaitable[T]]) -> T | None:
    """Return what `work` does with the Admin API; what is refused ends the command.

    None where it was only rehearsed, and what would have been sent is told.
    """

    async def opened() -> T:
        server, tokens = await _caller(connection)
        async with AdminClient(
            server, tokens, ca_file=connection.ca_file, rehearses=connection.rehearses
        ) as admin:
            return await work(admin)

    with report_refusals():
        try:
            return asyncio.run(opened())
        except Rehearsed as told:
            _tell_request(told, json_wanted=connection.json_wanted)
            return None


async def _caller(connection: Connection) -> tuple[str, TokenSource]:
    """Return the server and whose tokens: a program's where the environment names one."""
    client_id, secret = (os.environ.get(f"PORTA_CLIENT_{each}") for each in ("ID", "SECRET"))
    if client_id and secret:
        server = connection.server
        if server is None:
            raise NotSignedIn("PORTA_CLIENT_ID is set: PORTA_SERVER has to say of which server")
        http = Http(ca_file=connection.ca_file)
        try:
            entrance = await find_entrance(http, server, client_id)
        finally:
            http.close()
        return server, MachineTokens(entrance.issuer.token_endpoint, client_id, secret)
    file = credentials_file()
    kept = file.read()
    if connection.server is not None and connection.server.rstrip("/") != kept.server:
        raise NotSignedIn(
            f"You are signed in to {kept.server}: porta login --server {connection.server}"
        )
    return kept.server, KeptTokens(file)


@contextmanager
def report_refusals() -> Iterator[None]:
    """Turn what the client raises into a message and an exit code."""
    try:
        yield
    except Rehearsed:
        raise
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except AdminApiError as error:
        raise _failure(error) from None


class _NotAllowed(click.ClickException):
    """Not signed in, or not permitted: the exit code of Porta 1.x."""

    exit_code = 2


class _NotValid(click.ClickException):
    """Refused for what it says: the exit code of Porta 1.x."""

    exit_code = 3


def _failure(error: AdminApiError) -> click.ClickException:
    if isinstance(error, Unauthenticated | Forbidden | NotSignedIn | SignInFailed):
        return _NotAllowed(_told(error))
    return (_NotValid if isinstance(error, Invalid) else click.ClickException)(_told(error))


def _told(error: AdminApiError) -> str:
    if isinstance(error, NoAnswer) and error.was_sent:
        return f"{error}. The change may have been made: look before you repeat it."
    if isinstance(error, Unauthenticated):
        return "Your sign-in is over, or no longer for this server: porta login"
    if not isinstance(error, Refused):
        return str(error)
    lines = [f"\n  {each.path}: {each.message}" for each in error.problems]
    named = f" (request {error.request_id})" if error.request_id and error.status >= 500 else ""
    return "\n".join(map(line, f"{error.message}{named}{''.join(lines)}".split("\n")))


def _tell_request(told: Rehearsed, *, json_wanted: bool) -> None:
    request = told.request
    body = _hidden(json.loads(request.content)) if request.content else None
    if json_wanted:
        said: dict[str, Any] = {"method": request.method, "path": request.url, "body": body}
        click.echo(spelled(said))
        return
    click.echo(f"Nothing is changed. This would be sent:\n{request.method} {request.url}")
    if body:
        click.echo(spelled(body))


def _hidden(body: Any) -> Any:
    if isinstance(body, list):
        return [_hidden(each) for each in body]
    if not isinstance(body, dict):
        return body
    return {name: "…" if name in _SECRET else _hidden(value) for name, value in body.items()}
