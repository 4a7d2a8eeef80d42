"""Canonical form of an audit entry: the bytes that codes, commitments and hashes are made of.

They are the same for an entry that is about to be written, one that was read from the database, and
one in an exported file, however JSON, addresses and numbers are spelled there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_interface
from typing import Any

from storage.models.audit import Recorded
from storage.models.events import Event


def pack(values: Iterable[str | bytes | int | None]) -> bytes:
    """Return values one after the other, such that no two lists look the same."""
    return b"".join(map(_packed, values))


def authenticated(entry: Event) -> bytes:
    """Return what the code of an entry vouches for: all of it but when it was written down."""
    return pack(
        (
            *("audit entry 1", entry.id, entry.organization_id, entry.user_id, entry.actor_id),
            *(entry.actor_type, entry.actor_client, entry.event_type, entry.event_category),
            *(entry.request_id, *origin_of(entry), *content_of(entry)),
        )
    )


def public_part(entry: Recorded) -> bytes:
    """Return what is never erased of an entry: who, whom, what, and when."""
    return pack(
        (
            *(entry.id, entry.sequence, entry.created_at, entry.organization_id, entry.user_id),
            *(entry.actor_id, entry.actor_type, entry.actor_client, entry.event_type),
            *(entry.event_category, entry.request_id, entry.mac),
        )
    )


def origin_of(entry: Event) -> tuple[str | None, str | None]:
    """Return where it came from: personal data of whoever acted."""
    return canonical_address(entry.ip_address), entry.user_agent


def content_of(entry: Event) -> tuple[str | None, str | None]:
    """Return what was told: personal data, perhaps, of whom it happened to."""
    return entry.description, canonical_json(entry.metadata)


def canonical_address(text: str | None) -> str | None:
    """Return one spelling of an address, with its prefix; what is none as it is."""
    if text is None:
        return None
    try:
        network = ip_interface(text)
    except ValueError:
        return text
    return f"{network.ip.packed.hex()}/{network.network.prefixlen}"


def canonical_json(text: str | None) -> str | None:
    """Return one spelling of a JSON text; what is none, or too deep, as it is."""
    if text is None:
        return None
    try:
        told: list[str] = []
        _spell(json.loads(text, parse_int=_Number, parse_float=_Number), told)
    except (ValueError, RecursionError):
        return text
    return "".join(told)


class _Number(str):
    """A number as it was written: no two that are equal are written as others."""

    __slots__ = ()

    def spelled(self) -> str:
        mantissa, _, exponent = self.lower().partition("e")
        whole, _, fraction = mantissa.partition(".")
        sign, digits = ("-", whole[1:]) if whole[0] == "-" else ("", whole)
        power = int(exponent or 0) - len(fraction)
        significant = (digits + fraction).lstrip("0")
        stripped = significant.rstrip("0")
        return f"{sign}{stripped}e{power + len(significant) - len(stripped)}" if stripped else "0"


def _spell(value: Any, told: list[str]) -> None:
    if isinstance(value, _Number):
        told.append(value.spelled())
    elif isinstance(value, dict):
        told.append("{")
        for name in sorted(value):
            told.append(json.dumps(name) + ":")
            _spell(value[name], told)
            told.append(",")
        told.append("}")
    elif isinstance(value, list):
        told.append("[")
        for each in value:
            _spell(each, told)
            told.append(",")
        told.append("]")
    else:
        told.append(json.dumps(value))


def _packed(value: str | bytes | int | None) -> bytes:
    if value is None:
        return b"\0"
    if isinstance(value, int):
        value = str(value)
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return b"\1" + len(raw).to_bytes(8) + raw
