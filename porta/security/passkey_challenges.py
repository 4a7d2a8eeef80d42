"""Challenges of passkeys: random, bound to what they are for, good for minutes (WebAuthn §13.4.3).

Nothing of one is stored before it was answered: it carries its end, and our seal over both. That it
is used once is seen to by a mark where an answer was right.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from porta.security import opaque
from porta.security.passkeys import encode

LIFE = 600
"""Seconds for which a challenge may be answered."""
_SHAPE = re.compile(r"([A-Za-z0-9_-]{22}[0-9A-F]{8}AA)([A-Za-z0-9_-]{43})", re.ASCII)
_SEAL = "passkey challenge"


def new_challenge(keys: Sequence[str], purpose: str, now: float) -> str:
    """Return a challenge in base64url; `purpose` is all that it is bound to."""
    ends = int(now) + LIFE
    # 32 characters, and 43 of the seal: it is told back as the base64url of its bytes.
    value = f"{encode(secrets.token_bytes(16))}{ends:08X}AA"
    return value + opaque.sign_value(keys, _SEAL, f"{value}\n{purpose}")


def is_good(keys: Sequence[str], purpose: str, challenge: str, now: float) -> bool:
    """Whether we handed `challenge` out for `purpose`, and not too long ago."""
    found = _SHAPE.fullmatch(challenge)
    if found is None:
        return False
    value, seal = found.groups()
    sealed = opaque.verify_value(keys, _SEAL, f"{value}\n{purpose}", seal)
    return sealed and now < int(value[22:30], 16)
