"""Slugs: one canonical spelling, and what is reserved."""

from __future__ import annotations

import pytest

from porta.errors import Invalid
from porta.tenants import slugs


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Corporation", "acme-corporation"),
        ("  Möbel & Co. KG  ", "mobel-co-kg"),
        ("A--B__C", "a-b-c"),
        ("日本", ""),
        ("x" * 99 + " y", "x" * 99),
    ],
)
def test_slugify(name: str, slug: str) -> None:
    assert slugs.slugify(name) == slug


@pytest.mark.parametrize("slug", ["abc", "a-c", "porta-admin", "9to5", "a" * 100])
def test_organization_slug(slug: str) -> None:
    assert slugs.parse_organization_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    ["", "ab", "-abc", "abc-", "Abc", "a_c", "a.c", "a/c", "abc\n", "abc ", "äbc", "a" * 101],
)
def test_no_organization_slug(slug: str) -> None:
    with pytest.raises(Invalid, match="3 to 100"):
        slugs.parse_organization_slug(slug)


@pytest.mark.parametrize(
    "slug",
    [
        "health",
        "ready",
        "live",
        "metrics",
        "static",
        "interaction",
        "admin",
        "api",
        "login",
        "jwks",
    ],
)
def test_reserved_organization_slug(slug: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        slugs.parse_organization_slug(slug)


@pytest.mark.parametrize("slug", ["admin", "system", "internal", "default"])
def test_reserved_application_slug(slug: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        slugs.parse_application_slug(slug)


@pytest.mark.parametrize("slug", ["a", "admin", "porta-super-admin", "a" * 100])
def test_role_slug(slug: str) -> None:
    assert slugs.parse_role_slug(slug) == slug


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "a\n", "a" * 101])
def test_no_role_slug(slug: str) -> None:
    with pytest.raises(Invalid):
        slugs.parse_role_slug(slug)


@pytest.mark.parametrize("slug", ["crm:contacts:read", "a:b:c:d-e", "a:b:" + "c" * 146])
def test_permission_slug(slug: str) -> None:
    assert slugs.parse_permission_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "read",
        "crm:read",
        "crm::read",
        "crm:contacts:",
        "CRM:a:b",
        "a:b:c\n",
        "a:b:" + "c" * 147,
    ],
)
def test_no_permission_slug(slug: str) -> None:
    with pytest.raises(Invalid, match="three parts"):
        slugs.parse_permission_slug(slug)
