"""The Admin API holds to its OpenAPI document, whatever is sent (schemathesis, all checks).

A few cases of each operation by default; ADMIN_API_CASES sets how many there are in all
(`make fuzz`: ten thousand).
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis import GenerationMode

from handlers.admin_api import openapi
from handlers.admin_api.route import Route
from handlers.admin_api.table import ROUTES
from handlers.http.server import Server
from tests.world.administrators import Installation, bearer

# The server, in another thread of the same process, draws its own numbers meanwhile.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
_IN_ALL = int(os.environ.get("ADMIN_API_CASES", "0"))
_FEW = 8
CASES = max(_FEW, _IN_ALL // len(ROUTES))

_MAY_REFUSE = ["2xx", "304", "400", "401", "403", "404", "409", "412", "422"]


@cache
def _schema() -> Any:
    document = openapi.build(ROUTES, "http://127.0.0.1")
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    # No schema can say that a cursor carries a MAC, or which change of a status follows.
    loaded.config.checks.positive_data_acceptance.expected_statuses = _MAY_REFUSE
    return loaded


_ENDING = [route for route in ROUTES if not route.is_stream]  # schemathesis reads to the end


@pytest.mark.parametrize("route", _ENDING, ids=lambda route: f"{route.method} {route.path}")
async def test_no_answer_is_outside_of_the_document(
    installation: Installation, server: Server, route: Route
) -> None:
    operation = _schema()[route.path][route.method]
    headers = bearer(await installation.token())
    url = f"http://127.0.0.1:{server.port}/api/admin"

    @hypothesis.settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @given(case=operation.as_strategy())
    def hold(case: Any) -> None:
        case.call_and_validate(base_url=url, headers=headers)

    await asyncio.to_thread(hold)
