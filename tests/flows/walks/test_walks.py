"""Every walk in a look that its place in the table chooses; in six of them by `make walks`, and in
all that there are by `make walks ARGS="-m every_look"`.

Pictures of every page are left in `build/walks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pytest
from playwright.async_api import Browser

from tests.flows.chromium import needs_chromium
from tests.flows.walks import WALKS
from tests.flows.walks.look import (
    LOOKS,
    NO_SCRIPTS,
    SCRIPTS,
    Look,
    chosen_look,
    few_looks,
    looks_of,
)
from tests.flows.walks.walk import walking
from tests.flows.walks.world import World
from tests.porta.pages.test_brands_in_browser import needs_axe

pytestmark = [*needs_chromium, needs_axe, pytest.mark.timeout(600)]
CHOSEN = [
    (name, chosen_look(place, way.scripts)) for place, (name, way) in enumerate(WALKS.items())
]
FEW = [(name, look) for name, way in WALKS.items() for look in few_looks(way.scripts)]
ALL = [(name, look) for name, way in WALKS.items() for look in looks_of(way.scripts)]


def _names(walks: list[tuple[str, Look]]) -> list[str]:
    return [f"{name}-{look.name}" for name, look in walks]


def _meetings(looks: Iterable[Look]) -> set[tuple[int, str, int, str]]:
    """Return which values of two dimensions meet in a look."""
    dimensions = range(len(Look._fields))
    return {
        (one, look[one], other, look[other])
        for look in looks
        for one, other in combinations(dimensions, 2)
    }


@pytest.mark.parametrize("scripts", [None, SCRIPTS, NO_SCRIPTS])
def test_few_looks_have_all_that_two_dimensions_have_together(scripts: str | None) -> None:
    few = few_looks(scripts)
    assert _meetings(few) == _meetings(looks_of(scripts))
    assert len(set(few)) == len(few) == 6


def test_what_every_run_takes_has_it_too() -> None:
    assert _meetings(look for _, look in CHOSEN) == _meetings(LOOKS)


@pytest.mark.parametrize(("name", "look"), CHOSEN, ids=_names(CHOSEN))
async def test_each_way_is_walked(browser: Browser, world: World, name: str, look: Look) -> None:
    async with walking(browser, world, name, look, thorough=False) as walk:
        await WALKS[name].go(walk)


@pytest.mark.walks
@pytest.mark.parametrize(("name", "look"), FEW, ids=_names(FEW))
async def test_each_way_is_walked_in_few_looks(
    browser: Browser, world: World, name: str, look: Look
) -> None:
    """With axe-core at every page."""
    async with walking(browser, world, name, look, thorough=True) as walk:
        await WALKS[name].go(walk)


@pytest.mark.every_look
@pytest.mark.parametrize(("name", "look"), ALL, ids=_names(ALL))
async def test_each_way_is_walked_in_every_look(
    browser: Browser, world: World, name: str, look: Look
) -> None:
    async with walking(browser, world, name, look, thorough=True) as walk:
        await WALKS[name].go(walk)
