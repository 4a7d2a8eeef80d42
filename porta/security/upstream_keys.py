"""Keys of another provider: those of its JWK Set that verify what we take (RFC 7517 §5).

A `kid` may be missing on either side (RFC 7515 §4.1.4, RFC 7517 §4.5). What fits then is found by
kind and algorithm, and the keys that fit are few, or none is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from porta.security.client_keys import ClientKeys, KeySetInvalid, parse_jwks
from porta.security.keys import Key

_MOST = 50
MOST_TRIED = 4
"""Keys that are tried for one token: each costs a verification, whoever sent it."""


@dataclass(frozen=True, slots=True)
class UpstreamKeys(ClientKeys):
    """Those that have a `kid`, and those that have none."""

    nameless: tuple[Key, ...] = ()

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """Return the keys that may have signed what names no key of these: any of its algorithm
        where it names none at all, else one that has no name itself. Where too many fit, none.
        """
        named = () if kid is not None else tuple(self.keys.values())
        fit = tuple(key for key in (*named, *self.nameless) if key.algorithm == algorithm)
        return fit if len(fit) <= MOST_TRIED else ()


def parse_upstream(value: object) -> UpstreamKeys:
    """Return the keys of `value` that are fit: what is of no use to us is passed over, since others
    publish keys for what we never ask for. Two keys of one `kid` are none.
    """
    listed = value.get("keys") if isinstance(value, Mapping) else None
    found: dict[str, Key] = {}
    twice: set[str] = set()
    nameless: list[Key] = []
    for jwk in listed[:_MOST] if isinstance(listed, list) else ():
        with suppress(KeySetInvalid):
            if isinstance(jwk, Mapping) and "kid" not in jwk:
                nameless += parse_jwks({"keys": [{**jwk, "kid": "nameless"}]}).keys.values()
                continue
            for kid, key in parse_jwks({"keys": [jwk]}).keys.items():
                twice |= {kid} & found.keys()
                found[kid] = key
    named = {kid: key for kid, key in found.items() if kid not in twice}
    return UpstreamKeys(named, tuple(nameless))
