"""Claims over the wire: typed, mapped, and too large for a token."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import uuid4

import pytest

from porta.audit.actors import SYSTEM
from porta.services import claims, user_claims
from porta.services.claims import NewClaim
from porta.services.user_claims import NewValue
from storage.models.claims import CLAIM_TARGETS, ClaimDefinition, ClaimMapping
from storage.models.clients import Client
from tests import factories
from tests.world.administered import make_application
from tests.world.answers import claims_of
from tests.world.browser import (
    Browser,
    add_client,
    add_user,
    code_form,
    post,
    refresh_form,
    userinfo,
)
from tests.world.log import logged
from tests.world.served import Served
from tests.world.waiting import eventually

TYPED: dict[str, tuple[str, Any]] = {
    "department": ("string", "Ingénierie"),
    "empty": ("string", ""),
    "level": ("number", 0),
    "ratio": ("number", 0.25),
    "senior": ("boolean", False),
    "teams": ("json", ["a", {"b": [1, None]}]),
    "desk": ("json", {}),
}


async def _application(served: Served) -> str:
    """Add an application with two roles and their permissions."""
    slug = f"a{secrets.token_hex(6)}"
    storage = served.runtime.storage.everywhere
    made = await make_application(storage, slug)
    for name in ("staff", "chief"):
        role = factories.role(id=str(uuid4()), application_id=made.id, name=name, slug=name)
        right = factories.permission(
            id=str(uuid4()), application_id=made.id, name=name, slug=f"shop:{name}:read"
        )
        await storage.roles.insert(role)
        await storage.roles.insert_permission(right)
        await storage.roles.grant(role.id, [right.id])
    return made.id


async def _define(served: Served, application_id: str, name: str, kind: str, **flags: bool) -> Any:
    command = NewClaim.parse({"claim_name": name, "claim_type": kind, **flags})
    return await claims.create(served.runtime.storage.everywhere, SYSTEM, application_id, command)


async def _set(served: Served, person: Any, definition: ClaimDefinition, value: Any) -> None:
    command = NewValue.parse({"value": value})
    owner, claim = definition.application_id, definition.id
    await user_claims.set_value(
        served.runtime.storage.everywhere, SYSTEM, owner, claim, person.id, command
    )


async def _person(served: Served, browser: Browser, application_id: str, *held: str) -> Any:
    person = await add_user(served)
    browser.email = person.email
    storage = served.runtime.storage.everywhere
    for role in await storage.roles.list(application_id):
        if role.slug in held:
            await storage.user_roles.assign(person.id, person.organization_id, [role.id])
    return person


async def _documents(
    served: Served, browser: Browser, client: Client, **asked: str
) -> list[dict[str, dict[str, Any]]]:
    """Return what each target says, after the sign-in and after a refresh."""
    own = client.client_id, client.client_id * 2
    code = await browser.code(client_id=client.client_id, **asked)
    answer = await post(served, "/token", code_form(code), own[0], secret=own[1])
    assert answer.status_code == 200, answer.text
    first = answer.json()
    again = await post(
        served, "/token", refresh_form(first["refresh_token"]), own[0], secret=own[1]
    )
    return [await _said(served, client, tokens) for tokens in (first, again.json())]


async def _said(
    served: Served, client: Client, tokens: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    access = tokens["access_token"]
    asked = await post(
        served, "/token/introspection", {"token": access}, client.client_id,
        secret=client.client_id * 2,
    )  # fmt: skip
    return {
        "id_token": claims_of(tokens["id_token"]),
        "userinfo": (await userinfo(served, access)).json(),
        "introspection": asked.json(),
        "access_token": claims_of(access) if "." in access else asked.json(),
    }


@pytest.mark.parametrize("form", ["jwt", "opaque"])
@pytest.mark.parametrize("target", CLAIM_TARGETS)
async def test_a_typed_claim_is_where_its_definition_says(
    served: Served, browser: Browser, target: str, form: str
) -> None:
    application = await _application(served)
    flags = {f"include_in_{each}": each == target for each in CLAIM_TARGETS}
    person = await _person(served, browser, application)
    for name, (kind, value) in TYPED.items():
        definition = await _define(served, application, name, kind, **flags)
        await _set(served, person, definition, value)
    await _define(served, application, "unset", "string", **flags)
    client = await add_client(served, application_id=application, access_token_format=form)
    values = {name: value for name, (_, value) in TYPED.items()}
    for said in await _documents(served, browser, client):
        assert (
            said["introspection"].items()
            >= {k: v for k, v in said["access_token"].items() if k in TYPED}.items()
        )
        for each in CLAIM_TARGETS:
            found = {n: v for n, v in said[each].items() if n in TYPED or n == "unset"}
            assert found == (values if each == target else {})
            assert [type(v) for v in found.values()] == [type(values[n]) for n in found]


@pytest.mark.parametrize("form", ["jwt", "opaque"])
async def test_applications_F9_roles_where_keycloak_had_them(
    served: Served, browser: Browser, form: str
) -> None:
    application = await _application(served)
    await _person(served, browser, application, "staff", "chief")
    roles, rights = ["chief", "staff"], ["shop:chief:read", "shop:staff:read"]
    client = await add_client(
        served,
        application_id=application,
        access_token_format=form,
        claim_mappings=(
            ClaimMapping("roles", ("realm_access", "roles"), ("access_token",)),
            ClaimMapping("roles", ("groups",), ("id_token", "userinfo")),
            ClaimMapping("permissions", ("resource_access", "{client_id}", "roles")),
        ),
    )
    access = {client.client_id: {"roles": rights}}
    for said in await _documents(served, browser, client):
        for target in ("id_token", "userinfo"):
            assert said[target]["groups"] == roles
            assert "realm_access" not in said[target]
        for target in ("access_token", "introspection"):
            assert said[target]["realm_access"] == {"roles": roles}
            assert "groups" not in said[target]
        for document in said.values():
            assert document["resource_access"] == access
            assert not {"roles", "permissions"} & document.keys()

    async def told() -> bool:
        url = f"{served.issuer()}/.well-known/openid-configuration"
        supported = set((await served.http.get(url)).json()["claims_supported"])
        return {"groups", "resource_access"} <= supported and "realm_access" not in supported

    await eventually(told)


@pytest.mark.parametrize("format", ["jwt", "opaque"])
async def test_what_is_too_large_is_where_the_token_says(
    served: Served, browser: Browser, format: str
) -> None:
    application = await _application(served)
    person = await _person(served, browser, application, "staff")
    everywhere = {f"include_in_{each}": True for each in CLAIM_TARGETS}
    large = ["x" * 50 + str(n) for n in range(150)]
    for name, value in (("large", large), ("small", [1])):
        definition = await _define(served, application, name, "json", **everywhere)
        await _set(served, person, definition, value)
    client = await add_client(served, application_id=application, access_token_format=format)
    with logged() as log:
        documents = await _documents(served, browser, client)
    for said in documents:
        id_token = said["id_token"]
        assert id_token["_claim_names"] == {"large": "userinfo"}
        endpoint = id_token["_claim_sources"]["userinfo"]["endpoint"]
        assert endpoint == f"{served.issuer()}/me"
        assert "large" not in id_token
        assert said["userinfo"]["large"] == large
        assert said["introspection"]["large"] == large
        assert "_claim_names" not in said["introspection"]
        assert said["introspection"]["active"] is True
        for document in said.values():
            assert document["small"] == [1]
            assert document["roles"] == ["staff"]
        if format == "jwt":
            access = said["access_token"]
            assert access["_claim_names"] == {"large": "introspection"}
            endpoint = access["_claim_sources"]["introspection"]["endpoint"]
            assert endpoint == f"{served.issuer()}/token/introspection"
            assert "large" not in access
    warned = log.lines("claims.large")
    assert {line["target"] for line in warned} == (
        {"id_token", "access_token"} if format == "jwt" else {"id_token"}
    )
    assert all(line["bytes"] > 6144 and line["by_reference"] == ["large"] for line in warned)
    assert all(line["client_id"] == client.client_id for line in warned)
    assert "xxxxx" not in log.text()


async def test_what_stands_elsewhere_is_what_holds_now(served: Served, browser: Browser) -> None:
    """As with an opaque token: a role that was taken away is told no more."""
    application = await _application(served)
    person = await _person(served, browser, application)
    definition = await _define(served, application, "large", "string")
    await _set(served, person, definition, "x" * 7000)
    client = await add_client(served, application_id=application)
    code = await browser.code(client_id=client.client_id)
    answer = await post(
        served, "/token", code_form(code), client.client_id, secret=client.client_id * 2
    )
    tokens = answer.json()
    assert (await _said(served, client, tokens))["introspection"]["large"] == "x" * 7000
    await _set(served, person, definition, "now")
    said = await _said(served, client, tokens)
    assert said["introspection"]["large"] == "now"
    assert said["access_token"]["_claim_names"] == {"large": "introspection"}
    for protocol in ("iss", "aud", "exp", "iat", "sub", "client_id", "scope"):
        assert said["introspection"][protocol] == said["access_token"][protocol]


async def test_security_mappings_speak_for_no_claim_of_the_protocol(
    served: Served, browser: Browser
) -> None:
    """Whatever wrote the row."""
    application = await _application(served)
    await _person(served, browser, application, "staff")
    names = ("iss", "sub", "aud", "exp", "nonce", "acr", "amr", "auth_time", "at_hash", "client_id",
             "scope", "sid", "jti", "cnf", "email", "scp")  # fmt: skip
    forged = tuple(ClaimMapping("roles", (name,)) for name in names)
    plain = await add_client(served, application_id=application)
    client = await add_client(served, application_id=application, claim_mappings=forged)
    asked = {"scope": "openid profile email", "nonce": "n"}
    (said, _), (before, _) = (
        await _documents(served, browser, client, **asked),
        await _documents(served, browser, plain, **asked),
    )
    for target, document in said.items():
        assert "roles" not in document
        assert ["staff"] not in document.values()
        assert document.keys() == before[target].keys() - {"roles"}
    for target in ("id_token", "access_token"):
        assert said[target]["iss"] == served.issuer()
        assert said[target]["sub"] == said["userinfo"]["sub"]
