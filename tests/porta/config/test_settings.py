"""The environment: read once, every fault told at once, and nothing unfit for production."""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from porta.config.production import production_problems
from porta.config.setting_errors import SettingsInvalid
from porta.config.settings import Settings, load_settings
from porta.config.single_settings import find_database_url

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
    "trusted_proxies": "10.0.0.5",
}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (*Settings.model_fields, "porta_env", "node_env"):
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


@pytest.mark.parametrize(
    "name",
    ["METRICS_ENABLED", "PORTA_SKIP_PROD_SAFETY", "PORT", "SMTP_PORT", "DATABASE_POOL_SIZE",
     "DRAIN_SECONDS", "ARGON2_PASSES", "TWO_FACTOR_ENCRYPTION_KEY", "TRUSTED_PROXIES"],
)  # fmt: skip
def test_an_empty_number_or_switch_is_the_default(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    usual = _load()
    monkeypatch.setenv(name, "")
    assert _load() == usual


def test_an_empty_number_of_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("PORT=4000\nREDIS_URL=redis://file\nDRAIN_SECONDS=\n")
    assert (_load().port, _load().redis_url) == (4000, "redis://file")
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("REDIS_URL", "")
    assert (_load().port, _load().redis_url) == (3000, None)
    assert _load(**FIT).drain_seconds == 5


@pytest.mark.parametrize(
    "raw",
    [b"LOG_LEVEL=d\xff\n", "LOG_LEVEL=debug\n".encode("utf-16"), "PORT=1\n".encode("utf-16-le")],
)
def test_a_file_that_is_not_utf_8_is_told(raw: bytes) -> None:
    Path(".env").write_bytes(raw)
    for read in (_load, find_database_url):
        with pytest.raises(SettingsInvalid) as caught:
            read()
        assert caught.value.problems == [".env: is not UTF-8; save it in this encoding"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to(path)])
def test_what_is_no_file_is_refused_and_not_waited_for(make: Any) -> None:
    make(".env")
    for read in (_load, find_database_url):
        with pytest.raises(SettingsInvalid, match=r"^\.env: (is not a file|cannot be read)"):
            read()


def test_a_file_that_is_not_there_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db")
    assert find_database_url() == "postgresql://db"


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
        ({"issuer_base_url": "https://id.example.test?x"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://id.example.test#x"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://user@id.example.test"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "https://"}, "ISSUER_BASE_URL"),
        ({"issuer_base_url": "id.example.test"}, "ISSUER_BASE_URL"),
        *(
            ({"issuer_base_url": url}, "ISSUER_BASE_URL")
            for url in (
                "http://x y",
                "http://x:abc",
                'http://x/a"b',
                "http://x/a;b",
                "http://x/<c>",
                "http://x/a\\b",
                "http://x/a b",
                "http://x:0",
                "http://x:65536",
                "http://x:",
                "http://:80",
                "http://x/a//b",
                "http://x//",
                "http://x/../b",
                "http://x/.",
                "http://x/%zz",
                "http://x/%2",
                "http://x\n",
                "http://x/ä",
                "http://x/a\nb",
                "http://@x",
                "http://x/?",
                "http://x#",
                "http://[x]",
            )
        ),
        *(
            ({"database_url": url}, "DATABASE_URL")
            for url in (
                "hunter2",
                "",
                "postgresql://porta:hunter2#@db/porta%",
                "postgresql://porta:hunter2/x@db",
                "postgresql://porta:hunter2%zz@db/porta",
                "postgresql://db/porta?hunter2",
                "mysql://porta:hunter2@db/porta",
                "host=db password='hunter2",
                "host=db port=99999",
            )
        ),
        *(
            ({"redis_url": url}, "REDIS_URL")
            for url in (
                "hunter2",
                "http://hunter2@redis",
                "redis://:hunter2/@redis",
                "redis://:hunter2@[redis",
                "redis://redis:99999",
                "redis://redis/hunter2",
                "redis://redis?hunter2",
            )
        ),
        ({"cookie_keys": "k" * 15}, "COOKIE_KEYS"),
        ({"cookie_keys": "k" * 32 + ","}, "COOKIE_KEYS"),
        ({"cookie_keys": ()}, "COOKIE_KEYS"),
        ({"signing_key_encryption_key": "ab" * 31}, "SIGNING_KEY_ENCRYPTION_KEY"),
        ({"signing_key_encryption_key": "xy" * 32}, "SIGNING_KEY_ENCRYPTION_KEY"),
        ({"two_factor_encryption_key": "short"}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"trusted_proxies": "10.0.0.0/8,everybody"}, "TRUSTED_PROXIES"),
        *(
            ({"admin_cors_origins": f"https://a.test,{origin}"}, "ADMIN_CORS_ORIGINS")
            for origin in (
                "*",
                "null",
                "a.test",
                "https://b.test/x",
                "ftp://b.test",
                "https://b.test:0",
                "https://b.test:65536",
                "https://u@b.test",
            )
        ),
        ({"cookie_keys": " " * 50}, "COOKIE_KEYS"),
        ({"log_level": ""}, "LOG_LEVEL"),
        ({"environment": ""}, "PORTA_ENV, NODE_ENV"),
        ({"port": -1}, "PORT"),
        ({"log_level": "loud"}, "LOG_LEVEL"),
        ({"argon2_memory_kib": 1024}, "ARGON2_MEMORY_KIB"),
        ({"argon2_memory_kib": 65_537}, "ARGON2_MEMORY_KIB"),
        ({"argon2_passes": 5}, "ARGON2_PASSES"),
        ({"argon2_lanes": 5}, "ARGON2_LANES"),
        ({"argon2_workers": 0}, "ARGON2_WORKERS"),
        ({"drain_seconds": 60}, "DRAIN_SECONDS"),
        ({"environment": "staging"}, "PORTA_ENV, NODE_ENV"),
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict[str, Any], named: str) -> None:
    assert _problems(**changes) == [named]


@pytest.mark.parametrize("name", ["PORTA_ENV", "NODE_ENV"])
def test_a_wrong_environment_is_told_under_both_names(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "staging")
    assert _problems() == ["PORTA_ENV, NODE_ENV"]


@pytest.mark.parametrize(
    "url",
    ["https://id.example.test", "http://localhost:3000", "https://127.0.0.1", "http://[::1]:3000",
     "http://porta_app:3000/id", "https://x/a/b.c/~d", "https://xn--bcher-kva.test/%C3%A4"],
)  # fmt: skip
def test_an_issuer_stands_as_it_is_written(url: str) -> None:
    assert _load(issuer_base_url=url).issuer_base_url == url


def test_a_fault_comes_with_its_remedy() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(
            two_factor_encryption_key="short", issuer_base_url="ftp://x", cookie_keys="",
            redis_url="redis",
        )  # fmt: skip
    told = dict(problem.split(": ", 1) for problem in caught.value.problems)
    assert told["SIGNING_KEY_ENCRYPTION_KEY"].startswith("is missing; 64 hex digits")
    assert "`openssl rand -hex 32`" in told["SIGNING_KEY_ENCRYPTION_KEY"]
    assert told["TWO_FACTOR_ENCRYPTION_KEY"].startswith("is malformed; 64 hex digits")
    assert "`openssl rand -base64 48`" in told["COOKIE_KEYS"]
    assert told["DATABASE_URL"].startswith("is missing; postgresql://")
    assert told["REDIS_URL"].startswith("is malformed; redis[s]://")
    assert told["ISSUER_BASE_URL"].startswith("is malformed; https://id.example.com")


@pytest.mark.parametrize(
    "changes",
    [
        {"signing_key_encryption_key": "hunter2"},
        {"cookie_keys": "hunter2"},
        {"database_url": "postgresql://porta:hunter2/x@db/porta"},
        {"database_url": "postgresql://porta:x/y?hunter2@db/porta"},
        {"database_url": "host=db password='hunter2"},
        {"redis_url": "redis://:hunter2/x@redis"},
        {"redis_url": "redis://:hunter2\u2100@redis"},
        {"redis_url": "redis://redis/hunter2"},
    ],
)
def test_no_secret_is_in_a_message(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(**changes)
    assert "hunter2" not in str(caught.value)


def test_only_in_production_a_balancer_has_to_notice() -> None:
    assert _load().drain_seconds == 0
    assert _load(**FIT).drain_seconds == 5
    assert _load(**FIT, drain_seconds=0.5).drain_seconds == 0.5
    assert _load(drain_seconds=2).drain_seconds == 2


def test_security_14_without_safety_rules_a_server_is_for_its_own_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _load().host == "127.0.0.1"
    assert _load(environment="test").host == "0.0.0.0"
    assert _load(**FIT).host == "0.0.0.0"
    assert _load(host="192.0.2.1").host == "192.0.2.1"
    monkeypatch.setenv("HOST", "")
    assert _load().host == "127.0.0.1"


_KEY = "ASSET_STORAGE_KEY_ID, ASSET_STORAGE_SECRET"
_BUCKET = {"asset_storage_url": "s3://porta-images"}


@pytest.mark.parametrize(
    "url", ["file:///srv/images", "s3://porta-images", "s3://porta.images/of/porta", "s3://abc/x/"]
)
def test_issue8_9_images_are_kept_in_a_folder_or_in_a_bucket(url: str) -> None:
    assert _load(asset_storage_url=url).asset_storage_url == url
    assert _load(asset_storage_url="").asset_storage_url is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        *(
            ({"asset_storage_url": url}, "ASSET_STORAGE_URL")
            for url in (
                *("s3://", "s3://a", "s3:///x", "s3://Bucket", "s3://a_b", "s3://bucket/../x"),
                *("s3://bucket//x", "s3://bucket/a b", "s3://key:hunter2@bucket", "file:x"),
                *("https://s3.example.com/bucket", "/srv/images", "s3://bucket?region=x"),
            )
        ),
        *(
            (_BUCKET | {"asset_storage_endpoint": url}, "ASSET_STORAGE_ENDPOINT")
            for url in (
                *("s3.example.com", "https://", "ftp://s3.example.com", "https://key:hunter2@s3"),
                *("https://s3.example.com/bucket", "https://s3?x", "https://s3:70000"),
            )
        ),
        (_BUCKET | {"asset_storage_region": "eu central"}, "ASSET_STORAGE_REGION"),
        (_BUCKET | {"asset_storage_secret": "hunter2"}, _KEY),
        (_BUCKET | {"asset_storage_key_id": "k"}, _KEY),
    ],
)
def test_issue8_9_a_bucket_that_cannot_be_meant_is_refused(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(**changes)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [named]
    assert "hunter2" not in str(caught.value)


_FIVE = "postgresql://porta:secret@{}/porta"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"database_url": _FIVE.format("db.example.com")}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("198.51.100.7")} | {}, None),  # documentation, not global
        ({"database_url": _FIVE.format("8.8.8.8:5433")}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("[2606:4700::1]")}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("db,standby.example.com")}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("db.example.com") + "?sslmode=prefer"}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("db.example.com") + "?sslmode=disable"}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("db") + "?hostaddr=8.8.8.8"}, "DATABASE_URL"),
        ({"database_url": _FIVE.format("db.example.com") + "?sslmode=require"}, None),
        ({"database_url": _FIVE.format("db.example.com") + "?sslmode=verify-full"}, None),
        ({"database_url": _FIVE.format("db")}, None),
        ({"database_url": _FIVE.format("10.1.2.3,10.1.2.4:5433")}, None),
        ({"database_url": _FIVE.format("127.1")}, None),
        ({"database_url": _FIVE.format("[fd00::1]")}, None),
        ({"database_url": _FIVE.format("pg.porta.svc.cluster.local")}, None),
        ({"database_url": "postgresql:///porta?host=/run/postgresql"}, None),
        ({"database_url": "host=/run/postgresql dbname=porta"}, None),
        ({"database_url": "dbname=porta"}, None),
        ({"redis_url": "redis://:secret@cache.example.com:6379/0"}, "REDIS_URL"),
        ({"redis_url": "redis://8.8.8.8"}, "REDIS_URL"),
        ({"redis_url": "rediss://cache.example.com"}, None),
        ({"redis_url": "redis://redis:6379"}, None),
        ({"redis_url": "redis://[::1]:6379"}, None),
        ({"redis_url": "redis://10.0.0.9"}, None),
        ({"redis_url": None}, None),
        ({"asset_storage_endpoint": "http://s3.example.com"}, "ASSET_STORAGE_ENDPOINT"),
        ({"asset_storage_endpoint": "https://s3.example.com"}, None),
        ({"asset_storage_endpoint": "http://minio:9000"}, None),
    ],
)
def test_security_14_the_stores_are_not_spoken_to_in_the_open(
    changes: dict[str, Any], named: str | None
) -> None:
    """In production, unless the operator answers for the network; and no secret is told."""
    fit = FIT | changes
    if named is None:
        assert _load(**fit)
        return
    with pytest.raises(SettingsInvalid) as caught:
        _load(**fit)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [named]
    assert "STORES_WITHOUT_TLS" in str(caught.value)
    assert "secret@" not in str(caught.value)
    assert _load(**fit, stores_without_tls=True)
    assert _load(**fit | {"environment": "development"})


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COOKIE_KEYS", "k" * 40),
        ("COOKIE_KEYS", "k" * 40 + "," + "l" * 40),
        ("SMTP_PASS", "hunter2-hunter2"),
        ("SMTP_USER", "porta"),
        ("SMTP_HOST", "mail.example.com"),
        ("SMTP_FROM", "id@example.com"),
        ("DATABASE_URL", "postgresql://porta:hunter2@db/porta"),
        ("REDIS_URL", "redis://:hunter2@redis"),
        ("ISSUER_BASE_URL", "https://id.example.com"),
        ("SIGNING_KEY_ENCRYPTION_KEY", "ab" * 32),
        ("TWO_FACTOR_ENCRYPTION_KEY", "ab" * 32),
        ("TRUSTED_PROXIES", "10.0.0.1"),
        ("ADMIN_CORS_ORIGINS", "https://a.example"),
        ("HOST", "127.0.0.1"),
        ("PORT", "3000"),
        ("LOG_LEVEL", "info"),
        ("PORTA_ENV", "production"),
        ("NODE_ENV", "production"),
        ("METRICS_ENABLED", "true"),
    ],
)
def test_B64_a_value_in_quotes_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, quote: str
) -> None:
    for key, good in GOOD.items():
        monkeypatch.setenv(key.upper(), good)
    monkeypatch.setenv(name, f"{quote}{value}{quote}")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings()
    assert len(caught.value.problems) == 1
    assert name in caught.value.problems[0].partition(":")[0]
    assert "stands in quotes" in caught.value.problems[0]
    assert "hunter2" not in str(caught.value)


def test_B64_a_command_that_needs_the_database_alone_says_so_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", '"postgresql://porta:hunter2@db/porta"')
    with pytest.raises(SettingsInvalid, match="DATABASE_URL: stands in quotes"):
        find_database_url()


def test_B64_each_key_of_a_list_is_looked_at() -> None:
    assert _problems(cookie_keys="k" * 40 + ',"' + "l" * 40 + '"') == ["COOKIE_KEYS"]


@pytest.mark.parametrize("left", ["\r", "\n", "\r\n", "\t", "\x7f"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("COOKIE_KEYS", "k" * 40), ("SMTP_PASS", "hunter2"), ("SMTP_USER", "porta"), ("PORT", "3000"),
     ("SIGNING_KEY_ENCRYPTION_KEY", "a" * 64), ("REDIS_URL", "redis://redis:6379"),
     ("DATABASE_URL", "postgresql://porta:hunter2@db/porta")],
)  # fmt: skip
def test_B64_what_a_file_leaves_at_the_end_of_a_value_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, left: str
) -> None:
    for key, good in GOOD.items():
        monkeypatch.setenv(key.upper(), good)
    monkeypatch.setenv(name, value + left)
    with pytest.raises(SettingsInvalid, match=f"^{name}: holds a line break") as caught:
        load_settings()
    assert len(caught.value.problems) == 1
    assert "hunter2" not in str(caught.value)
    if name == "DATABASE_URL":
        with pytest.raises(SettingsInvalid, match="DATABASE_URL: holds a line break"):
            find_database_url()


def test_B64_blanks_around_a_key_of_a_list_are_no_part_of_it() -> None:
    keys = ("k" * 32, "l" * 32)
    for spelling in (", ", " ,", " , "):
        assert _load(cookie_keys=spelling.join(keys)).cookie_keys == keys
    assert _load(cookie_keys=" " + keys[0] + " ").cookie_keys == keys[:1]


def test_B64_quotes_of_a_file_are_taken_off_and_quotes_within_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f"{key.upper()}='{value}'" for key, value in GOOD.items()]
    Path(".env").write_text("\n".join([*lines, "SMTP_PASS=a'b\"c"]))
    settings = load_settings()
    assert settings.cookie_keys == ("k" * 32, "l" * 32)
    assert settings.smtp_pass == "a'b\"c"
    monkeypatch.setenv("SMTP_PASS", '"')
    assert load_settings().smtp_pass == '"'


@pytest.mark.parametrize("seconds", ["4", "3601", "-1", "nan", "abc"])
def test_K13_connections_idle_within_reason(seconds: str) -> None:
    assert _problems(keep_alive_seconds=seconds) == ["KEEP_ALIVE_SECONDS"]


def test_as_many_hashes_run_at_once_as_there_are_cores_for_this_process() -> None:
    """Issue 5, growth: two workers on one core cost a third of the sign-ins."""
    usable = os.sched_getaffinity(0)
    assert _load().argon2_workers == min(64, len(usable))
    assert _load(argon2_workers="3").argon2_workers == 3
    if len(usable) > 1:
        os.sched_setaffinity(0, {min(usable)})
        try:
            assert _load().argon2_workers == 1
        finally:
            os.sched_setaffinity(0, usable)


def test_every_cost_that_may_be_set_can_be_verified() -> None:
    costs = {"argon2_memory_kib": 65_536, "argon2_passes": 4, "argon2_lanes": 4}
    settings = _load(**costs)
    assert {name: getattr(settings, name) for name in costs} == costs


def test_what_is_fit_for_production_is() -> None:
    assert production_problems(_load(**FIT)) == []


def test_security_4_no_proxy_is_needed_where_nobody_speaks_https() -> None:
    local = FIT | {"issuer_base_url": "http://localhost:3000", "trusted_proxies": None}
    assert production_problems(_load(**local)) == []


@pytest.mark.parametrize("hops", ["0", "-1", "17", "x"])
def test_security_14_hops_within_reason(hops: str) -> None:
    assert _problems(trusted_proxy_hops=hops) == ["TRUSTED_PROXY_HOPS"]
    assert _load(trusted_proxy_hops="2").trusted_proxy_hops == 2
    assert _load(trusted_proxy_hops="").trusted_proxy_hops is None


def test_reencryption_what_may_be_decrypted_with_stands_behind_what_encrypts() -> None:
    found = _load(
        signing_key_decryption_keys=f" {'01' * 32} ,{'02' * 32},",
        two_factor_encryption_key="03" * 32,
        two_factor_decryption_keys="",
    )
    assert found.signing_key_encryption_keys == (b"\xab" * 32, b"\x01" * 32, b"\x02" * 32)
    assert found.two_factor_encryption_keys == (b"\x03" * 32,)
    bare = _load(two_factor_decryption_keys="01" * 32)
    assert bare.two_factor_encryption_keys == (), "nothing to encrypt with"


@pytest.mark.parametrize("value", ["01" * 31, "zz" * 32, f"{'01' * 32} {'02' * 32}", "x"])
def test_reencryption_a_malformed_list_of_keys_is_refused(value: str) -> None:
    for name in ("signing_key_decryption_keys", "two_factor_decryption_keys"):
        with pytest.raises(SettingsInvalid) as refused:
            _load(**{name: value})
        (problem,) = refused.value.problems
        assert problem.startswith(f"{name.upper()}: is malformed; a comma list")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cookie_keys": "k" * 31}, "COOKIE_KEYS"),
        ({"cookie_keys": "please-change-me-" + "k" * 32}, "COOKIE_KEYS"),
        *(
            ({name: f"{'ef' * 32},{'aA' * 32}"}, name.upper())
            for name in ("two_factor_decryption_keys", "signing_key_decryption_keys")
        ),
        ({"cookie_keys": "k" * 32 + ",PLEASE_CHANGE_ME" + "k" * 32}, "COOKIE_KEYS"),
        ({"two_factor_encryption_key": None}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"two_factor_encryption_key": "0123456789abcdef" * 4}, "TWO_FACTOR_ENCRYPTION_KEY"),
        ({"signing_key_encryption_key": "fedcba9876543210" * 4}, "SIGNING_KEY_ENCRYPTION_KEY"),
        *(
            ({name: key}, name.upper())
            for name in ("two_factor_encryption_key", "signing_key_encryption_key")
            for key in (
                "0123456789ABCDEF" * 4,
                "fedcba9876543210" * 4,
                "FEDCBA9876543210" * 4,
                "a" * 64,
                "aA" * 32,
            )
        ),
        *(
            ({"database_url": url}, "DATABASE_URL")
            for url in (
                "postgresql://porta:porta_dev@db/porta",
                "postgresql://porta:porta%5Fdev@db/porta",
                "postgresql://porta@db/porta?password=porta_dev",
                "host=db user=porta password=porta_dev dbname=porta",
                "host=db password = 'porta_dev'",
            )
        ),
        ({"issuer_base_url": "http://id.example.test"}, "ISSUER_BASE_URL"),
        ({"log_level": "debug"}, "LOG_LEVEL"),
        ({"trusted_proxies": None}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": ""}, "TRUSTED_PROXIES"),
        ({"smtp_host": None}, "SMTP_HOST, SMTP_FROM"),
        ({"smtp_from": None}, "SMTP_HOST, SMTP_FROM"),
        ({"smtp_host": "localhost"}, "SMTP_HOST"),
        ({"smtp_tls": "none"}, "SMTP_TLS"),
        *(
            ({"smtp_host": host}, "SMTP_HOST")
            for host in (
                "127.0.0.1",
                "127.1",
                "LOCALHOST",
                "Localhost.",
                "mail.localhost",
                "::1",
                "[::1]",
                "::ffff:127.0.0.1",
                "0.0.0.0",
                "::",
                "2130706433",
                " localhost ",
                "localhost.localdomain",
                "ip6-localhost",
            )
        ),
        ({"cookie_keys": " " * 8 + "k" * 31 + " " * 8}, "COOKIE_KEYS"),
    ],
)
def test_what_is_unfit_for_production_is_refused_there_and_nowhere_else(
    changes: dict[str, Any], named: str
) -> None:
    unfit = FIT | changes
    assert _problems(**unfit) == [named]
    _load(**unfit | {"environment": "development"})
    _load(**unfit | {"porta_skip_prod_safety": True})


@pytest.mark.parametrize("host", ["localhost.example.test", "10.0.0.1", "2001:db8::1", "mail"])
def test_mail_to_another_host_is_fit(host: str) -> None:
    assert production_problems(_load(**FIT | {"smtp_host": host})) == []


def test_what_is_malformed_and_what_is_unfit_are_told_together() -> None:
    unfit = FIT | {"port": "x", "drain_seconds": "x", "signing_key_encryption_key": "short"}
    unfit |= {"log_level": "debug", "smtp_host": "localhost"}
    told = {"PORT", "DRAIN_SECONDS", "SIGNING_KEY_ENCRYPTION_KEY"}
    assert set(_problems(**unfit)) == told | {"LOG_LEVEL", "SMTP_HOST"}
    assert set(_problems(**unfit | {"porta_skip_prod_safety": True})) == told
    assert set(_problems(**unfit | {"environment": "development"})) == told
    assert set(_problems(**unfit | {"environment": "prod"})) == told | {"PORTA_ENV, NODE_ENV"}


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "environment"])
def test_what_is_malformed_is_told_once_in_production_too(name: str) -> None:
    assert _problems(**FIT | {name: object()}) == [name.upper()]


def test_plain_http_is_fit_on_this_very_host() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        _load(**FIT | {"issuer_base_url": f"http://{host}:3000"})
    assert _problems(**FIT | {"issuer_base_url": "http://localhost.evil.test"})


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _load().port = 1  # type: ignore[misc]


@pytest.mark.parametrize("sender", ["id", "id@", "a@b.test, c@d.test", "Porta", "<>", "a b@c.test"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(SettingsInvalid, match="SMTP_FROM"):
        load_settings(**FIT | {"smtp_from": sender})


@pytest.mark.parametrize(
    "sender", ["id@example.com", "Porta <id@example.com>", '"P, x" <i@e.test>']
)
def test_a_sender_may_have_a_name(sender: str) -> None:
    assert load_settings(**FIT | {"smtp_from": sender}).smtp_from == sender


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"port": "many"}, "PORT: must be a whole number"),
        ({"port": 3.5}, "PORT: must be a whole number"),
        ({"port": -1}, "PORT: must be "),
        ({"environment": "staging"}, "PORTA_ENV, NODE_ENV: must be 'development'"),
        ({"environment": "produktion"}, "did you mean production?"),
        ({"log_level": "loud"}, "LOG_LEVEL: must be "),
        ({"argon2_workers": "x"}, "ARGON2_WORKERS: must be a whole number"),
        ({"drain_seconds": 10**9}, "DRAIN_SECONDS: must be "),
    ],
)
def test_people_35_what_is_wrong_with_a_setting_is_told_in_words_of_ours(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        _load(**changes)
    (problem,) = caught.value.problems
    assert told in problem
    assert not re.search(r"Input|String|valid integer|unable to parse|should", problem)
