"""Pages in a language and a look: templates, catalogs, and the files that pages link to."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from babel.support import Translations
from tornado.escape import xhtml_escape

from porta.pages import branding, languages
from porta.pages.addresses import destination, form_action, web_url
from porta.pages.catalogs import (
    FALLBACK,
    Language,
    Text,
    find_data_folder,
    find_languages,
    lay_over,
    load_languages,
    say,
)
from porta.pages.overrides import EVERY, NONE, Overrides, read
from porta.pages.skeletons import Skeleton, blank
from porta.pages.static_files import Static, StaticFiles
from porta.pages.template_functions import (
    day,
    escaped,
    find,
    hidden_fields,
    known,
    located,
    retry,
    rich,
)
from porta.pages.themes import Themes
from porta.pages.values import PAGES, check_values, common_values, minutes
from storage.models.organizations import Organization

_SKELETONS = 1024
"""Skeletons that are kept, of some 4 KB each: those used last."""


class Pages:
    """Every page, every text and every static file, read once."""

    def __init__(
        self,
        themes: Themes,
        spoken: dict[str, Language],
        own: Overrides,
        static: StaticFiles,
        debug: bool,
    ) -> None:
        self.own = own
        """What an operator puts over templates and texts."""
        self._themes = themes
        self._languages = spoken
        self._own_texts = _own_texts(spoken, own)
        self._static = static
        self._debug = debug
        self._skeleton = lru_cache(maxsize=_SKELETONS)(self._make_skeleton)

    @classmethod
    def load(
        cls,
        directory: Path | None = None,
        locale_directory: Path | None = None,
        *,
        base_path: str = "",
        debug: bool = False,
        own_folder: str | None = None,
    ) -> Pages:
        """Read and compile everything below the two folders; `debug` reads templates per render.

        `base_path` is the path of the issuer's base URL, and stands before every path in a page;
        `own_folder` has what an operator puts over all of it. Raises OSError, ParseError of
        tornado.template or babel's PoFileError for what cannot be used, and Invalid for what an
        operator's folder has.
        """
        root = directory or find_data_folder("templates")
        own = read(Path(own_folder), root, find_languages()) if own_folder else NONE
        static = StaticFiles(root / "static", base_path)
        namespace = {
            "base": base_path,
            "escaped": escaped,
            "located": partial(located, base_path),
            "static_url": static.url,
            "web_url": web_url,
            "form_action": form_action,
            "destination": destination,
            "minutes": minutes,
        }
        themes = Themes(
            root, own.templates, autoescape="escaped", whitespace="oneline", namespace=namespace
        )
        themes.compile(f"pages/{name}.html" for name in PAGES)
        spoken = load_languages(locale_directory, own.texts.get(EVERY, {}))
        return cls(themes, spoken, own, static, debug)

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

    def spoken(self, locale: str | None) -> str | None:
        """Return the language of pages that fits a person's `locale`, or None."""
        return languages.choose(self._languages, (locale or "").replace("_", "-"), None) or None

    def text(self, locale: str, message_key: str, **values: object) -> str:
        """Return a message as plain text; `count` chooses its plural form.

        A message that a language lacks is given in English. Raises KeyError for an unknown key.
        """
        return say(self._language(locale).messages, message_key, **values)

    def texts(self, organization: Organization | None, locale: str) -> Text:
        """Return what says a message of a language as the organization has it; see `text`."""
        language = self._language(locale)
        key = (organization.slug if organization else "", language.tag)
        return partial(say, self._own_texts.get(key) or language.messages)

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
        """Return a page as HTML. `values` are those of PAGES; `menu` is the query that a choice of
        the language menu is added to, or None for no such menu. A page whose address `is_secret`
        shows no picture from elsewhere.

        Raises TypeError for values that are missing or unknown.
        """
        page = PAGES[name]
        check_values(name, page, values)
        language = self._language(locale)
        menu = hidden_fields(menu) if menu is not None and len(self._languages) > 1 else None
        if is_secret:
            return self._render(name, organization, language, menu, values, is_secret=True)
        common = None if self._debug else common_values(page, values)
        if common is None:
            return self._render(name, organization, language, menu, values)
        skeleton = self._skeleton(name, organization, language.tag, menu is not None, common)
        blanks = {each: xhtml_escape(values[each]) for each in page.blanks}
        return skeleton.fill(blanks | {"menu": menu or ""})

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
        language: Language,
        menu: str | None,
        values: dict[str, Any],
        *,
        is_secret: bool = False,
    ) -> str:
        if self._debug:
            self._themes.reset()
        text = self.texts(organization, language.tag)
        brand = branding.brand(organization)
        brand = brand.without_foreign_pictures() if is_secret else brand
        context = {
            "brand": brand,
            "own": brand.says(language.tag),
            "menu": menu,
            "languages": self._languages.values(),
            "language_name": language.name,
            "lang": language.tag,
            "direction": language.direction,
            "t": text,
            "rich": partial(rich, text),
            "known": partial(known, text),
            "retry": partial(retry, text),
            "find": partial(find, text),
            "day": partial(day, language.tag),
        }
        slug = organization.slug if organization else None
        return self._themes.generate(
            f"pages/{name}.html", slug, PAGES[name].optional | values | context
        )

    def static_url(self, name: str) -> str:
        """Return the path of a static file, its hash in the name. Raises KeyError when unknown."""
        return self._static.url(name)

    def static(self, name: str) -> Static | None:
        """Return the file behind the last segment of a `static_url`, or None."""
        return self._static.find(name)

    def direction(self, locale: str) -> str:
        """Return in which direction a language is written: `ltr` or `rtl`."""
        return self._language(locale).direction

    def _language(self, locale: str) -> Language:
        return self._languages.get(locale) or self._languages[FALLBACK]


def _own_texts(spoken: dict[str, Language], own: Overrides) -> dict[tuple[str, str], Translations]:
    """Return an operator's catalogs for one organization, by its slug and the language."""
    english = spoken[FALLBACK].messages
    return {
        (slug, tag): lay_over(source, spoken[tag], english, f"locales/{slug}")
        for slug, sources in own.texts.items()
        for tag, source in sources.items()
        if slug != EVERY
    }
