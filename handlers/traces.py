"""Trace of a request: what its page refused, noted for who asks support about it."""

from __future__ import annotations

from handlers.base import PortaHandler
from handlers.tenant import TenantHandler
from porta.observability import redaction
from porta.observability.trace_writer import Noted
from storage.models.interactions import Interaction
from storage.models.traces import TraceNote, TraceStep

_LONGER = 600
"""Seconds that steps outlive their interaction: a page that says it has expired is asked about."""


def note(handler: PortaHandler) -> None:
    """Note what a request decided and no record carries on, where it belongs to an interaction; and
    what stands behind the code of a page. Nothing that the request was sent is in it.
    """
    if not isinstance(handler, TenantHandler):
        return
    about, met = handler.about, handler.met
    untold = met is not None and len(about.notes) > about.carried
    if not (untold or handler.shows_code):
        return
    organization = handler.organization()
    if organization is None:
        return
    handler.runtime.traces.note(
        Noted(
            step=_step(handler, met),
            organization_id=organization.id,
            interaction=met.id if met is not None else None,
            ttl=handler.tenant.config.interaction_ttl + _LONGER if met is not None else 0,
            code=about.support_code if handler.shows_code else None,
            before=_before(met) if met is not None and handler.shows_code else (),
        )
    )


def _step(handler: TenantHandler, met: Interaction | None) -> TraceStep:
    about = handler.about
    return TraceStep(
        at=handler.runtime.clock(),
        request_id=handler.request_id,
        step=about.step(),
        status=handler.get_status(),
        client_id=redaction.bounded(about.client_id) if about.client_id else None,
        asks=met.prompt if met is not None else None,
        reasons=met.reasons if met is not None else (),
        notes=tuple(TraceNote(name, told) for name, told in about.notes),
    )


def _before(met: Interaction) -> tuple[TraceStep, ...]:
    """Return what the record of an interaction tells of the requests that saved it."""
    return tuple(
        TraceStep(
            at=mark.at,
            request_id=mark.request_id,
            step=mark.step,
            client_id=met.client_id,
            notes=tuple(TraceNote(name, {}) for name in mark.notes),
        )
        for mark in met.marks
    )
