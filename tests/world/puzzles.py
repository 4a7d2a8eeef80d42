"""Puzzles, solved as a browser solves them."""

from __future__ import annotations

import hashlib
from itertools import count

from porta.security.work_proofs import DIFFICULTY


def solve(puzzle: str) -> str:
    """Return the proof that a form sends."""
    for number in count():
        proof = f"{puzzle}.{number}"
        first = int.from_bytes(hashlib.sha256(proof.encode()).digest()[:4])
        if first < 1 << (32 - DIFFICULTY):
            return proof
    raise AssertionError
