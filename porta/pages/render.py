"""Pages in a language: Tornado templates, Babel catalogs, and the files that pages link to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from tornado.escape import xhtml_escape
from tornado.template import Loader

from porta.pages import branding, languages
from porta.pages.skeletons import Skeleton, blank
from porta.pages.static_files import Static, StaticFiles
from porta.pages.values import (
    PAGES,
    check_values,
    common_values,
    destination,
    form_action,
    minutes,
    web_url,
)
from storage.models.organizations import Organization

_HERE = Path(__file__).parents[1]
_DOMAIN = "porta"
_SPECIAL = re.compile(rb"""[&<>"']""")
FALLBACK = "en"
"""The language whose catalog is complete by definition."""
_SKELETONS = 1024
"""Skeletons that are kept, of some 4 KB each: those used last."""


@dataclass(frozen=True, slots=True)
class _Language:
    tag: str
    name: str
    """As those call it who speak it, and as a menu begins it."""
    direction: str
    messages: Translations


class Pages:
    """Every page, every text and every static file, read once."""

    def __init__(
        self, loader: Loader, catalogs: dict[str, _Language], static: StaticFiles, debug: bool
    ) -> None:
        self._loader = loader
        self._languages = catalogs
        self._static = static
        self._debug = debug
        self._skeleton = lru_cache(maxsize=_SKELETONS)(self._make_skeleton)
        loader.namespace.update(
            static_url=static.url,
            web_url=web_url,
            form_action=form_action,
            destination=destination,
            minutes=minutes,
        )

    @classmethod
    def load(
        cls,
        directory: Path | None = None,
        locale_directory: Path | None = None,
        *,
        base_path: str = "",
        debug: bool = False,
    ) -> Pages:
        """Read and compile everything below the two folders; `debug` reads templates per render.

        `base_path` is the path of the issuer's base URL, and stands before every path in a page.
        Raises OSError, tornado.template.ParseError or babel's PoFileError for what cannot be used.
        """
        root = directory or find_data_folder("templates")
        located = partial(_located, base_path)
        namespace = {"base": base_path, "escaped": _escaped, "located": located}
        loader = Loader(str(root), autoescape="escaped", namespace=namespace, whitespace="oneline")
        pages = cls(
            loader,
            _load_languages(locale_directory),
            StaticFiles(root / "static", base_path),
            debug,
        )
        for name in PAGES:
            loader.load(f"pages/{name}.html")
        return pages

    @property
    def locales(self) -> tuple[str, ...]:
        """Return the languages that pages can be rendered in, as BCP 47 tags."""
        return tuple(self._languages)

    def negotiate(
        self, ui_locales: str | None, accept_language: str | None, *defaults: str | None
    ) -> str:
        """Return the locale to answer in: what is asked for, else the first default that fits.

        Unknown and malformed tags are passed over; the answer is always one of `locales`.
        """
        asked = languages.choose(self._languages, ui_locales, accept_language)
        return (
            asked
            or languages.choose(self._languages, " ".join(filter(None, defaults)), None)
            or FALLBACK
        )

    def text(self, locale: str, message_key: str, **values: object) -> str:
        """Return a message as plain text; `count` chooses its plural form.

        A message that a language lacks is given in English. Raises KeyError for an unknown key.
        """
        messages = self._language(locale).messages
        count = values.get("count")
        if isinstance(count, int):
            found = messages.ngettext(message_key, message_key, count)
        else:
            found = messages.gettext(message_key)
        if found == message_key or not message_key:
            raise KeyError(message_key)
        return found.format_map(values) if values else found

    def render(
        self,
        name: str,
        *,
        organization: Organization | None,
        locale: str,
        menu: str | None = None,
        is_secret: bool = False,
        **values: Any,
    ) -> str:
        """Return a page as HTML. `values` are those of PAGES; `menu` is the query that links of the
        language menu begin with, or None for no such menu. A page whose address `is_secret` shows
        no picture from elsewhere.

        Raises TypeError for values that are missing or unknown.
        """
        page = PAGES[name]
        check_values(name, page, values)
        language = self._language(locale)
        menu = menu if len(self._languages) > 1 else None
        if is_secret:
            return self._render(name, organization, language, menu, values, is_secret=True)
        common = None if self._debug else common_values(page, values)
        if common is None:
            return self._render(name, organization, language, menu, values)
        skeleton = self._skeleton(name, organization, language.tag, menu is not None, common)
        blanks = {each: xhtml_escape(values[each]) for each in page.blanks}
        return skeleton.fill(blanks | {"menu": xhtml_escape(menu or "")})

    def _make_skeleton(
        self,
        name: str,
        organization: Organization | None,
        locale: str,
        has_menu: bool,
        common: tuple[tuple[str, Any], ...],
    ) -> Skeleton:
        """Every argument is part of what a skeleton is kept under: it is the same for the same."""
        values = dict(common) | {each: blank(each) for each in PAGES[name].blanks}
        menu = blank("menu") if has_menu else None
        return Skeleton(self._render(name, organization, self._languages[locale], menu, values))

    def _render(
        self,
        name: str,
        organization: Organization | None,
        language: _Language,
        menu: str | None,
        values: dict[str, Any],
        *,
        is_secret: bool = False,
    ) -> str:
        if self._debug:
            self._loader.reset()
        text = partial(self.text, language.tag)
        template = self._loader.load(f"pages/{name}.html")
        brand = branding.brand(organization)
        brand = brand.without_foreign_pictures() if is_secret else brand
        return template.generate(
            **(PAGES[name].optional | values),
            brand=brand,
            own=brand.says(language.tag),
            menu=menu,
            languages=self._languages.values(),
            language_name=language.name,
            lang=language.tag,
            direction=language.direction,
            t=text,
            rich=partial(_rich, text),
            known=partial(_known, text),
            find=partial(_find, text),
        ).decode()

    def static_url(self, name: str) -> str:
        """Return the path of a static file, its hash in the name. Raises KeyError when unknown."""
        return self._static.url(name)

    def static(self, name: str) -> Static | None:
        """Return the file behind the last segment of a `static_url`, or None."""
        return self._static.find(name)

    def direction(self, locale: str) -> str:
        """Return in which direction a language is written: `ltr` or `rtl`."""
        return self._language(locale).direction

    def _language(self, locale: str) -> _Language:
        return self._languages.get(locale) or self._languages[FALLBACK]


def _located(base_path: str, url: str) -> str:
    """Return where `url` is: a path of ours stands below that of the issuer."""
    return f"{base_path}{url}" if url.startswith("/") else url


def _escaped(value: bytes) -> str | bytes:
    """Return what a template writes, safe in HTML: most values have nothing to escape."""
    return xhtml_escape(value) if _SPECIAL.search(value) else value


def _rich(text: Callable[..., str], key: str, **values: str) -> str:
    """Return a message as HTML, its values escaped, isolated (bidirectional text) and marked."""
    marked = {name: f'<bdi class="name">{xhtml_escape(v)}</bdi>' for name, v in values.items()}
    return xhtml_escape(text(key, **{name: f"{{{name}}}" for name in values})).format_map(marked)


def _known(text: Callable[..., str], *keys: str) -> str:
    """Return the message of the first key that exists; a page is never without words."""
    return next(filter(None, (_find(text, key) for key in keys)), "") or text("errors.generic")


def _find(text: Callable[..., str], key: str) -> str:
    """Return the message of a key that comes from outside a template, or ""."""
    try:
        return text(key)
    except KeyError:
        return ""


def find_data_folder(name: str) -> Path:
    """Return a folder of data: inside the package (an installed wheel), else beside it."""
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parent / name


@cache
def find_languages() -> tuple[str, ...]:
    """Return the languages that there are catalogs of, as BCP 47 tags."""
    return tuple(map(_tag, map(Locale.parse, (path.parts[-3] for path in _catalogs(None)))))


def _catalogs(directory: Path | None) -> list[Path]:
    return sorted((directory or find_data_folder("locale")).glob(f"*/LC_MESSAGES/{_DOMAIN}.po"))


def _tag(locale: Locale) -> str:
    return str(locale).replace("_", "-")


def _load_languages(directory: Path | None) -> dict[str, _Language]:
    read = sorted(map(_read_language, _catalogs(directory)), key=lambda language: language.name)
    found = {language.tag: language for language in read}
    for language in found.values():
        if language.tag != FALLBACK:
            language.messages.add_fallback(found[FALLBACK].messages)
    return found


def _read_language(path: Path) -> _Language:
    locale = Locale.parse(path.parent.parent.name)
    with path.open("rb") as source:
        catalog = read_po(source, locale=locale, domain=_DOMAIN, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    name = locale.get_display_name() or _tag(locale)
    return _Language(
        tag=_tag(locale),
        name=name[:1].upper() + name[1:],
        direction=locale.text_direction,
        messages=Translations(compiled, _DOMAIN),
    )
