"""Catalogs: every language says all that English says, with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from porta.pages.branding import LINKS
from porta.pages.render import Pages
from tests.porta.pages.page_documents import LANGUAGES, ROOT, TEMPLATES


def catalog(language: str) -> Catalog:
    with (ROOT / "locale" / language / "LC_MESSAGES" / "porta.po").open("rb") as source:
        return read_po(source, locale=language, domain="porta", abort_invalid=True)


def texts(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (str(message.string),)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_english_says(language: str) -> None:
    english = {message.id for message in catalog("en")}
    assert {message.id for message in catalog(language)} == english
    assert len(english) > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty_fuzzy_or_twice_there(language: str) -> None:
    found = catalog(language)
    source = (ROOT / "locale" / language / "LC_MESSAGES" / "porta.po").read_text()
    keys = re.findall(r'^msgid "(.+)"$', source, re.M)
    assert len(keys) == len(set(keys))
    for message in found:
        if message.id:
            assert all(text.strip() for text in texts(message)), message.id
            assert not message.fuzzy


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_english_and_plain_names(language: str) -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    english = catalog("en")
    for message in catalog(language):
        if message.id:
            original = texts(english[message.id])
            assert {frozenset(names(text)) for text in texts(message)} == {
                frozenset(names(text)) for text in original
            }, message.id
            assert all(name.isidentifier() for text in texts(message) for name in names(text))


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_messages_are_translated(language: str) -> None:
    english, other = catalog("en"), catalog(language)
    same = {m.id for m in english if m.id and other[m.id].string == m.string}
    assert same <= {"login.email_placeholder"}


def test_every_key_in_a_template_exists(pages: Pages) -> None:
    source = "".join(
        path.read_text() for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".txt")
    )
    keys = set(re.findall(r"""(?:\bt|\brich|\bknown)\(\s*["']([a-z0-9_.]+)["']""", source))
    assert len(keys) > 30
    names = (
        "client_name",
        "company",
        "account",
        "scope",
        "resource",
        "claims",
        "time",
        "api",
        "name",
        "inviter",
        "items",
    )
    counted = {
        "login.retry_after",
        "login.lock_answer",
        "emails.invitation.expires",
        "emails.otp_code.expires",
    }
    for key in keys - counted:
        values = dict.fromkeys(names, "v")
        assert pages.text("en", key, **values)


def test_counted_messages_follow_the_plural_of_their_language(pages: Pages) -> None:
    assert pages.text("en", "login.retry_after", count=1).endswith("1 minute.")
    assert pages.text("en", "login.retry_after", count=3).endswith("3 minutes.")
    assert "1 Minute " in pages.text("de", "login.retry_after", count=1)
    assert "3 Minuten " in pages.text("de", "login.retry_after", count=3)
    assert "1 minute," in pages.text("en", "login.lock_answer", count=1)


@pytest.mark.parametrize("key", ["", "login.nothing", "login"])
def test_an_unknown_key_is_never_shown(pages: Pages, key: str) -> None:
    with pytest.raises(KeyError):
        pages.text("en", key)


def test_a_language_that_lacks_a_message_says_it_in_english(tmp_path: Path) -> None:
    for language, body in {"en": 'msgid "a.b"\nmsgstr "words"\n', "ar": ""}.items():
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        (folder / "porta.po").write_text(header + body)
    assert Pages.load(locale_directory=tmp_path).text("ar", "a.b") == "words"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["login.show_password", "login.hide_password"])
def test_what_is_heard_contains_what_is_seen(pages: Pages, language: str, key: str) -> None:
    """WCAG 2.2 §2.5.3: who speaks to a computer says the words on the button."""
    seen, heard = pages.text(language, key), pages.text(language, f"{key}_name")
    assert seen.casefold() in heard.casefold()
    assert seen != heard


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("link", LINKS)
def test_every_link_of_the_footer_has_its_words(pages: Pages, language: str, link: str) -> None:
    assert pages.text(language, f"footer.{link}")
