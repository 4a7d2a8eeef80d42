"""Style sheets are made once, and nobody waits for those of another (security 14)."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from porta.pages import branding
from porta.pages.stylesheets import StyleSheets
from storage.models.organizations import Organization
from tests import factories

LONG = ".container { color: #123456; margin: 1px 2px 3px 4px }\n" * 350


def _organization(css: str, **fields: Any) -> Organization:
    return factories.organization(
        id=str(uuid4()), name="Acme", slug="acme", branding_custom_css=css, **fields
    )


async def test_security_14_other_requests_go_on_while_css_is_read() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(turn())
    made = await StyleSheets().get(_organization(LONG))
    others.cancel()
    assert made.identity.decode() == branding.stylesheet(_organization(LONG))
    assert turns > 20, "on the loop there would be a few turns before and after"


async def test_security_14_a_thousand_organizations_are_read_once_each() -> None:
    kept = StyleSheets()
    organizations = [_organization(f".header {{ color: #{n:06x} }}") for n in range(1000)]
    first = [await kept.get(each) for each in organizations]
    again = [await kept.get(each) for each in organizations]
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert len(set(first)) == 1000


async def test_security_14_who_asks_for_the_same_waits_for_the_same() -> None:
    kept = StyleSheets()
    organization = _organization(LONG)
    asked = [asyncio.create_task(kept.get(organization)) for _ in range(20)]
    await asyncio.sleep(0)
    asked.pop(0).cancel()
    answers = await asyncio.gather(*asked)
    assert all(answer is answers[0] for answer in answers)


async def test_what_is_kept_is_bounded_and_what_is_asked_for_stays() -> None:
    one = len(branding.stylesheet(_organization(".header { margin: 10px }"))) * 2
    kept = StyleSheets(capacity=one * 3)
    favourite = _organization(".header { margin: 99px }")
    made = await kept.get(favourite)
    for n in range(10, 20):
        await kept.get(_organization(f".header {{ margin: {n}px }}"))
        assert kept.size <= one * 3
        assert await kept.get(favourite) is made


async def test_one_that_is_larger_than_all_room_is_given_and_not_kept() -> None:
    kept = StyleSheets(capacity=10)
    assert await kept.get(_organization(LONG))
    assert kept.size == 0
