"""How an organization looks: its name, logos, links and words, and its style sheet."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from porta.pages.addresses import web_url
from porta.pages.client_brands import Dressed
from porta.pages.colors import is_color, is_dark
from porta.pages.css_schemes import Grounds, in_both_schemes, page_grounds
from porta.pages.css_selectors import spare_buttons
from porta.pages.custom_css import root_color, sanitize
from porta.pages.schemes import scheme
from storage.models.organizations import Brand as Tokens
from storage.models.organizations import BrandAsset, BrandTexts, Organization

DEFAULT_COLOR = "#1F2733"
LARGEST_RADIUS = 32
"""CSS pixels."""
FONTS = {
    "system": 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, Cantarell,'
    ' "Helvetica Neue", Arial, sans-serif',
    "humanist": 'Seravek, "Gill Sans Nova", Ubuntu, Calibri, "DejaVu Sans", source-sans-pro,'
    " sans-serif",
    "geometric": 'Avenir, Montserrat, Corbel, "URW Gothic", source-sans-pro, sans-serif',
    "rounded": 'ui-rounded, "Hiragino Maru Gothic ProN", Quicksand, Comfortaa, Manjari,'
    ' "Arial Rounded MT Bold", Calibri, source-sans-pro, sans-serif',
    "serif": 'Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, "DejaVu Serif", serif',
}
"""Fonts that systems bring: nothing is downloaded, and nobody is told of a visit."""
BACKGROUNDS = ("glow", "plain", "picture")
POSITIONS = ("center", "start")
LINKS = ("support", "privacy", "terms", "imprint")
_DARK = "@supports (color:light-dark(#000,#fff))"
_ASIDE = (
    "@media(min-width:60rem){:root{--page-padding:1.5rem clamp(2rem,9vw,11rem) 1rem}"
    "body{align-items:flex-start}}"
)
_BARE_LOGO = ".logo{padding:0;color:inherit;background:none}"
_VERSION = "6"
"""Raised when the same branding gives another style sheet, so that browsers fetch it anew."""


class Link(NamedTuple):
    """A link of the footer: the key of its text, and where it leads."""

    text: str
    url: str


class Brand(NamedTuple):
    """What templates show of an organization; every part of it may be empty."""

    company: str = ""
    initial: str = ""
    logo_url: str = ""
    logo_dark_url: str = ""
    favicon_url: str = ""
    background_url: str = ""
    home_url: str = ""
    stylesheet_url: str = ""
    slug: str = ""
    links: tuple[Link, ...] = ()
    texts: tuple[BrandTexts, ...] = ()

    def says(self, language: str) -> BrandTexts:
        """Return what the organization says in a language; nothing where it says nothing."""
        for each in self.texts:
            if each.language == language:
                return each
        return _SILENT

    def without_foreign_pictures(self) -> Brand:
        """Return it with those pictures alone that are kept here."""
        return self._replace(
            logo_url=_own(self.logo_url),
            logo_dark_url=_own(self.logo_dark_url),
            favicon_url=_own(self.favicon_url),
            background_url=_own(self.background_url),
        )


def _own(url: str) -> str:
    return url if url.startswith("/") else ""


_SILENT = BrandTexts(language="")
_NEUTRAL = Brand()


def asset_path(organization: Organization, kind: str) -> str:
    """Return the path of an uploaded image below the issuer's; "" where there is none."""
    asset: BrandAsset | None = getattr(organization.brand_assets, kind)
    return f"/{organization.slug}/branding/{asset.name}" if asset is not None else ""


def brand(organization: Organization | None) -> Brand:
    """Return what pages show of `organization`, or a neutral brand for None."""
    return _NEUTRAL if organization is None else _brand(organization)


@lru_cache(maxsize=256)
def _brand(organization: Organization) -> Brand:
    company = (organization.branding_company_name or organization.name).strip()
    tokens = _tokens(organization)
    found = ((name, web_url(getattr(tokens, f"{name}_url"))) for name in LINKS)
    return Brand(
        company=company,
        initial=company[:1].upper(),
        logo_url=asset_path(organization, "logo") or web_url(organization.branding_logo_url),
        logo_dark_url=web_url(tokens.logo_dark_url),
        favicon_url=asset_path(organization, "favicon")
        or web_url(organization.branding_favicon_url),
        background_url=web_url(tokens.background_url) if tokens.background == "picture" else "",
        home_url=web_url(tokens.home_url),
        stylesheet_url=_stylesheet_url(organization),
        slug=organization.slug,
        links=tuple(Link(f"footer.{name}", url) for name, url in found if url),
        texts=tokens.texts,
    )


def _stylesheet_url(organization: Organization) -> str:
    url = f"/{organization.slug}/branding.css?v={stylesheet_version(organization)}"
    whose = organization.dressed_for if isinstance(organization, Dressed) else None
    return f"{url}&client={quote(whose, safe='')}" if whose is not None else url


def stylesheet(organization: Organization) -> str:
    """Return the organization's style sheet: its tokens in both schemes, then its custom CSS.

    A `--primary` that the custom CSS gives `:root` in hex stands for the organization's colour.
    Much CSS takes long to read: on the event loop ask `stylesheets.py`.
    """
    color, tokens = organization.branding_primary_color, _tokens(organization)
    custom = sanitize(organization.branding_custom_css or "")
    custom = spare_buttons(in_both_schemes(custom)) if custom else ""
    primary = root_color(custom) or (color if color and is_color(color) else DEFAULT_COLOR)
    grounds = page_grounds(custom) if custom else Grounds((), ())
    light = scheme(tokens, primary, dark=False, grounds=grounds.light)
    dark = scheme(tokens, primary, dark=True, grounds=grounds.dark)
    # In the layers of page.css: its own later word, for contrast or print, stays the last.
    return (
        f"@layer base{{{_variables(tokens, primary, light, dark)}{_layout(tokens)}}}\n"
        f"@layer guard{{{_guard(tokens, light, dark)}}}\n"
        f"{custom}"
    )


def stylesheet_version(organization: Organization) -> str:
    """Return a short digest that changes when `stylesheet` does."""
    return _version(
        organization.branding_primary_color,
        organization.branding_custom_css,
        _tokens(organization),
    )


def _tokens(organization: Organization) -> Tokens:
    """Return the tokens of a brand, an uploaded logo in the place of the one that has an URL."""
    dark = asset_path(organization, "logo_dark")
    tokens = organization.brand
    return msgspec.structs.replace(tokens, logo_dark_url=dark) if dark else tokens


@lru_cache(maxsize=256)
def _version(color: str | None, custom_css: str | None, tokens: Tokens) -> str:
    looks = msgspec.json.encode(msgspec.structs.replace(tokens, texts=())).decode()
    named = f"{_VERSION}\0{color}\0{custom_css}\0{looks}"
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:16]


def _variables(tokens: Tokens, primary: str, light: dict[str, str], dark: dict[str, str]) -> str:
    more = [f"--primary:{primary.lower()}"]
    if tokens.radius is not None:
        more.append(f"--radius:{min(max(tokens.radius, 0), LARGEST_RADIUS)}px")
    if tokens.font in FONTS:
        more.append(f"--font:{FONTS[tokens.font]}")
    plain = ";".join([*more, *(f"--{name}:{value}" for name, value in light.items())])
    both = ";".join(f"--{name}:light-dark({value},{dark[name]})" for name, value in light.items())
    return f":root{{{plain}}}{_DARK}{{:root{{{both}}}}}"


def _layout(tokens: Tokens) -> str:
    aside = _ASIDE if tokens.card_position == "start" else ""
    # A logo is drawn for the light scheme's card: where that is dark, no card asks for a plate.
    card = tokens.card_color
    fits = tokens.logo_dark_url or (card and is_color(card) and is_dark(card))
    return aside + (_BARE_LOGO if fits else "")


def _guard(tokens: Tokens, light: dict[str, str], dark: dict[str, str]) -> str:
    """Return the colours and the font of what is consented to, which custom CSS cannot change."""
    names = ("edge", "text", "card")
    plain = [f"--guard-{name}:{light[name]}!important" for name in names]
    both = [f"--guard-{name}:light-dark({light[name]},{dark[name]})!important" for name in names]
    if tokens.font in FONTS:
        plain.append(f"--guard-font:{FONTS[tokens.font]}!important")
    return f":root{{{';'.join(plain)}}}{_DARK}{{:root{{{';'.join(both)}}}}}"
