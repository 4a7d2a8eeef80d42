"""A brand is checked once, before it is stored, and every mistake is told."""

from __future__ import annotations

import msgspec
import pytest

from porta.errors import Invalid
from porta.pages.custom_css import LONGEST
from porta.services import brands, organizations
from storage.models.organizations import Brand, BrandTexts, Organization
from storage.router import Storage

FULL = Brand(
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
    support_url="https://acme.example/help",
    privacy_url="https://acme.example/privacy",
    terms_url="https://acme.example/terms",
    imprint_url="https://acme.example/imprint",
    texts=(
        BrandTexts(language="en", title="Welcome", lead="Good morning.", help="Call 12 34."),
        BrandTexts(language="de", title="Willkommen", note="Eine Marke der Acme AG"),
    ),
)


def new(slug: str, brand: Brand, css: str | None = None) -> Organization:
    return Organization(id="", name="Acme", slug=slug, brand=brand, branding_custom_css=css)


async def test_a_brand_is_stored_and_found_as_it_was(storage: Storage) -> None:
    made = await organizations.create(storage, new("branded", FULL))
    found = await storage.organizations.find_by_slug("branded")
    assert found is not None
    assert found.brand == made.brand == FULL
    changed = await organizations.update(storage, msgspec.structs.replace(found, brand=Brand()))
    assert changed == ("brand",)
    found = await storage.organizations.find_by_slug("branded")
    assert found is not None
    assert found.brand == Brand()


@pytest.mark.parametrize(
    ("place", "brand"),
    [
        ("ink_color", Brand(ink_color="red")),
        ("page_color", Brand(page_color="#fff")),
        ("card_color", Brand(card_color="#ffffff;}")),
        ("radius", Brand(radius=33)),
        ("radius", Brand(radius=-1)),
        ("font", Brand(font="Comic Sans")),
        ("background", Brand(background="stripes")),
        ("background_url", Brand(background="picture")),
        ("background_url", Brand(background="plain", background_url="https://a.example/x")),
        ("background_url", Brand(background="picture", background_url="http://a.example/x")),
        ("card_position", Brand(card_position="left")),
        ("logo_dark_url", Brand(logo_dark_url="https://a.example/\u202e.svg")),
        ("logo_dark_url", Brand(logo_dark_url="data:image/svg+xml,x")),
        ("home_url", Brand(home_url="http://acme.example/")),
        ("home_url", Brand(home_url="javascript:alert(1)")),
        ("links.support", Brand(support_url="mailto:help@acme.example")),
        ("links.privacy", Brand(privacy_url="javascript:alert(1)")),
        ("links.terms", Brand(terms_url="//acme.example/terms")),
        ("links.terms", Brand(terms_url="/terms")),
        ("links.imprint", Brand(imprint_url="http://localhost/imprint")),
        ("links.imprint", Brand(imprint_url="https://a.example/" + "x" * 2048)),
        ("links.imprint", Brand(imprint_url="https://user@acme.example/")),
        ("texts.fr", Brand(texts=(BrandTexts(language="fr", title="Bonjour"),))),
        ("texts.de.title", Brand(texts=(BrandTexts(language="de", title="x" * 81),))),
        ("texts.de.lead", Brand(texts=(BrandTexts(language="de", lead="a\nb"),))),
        ("texts.en.help", Brand(texts=(BrandTexts(language="en", help="a\u202eb"),))),
        ("texts.en.note", Brand(texts=(BrandTexts(language="en", note=" "),))),
        ("texts.en.note", Brand(texts=(BrandTexts(language="en", note="\u2067x"),))),
    ],
)
async def test_people_17_what_is_wrong_with_a_brand_is_refused_and_told(
    storage: Storage, place: str, brand: Brand
) -> None:
    assert place in [".".join(path) for path, _ in brands.find_mistakes(brand)]
    with pytest.raises(Invalid, match=f"{place}: "):
        await organizations.create(storage, new("refused", brand))
    assert await storage.organizations.find_by_slug("refused") is None


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        brands.check(new("x", Brand(radius=99, font="x"), "h1{position:fixed}"))
    told = refused.value.message.split("; ")
    assert [each.partition(":")[0] for each in told] == ["radius", "font", "custom_css"]


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
async def test_people_17_what_is_dropped_of_custom_css_is_refused_by_its_line(
    storage: Storage, css: str, told: str
) -> None:
    assert any(told in message for message in brands.find_css_mistakes(css))
    with pytest.raises(Invalid, match="custom_css: line"):
        await organizations.create(storage, new("refused", Brand(), css))
    made = await organizations.create(storage, new(f"css-{abs(hash(css))}", Brand()))
    with pytest.raises(Invalid, match="custom_css: line"):
        await organizations.update(storage, msgspec.structs.replace(made, branding_custom_css=css))


def test_people_17_a_sheet_full_of_mistakes_is_told_of_in_bounds() -> None:
    told = list(brands.find_css_mistakes("h1{position:fixed}\n" * 500))
    assert len(told) == 21
    assert told[-1] == "and 480 more"


async def test_what_1x_stored_may_stay_as_it_is(storage: Storage) -> None:
    made = await organizations.create(storage, new("of-1x", Brand()))
    dirty = msgspec.structs.replace(made, branding_custom_css="h1{color:red;position:fixed}")
    await storage.organizations.update(dirty)
    changed = await organizations.update(storage, msgspec.structs.replace(dirty, name="Renamed"))
    assert changed == ("name", "branding_custom_css")
    found = await storage.organizations.find_by_slug("of-1x")
    assert found is not None
    assert found.branding_custom_css == "h1{color:red;}\n"
