"""E-mails in a language and an organization's look: Tornado templates, Babel catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from porta.emails.message import Letter
from porta.pages import branding
from porta.pages.branding import DEFAULT_COLOR
from porta.pages.catalogs import find_data_folder
from porta.pages.colors import DARK, LIGHT, is_color, is_dark, mend
from porta.pages.render import Pages
from porta.pages.themes import Themes
from storage.models.organizations import Organization


class Emails:
    """Every e-mail, as HTML and as text; their words are those of the pages' catalogs."""

    def __init__(self, pages: Pages, issuer_base_url: str, directory: Path | None = None) -> None:
        self._pages = pages
        self._base = issuer_base_url
        root, own = directory or find_data_folder("templates"), pages.own.templates
        self._html = Themes(root, own, autoescape="xhtml_escape", whitespace="oneline")
        self._text = Themes(root, own, autoescape=None, whitespace="all")

    def render(
        self,
        template: str,
        subject: str,
        organization: Organization,
        locale: str,
        /,
        **values: Any,
    ) -> Letter:
        """Return the e-mail `template` of `templates/emails`, under a `subject` in its language.

        Raises KeyError for a message that no catalog has, NameError for a value that is missing.
        """
        brand, slug = branding.brand(organization), organization.slug
        language = self.language(locale)
        color = organization.branding_primary_color
        primary = color if color and is_color(color) else DEFAULT_COLOR
        context = values | {
            "t": self._pages.texts(organization, language),
            "lang": language,
            "direction": self._pages.direction(language),
            "subject": subject,
            "company": brand.company,
            "logo_url": self._absolute(brand.logo_url),
            "links": [(link.text, self._absolute(link.url)) for link in brand.links],
            "help": brand.says(language).help,
            "button_color": primary,
            "button_text": LIGHT if is_dark(primary) else DARK,
            "link_color": mend(primary, LIGHT),
        }
        return Letter(
            subject=subject,
            text=_tidy(self._text.generate(f"emails/{template}.txt", slug, context)),
            html=self._html.generate(f"emails/{template}.html", slug, context),
            language=language,
            sender_name=brand.company,
        )

    def write(
        self, template: str, organization: Organization, /, *wanted: str | None, **values: Any
    ) -> Letter:
        """Return the e-mail `template` in the first language of `wanted` that there is, or else in
        the organization's, under the text `emails.{template}.subject`. Raises as `render`.
        """
        language = self.language(*wanted, organization.default_locale)
        company = branding.brand(organization).company
        subject = self.words(language, f"emails.{template}.subject", company=company)
        return self.render(template, subject, organization, language, **values)

    def language(self, *wanted: str | None) -> str:
        """Return the language to write in: the first of `wanted` that there is a catalog of."""
        return self._pages.negotiate(None, None, *wanted)

    def words(self, locale: str, key: str, **values: object) -> str:
        """Return a message as plain text, for a subject."""
        return self._pages.text(locale, key, **values)

    def _absolute(self, url: str) -> str:
        """A mail stands nowhere: a path of ours is told with its host."""
        return f"{self._base}{url}" if url.startswith("/") else url


def _tidy(text: str) -> str:
    """Return `text` without the blank lines that parts of the template left."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept) + "\n"
