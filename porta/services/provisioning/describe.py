"""Configuration of an organization as a provisioning document: what `porta provision` reads back.

Without secrets and passwords, and without what is not in use: what is inactive or revoked would be
active where it is read. Made twice of the same, it is twice the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from porta.audit import events
from porta.audit.actors import Actor
from porta.errors import Invalid
from porta.protocol.tokens.claim_mappings import to_entry
from porta.services.pages import collect
from porta.services.permissions import needs
from porta.services.provisioning.describe_brands import (
    Entry,
    describe_brand,
    describe_branding,
    said,
)
from porta.services.provisioning.describe_connections import (
    describe_connection,
    describe_domains,
    find_connections,
)
from porta.services.provisioning.document import ClientEntry
from porta.services.targets import find_home
from porta.services.user_fields import AddressPatch, UserPatch
from storage.models.applications import Application
from storage.models.claims import ClaimDefinition
from storage.models.clients import ApiResource, Client, ScopeText
from storage.models.organizations import Organization
from storage.models.users import UserProfile

if TYPE_CHECKING:
    from storage.router import Storage

MOST_PEOPLE = 5000
"""People of one document; of more there are files of their own (`exports`)."""
_PAGE = 500
_OF_ORGANIZATION = (
    *("name", "slug", "default_locale", "two_factor_policy", "require_pkce", "id_token_claims"),
    *("id_token_signed_response_alg", "email_as_username", "registration", "trusted_device_days"),
    *("password_min_length", "refuse_breached_passwords", "account_deletion"),
)
_OF_RESOURCE = (
    *("identifier", "name", "access_token_format", "access_token_ttl", "access_token_type"),
    "access_token_signing_alg",
)
_OF_CLAIM = (
    *("claim_type", "include_in_id_token", "include_in_access_token", "include_in_userinfo"),
)
_NEEDED = (
    *("admin:export:read", "admin:org:read", "admin:app:read", "admin:client:read"),
    *("admin:role:read", "admin:permission:read", "admin:claim:read"),
)


@needs(*_NEEDED)
async def describe(
    storage: Storage, actor: Actor, target: str, *, with_people: bool = False
) -> Entry:
    """Return the document of the organization of this id or slug, decoded.

    With its people where that is asked for, and then with the permission to read them. Raises
    NotFound, Forbidden, and Invalid for more than MOST_PEOPLE.
    """
    found = await find_home(storage, actor, target)
    if with_people:
        actor.check("admin:user:read")
    people = await _people(storage, found) if with_people else ()
    document = {"version": "1.0", "organizations": [await _organization(storage, found, people)]}
    told = {"list": "configuration", "people": len(people)}
    await events.record(
        storage, "admin.export", organization_id=found.id, metadata=told, actor=actor
    )
    return document


async def _organization(
    storage: Storage, organization: Organization, people: Sequence[UserProfile]
) -> Entry:
    clients = await _clients(storage, organization)
    all_applications = await _applications(storage)
    slugs = {each.id: each.slug for each in all_applications}
    users = [await _user(storage, each, slugs) for each in people]
    connections, given = await find_connections(storage, organization)
    named = {reference["app"] for user in users for reference in (*user["roles"], *user["claims"])}
    named |= {application for application, _ in given.values()}
    used = {client.application_id for client in clients}
    applications = [
        each
        for each in all_applications
        if each.status == "active" and (each.id in used or each.slug in named)
    ]
    resources = await storage.api_resources.find_all(organization.id)
    entry = {
        **said(organization, _OF_ORGANIZATION),
        "default_login_methods": list(organization.default_login_methods),
        "registration_domains": list(organization.registration_domains),
        "branding": describe_branding(organization),
        "api_resources": [_resource(each, clients) for each in resources],
        "applications": [await _application(storage, each, clients) for each in applications],
    }
    known = {each.slug for each in applications}
    further = {
        "connections": [describe_connection(each, given, known) for each in connections],
        "domains": await describe_domains(storage, organization, connections),
        "users": [_known(each, known) for each in users],
    }
    return entry | {name: listed for name, listed in further.items() if listed}


def _resource(resource: ApiResource, clients: Sequence[Client]) -> Entry:
    known = {each.client_id for each in clients}
    return {
        **said(resource, _OF_RESOURCE),
        "scopes": [_scope(name, resource.scope_texts.get(name)) for name in resource.scopes],
        "introspection_clients": [each for each in resource.introspection_clients if each in known],
    }


def _scope(name: str, text: ScopeText | None) -> str | Entry:
    if text is None:
        return name
    words = ("title", "description")
    translations = {each: said(text.translations[each], words) for each in text.translations}
    more = {"translations": translations} if translations else {}
    return {"name": name, **said(text, words), **more}


async def _application(
    storage: Storage, application: Application, clients: Sequence[Client]
) -> Entry:
    permissions = await storage.roles.permissions(application.id)
    roles = await storage.roles.list(application.id)
    named = ("name", "slug", "description")
    return {
        **said(application, named),
        "modules": [
            said(each, (*named, "status"))
            for each in await storage.applications.modules(application.id)
        ],
        "permissions": [said(each, named) for each in sorted(permissions, key=_by_slug)],
        "roles": [
            {
                **said(each, named),
                "permissions": sorted(
                    granted.slug for granted in await storage.roles.granted(each.id)
                ),
            }
            for each in sorted(roles, key=_by_slug)
        ],
        "claim_definitions": [
            _claim(each) for each in await storage.claims.definitions(application.id)
        ],
        "clients": [_client(each) for each in clients if each.application_id == application.id],
    }


def _by_slug(record: Any) -> str:
    return str(record.slug)


def _claim(definition: ClaimDefinition) -> Entry:
    name = definition.title or definition.claim_name
    told = said(definition, _OF_CLAIM)
    # What has no description gets its name for one, where it is read.
    told["description"] = definition.description or name
    return {"name": name, "slug": definition.claim_name, **told}


def _client(client: Client) -> Entry:
    told = {
        name: getattr(client, name) for name in ClientEntry.model_fields if hasattr(client, name)
    }
    further = {
        name: client.metadata[name] for name in ClientEntry.model_fields if name in client.metadata
    }
    mappings = [to_entry(each) for each in client.claim_mappings]
    whole = {
        **told,
        **further,
        "first_party": client.is_first_party,
        "claim_mappings": mappings or None,
        "brand": describe_brand(client.brand) if client.brand is not None else None,
    }
    listed = {
        name: list(value) if isinstance(value, tuple) else value for name, value in whole.items()
    }
    return {name: value for name, value in listed.items() if value is not None}


async def _user(storage: Storage, user: UserProfile, slugs: Mapping[str, str]) -> Entry:
    fields = [name for name in UserPatch.model_fields if name != "address"]
    address = {name: getattr(user, f"address_{name}") for name in AddressPatch.model_fields}
    held = {name: value for name, value in address.items() if value is not None}
    key = user.id, user.organization_id
    roles = await storage.user_roles.of_user(*key)
    claims = await storage.claims.of_user(*key)
    return {
        **said(user, fields),
        **({"address": held} if held else {}),
        # A lock that ends by itself is none of the person's own.
        "status": "active" if user.is_usable else "inactive",
        "roles": sorted(
            ({"app": slugs[role.application_id], "role": role.slug} for role in roles),
            key=lambda each: (each["app"], each["role"]),
        ),
        "claims": sorted(
            (
                {"app": slugs[claim.application_id], "claim": claim.claim_name, "value": held.value}
                for claim, held in claims
            ),
            key=lambda each: (each["app"], each["claim"]),
        ),
    }


def _known(user: Entry, applications: set[str]) -> Entry:
    """Return a person without what they hold at applications that are not in use."""
    kept = {
        name: [each for each in user[name] if each["app"] in applications]
        for name in ("roles", "claims")
    }
    return {**user, **kept}


async def _clients(storage: Storage, organization: Organization) -> Sequence[Client]:
    fetch = partial(storage.clients.list_page, organization_id=organization.id, status="active")
    return sorted(await collect(fetch, _PAGE), key=lambda each: each.client_id)


async def _applications(storage: Storage) -> Sequence[Application]:
    return sorted(await collect(storage.applications.list_page, _PAGE), key=_by_slug)


async def _people(storage: Storage, organization: Organization) -> Sequence[UserProfile]:
    fetch = partial(storage.users.list_page, organization.id)
    found = await collect(fetch, _PAGE, most=MOST_PEOPLE)
    if len(found) > MOST_PEOPLE:
        message = f"there are more than {MOST_PEOPLE}: export the list of users instead"
        raise Invalid.at("people", message=message)
    return sorted(found, key=lambda each: each.email)
