"""What a log may hold of what it is given: no secret, and nothing too long."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

EventDict = MutableMapping[str, Any]

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that would act on whoever reads a line."""
REDACTED = "[Redacted]"
_SECRET_NAMES = (
    "access_token asset_storage_secret assertion authorization browser client_assertion"
    " client_secret code code_verifier cookie cookie_keys cookies csrf _csrf database_url"
    " id_token id_token_hint new_password password private_key redis_url refresh_token secret"
    " session set-cookie set_cookie smtp_pass state token totp_secret uid xsrf"
)
_SECRETS = frozenset(_SECRET_NAMES.split())
_DEPTH = 4
_TOKEN_LENGTH = 20  # from here on a path segment may be a credential
_LONG_NAMES = frozenset({"oauth-authorization-server", "openid-configuration"})
_PATH_LENGTH = 200
_PATH_PARTS = 8  # no path of ours has more; what is behind them stands as one
_TEXT_LENGTH = 200
_ADDRESS = re.compile("@|%(?:25)*40")
"""What stands in each address of a person, however often it was encoded."""


def mask_path(path: str) -> str:
    """Return a request path without what may be a credential in it, of bounded length."""
    parts = path.split("/", _PATH_PARTS)
    kept = ["***" if _ADDRESS.search(part) else part for part in parts[:2]]
    kept += [part if _is_name(part) else "***" for part in parts[2:]]
    return CONTROL.sub("?", "/".join(kept)[:_PATH_LENGTH])


def bounded(text: str) -> str:
    """Return what somebody sent as a line of the log may hold it: short, on one line."""
    return CONTROL.sub("?", text[:_TEXT_LENGTH])


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """A structlog processor: values under the name of a secret give way to a mark."""
    for key, value in event.items():
        if key in _SECRETS:
            event[key] = REDACTED
        elif isinstance(value, (Mapping, list, tuple)):
            event[key] = _redacted(value, _DEPTH)
    return event


def _is_name(part: str) -> bool:
    """Whether it may be shown: no credential, and no address of a person, whoever asks for that."""
    short = len(part) < _TOKEN_LENGTH and _ADDRESS.search(part) is None
    return short or part in _LONG_NAMES


def _redacted(value: Any, depth: int) -> Any:
    if depth == 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            key: REDACTED if str(key).lower() in _SECRETS else _redacted(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_redacted(item, depth - 1) for item in value]
    return value
