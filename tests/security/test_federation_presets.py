"""The presets of sign-in with others: what each of them refuses, and what it forgets."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from storage.models.connections import Connection
from storage.models.roles import Role
from storage.models.users import User
from tests.security.test_federation import (
    _callback,
    _come_back,
    _found,
    _person,
    _send,
    _sign_in,
    _tokens,
    served,
)
from tests.security.test_federation_factors import _entra, _roles
from tests.world.answers import location
from tests.world.browser import Browser, a_browser
from tests.world.served import Served, post_across_sites
from tests.world.upstream import Provider, connect

__all__ = ["served"]
GRAPH = "/v1.0/me/transitiveMemberOf/microsoft.graph.group"
OVERAGE: dict[str, Any] = {"_claim_names": {"groups": "src1"}}


async def _held(served: Served, user: User) -> list[str]:
    roles = served.runtime.storage.everywhere.user_roles
    return [each.id for each in await roles.of_user(user.id, user.organization_id)]


async def _nobody(served: Served, browser: Browser, email: str) -> None:
    assert browser.session is None
    assert await _found(served, email) is None


@pytest.mark.parametrize(
    "hd", [None, "evil.test", "ACME.test", "acme.test.evil.test", ["acme.test"]]
)
async def test_google_takes_no_hosted_domain_but_the_one_that_is_let_in(
    served: Served, browser: Browser, upstream: Provider, hd: Any
) -> None:
    connection = await connect(
        served, upstream, provider="google", creates_accounts=True,
        allowed_tenants=["acme.test", "acme.example"],
    )  # fmt: skip
    upstream.claims = _person(hd=hd)
    assert (await _sign_in(browser, connection, upstream)).status_code == 403
    await _nobody(served, browser, upstream.claims["email"])


async def _entra_connection(
    served: Served, upstream: Provider, **more: Any
) -> tuple[Connection, Role]:
    staff, _ = await _roles(served)
    _entra(upstream)
    rule = {"claim": "groups", "value": "g-7", "roleIds": [staff.id]}
    connection = await connect(
        served, upstream, provider="entra", creates_accounts=True, allowed_tenants=["t-1"],
        role_mapping=[rule], **more,
    )  # fmt: skip
    return connection, staff


def _of_tenant(upstream: Provider, tid: str | None = "t-1", **more: Any) -> dict[str, Any]:
    claims = {"iss": f"{upstream.base}/{tid}/v2.0", "tid": tid, "xms_edov": True}
    return _person(email_verified=None) | claims | more


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"tid": "t-2", "iss": "t-2"}, 403),  # honest, and of somebody else
        ({"tid": "t-1", "iss": "t-2"}, 400),  # the issuer is of another tenant
        ({"tid": "t-2", "iss": "t-1"}, 400),
        ({"tid": None, "iss": "t-1"}, 400),
        ({"tid": "T-1", "iss": "T-1"}, 403),
        ({"tid": ["t-1"], "iss": "t-1"}, 400),
        ({"tid": "{tenantid}", "iss": "{tenantid}"}, 403),
    ],
    ids=range(7),
)
async def test_entra_takes_nobody_of_another_tenant(
    served: Served, browser: Browser, upstream: Provider, claims: dict[str, Any], status: int
) -> None:
    connection, _ = await _entra_connection(served, upstream)
    told = claims | {"iss": f"{upstream.base}/{claims['iss']}/v2.0"}
    upstream.claims = _of_tenant(upstream) | told
    assert (await _sign_in(browser, connection, upstream)).status_code == status
    await _nobody(served, browser, upstream.claims["email"])


@pytest.mark.parametrize("answer", [(403, b"{}"), (200, b"no json"), (302, b"")], ids=range(3))
async def test_entra_signs_nobody_in_whose_groups_nobody_tells(
    served: Served, browser: Browser, upstream: Provider, answer: Any
) -> None:
    """Else whoever is in very many groups would lose the roles of all, or keep what they had."""
    connection, _ = await _entra_connection(served, upstream)
    upstream.claims, upstream.answers[GRAPH] = _of_tenant(upstream, **OVERAGE), answer
    assert (await _sign_in(browser, connection, upstream)).status_code == 503
    await _nobody(served, browser, upstream.claims["email"])


async def test_entra_is_asked_for_groups_where_its_document_says_and_nowhere_else(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """Where a token says so (`_claim_sources`), an access token would go to whoever wrote it."""
    connection, staff = await _entra_connection(served, upstream)
    evil = {"src1": {"endpoint": f"{upstream.base}/evil"}}
    upstream.claims = _of_tenant(upstream, _claim_sources=evil, **OVERAGE)
    upstream.answers |= {
        "/evil": {"value": [{"id": "g-7"}]},
        GRAPH: {"value": [{"id": "g-7"}]},
    }
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    assert "/evil" not in [path for path, _, _ in upstream.seen]
    user = await _found(served, upstream.claims["email"])
    assert user is not None
    assert await _held(served, user) == [staff.id]
    upstream.answers[GRAPH] = {"value": ["g-7", None, {"id": 7}]}
    async with a_browser(served) as another:
        await _tokens(another, await _sign_in(another, connection, upstream))
    assert await _held(served, user) == [], "who is in the group no more has the role no more"


@pytest.mark.parametrize("untold", ["the rest", "all, and it does not say where they are"])
async def test_who_is_in_more_groups_than_entra_tells_is_refused_and_loses_no_role(
    served: Served, browser: Browser, upstream: Provider, untold: str
) -> None:
    connection, staff = await _entra_connection(served, upstream)
    if untold != "the rest":
        described = "/.well-known/openid-configuration"
        upstream.answers[described] = {**upstream.answers[described], "msgraph_host": None}
    upstream.claims = _of_tenant(upstream, groups=["g-7"])
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    user = await _found(served, upstream.claims["email"])
    assert user is not None
    upstream.claims = {**upstream.claims, "groups": None, **OVERAGE}
    told = {"value": [{"id": "g-8"}], "@odata.nextLink": f"{upstream.base}/evil"}
    upstream.answers |= {GRAPH: told, "/evil": {"value": [{"id": "g-7"}]}}
    async with a_browser(served) as another:
        assert (await _sign_in(another, connection, upstream)).status_code == 403
        assert another.session is None
    assert await _held(served, user) == [staff.id]
    assert "/evil" not in [path for path, _, _ in upstream.seen]


async def test_groups_that_nobody_maps_keep_nobody_out(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    _entra(upstream)
    connection = await connect(
        served, upstream, provider="entra", creates_accounts=True, allowed_tenants=["t-1"]
    )
    upstream.claims = _of_tenant(upstream, **OVERAGE)
    upstream.answers[GRAPH] = {"value": [{"id": "g-8"}], "@odata.nextLink": "more"}
    await _tokens(browser, await _sign_in(browser, connection, upstream))


def _pem() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def _apple(served: Served, upstream: Provider, **more: Any) -> Connection:
    return await connect(
        served, upstream, provider="apple", creates_accounts=True, client_secret=_pem(),
        options={"team_id": "TEAM", "key_id": "KEY"}, **more,
    )  # fmt: skip


async def _posted(
    browser: Browser, connection: Connection, upstream: Provider, **beside: str
) -> httpx.Response:
    """Go there, and come back as Apple sends people: by a form of its own site."""
    there = location(await _send(browser, await browser.begin(), connection))
    form = upstream.grant(there) | beside
    posted = await post_across_sites(browser.http, _callback(browser, connection), data=form)
    return await browser.http.get(location(posted))


@pytest.mark.parametrize("verified", [None, False, "false", "TRUE", 1], ids=str)
async def test_apple_makes_nobody_of_an_address_that_it_has_not_verified(
    served: Served, browser: Browser, upstream: Provider, verified: Any
) -> None:
    connection = await _apple(served, upstream)
    upstream.claims = _person(email_verified=verified)
    written = f'{{"email": "{upstream.claims["email"]}", "email_verified": true}}'
    answer = await _posted(browser, connection, upstream, user=written)
    assert "/interaction/" in location(answer)
    await _nobody(served, browser, upstream.claims["email"])


async def test_what_apple_told_once_is_not_forgotten_when_it_is_silent(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    mapping = {"given_name": "given_name", "family_name": "family_name"}
    connection = await _apple(served, upstream, claim_mapping=mapping)
    upstream.claims = _person()
    name = '{"name": {"firstName": "Ada", "lastName": "Lovelace"}}'
    await _tokens(browser, await _posted(browser, connection, upstream, user=name))
    for said in ({}, {"user": "no json"}, {"user": "[]"}, {"user": '{"name": {}}'}):
        async with a_browser(served) as another:
            await _tokens(another, await _posted(another, connection, upstream, **said))
        made = await _found(served, upstream.claims["email"])
        assert made is not None
        assert (made.given_name, made.family_name) == ("Ada", "Lovelace"), said


async def test_apple_takes_no_form_that_nobody_asked_for(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await _apple(served, upstream)
    callback, form = _callback(browser, connection), {"code": "c", "state": "r" * 43}
    posted = await post_across_sites(browser.http, callback, data=form)
    assert (await browser.http.get(location(posted))).status_code == 400
    assert [path for path, _, _ in upstream.seen if path == "/token"] == []


async def _github(
    served: Served, upstream: Provider, **answers: Any
) -> tuple[Connection, Role, str]:
    """Somebody of the organization, and of its team, whose address is verified."""
    staff, _ = await _roles(served)
    email = f"{secrets.token_hex(6)}@people.test"
    rule = {"claim": "teams", "value": "acme/ops", "roleIds": [staff.id]}
    connection = await connect(
        served, upstream, provider="github", creates_accounts=True, allowed_tenants=["acme"],
        role_mapping=[rule],
    )  # fmt: skip
    told = {
        "": {"id": secrets.randbelow(2**31), "login": "ada"},
        "/emails": [{"email": email, "primary": True, "verified": True}],
        "/orgs": [{"login": "acme"}],
        "/teams": [{"slug": "ops", "organization": {"login": "acme"}}],
    }
    upstream.answers |= {f"/api/v3/user{path}": answer for path, answer in told.items()}
    upstream.answers |= {f"/api/v3/user{path}": answer for path, answer in answers.items()}
    upstream.tokens = {"id_token": None}
    return connection, staff, email


async def _at_github(
    browser: Browser, connection: Connection, upstream: Provider
) -> httpx.Response:
    there = location(await _send(browser, await browser.begin(), connection))
    return await _come_back(browser, connection, upstream.grant(there))


@pytest.mark.parametrize(
    ("path", "answer", "status"),
    [
        ("", {"login": "ada"}, 403),
        ("", {"id": True}, 403),
        ("", {"id": "7"}, 403),
        ("", [], 400),
        ("", (401, b"{}"), 503),
        ("/orgs", [], 403),
        ("/orgs", [{"login": "acme-evil"}, {"login": None}, "acme", {}], 403),
        ("/orgs", {"login": "acme"}, 403),
        ("/orgs", (403, b"{}"), 503),
        ("/teams", (403, b"{}"), 503),
        ("/emails", (404, b"{}"), 503),
    ],
    ids=range(11),
)
async def test_github_lets_nobody_in_who_is_no_member(
    served: Served, browser: Browser, upstream: Provider, path: str, answer: Any, status: int
) -> None:
    connection, _, email = await _github(served, upstream, **{path: answer})
    assert (await _at_github(browser, connection, upstream)).status_code == status
    await _nobody(served, browser, email)


@pytest.mark.parametrize(
    "teams",
    [
        [{"slug": "ops", "organization": {"login": "evil"}}],
        [{"slug": "ops"}, {"slug": "acme/ops", "organization": {"login": ""}}],
        [{"slug": "acme/ops"}, "acme/ops", {"organization": {"login": "acme"}}],
        {"slug": "ops", "organization": {"login": "acme"}},
    ],
    ids=range(4),
)
async def test_github_gives_no_role_of_a_team_of_somebody_else(
    served: Served, browser: Browser, upstream: Provider, teams: Any
) -> None:
    """Whoever makes an organization there calls its teams what they like."""
    connection, staff, email = await _github(served, upstream)
    await _tokens(browser, await _at_github(browser, connection, upstream))
    user = await _found(served, email)
    assert user is not None
    assert await _held(served, user) == [staff.id]
    upstream.answers["/api/v3/user/teams"] = teams
    async with a_browser(served) as another:
        await _tokens(another, await _at_github(another, connection, upstream))
    assert await _held(served, user) == []
