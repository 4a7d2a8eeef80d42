"""Client brand: an organization as one of its own clients shows it.

What a client says stands in the place of what its organization says, piece by piece. A client of
somebody else says nothing: its consent page would look like a page of the organization.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec.structs import asdict, replace

from storage.models.clients import Client
from storage.models.organizations import (
    Brand,
    BrandTexts,
    ClientBrand,
    Organization,
)


class Dressed(Organization, frozen=True, kw_only=True):
    """An organization in the look of one of its clients; in all else it is what it was."""

    dressed_for: str
    """The client_id."""


def dress(organization: Organization, client: Client | None) -> Organization:
    """Return the organization as its client shows it: itself, where that has no look of its own."""
    if client is None or client.brand is None or not client.is_first_party:
        return organization
    return _dress(organization, client.client_id, client.brand)


@lru_cache(maxsize=256)
def _dress(organization: Organization, client_id: str, own: ClientBrand) -> Dressed:
    said = {name: getattr(own, name) for name in Brand.__struct_fields__}
    tokens = {name: value for name, value in said.items() if value not in (None, ())}
    assets, plain = organization.brand_assets, asdict(organization)
    if own.logo_url is not None:
        assets = replace(assets, logo=None, logo_dark=None)
        tokens["logo_dark_url"] = own.logo_dark_url
    if own.favicon_url is not None:
        assets = replace(assets, favicon=None)
    texts = _over(organization.brand.texts, own.texts)
    plain |= _columns(own)
    # Written for the organization's colours, and for what its pages hold.
    plain["branding_custom_css"] = None
    plain["brand"] = replace(organization.brand, **(tokens | {"texts": texts}))
    plain["brand_assets"] = assets
    return Dressed(**plain, dressed_for=client_id)


def _columns(own: ClientBrand) -> dict[str, Any]:
    said = {
        "branding_primary_color": own.primary_color,
        "branding_company_name": own.company_name,
        "branding_logo_url": own.logo_url,
        "branding_favicon_url": own.favicon_url,
    }
    return {name: value for name, value in said.items() if value is not None}


def _over(below: tuple[BrandTexts, ...], above: tuple[BrandTexts, ...]) -> tuple[BrandTexts, ...]:
    """Return the texts of each language: the upper ones, where there are any."""
    return tuple(({each.language: each for each in (*below, *above)}).values())
