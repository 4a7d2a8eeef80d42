"""Traces: the steps of an interaction that a support code stands for."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Moment, Shown
from porta.services import traces
from porta.services.permissions import needed_by
from storage.models.traces import TraceStep


class TraceNote(Shown):
    """What was decided in a step."""

    name: str = Field(description="A type of the audit trail; or `refused`, with error and reason")
    told: dict[str, Any]


class Step(Shown):
    """One request of the browser."""

    at: Moment
    request_id: str
    step: str
    status: int | None = Field(description="None for a request that went on as it was asked to")
    client_id: str | None
    asks: str | None = Field(description="What the interaction waited for: `login`, `consent` …")
    reasons: tuple[str, ...]
    notes: tuple[TraceNote, ...]


class Trace(Shown):
    """What happened until a page showed this code; no secret, name or address is in it."""

    code: str
    organization_id: str
    steps: tuple[Step, ...]


def _step(stored: TraceStep) -> Step:
    notes = tuple(TraceNote(name=each.name, told=each.told) for each in stored.notes)
    told = {name: getattr(stored, name) for name in Step.model_fields}
    return Step(**{**told, "notes": notes})


async def _get(call: Call) -> Answer:
    found = await traces.get(call.storage, call.actor, call.path["supportCode"])
    shown = Trace(
        code=found.code,
        organization_id=found.organization_id,
        steps=tuple(map(_step, found.steps)),
    )
    return Answer(Data(data=shown))


ROUTES = (
    Route(
        "GET",
        "/traces/{supportCode}",
        "Tell what happened until a page showed this support code, for a day",
        _get,
        permissions=needed_by(traces.get),
        response=Data[Trace],
        delegable=True,
    ),
)
