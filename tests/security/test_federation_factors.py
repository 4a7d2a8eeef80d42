"""Sign-in with others: what it is worth beside second factors, roles, and the four presets."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from porta.audit.actors import SYSTEM, Actor
from porta.authn.federation.exchange import describe
from porta.errors import Conflict, Forbidden, Invalid
from porta.outbound.http import NotSent
from porta.protocol.federation import PROVIDERS
from porta.runtime import Runtime
from porta.security.connection_secrets import open_secret
from porta.services import connections
from porta.services.connections import ConnectionPatch, NewConnection
from porta.services.permissions import PERMISSIONS
from porta.services.reencryption import AtRest, run
from storage.models.connections import Connection
from storage.models.roles import Role
from tests import factories
from tests.security.test_federation import (
    OTHER,
    _callback,
    _come_back,
    _found,
    _person,
    _send,
    _sign_in,
    _tokens,
    served,
)
from tests.world.answers import claims_of, header_of, location, query_in
from tests.world.browser import Browser, a_browser, organization_id
from tests.world.served import Served, post_across_sites
from tests.world.upstream import Provider, connect

__all__ = ["served"]


async def _demand(served: Served, policy: str) -> None:
    home, storage = await organization_id(served), served.runtime.storage.everywhere
    await storage.organizations.update(home, {"two_factor_policy": policy})
    served.runtime._changed("organizations", "acme")


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_second_factor_is_demanded_unless_the_connection_is_trusted(
    served: Served, browser: Browser, upstream: Provider, trusted: bool
) -> None:
    connection = await connect(
        served, upstream, creates_accounts=True, trusts_second_factor=trusted
    )
    upstream.claims = _person(amr=["pwd", "mfa"])
    await _demand(served, "required_totp")
    try:
        answer = await _sign_in(browser, connection, upstream)
        if not trusted:
            assert "/interaction/" in location(answer)
            assert browser.session is None
            return
        claims = claims_of((await _tokens(browser, answer))["id_token"])
        assert (claims["amr"], claims["acr"]) == (["fed", "mfa"], "urn:porta:acr:mfa")
    finally:
        await _demand(served, "optional")


async def test_mfa_is_told_of_nobody_who_is_not_trusted_for_it(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(served, upstream, creates_accounts=True)
    upstream.claims = _person(amr=["mfa"])
    claims = claims_of(
        (await _tokens(browser, await _sign_in(browser, connection, upstream)))["id_token"]
    )
    assert (claims["amr"], claims["acr"]) == (["fed"], "urn:porta:acr:federated")


async def _roles(served: Served) -> tuple[Role, Role]:
    storage = served.runtime.storage.everywhere
    mark = secrets.token_hex(4)
    application = factories.application(id=factories.new_id(), name="A", slug=f"app-{mark}")
    await storage.applications.insert(application)
    made = []
    for name in ("staff", "boss"):
        role = factories.role(application.id, id=factories.new_id(), slug=name, name=name)
        await storage.roles.insert(role)
        made.append(role)
    return made[0], made[1]


async def test_roles_follow_the_mapping_at_each_sign_in_and_no_others_do(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    staff, boss = await _roles(served)
    rules = [
        {"claim": "groups", "value": "staff", "roleIds": [staff.id]},
        {"claim": "groups", "value": "boss", "roleIds": [boss.id]},
    ]
    connection = await connect(
        served, upstream, creates_accounts=True, role_mapping=rules,
        claim_mapping={"nickname": "nick"},
    )  # fmt: skip
    upstream.claims = _person(groups=["staff", "boss", "porta-super-admin"], nick="Ada")
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    user = await _found(served, upstream.claims["email"])
    assert user is not None
    storage = served.runtime.storage.everywhere

    async def held() -> set[str]:
        return {each.id for each in await storage.user_roles.of_user(user.id, user.organization_id)}

    assert await held() == {staff.id, boss.id}
    upstream.claims = upstream.claims | {"groups": "staff", "nick": "Countess"}
    async with a_browser(served) as another:
        await _tokens(another, await _sign_in(another, connection, upstream))
    assert await held() == {staff.id}
    again = await _found(served, upstream.claims["email"])
    assert again is not None
    assert again.nickname == "Countess"


async def test_a_connection_does_nothing_that_its_maker_may_not(served: Served) -> None:
    storage, home = served.runtime.storage.everywhere, await organization_id(served)
    keys = served.runtime.settings.signing_key_encryption_keys
    staff, _ = await _roles(served)
    powers: dict[str, dict[str, Any]] = {
        "admin:user:create": {"createsAccounts": True},
        "admin:user:update": {"authoritativeDomains": ["acme.test"]},
        "admin:role:assign": {"roleMapping": [{"claim": "g", "value": "v", "roleIds": [staff.id]}]},
    }
    good = {"name": secrets.token_hex(6), "provider": "google", "clientId": "x"}
    for needed, more in powers.items():
        actor = Actor(permissions=frozenset(PERMISSIONS) - {needed})
        with pytest.raises(Forbidden, match=needed):
            await connections.create(storage, actor, home, NewConnection.parse(good | more), keys)
    await connections.create(
        storage, Actor(permissions=frozenset({"admin:org:update"})), home,
        NewConnection.parse(good), keys,
    )  # fmt: skip
    super_admin = await organization_id(served, OTHER)
    bound = Actor(permissions=frozenset(PERMISSIONS) - {"admin:key:rotate"})
    with pytest.raises(Forbidden, match="super-administrators"):
        await connections.create(storage, bound, super_admin, NewConnection.parse(good), keys)


async def test_an_option_that_is_not_asked_for_is_refused_where_it_is_said(served: Served) -> None:
    """One that a connection has from before hinders no other change of it."""
    storage, home = served.runtime.storage.everywhere, await organization_id(served)
    keys, stray = served.runtime.settings.signing_key_encryption_keys, {"team_id": "T1"}
    good = {"name": secrets.token_hex(6), "provider": "google", "clientId": "x"}
    new = NewConnection.parse(good | {"options": stray})
    with pytest.raises(Invalid, match="team_id"):
        await connections.create(storage, SYSTEM, home, new, keys)
    made = await connections.create(storage, SYSTEM, home, NewConnection.parse(good), keys)
    await storage.connections.update(made.id, home, {"options": stray})
    patch = ConnectionPatch.parse({"clientId": "y"})
    after = await connections.update(storage, SYSTEM, made.id, patch, keys)
    assert (after.client_id, after.options) == ("y", stray)
    patch = ConnectionPatch.parse({"options": stray | {"key_id": "K1"}})
    with pytest.raises(Invalid, match="team_id"):
        await connections.update(storage, SYSTEM, made.id, patch, keys)


class _Undone(Exception):
    pass


async def test_no_mapping_gives_what_administrators_have(served: Served) -> None:
    storage, home = served.runtime.storage.everywhere, await organization_id(served)
    administration = factories.application(id=factories.new_id(), name="A", slug="porta-admin")
    role = factories.role(administration.id, id=factories.new_id(), slug="all")
    rule = {"claim": "g", "value": "v", "roleIds": [role.id]}
    body = {"name": "A", "provider": "google", "clientId": "x", "roleMapping": [rule]}
    with suppress(_Undone):
        async with storage.transaction() as tx:
            await tx.applications.insert(administration)
            await tx.roles.insert(role)
            with pytest.raises(Invalid) as refused:
                await connections.create(tx, SYSTEM, home, NewConnection.parse(body), (b"k" * 32,))
            raise _Undone
    assert "administrators" in refused.value.problems[0].message


async def test_a_secret_is_encrypted_for_its_connection_and_anew(
    served: Served, upstream: Provider
) -> None:
    connection = await connect(served, upstream)
    storage, old = served.runtime.storage.everywhere, served.runtime.settings
    assert connection.client_secret is not None
    keys = old.signing_key_encryption_keys
    assert open_secret(connection.client_secret, connection.id, keys) == "a secret of ours"
    assert open_secret(connection.client_secret, factories.new_id(), keys) is None
    assert "secret of ours" not in connection.client_secret
    fresh = (b"n" * 32, *keys)
    try:
        done = await run(storage, AtRest(fresh))
        after = await storage.connections.find(connection.id)
    finally:
        await run(storage, AtRest((keys[0], fresh[0])))  # as it was, for whoever comes after
    assert done.client_secrets == 1
    assert after is not None
    assert after.client_secret is not None
    assert open_secret(after.client_secret, connection.id, fresh[:1]) == "a secret of ours"


async def test_google_lets_in_the_hosted_domains_that_the_token_names(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await connect(
        served, upstream, provider="google", creates_accounts=True, allowed_tenants=["acme.test"]
    )
    there = location(await _send(browser, await browser.begin(), connection))
    assert query_in(there)["hd"] == "acme.test"
    for hd in (None, "evil.test"):
        upstream.claims = _person(hd=hd)
        assert (await _sign_in(browser, connection, upstream)).status_code == 403
    upstream.claims = _person(hd="acme.test")
    await _tokens(browser, await _sign_in(browser, connection, upstream))


def _entra(upstream: Provider) -> None:
    metadata = upstream.metadata() | {
        "issuer": upstream.base + "/{tenantid}/v2.0",
        "msgraph_host": upstream.base.removeprefix("http://"),
    }
    upstream.answers["/.well-known/openid-configuration"] = metadata


async def test_entra_lets_in_tenants_and_asks_for_groups_that_no_token_holds(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    staff, _ = await _roles(served)
    _entra(upstream)
    rule = {"claim": "groups", "value": "g-7", "roleIds": [staff.id]}
    connection = await connect(
        served, upstream, provider="entra", creates_accounts=True, allowed_tenants=["t-1"],
        role_mapping=[rule],
    )  # fmt: skip

    def person(tid: str, **more: Any) -> dict[str, Any]:
        return _person(iss=f"{upstream.base}/{tid}/v2.0", tid=tid, email_verified=None, **more)

    upstream.claims = person("t-2", xms_edov=True)
    assert (await _sign_in(browser, connection, upstream)).status_code == 403
    upstream.claims = person("t-1", xms_edov=True) | {"iss": f"{upstream.base}/t-2/v2.0"}
    assert (await _sign_in(browser, connection, upstream)).status_code == 400
    upstream.claims = person("t-1")  # an address that nobody has verified makes no account
    assert "/interaction/" in location(await _sign_in(browser, connection, upstream))
    overage = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}
    upstream.claims = person("t-1", xms_edov=True, **overage)
    upstream.answers["/v1.0/me/transitiveMemberOf/microsoft.graph.group"] = {
        "value": [{"id": "g-7"}, {"id": "g-8"}]
    }
    await _tokens(browser, await _sign_in(browser, connection, upstream))
    user = await _found(served, upstream.claims["email"])
    assert user is not None
    held = await served.runtime.storage.everywhere.user_roles.of_user(user.id, user.organization_id)
    assert [each.id for each in held] == [staff.id]


async def test_nobody_brings_their_groups_along(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    """What Apple posts beside a code comes through the browser: whoever it is may write it."""
    staff, _ = await _roles(served)
    _entra(upstream)
    connection = await connect(
        served, upstream, provider="entra", creates_accounts=True, allowed_tenants=["t-1"],
        role_mapping=[{"claim": "groups", "value": "g-7", "roleIds": [staff.id]}],
    )  # fmt: skip
    upstream.claims = _person(iss=f"{upstream.base}/t-1/v2.0", tid="t-1", xms_edov=True)
    response = upstream.grant(location(await _send(browser, await browser.begin(), connection)))
    written = response | {"user": '{"value": [{"id": "g-7"}]}'}
    await _tokens(browser, await _come_back(browser, connection, written))
    user = await _found(served, upstream.claims["email"])
    assert user is not None
    storage = served.runtime.storage.everywhere
    assert await storage.user_roles.of_user(user.id, user.organization_id) == ()


async def test_apple_is_posted_from_and_tells_a_name_once(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    connection = await connect(
        served, upstream, provider="apple", creates_accounts=True, client_secret=pem,
        options={"team_id": "TEAM", "key_id": "KEY"},
    )  # fmt: skip
    there = location(await _send(browser, await browser.begin(), connection))
    asked = query_in(there)
    assert asked["response_mode"] == "form_post"
    assert "code_challenge" not in asked
    upstream.claims = _person(email_verified="true")
    name = '{"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "evil@acme.test"}'
    form = upstream.grant(there) | {"user": name}
    posted = await post_across_sites(browser.http, _callback(browser, connection), data=form)
    assert posted.status_code == 303
    await _tokens(browser, await browser.http.get(location(posted)))
    made = await _found(served, upstream.claims["email"])
    assert made is not None
    assert (made.given_name, made.family_name) == ("Ada", "Lovelace")
    _, sent, _ = next(each for each in upstream.seen if each[0] == "/token")
    assert header_of(sent["client_secret"])["kid"] == "KEY"
    told = claims_of(sent["client_secret"])
    assert (told["iss"], told["sub"], told["aud"]) == ("TEAM", "porta", upstream.base)
    with pytest.raises(Invalid):
        await connect(served, upstream, provider="apple", client_secret="no key")


async def test_github_tells_a_verified_primary_address_organizations_and_teams(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    staff, _ = await _roles(served)
    mark, number = secrets.token_hex(6), secrets.randbelow(2**31)
    rule = {"claim": "teams", "value": "acme/ops", "roleIds": [staff.id]}
    connection = await connect(
        served, upstream, provider="github", creates_accounts=True, allowed_tenants=["Acme"],
        role_mapping=[rule],
    )  # fmt: skip
    emails = [
        {"email": f"other-{mark}@people.test", "primary": False, "verified": True},
        {"email": f"{mark}@people.test", "primary": True, "verified": False},
    ]
    upstream.answers |= {
        "/api/v3/user": {"id": number, "login": "ada", "name": "Ada"},
        "/api/v3/user/emails": emails,
        "/api/v3/user/orgs": [{"login": "somebody"}],
        "/api/v3/user/teams": [{"slug": "ops", "organization": {"login": "acme"}}],
    }
    upstream.tokens = {"id_token": None}

    async def there_and_back() -> httpx.Response:
        url = location(await _send(browser, await browser.begin(), connection))
        assert url.startswith(f"{upstream.base}/login/oauth/authorize?"), url
        return await _come_back(browser, connection, upstream.grant(url))

    assert (await there_and_back()).status_code == 403
    upstream.answers["/api/v3/user/orgs"] = [{"login": "acme"}]
    assert "/interaction/" in location(await there_and_back())  # not verified
    emails[1]["verified"] = True
    await _tokens(browser, await there_and_back())
    user = await _found(served, f"{mark}@people.test")
    assert user is not None
    storage = served.runtime.storage.everywhere
    (identity,) = await storage.identities.of_user(user.id, user.organization_id)
    assert identity.subject == str(number)
    held = await storage.user_roles.of_user(user.id, user.organization_id)
    assert [each.id for each in held] == [staff.id]


def _places(upstream: Provider, **more: str) -> dict[str, str]:
    names = {"authorization_endpoint": "authorize?for=apps", "token_endpoint": "token"}
    places = {name: f"{upstream.base}/{path}" for name, path in names.items()}
    return places | {"userinfo_endpoint": f"{upstream.base}/users/@me"} | more


async def _oauth2(served: Served, upstream: Provider, **options: str) -> Connection:
    upstream.answers.pop("/.well-known/openid-configuration", None)
    upstream.tokens = {"id_token": None}
    return await connect(
        served, upstream, provider="oauth2", creates_accounts=True, scopes=["identify"],
        options=_places(upstream, **options),
    )  # fmt: skip


async def test_oauth2_without_id_tokens_is_asked_who_it_is(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    names = {"subject_claim": "id", "email_verified_claim": "verified"}
    connection = await _oauth2(served, upstream, **names)
    mark, number = secrets.token_hex(6), secrets.randbelow(2**31)
    told = {"id": number, "sub": "s-9", "email": f"{mark}@people.test", "email_verified": True}

    async def there_and_back() -> httpx.Response:
        url = location(await _send(browser, await browser.begin(), connection))
        assert url.startswith(f"{upstream.base}/authorize?for=apps&"), url
        assert query_in(url)["scope"] == "identify"
        assert "nonce" not in query_in(url)
        return await _come_back(browser, connection, upstream.grant(url))

    upstream.answers["/users/@me"] = told
    assert "/interaction/" in location(await there_and_back()), "verified is what it names alone"
    for verified in ("true", 1, None):
        upstream.answers["/users/@me"] = told | {"verified": verified}
        assert "/interaction/" in location(await there_and_back())
    for subject in (None, True, 1.5, ["s"], {"s": 1}):
        upstream.answers["/users/@me"] = told | {"verified": True, "id": subject}
        assert (await there_and_back()).status_code == 403
    upstream.answers["/users/@me"] = told | {"verified": True}
    await _tokens(browser, await there_and_back())
    user = await _found(served, f"{mark}@people.test")
    assert user is not None
    storage = served.runtime.storage.everywhere
    (identity,) = await storage.identities.of_user(user.id, user.organization_id)
    assert (identity.issuer, identity.subject) == (upstream.base, str(number))
    asked = [each for each in upstream.seen if each[0] in ("/token", "/users/@me")]
    assert asked[-2][2].startswith("Basic ")
    assert asked[-1][2] == "Bearer upstream-token"


@pytest.mark.parametrize(
    "endpoint",
    ["http://localhost/authorize", "https:///authorize", f"https://id.test/{'x' * 3000}"],
    ids=range(3),
)
async def test_oauth2_no_browser_is_sent_where_no_page_is(
    served: Served, upstream: Provider, endpoint: str
) -> None:
    """Nor in plain text, where nothing private is called: as where it is discovered."""
    made = await _oauth2(served, upstream)
    said = made.options | {"authorization_endpoint": endpoint}
    connection = msgspec.structs.replace(made, options=said)
    open_ = served.runtime
    settings = open_.settings.model_copy(update={"outbound_private_addresses": False})
    runtime = Runtime(settings, open_.storage, open_.passwords, open_.pages)
    with pytest.raises(NotSent, match="authorization_endpoint"):
        await describe(runtime, PROVIDERS["oauth2"], connection)


async def test_oauth2_an_address_of_another_name_is_not_verified_by_the_usual_word(
    served: Served, browser: Browser, upstream: Provider
) -> None:
    connection = await _oauth2(served, upstream, email_claim="mail")
    mark = secrets.token_hex(6)
    told = {"sub": mark, "mail": f"{mark}@people.test", "email": "x@y.test", "email_verified": True}
    upstream.answers["/users/@me"] = told
    assert "/interaction/" in location(await _sign_in(browser, connection, upstream))
    assert await _found(served, f"{mark}@people.test") is None


async def test_oauth2_who_people_are_there_never_changes(
    served: Served, upstream: Provider
) -> None:
    connection = await _oauth2(served, upstream)
    storage = served.runtime.storage.everywhere
    keys = served.runtime.settings.signing_key_encryption_keys
    for options in (
        _places(upstream, subject_claim="nick"),
        _places(upstream) | {"userinfo_endpoint": "https://evil.test/me"},
    ):
        patch = ConnectionPatch.parse({"options": options})
        with pytest.raises(Conflict, match="say who people are"):
            await connections.update(storage, SYSTEM, connection.id, patch, keys)


@pytest.mark.parametrize(
    ("provider", "options"),
    [
        ("oauth2", {"userinfo_endpoint": None}),
        ("oauth2", {"authorization_endpoint": "javascript:alert(1)"}),
        ("oauth2", {"token_endpoint": "http://id.test/token"}),
        ("oauth2", {"userinfo_endpoint": "https://id.test/me#x"}),
        ("oauth2", {"userinfo_endpoint": "https://me:secret@id.test/me"}),
        ("oauth2", {"token_endpoint_auth_method": "none"}),
        ("oauth2", {"subject_claim": ""}),
        ("oauth2", {"team_id": "TEAM"}),
        ("oauth2", {"unheard": "of"}),
        ("google", {}),
    ],
)
async def test_options_are_those_of_the_provider_and_lead_somewhere_safe(
    served: Served, upstream: Provider, provider: str, options: dict[str, str | None]
) -> None:
    asked = {name: at for name, at in (_places(upstream) | options).items() if at is not None}
    with pytest.raises(Invalid):
        await connect(served, upstream, provider=provider, options=asked)
