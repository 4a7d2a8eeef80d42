"""Request origin: the address that a request came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address, the name its program gave itself, and the id of the request."""

    address: str
    user_agent: str = ""
    request_id: str = ""
