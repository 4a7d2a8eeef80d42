"""Message catalogs (gettext): the texts of every language, and an operator's over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import BinaryIO

from babel import Locale
from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from porta.errors import Invalid, Problem
from porta.pages.overrides import EVERY

_HERE = Path(__file__).parents[1]
_DOMAIN = "porta"
FALLBACK = "en"
"""The language whose catalog is complete by definition."""
Text = Callable[..., str]
"""From the key of a message and its values to plain text; see `say`."""


@dataclass(frozen=True, slots=True)
class Language:
    tag: str
    name: str
    """As those call it who speak it, and as a menu begins it."""
    direction: str
    messages: Translations


def say(messages: Translations, message_key: str, /, **values: object) -> str:
    """Return a message as plain text; `count` chooses its plural form.

    Raises KeyError for an unknown key.
    """
    count = values.get("count")
    if isinstance(count, int):
        found = messages.ngettext(message_key, message_key, count)
    else:
        found = messages.gettext(message_key)
    if found == message_key or not message_key:
        raise KeyError(message_key)
    return found.format_map(values) if values else found


def find_data_folder(name: str) -> Path:
    """Return a folder of data: inside the package (an installed wheel), else beside it."""
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parent / name


@cache
def find_languages() -> tuple[str, ...]:
    """Return the languages that there are catalogs of, as BCP 47 tags."""
    return tuple(map(_tag, map(Locale.parse, (path.parts[-3] for path in _catalogs(None)))))


def load_languages(directory: Path | None, own: Mapping[str, str]) -> dict[str, Language]:
    """Return every language by its tag, in the order of their names; `own` are an operator's
    catalogs by language, whose messages come first.

    Raises OSError and babel's PoFileError for a catalog of ours, Invalid for an operator's.
    """
    found = _shipped(tuple((path, path.stat().st_mtime_ns) for path in _catalogs(directory)))
    english = found[FALLBACK].messages
    place = f"locales/{EVERY}"
    return dict(found) | {
        tag: replace(found[tag], messages=lay_over(source, found[tag], english, place))
        for tag, source in own.items()
    }


@lru_cache(maxsize=2)
def _shipped(catalogs: tuple[tuple[Path, int], ...]) -> Mapping[str, Language]:
    """Every language of these files, as of the time that they were written: those of several
    runtimes of one process are read once.
    """
    read = sorted(
        (_read_language(path) for path, _ in catalogs), key=lambda language: language.name
    )
    found = {language.tag: language for language in read}
    for language in read:
        if language.tag != FALLBACK:
            language.messages.add_fallback(found[FALLBACK].messages)
    return found


def lay_over(source: str, language: Language, english: Translations, place: str) -> Translations:
    """Return an operator's catalog before that of a language. Raises Invalid for what is no text
    of Porta, or asks for a value that the text has not.
    """
    try:
        messages, catalog = _compile(BytesIO(source.encode()), _locale(language.tag))
    except PoFileError as error:
        raise Invalid(f"{place}/{language.tag}.po: {error}") from None
    problems = list(_faults(catalog, english))
    if problems:
        where = f"{place}/{language.tag}.po"
        raise Invalid(problems=[Problem((where,), problem) for problem in problems])
    messages.add_fallback(language.messages)
    return messages


def _faults(messages: list[Message], english: Translations) -> Iterator[str]:
    for message in messages:
        key = message.id if isinstance(message.id, str) else message.id[0]
        counted = not isinstance(message.id, str)
        known = english.ngettext(key, key, 7) if counted else english.gettext(key)
        if known == key:
            yield f"{key} is no message of Porta"
            continue
        try:
            unknown = {n for text in _texts(message) for n in _names(text)} - _names(known)
        except ValueError as error:
            yield f"{key} is malformed: {error}"
            continue
        if unknown:
            yield f"{key} has no value {', '.join(sorted(unknown))}"


def _texts(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (str(message.string),)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _catalogs(directory: Path | None) -> list[Path]:
    return sorted((directory or find_data_folder("locale")).glob(f"*/LC_MESSAGES/{_DOMAIN}.po"))


def _tag(locale: Locale) -> str:
    return str(locale).replace("_", "-")


def _locale(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")


def _read_language(path: Path) -> Language:
    locale = Locale.parse(path.parent.parent.name)
    with path.open("rb") as source:
        messages, _ = _compile(source, locale)
    name = locale.get_display_name() or _tag(locale)
    return Language(
        tag=_tag(locale),
        name=name[:1].upper() + name[1:],
        direction=locale.text_direction,
        messages=messages,
    )


def _compile(source: BinaryIO, locale: Locale) -> tuple[Translations, list[Message]]:
    catalog = read_po(source, locale=locale, domain=_DOMAIN, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled, _DOMAIN), [message for message in catalog if message.id]
