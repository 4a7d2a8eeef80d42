"""Examples: traces."""

from __future__ import annotations

import secrets
from typing import Any

from porta.observability.log import support_code
from storage.models.traces import Trace, TraceNote, TraceStep
from tests.handlers.admin_api.examples import Example, example
from tests.world.administrators import Installation

_ONE = "/traces/{supportCode}"


async def traced(installation: Installation, organization_id: str) -> str:
    """Keep a trace of an organization; return its code."""
    code = support_code(secrets.token_hex(16))
    first = TraceStep(at=1_700_000_000, request_id="r1", step="GET /acme/auth")
    last = TraceStep(
        at=1_700_000_001,
        request_id="r2",
        step="POST /interaction/***",
        status=429,
        client_id="shop",
        asks="login",
        reasons=("no_session",),
        notes=(TraceNote("refused", {"error": "rate_limited", "reason": "too many"}),),
    )
    trace = Trace(code=code, organization_id=organization_id, steps=(first, last))
    await installation.runtime.storage.traces.keep([trace])
    return code


@example("GET", _ONE)
async def read_trace(installation: Installation) -> Example:
    home = (await installation.organization()).id
    code = await traced(installation, home)

    def check(body: Any) -> None:
        found = body["data"]
        assert (found["code"], found["organizationId"]) == (code, home)
        assert [each["status"] for each in found["steps"]] == [None, 429]
        told = {"error": "rate_limited", "reason": "too many"}
        assert found["steps"][1]["notes"] == [{"name": "refused", "told": told}]
        assert found["steps"][0]["at"] == "2023-11-14T22:13:20.000Z"

    return Example({"supportCode": code.lower().replace("-", "")}, check=check)


@example("GET", _ONE)
async def read_no_trace(installation: Installation) -> Example:
    del installation
    return Example({"supportCode": "UUU-UUU"}, status=404)
