"""`porta init`: what makes a new installation administrable."""

from __future__ import annotations

import time
from contextlib import nullcontext
from functools import partial

import click

from porta.cli.commands import prompts, report_errors, settings_or_exit, with_storage
from porta.config.settings import Settings
from porta.config.system import build_config
from porta.security.keys import ALGORITHMS
from porta.security.passwords import Parameters, Passwords
from porta.services import administration, signing_keys, startup
from porta.services.administration import Administration, Administrator
from storage.models.organizations import Organization
from storage.router import Storage

_WITHOUT_TERMINAL = "Give --email, --given-name, --family-name and --password."
_NEXT = """
Next:
  porta provision FILE   makes your organizations, their clients and people;
                         examples/minimal.yaml is the smallest useful FILE,
                         docs/provisioning.md describes them all
  porta serve            runs the server"""


@click.command()
@click.option("--email", help="E-mail address of the first administrator.")
@click.option("--given-name", help="Given name.")
@click.option("--family-name", help="Family name.")
@click.option("--password", help="Password; better typed when asked, where no list shows it.")
def init(
    email: str | None, given_name: str | None, family_name: str | None, password: str | None
) -> None:
    """Make the administration's application and its first person.

    Once for an installation, after porta migrate up. It makes signing keys where there are none,
    the application porta-admin with its permissions and roles, a client for the command line, and
    a person with every right. All of it or nothing: a failed attempt can be repeated.

    What is not given as an option is asked for. Without a terminal give all four.
    """
    settings = settings_or_exit()
    organization = with_storage(settings, partial(_begin, settings))
    given = all((email, given_name, family_name, password))
    with nullcontext() if given else prompts(_WITHOUT_TERMINAL):
        person = Administrator(
            email=email or click.prompt("E-mail address"),
            given_name=given_name or click.prompt("Given name"),
            family_name=family_name or click.prompt("Family name"),
            password=password
            or click.prompt("Password", hide_input=True, confirmation_prompt=True),
        )
    with report_errors():
        administration.check_administrator(person, organization)

    async def work(storage: Storage) -> Administration:
        return await _initialize(settings, storage, person)

    _tell(with_storage(settings, work), settings)


async def _begin(settings: Settings, storage: Storage) -> Organization:
    await startup.check_schema(settings.database_url)
    return await administration.get_uninitialized(storage)


async def _initialize(
    settings: Settings, storage: Storage, person: Administrator
) -> Administration:
    passwords = Passwords(
        Parameters(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes)
    )
    try:
        lead = build_config(await storage.system_config.all()).signing_key_lead
        key = settings.signing_key_encryption_keys
        await signing_keys.ensure(storage, key, ALGORITHMS, now=time.time(), lead=lead)
        return await administration.initialize(storage, person, passwords)
    finally:
        passwords.close()


def _tell(made: Administration, settings: Settings) -> None:
    click.echo("✓ This installation is ready to be administered.")
    for name, value in (
        ("Organization", made.organization.slug),
        ("Issuer", f"{settings.issuer_base_url}/{made.organization.slug}"),
        ("Application", made.application.slug),
        ("CLI client", made.client.client_id),
        ("Administrator", made.user.email),
    ):
        click.echo(f"  {name:<14}{value}")
    for slug, count in made.roles.items():
        click.echo(f"  {'Role':<14}{slug} ({count} permissions)")
    click.echo(_NEXT)
