"""Request copy: an authorization request in its interaction's URL, to begin it again from."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from porta.protocol.requests.params import Params
from porta.runtime import Runtime
from porta.security import boxes
from storage.models.interactions import Interaction

MOST = 1400
"""Characters of a copy. A request that needs more is remembered by its client only."""
_SHAPE = re.compile(rf"[A-Za-z0-9_-]{{1,{MOST}}}")
REPLAYABLE = 3600
"""Seconds. A client has forgotten what it knew of a request by then: it has to begin anew."""
_PURPOSE = "replay"
_STEP = 96  # bytes; what looks alike is as long as each other
_LARGEST = 16384  # bytes, once unpacked
_BLOCK = 0xFFFF  # bytes of a block that is not compressed, at most
_ENCODER = msgspec.msgpack.Encoder()


class RequestCopy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an interaction whose record is gone. Nothing in it is trusted as checked."""

    slug: str
    client_id: str
    created_at: int
    bare_uri: str | None = msgspec.field(default=None, name="redirect_uri")
    """The redirect URI of a request whose parameters are left out."""
    parameters: dict[str, str] = {}
    resource: tuple[str, ...] = ()

    @property
    def redirect_uri(self) -> str | None:
        return self.parameters.get("redirect_uri", self.bare_uri)

    def is_due(self, now: float) -> bool:
        """Whether the request can be begun again as it was."""
        return bool(self.parameters) and 0 <= now - self.created_at + 60 <= REPLAYABLE + 60

    def to_params(self, email: str | None = None) -> Params:
        """Return the request as it came; `email` is what the person had typed."""
        kept: dict[str, tuple[str, ...]] = {n: (value,) for n, value in self.parameters.items()}
        if self.resource:
            kept["resource"] = self.resource
        if email:
            kept["login_hint"] = (email,)
        return Params(kept)


def value_of(handle: str) -> str:
    """Return the value that an interaction is found by, out of the handle in its URL."""
    return handle.partition(".")[0]


def fit(handle: str) -> str:
    """Return a handle without what is no copy by its shape: whatever somebody wrote behind a value
    is not kept with what they ask for, nor shown.
    """
    value, _, box = handle.partition(".")
    return handle if _SHAPE.fullmatch(box) else value


def to_handle(runtime: Runtime, value: str, interaction: Interaction) -> str:
    """Return what stands in the URL of an interaction: its value, and the copy behind it.

    A pushed request is not copied: its one use, and its end, are those of what was pushed.
    """
    for copy in _copies(interaction):
        data = _ENCODER.encode(copy)
        for pack in (_stored, zlib.compress):
            packed = pack(data)
            packed += bytes(-len(packed) % _STEP)  # what stands behind the stream is not read
            box = boxes.close(runtime.settings.cookie_keys, _PURPOSE, packed)
            if len(box) <= MOST:
                return f"{value}.{box}"
    return value


def _copies(interaction: Interaction) -> Iterator[RequestCopy]:
    """Yield the copies that tell of an interaction, what tells most first."""
    copy = RequestCopy(
        slug=interaction.slug,
        client_id=interaction.client_id,
        created_at=interaction.created_at,
        parameters=interaction.parameters,
        resource=interaction.resource,
    )
    if interaction.pushed is None and interaction.hint_subject is None:
        yield copy
    yield replace(copy, parameters={}, resource=(), bare_uri=copy.redirect_uri)


def _stored(data: bytes) -> bytes:
    """Return `data` as a stream that nobody compressed: what most requests have room for, and what
    costs next to nothing. One block (RFC 1951 §3.2.4), which no request that is kept fills, in the
    format of RFC 1950 §2.2.
    """
    size = len(data)
    check = zlib.adler32(data).to_bytes(4, "big")
    return b"\x78\x01\x01%b%b%b%b" % (
        size.to_bytes(2, "little"),
        (size ^ _BLOCK).to_bytes(2, "little"),
        data,
        check,
    )


def find(runtime: Runtime, handle: str) -> RequestCopy | None:
    """Return the copy in a handle; None where there is none, or it is not of our making."""
    box = handle.partition(".")[2]
    packed = boxes.unlock(runtime.settings.cookie_keys, _PURPOSE, box) if box else None
    if packed is None:
        return None
    try:
        return msgspec.msgpack.decode(
            zlib.decompressobj().decompress(packed, _LARGEST), type=RequestCopy
        )
    except (zlib.error, msgspec.DecodeError):
        return None
