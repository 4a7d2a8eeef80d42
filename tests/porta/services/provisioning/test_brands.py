"""The brand of an organization in a file: made so, added to, and every mistake with its place."""

from __future__ import annotations

from typing import Any

import pytest

from porta.security.passwords import Passwords
from porta.services.provisioning.file import build_document
from porta.services.provisioning.problems import DocumentInvalid
from storage.models.organizations import Brand, BrandTexts
from storage.router import Storage
from tests.porta.services.provisioning.seeds import run, seed

FULL: dict[str, Any] = {
    "primary_color": "#C2410C",
    "page_color": "#FFF7ED",
    "radius": 0,
    "font": "serif",
    "links": {"support": "https://acme.example/help", "imprint": "https://acme.example/imprint"},
    "texts": {"de": {"title": "Willkommen"}, "en": {"help": "Call 12 34."}},
    "custom_css": "h1 { max-inline-size: 32rem }",
}


async def _brand(storage: Storage, slug: str) -> Brand:
    found = await storage.organizations.find_by_slug(slug)
    assert found is not None
    return found.brand


async def test_people_17_a_brand_is_made_as_the_file_says(
    storage: Storage, passwords: Passwords
) -> None:
    await run(storage, passwords, seed("kit", branding=FULL))
    assert await _brand(storage, "kit") == Brand(
        page_color="#FFF7ED",
        radius=0,
        font="serif",
        support_url="https://acme.example/help",
        imprint_url="https://acme.example/imprint",
        texts=(
            BrandTexts(language="de", title="Willkommen"),
            BrandTexts(language="en", help="Call 12 34."),
        ),
    )
    found = await storage.organizations.find_by_slug("kit")
    assert found is not None
    assert found.branding_primary_color == "#C2410C"
    assert found.branding_custom_css == "h1{max-inline-size:32rem;}\n"
    again = await run(storage, passwords, seed("kit", branding=FULL), "overwrite")
    assert (again.created, again.updated) == ([], [])


async def test_what_a_file_is_silent_about_stays(storage: Storage, passwords: Passwords) -> None:
    await run(storage, passwords, seed("silent", branding=FULL))
    before = await _brand(storage, "silent")
    silent: tuple[dict[str, Any] | None, ...] = (None, {}, {"links": {}}, {"company_name": "Other"})
    for branding in silent:
        more = {} if branding is None else {"branding": branding}
        await run(storage, passwords, seed("silent", **more), "overwrite")
        assert await _brand(storage, "silent") == before
    changed = {"font": None, "radius": 4, "links": {"support": None}, "texts": {}}
    report = await run(storage, passwords, seed("silent", branding=changed), "overwrite")
    assert [line.detail for line in report.updated] == ["brand"]
    assert await _brand(storage, "silent") == Brand(
        page_color="#FFF7ED", radius=4, imprint_url="https://acme.example/imprint"
    )


@pytest.mark.parametrize(
    ("branding", "told"),
    [
        ({"primary_color": "teal"}, {"primary_color": "must be a colour like #0F766E"}),
        ({"colour": "#0F766E"}, {"colour": "is not a key of this format"}),
        ({"texts": {"de": {"heading": "x"}}}, {"texts.de.heading": "is not a key of this format"}),
        ({"links": {"blog": "https://x.example/"}}, {"links.blog": "is not a key of this format"}),
        ({"radius": "8px"}, {"radius": "must be a whole number"}),
        ({"radius": True}, {"radius": "must be a whole number"}),
        (
            {"radius": 99, "font": "Arial", "links": {"terms": "http://x.example/"}},
            {
                "radius": "must be 32 or less",
                "font": "must be one of: system, humanist, geometric, rounded, serif",
                "links.terms": "must be an https URL",
            },
        ),
        (
            {"texts": {"xx": {}, "de": {"title": "a\nb"}}},
            {
                "texts.xx": "is no language of the pages: ar, de, en, es, fr, it,"
                " ja, nl, pl, pt-BR",
                "texts.de.title": "must hold no line break, control character or change of"
                " direction",
            },
        ),
        (
            {"custom_css": "h1 { color: red }\nbody { position: fixed }"},
            {"custom_css": "line 2: position is not allowed"},
        ),
        (
            {"custom_css": "@import 'x';\n.a { background: url(x) }"},
            {"custom_css": "line 1: @import is not allowed here"},
        ),
        (
            {"custom_css": "h1{color:red}" * 2000},
            {"custom_css": "line 1: the sheet has more than 20000 characters"},
        ),
        ({"background": "picture"}, {"background_url": "the background picture and"}),
    ],
)
def test_people_17_every_mistake_in_a_brand_has_its_place(
    branding: dict[str, Any], told: dict[str, str]
) -> None:
    document = {"version": "1.0", "organizations": [{"name": "Acme", "branding": branding}]}
    with pytest.raises(DocumentInvalid) as refused:
        build_document("test", document)
    found: dict[str, str] = {}
    for problem in refused.value.problems:
        found.setdefault(problem.place.removeprefix("organizations[0].branding."), problem.message)
    assert found.keys() == told.keys()
    for place, message in told.items():
        assert found[place].startswith(message)


def test_people_17_every_dropped_declaration_is_told() -> None:
    css = "body { position: fixed; color: red; inset: 0 }\n@font-face { src: url(x) }\n"
    branding = {"custom_css": css}
    document = {"version": "1.0", "organizations": [{"name": "Acme", "branding": branding}]}
    with pytest.raises(DocumentInvalid) as refused:
        build_document("test", document)
    assert [problem.message for problem in refused.value.problems] == [
        "line 1: inset is not allowed",
        "line 1: position is not allowed",
        "line 2: @font-face is not allowed here",
    ]
