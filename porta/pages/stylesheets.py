"""Style sheets of organizations, made off the event loop and kept up to so many bytes (an LRU)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from porta.pages import branding
from porta.pages.encodings import Encoded, encode
from storage.models.organizations import Organization

CAPACITY = 32 * 1024 * 1024
"""Bytes of style sheets that are kept: thousands of organizations with as much as is allowed."""


class StyleSheets:
    """What `branding.stylesheet` makes. Custom CSS of 20 KB takes a parser 100 ms and more:
    other requests go on meanwhile, whoever asks for the same waits for the same, and one is made
    at a time, however many are asked for.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.size = 0
        """Bytes that are kept."""
        self._capacity = capacity
        self._kept: OrderedDict[str, Encoded] = OrderedDict()  # asked for longest ago first
        self._making: dict[str, asyncio.Task[Encoded]] = {}
        self._turn = asyncio.Lock()

    async def get(self, organization: Organization) -> Encoded:
        """Return the style sheet of `organization`, in UTF-8."""
        version = branding.stylesheet_version(organization)
        kept = self._kept.get(version)
        if kept is not None:
            self._kept.move_to_end(version)
            return kept
        making = self._making.get(version)
        if making is None:
            making = asyncio.create_task(self._make(version, organization))
            self._making[version] = making
        return await asyncio.shield(making)  # whoever asked first may leave

    async def _make(self, version: str, organization: Organization) -> Encoded:
        try:
            async with self._turn:
                made = await asyncio.to_thread(_make, organization)
        finally:
            del self._making[version]
        self._keep(version, made)
        return made

    def _keep(self, version: str, made: Encoded) -> None:
        self._kept[version] = made
        self.size += _size(made)
        while self.size > self._capacity:
            _, dropped = self._kept.popitem(last=False)
            self.size -= _size(dropped)


def _make(organization: Organization) -> Encoded:
    return encode(branding.stylesheet(organization).encode())


def _size(made: Encoded) -> int:
    return len(made.identity) + len(made.gzip or b"")
