"""Trace of a request: what its page decided, noted for who asks support about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porta.browser import request_copies
from porta.observability import log
from porta.observability.trace_writer import Noted
from porta.security import opaque
from storage.models.artifacts import artifact_id
from storage.models.traces import TraceNote, TraceStep

if TYPE_CHECKING:
    from handlers.base import PortaHandler

_LONGER = 600
"""Seconds that steps outlive their interaction: a page that says it has expired is asked about."""


def note(handler: PortaHandler) -> None:
    """Note the step that a request was, where it belongs to an interaction or was refused by a page
    of an organization. Nothing that it was sent is in it.
    """
    interaction, code = _interaction(handler), handler.about.support_code
    organization = handler.organization()
    if interaction is None and (code is None or organization is None):
        return
    about, lifetime = handler.about, handler.begins_for
    handler.runtime.traces.note(
        Noted(
            step=TraceStep(
                at=handler.runtime.clock(),
                request_id=handler.request_id,
                step=_step(handler),
                status=handler.get_status(),
                client_id=log.bounded(about.client_id) if about.client_id else None,
                asks=handler.asks[0] if handler.asks else None,
                reasons=handler.asks[1] if handler.asks else (),
                notes=tuple(TraceNote(name, told) for name, told in about.notes),
            ),
            interaction=interaction,
            ttl=None if lifetime is None else lifetime + _LONGER,
            code=code,
            organization_id=organization.id if organization is not None else "",
        )
    )


def _step(handler: PortaHandler) -> str:
    """Return method and path; an interaction's value is long enough to push the rest out of it."""
    path = handler.request.path
    if handler.interaction_uid:
        path = path.replace(handler.interaction_uid, "***")
    return f"{handler.request.method} {log.mask_path(path)}"


def _interaction(handler: PortaHandler) -> str | None:
    """Return the digest that an interaction's steps are found by; of what is none, None."""
    value = request_copies.value_of(handler.interaction_uid or "")
    return artifact_id(value) if opaque.well_formed(value) else None
