"""Subject identifier: whom a security event is about (RFC 9493)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from porta.errors import Invalid
from porta.protocol.errors import InvalidRequest
from porta.text.email_addresses import canonical_email

_MEMBERS: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "iss_sub": ("iss", "sub"),
    "opaque": ("id",),
}
"""The formats that name a person of ours (§3.2.2 to §3.2.4), and their members."""
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Subject:
    """A person by id (the `sub` of our tokens) or by the canonical form of an e-mail address."""

    by: Literal["id", "email"]
    value: str


def parse_subject(body: Any, issuer: str) -> Subject | None:
    """Return whom `body`, decoded JSON with the one member `sub_id`, names; None for a person of
    another issuer than `issuer`.

    Raises InvalidRequest for what is malformed, and for a format that is not supported.
    """
    if not isinstance(body, dict) or body.keys() != {"sub_id"}:
        raise InvalidRequest("the body must be an object with sub_id alone")
    said = body["sub_id"]
    if not isinstance(said, dict) or not isinstance(said.get("format"), str):
        raise InvalidRequest("sub_id must be an object with a format (RFC 9493)")
    members = _MEMBERS.get(said["format"])
    if members is None:
        raise InvalidRequest(f"the format must be one of: {', '.join(_MEMBERS)}")
    # §3: no other members than those of its format.
    values = [said.get(name) for name in members]
    if said.keys() != {"format", *members} or not all(map(_is_text, values)):
        raise InvalidRequest(f"sub_id of this format has, as texts: {', '.join(members)}")
    return _subject(said, issuer)


def _subject(said: dict[str, str], issuer: str) -> Subject | None:
    match said["format"]:
        case "email":
            try:
                return Subject("email", canonical_email(said["email"]))
            except Invalid:
                raise InvalidRequest("email is no e-mail address") from None
        case "iss_sub":
            return Subject("id", said["sub"]) if said["iss"] == issuer else None
        case _:
            return Subject("id", said["id"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST
