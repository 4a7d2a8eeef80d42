"""The loads of the benchmark: right answers are counted, wrong ones end it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bench import target as targets
from tests.bench.measure import measure
from tests.bench.target import Target
from tests.bench.workloads import WORKLOADS, Workload, obtain_tokens, visitor
from tests.world.served import CALLBACK, SECRETS, serve


def _client(client_id: str, *redirect_uris: str) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": SECRETS[client_id],
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": redirect_uris,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Target]:
    file: Path = tmp_path_factory.mktemp("bench") / "dev.json"
    async with serve(database_url, redis_url) as served:
        acme = {
            "issuer": served.issuer(),
            "people": [{"email": "alice@acme.test", "password": "quiet-otter-paints-seven-lamps"}],
            "clients": [_client("acme-web-basic", CALLBACK), _client("acme-machine")],
        }
        document = {"pids": {"server 1": os.getpid()}, "organizations": {"acme": acme}}
        file.write_text(json.dumps(document))
        yield await asyncio.to_thread(targets.load, file)


def _workload(name: str) -> Workload:
    return next(workload for workload in WORKLOADS if workload.name == name)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
async def test_every_load_is_answered_rightly(target: Target, workload: Workload) -> None:
    guest = visitor(target)
    with closing(guest.connection):
        if workload.needs_tokens:
            await obtain_tokens(guest)
        await workload.once(guest)


async def test_what_was_answered_is_counted(target: Target) -> None:
    row = await measure(target, _workload("client_credentials"), 1, 0.2)
    assert (row.name, row.connections) == ("client_credentials", 1)
    assert row.count > 0
    assert 0 < row.p50 <= row.p95 <= row.p99


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (
            "client_credentials",
            {"machine": targets.Party("acme-machine", "wrong", "")},
            "no access_token: 401",
        ),
        ("sign-in, password", {"password": "wrong"}, "expected a redirect"),
        ("discovery", {"issuer": "http://127.0.0.1:1/other"}, "another issuer"),
    ],
)
async def test_a_wrong_answer_is_no_operation(
    target: Target, name: str, change: dict[str, Any], told: str
) -> None:
    guest = visitor(target)
    guest.target = replace(target, **change)
    with closing(guest.connection), pytest.raises(RuntimeError, match=told):
        await _workload(name).once(guest)
