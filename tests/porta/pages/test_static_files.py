"""Static files are named by their content, and no other file is served."""

from __future__ import annotations

import re
import time

import pytest

from porta.pages.render import Pages
from tests.porta.pages.page_documents import ACME, TEMPLATES, VALUES, show


def test_static_files_are_named_by_their_content(pages: Pages) -> None:
    for path in (TEMPLATES / "static").iterdir():
        url = pages.static_url(path.name)
        found = pages.static(url.removeprefix("/static/"))
        assert found
        assert found.content.identity == path.read_bytes()
        assert found.etag.strip('"') in url
        assert "immutable" in found.cache_control


def test_an_outdated_name_is_not_kept(pages: Pages) -> None:
    for name in ("page.0123456789abcdef.css", "page.css"):
        found = pages.static(name)
        assert found
        assert found.cache_control == "no-cache"


@pytest.mark.parametrize("name", ["", "porta", ".css", "nothing.css", "../page.css", "a" * 9999])
def test_no_other_file_is_served(pages: Pages, name: str) -> None:
    assert pages.static(name) is None
    with pytest.raises(KeyError):
        pages.static_url("nothing.css")


def test_style_sheets_and_scripts_load_nothing() -> None:
    for path in (TEMPLATES / "static").iterdir():
        source = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"url\(|@import|https?:|\beval\b|innerHTML", source), path.name


def test_a_login_page_costs_less_than_a_millisecond(pages: Pages) -> None:
    rounds = 200
    show(pages, "login")
    began = time.process_time()
    for _ in range(rounds):
        pages.render("login", organization=ACME, locale="de", **VALUES["login"])
    assert (time.process_time() - began) / rounds < 0.001
