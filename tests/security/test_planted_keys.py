"""Keys that somebody writes into the table, without the encryption key (security 13)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import structs

from storage.models.signing_keys import SigningKey
from tests.porta.security import rows
from tests.world.answers import header_of
from tests.world.browser import a_browser, is_active
from tests.world.served import Served, beside
from tests.world.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(served: Served) -> AsyncIterator[Served]:
    async with beside(served) as running:
        yield running


def _moved(key: SigningKey) -> SigningKey:
    """The ciphertext of a key of ours, in a row with a public key of theirs."""
    theirs = rows.pair(number=7)
    return structs.replace(key, kid=theirs.kid, public_key=theirs.public_key)


PLANTED = {
    "in the clear": lambda _: rows.plain_row(number=1),
    "in the clear, retired": lambda _: rows.plain_row(number=2, status="retired"),
    "in the clear, published": lambda _: rows.plain_row(number=3, activated_at=4e9),
    "under a key of theirs": lambda _: rows.row(number=4, key=bytes(32)),
    "retired, under a key of theirs": lambda _: rows.row(number=5, key=bytes(32), status="retired"),
    "without a private half": lambda _: rows.row(number=6, private_key="bound:"),
    "with a ciphertext of ours": _moved,
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
async def test_security_13_a_planted_key_signs_nothing_and_is_shown_to_nobody(
    served: Served, other: Served, plant: object
) -> None:
    assert callable(plant)
    stored = await served.runtime.storage.everywhere.signing_keys.list()
    signer = (await served.runtime.snapshot()).keys.of("", served.runtime.clock()).signer("ES256")
    ours = next(key for key in stored if key.kid == signer.kid)
    planted = structs.replace(plant(ours), id=str(uuid.uuid4()))
    if planted.activated_at == 1000.0:
        planted = structs.replace(planted, activated_at=served.runtime.clock() - 1)
    before = [await one.runtime.snapshot() for one in (served, other)]
    await served.runtime.storage.everywhere.signing_keys.insert(planted)

    async def heard() -> bool:
        now = [await one.runtime.snapshot() for one in (served, other)]
        return all(new is not old for new, old in zip(now, before, strict=True))

    await eventually(heard)
    for one in (served, other):
        published = (await one.http.get(f"{one.issuer()}/jwks")).json()["keys"]
        assert planted.kid not in {key["kid"] for key in published}
    async with a_browser(served) as browser:
        tokens = await browser.tokens()
    for name in ("id_token", "access_token"):
        assert header_of(tokens[name])["kid"] == ours.kid
    assert await is_active(other, tokens["access_token"])
