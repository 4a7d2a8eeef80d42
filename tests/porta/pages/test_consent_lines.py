"""Scopes and claims in words of people, grouped (people 19, 20)."""

from __future__ import annotations

from functools import partial

import pytest

from porta.pages import consent_lines
from porta.pages.consent_lines import Line
from porta.pages.render import Pages
from storage.models.claims import ClaimDefinition
from storage.models.clients import ScopeText
from storage.models.interactions import Consent
from tests import factories

METERS = factories.api(
    id="1",
    organization_id="1",
    identifier="https://meters.example",
    name="Meters",
    scopes=("meters:read", "meters:write", "shared"),
    scope_texts={
        "meters:read": ScopeText(
            "Read your meters",
            "Consumption of the last year",
            {"de": ScopeText("Ihre Zähler ablesen"), "de-AT": ScopeText(description="Servus")},
        ),
        "shared": ScopeText("Of the meters"),
    },
)
BILLS = factories.api(
    id="2",
    organization_id="1",
    identifier="https://bills.example",
    name="Bills",
    scopes=("shared",),
    scope_texts={"shared": ScopeText("Of the bills")},
)
DEFINITIONS = (
    ClaimDefinition(id="1", claim_name="department", title="Department"),
    ClaimDefinition(id="2", claim_name="cost_center"),
)


def lines(pages: Pages, shown: Consent, language: str = "en") -> list[Line]:
    text = partial(pages.text, language)
    return consent_lines.build(shown, (METERS, BILLS), DEFINITIONS, text, language)


def told(pages: Pages, line: Line, language: str = "en") -> str:
    return pages.text(language, line.key, **line.values) if line.values else line.key


@pytest.mark.parametrize(
    ("language", "items", "description"),
    [
        ("en", "Read your meters", "Consumption of the last year"),
        ("de", "Ihre Zähler ablesen", "Consumption of the last year"),
        ("de-CH", "Ihre Zähler ablesen", "Consumption of the last year"),
        ("de-AT", "Read your meters", "Servus"),
        ("fr", "Read your meters", "Consumption of the last year"),
    ],
)
def test_people_19_a_scope_is_told_in_the_language_or_the_next_best(
    pages: Pages, language: str, items: str, description: str
) -> None:
    (line,) = lines(pages, Consent(scope=("meters:read",)), language)
    assert line == Line("consent.api", {"api": "Meters", "items": items}, ((items, description),))


def test_people_19_a_claim_has_the_name_that_the_organization_gave_it(pages: Pages) -> None:
    (line,) = lines(pages, Consent(claims=("department", "cost_center", "gone_since")))
    assert line.values == {"claims": "Department, cost center, gone since"}


def test_people_19_what_has_no_words_is_told_by_its_name(pages: Pages) -> None:
    (api, other) = lines(pages, Consent(scope=("meters:write", "nobodys:own")))
    assert api.values == {"api": "Meters", "items": "meters:write"}
    assert other == Line("consent.other_scope", {"scope": "nobodys:own"})


def test_people_19_the_words_are_those_of_the_api_that_is_asked_for(pages: Pages) -> None:
    (line,) = lines(pages, Consent(scope=("shared",), resource=(BILLS.identifier,)))
    assert line.values == {"api": "Bills", "items": "Of the bills"}
    (line,) = lines(pages, Consent(scope=("shared",)))
    assert line.values == {"api": "Meters", "items": "Of the meters"}


ALL = Consent(
    scope=("openid", "profile", "email", "address", "phone", "offline_access", "meters:read",
           "meters:write", "nobodys:own"),
    claims=("roles", "permissions", "department"),
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
def test_people_20_what_belongs_together_is_one_line_that_names_all_of_it(
    pages: Pages, language: str
) -> None:
    found = lines(pages, ALL, language)
    assert [line.key for line in found] == [
        "consent.person", "consent.api", "consent.other_scope", "consent.claims", "consent.roles",
        "consent.scope_offline_access",
    ]  # fmt: skip
    person = told(pages, found[0], language)
    for value in ("profile", "email", "address", "phone"):
        assert pages.text(language, f"consent.item_{value}") in person
    assert len(found[0].details) == 5, "each in a sentence"
    assert "meters:write" in told(pages, found[1], language)


@pytest.mark.parametrize(
    ("scope", "key"),
    [(("openid",), "consent.scope_openid"), (("openid", "email"), "consent.person"), ((), None)],
)
def test_people_20_nothing_is_told_that_is_not_asked_for(
    pages: Pages, scope: tuple[str, ...], key: str | None
) -> None:
    assert [line.key for line in lines(pages, Consent(scope=scope))] == ([key] if key else [])
