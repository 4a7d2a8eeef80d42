"""Copies of authorization requests in URLs: whole where they fit, bounded always (K5)."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from porta.browser import request_copies
from porta.browser.request_copies import MOST, Replay
from porta.runtime import Runtime
from porta.security import boxes, opaque
from storage.models.artifacts import Interaction
from tests.porta.open_runtime import opened

_VALUE = "r" * 43


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


def _interaction(**parameters: str) -> Interaction:
    asked = {"client_id": "web", "redirect_uri": "https://web.example/cb", **parameters}
    return Interaction(
        id="",
        organization_id="o-1",
        slug="acme",
        client_id="web",
        parameters=asked,
        prompt="login",
        browser="b",
        csrf=opaque.new_value(),
        created_at=1_800_000_000,
    )


@pytest.mark.parametrize(
    "state",
    ["", "s", "s" * 300, "s" * 3000, "é" * 1000, "".join(map(chr, range(33, 127))) * 8],
    ids=["none", "short", "stored", "compressed", "two bytes each", "all that is printable"],
)
def test_K5_a_copy_says_all_of_its_request(runtime: Runtime, state: str) -> None:
    interaction = _interaction(**({"state": state} if state else {}))
    handle = request_copies.to_handle(runtime, _VALUE, interaction)
    assert request_copies.value_of(handle) == _VALUE
    assert len(handle) <= len(_VALUE) + 1 + MOST
    replay = request_copies.find(runtime, handle)
    assert replay is not None
    assert replay.parameters == interaction.parameters


def test_K5_what_has_no_room_is_left_out_whole(runtime: Runtime) -> None:
    handle = request_copies.to_handle(
        runtime, _VALUE, _interaction(state=secrets.token_urlsafe(2000))
    )
    assert len(handle) <= len(_VALUE) + 1 + MOST
    replay = request_copies.find(runtime, handle)
    assert replay is not None
    assert (replay.client_id, replay.parameters) == ("web", {})
    assert not replay.is_due(replay.created_at)


def test_K5_a_copy_is_read_however_it_was_packed(runtime: Runtime) -> None:
    """Another version packs in its own way, while both serve."""
    kept = Replay(slug="acme", client_id="web", created_at=1, parameters={"state": "s" * 300})
    for level in (0, 1, 6, 9):
        packed = zlib.compress(msgspec.msgpack.encode(kept), level) + bytes(17)
        box = boxes.close(runtime.settings.cookie_keys, "replay", packed)
        assert request_copies.find(runtime, f"{_VALUE}.{box}") == kept


@pytest.mark.parametrize("box", ["", "A", "A" * 600, "ü", "=" * 8])
def test_K5_what_we_did_not_pack_is_no_copy(runtime: Runtime, box: str) -> None:
    assert request_copies.find(runtime, f"{_VALUE}.{box}") is None


def test_K5_a_copy_that_was_altered_is_none(runtime: Runtime) -> None:
    handle = request_copies.to_handle(runtime, _VALUE, _interaction(state="s"))
    for place in (len(_VALUE) + 1, len(_VALUE) + 40, len(handle) // 2, len(handle) - 8):
        other = "A" if handle[place] != "A" else "B"
        assert request_copies.find(runtime, f"{handle[:place]}{other}{handle[place + 1 :]}") is None
