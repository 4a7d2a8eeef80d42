"""porta login, logout, whoami: the sign-in that every command of the Admin API uses."""

from __future__ import annotations

import asyncio
import json
import time
import webbrowser
from collections.abc import Mapping
from contextlib import suppress

import click

from porta.admin_client import AdminClient, BearerToken, NotSignedIn, SignInFailed
from porta.admin_client import credentials as kept
from porta.admin_client.credentials import Credentials, Person
from porta.admin_client.errors import AdminApiError
from porta.admin_client.http import Http
from porta.admin_client.loopback import listening, parameters_of
from porta.admin_client.sign_in import Attempt, Entrance, begin, find_entrance, redeem
from porta.admin_client.tokens import Tokens, revoke
from porta.cli.answers import as_json, line
from porta.cli.commands import prompts, rfc3339
from porta.cli.remote import (
    CA_FILE,
    SERVER,
    Connection,
    ask_server,
    credentials_file,
    report_refusals,
)

_PATIENCE = 300.0
_NO_LISTENER = "http://127.0.0.1:11111/callback"
"""Where nothing listens: the address that the browser ends at is pasted."""

_server = click.option("--server", envvar="PORTA_SERVER", metavar="URL", help=SERVER)
_ca_file = click.option("--ca-file", envvar="PORTA_CA_FILE", metavar="FILE", help=CA_FILE)


@click.command()
@_server
@click.option("--client-id", help="Sign in with another public client than that of porta init.")
@click.option(
    "--browser/--no-browser", default=True, help="Without: open the address elsewhere, and paste."
)
@_ca_file
def login(server: str | None, client_id: str | None, browser: bool, ca_file: str | None) -> None:
    """Sign in as an administrator.

    The browser opens at the server; the token is kept in ~/.porta/credentials.json, for you alone.
    Programs do not sign in: they have PORTA_SERVER, PORTA_CLIENT_ID and PORTA_CLIENT_SECRET.
    """
    with report_refusals():
        server = server or _former_server()
        signed_in = asyncio.run(_login(server, client_id, ca_file, browser=browser))
        credentials_file().write(signed_in)
    who = signed_in.user.email if signed_in.user and signed_in.user.email else "you"
    click.echo(f"✓ Signed in to {signed_in.server} as {line(who)}.")
    if signed_in.refresh_token is None:
        click.echo("It lasts as long as this token: no refresh token was given.", err=True)


def _former_server() -> str:
    with suppress(NotSignedIn):
        return credentials_file().read().server
    raise click.UsageError("Say which server: porta login --server https://id.example.com")


async def _login(
    server: str, client_id: str | None, ca_file: str | None, *, browser: bool
) -> Credentials:
    http = Http(ca_file=ca_file)
    try:
        entrance = await find_entrance(http, server, client_id)
        tokens = await (_by_browser(http, entrance) if browser else _by_hand(http, entrance))
    finally:
        http.close()
    return kept.of(entrance, tokens, await _person(entrance, tokens, ca_file))


async def _by_browser(http: Http, entrance: Entrance) -> Tokens:
    async with listening() as loopback:
        attempt = begin(entrance, loopback.redirect_uri)
        loopback.expect(attempt.state)
        click.echo(f"Sign in here, if no browser opens:\n  {attempt.url}", err=True)
        await asyncio.to_thread(webbrowser.open, attempt.url)
        try:
            answer = await loopback.answer(_PATIENCE)
        except TimeoutError:
            raise SignInFailed("Nobody signed in within five minutes") from None
        return await redeem(http, entrance, attempt, answer)


async def _by_hand(http: Http, entrance: Entrance) -> Tokens:
    attempt = begin(entrance, _NO_LISTENER)
    return await redeem(http, entrance, attempt, _pasted(attempt))


def _pasted(attempt: Attempt) -> Mapping[str, str]:
    click.echo(
        f"Open this in a browser, and sign in:\n  {attempt.url}\n"
        "It ends at a page that cannot be shown. Paste its whole address here.",
        err=True,
    )
    with prompts("Leave out --no-browser."):
        return parameters_of(click.prompt("Address", err=True))


async def _person(entrance: Entrance, tokens: Tokens, ca_file: str | None) -> Person:
    """Return who signed in, as the Admin API sees them; who may not administer is told now."""
    async with AdminClient(
        entrance.server, BearerToken(tokens.access_token), ca_file=ca_file
    ) as admin:
        me = await admin.me.get()
    return Person(sub=me.user_id or "", email=me.email)


@click.command()
@_ca_file
def logout(ca_file: str | None) -> None:
    """Sign out: the token is revoked at the server, and forgotten here."""
    file = credentials_file()
    try:
        signed_in = file.read()
    except NotSignedIn as told:
        file.remove()
        click.echo(str(told), err=True)
        return
    revoked = False
    with suppress(AdminApiError):  # nothing keeps a token here, not even a server that is away
        revoked = asyncio.run(_revoke(signed_in, ca_file))
    file.remove()
    click.echo(f"✓ Signed out of {signed_in.server}.")
    if not revoked:
        click.echo("The server was not reached: the token lasts there until it is over.", err=True)


async def _revoke(signed_in: Credentials, ca_file: str | None) -> bool:
    """Revoke what was issued (RFC 7009): the refresh token takes its access tokens along."""
    endpoint = signed_in.revocation_endpoint
    if endpoint is None:
        return False
    token = signed_in.refresh_token or signed_in.access_token
    http = Http(ca_file=ca_file)
    try:
        return await revoke(http, endpoint, signed_in.client_id, token)
    finally:
        http.close()


@click.command()
@_server
@_ca_file
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def whoami(server: str | None, ca_file: str | None, json_wanted: bool) -> None:
    """Tell who is signed in, where, and what they may do there."""
    found = ask_server(Connection(server, ca_file, json_wanted=json_wanted), lambda a: a.me.get())
    assert found is not None
    told = as_json(found)
    with suppress(NotSignedIn):
        signed_in = credentials_file().read()
        told = {
            "server": signed_in.server,
            **told,
            "expiresAt": rfc3339(signed_in.expires_at),
            "expired": signed_in.expires_at < time.time(),
        }
    if json_wanted:
        click.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        if name != "permissions":
            click.echo(f"{name:<15} {'—' if value is None else line(str(value))}")
    click.echo(f"{'permissions':<15} {len(found.permissions)}: {' '.join(found.permissions)}")
