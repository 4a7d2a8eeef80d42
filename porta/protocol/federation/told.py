"""Claims of a test sign-in: what a provider says, as it is shown to who tries it, and mapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from porta.protocol.federation.profile import DEFAULT_MAPPING, Profile
from porta.text.names import find_name_problem
from storage.models.setup_links import Tested

_PROTOCOL = frozenset(
    {
        *("iss", "aud", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "azp", "jti"),
        *("sid", "auth_time", "rat", "aio", "rh", "uti", "ver", "session_state"),
    }
)
"""Claims about a token, and none about a person."""
_MOST = 40
_LONGEST = 120
_LONGEST_NAME = 80


def tell(profile: Profile) -> Tested:
    """Return the claims of a profile, those that may fill a field of a person among them."""
    said = {
        name: value
        for name, value in sorted(profile.claims.items())
        if name not in _PROTOCOL and len(name) <= _LONGEST_NAME and not find_name_problem(name)
    }
    shown = {name: _spelled(value) for name, value in said.items() if value is not None}
    kept = dict(list(shown.items())[:_MOST])
    return Tested(
        claims=kept,
        mappable=tuple(name for name in kept if _is_text(said[name])),
        email=profile.email,
        email_verified=profile.email_verified,
    )


def mapping_of(chosen: Mapping[str, str], mappable: tuple[str, ...]) -> dict[str, str]:
    """Return the claim by field that was `chosen`, of claims that were told; empty for what is
    usual.
    """
    mapping = {
        field: claim if (claim := chosen.get(field, "")) in mappable else usual
        for field, usual in DEFAULT_MAPPING.items()
    }
    return {} if mapping == DEFAULT_MAPPING else mapping


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and find_name_problem(value) is None


def _spelled(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    fit = "".join(c if c.isprintable() else " " for c in text[: _LONGEST + 1])
    return fit if len(fit) <= _LONGEST else f"{fit[:_LONGEST]}…"
