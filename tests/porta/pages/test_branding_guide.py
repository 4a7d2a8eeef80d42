"""docs/branding.md tells of the hooks, properties, tokens and limits that the code has."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from porta.pages import branding, custom_css
from porta.pages.css_values import ALLOWED, COLOR_TOKENS
from porta.pages.custom_css import sanitize
from porta.pages.render import Pages
from porta.services import brands
from porta.services.brands import BrandingPatch, BrandLinks, BrandWords
from porta.services.provisioning.file import build_document
from storage.models.organizations import Brand, BrandTexts
from tests import factories
from tests.porta.pages.page_documents import ROOT, TEMPLATES, VALUES, Document

GUIDE = (ROOT / "docs" / "branding.md").read_text()
HOOKS = re.search(r"\| hook \|.*?\n\n", GUIDE, re.DOTALL)
PROPERTIES = re.search(r"\| properties \|.*?\n\n", GUIDE, re.DOTALL)
FULL = factories.organization(
    id="1",
    name="Acme",
    slug="acme",
    brand=Brand(
        support_url="https://acme.example/",
        texts=(BrandTexts(language="en", lead="Lead", help="Help", note="Note"),),
    ),
)
LOGO = factories.organization(
    id="2", name="A", slug="a", branding_logo_url="https://a.example/l.svg"
)
SHOWN: dict[str, dict[str, Any]] = {
    "login": {"error": "login.error_invalid", "notice": "login.reauthenticate"},
    "consent": {"account": "alice@acme.example"},
}


def _names(table: re.Match[str] | None) -> list[str]:
    """Return what stands in code in the first column of a table."""
    assert table
    rows = table[0].strip().splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """Every tag and class of every page, as selectors."""
    pages, found = Pages.load(), set()
    for name, values in VALUES.items():
        for organization in (FULL, LOGO):
            html = pages.render(
                name, organization=organization, locale="en", menu="",
                **values | SHOWN.get(name, {}),
            )  # fmt: skip
            for tag, attributes in Document(html).tags:
                found |= {tag, *(f".{each}" for each in (attributes.get("class") or "").split())}
    return found


@pytest.mark.parametrize("hook", _names(HOOKS))
def test_people_17_every_hook_is_on_a_page(seen: set[str], hook: str) -> None:
    made_by_script = f'"{hook[1:]}"' in (TEMPLATES / "static" / "page.js").read_text()
    assert hook in seen or made_by_script
    assert sanitize(f"{hook}{{color:red}}")


def test_people_17_the_properties_are_those_of_the_code() -> None:
    told = _names(PROPERTIES)
    assert sorted(told) == sorted(ALLOWED)


def test_people_17_the_tokens_are_those_of_the_code() -> None:
    told = re.search(r"`var\(\)` may name.*?: (.*?)\.\n", GUIDE, re.DOTALL)
    assert told
    assert tuple(re.findall(r"`(--[a-z-]+)`", told[1])) == COLOR_TOKENS
    for token in COLOR_TOKENS:
        assert sanitize(f"h1{{color:var({token})}}")


def test_people_17_pseudo_classes_and_media_features_are_those_of_the_code() -> None:
    told = re.search(r"Selectors are made of.*?\n\n", GUIDE, re.DOTALL)
    assert told
    words = set(re.findall(r"`:?([a-z-]+)`", told[0])) - {"@media"}
    assert words == custom_css.PSEUDO_CLASSES | custom_css.MEDIA_FEATURES


def test_the_keys_and_limits_are_those_of_the_code() -> None:
    tokens = _names(re.search(r"\| token \|.*?\n\n", GUIDE, re.DOTALL))
    others = {"background_url", "company_name", "custom_css", "links", "texts"}
    assert {*tokens, *others} == set(BrandingPatch.model_fields)
    assert set(BrandLinks.model_fields) == set(branding.LINKS)
    assert all(f"`{link}`" in GUIDE for link in branding.LINKS)
    assert set(BrandWords.model_fields) == set(brands.LONGEST_TEXTS)
    for text, longest in brands.LONGEST_TEXTS.items():
        assert re.search(rf"^\| `{text}` \|.*\| {longest} \|$", GUIDE, re.MULTILINE)
    assert f"at most {custom_css.LONGEST} characters" in GUIDE
    assert f"at most {brands.LONGEST_URL} characters" in GUIDE
    assert f"0 to {branding.LARGEST_RADIUS}: pixels" in GUIDE
    assert ", ".join(f"`{font}`" for font in branding.FONTS) in GUIDE


def test_the_example_is_right() -> None:
    example = re.search(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert example
    document = build_document("example", {"version": "1.0", **yaml.safe_load(example[1])})
    assert document.organizations[0].branding
