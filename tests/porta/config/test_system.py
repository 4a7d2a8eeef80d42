"""The settings of `system_config`: what rows of Porta 1.x and of administrators become."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from porta.config.system import RANGES, Config, build_config


def test_without_rows_the_defaults_stand() -> None:
    assert build_config({}) == Config()


def test_what_nobody_knows_is_ignored() -> None:
    assert build_config({"magic_link_length": 48, "": 1, "__class__": "x"}) == Config()


@pytest.mark.parametrize("value", [1800, "1800"])
def test_a_number_may_be_spelled_in_digits(value: Any) -> None:
    assert build_config({"session_ttl": value}).session_ttl == 1800


@pytest.mark.parametrize(("value", "expected"), [(False, False), ("false", False), ("true", True)])
def test_a_truth_may_be_spelled_in_a_word(value: Any, expected: bool) -> None:
    assert build_config({"require_pkce": value}).require_pkce is expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("session_ttl", -1),
        ("session_ttl", "-1"),
        ("session_ttl", "soon"),
        ("session_ttl", ""),
        ("session_ttl", None),
        ("session_ttl", [60]),
        ("session_ttl", {"value": 60}),
        ("session_ttl", 1.5),
        ("session_ttl", 0),
        ("session_ttl", 10**15),
        ("session_idle_ttl", 0),
        ("session_idle_ttl", 59),
        ("session_idle_ttl", "never"),
        ("session_idle_ttl", None),
        ("session_idle_ttl", 10**9),
        ("signing_key_lead", 10**9),
        ("max_failed_logins", 10**9),
        ("max_failed_logins", 101),
        ("pushed_authorization_request_ttl", 61),
        ("require_pkce", "maybe"),
        ("require_pkce", [False]),
        ("default_locale", 5),
        ("default_locale", {}),
    ],
)
def test_a_value_of_the_wrong_kind_is_logged_and_its_default_stands(
    key: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        config = build_config({key: value, "id_token_ttl": 60})
    assert config == Config(id_token_ttl=60), "the others are taken all the same"
    assert [getattr(record, "key", None) for record in caplog.records] == [key]
    told = [(record.getMessage(), record.args) for record in caplog.records]
    assert told == [("config.invalid_value", ())], "nothing of what the row holds"


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().session_ttl = 5  # type: ignore[misc]


def test_lifetimes_are_bounded_by_what_the_requirements_say() -> None:
    config = Config()
    assert config.authorization_code_ttl <= 60
    assert config.pushed_authorization_request_ttl <= 60
    assert config.max_failed_logins <= 100
    assert config.refresh_grace <= 30
    assert config.require_pkce
    assert config.signing_key_lead >= 60


def test_every_duration_has_a_number_of_seconds() -> None:
    for field in msgspec.structs.fields(Config):
        if field.name.endswith(("_ttl", "_window", "_grace", "_lead", "_seconds")):
            assert field.type is int, field.name


def test_every_number_has_a_range_that_holds_its_default() -> None:
    numbers = [field for field in msgspec.structs.fields(Config) if field.type is int]
    assert RANGES.keys() == {field.name for field in numbers}
    for field in numbers:
        least, most = RANGES[field.name]
        assert least <= field.default <= most, field.name


@pytest.mark.parametrize(
    ("limit", "interval"),
    [(60, 6), (1800, 180), (36_000, 3600), (604_800, 3600), (315_360_000, 3600)],
)
def test_security_14_uses_are_noted_a_tenth_of_the_limit_apart(limit: int, interval: int) -> None:
    config = build_config({"session_idle_ttl": limit})
    assert (config.session_idle_ttl, config.session_use_interval) == (limit, interval)


def test_security_14_there_is_a_limit_by_default_and_it_is_shorter_than_a_session() -> None:
    config = Config()
    assert 86_400 < config.session_idle_ttl < config.session_ttl
