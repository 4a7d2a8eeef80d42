"""Settings that a command needs by themselves, whatever the others are."""

from __future__ import annotations

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

from porta.config.setting_errors import SettingsInvalid, find_leftover, problem_of
from porta.config.settings import HEX_KEY, Settings, check_env_file


class _Alone(BaseSettings):
    """Settings that are asked for by themselves."""

    model_config = Settings.model_config

    database_url: str | None = None
    issuer_base_url: str | None = None


class _EncryptionKey(BaseSettings):
    model_config = Settings.model_config

    signing_key_encryption_key: str | None = Field(None, pattern=HEX_KEY)


def find_database_url() -> str | None:
    """Return DATABASE_URL of the environment, else of `.env`, whatever the other settings are.

    Raises SettingsInvalid where `.env` cannot be read, or something stands around the value.
    """
    check_env_file()
    url = _Alone().database_url
    fault = find_leftover(url) if url is not None else None
    if fault is not None:
        raise SettingsInvalid([f"DATABASE_URL: {fault}"])
    return url


def find_signing_key_encryption_key() -> bytes | None:
    """Return SIGNING_KEY_ENCRYPTION_KEY, found as `find_database_url` finds its own.

    Raises SettingsInvalid where it is none.
    """
    check_env_file()
    try:
        found = _EncryptionKey().signing_key_encryption_key
    except ValidationError as error:
        raise SettingsInvalid([problem_of(item) for item in error.errors()]) from None
    return bytes.fromhex(found) if found is not None else None


def find_issuer() -> str | None:
    """Return ISSUER_BASE_URL of the environment, else of `.env`, in whatever form; None for none.

    Raises SettingsInvalid where `.env` cannot be read.
    """
    check_env_file()
    return _Alone().issuer_base_url or None
