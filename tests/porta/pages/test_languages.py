"""Languages are chosen from ours only, whatever is asked for (RFC 4647 §3.4)."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from porta.pages.languages import choose
from porta.pages.render import Pages
from tests.porta.pages.page_documents import LANGUAGES, ROOT, VALUES


def test_locales_are_those_on_disk(pages: Pages) -> None:
    assert set(pages.locales) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("ui_locales", "accept", "defaults", "expected"),
    [
        (None, None, (), "en"),
        ("de", "en", ("en",), "de"),
        ("de-CH", None, (), "de"),
        ("DE_at", None, (), "de"),
        ("xx de en", None, (), "de"),
        ("xx", "de", (), "de"),
        (None, "de-DE,de;q=0.9,en;q=0.8", (), "de"),
        (None, "en;q=0.3,de;q=0.7", (), "de"),
        (None, "de;q=0, en;q=0.1", ("de",), "en"),
        (None, "de;q=0", ("de",), "de"),
        (None, "*", ("de",), "de"),
        (None, "xx, *;q=0.5", ("yy", "de"), "de"),
        ("pt-BR", "en", (), "pt-BR"),
        ("PT_br", None, (), "pt-BR"),
        ("pt", None, (), "pt-BR"),
        (None, "pt-PT,pt;q=0.9,en;q=0.8", (), "pt-BR"),
        (None, None, ("pt",), "pt-BR"),
        ("ar-EG ja-Latn-JP", None, (), "ar"),
        (None, "zh-Hant, ja;q=0.5, en;q=0.1", (), "ja"),
        ("p", "b", ("",), "en"),
        (None, "de;q=nonsense,en", (), "en"),
        (None, "de;q=-1,en;q=nan,de;q=inf", ("en",), "en"),
        ("../../etc/passwd", "../de", ("/",), "en"),
        ("de\0", ";;;,,,=", (None, ""), "en"),
        ("x" * 100_000 + " de", None, (), "en"),
        (None, "xx," * 10_000 + "de", (), "en"),
        ("deutsch", None, (), "en"),
    ],
)
def test_negotiation(
    pages: Pages, ui_locales: str | None, accept: str | None, defaults: Any, expected: str
) -> None:
    assert pages.negotiate(ui_locales, accept, *defaults) == expected


def test_a_language_of_its_own_stands_before_that_of_a_country() -> None:
    available = ("pt-BR", "pt", "pt-AO")
    assert choose(available, "pt-PT", None) == "pt"
    assert choose(available, "pt-BR", None) == "pt-BR"
    assert choose(("pt-BR", "pt-AO"), "pt", None) == "pt-BR"


def test_languages_are_told_in_the_order_of_their_own_names(pages: Pages) -> None:
    html = pages.render("root", organization=None, locale="en", menu="", **VALUES["root"])
    menu = re.findall(r'name="lang" value="([^"]+)" lang="\1">([^<]+)</button>', html)
    assert [name for _, name in menu][:3] == ["Deutsch", "Español", "Français"]
    assert dict(menu)["pt-BR"] == "Português (Brasil)"
    assert [tag for tag, _ in menu][-2:] == ["ar", "ja"]


def test_long_lists_cost_no_more_than_short_ones(pages: Pages) -> None:
    began = time.process_time()
    for _ in range(50):
        pages.negotiate("xx-yy " * 100_000, "a-" * 300_000)
    assert time.process_time() - began < 1.0


def test_an_unknown_locale_is_answered_in_english_and_leaves_nothing_behind(pages: Pages) -> None:
    before = len(pages.__dict__["_languages"])
    html = pages.render("root", organization=None, locale="../../etc", **VALUES["root"])
    assert '<html lang="en" dir="ltr">' in html
    assert len(pages.__dict__["_languages"]) == before


def test_direction_is_that_of_the_language(tmp_path: Path) -> None:
    source = (ROOT / "locale/en/LC_MESSAGES/porta.po").read_text()
    for language in ("en", "ar"):
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "porta.po").write_text(source.replace("Language: en", f"Language: {language}"))
    html = Pages.load(locale_directory=tmp_path).render("root", organization=None, locale="ar")
    assert '<html lang="ar" dir="rtl">' in html
