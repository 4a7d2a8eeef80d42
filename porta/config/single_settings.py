"""Settings that a command needs by themselves, whatever the others are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

from pydantic import Field, ValidationError

from porta.config.environment import EnvironmentSettings
from porta.config.inherited import read_database_url
from porta.config.production import production_problems
from porta.config.setting_errors import SettingsInvalid, field_of, find_leftover, problem_of
from porta.config.setting_types import HEX_KEY, HexKeys
from porta.config.settings import as_encryption_keys, read_settings
from porta.security.encryption import EncryptionKeys

_Some = TypeVar("_Some")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the databases are; the fields are those of Settings."""

    environment: str
    database_url: str
    redis_url: str | None
    redis_deadline_seconds: float
    stores_without_tls: bool
    porta_skip_prod_safety: bool


@dataclass(frozen=True, slots=True)
class ProvisioningSettings(StoreSettings):
    """Where the databases are, and what a password hash costs."""

    argon2_memory_kib: int
    argon2_passes: int
    argon2_lanes: int


def load_some(wanted: type[_Some]) -> _Some:
    """Return those settings that are fields of the dataclass `wanted`, whatever the others are.

    Raises SettingsInvalid with every problem of them, those of the production-safety rules too.
    """
    settings, faulty = read_settings()
    names = [field.name for field in fields(wanted)]  # type: ignore[arg-type]
    problems = [problem_of(item) for item in faulty if field_of(item) in names]
    if not settings.porta_skip_prod_safety:
        judged = tuple(f"{name.upper()}:" for name in names)
        problems += [each for each in production_problems(settings) if each.startswith(judged)]
    if problems:
        raise SettingsInvalid(problems)
    return wanted(**{name: getattr(settings, name) for name in names})


class _DatabaseUrl(EnvironmentSettings):
    database_url: str | None = None


class _Issuer(EnvironmentSettings):
    issuer_base_url: str | None = None


class _EncryptionKeys(EnvironmentSettings):
    signing_key_encryption_key: str | None = Field(None, pattern=HEX_KEY)
    signing_key_decryption_keys: HexKeys = ()


def find_database_url() -> str | None:
    """Return DATABASE_URL of the environment, else of `.env`, whatever the other settings are.

    Raises SettingsInvalid where `.env` cannot be read, or something stands around the value.
    """
    url = _DatabaseUrl().database_url
    if not url:
        return url
    try:
        if problem := find_leftover(url):
            raise ValueError(problem)
        return read_database_url(url).value
    except ValueError as fault_of_1x:
        raise SettingsInvalid([f"DATABASE_URL: {fault_of_1x}"]) from None


def find_signing_key_encryption_keys() -> EncryptionKeys:
    """Return SIGNING_KEY_ENCRYPTION_KEY and SIGNING_KEY_DECRYPTION_KEYS, found as
    `find_database_url` finds its own; nothing without the first.

    Raises SettingsInvalid where one is none.
    """
    try:
        found = _EncryptionKeys()
    except ValidationError as error:
        raise SettingsInvalid([problem_of(item) for item in error.errors()]) from None
    return as_encryption_keys(found.signing_key_encryption_key, found.signing_key_decryption_keys)


def find_issuer() -> str | None:
    """Return ISSUER_BASE_URL of the environment, else of `.env`, in whatever form; None for none.

    Raises SettingsInvalid where `.env` cannot be read.
    """
    return _Issuer().issuer_base_url or None
