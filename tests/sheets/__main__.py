"""Contact sheets of the pages, for people to look at: `python -m tests.sheets [NAME=VALUE...]`.

Every state of every page, in every brand, scheme, language and size, with and without JavaScript,
as PNG files in `tests/screenshots/`: one sheet for each combination. `brand=light`, `scheme=dark`,
`language=pl`, `size=phone`, `script=no` and `state=consent` narrow it down.
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.flows.chromium import chromium
from tests.porta.pages.brands import BRANDS
from tests.porta.pages.page_documents import LANGUAGES
from tests.porta.pages.page_site import Site, keep_still, serving, show_state
from tests.porta.pages.page_states import STATES

FOLDER = Path(__file__).parents[1] / "screenshots"
SIZES = {"phone": (360, 740), "desktop": (1280, 800), "landscape": (740, 360)}
CHOICES = {
    "brand": ("bare", "light", "awkward"),
    "scheme": ("light", "dark"),
    "language": ("en", "de", "ar"),
    "size": tuple(SIZES),
    "script": ("yes", "no"),
}
SHOWN_WIDTH = {"phone": (0, 360), "desktop": (290, 700), "landscape": (0, 740)}
"""Where a picture is cut, and how wide it is then: beside a card there is nothing to see."""
COLUMNS, ROWS = (
    {"phone": 7, "desktop": 4, "landscape": 4},
    {"phone": 2, "desktop": 3, "landscape": 5},
)
_STYLE = """body{margin:0;font:12px sans-serif;background:#999}main{display:flex;flex-wrap:wrap}
figure{margin:3px;width:WIDTHpx;height:HEIGHTpx;overflow:hidden;position:relative}
figcaption{background:#222;color:#fff;padding:1px 4px;white-space:nowrap}img{display:block}
hr{position:absolute;inset-inline:0;margin:0;border:0;border-top:1px dashed #f0f}"""


def combinations(asked: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield every combination of CHOICES that `asked` leaves; any language may be asked for."""
    if asked.get("language", "en") not in LANGUAGES:
        raise SystemExit(f"language: one of {', '.join(LANGUAGES)}")
    wanted = [[asked[name]] if name == "language" and name in asked
              else [each for each in values if asked.get(name, each) == each]
              for name, values in CHOICES.items()]  # fmt: skip
    for values in product(*wanted):
        yield dict(zip(CHOICES, values, strict=True))


async def picture(browser: Browser, site: Site, chosen: dict[str, str], only: str) -> int:
    """Make the sheets of one combination, and return how many pages were pictured."""
    organization, site.locale = BRANDS[chosen["brand"]], chosen["language"]
    width, height = SIZES[chosen["size"]]
    scheme: Any = chosen["scheme"]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        java_script_enabled=chosen["script"] == "yes",
    )
    page, taken = await context.new_page(), []
    await keep_still(page)
    for name in STATES:
        if only in name:
            await show_state(page, site, name, organization)
            taken.append((name, await page.screenshot(full_page=True)))
    await context.close()
    paper = await browser.new_page()
    per_sheet = COLUMNS[chosen["size"]] * ROWS[chosen["size"]]
    for number, first in enumerate(range(0, len(taken), per_sheet)):
        label = "-".join(chosen.values()) + f"-{number}"
        await lay_out(paper, taken[first : first + per_sheet], chosen["size"], label)
    await paper.close()
    return len(taken)


async def lay_out(paper: Page, taken: list[tuple[str, bytes]], size: str, label: str) -> None:
    """Write one sheet. A dashed line tells where the screen ends."""
    cut, width = SHOWN_WIDTH[size]
    height, fold = round(SIZES[size][1] * 1.35), SIZES[size][1]
    style = _STYLE.replace("WIDTH", str(width)).replace("HEIGHT", str(height + 18))
    figures = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>"
        f'<img style="margin-left:-{cut}px" src="data:image/png;base64,{b64encode(png).decode()}">'
        f'<hr style="top:{fold + 18}px"></figure>'
        for name, png in taken
    )
    whole = COLUMNS[size] * (width + 6)
    await paper.set_viewport_size({"width": whole, "height": 100})
    await paper.set_content(f"<style>{style}</style><main>{figures}</main>")
    await paper.screenshot(path=FOLDER / f"{label}.png", full_page=True)


async def run(asked: dict[str, str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    pages = 0
    with serving() as site:
        async with chromium() as browser:
            for chosen in combinations(asked):
                pages += await picture(browser, site, chosen, asked.get("state", ""))
                print("-".join(chosen.values()), flush=True)
    print(f"{pages} pages, in {FOLDER}")


if __name__ == "__main__":
    asyncio.run(run(dict(each.split("=", 1) for each in sys.argv[1:])))
