"""porta audit tail: what happens, as it happens, over the Admin API; taken up where it is lost."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from porta.admin_client import AdminClient
from porta.admin_client.resources.audit import Entry
from porta.cli import answers
from porta.cli.option_types import Value
from porta.cli.remote import CA_FILE, SERVER, Connection, ask_server


@click.command()
@click.option("--event", metavar="TYPE", help="Of this type only, exactly.")
@click.option("--organization", metavar="ORG", help="What happens in it; its id or slug.")
@click.option("--user", metavar="UUID", help="What happens to them.")
@click.option("--actor", metavar="UUID", help="What they do.")
@click.option("--server", envvar="PORTA_SERVER", metavar="URL", help=SERVER)
@click.option("--ca-file", envvar="PORTA_CA_FILE", metavar="FILE", help=CA_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print each entry as a line of JSON.")
def tail(
    event: str | None,
    organization: str | None,
    user: str | None,
    actor: str | None,
    server: str | None,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Follow the audit trail of a server, until Ctrl-C.

    An entry comes once it is sealed, within a second or so. A connection that breaks is made anew,
    and goes on after the last entry: none is missed, and none comes twice. What was there before is
    not told: porta audit export, and the list of the Admin API.
    """

    async def follow(admin: AdminClient) -> None:
        org = organization
        if org is not None and not Value.is_id(org):
            org = (await admin.organizations.get(org)).id
        async with admin.audit.events(event=event, org=org, user=user, actor=actor) as entries:
            async for entry in entries:
                click.echo(json.dumps(answers.as_json(entry)) if as_json else _line(entry))

    with suppress(KeyboardInterrupt):
        ask_server(Connection(server, ca_file), follow)


def _line(entry: Entry) -> str:
    when = entry.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    told = [f"{when}  {entry.event_type}"]
    told += [
        f"{name}={value}"
        for name, value in (
            ("by", entry.actor_id or entry.actor_client or entry.actor_type),
            ("user", entry.user_id),
            ("organization", entry.organization_id),
            ("from", entry.ip_address),
            ("request", entry.request_id),
        )
        if value
    ]
    if entry.description:
        told.append(entry.description)
    if entry.metadata:
        told.append(json.dumps(entry.metadata, ensure_ascii=False))
    return answers.line("  ".join(told))
