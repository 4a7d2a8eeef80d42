"""Sources of settings: the variables of the environment, else those of the file `.env`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AliasChoices
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource, PydanticBaseSettingsSource

from porta.config import env_file


class _EnvFileSource(EnvSettingsSource):
    """The file `.env`, as `env_file` reads it."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        values = env_file.read(variables(self.settings_cls)).values
        return {name.lower(): value for name, value in values.items()}


class EnvironmentSettings(BaseSettings):
    """Settings of the environment, else of `.env`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _EnvFileSource(settings_cls)


def variables(settings: type[BaseSettings]) -> frozenset[str]:
    """Return the names of the variables that `settings` are read from, in upper case."""
    aliases = (field.validation_alias for field in settings.model_fields.values())
    chosen = (each.choices for each in aliases if isinstance(each, AliasChoices))
    named = (str(name) for choices in chosen for name in choices)
    return frozenset(name.upper() for name in (*settings.model_fields, *named))
