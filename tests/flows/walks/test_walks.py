"""Every walk in a look that its place in the table chooses; in all of them by `make walks`.

Pictures of every page are left in `build/walks`.
"""

from __future__ import annotations

from itertools import product

import pytest
from playwright.async_api import Browser

from tests.flows.chromium import needs_chromium
from tests.flows.walks import WALKS
from tests.flows.walks.look import LOOKS, NO_SCRIPTS, SCRIPTS, Look, chosen_look, looks_of
from tests.flows.walks.walk import walking
from tests.flows.walks.world import World
from tests.porta.pages.test_brands_in_browser import needs_axe

pytestmark = [*needs_chromium, needs_axe]
CHOSEN = [
    (name, chosen_look(number, half))
    for half in (SCRIPTS, NO_SCRIPTS)
    for number, name in enumerate(name for name, way in WALKS.items() if way.usual == half)
]
ALL = [(name, look) for name, way in WALKS.items() for look in looks_of(way.scripts)]


def _names(walks: list[tuple[str, Look]]) -> list[str]:
    return [f"{name}-{look.name}" for name, look in walks]


def test_what_is_chosen_spreads() -> None:
    """Any two values of two dimensions meet in some walk."""
    for one, other in product(range(len(Look._fields)), repeat=2):
        wanted = {(look[one], look[other]) for look in LOOKS}
        assert {(look[one], look[other]) for _, look in CHOSEN} == wanted


@pytest.mark.parametrize(("name", "look"), CHOSEN, ids=_names(CHOSEN))
async def test_each_way_is_walked(browser: Browser, world: World, name: str, look: Look) -> None:
    async with walking(browser, world, name, look, thorough=False) as walk:
        await WALKS[name].go(walk)


@pytest.mark.walks
@pytest.mark.parametrize(("name", "look"), ALL, ids=_names(ALL))
async def test_each_way_is_walked_in_every_look(
    browser: Browser, world: World, name: str, look: Look
) -> None:
    """With axe-core at every page."""
    async with walking(browser, world, name, look, thorough=True) as walk:
        await WALKS[name].go(walk)
