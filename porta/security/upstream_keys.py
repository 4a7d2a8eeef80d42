"""Keys of another provider: those of its JWK Set that verify what we take (RFC 7517 §5)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from porta.security.client_keys import ClientKeys, KeySetInvalid, parse_jwks
from porta.security.keys import Key

_MOST = 50


def parse_upstream(value: object) -> ClientKeys:
    """Return the keys of `value` that are fit: what is of no use to us is passed over, since others
    publish keys for what we never ask for. Two keys of one `kid` are none.
    """
    listed = value.get("keys") if isinstance(value, Mapping) else None
    found: dict[str, Key] = {}
    twice: set[str] = set()
    for jwk in listed[:_MOST] if isinstance(listed, list) else ():
        with suppress(KeySetInvalid):
            for kid, key in parse_jwks({"keys": [jwk]}).keys.items():
                twice |= {kid} & found.keys()
                found[kid] = key
    return ClientKeys({kid: key for kid, key in found.items() if kid not in twice})
