"""Every setting of `system_config`: its type and default. It changes while Porta runs.

What comes from the environment and lasts as long as the process is in `settings.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from porta.errors import Invalid

_LOG = logging.getLogger(__name__)
_LONGEST_USE_INTERVAL = 3600.0


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
    """However often it is used, a session ends here."""
    session_idle_ttl: int = 604_800
    """A session that nobody used for this long is none (ASVS 7.3.1)."""
    interaction_ttl: int = 600
    client_credentials_ttl: int = 600
    pushed_authorization_request_ttl: int = 60
    magic_link_ttl: int = 900
    password_reset_ttl: int = 3600
    registration_ttl: int = 3600
    email_change_ttl: int = 3600
    email_undo_ttl: int = 604_800
    """As long may who has the address of before refuse a change, or undo it."""
    allow_public_pushed_requests: bool = False
    """Whether a client without a secret may push: anybody could fill the table in its name."""
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
    rate_limit_installation_max: int = 100
    rate_limit_second_factor_max: int = 5
    """Attempts at a person's second factor in a window, and five windows' worth in a day."""
    rate_limit_second_factor_window: int = 300
    rate_limit_mailed_code_max: int = 3
    """Codes that a person is mailed in a window, and five windows' worth in a day."""
    rate_limit_mailed_code_window: int = 300
    rate_limit_magic_link_max: int = 5
    """Magic links that are asked for to one address in a window, and five windows' worth in a day;
    likewise links to reset a password."""
    rate_limit_magic_link_window: int = 900
    rate_limit_password_reset_max: int = 5
    rate_limit_password_reset_window: int = 900
    rate_limit_email_change_max: int = 5
    rate_limit_email_change_window: int = 3600
    rate_limit_registration_max: int = 5
    """Mails to one address that a registration leads to, in a window, and five windows' worth in a
    day; then what one address may ask for, and all organizations together."""
    rate_limit_registration_window: int = 3600
    rate_limit_registration_address_max: int = 20
    rate_limit_registration_installation_max: int = 1000
    rate_limit_client_auth_max: int = 30
    rate_limit_client_auth_window: int = 300
    rate_limit_request_max: int = 2000
    rate_limit_request_installation_max: int = 4000
    rate_limit_request_client_max: int = 30_000
    rate_limit_request_window: int = 600
    rate_limit_admin_max: int = 1200
    """Requests of one administrator to the Admin API in a window, and, of them, changes."""
    rate_limit_admin_write_max: int = 300
    rate_limit_admin_window: int = 60
    audit_log_retention_days: int = 0
    """0 keeps all. Not the key of Porta 1.x, which stands in every database of it."""
    way_back: bool = False
    """Whether Porta 1.x may come back to this database."""
    super_admin_user_id: str = ""

    @property
    def session_use_interval(self) -> float:
        """Seconds in which the uses of a session are noted once: a tenth of its idle limit."""
        return min(self.session_idle_ttl / 10, _LONGEST_USE_INTERVAL)


_YEAR = 31_536_000
_LIFETIME = (1, 10 * _YEAR)
_ATTEMPTS = (1, 1_000_000_000)
_WINDOW = (1, 7 * 86_400)
RANGES: Mapping[str, tuple[int, int]] = {
    "access_token_ttl": _LIFETIME,
    "id_token_ttl": _LIFETIME,
    "refresh_token_ttl": _LIFETIME,
    "refresh_token_absolute_ttl": _LIFETIME,
    "refresh_grace": (0, 300),
    "authorization_code_ttl": (1, 600),  # RFC 6749 §4.1.2: ten minutes at most
    "session_ttl": (60, 10 * _YEAR),  # a shorter one asks again and again
    "session_idle_ttl": (60, 10 * _YEAR),  # as short: above session_ttl there is none
    "interaction_ttl": (30, 86_400),
    "client_credentials_ttl": _LIFETIME,
    "pushed_authorization_request_ttl": (1, 60),  # it stands in URLs
    "magic_link_ttl": (60, 900),  # requirement G.5
    "password_reset_ttl": (300, 86_400),
    "registration_ttl": (300, 86_400),
    "email_change_ttl": (300, 86_400),
    "email_undo_ttl": (86_400, 30 * 86_400),  # the letter lies unread for a night at least
    "grant_ttl": _LIFETIME,
    "signing_key_lead": (0, 7 * 86_400),
    "cors_max_age": (0, _YEAR),
    "max_failed_logins": (0, 100),  # NIST 800-63B-4 §3.2.2: at most 100 in a row
    "lockout_duration_seconds": (1, 3600),  # no stranger keeps an owner out for longer
    "rate_limit_login_max": _ATTEMPTS,
    "rate_limit_login_window": _WINDOW,
    "rate_limit_address_max": _ATTEMPTS,
    "rate_limit_address_window": _WINDOW,
    "rate_limit_installation_max": _ATTEMPTS,
    "rate_limit_second_factor_max": (1, 20),  # a day has five windows' worth: NIST allows 100
    "rate_limit_second_factor_window": _WINDOW,
    "rate_limit_mailed_code_max": (1, 20),
    "rate_limit_mailed_code_window": _WINDOW,
    "rate_limit_magic_link_max": (1, 100),
    "rate_limit_magic_link_window": _WINDOW,
    "rate_limit_password_reset_max": (1, 100),
    "rate_limit_password_reset_window": _WINDOW,
    "rate_limit_email_change_max": (1, 100),
    "rate_limit_email_change_window": _WINDOW,
    "rate_limit_registration_max": (1, 100),
    "rate_limit_registration_window": _WINDOW,
    "rate_limit_registration_address_max": _ATTEMPTS,
    "rate_limit_registration_installation_max": _ATTEMPTS,
    "rate_limit_client_auth_max": _ATTEMPTS,
    "rate_limit_client_auth_window": _WINDOW,
    "rate_limit_request_max": _ATTEMPTS,
    "rate_limit_request_installation_max": _ATTEMPTS,
    "rate_limit_request_client_max": _ATTEMPTS,
    "rate_limit_request_window": _WINDOW,
    "rate_limit_admin_max": _ATTEMPTS,
    "rate_limit_admin_write_max": _ATTEMPTS,
    "rate_limit_admin_window": _WINDOW,
    "audit_log_retention_days": (0, 36_500),
}
"""The least and the most that each number may be."""
_KINDS = {int: "a whole number", bool: "true or false", str: "a text"}
_FIELDS = {field.encode_name: field.type for field in msgspec.structs.fields(Config)}


def convert_setting(key: str, value: Any) -> Any:
    """Return `value` (decoded JSON) as the type that the setting `key` of Config has.

    A digit string counts as its number and `"true"`/`"false"` as booleans, as Porta 1.x wrote
    them. Raises Invalid for what cannot be that type or is out of its range.
    """
    try:
        converted = msgspec.convert(value, _FIELDS[key], strict=False)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid(f"must be {_KINDS[_FIELDS[key]]}") from None
    if key in RANGES:
        least, most = RANGES[key]
        if not least <= converted <= most:
            raise Invalid(f"must be {least} to {most}")
    return converted


def build_config(rows: Mapping[str, Any]) -> Config:
    """Return the Config that `rows` (key to decoded JSON value) describes.

    A value that its setting cannot have is logged and the default stands: a bad row must not stop
    those who serve.
    """
    known: dict[str, Any] = {}
    for key in _FIELDS.keys() & rows.keys():
        try:
            known[key] = convert_setting(key, rows[key])
        except Invalid:
            _LOG.warning("config.invalid_value", extra={"key": key})
    return Config(**known)
