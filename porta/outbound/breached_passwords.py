"""Breached passwords: whether one was seen in a leak, asked without telling it (k-anonymity).

Five of forty digits of its SHA-1 are sent, and every leaked password that has them comes back: some
hundreds, made up to no telling number (`Add-Padding`). Which of them it is, is found out here. Made
for the range API of Have I Been Pwned, and for mirrors of it.

Who is asked is a third party. It is not asked at a sign-in, and one that does not answer keeps
nobody from another password: the log tells it, and the destination is left alone for a while.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from porta.outbound.http import NotSent, Outbound, Request
from porta.security.password_text import normal_form

SECONDS = 1.0
"""How long an answer is waited for, while somebody looks at a page."""
_MAX_AGE = 300.0
"""Seconds for which an answer is kept: whoever is refused for another reason tries again."""
_MOST = 32
"""Answers that are kept, of some forty kilobytes each."""
_PREFIX = 5
_HEADERS = {"Add-Padding": "true", "Accept": "text/plain"}
_LOG = logging.getLogger(__name__)


class BreachedPasswords:
    """Asks whoever keeps the list, at `url`, to which the prefix is appended."""

    def __init__(
        self, outbound: Outbound, url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._outbound = outbound
        self._url = f"{url.rstrip('/')}/"
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def knows(self, password: str, of: str) -> bool:
        """Whether a password is on the list; False where nobody can tell. `of` is the organization
        whose wish it is.
        """
        # What the API is made of; it protects nothing here.
        raw = normal_form(password).encode()
        digest = hashlib.sha1(raw, usedforsecurity=False).hexdigest().upper()
        prefix, rest = digest[:_PREFIX], digest[_PREFIX:].encode()
        try:
            found = await self._range(prefix, of)
        except NotSent as refusal:
            _LOG.warning("passwords.breaches_unknown", extra={"reason": str(refusal)})
            return False
        return any(_is_of(line, rest) for line in found.splitlines())

    async def _range(self, prefix: str, of: str) -> bytes:
        at, body = self._kept.get(prefix, (-_MAX_AGE, b""))
        if self._clock() - at < _MAX_AGE:
            return body
        request = Request(self._url + prefix, headers=_HEADERS, of=of, seconds=SECONDS)
        answer = await self._outbound.fetch(request)
        if answer.status != 200:
            raise NotSent(f"answered with {answer.status}")
        self._kept[prefix] = (self._clock(), answer.body)
        self._kept.move_to_end(prefix)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return answer.body


def _is_of(line: bytes, rest: bytes) -> bool:
    """Whether a line of an answer, `SUFFIX:COUNT`, tells of this password: padding counts none."""
    suffix, _, count = line.partition(b":")
    return suffix.strip().upper() == rest and count.strip().isdigit() and int(count) > 0
