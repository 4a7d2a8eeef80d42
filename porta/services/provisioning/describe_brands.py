"""Looks of organizations and of their clients, as a provisioning document has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from porta.services.brands import OF_1X, BrandingPatch, BrandLinks, BrandWords, LookPatch
from storage.models.organizations import Brand, ClientBrand, Organization

Entry = dict[str, Any]
_APART = frozenset({"links", "texts"})


def said(record: object, names: Iterable[str]) -> Entry:
    """Return these fields, without those that have no value."""
    told = {name: getattr(record, name) for name in names}
    return {name: value for name, value in told.items() if value is not None}


def describe_branding(organization: Organization) -> Entry:
    """Return the look of an organization."""
    brand, apart = organization.brand, {*_APART, *OF_1X}
    told = {name: getattr(organization, f"branding_{name}") for name in OF_1X}
    told |= {name: getattr(brand, name) for name in BrandingPatch.model_fields if name not in apart}
    return _look(told, brand)


def describe_brand(brand: ClientBrand) -> Entry:
    """Return the look of a client."""
    names = [name for name in LookPatch.model_fields if name not in _APART]
    return _look({name: getattr(brand, name) for name in names}, brand)


def _look(told: Entry, brand: Brand) -> Entry:
    links = {name: getattr(brand, f"{name}_url") for name in BrandLinks.model_fields}
    told["links"] = {name: url for name, url in links.items() if url is not None}
    told["texts"] = {
        each.language: said(each, BrandWords.model_fields)
        for each in sorted(brand.texts, key=lambda each: each.language)
    }
    return {name: value for name, value in told.items() if value not in (None, {})}
