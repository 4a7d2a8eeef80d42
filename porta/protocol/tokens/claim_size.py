"""Size of claims: what is told by reference, since a token travels in headers (Core §5.6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from porta.protocol import endpoints
from porta.protocol.tokens.claim_trace import Claim, Target

WARNING = 4096
"""Bytes of JSON from which on the log warns of what one token is to hold of a person."""
LIMIT = 6144
"""Bytes of JSON that it may: base64 makes 8 KB of them, and common limits of headers are there."""

_ENCODE = msgspec.json.Encoder().encode
_PLACES: dict[Target, tuple[str, str]] = {
    "id_token": ("userinfo", endpoints.USERINFO),
    "access_token": ("introspection", endpoints.INTROSPECTION),
}


@dataclass(slots=True)
class Built:
    """The claims of one target."""

    claims: list[Claim]
    document: dict[str, Any]
    """The same as the members of a JSON object."""
    size: int = 0
    """Bytes of JSON that they take when they are written out in full; not measured at userinfo."""
    referenced: tuple[str, ...] = ()
    """The names of those that stand elsewhere."""

    @property
    def is_large(self) -> bool:
        """Whether somebody should look at what is told to this client."""
        return self.size > WARNING


def bound(
    claims: list[Claim], target: Target, issuer: str, elsewhere: Callable[[], list[Claim]]
) -> Built:
    """Return what a token holds of `claims`: of more than LIMIT bytes, references to some.

    What the other place tells as well, whole members of it, goes there, the largest first, until
    what is left fits, the references included. Nothing is left out that stands nowhere.
    """
    document = to_document(claims)
    size = len(_ENCODE(document))
    if size <= LIMIT:
        return Built(claims, document, size)
    place, path = _PLACES[target]
    sources = {place: {"endpoint": endpoints.absolute(issuer, path)}}
    left = size + len(_ENCODE({"_claim_names": {}, "_claim_sources": sources}))
    moved: dict[str, str] = {}
    for name, gain in _gains(document, place, _referable(claims, elsewhere())):
        if left <= LIMIT:
            break
        left -= gain
        moved[name] = place
    if not moved:
        return Built(claims, document, size)
    kept = [claim for claim in claims if claim.top not in moved]
    rule = f"more than {LIMIT} bytes of claims"
    kept.append(Claim("_claim_names", moved, "claims", rule))
    kept.append(Claim("_claim_sources", sources, "endpoints", rule))
    return Built(kept, to_document(kept), size, tuple(moved))


def unbounded(claims: list[Claim]) -> Built:
    """Return what an answer holds that no header carries."""
    return Built(claims, to_document(claims))


def to_document(claims: list[Claim]) -> dict[str, Any]:
    """Return the claims as the members of a JSON object. No claim stands within another's place."""
    document: dict[str, Any] = {}
    for claim in claims:
        if not claim.path:
            document[claim.name] = claim.value
            continue
        *outer, last = claim.path
        place = document
        for member in outer:
            place = place.setdefault(member, {})
        place[last] = claim.value
    return document


def _referable(claims: list[Claim], elsewhere: list[Claim]) -> frozenset[str]:
    """Return the members of the document of which `elsewhere` says all that they say."""
    there = {(claim.name, claim.source) for claim in elsewhere}
    here = {claim.top for claim in claims if (claim.name, claim.source) not in there}
    return frozenset(claim.top for claim in claims) - here - {"sub"}


def _gains(
    document: Mapping[str, Any], place: str, referable: frozenset[str]
) -> list[tuple[str, int]]:
    """Return what each member that may go saves, in bytes, the largest first."""
    reference = len(_ENCODE(place))
    gains = ((name, len(_ENCODE(document[name])) - reference) for name in sorted(referable))
    return sorted((each for each in gains if each[1] > 0), key=lambda each: -each[1])
