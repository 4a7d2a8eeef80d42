"""What is wrong with a page that somebody meets: what axe-core finds, and what it does not know."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from playwright.async_api import Page

from tests.flows.walks.look import NO_SCRIPTS, SIZES, Look
from tests.porta.pages.test_brands_in_browser import violations
from tests.porta.pages.test_catalogs import catalog, key, texts
from tests.porta.pages.test_in_browser import STICKING_OUT

_RAW_KEY = re.compile(r"\b[a-z_]+\.[a-z_]+\.?[a-z_]*_[a-z_]+\b")
_VALUE = re.compile(r"\{\w*\}")
_SHORTEST = 6
"""Letters of a text that tell its language."""
_FACTS = """() => {
  const seen = (each) => each.checkVisibility() && each.getBoundingClientRect().width > 1;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.checkVisibility() && !parent.closest("noscript, script, bdi, code, [lang] button"))
      texts.push(walker.currentNode.textContent.replace(/\\s+/g, " ").trim());
  }
  for (const each of document.querySelectorAll("[aria-label], [placeholder]"))
    texts.push(each.getAttribute("aria-label") || "", each.getAttribute("placeholder") || "");
  const primary = all("main .btn-primary");
  const active = document.activeElement;
  return {
    language: document.documentElement.lang, direction: document.dir, title: document.title,
    width: document.documentElement.scrollWidth, headings: all("h1").length,
    told: all("[role=alert], [role=status]").filter((each) => each.innerText.trim()).length,
    primaries: primary.length,
    bottom: Math.max(0, ...primary.map((each) => Math.ceil(each.getBoundingClientRect().bottom))),
    ways: all("main a[href], main button").length,
    focus: active === document.body ? "" : active.id || active.outerHTML.slice(0, 60),
    hidden_focus: active !== document.body && !seen(active),
    texts: texts.filter(Boolean), words: document.body.innerText,
  };
}"""

_TIMERS = """window.setTimeout = (run, after = 0, ...of) => {
  if (after < 1000 && run instanceof Function) Promise.resolve().then(() => run(...of));
}"""


class Facts(dict[str, Any]):
    """What a page says of itself."""


async def facts_of(page: Page) -> Facts:
    return Facts(await page.evaluate(_FACTS))


def faults_in(facts: Facts, look: Look) -> list[str]:
    """Return what somebody would stumble over, in a sentence each."""
    width, height = SIZES[look.size]
    wrong = {
        f"is in {facts['language']}": facts["language"] != look.language,
        f"runs {facts['direction']}": facts["direction"] != _direction(look),
        "has no title": not facts["title"].strip(),
        f"has {facts['headings']} headings": facts["headings"] != 1,
        f"is {facts['width']} wide": facts["width"] > width,
        f"has {facts['primaries']} primary actions": facts["primaries"] != 1,
        f"has its primary action at {facts['bottom']}": facts["bottom"] > height,
        "leads nowhere": not facts["ways"],
        f"tells {facts['told']} things at once": facts["told"] > 1,
        "has its focus where nobody sees it": facts["hidden_focus"],
    }
    raw = _RAW_KEY.findall(facts["words"])[:3]
    strange = [each for each in facts["texts"] if each in _foreign(look.language)][:3]
    return [
        *(sentence for sentence, holds in wrong.items() if holds),
        *(f"shows the key {each}" for each in raw),
        *(f"says in English: {each}" for each in strange),
    ]


async def faults_of(page: Page, look: Look, *, with_axe: bool) -> tuple[Facts, list[str]]:
    """Look at a page, and return what it is like, and what is wrong with it."""
    facts = await facts_of(page)
    found = [*faults_in(facts, look), *await page.evaluate(STICKING_OUT)]
    if with_axe:
        found += await _axe(page, look)
    return facts, found


async def _axe(page: Page, look: Look) -> list[str]:
    """Run axe-core, also on a page without scripts: a browser runs none of its timers then, which
    axe-core waits for, while what is evaluated from outside goes on.
    """
    if look.scripts == NO_SCRIPTS:
        await page.evaluate(_TIMERS)
    return await violations(page)


def _direction(look: Look) -> str:
    return "rtl" if look.language == "ar" else "ltr"


@cache
def _foreign(language: str) -> frozenset[str]:
    """Return the texts of the English catalog that stand in no message of a language."""
    if language == "en":
        return frozenset()
    ours = {key(each): _parts(texts(each)) for each in catalog(language) if each.id}
    own = frozenset[str]().union(*ours.values())
    english = (_parts(texts(each)) for each in catalog("en") if each.id)
    return frozenset[str]().union(*english) - own


def _parts(said: tuple[str, ...]) -> frozenset[str]:
    """Return what stands between the values of a message, as a page shows it."""
    parts = (part.strip() for text in said for part in _VALUE.split(text))
    return frozenset(part for part in parts if len(part) >= _SHORTEST)
