"""Content in its codings (RFC 9110 §8.4): as it is, and compressed once for all who ask for it.

For what is public and the same for everybody: where a secret stands beside what a request says,
the length of what is compressed would tell of it (BREACH). Pages are never compressed.
"""

from __future__ import annotations

import gzip
from typing import NamedTuple

from porta.pages.languages import accepted_tags


class Encoded(NamedTuple):
    """The same content twice; `gzip` is None where it would save nothing."""

    identity: bytes
    gzip: bytes | None

    def choose(self, accept_encoding: str | None) -> tuple[bytes, str]:
        """Return what an `Accept-Encoding` (RFC 9110 §12.5.3) gets, and its coding, or ""."""
        if self.gzip is not None and "gzip" in accepted_tags((accept_encoding or "").lower()):
            return self.gzip, "gzip"
        return self.identity, ""


def encode(content: bytes) -> Encoded:
    """Return `content` in its codings; the same bytes for the same content."""
    packed = gzip.compress(content, 9, mtime=0)
    return Encoded(content, packed if len(packed) < len(content) else None)
