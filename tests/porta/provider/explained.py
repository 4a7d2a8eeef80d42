"""A random installation for one explanation, and the tokens that are really issued in it."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from porta.errors import PortaError
from porta.limits.origin import Origin
from porta.protocol.features import pkce
from porta.protocol.requests import checks
from porta.protocol.requests.claims_request import parse_claims_request
from porta.protocol.requests.params import Params
from porta.protocol.requests.scopes import parse_scope, registered_scope
from porta.protocol.tokens.claim_types import CLAIM_TYPES
from porta.provider import introspection, policy, token, userinfo
from porta.provider.codes import issue_code
from porta.provider.explain.question import Question
from porta.provider.requests import ClientRequest
from porta.runtime import Runtime
from porta.security import opaque
from porta.tenants import resolve
from porta.tenants.tenant import Tenant
from storage.models.claims import CLAIM_TARGETS, ClaimMapping
from storage.models.clients import Client
from storage.models.organizations import Organization
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.factories import challenge_of
from tests.world.answers import claims_of

CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
SCOPES = ("openid", "profile", "email", "phone", "offline_access", "stock", "orders", "unheard_of")
_ROLES = ("staff", "chief", "guest")
_CLAIMS = ("team", "level", "groups", "badge")
_PATHS = (
    *(("groups",), ("realm_access", "roles"), ("realm_access", "rights"), ("roles",)),
    *(("access", "{client_id}", "roles"), ("https://acme.test/team",), ("sub",), ("access",)),
)
_TEXT = st.none() | st.sampled_from(("", "Ada", "Ü", "x" * 250))
_VALUES = st.sampled_from((0, 1.5, False, "", "text", [], [1, {"a": None}], {"a": 1}))
_LARGE = st.sampled_from(("x" * 100, "x" * 4500, "x" * 7000))
_FLAG = st.sampled_from((True, True, False))


@dataclass(frozen=True)
class World:
    """What there is, and what is asked of it."""

    organization: Organization
    application_id: str
    client: Client
    user: User
    question: Question


def _chosen(values: Any) -> Any:
    return st.lists(st.sampled_from(values), unique=True).map(tuple)


_MAPPINGS = st.lists(
    st.builds(
        ClaimMapping,
        st.sampled_from(("roles", "permissions", *_CLAIMS, "unheard_of")),
        st.sampled_from(_PATHS),
        _chosen(CLAIM_TARGETS),
    ),
    max_size=5,
).map(tuple)
_REQUESTED = st.dictionaries(
    st.sampled_from(("email", "name", "phone_number", "team", "sub", "locale")),
    st.sampled_from((None, {"essential": True})),
    max_size=3,
)
_WORLD = st.fixed_dictionaries(
    {
        "organization": st.fixed_dictionaries(
            {
                "id_token_claims": st.booleans(),
                "email_as_username": st.booleans(),
                "require_pkce": st.booleans(),
                "status": st.sampled_from(("active",) * 9 + ("suspended",)),
            }
        ),
        "client": st.fixed_dictionaries(
            {
                "is_first_party": st.booleans(),
                "id_token_claims": st.sampled_from((None, True, False)),
                "access_token_format": st.sampled_from(("jwt", "opaque")),
                "tells_all_roles": st.booleans(),
                "roles_claim": st.sampled_from((None, None, "groups", "sub", "a.b")),
                "claim_mappings": st.just(()) | _MAPPINGS,
                "scope": _chosen(SCOPES).map(" ".join) | st.just(" ".join(SCOPES)),
                "grant_types": st.sampled_from(
                    (("authorization_code",), ("authorization_code", "refresh_token"))
                ),
                "status": st.sampled_from(("active",) * 9 + ("inactive",)),
            }
        ),
        "user": st.fixed_dictionaries(
            {
                **dict.fromkeys(("given_name", "family_name", "preferred_username"), _TEXT),
                "phone_number": st.sampled_from((None, "", "+441")),
                "locale": st.sampled_from((None, "de")),
                "email_verified": st.booleans(),
                "status": st.sampled_from(("active",) * 9 + ("suspended",)),
            }
        ),
        "roles": _chosen(_ROLES),
        "held": _chosen((*_ROLES, "elsewhere")),
        "permitted": st.dictionaries(st.sampled_from(_ROLES), _chosen(("a:b:c", "a:b:d"))),
        "definitions": st.dictionaries(
            st.sampled_from(_CLAIMS),
            st.tuples(st.sampled_from(CLAIM_TYPES), *[_FLAG] * len(CLAIM_TARGETS)),
        ),
        "values": st.dictionaries(st.sampled_from(_CLAIMS), _VALUES | _LARGE),
        "resources": _chosen(("stock", "orders")),
        "resource_format": st.sampled_from((None, "jwt", "opaque")),
        "scope": st.none()
        | _chosen(SCOPES).map(" ".join)
        | _chosen(SCOPES).map(lambda values: " ".join(("openid", *values))),
        "resource": _chosen(("https://stock.test", "https://orders.test")).map(lambda r: r[:1])
        | st.just(()),
        "claims": st.none()
        | st.fixed_dictionaries({"id_token": _REQUESTED, "userinfo": _REQUESTED}).map(json.dumps),
    }
)


def drawn() -> st.SearchStrategy[dict[str, Any]]:
    """Return what a world is made of."""
    return _WORLD


async def build(pg: Postgres, runtime: Runtime, made_of: dict[str, Any]) -> World:
    """Write the world, with ids of its own. By SQL: no rule of a service is looked at here."""
    slug, storage = f"w{secrets.token_hex(6)}", runtime.storage.everywhere
    organization = factories.organization(
        id=str(uuid4()), name=slug, slug=slug, **made_of["organization"]
    )
    await storage.organizations.insert(organization)
    application = await _application(pg, slug, made_of)
    await _application(pg, f"{slug}-2", {"roles": ("elsewhere",), "definitions": {}})
    client = factories.client(
        id=str(uuid4()),
        organization_id=organization.id,
        application_id=application,
        client_id=slug,
        client_name=slug,
        client_type="confidential",
        token_endpoint_auth_method="client_secret_post",
        redirect_uris=(CALLBACK,),
        **made_of["client"],
    )
    await storage.clients.insert(client)
    sha256 = opaque.sha256_hex(slug * 3)
    await storage.client_secrets.add(
        client.id, organization.id, secret_hash="-", secret_sha256=sha256
    )
    user = factories.user(
        id=str(uuid4()), organization_id=organization.id, email=f"{slug}@acme.test",
        **made_of["user"],
    )  # fmt: skip
    await storage.users.insert(user)
    await _holdings(pg, user, application, slug, made_of)
    for name in made_of["resources"]:
        await _resource(pg, organization, name, made_of["resource_format"])
    question = Question(
        user_id=user.id,
        client_id=client.client_id,
        scope=made_of["scope"],
        resource=made_of["resource"],
        claims=made_of["claims"],
    )
    return World(organization, application, client, user, question)


async def _application(pg: Postgres, slug: str, made_of: dict[str, Any]) -> str:
    id = str(uuid4())
    named = {"id": id, "slug": slug}
    await pg.execute(
        "INSERT INTO applications (id, name, slug) VALUES (%(id)s, %(slug)s, %(slug)s)", named
    )
    await pg.execute(
        "INSERT INTO roles (application_id, name, slug)"
        " SELECT %(id)s, r, r FROM unnest(%(roles)s::text[]) r",
        {"id": id, "roles": list(made_of["roles"])},
    )
    for role, permissions in made_of.get("permitted", {}).items():
        await pg.execute(
            """
            WITH p AS (
                INSERT INTO permissions (application_id, name, slug)
                SELECT %(id)s, s, s FROM unnest(%(slugs)s::text[]) s
                ON CONFLICT (application_id, slug) DO UPDATE SET name = EXCLUDED.name RETURNING id
            )
            INSERT INTO role_permissions (role_id, permission_id)
            SELECT r.id, p.id FROM roles r, p
            WHERE r.application_id = %(id)s AND r.slug = %(role)s
            """,
            {"id": id, "role": role, "slugs": list(permissions)},
        )
    for name, (kind, *flags) in made_of["definitions"].items():
        columns = ", ".join(f"include_in_{target}" for target in CLAIM_TARGETS)
        values = ", ".join(str(flag) for flag in flags)
        await pg.execute(
            "INSERT INTO custom_claim_definitions (application_id, claim_name, claim_type,"
            f" {columns}) VALUES (%(id)s, %(name)s, %(kind)s, {values})",
            {"id": id, "name": name, "kind": kind},
        )
    return id


async def _holdings(
    pg: Postgres, user: User, application: str, slug: str, made_of: dict[str, Any]
) -> None:
    await pg.execute(
        "INSERT INTO user_roles (user_id, role_id) SELECT %(user)s, r.id FROM roles r"
        " JOIN applications a ON a.id = r.application_id"
        " WHERE a.slug IN (%(slug)s, %(other)s) AND r.slug = ANY(%(held)s::text[])",
        {"user": user.id, "slug": slug, "other": f"{slug}-2", "held": list(made_of["held"])},
    )
    for name, value in made_of["values"].items():
        await pg.execute(
            "INSERT INTO custom_claim_values (user_id, claim_id, value)"
            " SELECT %(user)s, d.id, %(value)s FROM custom_claim_definitions d"
            " WHERE d.application_id = %(application)s AND d.claim_name = %(name)s",
            {
                "user": user.id, "application": application, "name": name,
                "value": json.dumps(value),
            },
        )  # fmt: skip


async def _resource(pg: Postgres, organization: Organization, name: str, form: Any) -> None:
    api = factories.api(id=str(uuid4()), organization_id=organization.id, identifier="", name=name)
    await pg.execute(
        "INSERT INTO api_resources (id, organization_id, identifier, name, scopes,"
        " access_token_format, introspection_clients)"
        " VALUES (%(id)s, %(organization_id)s, %(identifier)s, %(name)s, %(scopes)s, %(form)s,"
        " %(clients)s)",
        {
            "id": api.id, "organization_id": organization.id, "name": name, "form": form,
            "identifier": f"https://{name}.test", "scopes": [name],
            "clients": [organization.slug],
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Issued:
    """What each target really says; None where there is none of it."""

    id_token: dict[str, Any] | None
    access_token: dict[str, Any] | None
    userinfo: dict[str, Any] | None
    scope: str


async def issue(runtime: Runtime, world: World) -> Issued | None:
    """Have the tokens issued that the question is about; None where that is refused.

    A third party's person consents to whatever is asked.
    """
    try:
        tenant = await resolve.resolve(runtime, world.organization.slug)
        tokens = await _tokens(runtime, tenant, world)
    except PortaError:
        return None
    access = tokens["access_token"]
    told = await introspection.introspect(runtime, tenant, _form(world, token=access))
    try:
        known: dict[str, Any] | None = (await userinfo.answer(runtime, tenant, access))[0]
    except PortaError:
        known = None
    return Issued(
        claims_of(tokens["id_token"]) if "id_token" in tokens else None,
        claims_of(access) if "." in access else told,
        known,
        tokens.get("scope", ""),
    )


async def _tokens(runtime: Runtime, tenant: Tenant, world: World) -> dict[str, Any]:
    question = world.question
    client = await resolve.find_client(runtime, tenant, world.client.client_id)
    if client is None:
        raise PortaError("unknown client")
    request = factories.request(
        client_id=client.client_id,
        redirect_uri=CALLBACK,
        response_type="code",
        scope=registered_scope(client) if question.scope is None else parse_scope(question.scope),
        code_challenge=challenge_of(VERIFIER),
        code_challenge_method=pkce.METHOD,
        claims=parse_claims_request(question.claims),
        resource=question.resource,
    )
    accepted = checks.accept(request, client, await policy.find(runtime, tenant))
    now = int(time.time())
    session = factories.session(
        id=secrets.token_hex(16), organization_id=tenant.id, uid=secrets.token_hex(16),
        account_id=world.user.id, created_at=now, authenticated_at=now, expires_at=now + 3600,
        amr=("pwd",), acr="urn:porta:acr:password",
    )  # fmt: skip
    grant = factories.grant(
        id=secrets.token_hex(16), organization_id=tenant.id, account_id=world.user.id,
        client_id=client.client_id, session_uid=session.uid, created_at=now,
    )  # fmt: skip
    code = await issue_code(runtime, tenant, client, accepted, session, grant, 0)
    form = _form(
        world, grant_type="authorization_code", code=code, redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )  # fmt: skip
    return await token.respond(runtime, tenant, form)


def _form(world: World, **fields: str) -> ClientRequest:
    name = world.client.client_id
    sent = {"client_id": name, "client_secret": name * 3, **fields}
    return ClientRequest(Params({k: (v,) for k, v in sent.items()}), None, Origin("127.0.0.1"))
