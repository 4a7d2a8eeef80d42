"""Key rings that cannot sign: which keys are lost, and why."""

from __future__ import annotations

from collections.abc import Sequence

from porta.errors import Unavailable
from porta.security.keys import KeyUnusable
from storage.models.signing_keys import SigningKey

_RETRY = 10
"""Seconds: a key is made by hand, and signs as soon as it is there."""


class NoUsableKey(KeyUnusable):
    """Of an algorithm of a ring no stored key can sign; the message has each and the remedy."""

    def __init__(self, lost: Sequence[tuple[SigningKey, str]]) -> None:
        """Take the keys that cannot be used, each with its problem."""
        row, problem = lost[0]
        super().__init__(row.kid, problem)
        self.lost = tuple(lost)

    def __str__(self) -> str:
        names = dict.fromkeys(row.algorithm for row, _ in self.lost)
        lines = "\n".join(f"  {_title(row)}: {problem}" for row, problem in self.lost)
        return (
            f"No usable signing key is left for {', '.join(names)}:\n{lines}\n"
            "A key that is lost for good is given up with: porta keys revoke KID --force"
        )


class NoSigningKey(Unavailable):
    """The ring holds no key that signs with this algorithm now; an operator has to make one."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(
            f"no key can sign with {algorithm} now", retry_after=_RETRY, reason="no_signing_key"
        )


def _title(row: SigningKey) -> str:
    ring = f", organization {row.organization_id}" if row.organization_id else ""
    return f"{row.kid} ({row.algorithm}{ring})"
