"""File descriptor limit: how many connections RLIMIT_NOFILE leaves room for."""

from __future__ import annotations

import resource
from contextlib import suppress

from handlers.http.connections import VISITORS

_RESERVE = 64 + VISITORS
"""Descriptors for what has no place: visitors, the loop, Redis, mail, files, redialling."""


def room_for(connections: int, *, pool: int) -> int:
    """Return how many of `connections` can be held beside `pool` connections to the database.

    Raises the soft limit as far as that takes and the hard one allows.
    """
    wanted = connections + pool + _RESERVE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # some systems have a limit below the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - pool - _RESERVE))
