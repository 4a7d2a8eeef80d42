"""Client secrets: made, listed, revoked; their values are shown once."""

from __future__ import annotations

import builtins
import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from porta.audit.actors import Actor
from porta.audit.changes import record_change
from porta.errors import Invalid, NotFound
from porta.security import opaque
from porta.security.passwords import Hashed, Passwords
from porta.services import clients
from porta.services.client_registration import NewClient, columns_of
from porta.services.client_targets import hold_client
from porta.services.commands import ABSENT, Command
from porta.services.fields import Name, judged
from porta.services.permissions import needs
from porta.services.targets import require_id
from porta.text.timestamps import seconds_of
from storage.models.clients import Client, SecretEntry

if TYPE_CHECKING:
    from storage.router import Storage

WHAT = "Secret"
_SECRET = re.compile(r"[\x21-\x7e]{32,255}")


def _find_secret_problem(secret: str) -> str | None:
    fits = _SECRET.fullmatch(secret)
    return None if fits else "must be 32 to 255 printable ASCII characters without spaces"


SecretValue = Annotated[str, judged(_find_secret_problem)]


class NewSecret(Command):
    """One more secret of a confidential client. Without a `value`, 256 random bits are taken."""

    label: Name | None = ABSENT
    value: SecretValue | None = Field(None, repr=False)
    expires_at: datetime | None = None
    """A time without zone is UTC."""

    @property
    def end(self) -> float | None:
        """When it ends, in seconds since the epoch."""
        return None if self.expires_at is None else seconds_of(self.expires_at)


async def hash_new(passwords: Passwords, command: NewSecret) -> Hashed:
    """Make the value of a secret where none is chosen, and hash it, before the transaction that
    keeps it: that would hold a connection of the pool all the while. Raises Unavailable.
    """
    return await passwords.hashed(command.value or opaque.new_value())


async def hash_first(passwords: Passwords, command: NewClient) -> Hashed | None:
    """As `hash_new`, for the first secret of a client to be made; None for one that is public.

    Raises Invalid with every problem of what it registers, before anything is computed.
    """
    registered = columns_of(command.registration())
    is_public = registered["client_type"] == "public"
    return None if is_public else await hash_new(passwords, NewSecret())


@needs("admin:client:create")
async def create_client(
    tx: Storage, actor: Actor, command: NewClient, secret: NewSecret, hashed: Hashed | None
) -> tuple[Client, tuple[SecretEntry, str] | None]:
    """Make a client as `create` does; a confidential one with a secret, `hashed` by `hash_first`,
    and the value of that.
    """
    made = await clients.create(tx, actor, command)
    if made.client_type != "confidential":
        return made, None
    if hashed is None:
        raise ValueError("a secret is hashed before the transaction that keeps it")
    return made, await _issue_secret(tx, actor, made, secret, hashed)


@needs("admin:client:read")
async def list(storage: Storage, actor: Actor, target: str) -> builtins.tuple[SecretEntry, ...]:
    """Return the secrets of a client, the newest first, never their values. Raises NotFound."""
    client = await clients.get(storage, actor, target)
    return await storage.client_secrets.list(client.id, client.organization_id)


@needs("admin:client:update")
async def add(
    tx: Storage, actor: Actor, target: str, command: NewSecret, hashed: Hashed
) -> tuple[SecretEntry, str]:
    """Give a confidential client one more secret, `hashed` by `hash_new`; return it with its
    value, which nobody can read again. Raises NotFound, Forbidden, and Invalid for a public client
    or one that is revoked.
    """
    client = await hold_client(tx, actor, target)
    if client.client_type != "confidential":
        raise Invalid("secret: a public client keeps none")
    if client.status == "revoked":
        raise Invalid("secret: a revoked client gets none")
    return await _issue_secret(tx, actor, client, command, hashed)


@needs("admin:client:revoke")
async def revoke(tx: Storage, actor: Actor, target: str, secret_id: str) -> None:
    """End one secret of a client, at once and for good. Raises NotFound, Forbidden."""
    client, id = await hold_client(tx, actor, target), require_id(secret_id, WHAT)
    if not await tx.client_secrets.revoke(client.id, client.organization_id, id):
        raise NotFound(f"{WHAT} not found")
    await _record_secret(tx, actor, "client.secret.revoked", client, id)


async def _issue_secret(
    tx: Storage, actor: Actor, client: Client, command: NewSecret, hashed: Hashed
) -> tuple[SecretEntry, str]:
    if command.value not in (None, hashed.text):
        raise ValueError("another secret was hashed than the one that is chosen")
    made = await tx.client_secrets.add(
        client.id,
        client.organization_id,
        secret_hash=hashed.hash,
        secret_sha256=opaque.sha256_hex(hashed.text),
        label=command.label,
        expires_at=command.end,
    )
    if made is None:
        raise NotFound("Client not found")
    await _record_secret(tx, actor, "client.secret.generated", client, made.id)
    return made, hashed.text


async def _record_secret(
    tx: Storage, actor: Actor, event_type: str, client: Client, secret_id: str
) -> None:
    await record_change(
        tx,
        actor,
        event_type,
        organization_id=client.organization_id,
        client_id=client.client_id,
        secret_id=secret_id,
    )
