"""porta tokens: end at once what was issued to a person, a client or an organization."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from porta.audit.actors import SYSTEM
from porta.cli.commands import confirm, some_settings_or_exit, with_storage
from porta.cli.groups import Group
from porta.config.single_settings import StoreSettings
from porta.services import clients, organizations, session_control
from porta.services.commands import Reasoned
from porta.text.email_addresses import canonical_email
from storage.router import Storage

Revoke = Callable[[Storage, str, Reasoned], Awaitable[object]]


@click.group(cls=Group)
def tokens() -> None:
    """End sessions and tokens, whoever holds them."""


@tokens.command()
@click.option("--user", metavar="ID", help="What a person has; by e-mail with --organization.")
@click.option("--client", metavar="CLIENT_ID", help="What a client was issued.")
@click.option("--organization", metavar="SLUG", help="What everybody in an organization has.")
@click.option("--reason", help="Why, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def revoke(
    user: str | None, client: str | None, organization: str | None, reason: str | None, yes: bool
) -> None:
    """End every session, code and token that was issued until now, on every instance.

    Nobody is kept from signing in anew: whoever may no more is suspended beside it.
    """
    target, what, run = _asked(user, client, organization)
    command = Reasoned.parse({"reason": reason} if reason is not None else {})
    if not yes:
        confirm(f"End everything that was issued to {what} until now?")

    async def act(storage: Storage) -> None:
        async with storage.transaction() as tx:
            await run(tx, target, command)

    with_storage(some_settings_or_exit(StoreSettings), act)
    click.echo(f"✓ What was issued to {what} until now is refused from now on.")


def _asked(
    user: str | None, client: str | None, organization: str | None
) -> tuple[str, str, Revoke]:
    """Return the target, what it is in words, and what revokes it."""
    if user is not None and client is None and (organization is None) == ("@" not in user):
        return user, f"the person {user}", _of_user(organization)
    if client is not None and user is None and organization is None:
        return (
            client,
            f"the client {client}",
            lambda tx, id, command: clients.revoke_tokens(tx, SYSTEM, id, command),
        )
    if organization is not None and user is None and client is None:
        return (
            organization,
            f"the organization {organization}",
            lambda tx, id, command: organizations.revoke_tokens(tx, SYSTEM, id, command),
        )
    raise click.UsageError(
        "Name one of --user, --client and --organization; a person by id, or by e-mail together"
        " with --organization."
    )


def _of_user(organization: str | None) -> Revoke:
    async def run(tx: Storage, target: str, command: Reasoned) -> object:
        if organization is not None:
            home = await organizations.get(tx, SYSTEM, organization)
            found = await tx.users.find_by_email(home.id, canonical_email(target))
            target = found.id if found is not None else ""
        return await session_control.revoke_all(tx, SYSTEM, target, command)

    return run
