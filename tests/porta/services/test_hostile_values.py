"""Whatever is sent, a service takes it or says in words what is wrong: no database error."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from porta.audit.actors import SYSTEM
from porta.errors import Conflict, Invalid
from porta.security.passwords import Passwords
from porta.services import (
    api_resources,
    application_permissions,
    applications,
    claims,
    client_secrets,
    clients,
    connections,
    domains,
    organizations,
    roles,
    user_claims,
    user_passwords,
    user_roles,
    users,
)
from porta.services.api_resources import ApiResourceFilters, ApiResourcePatch, NewApiResource
from porta.services.application_permissions import NewPermission, PermissionFilters, PermissionPatch
from porta.services.applications import (
    ApplicationFilters,
    ApplicationPatch,
    ModulePatch,
    NewApplication,
    NewModule,
)
from porta.services.claims import ClaimPatch, NewClaim
from porta.services.client_registration import ClientPatch, NewClient
from porta.services.client_secrets import NewSecret
from porta.services.clients import ClientFilters
from porta.services.commands import Reasoned
from porta.services.connections import ConnectionPatch, NewConnection
from porta.services.definitions import Deletion
from porta.services.domains import DomainPatch, NewDomain
from porta.services.organization_fields import NewOrganization, OrganizationPatch
from porta.services.organizations import OrganizationFilters
from porta.services.roles import NewRole, PermissionIds, RolePatch
from porta.services.user_claims import NewValue
from porta.services.user_fields import NewUser, UserPatch
from porta.services.user_passwords import NewPassword
from porta.services.user_roles import RoleIds
from porta.services.users import Locking, UserFilters
from storage.models.pages import Page
from storage.router import Storage
from tests.porta.services.hostile import bodies, names_of, values
from tests.world.administered import make_application, make_organization, make_user

_PYDANTIC = (
    "Input should",
    "Value error",
    "valid string",
    "String should",
    "pydantic",
    "Field req",
)
hostile = settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def told_in_words(refusal: Invalid | Conflict, sent: object) -> None:
    """Everything is told to people, with its place, and can be sent as JSON."""
    assert refusal.problems
    for problem in refusal.problems:
        assert problem.message
        assert not any(words in problem.message for words in _PYDANTIC), problem
        at: Any = sent
        for part in problem.path[:-1]:
            at = at[part]
        problem.message.encode()
        json.dumps(problem.path)


@hostile
@given(st.data())
async def test_hostile_organizations(storage: Storage, data: st.DataObject) -> None:
    right = st.just({"name": "Acme", "slug": f"h-{uuid4().hex}"})
    body = data.draw(bodies(NewOrganization, right))
    async with storage.transaction() as tx:
        try:
            made = await organizations.create(tx, SYSTEM, NewOrganization.parse(body))
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await organizations.create(
                tx, SYSTEM, NewOrganization.parse({"name": "Acme", "slug": f"h-{uuid4().hex}"})
            )
        patch = data.draw(bodies(OrganizationPatch, st.just({})))
        try:
            await organizations.update(tx, SYSTEM, made.id, OrganizationPatch.parse(patch))
        except Invalid as refusal:
            told_in_words(refusal, patch)
        reason = data.draw(bodies(Reasoned, st.just({})))
        try:
            await organizations.suspend(tx, SYSTEM, made.id, Reasoned.parse(reason))
        except Invalid as refusal:
            told_in_words(refusal, reason)
        filters = data.draw(bodies(OrganizationFilters, st.just({})))
        try:
            await organizations.list(tx, SYSTEM, Page(), OrganizationFilters.parse(filters))
        except Invalid as refusal:
            told_in_words(refusal, filters)


@hostile
@given(st.data())
async def test_hostile_definitions(storage: Storage, data: st.DataObject) -> None:
    """Applications, modules, roles, permissions, claims and their values."""
    mark = uuid4().hex
    async with storage.transaction() as tx:
        owner = (await make_application(tx, f"h-{mark}")).id
        slugged = {"name": "X", "slug": f"h-{mark}-x"}
        told = f"c{mark}"
        makers: tuple[tuple[Any, dict[str, Any], Any], ...] = (
            (NewApplication, slugged, partial(applications.create, tx, SYSTEM)),
            (NewModule, slugged, partial(applications.create_module, tx, SYSTEM, owner)),
            (NewRole, slugged, partial(roles.create, tx, SYSTEM, owner)),
            (
                NewPermission,
                {"name": "X", "slug": f"h:{mark}:x"},
                partial(application_permissions.create, tx, SYSTEM, owner),
            ),
            (NewClaim, {"claimName": told}, partial(claims.create, tx, SYSTEM, owner)),
        )
        made: list[Any] = []
        for model, right, create in makers:
            body = data.draw(bodies(model, st.just(right)))
            try:
                made.append(await create(model.parse(body)))
            except (Invalid, Conflict) as refusal:
                told_in_words(refusal, body)
                made.append(await create(model.parse(right)))
        application, module, role, permission, claim = made
        patches: tuple[tuple[Any, Any], ...] = (
            (ApplicationPatch, partial(applications.update, tx, SYSTEM, application.id)),
            (ModulePatch, partial(applications.update_module, tx, SYSTEM, owner, module.id)),
            (RolePatch, partial(roles.update, tx, SYSTEM, owner, role.id)),
            (
                PermissionPatch,
                partial(application_permissions.update, tx, SYSTEM, owner, permission.id),
            ),
            (PermissionIds, partial(roles.grant, tx, SYSTEM, owner, role.id)),
            (PermissionIds, partial(roles.revoke, tx, SYSTEM, owner, role.id)),
            (ClaimPatch, partial(claims.update, tx, SYSTEM, owner, claim.id)),
            (ApplicationFilters, partial(applications.list, tx, SYSTEM, Page())),
            (PermissionFilters, partial(application_permissions.list, tx, SYSTEM, owner, Page())),
            (Deletion, partial(roles.delete, tx, SYSTEM, owner, role.id)),
        )
        for model, change in patches:
            body = data.draw(bodies(model, st.just({})))
            try:
                await change(model.parse(body))
            except Invalid as refusal:
                told_in_words(refusal, body)


@hostile
@given(values)
async def test_hostile_claim_values(storage: Storage, value: Any) -> None:
    mark = uuid4().hex
    async with storage.transaction() as tx:
        owner = (await make_application(tx, f"v-{mark}")).id
        home = await make_organization(tx, f"v-{mark}")
        user = await make_user(tx, home.id, f"{mark}@a.test")
        for kind in ("string", "number", "boolean", "json"):
            said = {"claimName": f"c_{kind}", "claimType": kind}
            claim = await claims.create(tx, SYSTEM, owner, NewClaim.parse(said))
            try:
                command = NewValue.parse({"value": value})
                await user_claims.set_value(tx, SYSTEM, owner, claim.id, user.id, command)
            except Invalid as refusal:
                told_in_words(refusal, {"value": value})
            else:
                found = await user_claims.get_value(tx, SYSTEM, owner, claim.id, user.id)
                assert found.value == value


@hostile
@given(st.data())
async def test_hostile_people(storage: Storage, passwords: Passwords, data: st.DataObject) -> None:
    mark = uuid4().hex
    async with storage.transaction() as tx:
        home = (await make_organization(tx, f"u-{mark}")).id
        right = {"email": f"{mark}@a.test"}
        body = data.draw(bodies(NewUser, st.just(right)))
        try:
            new = NewUser.parse(body)
            hashed = await user_passwords.hash_new(passwords, new.password)
            made = await users.create(tx, SYSTEM, home, new, hashed)
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await make_user(tx, home, f"{mark}@a.test")

        async def set_password(told: NewPassword) -> None:
            hashed = await user_passwords.hash_new(passwords, told.password)
            assert hashed is not None
            await user_passwords.set(tx, SYSTEM, made.id, told, hashed)

        changes: tuple[tuple[Any, Any], ...] = (
            (UserPatch, partial(users.update, tx, SYSTEM, made.id)),
            (UserFilters, partial(users.list, tx, SYSTEM, home, Page())),
            (RoleIds, partial(user_roles.assign, tx, SYSTEM, made.id)),
            (RoleIds, partial(user_roles.remove, tx, SYSTEM, made.id)),
            (NewPassword, set_password),
            (Locking, partial(users.lock, tx, SYSTEM, made.id)),
        )
        for model, change in changes:
            body = data.draw(bodies(model, st.just({})))
            try:
                await change(model.parse(body))
            except (Invalid, Conflict) as refusal:
                told_in_words(refusal, body)


@hostile
@given(st.data())
async def test_hostile_clients(storage: Storage, passwords: Passwords, data: st.DataObject) -> None:
    mark = uuid4().hex
    async with storage.transaction() as tx:
        home = (await make_organization(tx, f"c-{mark}")).id
        owner = (await make_application(tx, f"c-{mark}")).id
        right = {
            "organizationId": home,
            "applicationId": owner,
            "clientName": "C",
            "redirectUris": ["https://a.test/"],
        }
        body = data.draw(bodies(NewClient, st.just(right)))
        try:
            made = await clients.create(tx, SYSTEM, NewClient.parse(body))
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await clients.create(tx, SYSTEM, NewClient.parse(right))

        async def add_secret(told: NewSecret) -> None:
            hashed = await client_secrets.hash_new(passwords, told)
            await client_secrets.add(tx, SYSTEM, made.id, told, hashed)

        changes: tuple[tuple[Any, Any], ...] = (
            (ClientPatch, partial(clients.update, tx, SYSTEM, made.id)),
            (ClientFilters, partial(clients.list, tx, SYSTEM, Page())),
            (NewSecret, add_secret),
            (Reasoned, partial(clients.revoke, tx, SYSTEM, made.id)),
        )
        for model, change in changes:
            body = data.draw(bodies(model, st.just({})))
            try:
                await change(model.parse(body))
            except (Invalid, Conflict) as refusal:
                if model is not NewSecret or made.client_type == "confidential":
                    told_in_words(refusal, body)


@hostile
@given(st.data())
async def test_hostile_api_resources(storage: Storage, data: st.DataObject) -> None:
    mark = uuid4().hex
    async with storage.transaction() as tx:
        home = (await make_organization(tx, f"r-{mark}")).id
        right = {"identifier": f"urn:{mark}", "name": "API"}
        body = data.draw(bodies(NewApiResource, st.just(right)))
        try:
            made = await api_resources.create(tx, SYSTEM, home, NewApiResource.parse(body))
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await api_resources.create(tx, SYSTEM, home, NewApiResource.parse(right))
        changes: tuple[tuple[Any, Any], ...] = (
            (ApiResourcePatch, partial(api_resources.update, tx, SYSTEM, made.id)),
            (ApiResourceFilters, partial(api_resources.list, tx, SYSTEM, home, Page())),
        )
        for model, change in changes:
            body = data.draw(bodies(model, st.just({})))
            try:
                await change(model.parse(body))
            except Invalid as refusal:
                told_in_words(refusal, body)


@hostile
@given(st.data())
async def test_hostile_connections(storage: Storage, data: st.DataObject) -> None:
    mark, keys = uuid4().hex, (b"k" * 32,)
    async with storage.transaction() as tx:
        home = (await make_organization(tx, f"f-{mark}")).id
        right = {"name": "A", "provider": "google", "clientId": "x", "clientSecret": "y"}
        body = data.draw(bodies(NewConnection, st.just(right)))
        try:
            made = await connections.create(tx, SYSTEM, home, NewConnection.parse(body), keys)
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await connections.create(tx, SYSTEM, home, NewConnection.parse(right), keys)
        body = data.draw(bodies(ConnectionPatch, st.just({})))
        try:
            await connections.update(tx, SYSTEM, made.id, ConnectionPatch.parse(body), keys)
        except Invalid as refusal:
            told_in_words(refusal, body)


@hostile
@given(st.data())
async def test_hostile_domains(storage: Storage, data: st.DataObject) -> None:
    mark = uuid4().hex
    async with storage.transaction() as tx:
        home = (await make_organization(tx, f"d-{mark}")).id
        right = {"domain": f"{mark}.example"}
        body = data.draw(bodies(NewDomain, st.just(right)))
        try:
            made = await domains.create(tx, SYSTEM, home, NewDomain.parse(body))
        except (Invalid, Conflict) as refusal:
            told_in_words(refusal, body)
            made = await domains.create(tx, SYSTEM, home, NewDomain.parse(right))
        body = data.draw(bodies(DomainPatch, st.just({})))
        try:
            await domains.update(tx, SYSTEM, made.id, DomainPatch.parse(body))
        except Invalid as refusal:
            told_in_words(refusal, body)


@pytest.mark.parametrize("search", ["%", "_", "\\", "100%", "a_b", "\\%"])
async def test_signs_of_patterns_are_searched_for_as_they_are(
    storage: Storage, search: str
) -> None:
    name = f"{search} {uuid4().hex}"
    command = NewOrganization.parse({"name": name, "slug": f"s-{uuid4().hex}"})
    made = await organizations.create(storage, SYSTEM, command)
    filters = OrganizationFilters.parse({"search": f"{search} {made.name[-32:]}"})
    listed = await organizations.list(storage, SYSTEM, Page(), filters)
    assert listed.rows == (made,)
    filters = OrganizationFilters.parse({"search": "%" + made.name[-31:]})
    assert not (await organizations.list(storage, SYSTEM, Page(), filters)).rows


COMMANDS = (
    *(NewOrganization, OrganizationPatch, NewApplication, NewModule, NewRole, NewPermission),
    *(
        NewClaim,
        NewUser,
        NewClient,
        NewSecret,
        NewApiResource,
        NewConnection,
        NewDomain,
        Reasoned,
        Locking,
        UserFilters,
    ),
    *(OrganizationFilters, ApplicationFilters, ClientFilters, ApiResourceFilters),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("text", ["a\x00b", "a\udfffb"], ids=["nul", "surrogate"])
def test_no_field_takes_what_no_database_keeps(command: Any, text: str) -> None:
    """A password is hashed, whatever it is made of; its own rules judge it."""
    for name in names_of(command):
        if name != "password":
            for value in (text, [text]):
                with pytest.raises(Invalid) as refused:
                    command.parse({name: value})
                places = [problem.path[:1] for problem in refused.value.problems]
                assert (name,) in places, name
