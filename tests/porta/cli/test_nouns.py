"""Nouns of the Admin API as commands: signed in, asked, told, refused, and nothing by accident."""

from __future__ import annotations

import asyncio
import json
import shlex
import stat
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from porta.__main__ import COMMANDS, attribute_of, main
from porta.admin_client.credentials import Credentials, CredentialsFile
from tests.handlers.admin_api.examples_of_user_two_factor import enrolled
from tests.world.administrators import SUPER, Installation, installed
from tests.world.log import logged
from tests.world.served import serve

ROOT = Path(__file__).parents[3]
NOUNS = (
    *("org", "client", "user", "app", "sessions", "config", "refresh-families", "api-resource"),
    *("stats", "bulk", "export", "import", "connection"),
)
Porta = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(database_url: str, redis_url: str) -> AsyncIterator[Installation]:
    with logged():  # what a server writes is not what a command writes
        async with (
            serve(database_url, redis_url) as served,
            installed(served.runtime, f"{served.base_url}/api/admin") as made,
        ):
            yield made


@pytest.fixture
def file(tmp_path: Path) -> CredentialsFile:
    return CredentialsFile(tmp_path / "porta" / "credentials.json")


@pytest.fixture
def porta(file: CredentialsFile) -> Porta:
    """Run a command, in a thread: the server is in this one."""

    async def run(*arguments: str, input: str | None = None, **more: str) -> Result:
        environment = {
            "PORTA_CREDENTIALS": str(file.path),
            "BROWSER": f"{shlex.quote(sys.executable)} -m tests.porta.admin_client.browser %s",
            "PYTHONPATH": str(ROOT),
            **more,
        }
        runner = CliRunner(env=environment)
        return await asyncio.to_thread(runner.invoke, main, arguments, input=input)

    return run


@pytest_asyncio.fixture(loop_scope="session")
async def super_porta(porta: Porta, file: CredentialsFile, installation: Installation) -> Porta:
    """The same, signed in as the super-admin."""
    file.write(_credentials(installation, await installation.token()))
    return porta


def _credentials(installation: Installation, token: str) -> Credentials:
    return Credentials(
        server=installation.runtime.settings.issuer_base_url,
        issuer=installation.issuer,
        client_id=installation.made.client.client_id,
        token_endpoint=f"{installation.issuer}/token",
        revocation_endpoint=f"{installation.issuer}/token/revocation",
        access_token=token,
        expires_at=4e9,
    )


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_a_person_signs_in_asks_and_signs_out(
    porta: Porta, file: CredentialsFile, installation: Installation
) -> None:
    server = installation.runtime.settings.issuer_base_url
    webbrowser._tryorder = None  # type: ignore[attr-defined]  # BROWSER is read once
    done = await porta("login", "--server", server)
    assert (done.exit_code, SUPER.email in done.stdout) == (0, True), done.output
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    me = _json(await porta("whoami", "--json"))
    assert (me["server"], me["email"], me["expired"]) == (server, SUPER.email, False)
    token = file.read().access_token
    assert token not in done.output
    out = await porta("logout")
    assert (out.exit_code, file.path.exists()) == (0, False)
    assert out.stderr == ""
    asked = await porta("whoami")
    assert (asked.exit_code, "porta login" in asked.stderr) == (2, True)
    file.write(_credentials(installation, token))  # whoever had copied it has nothing
    assert (await porta("org", "list")).exit_code == 2


async def test_nobody_signs_in_by_an_answer_that_was_made_up(
    porta: Porta, file: CredentialsFile, installation: Installation
) -> None:
    server = installation.runtime.settings.issuer_base_url
    pasted = "http://127.0.0.1:11111/callback?code=c&state=other\n"
    refused = await porta("login", "--no-browser", "--server", server, input=pasted)
    assert (refused.exit_code, "not of this attempt" in refused.stderr) == (2, True)
    in_the_clear = await porta("login", "--server", "http://id.example.com")
    assert (in_the_clear.exit_code, "https" in in_the_clear.stderr) == (1, True)
    assert (await porta("login")).exit_code == 2
    assert not file.path.exists()


async def test_an_organization_from_the_command_line(
    super_porta: Porta, installation: Installation
) -> None:
    made = _json(await super_porta(
        "org", "create", "--name", "Hooli", "--slug", "hooli", "--login-methods", "magic_link",
        "--require-pkce", "--branding", '{"companyName":"Hooli Inc.","radius":4}', "--json",
    ))  # fmt: skip
    assert (made["defaultLoginMethods"], made["requirePkce"]) == (["magic_link"], True)
    assert (made["branding"]["companyName"], "@etag" in json.dumps(made)) == ("Hooli Inc.", False)
    changed = await super_porta("org", "branding", "hooli", "--primary-color", "#0F766E", "--json")
    assert _json(changed)["branding"]["companyName"] == "Hooli Inc."
    shown = await super_porta("org", "show", "hooli")
    assert "branding.companyName" in shown.stdout
    listed = await super_porta("org", "list", "--search", "hool")
    assert "Hooli" in listed.stdout
    nothing = await super_porta("org", "list", "--search", "nowhere")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "There is nothing.\n")
    assert _json(await super_porta("org", "list", "--search", "nowhere", "--json")) == []
    assert len(_json(await super_porta("org", "list", "--limit", "1", "--json"))) == 1


async def test_people_their_names_roles_and_claims(
    super_porta: Porta, installation: Installation
) -> None:
    home = (await installation.organization()).slug
    made = _json(await super_porta(
        "user", "create", "--org", home, "--email", "ann@x.example", "--name", "Ann Mae Lee",
        "--birthdate", "1990-05-01", "--json",
    ))  # fmt: skip
    assert (made["givenName"], made["familyName"]) == ("Ann Mae", "Lee")
    id, within = made["id"], ("--org", home)
    less = await super_porta("user", "update", id, *within, "--unset", "birthdate", "--json")
    assert (_json(less)["birthdate"], _json(less)["givenName"]) == (None, "Ann Mae")
    app = await installation.app()
    role = (await installation.post(f"/applications/{app}/roles", {"name": "Chief"}))["id"]
    claim = _json(await super_porta(
        "app", "claim", "create", app, "--name", "level", "--type", "number", "--json"
    ))  # fmt: skip
    given = await super_porta("user", "roles", "assign", id, *within, "--role", role)
    assert (given.exit_code, given.stdout) == (0, "✓ They have it.\n")
    assert "Chief" in (await super_porta("user", "roles", "list", id, *within)).stdout
    put = ("user", "claims", "set", id, *within, "--claim", claim["id"], "--value", "7", "--json")
    assert _json(await super_porta(*put))["value"] == 7
    assert (
        await super_porta("user", "roles", "remove", id, *within, "--role", role)
    ).exit_code == 0
    password = await super_porta(
        "user", "set-password", id, *within, input="quiet-otter-paints-nine\n" * 2
    )
    assert (password.exit_code, "quiet" in password.output) == (0, False), password.output


async def test_somebody_is_invited_with_roles(
    super_porta: Porta, installation: Installation
) -> None:
    home = await installation.organization()
    app = await installation.app_slug()
    await installation.post(f"/applications/{app}/roles", {"name": "Chief", "slug": "chief"})
    within = ("--org", home.slug)
    invite = (
        "user", "invite", *within, "--email", "ann@x.example", "--name", "Ann Lee", "--json",
    )  # fmt: skip
    sent = _json(await super_porta(*invite, "--role", f"{app}/chief"))
    assert sent["created"] is True
    listed = ("user", "invitations", "list", *within, "--json")
    (waits,) = _json(await super_porta(*listed))
    assert (waits["id"], waits["givenName"], len(waits["roles"])) == (sent["id"], "Ann", 1)
    again = _json(await super_porta("user", "invitations", "resend", sent["id"], *within, "--json"))
    revoke = ("user", "invitations", "revoke", again["id"], *within, "--yes")
    assert "leads nowhere" in (await super_porta(*revoke)).stdout
    assert _json(await super_porta(*listed)) == []
    refused = await super_porta(*invite, "--role", f"{app}/nothing")
    assert refused.exit_code != 0


async def test_second_factors_of_a_person_are_shown_and_taken_away(
    super_porta: Porta, installation: Installation
) -> None:
    for taken in ("disable", "reset"):
        path = await enrolled(installation)
        id, within = path["userId"], ("--org", path["organizationId"])
        command = ("user", "2fa", taken, id, *within)
        status = ("user", "2fa", "status", id, *within, "--json")
        new = await super_porta("user", "2fa", "recovery-codes", id, *within, "--yes", "--json")
        assert len(_json(new)["recoveryCodes"]) == _json(new)["count"]
        assert (await super_porta(*command, input="n\n")).exit_code == 1
        assert (await super_porta(*command, "--dry-run")).exit_code == 0
        shown = _json(await super_porta(*status))
        assert (shown["method"], shown["recoveryCodesRemaining"]) == ("totp", _json(new)["count"])
        assert (await super_porta(*command, "--force")).exit_code == 0
        assert _json(await super_porta(*status))["enabled"] is False
        assert (await super_porta(*command, "--force")).exit_code == 3


async def test_a_client_is_named_by_slugs_and_shows_its_secret_once(
    super_porta: Porta, installation: Installation
) -> None:
    home, app = await installation.organization(), await installation.app_slug()
    made = _json(await super_porta(
        "client", "create", "--org", home.slug, "--app", app, "--name", "Shop", "--type",
        "confidential", "--redirect-uris", "https://a.example/cb,https://b.example/cb", "--json",
    ))  # fmt: skip
    assert made["organizationId"] == home.id
    assert made["redirectUris"] == ["https://a.example/cb", "https://b.example/cb"]
    assert made["secret"]["plaintext"]
    assert "@etag" not in json.dumps(made)
    further = _json(await super_porta("client", "secret", "generate", made["id"], "--json"))
    assert further["plaintext"]
    listed = _json(await super_porta("client", "secret", "list", made["id"], "--json"))
    assert len(listed) == 2
    assert "plaintext" not in str(listed)
    methods = ("client", "update", made["id"], "--login-methods")
    assert _json(await super_porta(*methods, "password", "--json"))["loginMethods"] == ["password"]
    assert _json(await super_porta(*methods, "inherit", "--json"))["loginMethods"] is None


async def test_what_cannot_be_taken_back_is_asked_for(
    super_porta: Porta, installation: Installation
) -> None:
    home = await installation.organization()

    async def status() -> str:
        rows = await installation.fetch(
            "SELECT status FROM organizations WHERE id = %(id)s", id=home.id
        )
        return str(rows[0][0]) if rows else "gone"

    suspend, destroy = ("org", "suspend", home.slug), ("org", "destroy", home.slug)
    for command in (suspend, destroy):
        assert (await super_porta(*command, input="")).exit_code == 2
        assert (await super_porta(*command, input="n\n")).exit_code == 1
        assert await status() == "active"
    assert (await super_porta(*suspend, input="y\n")).exit_code == 0
    assert await status() == "suspended"
    assert (await super_porta("org", "activate", home.slug)).exit_code == 0
    assert (await super_porta(*suspend, "--force")).exit_code == 0
    told = await super_porta(*destroy, "--dry-run", "--json")
    assert (_json(told)["deleted"], await status()) == (False, "suspended")
    assert (await super_porta(*destroy, input=f"{home.slug}\n")).exit_code == 0
    assert await status() == "gone"


async def test_a_dry_run_tells_what_would_be_sent_and_no_secret(
    super_porta: Porta, installation: Installation
) -> None:
    home = await installation.organization()
    told = await super_porta("org", "update", home.slug, "--name", "Other", "--dry-run")
    assert f"PATCH /organizations/{home.slug}" in told.stdout
    assert '"name": "Other"' in told.stdout
    shown = await super_porta("org", "suspend", home.slug, "--dry-run", "--json")
    assert _json(shown) == {
        "method": "POST",
        "path": f"/organizations/{home.slug}/suspend",
        "body": {},
    }
    hidden = await super_porta(
        "user", "create", "--org", home.id, "--email", "a@x.example", "--password", "hush-hush",
        "--dry-run",
    )  # fmt: skip
    assert (hidden.exit_code, "hush" in hidden.output) == (0, False)
    rows = await installation.fetch(
        "SELECT name, status, (SELECT count(*) FROM users u WHERE u.organization_id = o.id)"
        " FROM organizations o WHERE id = %(id)s",
        id=home.id,
    )
    assert rows == [(home.name, "active", 0)]


async def test_refusals_have_exit_codes_and_say_what_is_wrong(
    super_porta: Porta, file: CredentialsFile, installation: Installation
) -> None:
    invalid = await super_porta("org", "create", "--name", "", "--slug", "No No")
    assert invalid.exit_code == 3
    assert "\n  name: " in invalid.stderr
    assert "\n  slug: " in invalid.stderr
    missing = await super_porta("org", "show", "nowhere")
    assert (missing.exit_code, missing.stderr) == (1, "Error: Organization not found\n")
    empty = await super_porta("org", "destroy", "", "--yes")
    assert (empty.exit_code, "is empty" in empty.stderr) == (1, True)
    typo = await super_porta("org", "create", "--nam", "x")
    assert (typo.exit_code, "--name" in typo.stderr) == (2, True)
    no_number = await super_porta("org", "create", "--name", "x", "--branding", "{")
    assert (no_number.exit_code, "is no json" in no_number.stderr) == (2, True)
    other = await super_porta("org", "list", "--server", "https://elsewhere.example")
    assert (other.exit_code, "porta login --server" in other.stderr) == (2, True)
    person = await installation.person_with("admin:org:read")
    file.write(_credentials(installation, await installation.token(person)))
    forbidden = await super_porta("org", "create", "--name", "Mine")
    assert (forbidden.exit_code, "admin:org:create" in forbidden.stderr) == (2, True)
    file.path.chmod(0o644)
    open_to_all = await super_porta("org", "list")
    assert (open_to_all.exit_code, "others" in open_to_all.stderr) == (2, True)


async def test_a_program_needs_no_sign_in(porta: Porta, installation: Installation) -> None:
    made = await installation.program("Robot", "porta-auditor")
    environment = {
        "PORTA_SERVER": installation.runtime.settings.issuer_base_url,
        "PORTA_CLIENT_ID": made["clientId"],
        "PORTA_CLIENT_SECRET": made["secret"]["plaintext"],
    }
    assert _json(await porta("whoami", "--json", **environment))["userId"] is None
    assert (await porta("org", "list", **environment)).exit_code == 0
    assert (await porta("org", "create", "--name", "x", **environment)).exit_code == 2
    without = {k: v for k, v in environment.items() if k != "PORTA_SERVER"}
    assert "PORTA_SERVER" in (await porta("org", "list", **without)).stderr


async def test_what_people_are_called_gives_no_orders_to_a_terminal(
    super_porta: Porta, installation: Installation
) -> None:
    home = await installation.organization()
    await installation.execute(
        "UPDATE organizations SET name = %(name)s WHERE id = %(id)s",
        name=(name := "a\x1b[2J\x07[bold]b\nc\x9b2J\u202e\U000e0001"),
        id=home.id,
    )
    for command in (("list",), ("show", home.id), ("list", "--json"), ("show", home.id, "--json")):
        shown = await super_porta("org", *command)
        assert shown.exit_code == 0
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\U000e0001"} & set(shown.stdout)
        assert "[bold]b" in shown.stdout
    assert _json(shown)["name"] == name


def _commands(group: click.Group, above: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        path = f"{above} {name}"
        found += _commands(command, path) if isinstance(command, click.Group) else [(path, command)]
    return found


@pytest.mark.parametrize("word", NOUNS)
def test_every_command_of_a_noun_says_what_it_does(word: str) -> None:
    group = getattr(import_module(COMMANDS[word][0]), attribute_of(word))
    for path, command in _commands(group, word):
        helped = CliRunner().invoke(main, [*path.split(), "--help"])
        assert helped.exit_code == 0, path
        assert command.help, path
        names = [name for each in command.params for name in each.opts]
        assert len(names) == len(set(names)), path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str) -> None:
    assert "_PORTA_COMPLETE" in CliRunner().invoke(main, ["completion", shell]).stdout
    words = {"COMP_WORDS": "porta org s", "COMP_CWORD": "2" if shell != "fish" else "s"}
    environment = {"_PORTA_COMPLETE": f"{shell}_complete", **words}
    told = CliRunner(env=environment).invoke(main, [], prog_name="porta").output
    assert {"show", "suspend"} <= set(told.replace(",", " ").split())
