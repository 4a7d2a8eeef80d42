"""Rows of clients: their columns, the statement that reads them, and how they are decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from storage.models.claims import ClaimDefinition, ClaimMapping
from storage.models.clients import Client, ClientSecret
from storage.models.organizations import ClientBrand
from storage.postgres.statement import Row
from storage.repositories.columns import dated

_ARRAYS = (
    "redirect_uris",
    "post_logout_redirect_uris",
    "grant_types",
    "response_types",
    "allowed_origins",
    "login_methods",
)
COLUMNS = tuple(
    name
    for name in Client.__struct_fields__
    if name
    not in (
        *("application_status", "secrets", "claim_definitions", "era"),
        *("defines_roles", "defines_permissions", "created_at", "updated_at", "version"),
    )
)
_KEPT = ("id", "organization_id", "application_id", "client_id", "client_type", "status")
WRITABLE = frozenset(COLUMNS) - {*_KEPT, "is_adopted"}
_SECRETS = msgspec.json.Decoder(tuple[ClientSecret, ...])
_DEFINITIONS = msgspec.json.Decoder(tuple[ClaimDefinition, ...])
_BRAND = msgspec.json.Decoder(ClientBrand)
_MAPPINGS = msgspec.json.Decoder(tuple[ClaimMapping, ...])
FIND_EACH = f"""
    SELECT {", ".join(f"c.{name}" for name in COLUMNS)}, c.era + a.era, a.status,
        (SELECT json_agg(json_build_object(
            'sha256', s.secret_sha256,
            'expires_at', EXTRACT(EPOCH FROM s.expires_at)::float8
            ) ORDER BY s.created_at)
         FROM client_secrets s
         WHERE s.client_id = c.id AND s.status = 'active'
            AND s.secret_sha256 IS NOT NULL
            AND (s.expires_at IS NULL OR s.expires_at > now() - interval '30 days')),
        (SELECT json_agg(json_build_object(
            'id', d.id, 'claim_name', d.claim_name, 'claim_type', d.claim_type,
            'include_in_id_token', d.include_in_id_token,
            'include_in_access_token', d.include_in_access_token,
            'include_in_userinfo', d.include_in_userinfo, 'title', d.title
            ) ORDER BY d.claim_name)
         FROM custom_claim_definitions d WHERE d.application_id = c.application_id),
        c.tells_all_roles
            OR EXISTS (SELECT FROM roles r WHERE r.application_id = c.application_id),
        c.tells_all_roles
            OR EXISTS (SELECT FROM permissions p WHERE p.application_id = c.application_id),
        {dated("c.")}, asked.place
    FROM unnest(%(client_ids)s::text[], %(organization_ids)s::uuid[])
        WITH ORDINALITY AS asked (client_id, organization_id, place)
    JOIN clients c ON c.client_id = asked.client_id
        AND (c.organization_id = asked.organization_id) IS TRUE
    JOIN applications a ON a.id = c.application_id
"""  # noqa: S608
"""Each client that is asked for, with all that is needed to judge its requests."""


def placeholder(name: str) -> str:
    """Return what stands for a column's value in a statement."""
    return f"%({name})s::text[]" if name in _ARRAYS else f"%({name})s"


def values_of(client: Client) -> dict[str, object]:
    """Return every column of a client, as the driver takes them."""
    return encode({name: getattr(client, name) for name in COLUMNS})


def encode(values: Mapping[str, object]) -> dict[str, object]:
    """Return columns as the driver takes them."""
    encoded = dict(values)
    for name, value in values.items():
        if name in _ARRAYS and value is not None:
            encoded[name] = [*cast(Sequence[str], value)]
        elif name in ("metadata", "claim_mappings") or (name == "brand" and value is not None):
            encoded[name] = msgspec.json.encode(value).decode()
    return encoded


def decode_client(row: Row) -> Client:
    """Return the client of a row of FIND_EACH."""
    (
        *columns,
        era,
        application_status,
        secrets,
        definitions,
        roles,
        permissions,
        made,
        at,
        version,
    ) = row
    values = dict(zip(COLUMNS, columns, strict=True))
    for name in _ARRAYS:
        values[name] = None if values[name] is None else tuple(values[name])
    # Two of the arrays may be NULL in rows of Porta 1.x; only login_methods means something by it.
    for name in ("post_logout_redirect_uris", "allowed_origins"):
        values[name] = values[name] or ()
    values["metadata"] = msgspec.json.decode(values["metadata"])
    values["claim_mappings"] = _mappings(values["claim_mappings"])
    values["brand"] = _brand(values["brand"])
    return Client(
        **values,
        era=era,
        application_status=application_status,
        secrets=_SECRETS.decode(secrets) if secrets else (),
        claim_definitions=_DEFINITIONS.decode(definitions) if definitions else (),
        defines_roles=roles,
        defines_permissions=permissions,
        created_at=made,
        updated_at=at,
        version=version,
    )


def _brand(column: str | None) -> ClientBrand | None:
    """What no service has written is no look: see `_mappings`."""
    try:
        return _BRAND.decode(column) if column is not None else None
    except msgspec.ValidationError:
        return None


def _mappings(column: str) -> tuple[ClaimMapping, ...]:
    """What no service has written maps nothing: clients are read many at a time, and one row that
    cannot be read must not stop its neighbours.
    """
    try:
        return _MAPPINGS.decode(column)
    except msgspec.ValidationError:
        return ()
