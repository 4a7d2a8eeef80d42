"""A brand is checked once, before it is stored, and every problem is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from porta.audit.actors import SYSTEM
from porta.errors import Invalid
from porta.pages.custom_css import LONGEST
from porta.services import brands, organizations
from porta.services.organization_fields import NewOrganization, OrganizationPatch
from storage.models.organizations import Brand, BrandTexts
from storage.router import Storage

FULL: dict[str, Any] = {
    "primaryColor": "#C2410C",
    "inkColor": "#1C1917",
    "pageColor": "#FFF7ED",
    "cardColor": "#FFFDF9",
    "radius": 8,
    "font": "humanist",
    "background": "picture",
    "backgroundUrl": "https://acme.example/hills.jpg",
    "cardPosition": "start",
    "logoDarkUrl": "https://acme.example/white.svg",
    "homeUrl": "https://acme.example/apps",
    "links": {name: f"https://acme.example/{name}" for name in ("support", "privacy", "imprint")},
    "texts": {
        "en": {"title": "Welcome", "lead": "Good morning.", "help": "Call 12 34."},
        "de": {"title": "Willkommen", "note": "Eine Marke der Acme AG"},
    },
}
STORED = Brand(
    ink_color="#1C1917",
    page_color="#FFF7ED",
    card_color="#FFFDF9",
    radius=8,
    font="humanist",
    background="picture",
    background_url="https://acme.example/hills.jpg",
    card_position="start",
    logo_dark_url="https://acme.example/white.svg",
    home_url="https://acme.example/apps",
    support_url="https://acme.example/support",
    privacy_url="https://acme.example/privacy",
    imprint_url="https://acme.example/imprint",
    texts=(
        BrandTexts(language="en", title="Welcome", lead="Good morning.", help="Call 12 34."),
        BrandTexts(language="de", title="Willkommen", note="Eine Marke der Acme AG"),
    ),
)


def new(slug: str, branding: Any) -> NewOrganization:
    return NewOrganization.parse({"name": "Acme", "slug": slug, "branding": branding})


def places(branding: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        new("refused", branding)
    return [str(problem).partition(": ")[0] for problem in refused.value.problems]


async def test_a_brand_is_stored_and_found_as_it_was(storage: Storage) -> None:
    made = await organizations.create(storage, SYSTEM, new("branded", FULL))
    found = await storage.organizations.find_by_slug("branded")
    assert found == made
    assert found.brand == STORED
    assert found.branding_primary_color == "#C2410C"


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ({}, STORED),
        ({"inkColor": None}, msgspec.structs.replace(STORED, ink_color=None)),
        ({"links": {}}, STORED),
        ({"links": {"privacy": None}}, msgspec.structs.replace(STORED, privacy_url=None)),
        (
            {"links": None},
            msgspec.structs.replace(STORED, support_url=None, privacy_url=None, imprint_url=None),
        ),
        ({"texts": {"en": None}}, msgspec.structs.replace(STORED, texts=STORED.texts[1:])),
        (
            {"texts": {"de": {"title": None, "lead": "Hallo"}}},
            msgspec.structs.replace(
                STORED,
                texts=(
                    STORED.texts[0],
                    BrandTexts(language="de", lead="Hallo", note="Eine Marke der Acme AG"),
                ),
            ),
        ),
        ({"texts": None}, msgspec.structs.replace(STORED, texts=())),
        (None, Brand()),
    ],
)
async def test_a_brand_is_patched_member_by_member(
    storage: Storage, patch: Any, after: Brand
) -> None:
    """RFC 7396: absent stays, null removes, at every depth."""
    made = await organizations.create(
        storage, SYSTEM, new(f"patched-{abs(hash(str(patch)))}", FULL)
    )
    wanted = OrganizationPatch.parse({"branding": patch})
    assert (await organizations.update(storage, SYSTEM, made.id, wanted)).brand == after


@pytest.mark.parametrize(
    ("place", "brand"),
    [
        ("inkColor", {"inkColor": "red"}),
        ("pageColor", {"pageColor": "#fff"}),
        ("cardColor", {"cardColor": "#ffffff;}"}),
        ("radius", {"radius": 33}),
        ("radius", {"radius": -1}),
        ("radius", {"radius": 10**30}),
        ("font", {"font": "Comic Sans"}),
        ("background", {"background": "stripes"}),
        ("backgroundUrl", {"background": "picture", "backgroundUrl": "http://a.example/x"}),
        ("cardPosition", {"cardPosition": "left"}),
        ("logoDarkUrl", {"logoDarkUrl": "https://a.example/\u202e.svg"}),
        ("logoDarkUrl", {"logoDarkUrl": "data:image/svg+xml,x"}),
        ("logoUrl", {"logoUrl": "javascript:alert(1)"}),
        ("homeUrl", {"homeUrl": "http://acme.example/"}),
        ("homeUrl", {"homeUrl": "javascript:alert(1)"}),
        ("links.support", {"links": {"support": "mailto:help@acme.example"}}),
        ("links.privacy", {"links": {"privacy": "javascript:alert(1)"}}),
        ("links.terms", {"links": {"terms": "//acme.example/terms"}}),
        ("links.terms", {"links": {"terms": "/terms"}}),
        ("links.imprint", {"links": {"imprint": "http://localhost/imprint"}}),
        ("links.imprint", {"links": {"imprint": "https://a.example/" + "x" * 2048}}),
        ("links.imprint", {"links": {"imprint": "https://user@acme.example/"}}),
        ("texts.xx", {"texts": {"xx": {"title": "Bonjour"}}}),
        ("texts.de.title", {"texts": {"de": {"title": "x" * 81}}}),
        ("texts.de.lead", {"texts": {"de": {"lead": "a\nb"}}}),
        ("texts.en.help", {"texts": {"en": {"help": "a\u202eb"}}}),
        ("texts.en.note", {"texts": {"en": {"note": " "}}}),
        ("texts.en.note", {"texts": {"en": {"note": "\u2067x"}}}),
        ("companyName", {"companyName": "A\u202e\nB"}),
    ],
)
def test_people_17_what_is_wrong_with_a_brand_is_refused_and_told(
    place: str, brand: dict[str, Any]
) -> None:
    assert places(brand) == [f"branding.{place}"]


@pytest.mark.parametrize(
    "brand",
    [{"background": "picture"}, {"background": "plain", "backgroundUrl": "https://a.example/x"}],
)
async def test_a_picture_and_its_url_need_each_other(
    storage: Storage, brand: dict[str, Any]
) -> None:
    with pytest.raises(Invalid, match=r"branding\.backgroundUrl: "):
        await organizations.create(storage, SYSTEM, new("refused", brand))
    made = await organizations.create(storage, SYSTEM, new(f"half-{len(brand)}", {}))
    patch = OrganizationPatch.parse({"branding": brand})
    with pytest.raises(Invalid, match=r"branding\.backgroundUrl: "):
        await organizations.update(storage, SYSTEM, made.id, patch)


def test_every_problem_is_told_at_once() -> None:
    css = "h1{position:fixed}\np{position:fixed}"
    assert places({"radius": 99, "font": "x", "customCss": css}) == [
        "branding.radius",
        "branding.font",
        "branding.customCss",
        "branding.customCss",
    ]


@pytest.mark.parametrize(
    ("css", "told"),
    [
        ("body { position: fixed }", "line 1: position is not allowed"),
        ("h1 { color: red }\n\n@import 'x';", "line 3: @import is not allowed here"),
        ("h1 {\n  color: red;\n  background: url(x);\n}", "line 3: background has a value"),
        ("p:has(a) { color: red }", "line 1: the selector p:has(a) is not allowed"),
        ("@media (width > 1px) { h1 { color: red } }", "line 1: the media query is not allowed"),
        ("h1 { color: red; & b { color: red } }", "line 1: a rule inside a rule is not allowed"),
        ("h1 { colour }", "line 1: what cannot be read is not allowed"),
        ("h1 { font-size: 1px }", "line 1: font-size has a value that is not allowed"),
        ("h1 { --link: red }", "line 1: --link is not allowed"),
        ("}}", "line 1: cannot be read as a rule"),
        ("h1 { color: red }" * (LONGEST // 10), f"more than {LONGEST} characters"),
        ("h1{color:red}" * (LONGEST // 13), f"more than {LONGEST} characters once written anew"),
    ],
)
def test_people_17_what_is_dropped_of_custom_css_is_refused_by_its_line(
    css: str, told: str
) -> None:
    with pytest.raises(Invalid) as refused:
        new("refused", {"customCss": css})
    assert {problem.path for problem in refused.value.problems} == {("branding", "customCss")}
    assert any(told in problem.message for problem in refused.value.problems)


def test_people_17_a_sheet_full_of_mistakes_is_told_of_in_bounds() -> None:
    told = list(brands.find_css_problems("h1{position:fixed}\n" * 500))
    assert len(told) == 21
    assert told[-1] == "and 480 more"


async def test_what_1x_stored_may_stay_as_it_is(storage: Storage) -> None:
    made = await organizations.create(storage, SYSTEM, new("of-1x", {}))
    dirty = "h1{color:red;position:fixed}"
    await storage.organizations.update(made.id, {"branding_custom_css": dirty})
    patch = OrganizationPatch(name="Renamed")
    after = await organizations.update(storage, SYSTEM, made.id, patch)
    assert (after.name, after.branding_custom_css) == ("Renamed", dirty)
