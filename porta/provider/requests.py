"""Client request: what an endpoint called by a client is handed, free of any web framework."""

from __future__ import annotations

from dataclasses import dataclass, field

from porta.limits.origin import Origin
from porta.protocol.requests.params import Params


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A form posted to an endpoint, with what may authenticate its sender.

    `query_names` are the names of parameters found in the URL, where no credential may stand.
    """

    form: Params
    authorization: str | None
    origin: Origin
    query_names: frozenset[str] = field(default_factory=frozenset)
