"""Hashes of a provisioning run: made between its attempts, when no transaction holds anything."""

from __future__ import annotations

from collections.abc import Hashable

from porta.security import opaque
from porta.security.passwords import Hashed, Passwords


class Hashes:
    """What a run keeps as hashes. An attempt that wants one that is not made yet is rolled back."""

    def __init__(self) -> None:
        self._made: dict[str, Hashed] = {}
        self._generated: dict[Hashable, str] = {}
        self._wanted: set[str] = set()

    def of(self, text: str) -> Hashed:
        """Return the text with its hash, or with none while that is wanted."""
        if text not in self._made:
            self._wanted.add(text)
        return self._made.get(text, Hashed(text, ""))

    def generated(self, place: Hashable) -> str:
        """Return the secret that is made for a `place`, the same in each attempt."""
        return self._generated.setdefault(place, opaque.new_value())

    @property
    def are_wanted(self) -> bool:
        """Whether what this attempt wrote lacks hashes, and is no good."""
        return bool(self._wanted)

    async def make(self, passwords: Passwords) -> None:
        """Make those that are wanted. Raises Unavailable, and WeakPassword."""
        for text in sorted(self._wanted):
            self._made[text] = await passwords.hashed(text)
        self._wanted.clear()
