"""Walks through the menu of languages."""

from __future__ import annotations

from tests.flows.walks.walk import FIELD, Walk
from tests.flows.walks.world import ADA


async def language(walk: Walk) -> None:
    """What is chosen in the menu stays, whatever the browser asks for."""
    await walk.settle("password")
    other = {"en": "ja", "de": "en", "ar": "en"}[walk.look.language]
    await walk.begin()
    await walk.opened.page.click("details.languages summary")
    await walk.see("the menu", f"details.languages [value={other}]")
    await walk.press(f"details.languages [value={other}]")
    assert await walk.opened.page.get_attribute("html", "lang") == other
    await walk.begin()
    assert await walk.opened.page.get_attribute("html", "lang") == other
    await walk.opened.page.click("details.languages summary")
    await walk.press(f"details.languages [value={walk.look.language}]")
    await walk.see("and back", FIELD)
    await walk.fill(email=ADA, password="not it")
    await walk.press()
    await walk.see("in a form", "[role=alert]")
