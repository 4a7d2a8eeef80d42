"""Every setting of `system_config`: its type and default. It changes while Porta runs.

What comes from the environment and lasts as long as the process is in `settings.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

_LOG = logging.getLogger(__name__)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of `system_config`. Every `*_ttl`, window, lead and grace is in seconds."""

    access_token_ttl: int = 3600
    id_token_ttl: int = 3600
    refresh_token_ttl: int = 1_209_600
    refresh_token_absolute_ttl: int = 7_776_000
    """However often it rotates, a family of refresh tokens ends here."""
    refresh_grace: int = 10
    authorization_code_ttl: int = 60
    session_ttl: int = 1_209_600
    interaction_ttl: int = 600
    replay_detection_ttl: int = 3600
    client_credentials_ttl: int = 600
    pushed_authorization_request_ttl: int = 60
    grant_ttl: int = 1_209_600
    signing_key_lead: int = 120
    """A new key stands in the JWKS this long before it signs."""
    require_pkce: bool = True
    cors_max_age: int = 86_400
    default_locale: str = "en"
    max_failed_logins: int = 100
    lockout_duration_seconds: int = 900
    rate_limit_login_max: int = 10
    rate_limit_login_window: int = 900
    rate_limit_address_max: int = 100
    rate_limit_address_window: int = 900
    rate_limit_client_auth_max: int = 30
    rate_limit_client_auth_window: int = 300
    audit_retention_days: int = 90
    super_admin_user_id: str = ""


def build_config(rows: Mapping[str, Any]) -> Config:
    """Return the Config that `rows` (key to decoded JSON value) describes.

    A digit string counts as its number and `"true"`/`"false"` as booleans, as Porta 1.x wrote
    them. A value of the wrong type, or a negative number, is logged and its default stands.
    """
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(Config):
        if field.encode_name not in rows:
            continue
        raw = rows[field.encode_name]
        try:
            value = msgspec.convert(raw, field.type, strict=False)
            if isinstance(value, int) and not isinstance(value, bool) and value < 0:
                raise msgspec.ValidationError("negative")
        except msgspec.ValidationError:
            _LOG.warning("config.invalid_value", extra={"key": field.encode_name})
            continue
        known[field.encode_name] = value
    return Config(**known)
