"""Models: what is sent and answered, named as Python is, and as JSON when they travel."""

from __future__ import annotations

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is sent or answered. Fields that a later server adds are passed over.

    In what is sent, a field that is left out (UNSET) stays as it is; None removes (RFC 7396).
    """


class Entity(Model, frozen=True, kw_only=True):
    """Something that is answered, with the tag of its version: pass it on as `if_match`."""

    etag: str | None = msgspec.field(default=None, name="@etag")
