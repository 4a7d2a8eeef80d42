"""Catalogs: every language says all that English says, with the same placeholders."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from gettext import c2py
from pathlib import Path
from string import Formatter

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from porta.pages.branding import LINKS
from porta.pages.render import Pages
from tests.porta.pages.page_documents import CATALOGS, LANGUAGES, TEMPLATES

SAME_AS_ENGLISH = {
    "login.email_placeholder": {"ar", "de", "ja"},
    "login.password_label": {"it"},
    "footer.privacy": {"it", "nl"},
    "setup.record_name": {"de"},
    "setup.step_open": {"nl"},
}
"""Messages whose words are those of English, and the languages in which they are."""
ONE_NUMBER = {"zero", "one", "two"}
"""Plural forms (CLDR) that may name their number in words: there is no other that they are for."""


@cache
def catalog(language: str) -> Catalog:
    with CATALOGS[language].open("rb") as source:
        locale = language.replace("-", "_")
        return read_po(source, locale=locale, domain="porta", abort_invalid=True)


def texts(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (str(message.string),)


def keys(language: str) -> set[str]:
    return {key(message) for message in catalog(language) if message.id}


def key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def plural_forms(language: str) -> dict[int, set[str]]:
    """Return what CLDR calls each plural form that the catalog counts, by its number."""
    rule = Locale.parse(language, sep="-").plural_form
    number = c2py(catalog(language).plural_expr)
    found: dict[int, set[str]] = {}
    for n in range(2000):
        found.setdefault(number(n), set()).add(rule(n))
    return found


def test_ten_languages_are_shipped() -> None:
    assert set(LANGUAGES) == {"en", "de", "fr", "es", "it", "pt-BR", "nl", "pl", "ja", "ar"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_english_says(language: str) -> None:
    missing, unknown = keys("en") - keys(language), keys(language) - keys("en")
    assert not missing, f"{CATALOGS[language]} has no text of " + ", ".join(sorted(missing))
    assert not unknown, f"{CATALOGS[language]}, but not English: " + ", ".join(sorted(unknown))
    counted = {m.id[0] for m in catalog("en") if isinstance(m.id, tuple)}
    assert counted == {m.id[0] for m in catalog(language) if isinstance(m.id, tuple)}
    assert len(keys("en")) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty_fuzzy_or_twice_there(language: str) -> None:
    source = CATALOGS[language].read_text()
    written = re.findall(r'^msgid "(.+)"$', source, re.M)
    assert not [key for key, times in Counter(written).items() if times > 1]
    for message in catalog(language):
        if message.id:
            assert all(text.strip() == text != "" for text in texts(message)), message.id
            assert not message.fuzzy


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_english_and_plain_names(language: str) -> None:
    forms = plural_forms(language)
    for message in catalog(language):
        if not message.id:
            continue
        expected = set.union(*map(names, texts(catalog("en")[message.id])))
        for number, text in enumerate(texts(message)):
            in_words = len(texts(message)) > 2 and forms[number] <= ONE_NUMBER
            spared = {"count"} if in_words else set()
            assert expected - spared <= names(text) <= expected, (message.id, text)
            assert all(name.isidentifier() for name in names(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_those_of_cldr(language: str) -> None:
    """Each number of the catalog is one form of CLDR, and every counted message has them all."""
    forms = plural_forms(language)
    assert all(len(each) == 1 for each in forms.values()), forms
    assert len(set.union(*forms.values())) == len(forms) == catalog(language).num_plurals
    for message in catalog(language):
        if isinstance(message.id, tuple):
            assert len(texts(message)) == len(forms), message.id


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_messages_are_translated(language: str) -> None:
    english, other = catalog("en"), catalog(language)
    same = {
        message.id if isinstance(message.id, str) else message.id[0]
        for message in english
        if message.id and set(texts(other[message.id])) & set(texts(message))
    }
    expected = {key for key, languages in SAME_AS_ENGLISH.items() if language in languages}
    assert same == expected, "said as in English: " + ", ".join(sorted(same ^ expected))


@pytest.mark.parametrize(
    ("language", "script"), [("ar", "[\u0600-\u06ff]"), ("ja", "[\u3040-\u30ff\u4e00-\u9fff]")]
)
def test_languages_of_other_scripts_are_written_in_them(language: str, script: str) -> None:
    for message in catalog(language):
        if message.id and message.id != "login.email_placeholder":
            assert all(re.search(script, text) for text in texts(message)), message.id


_PERSON = {
    "fr": r"[Vv]ous (?:êtes|serez|étiez|avez été|n’y serez \w+) (?:\w+ )?"
    r"(?:dé)?(?:connecté|dirigé|invité|redirigé|inscrit)\b|[Rr]ester connecté\b",
    "es": r"\b(?:conectado|invitado|bienvenido|registrado|seguro de que|llevado)\b",
    "it": r"\bsei stat[oa]\b|\bdisconness[oa]\b|\bsei invitat[oa]\b|^[Bb]envenut[oa]\b",
    "pt-BR": r"\b(?:você (?:será|foi|está sendo) \w+[oa]do\b|bem-vindo|mesmo acabou)",
    "pl": r"\b\w+(?:łeś|łaś)\b|\b[Pp]an[ai]?\b|\bpowinien(?:eś)?\b",
    "ar": r"لم تكن أنت|أنت مدعو|مسجلًا للدخول|متأكد|هل تريد|"
    r"(?:^|[.:؟،] ?(?:ثم |و)?)(?:حاول|اختر|سجّل الدخول|افتح|ارجع|تجاهل|أدخل الر)",
}
"""What says of whoever reads it that they are a man, or a woman, where others need not know."""
_OTHER_ADDRESS = {
    "de": r"\b(?:[Dd]u|[Dd]ein\w*|[Dd]ich|[Dd]ir)\b",
    "fr": r"\b(?:[Tt]u|[Tt]on|[Tt]es|[Tt]oi)\b",
    "es": r"\b(?:[Tt]ú|[Tt]us?|[Tt]e|[Vv]osotros|[Vv]uestr\w+)\b",
    "it": r"\b(?:Lei|Suo|Sua|Suoi|Sue|Le verrà)\b",
    "pt-BR": r"\b(?:[Tt]u|[Tt]eu|[Tt]ua|[Vv]ós)\b",
    "nl": r"\b(?:[Jj]e|[Jj]ij|[Jj]ou|[Jj]ouw|[Jj]ullie)\b",
}
"""How people are not addressed here: all texts of a language say the one or the other."""


@pytest.mark.parametrize("language", _PERSON)
def test_nobody_is_taken_for_a_man_or_a_woman(language: str) -> None:
    found = re.compile(_PERSON[language])
    said = [(key(m), text) for m in catalog(language) if m.id for text in texts(m)]
    assert not [each for each in said if found.search(each[1])]


@pytest.mark.parametrize("language", _OTHER_ADDRESS)
def test_people_are_addressed_in_one_way(language: str) -> None:
    found = re.compile(_OTHER_ADDRESS[language])
    said = [(key(m), text) for m in catalog(language) if m.id for text in texts(m)]
    assert not [each for each in said if found.search(each[1])]


@pytest.mark.parametrize(
    ("language", "strange"),
    [
        ("ja", r"[?!,;]|: |[\u3040-\u30ff\u4e00-\u9fff][.(]"),
        ("ar", r"[?;]|,(?!\d)"),
        ("fr", r"\w[:;?!](?!//)(?:\s|$)|'"),
        ("it", r"\w'\w"),
    ],
)
def test_signs_are_those_of_the_language(language: str, strange: str) -> None:
    found = re.compile(strange)
    said = [(key(m), text) for m in catalog(language) if m.id for text in texts(m)]
    assert not [each for each in said if found.search(each[1])]


def test_every_key_in_a_template_exists(pages: Pages) -> None:
    source = "".join(
        path.read_text() for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".txt")
    )
    found = set(re.findall(r"""(?:\bt|\brich|\bknown)\(\s*["']([a-z0-9_.]+)["']""", source))
    assert len(found) > 30
    names = (
        "client_name",
        "domain",
        "browser",
        "system",
        "day",
        "address",
        "company",
        "account",
        "email",
        "scope",
        "resource",
        "claims",
        "time",
        "api",
        "name",
        "inviter",
        "upstream",
        "connection",
        "items",
        "left",
        "passkey",
        *("claim", "until"),
    )
    counted = {
        "two_factor.trust",
        "login.retry_after",
        "login.lock_answer",
        "emails.invitation.expires",
        "emails.otp_code.expires",
        "emails.link_expires",
        "emails.link_expires_days",
        "new_password.hint",
        "magic_link.code_expires",
        "new_password.so_far",
        "new_password.too_short",
    }
    for key in found - counted:
        values = dict.fromkeys(names, "v")
        assert pages.text("en", key, **values)


def test_counted_messages_follow_the_plural_of_their_language(pages: Pages) -> None:
    assert pages.text("en", "login.retry_after", count=1).endswith("1 minute.")
    assert pages.text("en", "login.retry_after", count=3).endswith("3 minutes.")
    assert "1 Minute " in pages.text("de", "login.retry_after", count=1)
    assert "3 Minuten " in pages.text("de", "login.retry_after", count=3)
    assert "1 minute," in pages.text("en", "login.lock_answer", count=1)


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("pl", 1, "za 1 minutę."),
        ("pl", 2, "za 2 minuty."),
        ("pl", 5, "za 5 minut."),
        ("pl", 12, "za 12 minut."),
        ("pl", 22, "za 22 minuty."),
        ("ar", 1, "دقيقة واحدة"),
        ("ar", 2, "دقيقتين"),
        ("ar", 3, "3 دقائق"),
        ("ar", 11, "11 دقيقة"),
        ("ar", 100, "100 دقيقة"),
        ("ja", 1, "1 分後"),
        ("fr", 0, "0 minute."),
        ("pt-BR", 2, "2 minutos."),
    ],
)
def test_counted_messages_have_the_form_of_their_number(
    pages: Pages, language: str, count: int, words: str
) -> None:
    assert words in pages.text(language, "login.retry_after", count=count)


@pytest.mark.parametrize("key", ["", "login.nothing", "login"])
def test_an_unknown_key_is_never_shown(pages: Pages, key: str) -> None:
    with pytest.raises(KeyError):
        pages.text("en", key)


def test_a_language_that_lacks_a_message_says_it_in_english(tmp_path: Path) -> None:
    _write(tmp_path, en="words")
    _write(tmp_path, ar=None)
    assert Pages.load(locale_directory=tmp_path).text("ar", "a.b") == "words"


def test_a_catalog_is_read_once_and_anew_when_it_was_written_again(tmp_path: Path) -> None:
    _write(tmp_path, en="words")
    first, same = (Pages.load(locale_directory=tmp_path) for _ in range(2))
    assert first._language("en") is same._language("en")
    file = _write(tmp_path, en="other words")
    os.utime(file, (0, 0))
    assert Pages.load(locale_directory=tmp_path).text("en", "a.b") == "other words"
    assert first.text("en", "a.b") == "words"


def _write(folder: Path, **texts: str | None) -> Path:
    """Write the catalog of a language with the one text `a.b`, or none."""
    ((language, text),) = texts.items()
    file = folder / language / "LC_MESSAGES" / "porta.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    file.write_text(header + (f'msgid "a.b"\nmsgstr "{text}"\n' if text else ""))
    return file


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
