"""Setting errors: what is wrong with a setting, in words for a person, and what to set it to."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from porta.text.validation import find_messages

_ESCAPED = "with special characters of the password as %XX"
_HEX_REMEDY = "64 hex digits; make them with `openssl rand -hex 32`, keep them like the database"
_FURTHER_REMEDY = "a comma list of former keys, or of the next, of 64 hex digits each"
ISSUER_FORM = (
    "https://id.example.com or https://example.com:8443/id: no user name, query, fragment or"
    " unusual character"
)
_REMEDIES = {
    "DATABASE_URL": f"postgresql://user:password@host:port/name, {_ESCAPED}",
    "REDIS_URL": f"redis[s]://[user:password@]host[:port][/database]; for Sentinels"
    " redis[s]+sentinel://[user:password@]host:port,host:port/service[/database]; for a cluster"
    f" redis[s]+cluster://[user:password@]host:port,host:port; {_ESCAPED}",
    "ISSUER_BASE_URL": ISSUER_FORM,
    "COOKIE_KEYS": "a comma list of keys; make each with `openssl rand -base64 48`",
    "SIGNING_KEY_ENCRYPTION_KEY": _HEX_REMEDY,
    "SIGNING_KEY_DECRYPTION_KEYS": _FURTHER_REMEDY,
    "TWO_FACTOR_ENCRYPTION_KEY": _HEX_REMEDY,
    "TWO_FACTOR_DECRYPTION_KEYS": _FURTHER_REMEDY,
    "ASSET_STORAGE_URL": "file:///folder, s3://bucket or s3://bucket/folder",
    "ASSET_STORAGE_ENDPOINT": "https://host[:port], without the bucket",
    "TRUSTED_PROXIES": "a comma list of addresses and networks of proxies: 10.0.0.5,192.0.2.0/28",
    "ADMIN_CORS_ORIGINS": "a comma list of origins: https://admin.example.com,http://localhost:4002",
}
"""What to set a variable to."""
_SENTENCES = {
    "missing": "is missing",
    "string_pattern_mismatch": "is malformed",
    "string_too_short": "is empty",
    "too_short": "is empty",
}
QUOTED = "stands in quotes, which `docker --env-file` passes on as part of it; leave them out"
UNSEEN = (
    "holds a line break or another control character, as a file with Windows line ends or a secret"
    " made with `echo` leaves it; take it out"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
FOLLOWS = "default_factory_not_called"
"""A default that depends on other settings, where one of these is at fault."""
_SPELLINGS = dict.fromkeys(("ENVIRONMENT", "PORTA_ENV"), "PORTA_ENV, NODE_ENV")


class SettingsInvalid(Exception):
    """The environment cannot be used; `problems` holds a line each, `NAME: what is wrong`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def find_leftover(value: str) -> str | None:
    """Return what is wrong with what stands around a value; None where nothing does (B64).

    Not everybody who passes a value on takes off what a file has around it.
    """
    bare = value.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return QUOTED
    return UNSEEN if _CONTROL.search(value) else None


def field_of(item: Any) -> str:
    """Return the field of Settings that an error of pydantic is about."""
    name = str(item["loc"][0]).lower()
    return "environment" if name.upper() in _SPELLINGS else name


def missing(name: str) -> str:
    """Return that a variable is needed, and what to set it to."""
    return f"{name}: is missing; {_REMEDIES[name]}"


def problem_of(item: Any) -> str:
    """Return an error of pydantic as one line: NAME, what is wrong, what to do."""
    name = str(item["loc"][0]).upper()
    problem = _SENTENCES.get(item["type"]) or "; ".join(find_messages(item, BaseModel))
    remedy = _REMEDIES.get(name)
    return f"{_SPELLINGS.get(name, name)}: {problem}" + (f"; {remedy}" if remedy else "")
