"""An organization with a key ring of its own: its tokens are signed with it, nobody else's are."""

from __future__ import annotations

from porta.services import signing_keys
from tests.security import neighbour
from tests.world.answers import header_of, location
from tests.world.browser import Browser, a_browser, organization_id
from tests.world.served import Served
from tests.world.waiting import eventually


async def _kids(served: Served, slug: str) -> set[str]:
    answer = await served.http.get(f"{served.issuer(slug)}/jwks")
    assert answer.status_code == 200, answer.text
    return {key["kid"] for key in answer.json()["keys"]}


async def test_the_ring_of_an_organization_signs_for_it_alone(
    served: Served, browser: Browser
) -> None:
    await neighbour.move_in(served)
    before = await browser.tokens()
    made = await signing_keys.ensure(
        served.runtime.storage.everywhere,
        served.runtime.settings.signing_key_encryption_keys,
        now=served.runtime.clock(),
        lead=0,
        organization_id=await organization_id(served),
    )
    own = {key.kid for key in made}
    assert len(own) == 4

    async def heard() -> bool:
        return own <= await _kids(served, "acme")

    await eventually(heard)
    assert header_of(before["id_token"])["kid"] in await _kids(served, "acme"), "it still verifies"
    assert not own & await _kids(served, neighbour.SLUG)

    tokens = await browser.tokens()
    for name in ("id_token", "access_token"):
        assert header_of(tokens[name])["kid"] in own
        assert header_of(before[name])["kid"] not in own
    async with a_browser(served) as stranger:
        theirs = await neighbour.tokens(stranger)
        assert header_of(theirs["id_token"])["kid"] not in own
        hint = {"id_token_hint": tokens["id_token"], "prompt": "none"}
        refused = await neighbour.authorize(stranger, **hint)
        assert "error=invalid_request" in location(refused), "no key of theirs made this hint"
    for hint_of in (before, tokens):
        answer = await browser.authorize(id_token_hint=hint_of["id_token"], prompt="none")
        assert "code=" in location(answer)
