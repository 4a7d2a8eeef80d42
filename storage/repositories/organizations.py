"""Organizations, by slug and by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from storage.models.organizations import Brand, BrandAssets, Organization
from storage.models.pages import Listed, Page
from storage.postgres.statement import Executor, Row
from storage.repositories.columns import assignments, key_column
from storage.repositories.pagination import Selection, Sort, moment, select_page

_COLUMNS = (
    "id, name, slug, status, is_super_admin, branding_logo_url, branding_favicon_url,"
    " branding_primary_color, branding_company_name, branding_custom_css,"
    " COALESCE(default_locale, 'en'), two_factor_policy, require_pkce, id_token_claims,"
    " id_token_signed_response_alg, email_as_username, brand::text, brand_assets::text,"
    " default_login_methods, registration, registration_domains, trusted_device_days,"
    " password_min_length, refuse_breached_passwords, account_deletion,"
    " EXTRACT(EPOCH FROM updated_at)::float8, era, EXTRACT(EPOCH FROM created_at)::float8, version"
)
SORTS = {"name": Sort("name"), "created_at": moment("created_at")}
"""What a list of organizations can be sorted by."""
DEPENDENTS = ("clients", "users", "api_resources", "branding_assets")
"""Tables of what belongs to an organization, and goes with it."""
_KEPT = ("id", "slug", "status", "is_super_admin", "updated_at", "era", "created_at", "version")
_WRITABLE = frozenset(Organization.__struct_fields__) - set(_KEPT)
_LISTS = ("default_login_methods", "registration_domains")
_BRAND = msgspec.json.Decoder(Brand)
_BRAND_ASSETS = msgspec.json.Decoder(BrandAssets)


class Organizations:
    """The table `organizations`."""

    def __init__(self, pg: Executor) -> None:
        self._pg = pg

    async def find_by_slug(self, slug: str) -> Organization | None:
        """Return the organization of this slug, whatever its status."""
        return (await self.find_by_slugs([slug]))[slug]

    async def find_by_slugs(self, slugs: Sequence[str]) -> dict[str, Organization | None]:
        """Return the organization of each slug, whatever its status, or None."""
        rows = await self._pg.fetch(
            f"SELECT {_COLUMNS} FROM organizations WHERE slug = ANY(%(slugs)s)",  # noqa: S608
            {"slugs": list(slugs)},
        )
        found = {each.slug: each for each in map(_organization, rows)}
        return {slug: found.get(slug) for slug in slugs}

    async def find_by_id(self, id: str) -> Organization | None:
        """Return the organization of this id, whatever its status."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM organizations WHERE id = %(id)s",  # noqa: S608
            {"id": id},
        )
        return _organization(row) if row else None

    async def find_by_key(self, id_or_slug: str) -> Organization | None:
        """Return the organization of this id, else of this slug, whatever its status."""
        row = await self._pg.fetchrow(_by_key(id_or_slug), {"key": id_or_slug})
        return _organization(row) if row else None

    async def list(self) -> tuple[Organization, ...]:
        """Return every organization, by slug."""
        rows = await self._pg.fetch(f"SELECT {_COLUMNS} FROM organizations ORDER BY slug")  # noqa: S608
        return tuple(_organization(row) for row in rows)

    async def list_page(
        self,
        page: Page,
        *,
        status: str | None = None,
        search: str | None = None,
        id: str | None = None,
    ) -> Listed[Organization]:
        """Return a page of organizations: of this status, with `search` in their name or slug."""
        selection = Selection(_COLUMNS, "organizations", SORTS)
        if status is not None:
            selection.where("status = %(status)s", status=status)
        selection = selection.search(r"(name || E'\x1f' || slug)", search)
        if id is not None:
            selection.where("id = %(only)s::uuid", only=id)
        return await select_page(self._pg, selection, page, _organization)

    async def find_super_admin(self) -> Organization | None:
        """Return the organization of those who administer the installation."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM organizations WHERE is_super_admin"  # noqa: S608
        )
        return _organization(row) if row else None

    async def insert(self, organization: Organization) -> Organization | None:
        """Add an organization and return it as it is stored; None when its slug is taken.

        The transaction can go on. AlreadyExists when a second one is to be the super-admin
        organization.
        """
        row = await self._pg.fetchrow(
            f"""
            INSERT INTO organizations (
                id, name, slug, status, is_super_admin, branding_logo_url, branding_favicon_url,
                branding_primary_color, branding_company_name, branding_custom_css,
                default_locale, two_factor_policy, require_pkce, id_token_claims,
                id_token_signed_response_alg, email_as_username, brand, brand_assets,
                default_login_methods, registration, registration_domains, trusted_device_days,
                password_min_length, refuse_breached_passwords, account_deletion
            ) VALUES (
                %(id)s, %(name)s, %(slug)s, %(status)s, %(is_super_admin)s,
                %(branding_logo_url)s, %(branding_favicon_url)s, %(branding_primary_color)s,
                %(branding_company_name)s, %(branding_custom_css)s, %(default_locale)s,
                %(two_factor_policy)s, %(require_pkce)s, %(id_token_claims)s,
                %(id_token_signed_response_alg)s, %(email_as_username)s, %(brand)s::jsonb,
                %(brand_assets)s::jsonb,
                %(default_login_methods)s::text[], %(registration)s,
                %(registration_domains)s::text[], %(trusted_device_days)s,
                %(password_min_length)s, %(refuse_breached_passwords)s, %(account_deletion)s
            )
            ON CONFLICT (slug) DO NOTHING
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            _encoded(msgspec.structs.asdict(organization)),
        )
        return _organization(row) if row else None

    async def find_for_update(self, id_or_slug: str) -> Organization | None:
        """Return the organization of this id, else of this slug, and hold it until the end of the
        transaction.
        """
        row = await self._pg.fetchrow(
            f"{_by_key(id_or_slug)} FOR NO KEY UPDATE", {"key": id_or_slug}
        )
        return _organization(row) if row else None

    async def update(self, id: str, changes: Mapping[str, object]) -> Organization | None:
        """Write these columns alone, and return the whole row as it is then.

        Never its slug, its status, or whether it is the super-admin's.
        """
        columns = assignments(changes, _WRITABLE, _placeholder)
        row = await self._pg.fetchrow(
            f"UPDATE organizations SET {columns} WHERE id = %(id)s RETURNING {_COLUMNS}",  # noqa: S608
            {**_encoded(changes), "id": id},
        )
        return _organization(row) if row else None

    async def set_status(self, id: str, status: str) -> Organization | None:
        """Change the status, and return the organization with it.

        The super-admin organization stays active: for it, and where there is none, the answer is
        None.
        """
        row = await self._pg.fetchrow(
            f"""
            UPDATE organizations SET status = %(status)s
            WHERE id = %(id)s AND (NOT is_super_admin OR %(status)s = 'active')
            RETURNING {_COLUMNS}
            """,  # noqa: S608
            {"id": id, "status": status},
        )
        return _organization(row) if row else None

    async def begin_era(self, id: str) -> bool:
        """End everything that was issued in it; tell whether there is such an organization."""
        touched = await self._pg.execute(
            "UPDATE organizations SET era = era + 1 WHERE id = %(id)s", {"id": id}
        )
        return touched == 1

    async def count_dependents(self, id: str) -> dict[str, int]:
        """Return how many rows of each kind go when the organization is deleted."""
        counts = ", ".join(
            f"(SELECT count(*) FROM {table} WHERE organization_id = %(id)s)"  # noqa: S608
            for table in DEPENDENTS
        )
        row = await self._pg.fetchrow(f"SELECT {counts}", {"id": id})
        assert row is not None
        return dict(zip(DEPENDENTS, row, strict=True))

    async def delete(self, id: str) -> bool:
        """Delete an organization with all that belongs to it; never the super-admin's."""
        deleted = await self._pg.execute(
            "DELETE FROM organizations WHERE id = %(id)s AND NOT is_super_admin", {"id": id}
        )
        return deleted == 1


def _by_key(key: str) -> str:
    return f"SELECT {_COLUMNS} FROM organizations WHERE {key_column(key)} = %(key)s"  # noqa: S608


def _placeholder(name: str) -> str:
    casts = {"brand": "::jsonb", "brand_assets": "::jsonb", **dict.fromkeys(_LISTS, "::text[]")}
    return f"%({name})s{casts.get(name, '')}"


def _encoded(values: Mapping[str, object]) -> dict[str, object]:
    encoded = dict(values)
    for name in ("brand", "brand_assets"):
        if name in encoded:
            text = msgspec.json.encode(encoded[name]).decode()
            encoded[name] = None if text == "{}" else text
    for name in _LISTS:
        if name in encoded:
            encoded[name] = list(cast(Sequence[str], values[name]))
    return encoded


def _organization(row: Row) -> Organization:
    *values, updated_at, era, created_at, version = row
    *values, password_min_length, refuse_breached, account_deletion = values
    *values, registration, domains, days = values
    *values, brand, brand_assets, login_methods = values
    named = zip(Organization.__struct_fields__, values, strict=False)
    return Organization(
        **dict(named),
        brand=_BRAND.decode(brand) if brand else Brand(),
        brand_assets=_BRAND_ASSETS.decode(brand_assets) if brand_assets else BrandAssets(),
        default_login_methods=tuple(login_methods),
        registration=registration,
        registration_domains=tuple(domains),
        trusted_device_days=days,
        password_min_length=password_min_length,
        refuse_breached_passwords=refuse_breached,
        account_deletion=account_deletion,
        updated_at=updated_at,
        era=era,
        created_at=created_at,
        version=version,
    )
