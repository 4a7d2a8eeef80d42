"""What an operator installs: settings to fill in, systemd, compose, proxies (people 5)."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from porta.config.setting_errors import SettingsInvalid
from porta.config.settings import Settings, load_settings
from tests.world.machine import skip_without

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / ".env.example"
UNIT = ROOT / "deploy" / "porta.service"
COMPOSE = ROOT / "compose.yaml"
OF_THE_CONTAINER = {"PORTA_SERVICE", "PORTA_WAIT_TIMEOUT", "PORTA_AUTO_MIGRATE"}
FILLED_IN = {
    "ISSUER_BASE_URL": "https://id.example.com",
    "COOKIE_KEYS": "k" * 48,
    "SIGNING_KEY_ENCRYPTION_KEY": "12" * 32,
    "TWO_FACTOR_ENCRYPTION_KEY": "34" * 32,
    "POSTGRES_PASSWORD": "56" * 32,
    "SMTP_HOST": "mail.example.com",
    "SMTP_FROM": "id@example.com",
}
"""What an operator puts in, for everything that is empty and needed."""
_LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def names_of_settings() -> set[str]:
    """Return the variables that Porta reads; of two spellings the first."""
    fields = set(Settings.model_fields) - {"environment", "trust_proxy"}
    return {name.upper() for name in fields} | {"PORTA_ENV"}


def example() -> dict[str, tuple[bool, str]]:
    """Return each variable of .env.example: whether it is commented out, and its value."""
    return {name: (bool(mark), value) for mark, name, value in _LINE.findall(EXAMPLE.read_text())}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any of our settings, in a folder without `.env`."""
    for name in names_of_settings() | {"NODE_ENV", "TRUST_PROXY"}:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_people_5_the_example_names_every_setting_once() -> None:
    names = [name for _, name, _ in _LINE.findall(EXAMPLE.read_text())]
    assert sorted(names) == sorted(names_of_settings() | OF_THE_CONTAINER | {"POSTGRES_PASSWORD"})


def test_people_5_what_is_needed_is_the_only_thing_to_fill_in() -> None:
    needed = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    open_ = {name for name, (commented, _) in example().items() if not commented}
    assert open_ == needed | {"TWO_FACTOR_ENCRYPTION_KEY"}
    assert {example()[name][1] for name in open_} == {""}


def test_people_5_a_commented_line_shows_the_default(environment: pytest.MonkeyPatch) -> None:
    """With every line in force nothing is other than without."""
    needed = {
        "database_url": "postgresql:///porta",
        "issuer_base_url": "http://localhost:3000",
        "cookie_keys": ("k" * 16,),
        "signing_key_encryption_key": "12" * 32,
    }
    bare = load_settings(**needed)
    for name, (_, value) in example().items():
        if name.lower() not in needed:
            environment.setenv(name, value)
    assert load_settings(**needed) == bare


def test_people_5_nothing_in_the_example_can_serve_as_a_secret(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = re.compile("(KEYS?|PASS|PASSWORD|SECRET|_URL)$")
    assert {value for name, (_, value) in example().items() if secrets.search(name)} == {""}
    shutil.copy(EXAMPLE, tmp_path / ".env")
    environment.setenv("PORTA_ENV", "production")
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    told = {problem.partition(":")[0] for problem in refused.value.problems}
    assert {name for name, (commented, _) in example().items() if not commented} <= told


def test_people_5_a_value_in_the_example_has_nothing_around_it() -> None:
    """`docker --env-file` takes no quotes off, and no comment at the end of a line."""
    for line in EXAMPLE.read_text().splitlines():
        assert line == line.strip()
        assert not line or line.startswith("#") or re.fullmatch(r"[A-Z_]+=[^\s\"'#$]*", line)


def _unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    return unit


def test_people_5_the_unit_stops_a_server_no_sooner_than_it_needs() -> None:
    service = _unit()["Service"]
    assert int(service["TimeoutStopSec"]) > 15
    assert service["Restart"] == "always"
    assert service["User"] == "porta"
    assert "PYTHONPATH=/opt/porta" in service["Environment"]
    assert service["ExecStart"] == "/opt/porta/.venv/bin/python -P -m porta serve"
    launcher = (ROOT / "deploy" / "porta").read_text()
    assert f"cd {service['WorkingDirectory']}\n" in launcher
    assert f'{service["ExecStart"].removesuffix(" serve")} "$@"' in launcher


@skip_without(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
def test_people_5_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    """As installed: systemd looks for the program too."""
    for path in ("opt/porta/.venv/bin/python", "etc/systemd/system/porta.service"):
        (tmp_path / path).parent.mkdir(parents=True)
    shutil.copy(UNIT, tmp_path / "etc/systemd/system/porta.service")
    (tmp_path / "opt/porta/.venv/bin/python").write_text("#!/bin/sh\n")
    (tmp_path / "opt/porta/.venv/bin/python").chmod(0o755)
    command = ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no",
               f"--root={tmp_path}", "porta.service"]  # fmt: skip
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in verified.stderr.splitlines() if "porta.service" in line]
    assert told == []
    # In tenths; 0 is closed to everything.
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def _compose(**variables: str) -> Any:
    text = re.sub(
        r"\$\{(\w+):\?[^}]+}", lambda match: variables[match[1]], COMPOSE.read_text("utf-8")
    )
    assert "$" not in text
    return yaml.safe_load(text)


def test_people_5_every_service_of_the_compose_file_tells_how_it_is() -> None:
    services = _compose(**FILLED_IN)["services"]
    for name, service in services.items():
        assert "healthcheck" in service or name == "porta"
        assert service["restart"] == "unless-stopped"
        for network in service["networks"]:
            assert network in _compose(**FILLED_IN)["networks"]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert "ports" not in services["postgres"]
    assert "ports" not in services["redis"]
    assert services["porta"]["ports"] == ["127.0.0.1:3000:3000"]
    assert int(services["porta"]["stop_grace_period"].removesuffix("s")) > 15
    for needed in services["porta"]["depends_on"]:
        assert needed in services


def test_people_5_the_settings_of_the_compose_file_start_in_production(
    environment: pytest.MonkeyPatch,
) -> None:
    document = _compose(**FILLED_IN)
    porta, postgres = (document["services"][name] for name in ("porta", "postgres"))
    given: Mapping[str, str] = {**FILLED_IN, **porta["environment"]}
    assert porta["environment"].keys() <= names_of_settings() | OF_THE_CONTAINER
    assert all(isinstance(value, str) for value in porta["environment"].values())
    for name, value in given.items():
        environment.setenv(name, value)
    settings = load_settings()
    assert settings.environment == "production"
    user, database = (postgres["environment"][f"POSTGRES_{part}"] for part in ("USER", "DB"))
    password = postgres["environment"]["POSTGRES_PASSWORD"]
    assert settings.database_url == f"postgresql://{user}:{password}@postgres/{database}"
    (front,) = document["networks"]["front"]["ipam"]["config"]
    assert settings.trusted_proxies == (ip_network(front["gateway"]),)
    assert ip_address(front["gateway"]) in ip_network(front["subnet"])


def test_people_5_without_a_password_the_compose_file_is_refused() -> None:
    """Compose stops where a variable of this form is empty; it starts where it is of another."""
    used = re.findall(r"\$\{([^}]+)}", COMPOSE.read_text())
    assert {use.partition(":?")[0] for use in used} == {"POSTGRES_PASSWORD"}
    assert all(":?" in use for use in used)
