"""The environment of Porta 1.x: what it took is read, or refused with the way on (succession E)."""

from __future__ import annotations

from typing import Any

import pytest

from porta.config.setting_errors import SettingsInvalid
from porta.config.settings import Settings, load_settings
from porta.config.single_settings import find_database_url
from porta.limits.proxies import client_address
from tests.porta.config.test_settings import FIT, GOOD


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (*Settings.model_fields, "porta_env", "node_env"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(name.upper(), value)


_DSN = "postgresql://porta:s3cret@db/porta"


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("ISSUER_BASE_URL", "https://id.example.test/", "https://id.example.test"),
        ("ISSUER_BASE_URL", "https://id.example.test ", "https://id.example.test"),
        ("ISSUER_BASE_URL", " https://id.example.test/sso/ ", "https://id.example.test/sso"),
        ("DATABASE_URL", f"{_DSN}?schema=public", _DSN),
        ("DATABASE_URL", f"{_DSN}?max=20", _DSN),
        ("DATABASE_URL", f"{_DSN}?ssl=false", _DSN),
        ("DATABASE_URL", f"{_DSN}?sslmode=no-verify", f"{_DSN}?sslmode=require"),
        (
            "DATABASE_URL",
            f"{_DSN}?max=20&sslmode=verify-full&idleTimeoutMillis=1&application_name=x",
            f"{_DSN}?sslmode=verify-full&application_name=x",
        ),
        ("DATABASE_URL", f"{_DSN}?pgbouncer=true&connection_limit=5&uselibpqcompat=true", _DSN),
        ("REDIS_URL", "redis://:s3cret@redis:6379?family=6", "redis://:s3cret@redis:6379"),
        ("REDIS_URL", "rediss://redis/2?family=0&keepAlive=1", "rediss://redis/2"),
        ("REDIS_URL", "redis:6379", "redis://redis:6379"),
        ("REDIS_URL", "10.0.0.9:6380/3", "redis://10.0.0.9:6380/3"),
        ("REDIS_URL", ":s3cret@redis:6379", "redis://:s3cret@redis:6379"),
        ("REDIS_URL", "[::1]:6379", "redis://[::1]:6379"),
        ("METRICS_ENABLED", "yes", False),
        ("METRICS_ENABLED", "TRUE", False),
        ("METRICS_ENABLED", "enabled", False),
        ("PORTA_SKIP_PROD_SAFETY", "1", False),
        ("PORTA_SKIP_PROD_SAFETY", "yes", False),
        ("PORTA_SKIP_PROD_SAFETY", "TRUE", False),
        ("ADMIN_CORS_ORIGINS", "https://a.test/", ("https://a.test",)),
        (
            "ADMIN_CORS_ORIGINS",
            "https://A.test,http://localhost:4002",
            ("https://a.test", "http://localhost:4002"),
        ),
    ],
)
def test_succession_E_a_value_of_1x_is_read_and_told_once(
    monkeypatch: pytest.MonkeyPatch, name: str, written: str, meant: object
) -> None:
    monkeypatch.setenv(name, written)
    settings = load_settings()
    assert getattr(settings, name.lower()) == meant
    (note,) = settings.notes
    assert note.startswith(f"{name}: ")
    assert "s3cret" not in note
    if name == "DATABASE_URL":
        assert find_database_url() == meant, "a migration reads the same"


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        # Clients compare the issuer letter by letter: it stands as 1.x told it.
        ("ISSUER_BASE_URL", "https://ID.Example.test", "https://ID.Example.test"),
        ("ISSUER_BASE_URL", "HTTPS://id.example.test", "HTTPS://id.example.test"),
        ("METRICS_ENABLED", "1", True),
        ("METRICS_ENABLED", "true", True),
        ("METRICS_ENABLED", "false", False),
        ("METRICS_ENABLED", "0", False),
        ("PORTA_SKIP_PROD_SAFETY", "true", True),
        ("PORTA_SKIP_PROD_SAFETY", "false", False),
        ("ADMIN_CORS_ORIGINS", "tauri://localhost", ("tauri://localhost",)),
        ("DATABASE_URL", f"{_DSN}?sslmode=require", f"{_DSN}?sslmode=require"),
        ("REDIS_URL", "redis://redis:6379/1", "redis://redis:6379/1"),
        ("NODE_ENV", "test", "test"),
        ("PORT", "4000", 4000),
        ("LOG_LEVEL", "warn", "warn"),
        ("TRUST_PROXY", "false", "false"),
    ],
)
def test_succession_E_what_is_read_as_it_is_written_needs_no_note(
    monkeypatch: pytest.MonkeyPatch, name: str, written: str, meant: object
) -> None:
    monkeypatch.setenv(name, written)
    settings = load_settings()
    assert getattr(settings, "environment" if name == "NODE_ENV" else name.lower()) == meant
    assert settings.notes == ()
    assert settings.secure


@pytest.mark.parametrize(
    ("name", "written", "way_on"),
    [
        ("ISSUER_BASE_URL", "https://b\u00fccher.test", "xn--bcher-kva.test"),
        ("ISSUER_BASE_URL", "https://id.example.test//", "https://id.example.com"),
        ("DATABASE_URL", "socket:/run/postgresql?db=porta", "host=/folder"),
        ("DATABASE_URL", f"{_DSN}?ssl=true", "sslmode=verify-full"),
        ("DATABASE_URL", f"{_DSN}?ssl_mode=require", "postgresql://"),
        ("REDIS_URL", "redis", "redis[s]://"),
        ("REDIS_URL", "/run/redis.sock", "redis://host:port"),
        ("REDIS_URL", "unix:///run/redis.sock", "redis://host:port"),
        ("REDIS_URL", "redis://redis?keyPrefix=s3cret", "redis[s]://"),
        ("ADMIN_CORS_ORIGINS", "https://a.test/admin", "take it off"),
        ("ADMIN_CORS_ORIGINS", "javascript://a.test", "comma list of origins"),
    ],
)
def test_succession_E_a_dangerous_value_is_refused_with_the_way_on(
    monkeypatch: pytest.MonkeyPatch, name: str, written: str, way_on: str
) -> None:
    monkeypatch.setenv(name, written)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings()
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")
    assert way_on in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    ("changes", "way_on"),
    [
        ({"smtp_host": host}, "by its address")
        for host in ("::1", "0.0.0.0", "localhost.localdomain")
    ]
    + [
        ({"signing_key_encryption_key": key}, "PORTA_SKIP_PROD_SAFETY=true")
        for key in ("a" * 64, "0123456789abcdef" * 4)
    ]
    + [({"trusted_proxies": None}, "TRUST_PROXY=true")],
)
def test_succession_E_what_production_refuses_names_the_way_on(
    changes: dict[str, Any], way_on: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(**{k: v for k, v in (FIT | changes).items() if v is not None})
    (problem,) = caught.value.problems
    assert way_on in problem


@pytest.mark.parametrize("value", ["true", "1", " TRUE "])
def test_succession_A2_trust_means_those_who_stand_near(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRUST_PROXY", value)
    fit = {k: v for k, v in FIT.items() if k != "trusted_proxies"}
    settings = load_settings(**fit)
    (note,) = settings.notes
    assert note.startswith("TRUST_PROXY: ")
    assert "TRUSTED_PROXIES" in note

    def of(peer: str, forwarded: str) -> str:
        return client_address(peer, [forwarded], settings.trusted_proxies)

    for near in ("127.0.0.1", "::1", "169.254.1.1", "fe80::1", "10.9.9.9", "172.16.0.1",
                 "192.168.1.1", "fd00::1"):  # fmt: skip
        assert of(near, "8.8.8.8, 203.0.113.9, 10.0.0.2") == "203.0.113.9"
    for far in ("203.0.113.1", "172.32.0.1", "100.64.0.1", "2001:db8::1"):
        assert of(far, "8.8.8.8") == far


def test_succession_A2_proxies_that_are_named_are_the_only_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRUST_PROXY", "true")
    settings = load_settings(trusted_proxies="10.0.0.5")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32"]
    assert settings.notes == ()


@pytest.mark.parametrize(
    ("value", "told"),
    [("false", False), ("0", False), ("", False), ("loopback", True), ("yes", True), ("2", True)],
)
def test_succession_A2_no_other_word_trusts_anybody(
    monkeypatch: pytest.MonkeyPatch, value: str, told: bool
) -> None:
    monkeypatch.setenv("TRUST_PROXY", value)
    settings = load_settings()
    assert settings.trusted_proxies == ()
    assert [("TRUSTED_PROXIES" in note) for note in settings.notes] == [True] * told
