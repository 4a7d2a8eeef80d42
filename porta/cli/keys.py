"""porta keys: the signing keys as an operator sees and renews them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import click

from porta.cli.answers import console
from porta.cli.commands import confirm, settings_or_exit, with_storage
from porta.cli.key_tables import listed_as_json, new_as_json, table
from porta.cli.over_api import EitherGroup
from porta.cli.reencrypt import reencrypt
from porta.cli.remote_keys import remote_keys
from porta.config.settings import Settings
from porta.config.system import build_config
from porta.security.keys import ALGORITHMS
from porta.services import key_listing, legacy_keys, signing_keys
from porta.services.key_listing import ListedKey
from storage.models.signing_keys import SigningKey
from storage.router import Storage

_Result = TypeVar("_Result")

_organization = click.option(
    "--organization", metavar="SLUG", help="The organization's own ring, instead of the global one."
)
_algorithm = click.option(
    "--algorithm", type=click.Choice(ALGORITHMS), help="This algorithm only, instead of all."
)
_yes = click.option("--yes", is_flag=True, help="Do not ask first.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group(cls=EitherGroup, remote=remote_keys)
def keys() -> None:
    """Show, make, rotate and revoke the keys that tokens are signed with.

    A key is first PUBLISHED: it stands in the JWKS, so that everyone who verifies tokens gets to
    know it. Then it is ACTIVE and signs. When a newer one takes over it is RETIRED, and stays in
    the JWKS until the last token it signed has expired. Then it is GONE. Running servers follow
    by themselves; nothing is restarted. A key that SIGNING_KEY_ENCRYPTION_KEY does not open is
    REFUSED, and of no use.

    There is one global ring of keys, with a key for each algorithm. An organization that has a
    ring of its own uses that instead.

    Where DATABASE_URL names a database, that is asked; else, or with --remote, the server that you
    signed in to.
    """


@keys.command("list")
@_organization
@_json
def list_keys(organization: str | None, as_json: bool) -> None:
    """List the keys of every ring and what each is for now."""

    async def read(settings: Settings, storage: Storage) -> tuple[list[ListedKey], dict[str, str]]:
        ring = await _ring(storage, organization)
        encryption_keys = settings.signing_key_encryption_keys
        listed = await key_listing.listing(storage, encryption_keys, now=time.time())
        slugs = {known.id: known.slug for known in await storage.organizations.list()}
        return [key for key in listed if not ring or key.organization_id == ring], slugs

    listed, slugs = _run(read)
    if as_json:
        click.echo(json.dumps([listed_as_json(key, slugs) for key in listed], indent=2))
        return
    if not listed:
        click.echo("No keys yet. Make them with: porta keys generate", err=True)
        return
    console().print(table(listed, slugs))


@keys.command()
@_organization
@_algorithm
@_json
def generate(organization: str | None, algorithm: str | None, as_json: bool) -> None:
    """Make the keys that a ring lacks; what is there already stays as it is.

    With --organization this gives the organization a ring of its own, which takes over from the
    global one as soon as verifiers have had the time to learn of it.
    """

    async def make(settings: Settings, storage: Storage) -> tuple[SigningKey, ...]:
        return await signing_keys.ensure(
            storage,
            settings.signing_key_encryption_keys,
            (algorithm,) if algorithm else ALGORITHMS,
            now=time.time(),
            lead=await _lead(storage),
            organization_id=await _ring(storage, organization),
        )

    made = _run(make)
    if not made and not as_json:
        click.echo("Nothing is missing. To replace keys use: porta keys rotate")
        return
    _report(made, organization, as_json)


@keys.command()
@_organization
@_algorithm
@_json
@_yes
def rotate(organization: str | None, algorithm: str | None, as_json: bool, yes: bool) -> None:
    """Replace the signing keys of a ring, without any token failing to verify.

    The new keys are published now and sign once the lead time is over (signing_key_lead in the
    configuration, 120 seconds by default). The old ones stay published for the tokens they
    have signed.
    """
    if not yes:
        ring = organization or "the global ring"
        confirm(f"Rotate {algorithm or 'all'} signing keys of {ring}?")

    async def renew(settings: Settings, storage: Storage) -> tuple[SigningKey, ...]:
        return await signing_keys.rotate(
            storage,
            settings.signing_key_encryption_keys,
            now=time.time(),
            lead=await _lead(storage),
            algorithm=algorithm,
            organization_id=await _ring(storage, organization),
        )

    _report(_run(renew), organization, as_json)


@keys.command()
@click.argument("kid")
@_yes
@click.option(
    "--force",
    is_flag=True,
    help="Revoke even the last key that can sign: no token is issued until there is another.",
)
def revoke(kid: str, yes: bool, force: bool) -> None:
    """Take a key out of use at once: whatever it has signed is refused from then on.

    For a key that others may know, or one that no SIGNING_KEY_ENCRYPTION_KEY opens any more. Its
    private half is erased, and nothing brings it back. If it is the key that signs, the oldest one
    that is published signs from then on; rotate first where there is none. The last key that can
    sign with its algorithm is kept, unless you insist.
    """
    if not yes:
        confirm(f"Revoke signing key {kid} for good?")

    async def withdraw(settings: Settings, storage: Storage) -> SigningKey:
        encryption_keys = settings.signing_key_encryption_keys
        return await signing_keys.revoke(
            storage, encryption_keys, kid, now=time.time(), force=force
        )

    revoked = _run(withdraw)
    click.echo(f"✓ {revoked.algorithm} key {kid} is revoked.")
    if force:
        click.echo("Should its ring lack a key now, make it with: porta keys generate")


@keys.command()
@click.argument("kid")
@_yes
def adopt(kid: str, yes: bool) -> None:
    """Encrypt a key that the Admin API of Porta 1.x made, which leaves it in the clear.

    For an installation that went back to 1.x and came again; what 1.x had before is encrypted by
    `porta migrate up`. Do it only when you know of that rotation: whoever can write to the database
    can put a key there, and would sign with it.
    """
    if not yes:
        confirm(f"Do you know that Porta 1.x made signing key {kid}?")

    async def vouch(settings: Settings, storage: Storage) -> SigningKey:
        encryption_keys = settings.signing_key_encryption_keys
        return await legacy_keys.adopt(storage, encryption_keys, kid)

    _run(vouch)
    click.echo(f"✓ Key {kid} is encrypted, and one of yours.")


keys.add_command(reencrypt)


def _run(work: Callable[[Settings, Storage], Coroutine[Any, Any, _Result]]) -> _Result:
    settings = settings_or_exit()
    return with_storage(settings, lambda storage: work(settings, storage))


async def _lead(storage: Storage) -> int:
    return build_config(await storage.system_config.all()).signing_key_lead


async def _ring(storage: Storage, slug: str | None) -> str | None:
    if slug is None:
        return None
    organization = await storage.organizations.find_by_slug(slug)
    if organization is None:
        raise click.ClickException(f"No organization has the slug {slug!r}.")
    return organization.id


def _report(made: Sequence[SigningKey], organization: str | None, as_json: bool) -> None:
    if as_json:
        rows = [new_as_json(row, organization) for row in made]
        click.echo(json.dumps(rows, indent=2))
        return
    now = time.time()
    for row in made:
        wait = round(row.activated_at - now)
        when = f"signs in {wait} seconds" if wait > 0 else "signs from now on"
        click.echo(f"✓ {row.algorithm} key {row.kid} is published and {when}.")
