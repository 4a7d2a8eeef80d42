"""The `claims` parameter: claims asked for one by one (Core §5.5)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from porta.protocol.errors import InvalidRequest
from porta.protocol.requests.params import has_control_characters

MAX_CLAIMS = 100
"""Most members that one of the two lists may have."""
MAX_DEPTH = 8
_LISTS = ("id_token", "userinfo")


@dataclass(frozen=True, slots=True)
class RequestedClaim:
    """One requested claim. `values` are those the client accepts, in its order; empty for any."""

    essential: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The claims asked of the ID token and of userinfo, by name."""

    id_token: Mapping[str, RequestedClaim] = field(default_factory=dict)
    userinfo: Mapping[str, RequestedClaim] = field(default_factory=dict)
    text: str | None = field(default=None, compare=False)
    """The parameter as it came: written anew it may be longer than what was accepted."""

    def of(self, target: str) -> Mapping[str, RequestedClaim]:
        """Return the claims asked of `target` (`id_token` or `userinfo`; others have none)."""
        return {"id_token": self.id_token, "userinfo": self.userinfo}.get(target, {})

    def names(self) -> frozenset[str]:
        """Return the name of every claim asked for, wherever."""
        return frozenset(self.id_token) | frozenset(self.userinfo)

    def __bool__(self) -> bool:
        return bool(self.id_token or self.userinfo)

    def subjects(self) -> tuple[str, ...] | None:
        """Return the `sub` values the client accepts, or None for any (Core §5.5.1)."""
        asked = [
            requested.values
            for requested in (self.id_token.get("sub"), self.userinfo.get("sub"))
            if requested is not None and requested.values
        ]
        return tuple(v for v in asked[0] if all(v in values for values in asked)) if asked else None

    def to_dict(self) -> dict[str, Any]:
        """Return it in the shape of the parameter; `from_dict` reads it back."""
        return {
            target: {name: _encode(requested) for name, requested in self.of(target).items()}
            for target in _LISTS
            if self.of(target)
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ClaimsRequest:
        """Read the decoded parameter. Members it does not know are ignored (Core §5.5).

        Raises InvalidRequest where the shape is not that of Core §5.5.
        """
        return cls(id_token=_read(raw.get("id_token")), userinfo=_read(raw.get("userinfo")))


NO_CLAIMS = ClaimsRequest()


def parse_claims_request(text: str | None) -> ClaimsRequest:
    """Parse the `claims` parameter. Raises InvalidRequest; None asks for nothing."""
    if text is None:
        return NO_CLAIMS
    try:
        raw = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidRequest("claims is not valid JSON") from None
    if not isinstance(raw, dict):
        raise InvalidRequest("claims must be a JSON object")
    _check_content(raw, MAX_DEPTH)
    return replace(ClaimsRequest.from_dict(raw), text=text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_content(value: Any, depth: int) -> None:
    """Refuse what JSON allows and nothing behind us takes: depth, infinities, NUL, surrogates."""
    if depth == 0:
        raise InvalidRequest("claims is nested too deeply")
    if isinstance(value, dict):
        for name, member in value.items():
            _check_content(name, depth)
            _check_content(member, depth - 1)
    elif isinstance(value, list):
        for member in value:
            _check_content(member, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest("claims holds a number out of range")
    elif isinstance(value, str) and has_control_characters(value):
        raise InvalidRequest("claims holds a forbidden character")


def _read(raw: Any) -> dict[str, RequestedClaim]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or len(raw) > MAX_CLAIMS:
        raise InvalidRequest("claims: id_token and userinfo are objects of at most 100 members")
    return {name: _requested(request) for name, request in raw.items()}


def _requested(raw: Any) -> RequestedClaim:
    if raw is None:
        return RequestedClaim()
    if not isinstance(raw, dict):
        raise InvalidRequest("claims: a claim is requested by null or by an object")
    essential = raw.get("essential", False)
    values = raw.get("values", [raw["value"]] if "value" in raw else [])
    if not isinstance(essential, bool) or not isinstance(values, list) or len(values) > MAX_CLAIMS:
        raise InvalidRequest("claims: essential is a boolean, values an array")
    return RequestedClaim(essential, tuple(values))


def _encode(requested: RequestedClaim) -> dict[str, Any] | None:
    members: dict[str, Any] = {"essential": True} if requested.essential else {}
    if len(requested.values) == 1:
        members["value"] = requested.values[0]
    elif requested.values:
        members["values"] = list(requested.values)
    return members or None
