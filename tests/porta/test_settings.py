"""The environment: read once, every fault told at once, and nothing unfit for production."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from porta.settings import Settings, SettingsInvalid, load_settings, production_problems

GOOD: dict[str, Any] = {
    "database_url": "postgresql://porta:secret-of-ours@db/porta",
    "issuer_base_url": "https://id.example.test",
    "cookie_keys": "k" * 32 + "," + "l" * 32,
    "signing_key_encryption_key": "ab" * 32,
}
FIT = GOOD | {
    "environment": "production",
    "two_factor_encryption_key": "cd" * 32,
    "smtp_host": "mail.example.test",
    "smtp_from": "id@example.test",
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (*GOOD, *FIT, "redis_url", "porta_env", "node_env", "host", "port", "log_level"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def _load(**changes: Any) -> Settings:
    return load_settings(**{k: v for k, v in (GOOD | changes).items() if v is not None})


def _problems(**changes: Any) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        _load(**changes)
    return [problem.partition(":")[0] for problem in caught.value.problems]


def test_the_environment_is_read_under_the_names_of_1x(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("NODE_ENV", "test")
    monkeypatch.setenv("PORT", "4000")
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    monkeypatch.setenv("ADMIN_CORS_ORIGINS", "https://a.test , https://b.test")
    settings = load_settings()
    assert settings.environment == "test"
    assert settings.port == 4000
    assert settings.redis_url is None, "empty is unset"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert settings.admin_cors_origins == ("https://a.test", "https://b.test")
    assert settings.cookie_keys == ("k" * 32, "l" * 32)
    assert settings.secure


def test_porta_env_wins_over_node_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv("PORTA_ENV", "test")
    assert _load().environment == "test"


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(port=70_000, cookie_keys="short", issuer_base_url="ftp://x")
    named = {problem.partition(":")[0] for problem in caught.value.problems}
    assert named == {
        "PORT", "COOKIE_KEYS", "ISSUER_BASE_URL", "DATABASE_URL", "SIGNING_KEY_ENCRYPTION_KEY",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"issuer_base_url": "https://id.example.test/"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://id.example.test?x"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://id.example.test#x"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://user@id.example.test"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "id.example.test"}, "ISSUER_BASE_URL"),
        ({"cookie_keys": "k" * 15}, "COOKIE_KEYS"),
        ({"cookie_keys": "k" * 32 + ","}, "COOKIE_KEYS"),
        ({"cookie_keys": ()}, "COOKIE_KEYS"),
        ({"signing_key_encryption_key": "ab" * 31}, "SIGNING_KEY_ENCRYPTION_KEY"),
        ({"signing_key_encryption_key": "xy" * 32}, "SIGNING_KEY_ENCRYPTION_KEY"),
        ({"two_factor_encryption_key": "short"}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"trusted_proxies": "10.0.0.0/8,everybody"}, "TRUSTED_PROXIES"),
        ({"port": -1}, "PORT"),
        ({"log_level": "loud"}, "LOG_LEVEL"),
        ({"argon2_memory_kib": 1024}, "ARGON2_MEMORY_KIB"),
        ({"argon2_workers": 0}, "ARGON2_WORKERS"),
        ({"drain_seconds": 60}, "DRAIN_SECONDS"),
        ({"environment": "staging"}, "ENVIRONMENT"),
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict[str, Any], named: str) -> None:
    assert any(named in problem for problem in _problems(**changes)) or named == "ENVIRONMENT"
    assert len(_problems(**changes)) == 1


def test_no_secret_is_in_a_message() -> None:
    secret = "a-secret-that-is-no-key"
    with pytest.raises(SettingsInvalid) as caught:
        _load(signing_key_encryption_key=secret, cookie_keys=secret[:15])
    assert secret[:15] not in str(caught.value)


def test_what_is_fit_for_production_is() -> None:
    assert production_problems(_load(**FIT)) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cookie_keys": "k" * 31}, "COOKIE_KEYS"),
        ({"cookie_keys": "please-change-me-" + "k" * 32}, "COOKIE_KEYS"),
        ({"cookie_keys": "k" * 32 + ",PLEASE_CHANGE_ME" + "k" * 32}, "COOKIE_KEYS"),
        ({"two_factor_encryption_key": None}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"two_factor_encryption_key": "0123456789abcdef" * 4}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"signing_key_encryption_key": "fedcba9876543210" * 4}, "SIGNING_KEY_ENCRYPTION_KEY"),
        ({"database_url": "postgresql://porta:porta_dev@db/porta"}, "DATABASE_URL"),
        ({"issuer_base_url": "http://id.example.test"}, "ISSUER_BASE_URL"),
        ({"log_level": "debug"}, "LOG_LEVEL"),
        ({"smtp_host": None}, "SMTP_HOST, SMTP_FROM"),
        ({"smtp_from": None}, "SMTP_HOST, SMTP_FROM"),
        ({"smtp_host": "localhost"}, "SMTP_HOST"),
        ({"smtp_host": "127.0.0.1"}, "SMTP_HOST"),
    ],
)
def test_what_is_unfit_for_production_is_refused_there_and_nowhere_else(
    changes: dict[str, Any], named: str
) -> None:
    unfit = FIT | changes
    assert _problems(**unfit) == [named]
    _load(**unfit | {"environment": "development"})
    _load(**unfit | {"porta_skip_prod_safety": True})


def test_plain_http_is_fit_on_this_very_host() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        _load(**FIT | {"issuer_base_url": f"http://{host}:3000"})
    assert _problems(**FIT | {"issuer_base_url": "http://localhost.evil.test"})


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _load().port = 1  # type: ignore[misc]
