"""Brands that pages are looked at in: none, bright, deep, warm, and one of custom CSS."""

from __future__ import annotations

from storage.models.organizations import Brand, BrandTexts, Organization
from tests import factories

LINKS = {
    "support_url": "https://acme.example/help",
    "privacy_url": "https://acme.example/privacy",
    "terms_url": "https://acme.example/terms",
    "imprint_url": "https://acme.example/imprint",
}


def _linked(**tokens: object) -> Brand:
    return Brand(**{**LINKS, **tokens})  # type: ignore[arg-type]


BRANDS: dict[str, Organization | None] = {
    "none": None,
    "bare": factories.organization(id="0", name="Acme", slug="acme"),
    "bright": factories.organization(
        id="1",
        name="Sunny Side",
        slug="acme",
        branding_primary_color="#FFD400",
        branding_logo_url="/pictures/logo.svg",
        brand=_linked(
            background="picture", background_url="/pictures/hills.svg", radius=0, font="geometric"
        ),
    ),
    "deep": factories.organization(
        id="2",
        name="Nachtwerk",
        slug="acme",
        branding_primary_color="#2E1A6B",
        brand=_linked(page_color="#120A24", card_color="#1B1033", radius=28, font="rounded"),
    ),
    "warm": factories.organization(
        id="3",
        name="Möbel & Co",
        slug="acme",
        branding_primary_color="#C2410C",
        branding_logo_url="/pictures/logo.svg",
        brand=_linked(
            ink_color="#3B2F1E",
            page_color="#FFF3E4",
            card_color="#FFFCF7",
            radius=8,
            font="serif",
            card_position="start",
            logo_dark_url="/pictures/logo-dark.svg",
            texts=(
                BrandTexts(
                    language="de",
                    title="Willkommen zurück",
                    lead="Melden Sie sich mit Ihrem Kundenkonto an.",
                    help="Fragen? 030 12 34 56, werktags 8 bis 18 Uhr.",
                    note="Eine Marke der Acme Handels AG, Berlin",
                ),
                BrandTexts(language="en", title="Welcome back", help="Questions? Call 030 12 34."),
            ),
        ),
    ),
    "grey": factories.organization(
        id="4",
        name="Mittelgrau",
        slug="acme",
        branding_primary_color="#7F7F7F",
        brand=_linked(page_color="#777777", card_color="#808080", ink_color="#7A7A7A"),
    ),
    "css": factories.organization(
        id="5",
        name="Eigenes CSS",
        slug="acme",
        branding_primary_color="#0F766E",
        branding_custom_css="body{background:#1b1033}.container{border-radius:2px}",
        brand=_linked(),
    ),
}
BRANDS |= {
    # A light brand that has written what it could, and a colour that suits neither scheme.
    "light": factories.organization(
        id="6",
        name="Sommerwiese",
        slug="acme",
        branding_primary_color="#65A30D",
        branding_custom_css=(
            "body{background:#fefce8}.container{background:#fffffb;border:2px solid #d9f99d;"
            "border-radius:4px;box-shadow:none}h1{color:#365314;font-weight:500}"
            ".btn-primary{border-radius:999px;text-transform:uppercase}a{color:#4d7c0f}"
            ".header{border-bottom:1px solid #d9f99d;padding-bottom:12px}"
        ),
        brand=_linked(texts=(BrandTexts(language="de", help="Fragen? Rufen Sie uns an."),)),
    ),
    "awkward": factories.organization(
        id="7",
        name="Schwarz & Gelb Verkehrsbetriebe",
        slug="acme",
        branding_primary_color="#3B0A45",
        branding_logo_url="/pictures/logo.svg",
        brand=_linked(
            page_color="#F5E9FF",
            radius=32,
            font="serif",
            logo_dark_url="/pictures/logo-dark.svg",
            home_url="https://acme.example/apps",
        ),
    ),
}
PICTURES = {
    "logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 206 48" width="206"'
    ' height="48">'
    '<rect width="48" height="48" rx="8" fill="#c2410c"/>'
    '<text x="60" y="34" font-size="28" font-family="sans-serif" fill="#222">Signet</text></svg>',
    "logo-dark.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 206 48" width="206"'
    ' height="48"><rect width="48" height="48" rx="8" fill="#fdba74"/>'
    '<text x="60" y="34" font-size="28" font-family="sans-serif" fill="#fff">Signet</text></svg>',
    "hills.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 90"'
    ' preserveAspectRatio="xMidYMid slice"><rect width="160" height="90" fill="#8ecae6"/>'
    '<path d="M0 60 Q40 30 80 60 T160 50 V90 H0z" fill="#219ebc"/>'
    '<path d="M0 75 Q50 50 100 75 T160 70 V90 H0z" fill="#023047"/></svg>',
}
