"""Outgoing DNS: the TXT records of a name (RFC 1035), asked of the resolvers that are configured.

Names are absolute: no search domain of this machine is tried. Each question is bounded in time, and
so is how much of an answer is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.asyncresolver import Resolver
from dns.nameserver import Do53Nameserver

from porta.text.resolvers import parse_resolver

LIFETIME = 5.0
"""Seconds for all resolvers, and all attempts."""
_ATTEMPT = 2.0
_MOST = 50
"""Records of an answer that are looked at."""
_LONGEST = 1024
"""Bytes of a record that are looked at."""


class NotResolved(Exception):
    """Nobody could say what a name has; the message says why, for an operator."""


async def find_texts(
    resolvers: Sequence[str], name: str, *, lifetime: float = LIFETIME
) -> tuple[str, ...]:
    """Return the TXT records of `name`, each as one text; none where there is no such name.

    `resolvers` are addresses, each with a port where it is not 53; without any, those of this
    machine are asked. Raises NotResolved where they do not say.
    """
    try:
        answer = await _resolver(resolvers).resolve(
            dns.name.from_text(name),  # absolute
            dns.rdatatype.TXT,
            raise_on_no_answer=False,
            lifetime=lifetime,
            search=False,
        )
    except dns.resolver.NXDOMAIN:
        return ()
    except (dns.exception.DNSException, OSError) as failure:
        raise NotResolved(type(failure).__name__) from None
    return tuple(_text(b"".join(record.strings)) for record in [*(answer.rrset or ())][:_MOST])


def _resolver(resolvers: Sequence[str]) -> Resolver:
    """Made for each question: whatever this machine's file says by now is asked."""
    made = Resolver(configure=not resolvers)
    if resolvers:
        made.nameservers = [Do53Nameserver(*parse_resolver(each)) for each in resolvers]
    made.timeout = _ATTEMPT
    made.cache = None
    return made


def _text(record: bytes) -> str:
    return record[:_LONGEST].decode("ascii", "replace")
