"""`porta migrate check` lists what differs from 1.x, each with its remedy, and only reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from porta.__main__ import main
from porta.services.succession.environment import judge_pages
from storage.errors import StorageError
from storage.postgres.driver import Postgres
from storage.postgres.migration_lock import opened
from storage.repositories.differences import Differences
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.test_roles import ELSEWHERE
from tests.world.databases import run_apart

_FIT = {
    "PORTA_ENV": "test",
    "ISSUER_BASE_URL": "https://id.example.test",
    "COOKIE_KEYS": "k" * 32,
    "SIGNING_KEY_ENCRYPTION_KEY": porta_1x.KEY,
}
_QUIET = (
    "UPDATE organizations SET two_factor_policy = 'optional', default_login_methods = '{password}'",
    "UPDATE users SET two_factor_enabled = FALSE, password_hash = (SELECT password_hash FROM users"
    " WHERE password_hash IS NOT NULL LIMIT 1)",
    "DELETE FROM magic_link_tokens",
    "DELETE FROM password_reset_tokens",
    "DELETE FROM invitation_tokens",
    "DELETE FROM oidc_payloads",
    "DELETE FROM audit_log",
    "DELETE FROM signing_keys WHERE NOT encrypted",
    "DELETE FROM system_config WHERE key NOT IN ('access_token_ttl', 'max_failed_logins')",
)
"""Takes away all that the fixture has to tell."""


def _client(**changes: str) -> str:
    said = ", ".join(f"{name} = '{value}'" for name, value in changes.items())
    return f"UPDATE clients SET {said} WHERE client_id = 'dock-web'"


def _token(more: str) -> str:
    return (
        "INSERT INTO oidc_payloads (id, type, payload, expires_at) VALUES ('x', 'AccessToken',"
        f" '{{\"clientId\": \"dock-web\", {more}}}', now() + interval '1 day')"
    )


PLANTS: dict[str, tuple[str, str, str]] = {
    "inactive_applications": (
        "stops", "UPDATE applications SET status = 'archived' WHERE slug = 'shop'", "archived",
    ),
    "client_authentication": (
        "stops", _client(token_endpoint_auth_method="private_key_jwt"), "private_key_jwt",
    ),
    "clients_without_password": ("stops", _client(login_methods="{}"), "nothing"),
    "second_factor": (
        "stops", "UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'totp'"
        f" WHERE id = '{porta_1x.CLEO}'", "1 person",
    ),
    "people_without_password": (
        "informs",
        f"UPDATE users SET password_hash = NULL WHERE id = '{porta_1x.CLEO}'", "1 person",
    ),
    "pending_mails": (
        "informs", "INSERT INTO invitation_tokens (user_id, token_hash, expires_at) VALUES"
        f" ('{porta_1x.CLEO}', repeat('f', 64), now() + interval '1 day')", "1 invitations",
    ),
    "dpop": ("stops", _token('"jkt": "thumbprint"'), "1 tokens"),
    "resources": (
        "stops", _token('"resource": ["https://api.dock.example"]'), "https://api.dock.example",
    ),
    "redirect_uris_dead": (
        "stops", _client(redirect_uris="{https://d.example/cb#x}"), "https://d.example/cb#x",
    ),
    "redirect_uris": (
        "differs", _client(redirect_uris="{https://d.example:443/cb}"), "compared as written",
    ),
    "scopes": ("differs", _client(scope="openid api:read api:write"), "api:read api:write"),
    "roles_elsewhere": ("differs", ELSEWHERE, "books (1 person)"),
    "config": (
        "informs", "INSERT INTO system_config (key, value) VALUES ('cookie_secure', 'true')",
        "without effect",
    ),
    "config_values": (
        "differs", "UPDATE system_config SET value = '\"soon\"' WHERE key = 'access_token_ttl'",
        "must be",
    ),
    "password_costs": (
        "stops", "UPDATE users SET password_hash = replace(password_hash, 'm=65536', 'm=131072')"
        f" WHERE id = '{porta_1x.CLEO}'", "1 people",
    ),
    "refresh_tokens": (
        "informs", "INSERT INTO oidc_payloads (id, type, payload, expires_at) VALUES ('x',"
        " 'RefreshToken', '{\"clientId\": \"dock-web\", \"scope\": \"openid offline_access\"}',"
        " now() + interval '1 day')", "1 refresh tokens",
    ),
    "old_audit_entries": (
        "informs", "INSERT INTO system_config (key, value) VALUES ('audit_retention_days', '90');"
        " INSERT INTO audit_log (event_type, event_category, created_at) VALUES ('x', 'x',"
        " now() - interval '91 days')", "1 entries older than 90 days",
    ),
    "keys_unreadable": (
        "stops", "UPDATE signing_keys SET private_key_tag = repeat('0', 32)", "active",
    ),
    "keys_none": ("informs", "DELETE FROM signing_keys", "none"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _check(url: str, *options: str, **env: str) -> Result:
    runner = CliRunner(env={"DATABASE_URL": url, "REDIS_URL": "", **_FIT, **env})
    return runner.invoke(main, ["migrate", "check", *options])


def _found(result: Result) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in json.loads(result.stdout)["findings"]}


@pytest.mark.parametrize(
    "more", ['"scope": "openid"', '"scope": "openid xoffline_access"', *(
        f'"scope": "openid offline_access", "{bond}": "x"'
        for bond in ("jkt", "x5t#S256", "attestationJkt")
    )]
)  # fmt: skip
def test_succession_check_promises_nothing_of_a_token_that_ends(
    create_database: Callable[..., str], more: str
) -> None:
    url = porta_1x.build(
        create_database, *_QUIET, _token(more).replace("AccessToken", "RefreshToken")
    )
    assert "refresh_tokens" not in _found(_check(url, "--json"))


@pytest.mark.parametrize("migrated", [False, True])
@pytest.mark.parametrize("key", PLANTS)
def test_succession_check_tells_each_difference_where_it_is(
    create_database: Callable[..., str], key: str, migrated: bool
) -> None:
    """A6, A9, A12 to A16, A21, and what the database says beside them."""
    severity, plant, told = PLANTS[key]
    url = porta_1x.build(create_database, *_QUIET, plant)
    if migrated and key != "keys_unreadable":
        take_over(url)
    result = _check(url, "--json")
    found = _found(result)
    expected = {key, "config"} if key == "old_audit_entries" else {key}
    if migrated and key != "keys_unreadable":
        assert result.exit_code == (3 if severity == "stops" else 0)
    else:
        assert result.exit_code == 1, "the schema is not that of this version"
    assert set(found) == expected
    assert found[key]["severity"] == severity
    assert any(told in each["what"] or told in each["who"] for each in found[key]["met"])
    assert found[key]["remedy"]
    shown = _check(url).output
    assert f"[{key}]" in shown
    assert told in shown


def test_succession_check_has_nothing_to_tell_of_a_database_like_ours(
    create_database: Callable[..., str],
) -> None:
    url = porta_1x.build(create_database, *_QUIET)
    assert json.loads(_check(url, "--json").stdout)["findings"] == []
    take_over(url)
    result = _check(url)
    assert (result.exit_code, result.output) == (0, "The schema is that of this version.\n")


def test_succession_A15_check_is_silent_about_a_client_that_was_switched(
    create_database: Callable[..., str],
) -> None:
    url = porta_1x.build(create_database, *_QUIET, ELSEWHERE)
    take_over(url)
    (met,) = [each for each in _found(_check(url, "--json"))["roles_elsewhere"]["met"]
              if "dock-web" in each["who"]]  # fmt: skip
    assert met["what"] == "is told no roles of books (1 person)"
    run_apart(_execute(url, "UPDATE clients SET tells_all_roles = TRUE"))
    assert "roles_elsewhere" not in _found(_check(url, "--json"))


@pytest.mark.parametrize("migrated", [False, True])
def test_succession_A1_check_tells_a_key_in_the_clear(
    create_database: Callable[..., str], migrated: bool
) -> None:
    """Before, it is encrypted when the database is taken over; after, 1.x was back and made it."""
    url = porta_1x.build(create_database, *_QUIET)
    if migrated:
        take_over(url)
    clear = (
        "UPDATE signing_keys SET encrypted = FALSE, private_key_iv = NULL, private_key_tag = NULL"
    )
    run_apart(_execute(url, clear + " WHERE status = 'active'"))
    found = _found(_check(url, "--json"))["keys_in_the_clear"]
    assert found["severity"] == ("differs" if migrated else "informs")
    assert ("porta keys adopt" in found["remedy"]) == migrated


def test_succession_check_only_reads(of_1x: str) -> None:
    """Also where everything of the fixture is to be told, and 1.x serves meanwhile."""
    before = run_apart(_rows(of_1x))
    assert _check(of_1x).exit_code == 1
    assert run_apart(_rows(of_1x)) == before
    with pytest.raises(StorageError, match="read-only"):
        run_apart(_write_while_frozen(of_1x))


async def _rows(url: str) -> Any:
    pg = await Postgres.open(url, 1)
    tables = await pg.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
    rows = await porta_1x.read(pg)
    await pg.close()
    return tables, rows


async def _write_while_frozen(url: str) -> None:
    async with opened(url) as connection, connection.transaction():
        await Differences(connection).freeze()
        await connection.execute("DELETE FROM admin_sessions")


def test_succession_E_check_reads_the_environment_as_a_server_would(
    create_database: Callable[..., str],
) -> None:
    url = porta_1x.build(create_database, *_QUIET)
    take_over(url)
    read = _check(url, "--json", TRUST_PROXY="true", METRICS_ENABLED="yes")
    assert read.exit_code == 0
    assert {met["who"] for met in _found(read)["settings"]["met"]} == {
        "TRUST_PROXY", "METRICS_ENABLED",
    }  # fmt: skip
    refused = _check(url, "--json", COOKIE_KEYS="short")
    assert refused.exit_code == 3
    assert _found(refused)["settings_refused"]["met"][0]["who"] == "COOKIE_KEYS"
    Path(".env").write_text("SMTP_PASS=hunter2#x\n")
    faulty = _check(url, "--schema")
    assert faulty.exit_code == 0


def test_succession_A20_check_finds_pages_that_were_made_for_1x(tmp_path: Path) -> None:
    assert judge_pages([tmp_path / "none", tmp_path]) == []
    for name in ("templates/default/login.hbs", "templates/acme/emails/reset.hbs",
                 "locales/acme/en.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "templates" / "login.html").touch()
    (found,) = judge_pages([tmp_path / "templates", tmp_path / "locales"])
    assert {met.what for met in found.met} == {"login.hbs", "reset.hbs", "en.json"}


def test_succession_check_ends_with_the_way_back(create_database: Callable[..., str]) -> None:
    url = porta_1x.build(create_database, PLANTS["client_authentication"][1])
    take_over(url)
    assert _check(url).exit_code == 3
    assert _check(url, "--schema").exit_code == 0
    finished = CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate", "finish", "--yes"])
    assert finished.exit_code == 0
    assert _check(url).output == "The schema is that of this version.\n"


def test_succession_check_gives_no_orders_to_a_terminal(
    create_database: Callable[..., str],
) -> None:
    url = porta_1x.build(
        create_database, *_QUIET, PLANTS["scopes"][1], _client(client_name="a\x1b[2Jb"),
    )  # fmt: skip
    result = _check(url)
    assert "a?[2Jb" in result.output
    assert "\x1b" not in result.output


async def _execute(url: str, sql: str) -> None:
    pg = await Postgres.open(url, 1)
    await pg.execute(sql)
    await pg.close()
