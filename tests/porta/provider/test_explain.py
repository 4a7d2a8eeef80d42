"""Explain: equal to what is issued, with a reason for whatever is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings

from porta.errors import Invalid, NotFound
from porta.protocol.tokens.claim_size import to_document
from porta.protocol.tokens.claim_trace import Target
from porta.provider import consents
from porta.provider.explain import explain
from porta.provider.explain.question import Explained, Explanation, Question, WhatIf
from porta.runtime import Runtime
from storage.models.claims import ClaimMapping
from storage.models.interactions import Consent
from storage.postgres.driver import Postgres
from tests import factories
from tests.porta.provider.explained import Issued, build, drawn, issue
from tests.world.runtime import opened

TARGETS: tuple[Target, ...] = ("id_token", "access_token", "userinfo")
_AT_ISSUE = {
    *("iat", "exp", "jti", "auth_time", "at_hash", "sid", "acr", "amr", "nonce", "sub"),
}
"""Claims of the protocol that explain has the names of; `sub` is compared, too."""
_PLAIN: dict[str, Any] = {
    "organization": {},
    "client": {
        "scope": "openid profile email offline_access",
        "grant_types": ("authorization_code", "refresh_token"),
    },
    "user": {"given_name": "Ada", "family_name": "Lovelace"},
    "roles": ("staff", "chief"),
    "held": ("staff",),
    "permitted": {"staff": ("a:b:c",), "chief": ("a:b:c", "a:b:d")},
    "definitions": {
        "team": ("json", True, True, True),
        "level": ("number", False, True, False),
        "badge": ("boolean", True, True, True),
    },
    "values": {"team": "blue"},
    "resources": (),
    "resource_format": None,
    "scope": None,
    "resource": (),
    "claims": None,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runtime(database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    async with opened(database_url, redis_url) as running:
        yield running


def _equal(explained: Explained, issued: dict[str, Any] | None) -> None:
    """Every claim with its value; of those that are made when it is issued the names."""
    if issued is None:
        assert explained.form == "none", explained
        assert explained.reason
        assert explained.claims == ()
        return
    said = to_document(list(explained.claims))
    assert said.keys() == issued.keys()
    for name in said.keys() - (_AT_ISSUE - {"sub"}):
        assert said[name] == issued[name], name
    assert all(claim.source and claim.rule for claim in explained.claims if claim.value is not None)
    absent = {claim.name: claim for claim in explained.absent}
    assert len(absent) == len(explained.absent)
    assert not absent.keys() & {claim.name for claim in explained.claims}
    assert all(each.reason and each.detail for each in explained.absent)
    assert set(issued.get("_claim_names", {})) == set(explained.referenced)


async def _explain_equals_issue(
    pg: Postgres, runtime: Runtime, made_of: dict[str, Any]
) -> tuple[Explanation, Issued | None]:
    world = await build(pg, runtime, made_of)
    before = await _rows(pg)
    explanation = await explain(runtime, world.organization, world.question)
    assert await _rows(pg) == before, "nothing is written"
    issued = await issue(runtime, world)
    assert explanation.is_issued is (issued is not None), explanation.decisions
    if issued is not None:
        for target in TARGETS:
            found = explanation.target(target)
            assert found is not None
            _equal(found, getattr(issued, target))
        granted = {each.scope for each in explanation.scopes if each.is_granted}
        assert granted == set(issued.scope.split())
    return explanation, issued


async def _rows(pg: Postgres) -> object:
    """Whatever an explanation could have written."""
    return await pg.fetchrow(
        "SELECT (SELECT count(*) FROM artifacts), (SELECT count(*) FROM audit_log),"
        " (SELECT count(*) FROM user_roles), (SELECT count(*) FROM custom_claim_values),"
        " (SELECT sum(hashtext(u::text)::bigint) FROM users u)"
    )


def _random(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@_random(60)
@given(drawn())
async def test_explain_equals_issue(
    pg: Postgres, runtime: Runtime, made_of: dict[str, Any]
) -> None:
    await _explain_equals_issue(pg, runtime, made_of)


@pytest.mark.long
@pytest.mark.timeout(1800)
@_random(1000)
@given(drawn())
async def test_explain_equals_issue_a_thousand_times(
    pg: Postgres, runtime: Runtime, made_of: dict[str, Any]
) -> None:
    await _explain_equals_issue(pg, runtime, made_of)


# what is told


def _made(**changes: Any) -> dict[str, Any]:
    return {
        name: value | changes.pop(name) if isinstance(value, dict) and name in changes else value
        for name, value in _PLAIN.items()
    } | changes


async def _asked(
    pg: Postgres, runtime: Runtime, what_if: WhatIf | None = None, **changes: Any
) -> Explanation:
    world = await build(pg, runtime, _made(**changes))
    question = replace(world.question, what_if=what_if or WhatIf())
    return await explain(runtime, world.organization, question)


def _reasons(explanation: Explanation, target: Target) -> dict[str, str]:
    found = explanation.target(target)
    assert found is not None
    return {absent.name: absent.reason for absent in found.absent}


def _said(explanation: Explanation, target: Target) -> dict[str, Any]:
    found = explanation.target(target)
    assert found is not None
    return to_document(list(found.claims))


def _outcomes(explanation: Explanation) -> dict[str, str]:
    return {decision.policy: decision.outcome for decision in explanation.decisions}


async def test_every_claim_says_where_it_came_from_and_why(pg: Postgres, runtime: Runtime) -> None:
    explanation = await _asked(pg, runtime, scope="openid profile")
    found = explanation.target("id_token")
    assert found is not None
    told = {claim.name: (claim.source, claim.rule) for claim in found.claims}
    assert told["roles"] == ("roles", "scope openid")
    assert told["team"] == ("custom_claim_values", "claim definition")
    assert told["iss"] == ("protocol", "OpenID Connect Core §2")
    userinfo = explanation.target("userinfo")
    assert userinfo is not None
    told = {claim.name: (claim.source, claim.rule) for claim in userinfo.claims}
    assert told["given_name"] == ("users.given_name", "scope profile")
    assert told["preferred_username"] == ("users.email", "scope profile")


@pytest.mark.parametrize(
    ("changes", "target", "name", "reason"),
    [
        ({"scope": "openid"}, "userinfo", "email", "scope_not_granted"),
        ({"scope": "profile"}, "access_token", "roles", "scope_not_granted"),
        ({"scope": "profile"}, "access_token", "team", "scope_not_granted"),
        ({}, "id_token", "email", "target_excluded"),
        ({}, "access_token", "email", "target_excluded"),
        ({}, "id_token", "level", "target_excluded"),
        ({}, "access_token", "level", "value_not_set"),
        ({}, "userinfo", "nickname", "value_not_set"),
        ({"values": {"badge": "yes"}}, "id_token", "badge", "wrong_type"),
        ({"values": {"level": "3"}}, "access_token", "level", "wrong_type"),
        ({"roles": (), "held": (), "permitted": {}}, "id_token", "roles", "not_defined"),
        ({"values": {"team": "x" * 7000}}, "id_token", "team", "by_reference"),
        ({"values": {"team": "x" * 7000}}, "access_token", "team", "by_reference"),
        (
            {"claims": '{"id_token": {"phone_number": null}}'},
            "id_token", "phone_number", "scope_not_registered",
        ),
        (
            {"client": {"roles_claim": "groups"}}, "id_token", "roles", "mapped",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("roles", ("g",), ("userinfo",)),)}},
            "id_token", "g", "target_excluded",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("level", ("rank",)),)}},
            "access_token", "rank", "value_not_set",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("nobodys", ("rank",)),)}},
            "access_token", "rank", "not_defined",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("roles", ("email",)),)}},
            "userinfo", "roles", "mapped",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("roles", ("iss",)),)}},
            "id_token", "roles", "mapped",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("roles", ("scp", "roles")),)}},
            "id_token", "scp.roles", "reserved",
        ),
        (
            {"client": {"claim_mappings": (ClaimMapping("roles", ("team",)),)}},
            "id_token", "permissions", None,
        ),
    ],
)  # fmt: skip
async def test_every_claim_that_is_absent_has_its_reason(
    pg: Postgres, runtime: Runtime, changes: Any, target: Target, name: str, reason: str | None
) -> None:
    explanation = await _asked(pg, runtime, **changes)
    assert _reasons(explanation, target).get(name) == reason


async def test_a_third_party_that_was_not_shown_a_claim_is_told_so(
    pg: Postgres, runtime: Runtime
) -> None:
    """What a person consents to now is all there is: nothing is missing of it."""
    explanation = await _asked(pg, runtime, client={"is_first_party": False})
    assert "not_consented" not in _reasons(explanation, "id_token").values()
    assert _outcomes(explanation)["consent"] == "asked"
    assert explanation.is_issued


async def test_what_is_too_large_is_told(pg: Postgres, runtime: Runtime) -> None:
    explanation = await _asked(pg, runtime, values={"team": "x" * 4200})
    found = explanation.target("id_token")
    assert found is not None
    assert (found.is_large, found.referenced) == (True, ())
    assert found.size > 4200
    small = (await _asked(pg, runtime)).target("id_token")
    assert small is not None
    assert not small.is_large


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({"organization": {"status": "suspended"}}, "organization"),
        ({"organization": {"status": "archived"}}, "organization"),
        ({"client": {"status": "inactive"}}, "client"),
        ({"client": {"status": "revoked"}}, "client"),
        ({"user": {"status": "suspended"}}, "person"),
        ({"user": {"status": "inactive"}}, "person"),
        ({"client": {"grant_types": ("client_credentials",)}}, "request"),
        ({"scope": "unheard_of"}, "request"),
        ({"resource": ("https://unheard.test",)}, "request"),
        ({"claims": "{"}, "request"),
    ],
)
async def test_who_gets_no_tokens_is_told_by_what(
    pg: Postgres, runtime: Runtime, changes: Any, policy: str
) -> None:
    explanation = await _asked(pg, runtime, **changes)
    assert not explanation.is_issued
    refused = {d.policy for d in explanation.decisions if d.outcome == "refused"}
    assert refused == {policy}
    assert bool(explanation.targets) is (policy != "request")


@pytest.mark.parametrize(
    ("asked", "scope", "granted", "reason"),
    [
        ("openid phone", "phone", False, "not registered"),
        ("openid unheard_of", "unheard_of", False, "not registered"),
        ("openid email", "email", True, "registered for it"),
        ("openid offline_access", "offline_access", False, "grant type refresh_token"),
        ("openid stock orders", "orders", False, "another resource"),
    ],
)
async def test_every_scope_says_what_became_of_it(
    pg: Postgres, runtime: Runtime, asked: str, scope: str, granted: bool, reason: str
) -> None:
    explanation = await _asked(
        pg,
        runtime,
        client={
            "scope": "openid email offline_access stock orders",
            "grant_types": ("authorization_code",),
        },
        scope=asked,
        resources=("stock", "orders"),
        resource=("https://stock.test",) if "stock" in asked else (),
    )
    found = {each.scope: each for each in explanation.scopes}
    assert found.keys() == set(asked.split())
    assert found[scope].is_granted is granted
    assert reason in found[scope].reason


async def test_how_the_person_signs_in_is_told(pg: Postgres, runtime: Runtime) -> None:
    explanation = await _asked(
        pg,
        runtime,
        organization={"two_factor_policy": "required_totp", "require_pkce": True},
        client={"login_methods": ("magic_link",)},
    )
    told = {decision.policy: decision.reason for decision in explanation.decisions}
    assert told["login_methods"] == "magic_link, by the client; the person has no password"
    assert told["two_factor"].startswith("required_totp, by the organization")
    assert told["pkce"] == "the client has to use it"
    assert told["refresh_token"].startswith("one that outlives the session")
    own = await _asked(pg, runtime, organization={"default_login_methods": ("password",)})
    told = {decision.policy: decision.reason for decision in own.decisions}
    assert told["login_methods"].startswith("password, by the organization")


async def test_consent_that_was_given_is_remembered(pg: Postgres, runtime: Runtime) -> None:
    """In a session that lives, and of all that is asked now."""
    world = await build(pg, runtime, _made(client={"is_first_party": False}, scope="openid email"))
    tenant_id, storage = world.organization.id, runtime.storage.everywhere
    uid = world.client.client_id
    session = factories.session(
        id=uid, organization_id=tenant_id, uid=uid, account_id=world.user.id, created_at=1,
        authenticated_at=1, expires_at=2_000_000_000_0,
    )  # fmt: skip
    await storage.artifacts.save(session, 3600)

    async def outcome(question: Question = world.question) -> str:
        return _outcomes(await explain(runtime, world.organization, question))["consent"]

    assert await outcome() == "asked"
    given = Consent(
        scope=("openid", "email"), claims=("roles", "permissions", "badge", "level", "team")
    )
    grant = factories.grant(
        id=consents.grant_id(session, world.client), organization_id=tenant_id,
        account_id=world.user.id, client_id=world.client.client_id, session_uid=uid,
        created_at=1, consents=(given,),
    )  # fmt: skip
    await storage.artifacts.save(grant, 3600)
    assert await outcome() == "allowed"
    assert await outcome(replace(world.question, scope="openid email profile")) == "asked"
    await storage.end_session(session)
    assert await outcome() == "asked"


# what if


async def test_what_if_she_had_this_role(pg: Postgres, runtime: Runtime) -> None:
    explanation = await _asked(pg, runtime, WhatIf(roles=("chief",)))
    assert _said(explanation, "access_token")["roles"] == ["chief", "staff"]
    assert _said(explanation, "access_token")["permissions"] == ["a:b:c", "a:b:d"]
    without = await _asked(pg, runtime, WhatIf(without_roles=("staff",)))
    assert _said(without, "userinfo")["roles"] == []
    assert _said(without, "userinfo")["permissions"] == []


@pytest.mark.parametrize("tells_all_roles", [True, False])
async def test_what_if_says_what_would_be_issued_then(
    pg: Postgres, runtime: Runtime, tells_all_roles: bool
) -> None:
    """The answer is that of the installation in which it is so."""
    about = {"client": {"tells_all_roles": tells_all_roles}, "held": ("staff", "elsewhere")}
    before = await _asked(pg, runtime, WhatIf(roles=("chief", "staff")), **about)
    after, issued = await _explain_equals_issue(
        pg, runtime, _made(**about | {"held": ("staff", "chief", "elsewhere")})
    )
    assert issued is not None
    for target in TARGETS:
        one, other = _said(before, target), _said(after, target)
        for name in ("roles", "permissions", "team"):
            assert one.get(name) == other.get(name)


@pytest.mark.parametrize(
    ("what_if", "policy"),
    [
        (WhatIf(user_status="suspended"), "person"),
        (WhatIf(user_status="locked"), "person"),
        (WhatIf(client_status="revoked"), "client"),
        (WhatIf(organization_status="suspended"), "organization"),
    ],
)
async def test_what_if_somebody_were_suspended(
    pg: Postgres, runtime: Runtime, what_if: WhatIf, policy: str
) -> None:
    explanation = await _asked(pg, runtime, what_if)
    assert _outcomes(explanation)[policy] == "refused"
    assert not explanation.is_issued
    undone = await _asked(pg, runtime, WhatIf(user_status="active"), user={"status": "suspended"})
    assert undone.is_issued


async def test_what_if_a_claim_had_another_value(pg: Postgres, runtime: Runtime) -> None:
    explanation = await _asked(pg, runtime, WhatIf(claims={"team": ["red"], "level": 3}))
    assert _said(explanation, "access_token")["team"] == ["red"]
    assert _said(explanation, "access_token")["level"] == 3
    unset = await _asked(pg, runtime, WhatIf(claims={"team": None}))
    assert _reasons(unset, "userinfo")["team"] == "value_not_set"
    first = await _asked(pg, runtime, WhatIf(first_party=False))
    assert _outcomes(first)["consent"] == "asked"


@pytest.mark.parametrize(
    "what_if",
    [
        WhatIf(roles=("unheard_of",)),
        WhatIf(roles=("elsewhere",)),
        WhatIf(user_status="gone"),
        WhatIf(client_status="suspended"),
        WhatIf(organization_status="revoked"),
    ],
)
async def test_what_cannot_be_is_refused(pg: Postgres, runtime: Runtime, what_if: WhatIf) -> None:
    with pytest.raises(Invalid):
        await _asked(pg, runtime, what_if)


async def test_security_whoever_is_of_another_organization_is_unknown(
    pg: Postgres, runtime: Runtime
) -> None:
    one, other = await build(pg, runtime, _made()), await build(pg, runtime, _made())
    for question in (
        replace(one.question, user_id=other.user.id),
        replace(one.question, client_id=other.client.client_id),
        replace(one.question, client_id="unheard-of"),
        replace(one.question, user_id="00000000-0000-4000-8000-000000000000"),
    ):
        with pytest.raises(NotFound):
            await explain(runtime, one.organization, question)
