"""Keys that this process met lately: a bounded set, in which the oldest makes room."""

from __future__ import annotations


class RecentKeys:
    """A set of at most `limit` keys, those that were added last."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._keys: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str) -> bool:
        """Note `key`, and tell whether it is new; of too many the oldest one is left out."""
        new = not self.discard(key)
        self._keys[key] = None
        if len(self._keys) > self._limit:
            del self._keys[next(iter(self._keys))]
        return new

    def discard(self, key: str) -> bool:
        """Leave `key` out from now on; tell whether it was there."""
        return key in self._keys and self._keys.pop(key) is None
