"""Proof of work: a puzzle that costs a browser a second, so that many of them cost whoever has many
sent.

What is looked for is a number that, behind the puzzle, gives a SHA-256 that begins with DIFFICULTY
bits of zero. A puzzle is sealed by us and bound to a place and a time: nothing is stored of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from porta.security import opaque

DIFFICULTY = 16
"""Bits: 65,536 digests, on average."""
LIFETIME = 3600
"""Seconds for which a puzzle may be solved."""
_PURPOSE = "puzzle"
_TIME, _CHANCE, _SEAL = 10, 22, 43
_PROOF = re.compile(r"([0-9]{10})([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{43})\.[0-9]{1,12}", re.ASCII)


def new_puzzle(keys: Sequence[str], place: str, now: float) -> str:
    """Return a puzzle for a `place`: whatever names the form, its browser and what it is for."""
    begun = f"{int(now):0{_TIME}d}{opaque.new_value()[:_CHANCE]}"
    return begun + opaque.sign_value(keys, _PURPOSE, f"{begun} {place}")


def find_solved(keys: Sequence[str], place: str, proof: str, now: float) -> str | None:
    """Return the puzzle that `proof` (the puzzle, a dot, a number) solves, for its caller to count:
    it is good once. None for what is no solution, of another place, or over.
    """
    read = _PROOF.fullmatch(proof)
    if read is None or not 0 <= now - int(read[1]) <= LIFETIME:
        return None
    if not opaque.verify_value(keys, _PURPOSE, f"{read[1]}{read[2]} {place}", read[3]):
        return None
    digest = int.from_bytes(hashlib.sha256(proof.encode()).digest()[:4])
    return proof[: _TIME + _CHANCE + _SEAL] if digest >> (32 - DIFFICULTY) == 0 else None
