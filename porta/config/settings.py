"""Settings: the environment, read once and frozen. What changes meanwhile is in `system.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import (
    AliasChoices,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from porta.config import asset_storage, env_file
from porta.config.environment import EnvironmentSettings, variables
from porta.config.inherited import READERS, adapt
from porta.config.production import production_problems
from porta.config.setting_errors import (
    FOLLOWS,
    SettingsInvalid,
    field_of,
    find_leftover,
    problem_of,
)
from porta.config.setting_types import (
    HEX_KEY,
    AssetEndpoint,
    AssetPlace,
    CookieKeys,
    DatabaseUrl,
    HexKeys,
    HttpUrl,
    IssuerUrl,
    Networks,
    RedisUrl,
    Resolvers,
    Sender,
    Texts,
    Tls,
    default_drain,
    default_host,
    default_tls,
    usable_cores,
)
from porta.security import passwords
from porta.security.encryption import EncryptionKeys

_FIT: dict[str, Any] = {
    "database_url": "postgresql://",
    "issuer_base_url": "https://localhost",
    "cookie_keys": ("-" * 32,),
    "signing_key_encryption_key": "01" * 32,
    "two_factor_encryption_key": "01" * 32,
    "smtp_host": "mail.example.com",
    "smtp_from": "id@example.com",
    "drain_seconds": 0.0,
    "host": "127.0.0.1",
    "argon2_workers": 2,
    "trusted_proxies": "127.0.0.1",
}
"""Stand in for malformed values while the others are judged; elsewhere the default does."""


class Settings(EnvironmentSettings):
    """One field a variable, under the names of Porta 1.x. Durations are in seconds."""

    environment: Literal["development", "test", "production"] = Field(
        "development", validation_alias=AliasChoices("PORTA_ENV", "NODE_ENV")
    )
    host: str = Field(default_factory=default_host)
    port: int = Field(3000, ge=0, le=65535)
    database_url: DatabaseUrl = Field(min_length=1)
    redis_url: RedisUrl | None = None
    redis_deadline_seconds: float = Field(0.5, ge=0.05, le=2)
    """How long an answer of Redis is waited for. A request may wait so long twice."""
    database_pool_size: int = Field(10, ge=1, le=200)
    startup_wait_seconds: float = Field(60, ge=0, le=3600)
    """How long a starting server waits for PostgreSQL."""
    issuer_base_url: IssuerUrl
    cookie_keys: CookieKeys = Field(min_length=1)
    signing_key_encryption_key: str = Field(pattern=HEX_KEY)
    signing_key_decryption_keys: HexKeys = ()
    """Further keys that stored signing keys may be encrypted under, while these are renewed."""
    two_factor_encryption_key: str | None = Field(None, pattern=HEX_KEY)
    two_factor_decryption_keys: HexKeys = ()
    asset_storage_url: AssetPlace | None = None
    """Where uploaded images are kept: `file:///folder`, `s3://bucket`; None for PostgreSQL."""
    asset_storage_endpoint: AssetEndpoint | None = None
    """Who has the bucket, where that is not Amazon."""
    asset_storage_region: str | None = Field(None, pattern=r"^[a-z0-9-]{1,40}$")
    asset_storage_key_id: str | None = None
    asset_storage_secret: str | None = None
    """With the key's id; without both, what the machine has itself, as AWS_ variables tell."""
    asset_storage_required: bool = True
    """Whether nothing starts while the bucket cannot be used."""
    pages_folder: str | None = Field(None, pattern=r"^/.+")
    """Where an operator keeps templates and texts that replace those that are shipped."""
    smtp_host: str | None = None
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_tls: Tls = Field(default_factory=default_tls)
    """`starttls` and `implicit` insist on TLS with a certificate that holds; `none` is plain."""
    smtp_user: str | None = None
    smtp_pass: str | None = None
    smtp_from: Sender | None = None
    jobs_in_server: bool = True
    """Whether a server works off the queue of jobs too; else `porta worker` alone does."""
    jobs_concurrency: int = Field(5, ge=1, le=100)
    """How many jobs a process runs at a time."""
    audit_anchor_file: str | None = None
    """Where checkpoints of the audit trail are appended, one a line."""
    audit_anchor_url: HttpUrl | None = None
    """Where they are posted."""
    breached_passwords_url: HttpUrl | None = None
    """A range API that tells which passwords were seen in a leak, by a prefix; None for nobody."""
    outbound_private_addresses: bool = False
    """Whether what is configured to be called may be at a private address."""
    dns_resolvers: Resolvers = ()
    """Who is asked whether a domain is an organization's; by default whom this machine asks."""
    log_level: Literal["debug", "info", "warn", "error", "fatal"] = "info"
    trusted_proxies: Networks = ()
    trusted_proxy_hops: int | None = Field(None, ge=1, le=16)
    """How many proxies a request passes at most; None where TRUSTED_PROXIES alone decides."""
    trust_proxy: str | None = None
    """Of Porta 1.x: whoever stands near is a proxy, where `trusted_proxies` names none."""
    admin_cors_origins: Texts = ()
    metrics_enabled: bool = False
    porta_skip_prod_safety: bool = False
    database_without_isolation: bool = False
    """Whether a server in production may see every organization in PostgreSQL at any time."""
    stores_without_tls: bool = False
    """Whether PostgreSQL and Redis may be spoken to in plain text where anybody may listen."""
    hsts_include_subdomains: bool = False
    """Whether browsers shall refuse plain http below the issuer's host as well, for a year."""
    # No hash of a higher cost is verified either.
    argon2_memory_kib: int = Field(19_456, ge=8_192, le=passwords.MAX_MEMORY_KIB)
    argon2_passes: int = Field(2, ge=1, le=passwords.MAX_PASSES)
    argon2_lanes: int = Field(1, ge=1, le=passwords.MAX_LANES)
    argon2_workers: int = Field(default_factory=usable_cores, ge=1, le=64)
    argon2_queue: int = Field(64, ge=1)
    max_connections: int = Field(10_000, ge=1)
    max_connections_per_address: int | None = Field(None, ge=1)
    """Of one IPv4 address or IPv6 /64; by default a small part of all."""
    keep_alive_seconds: float = Field(75.0, ge=5, le=3600)
    """How long a connection may idle: longer than the load balancer keeps it."""
    drain_seconds: float = Field(default_factory=default_drain, ge=0, le=10)
    """How long a stopping server goes on serving, so that a load balancer can notice."""

    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def secure(self) -> bool:
        """Whether the issuer is https, which makes cookies `Secure` and sends HSTS."""
        return self.issuer_base_url[:8].lower() == "https://"

    @property
    def signing_key_encryption_keys(self) -> EncryptionKeys:
        """What signing keys are encrypted under, and what they may be encrypted under still."""
        return as_encryption_keys(self.signing_key_encryption_key, self.signing_key_decryption_keys)

    @property
    def two_factor_encryption_keys(self) -> EncryptionKeys:
        """The same of TOTP secrets; empty where there is no key."""
        return as_encryption_keys(self.two_factor_encryption_key, self.two_factor_decryption_keys)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is read otherwise than it is written: one line a value, for the log."""
        return self._notes

    @model_validator(mode="wrap")
    @classmethod
    def _read_as_1x(cls, given: Any, handler: ModelWrapValidatorHandler[Settings]) -> Settings:
        adapted, notes = adapt(given)
        settings = handler(adapted)
        settings._notes = notes
        return settings

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: ValidationInfo) -> Any:
        """A file of variables for a container holds empty ones. Nothing else may be meant by one,
        unless the variable is needed, or its default is a text: an environment is not guessed.
        """
        field = cls.model_fields[info.field_name or ""]
        if value != "" or field.is_required() or isinstance(field.default, str):
            return value
        return field.get_default(call_default_factory=True, validated_data=info.data)

    @field_validator(*READERS, mode="before")
    @classmethod
    def _refuse_of_1x(cls, value: Any, info: ValidationInfo) -> Any:
        """What was read before stays as it is; what was not is refused here, with the way on."""
        if isinstance(value, str) and value:
            READERS[info.field_name or ""](value)
        return value

    # The last of those that run before: it is asked first.
    @field_validator("*", mode="before")
    @classmethod
    def _refuse_leftovers(cls, value: Any) -> Any:
        problem = find_leftover(value) if isinstance(value, str) else None
        if problem is not None:
            raise ValueError(problem)
        return value


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env`; `overrides` (field names) win.

    Raises SettingsInvalid with every problem at once, those of the production-safety rules too.
    """
    file = env_file.read(variables(Settings))
    settings, faulty = read_settings(**overrides)
    problems = [problem_of(item) for item in faulty] + asset_storage.key_problems(settings)
    if not settings.porta_skip_prod_safety:
        problems += production_problems(settings)
    if problems:
        raise SettingsInvalid(problems)
    settings._notes = (*settings._notes, *file.notes)
    return settings


def read_settings(**overrides: Any) -> tuple[Settings, list[Any]]:
    """Return settings, and what pydantic has against them: a faulty one has a value that stands in
    for it, which nobody may use. Raises SettingsInvalid for a `.env` that cannot be read.
    """
    try:
        return Settings(**overrides), []
    except ValidationError as error:
        faulty = [item for item in error.errors() if item["type"] != FOLLOWS]
        fit = {name: _fit(name) for name in map(field_of, faulty)}
        return Settings(**overrides | fit), faulty


def as_encryption_keys(key: str | None, further: Iterable[str]) -> EncryptionKeys:
    """Return 64 hex digits each as the keys they are; without `key` there are none."""
    return tuple(map(bytes.fromhex, (key, *further))) if key is not None else ()


def _fit(name: str) -> Any:
    return _FIT.get(name, Settings.model_fields[name].default)
