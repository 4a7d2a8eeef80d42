"""porta keys reencrypt: what is encrypted at rest, anew under another key."""

from __future__ import annotations

import click

from porta.cli.commands import confirm, settings_or_exit, with_storage
from porta.services import reencryption
from porta.services.reencryption import AtRest, Outdated
from storage.router import Storage


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be encrypted.")
@click.option(
    "--adopt",
    "vouched",
    multiple=True,
    metavar="KID",
    help="Encrypt this key as well, which Porta 1.x left in the clear (see porta keys adopt).",
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
def reencrypt(dry_run: bool, vouched: tuple[str, ...], yes: bool) -> None:
    """Encrypt signing keys and TOTP secrets anew, under another key.

    Under SIGNING_KEY_ENCRYPTION_KEY and TWO_FACTOR_ENCRYPTION_KEY; the keys that they are encrypted
    under so far stand in SIGNING_KEY_DECRYPTION_KEYS and TWO_FACTOR_DECRYPTION_KEYS. Servers go on
    meanwhile when they have all of these as well: docs/operations.md has the steps. Where one of
    the keys is missing nothing is changed. Whoever is interrupted calls it again.
    """
    settings = settings_or_exit()
    at_rest = AtRest(settings.signing_key_encryption_keys, settings.two_factor_encryption_keys)
    found = with_storage(settings, lambda storage: reencryption.find(storage, at_rest))
    _tell("would encrypt" if dry_run else "to encrypt", found, vouched)
    if dry_run:
        return
    if not (found.signing_keys or found.totp_secrets or found.client_secrets or vouched):
        click.echo("Nothing to do: everything is encrypted under the key at hand.")
        return
    if not yes:
        confirm("Do all servers have these keys, and encrypt it anew?")

    async def work(storage: Storage) -> Outdated:
        return await reencryption.run(storage, at_rest, vouched=vouched, done=_progress)

    done = with_storage(settings, work)
    number = len(done.signing_keys) + len(vouched)
    click.echo(f"✓ {number} signing keys and {done.totp_secrets} TOTP secrets are encrypted anew.")
    if done.client_secrets:
        click.echo(f"✓ {done.client_secrets} client secrets of connections are encrypted anew.")


def _tell(what: str, found: Outdated, vouched: tuple[str, ...]) -> None:
    for kid in found.signing_keys:
        click.echo(f"{what}: signing key {kid}")
    for kid in found.in_the_clear:
        if kid in vouched:
            click.echo(f"{what}: signing key {kid}, which stands in the clear")
        else:
            click.echo(
                f"Signing key {kid} stands in the clear, and is refused: if you know that Porta 1.x"
                f" made it: --adopt {kid}",
                err=True,
            )
    if found.totp_secrets:
        click.echo(f"{what}: {found.totp_secrets} TOTP secrets")
    if found.client_secrets:
        click.echo(f"{what}: {found.client_secrets} client secrets of connections")
    if found.ignored:
        click.echo(
            f"{found.ignored} TOTP secrets stay as they are: TWO_FACTOR_ENCRYPTION_KEY is not set.",
            err=True,
        )


def _progress(number: int) -> None:
    click.echo(f"TOTP secrets: {number} looked at", err=True)
