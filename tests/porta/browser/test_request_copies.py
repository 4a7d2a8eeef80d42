"""Copies of authorization requests in URLs: whole where they fit, bounded always (K5)."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from porta.browser import request_copies
from porta.browser.request_copies import MOST, RequestCopy
from porta.runtime import Runtime
from porta.security import boxes, opaque
from storage.models.interactions import Interaction
from tests import factories
from tests.world.runtime import opened

_VALUE = "r" * 43


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as made:
        yield made


def _interaction(**parameters: str) -> Interaction:
    asked = {"client_id": "web", "redirect_uri": "https://web.example/cb", **parameters}
    return factories.interaction(
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


def test_K5_a_copy_knows_the_redirect_uri_and_says_it_once(runtime: Runtime) -> None:
    for state in ("s", secrets.token_urlsafe(2000)):
        handle = request_copies.to_handle(runtime, _VALUE, _interaction(state=state))
        copy = request_copies.find(runtime, handle)
        assert copy is not None
        assert copy.redirect_uri == "https://web.example/cb"
        assert msgspec.msgpack.encode(copy).count(b"https://web.example/cb") == 1


def test_K5_a_copy_of_another_version_keeps_its_redirect_uri(runtime: Runtime) -> None:
    told = {"slug": "acme", "client_id": "web", "created_at": 1, "ui_locales": "de"}
    for more in ({}, {"parameters": {"redirect_uri": "https://web.example/cb"}}):
        packed = msgspec.msgpack.encode({**told, "redirect_uri": "https://web.example/cb", **more})
        box = boxes.close(runtime.settings.cookie_keys, "replay", zlib.compress(packed))
        copy = request_copies.find(runtime, f"{_VALUE}.{box}")
        assert copy is not None
        assert copy.redirect_uri == "https://web.example/cb"


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
    kept = RequestCopy(slug="acme", client_id="web", created_at=1, parameters={"state": "s" * 300})
    for level in (0, 1, 6, 9):
        packed = zlib.compress(msgspec.msgpack.encode(kept), level) + bytes(17)
        box = boxes.close(runtime.settings.cookie_keys, "replay", packed)
        assert request_copies.find(runtime, f"{_VALUE}.{box}") == kept


def test_K5_no_copy_is_longer_than_a_url_has_room_for(runtime: Runtime) -> None:
    noise = secrets.token_urlsafe(1500)
    handles = {
        length: request_copies.to_handle(runtime, _VALUE, _interaction(state=noise[:length]))
        for length in range(600, 1500, 10)
    }
    assert max(map(len, handles.values())) <= 43 + 1 + 1400
    copies = [request_copies.find(runtime, handle) for handle in handles.values()]
    whole = [bool(copy and copy.parameters) for copy in copies]
    assert whole == sorted(whole, reverse=True), "whatever is shorter has room, too"
    assert 0 < sum(whole) < len(whole)


@pytest.mark.parametrize("beside", [{"pushed": "p"}, {"hint_subject": "ada"}])
def test_K5_what_cannot_be_said_again_is_not_copied(
    runtime: Runtime, beside: dict[str, str]
) -> None:
    """A pushed request has one use; of a hint, its subject is left, which is no parameter."""
    interaction = msgspec.structs.replace(_interaction(state="s"), **beside)
    copy = request_copies.find(runtime, request_copies.to_handle(runtime, _VALUE, interaction))
    assert copy is not None
    assert (copy.client_id, copy.redirect_uri) == ("web", "https://web.example/cb")
    assert not copy.parameters
    assert not copy.is_due(copy.created_at)


@pytest.mark.parametrize(
    ("age", "due"), [(-61, False), (-60, True), (0, True), (3600, True), (3601, False)]
)
def test_K5_a_copy_is_good_for_an_hour(age: int, due: bool) -> None:
    """And for a minute before it was made: another instance made it, by its own clock."""
    copy = RequestCopy(slug="acme", client_id="web", created_at=10_000, parameters={"state": "s"})
    assert copy.is_due(10_000 + age) is due
    assert not msgspec.structs.replace(copy, parameters={}).is_due(10_000 + age)


def test_K5_a_copy_that_unpacks_to_too_much_is_none(runtime: Runtime) -> None:
    for length, found in ((15_000, True), (17_000, False), (10_000_000, False)):
        kept = RequestCopy(slug="acme", client_id="w", created_at=1, parameters={"s": "s" * length})
        packed = zlib.compress(msgspec.msgpack.encode(kept))
        box = boxes.close(runtime.settings.cookie_keys, "replay", packed)
        assert (request_copies.find(runtime, f"{_VALUE}.{box}") is not None) is found


@pytest.mark.parametrize("box", ["", "A", "A" * 600, "ü", "=" * 8])
def test_K5_what_we_did_not_pack_is_no_copy(runtime: Runtime, box: str) -> None:
    assert request_copies.find(runtime, f"{_VALUE}.{box}") is None


def test_K5_a_copy_that_was_altered_is_none(runtime: Runtime) -> None:
    handle = request_copies.to_handle(runtime, _VALUE, _interaction(state="s"))
    for place in (len(_VALUE) + 1, len(_VALUE) + 40, len(handle) // 2, len(handle) - 8):
        other = "A" if handle[place] != "A" else "B"
        assert request_copies.find(runtime, f"{handle[:place]}{other}{handle[place + 1 :]}") is None
