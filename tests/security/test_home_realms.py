"""Home-realm discovery: who is led where, what is closed by it, and that it tells of nobody."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from porta.authn.identities import LIFETIME
from porta.security import link_tokens
from storage.models.auth_tokens import LinkKind
from storage.models.connections import Connection
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.account import visits
from tests.world import house
from tests.world.answers import claims_of, hidden_fields, location, query_in
from tests.world.browser import Browser, add_user, code_form, post
from tests.world.mail import letters_for
from tests.world.second_factors import person_with_totp
from tests.world.served import Served, serve
from tests.world.upstream import Provider, connect, forget, prove

OTHER = "porta-admin"
LED = "sign in with"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(database_url: str, redis_url: str) -> AsyncIterator[Served]:
    """Return a server that may call the loopback, and send mail."""
    allowed = {"trusted_proxies": "127.0.0.1", "outbound_private_addresses": True}
    async with serve(database_url, redis_url, smtp_host="mail.example", **allowed) as running:
        yield running


@pytest.fixture
def domain() -> str:
    return f"{secrets.token_hex(6)}.test"


@pytest_asyncio.fixture
async def alice(served: Served, browser: Browser, domain: str) -> User:
    """Somebody with a password, and an address of the domain, which the browser types."""
    made = await add_user(served, f"alice@{domain}")
    browser.email = made.email
    return made


async def _post(browser: Browser, url: str, step: str, **form: str) -> httpx.Response:
    page = await browser.http.get(f"{url}?another=1")
    data = {"_csrf": hidden_fields(page.text)["_csrf"], **form}
    headers = {"X-Forwarded-For": browser.address}
    return await browser.http.post(f"{url}/{step}", data=data, headers=headers)


async def _identify(browser: Browser, email: str, **form: str) -> httpx.Response:
    return await _post(browser, await browser.begin(), "identify", email=email, **form)


def _alike(answer: httpx.Response, email: str) -> tuple[int, str]:
    """Return a page without what differs for each request, and for each address."""
    text = answer.text.replace(email, "ADDRESS")
    text = re.sub(r"/interaction/[\w.~-]+", "/interaction/U", text)
    return answer.status_code, re.sub(r'(name="_csrf" value=")[^"]*', r"\1", text)


async def _jobs(served: Served) -> int:
    ((count,),) = await served.runtime.storage.everywhere._executor.fetch(
        "SELECT count(*) FROM jobs WHERE kind = 'send_mail'", {}
    )
    return int(count)


async def test_the_address_comes_first_where_it_leads_somewhere(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    connection = await connect(served, upstream)
    page = await browser.http.get(await browser.begin())
    assert 'name="password"' in page.text
    await prove(served, connection, domain)
    page = await browser.http.get(await browser.begin())
    assert "/identify" in page.text
    assert 'name="password"' not in page.text


@pytest.mark.parametrize("email", ["alice@{}", " ALICE@{} ", "nobody@{}"])
async def test_whoever_has_to_is_sent_there_at_once(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, email: str
) -> None:
    del alice
    await prove(served, await connect(served, upstream), domain, "require")
    typed = email.format(domain if email.islower() else domain.upper())
    there = location(await _identify(browser, typed))
    assert there.startswith(f"{upstream.base}/authorize?")
    assert query_in(there)["login_hint"] == typed.strip().lower()


async def test_a_right_password_is_of_no_use_and_nobody_is_told_apart(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain, "require")
    pages = []
    for email in (alice.email, f"nobody@{domain}"):
        url = await browser.begin()
        answer = await _post(browser, url, "login", email=email, password=browser.password)
        assert LED in answer.text
        pages.append(_alike(answer, email))
    assert pages[0] == pages[1]
    assert browser.session is None


@pytest.mark.parametrize("email", ["alice@{}", "nobody@{}"])
async def test_nothing_is_mailed_to_who_signs_in_elsewhere(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, email: str
) -> None:
    del alice
    await prove(served, await connect(served, upstream), domain, "require")
    typed, before, url = email.format(domain), await _jobs(served), await browser.begin()
    answer = await _post(browser, url, "magic-link", email=typed)
    assert LED in answer.text
    forgot = f"{served.issuer()}/auth/forgot-password?interaction={url.rpartition('/')[2]}"
    form = hidden_fields((await browser.http.get(forgot)).text)
    answer = await browser.http.post(forgot, data=form | {"email": typed})
    assert LED in answer.text
    # And it leads on from there: the form is that of the sign-in.
    form = hidden_fields(answer.text)
    assert location(await browser.http.post(f"{url}/federation", data=form)).startswith(
        upstream.base
    )
    assert await _jobs(served) == before


async def test_without_a_sign_in_the_way_on_is_the_page_of_the_organization(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain, "require")
    forgot = f"{served.issuer()}/auth/forgot-password"
    form = hidden_fields((await browser.http.get(forgot)).text)
    answer = await browser.http.post(forgot, data=form | {"email": alice.email})
    assert LED in answer.text
    assert "/federation" not in answer.text


async def test_a_link_of_before_is_of_no_use(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    token = link_tokens.new_token()
    await served.runtime.storage.everywhere.auth_tokens.add(
        LinkKind.PASSWORD_RESET, alice.id, alice.organization_id, token.digest, 600
    )
    url = f"{served.issuer()}/auth/reset-password/{token.value}"
    form = hidden_fields((await browser.http.get(url)).text)
    await prove(served, await connect(served, upstream), domain, "require")
    typed = {"password": "another-otter-9", "confirmPassword": "another-otter-9"}
    assert LED in (await browser.http.post(url, data=form | typed)).text
    assert LED in (await browser.http.get(url)).text
    user = await served.runtime.storage.everywhere.users.find_by_id(alice.id, alice.organization_id)
    assert user is not None
    assert user.password_hash == alice.password_hash


async def test_nobody_makes_an_account_where_they_sign_in_elsewhere(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    organizations = served.runtime.storage.everywhere.organizations
    connection = await connect(served, upstream)
    await organizations.update(connection.organization_id, {"registration": "open"})
    served.runtime._changed("organizations", "acme")
    try:
        await prove(served, connection, domain, "require")
        before, url = await _jobs(served), f"{served.issuer()}/auth/register"
        form = hidden_fields((await browser.http.get(url)).text)
        answer = await browser.http.post(url, data=form | {"email": f"ada@{domain}"})
    finally:
        await organizations.update(connection.organization_id, {"registration": "closed"})
        served.runtime._changed("organizations", "acme")
    assert LED in answer.text
    assert await _jobs(served) == before


@pytest.mark.parametrize("proven", [False, True])
async def test_only_what_is_proven_here_closes_anything(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, proven: bool
) -> None:
    """Claimed by the organization, or proven by another one: that is its own business."""
    here, there = await connect(served, upstream), await connect(served, upstream, OTHER)
    if proven:
        await prove(served, there, domain, "require")
    made = await prove(served, here, domain, "require")
    everywhere = served.runtime.storage.everywhere
    await everywhere._executor.execute(
        "UPDATE domains SET verified_at = NULL WHERE id = %(id)s", {"id": made.id}
    )
    forget(served, here.organization_id)
    assert "code" in await browser.sign_in()


async def test_who_may_choose_is_asked_and_a_password_still_works(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain)
    url = await browser.begin()
    page = await _post(browser, url, "identify", email=alice.email)
    assert "you can sign in with" in page.text
    form = hidden_fields(page.text)
    page = await browser.http.post(f"{url}/identify", data=form | {"other": "1"})
    assert f'value="{alice.email}"' in page.text
    assert 'name="password"' in page.text
    form = {**hidden_fields(page.text), "email": alice.email, "password": browser.password}
    headers = {"X-Forwarded-For": browser.address}
    answer = await browser.http.post(f"{url}/login", data=form, headers=headers)
    assert "code" in await browser.follow(answer)


async def test_another_way_is_not_open_to_who_has_to(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain, "require")
    answer = await _identify(browser, alice.email, other="1")
    assert location(answer).startswith(upstream.base)


async def test_a_hint_leads_by_a_button_and_a_get_sends_nobody_away(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain, "require")
    url = await browser.begin(login_hint=f"ada@{domain}")
    page = await browser.http.get(url)
    assert (page.status_code, LED in page.text) == (200, True)
    there = location(await browser.http.post(f"{url}/federation", data=hidden_fields(page.text)))
    assert query_in(there)["login_hint"] == f"ada@{domain}"
    assert "/identify" in (await browser.http.get(f"{url}?another=1")).text


async def test_an_address_is_told_to_its_own_provider_alone(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    connection = await connect(served, upstream)
    other = await connect(served, upstream)
    await prove(served, connection, domain)
    form = {"connection": other.id, "email": f"ada@{domain}"}
    answer = await _post(browser, await browser.begin(), "federation", **form)
    assert "login_hint" not in query_in(location(answer))


async def test_a_forged_form_leads_nowhere(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    await prove(served, await connect(served, upstream), domain, "require")
    url = await browser.begin()
    await browser.http.get(url)
    answer = await browser.http.post(f"{url}/identify", data={"email": f"ada@{domain}"})
    assert answer.status_code == 403


async def _from_there(
    browser: Browser, connection: Connection, upstream: Provider, **claims: Any
) -> httpx.Response:
    """Go there, and come back as somebody."""
    upstream.claims = {"sub": secrets.token_hex(6), "email_verified": True, **claims}
    answer = await _post(browser, await browser.begin(), "federation", connection=connection.id)
    callback = f"{browser.served.issuer()}/federation/{connection.id}/callback"
    return await browser.http.get(callback, params=upstream.grant(location(answer)))


async def _prove_account(browser: Browser, url: str) -> httpx.Response:
    page = await browser.http.get(url)
    form = {**hidden_fields(page.text), "email": browser.email, "password": browser.password}
    headers = {"X-Forwarded-For": browser.address}
    return await browser.http.post(f"{url}/login", data=form, headers=headers)


async def test_who_comes_from_there_proves_their_account_here_once(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    connection = await connect(served, upstream)
    await prove(served, connection, domain, "require")
    url = location(await _from_there(browser, connection, upstream, email=alice.email))
    assert location(await _prove_account(browser, url)) == url
    code = (await browser.follow(await _decide(browser, url, "link")))["code"]
    tokens = (await post(served, "/token", code_form(code))).json()
    assert claims_of(tokens["id_token"])["sub"] == alice.id


async def _decide(browser: Browser, url: str, decision: str) -> httpx.Response:
    form = {**hidden_fields((await browser.http.get(url)).text), "decision": decision}
    return await browser.http.post(f"{url}/federation/link", data=form)


async def test_who_proves_an_account_there_and_is_not_linked_is_not_signed_in(
    served: Served,
    browser: Browser,
    upstream: Provider,
    alice: User,
    domain: str,
    pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A password alone would get in otherwise, by whoever has been there before."""
    connection = await connect(served, upstream)
    await prove(served, connection, domain, "require")
    url = location(await _from_there(browser, connection, upstream, email=alice.email))
    await _prove_account(browser, url)
    assert LED in (await _decide(browser, url, "apart")).text
    assert browser.session is None
    refusals = await pg.fetch(
        "SELECT metadata ->> 'reason' FROM audit_log"
        " WHERE user_id = %(id)s AND event_type = 'user.login.password.failed'",
        {"id": alice.id},
    )
    assert refusals == [("provider_required",)], "though the password was right"
    late = time.time() + LIFETIME
    monkeypatch.setattr(served.runtime, "clock", lambda: late)
    assert LED in (await _prove_account(browser, url)).text
    assert browser.session is None


async def test_who_comes_from_there_as_somebody_else_proves_nothing(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    """An account there, and a password that was found: not enough for the account of another."""
    connection = await connect(served, upstream)
    await prove(served, connection, domain, "require")
    url = location(await _from_there(browser, connection, upstream, email=f"mallory@{domain}"))
    assert LED in (await _prove_account(browser, url)).text
    identities = served.runtime.storage.everywhere.identities
    assert await identities.of_user(alice.id, alice.organization_id) == ()


async def test_another_provider_is_no_way_around(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    work, other = await connect(served, upstream), await connect(served, upstream)
    await served.runtime.storage.everywhere.identities.add(
        other.id, alice.organization_id, alice.id, upstream.base, "alice-there", None
    )
    await prove(served, work, domain, "require")
    answer = await _from_there(browser, other, upstream, sub="alice-there", email=None)
    assert LED in answer.text
    assert browser.session is None


async def test_nobody_is_linked_elsewhere_once_their_domain_requires_its_provider(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    """They proved their account while they still could, and answer when they cannot any more."""
    work, other = await connect(served, upstream), await connect(served, upstream)
    url = location(await _from_there(browser, other, upstream, email=alice.email))
    assert location(await _prove_account(browser, url)) == url
    page = await browser.http.get(url)
    await prove(served, work, domain, "require")
    form = {**hidden_fields(page.text), "decision": "link"}
    answer = await browser.http.post(f"{url}/federation/link", data=form)
    assert LED in answer.text
    assert browser.session is None
    identities = served.runtime.storage.everywhere.identities
    assert await identities.of_user(alice.id, alice.organization_id) == ()


async def test_a_second_factor_lets_nobody_in_once_their_domain_requires_its_provider(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """The password was right while it still was a way in."""
    connection = await connect(served, upstream)
    user, totp = await person_with_totp(served.runtime, pg)
    browser.email, browser.password = user.email, house.PASSWORD
    url = await browser.begin()
    assert location(await browser.submit(url)) == url
    code = totp.generate_otp(int(served.runtime.clock() // 30))
    form = hidden_fields((await browser.http.get(url)).text) | {"method": "totp", "code": code}
    await prove(served, connection, "acme.example", "require")
    answer = await browser.http.post(f"{url}/two-factor", data=form)
    assert LED in answer.text
    assert browser.session is None


async def test_another_provider_lets_nobody_finish_once_their_domain_requires_its_own(
    served: Served, browser: Browser, upstream: Provider, pg: Postgres
) -> None:
    """They came from there while it still was a way in, and are asked for a second factor."""
    work, other = await connect(served, upstream), await connect(served, upstream)
    user, totp = await person_with_totp(served.runtime, pg)
    subject = factories.new_id()
    for connection in (work, other):
        await served.runtime.storage.everywhere.identities.add(
            connection.id, user.organization_id, user.id, upstream.base, subject, None
        )
    url = location(await _from_there(browser, other, upstream, sub=subject, email=None))
    hidden = hidden_fields((await browser.http.get(url)).text) | {"method": "totp"}
    await prove(served, work, "acme.example", "require")
    form = hidden | {"code": totp.generate_otp(int(served.runtime.clock() // 30))}
    assert LED in (await browser.http.post(f"{url}/two-factor", data=form)).text
    assert browser.session is None
    url = location(await _from_there(browser, work, upstream, sub=subject, email=None))
    hidden = hidden_fields((await browser.http.get(url)).text) | {"method": "totp"}
    form = hidden | {"code": totp.generate_otp(int(served.runtime.clock() // 30))}  # not used yet
    assert LED not in (await browser.http.post(f"{url}/two-factor", data=form)).text
    assert browser.session is not None


async def test_nothing_is_put_off_once_their_domain_requires_its_provider(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    """Nobody signs in by a press where a factor would not."""
    connection, home = await connect(served, upstream), alice.organization_id
    storage = served.runtime.storage.everywhere
    await storage.organizations.update(home, {"two_factor_policy": "encouraged"})
    served.runtime._changed("organizations", "acme")
    try:
        url = await browser.begin()
        assert location(await browser.submit(url)) == url
        form = hidden_fields((await browser.http.get(url)).text)
        await prove(served, connection, domain, "require")
        answer = await browser.http.post(f"{url}/two-factor/later", data=form)
        assert LED in answer.text
        assert browser.session is None
    finally:
        await storage.organizations.update(home, {"two_factor_policy": "optional"})
        served.runtime._changed("organizations", "acme")


async def test_a_domain_that_has_lapsed_stays_closed(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    """Who has the name by now, and the mail of it, gets in by none of what was closed."""
    proven = await prove(served, await connect(served, upstream), domain, "require")
    storage = served.runtime.storage.everywhere
    lapsed = await storage.domains.missed(proven, 1)
    assert lapsed is not None
    assert lapsed.lapsed_at is not None
    forget(served, alice.organization_id)
    url, before = await browser.begin(), await _jobs(served)
    form = {"email": alice.email, "password": browser.password}
    assert LED in (await _post(browser, url, "login", **form)).text
    assert LED in (await _post(browser, url, "magic-link", email=alice.email)).text
    assert browser.session is None
    assert await _jobs(served) == before


async def _in_both(
    served: Served, upstream: Provider, domain: str, **more: Any
) -> tuple[Connection, Connection]:
    """Make two connections: the one that a domain requires, and another one that says all the same
    what its people are called, and what they may.
    """
    storage, mark = served.runtime.storage.everywhere, factories.new_id()
    application = factories.application(id=mark, name="A", slug=f"app-{mark}")
    await storage.applications.insert(application)
    role = factories.role(mark, id=factories.new_id(), slug="staff", name="staff")
    await storage.roles.insert(role)
    work = await connect(served, upstream)
    other = await connect(
        served, upstream, claim_mapping={"nickname": "nick"},
        role_mapping=[{"claim": "groups", "value": "staff", "roleIds": [role.id]}], **more,
    )  # fmt: skip
    await prove(served, work, domain, "require")
    return work, other


_GROUPS = {"groups": "staff", "nick": "Countess"}
"""What the other provider says beside."""


async def _events_of(pg: Postgres, user: User) -> list[str]:
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s", {"id": user.id}
    )
    return [row[0] for row in rows]


async def test_a_refused_sign_in_makes_no_account(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    work, other = await _in_both(served, upstream, domain, creates_accounts=True)
    email, users = f"new@{domain}", served.runtime.storage.everywhere.users
    answer = await _from_there(browser, other, upstream, email=email, **_GROUPS)
    assert LED in answer.text
    assert work.name in answer.text
    assert browser.session is None
    assert await users.find_by_email(other.organization_id, email) is None


async def test_a_refused_sign_in_links_nobody(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, pg: Postgres
) -> None:
    _, other = await _in_both(
        served, upstream, domain, authoritative_domains=[domain], creates_accounts=True
    )
    before, mails = await _events_of(pg, alice), await _jobs(served)
    answer = await _from_there(browser, other, upstream, email=alice.email, **_GROUPS)
    assert LED in answer.text
    identities = served.runtime.storage.everywhere.identities
    assert await identities.of_user(alice.id, alice.organization_id) == ()
    assert (await _events_of(pg, alice), await _jobs(served)) == (before, mails)


@pytest.mark.parametrize("told", [True, False], ids=["address", "no address"])
async def test_a_refused_sign_in_changes_nobody(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, told: bool
) -> None:
    """Neither what they are called nor what they may: they were linked before it was required."""
    _, other = await _in_both(served, upstream, domain)
    storage, key = served.runtime.storage.everywhere, (alice.id, alice.organization_id)
    sub = f"alice-{told}"
    await storage.identities.add(other.id, key[1], alice.id, upstream.base, sub, None)
    email = f"alice@{secrets.token_hex(6)}.test" if told else None
    answer = await _from_there(browser, other, upstream, sub=sub, email=email, **_GROUPS)
    assert LED in answer.text
    assert browser.session is None
    assert await storage.user_roles.of_user(*key) == ()
    user = await storage.users.find_by_id(*key)
    assert user is not None
    assert user.nickname is None


async def test_what_the_provider_of_the_domain_says_is_taken(
    served: Served, browser: Browser, upstream: Provider, domain: str
) -> None:
    work, _ = await _in_both(served, upstream, domain)
    storage = served.runtime.storage.everywhere
    await storage.connections.update(work.id, work.organization_id, {"creates_accounts": True})
    forget(served, work.organization_id)
    answer = await _from_there(browser, work, upstream, email=f"new@{domain}")
    assert "code" in await browser.follow(answer)
    made = await storage.users.find_by_email(work.organization_id, f"new@{domain}")
    assert made is not None
    assert len(await storage.identities.of_user(made.id, work.organization_id)) == 1


async def test_another_address_is_no_way_around_it(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, pg: Postgres
) -> None:
    page, first = "/acme/account/email", f"first@{secrets.token_hex(6)}.test"
    http = browser.http
    http.base_url = httpx.URL(served.base_url)
    await visits.arrive(http, alice, page, browser.password)
    await visits.send(http, page, email=first)
    (letter,) = await letters_for(served.runtime, pg, first)
    link = re.search(r"/acme/auth/email-change/\S+", letter.text)
    assert link is not None
    assert (await http.get(link[0])).status_code == 200
    form = {"_csrf": await visits.csrf_of(http, page), "email": f"new@{secrets.token_hex(6)}.test"}
    await prove(served, await connect(served, upstream), domain, "require")
    assert (await http.get(link[0])).status_code == 400
    mails = await _jobs(served)
    refused = await http.post(page, data=form)
    assert (refused.status_code, "Ask your administrator" in refused.text) == (403, True)
    assert await _jobs(served) == mails


async def test_a_change_that_waits_is_shown_and_given_up_where_no_other_is_taken(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    """Whoever sees it may be who knows nothing of it."""
    page, first, http = "/acme/account/email", f"{secrets.token_hex(6)}@a.test", browser.http
    http.base_url = httpx.URL(served.base_url)
    await visits.arrive(http, alice, page, browser.password)
    await visits.send(http, page, email=first)
    await prove(served, await connect(served, upstream), domain, "require")
    told = (await http.get(page)).text
    assert "Ask your administrator" in told
    assert first in told
    done = await visits.send(http, page, withdraw="1")
    assert done.headers["Location"] == f"{page}?told=email_withdrawn"
    assert first not in (await http.get(page)).text


@pytest.mark.parametrize("is_known", [True, False], ids=["somebody", "nobody"])
async def test_no_address_of_the_domain_is_taken_at_an_account(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str, is_known: bool
) -> None:
    """Nor finished, where its domain requires its provider meanwhile; whoever has it."""
    page, other = "/acme/account/email", await add_user(served, f"{secrets.token_hex(6)}@a.test")
    await prove(served, await connect(served, upstream), domain, "require")
    http = browser.http
    http.base_url = httpx.URL(served.base_url)
    await visits.arrive(http, other, page, browser.password)
    mails = await _jobs(served)
    email = alice.email if is_known else f"nobody@{domain}"
    refused = await visits.send(http, page, email=email)
    assert (refused.status_code, "cannot be taken here" in refused.text) == (200, True)
    assert f'value="{email}"' in refused.text
    assert await _jobs(served) == mails


async def test_a_link_to_an_address_of_the_domain_is_over_when_it_requires_its_provider(
    served: Served, browser: Browser, upstream: Provider, domain: str, pg: Postgres
) -> None:
    page, other = "/acme/account/email", await add_user(served, f"{secrets.token_hex(6)}@a.test")
    http, new = browser.http, f"new@{domain}"
    http.base_url = httpx.URL(served.base_url)
    await visits.arrive(http, other, page, browser.password)
    await visits.send(http, page, email=new)
    (letter,) = await letters_for(served.runtime, pg, new)
    link = re.search(r"/acme/auth/email-change/\S+", letter.text)
    assert link is not None
    assert (await http.get(link[0])).status_code == 200
    await prove(served, await connect(served, upstream), domain, "require")
    assert (await http.get(link[0])).status_code == 400


async def test_no_password_is_set_that_no_sign_in_takes(
    served: Served, browser: Browser, upstream: Provider, alice: User, domain: str
) -> None:
    page, http = "/acme/account/password", browser.http
    http.base_url = httpx.URL(served.base_url)
    shown = await visits.arrive(http, alice, page, browser.password)
    form = {"_csrf": hidden_fields(shown.text)["_csrf"], "current": browser.password}
    await prove(served, await connect(served, upstream), domain, "require")
    for each in (page, "/acme/account/email"):
        told = (await http.get(each)).text
        assert "Ask your administrator" in told
        assert 'method="post" data-once' not in told
    new = "seven green bottles on a wall"
    refused = await http.post(page, data={**form, "password": new, "confirmPassword": new})
    assert (refused.status_code, "no password to choose" in refused.text) == (403, True)
