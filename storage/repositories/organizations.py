"""Organizations, by slug and by id."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from storage.models.organizations import Brand, Organization
from storage.postgres.statement import Executor, Row

_COLUMNS = (
    "id, name, slug, status, is_super_admin, branding_logo_url, branding_favicon_url,"
    " branding_primary_color, branding_company_name, branding_custom_css,"
    " COALESCE(default_locale, 'en'), two_factor_policy, require_pkce, id_token_claims,"
    " id_token_signed_response_alg, email_as_username, brand::text, default_login_methods,"
    " EXTRACT(EPOCH FROM updated_at)::float8, era"
)

_BRAND = msgspec.json.Decoder(Brand)


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

    async def list(self) -> tuple[Organization, ...]:
        """Return every organization, by slug."""
        rows = await self._pg.fetch(f"SELECT {_COLUMNS} FROM organizations ORDER BY slug")  # noqa: S608
        return tuple(_organization(row) for row in rows)

    async def insert(self, organization: Organization) -> None:
        """Add an organization; AlreadyExists when its slug is taken, or a second one is to be
        the super-admin organization.
        """
        await self._pg.execute(
            """
            INSERT INTO organizations (
                id, name, slug, status, is_super_admin, branding_logo_url, branding_favicon_url,
                branding_primary_color, branding_company_name, branding_custom_css,
                default_locale, two_factor_policy, require_pkce, id_token_claims,
                id_token_signed_response_alg, email_as_username, brand,
                default_login_methods
            ) VALUES (
                %(id)s, %(name)s, %(slug)s, %(status)s, %(is_super_admin)s,
                %(branding_logo_url)s, %(branding_favicon_url)s, %(branding_primary_color)s,
                %(branding_company_name)s, %(branding_custom_css)s, %(default_locale)s,
                %(two_factor_policy)s, %(require_pkce)s, %(id_token_claims)s,
                %(id_token_signed_response_alg)s, %(email_as_username)s, %(brand)s::jsonb,
                %(login_methods)s::text[]
            )
            """,
            _values(organization),
        )

    async def find_for_update(self, id: str) -> Organization | None:
        """Return the organization, and hold it until the end of the transaction."""
        row = await self._pg.fetchrow(
            f"SELECT {_COLUMNS} FROM organizations WHERE id = %(id)s FOR UPDATE",  # noqa: S608
            {"id": id},
        )
        return _organization(row) if row else None

    async def update(self, organization: Organization) -> None:
        """Write everything but its slug, its status, and whether it is the super-admin's."""
        await self._pg.execute(
            """
            UPDATE organizations SET
                name = %(name)s,
                branding_logo_url = %(branding_logo_url)s,
                branding_favicon_url = %(branding_favicon_url)s,
                branding_primary_color = %(branding_primary_color)s,
                branding_company_name = %(branding_company_name)s,
                branding_custom_css = %(branding_custom_css)s,
                default_locale = %(default_locale)s,
                two_factor_policy = %(two_factor_policy)s,
                require_pkce = %(require_pkce)s,
                id_token_claims = %(id_token_claims)s,
                id_token_signed_response_alg = %(id_token_signed_response_alg)s,
                email_as_username = %(email_as_username)s,
                brand = %(brand)s::jsonb,
                default_login_methods = %(login_methods)s::text[]
            WHERE id = %(id)s
            """,
            _values(organization),
        )

    async def set_status(self, id: str, status: str) -> bool:
        """Change the status and tell whether there is such an organization.

        The super-admin organization stays active: for it the answer is False.
        """
        touched = await self._pg.execute(
            """
            UPDATE organizations SET status = %(status)s
            WHERE id = %(id)s AND (NOT is_super_admin OR %(status)s = 'active')
            """,
            {"id": id, "status": status},
        )
        return touched == 1


def _values(organization: Organization) -> dict[str, object]:
    brand = msgspec.json.encode(organization.brand).decode()
    return {
        **msgspec.structs.asdict(organization),
        "brand": None if brand == "{}" else brand,
        "login_methods": list(organization.default_login_methods),
    }


def _organization(row: Row) -> Organization:
    *values, brand, login_methods, updated_at, era = row
    named = zip(Organization.__struct_fields__, values, strict=False)
    return Organization(
        **dict(named),
        brand=_BRAND.decode(brand) if brand else Brand(),
        default_login_methods=tuple(login_methods),
        updated_at=updated_at,
        era=era,
    )
