"""Set-up links: what a holder may do, in which browser, and what is live before a test: nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from handlers.http.server import Server
from porta.config.settings import Settings
from porta.runtime import Runtime
from porta.security.connection_secrets import open_secret
from porta.services.reencryption import AtRest, run
from storage.models.connections import Connection
from storage.models.organizations import Organization
from storage.postgres.driver import Postgres
from tests.world.administrators import SUPER, Installation, bearer, installed
from tests.world.answers import above_the_footer, hidden_fields, location
from tests.world.mail import letters_for
from tests.world.name_server import NameServer, name_server
from tests.world.ports import free_port
from tests.world.setups import TYPED, Holder, held, sent
from tests.world.upstream import Provider, provider

OVER, ELSEWHERE = "no longer good", "begun in another browser"
SECRET = TYPED["client_secret"]


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with name_server() as opened:
        yield opened


@pytest.fixture(scope="module")
def settings(settings: Settings, names: NameServer) -> Settings:
    """Settings of an installation that sends mail, and may call the loopback."""
    more = {"smtp_host": "mail.example", "outbound_private_addresses": True}
    return settings.model_copy(update=more | {"dns_resolvers": (names.address,)})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(runtime: Runtime, server: Server) -> AsyncIterator[Installation]:
    async with installed(runtime, f"http://127.0.0.1:{server.port}/api/admin") as made:
        yield made


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Provider]:
    async with provider() as opened:
        opened.claims = {"email": "grace@acme.example", "email_verified": True, "surname": "Hopper"}
        yield opened


@pytest_asyncio.fixture
async def home(installation: Installation) -> Organization:
    return await installation.organization()


@pytest_asyncio.fixture
async def holder(
    installation: Installation, home: Organization, http: httpx.AsyncClient
) -> AsyncIterator[Holder]:
    """Somebody with a link for an OpenID Provider, who has not begun."""
    async with held(http.base_url, (await sent(installation, home))["url"]) as opened:
        yield opened


@pytest_asyncio.fixture
async def holder_of_oauth2(
    installation: Installation, home: Organization, http: httpx.AsyncClient
) -> AsyncIterator[Holder]:
    made = await sent(installation, home, provider="oauth2")
    async with held(http.base_url, made["url"]) as opened:
        yield opened


async def _live(runtime: Runtime, home: Organization) -> tuple[Connection, ...]:
    found = await runtime.storage.everywhere.connections.find_each([home.id])
    return found[home.id]


async def _events(pg: Postgres, home: Organization) -> list[tuple[str, dict[str, Any]]]:
    rows = await pg.fetch(
        "SELECT event_type, metadata::text FROM audit_log WHERE organization_id = %(id)s"
        " AND event_type NOT LIKE 'admin.%%' ORDER BY sequence",
        {"id": home.id},
    )
    return [(event_type, msgspec.json.decode(metadata)) for event_type, metadata in rows]


async def _of_the_holder(pg: Postgres, home: Organization, event_type: str, by: Holder) -> None:
    """What is done by a link is its maker's act, and comes from where its holder is."""
    ((actor, address, program, request),) = await pg.fetch(
        "SELECT actor_id::text, host(ip_address), user_agent, request_id FROM audit_log"
        " WHERE organization_id = %(id)s AND event_type = %(type)s",
        {"id": home.id, "type": event_type},
    )
    assert actor is not None
    assert (address, program) == ("127.0.0.1", by.http.headers["User-Agent"])
    assert request


async def _listed(installation: Installation, home: Organization) -> dict[str, Any]:
    answer = await installation.http.get(f"/organizations/{home.id}/setup-links")
    (found,) = answer.json()["data"]
    return dict(found)


async def test_a_provider_goes_live_after_its_test(
    runtime: Runtime, installation: Installation, home: Organization, holder: Holder,
    upstream: Provider, pg: Postgres,
) -> None:  # fmt: skip
    page = await holder.get()
    assert "Connect" in page.text
    assert "Issuer" not in page.text
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == (
        "no-referrer", "no-store",
    )  # fmt: skip
    assert location(await holder.begin()).endswith(holder.url)
    form = await holder.get()
    there = location(await holder.test(upstream))
    assert holder.callback_of(there) in form.text, "the callback that is to be pasted"
    back = await holder.come_back(upstream, there)
    assert not [name for name in holder.http.cookies if "session" in name], "it signs in nobody"
    tested = await holder.http.get(location(back))
    for told in ("grace@acme.example", "surname", "Hopper"):
        assert told in tested.text
    assert await _live(runtime, home) == ()
    assert (await _listed(installation, home))["status"] == "tested"
    done = await holder.post(step="finish", family_name="surname")
    assert (done.status_code, "Acme Workforce" in done.text) == (200, True), done.text
    (made,) = await _live(runtime, home)
    assert (made.name, made.issuer, made.client_id) == ("Acme Workforce", upstream.base, "porta")
    assert made.claim_mapping == {"given_name": "given_name", "family_name": "surname"}
    assert (made.role_mapping, made.authoritative_domains) == ((), ())
    assert (made.creates_accounts, made.trusts_second_factor) == (False, False)
    assert holder.callback_of(there).split("/")[-2] == made.id
    listed = await _listed(installation, home)
    assert (listed["status"], listed["connectionId"]) == ("completed", made.id)
    happened = dict(await _events(pg, home))
    assert list(happened) == [
        "setup_link.created", "setup_link.begun", "setup_link.tested", "connection.created",
        "setup_link.completed",
    ]  # fmt: skip
    assert SECRET not in repr(happened)
    assert happened["connection.created"]["setup_link_id"] == listed["id"]
    assert happened["setup_link.completed"]["connection_id"] == made.id
    await _of_the_holder(pg, home, "connection.created", holder)
    (letter, *_) = await letters_for(runtime, pg, SUPER.email)
    assert "Acme Workforce" in letter.text
    assert OVER in (await holder.get()).text


async def test_people_sign_in_there_once_it_is_live(
    runtime: Runtime, holder: Holder, home: Organization, upstream: Provider
) -> None:
    await holder.begin()
    await holder.pass_test(upstream)
    page = await holder.http.get(f"/{home.slug}/account", follow_redirects=True)
    assert "Acme Workforce" not in above_the_footer(page)
    await holder.post(step="finish")
    runtime._changed("connections", home.id)
    page = await holder.http.get(f"/{home.slug}/account", follow_redirects=True)
    assert "Acme Workforce" in above_the_footer(page)


async def test_looking_burns_nothing_and_the_first_press_binds(
    http: httpx.AsyncClient, holder: Holder, upstream: Provider
) -> None:
    url = str(http.base_url.join(holder.url))
    async with held(http.base_url, url) as scanner, held(http.base_url, url) as second:
        for _ in range(2):
            assert (await scanner.get()).status_code == 200
            assert (await scanner.http.head(holder.url)).status_code == 200
        await holder.begin()
        await holder.test(upstream)
        for other in (scanner, second):
            answer = await other.get()
            assert (answer.status_code, ELSEWHERE in answer.text) == (409, True)
            assert "porta" not in above_the_footer(answer).replace("acme", "").lower()
            refused = await other.http.post(holder.url, data={"step": "begin"})
            assert refused.status_code == 409
        assert (await holder.get()).status_code == 200


async def test_of_two_who_begin_at_once_one_does(http: httpx.AsyncClient, holder: Holder) -> None:
    url = str(http.base_url.join(holder.url))
    async with held(http.base_url, url) as other:
        forms = [hidden_fields((await each.get()).text) for each in (holder, other)]
        answers = await asyncio.gather(
            *(
                each.http.post(holder.url, data=form)
                for each, form in zip((holder, other), forms, strict=True)
            )
        )
        assert sorted(each.status_code for each in answers) == [303, 409]


async def test_a_form_of_elsewhere_does_nothing(
    holder: Holder, installation: Installation, home: Organization, upstream: Provider
) -> None:
    answer = await holder.http.post(holder.url, data={"step": "begin"})
    assert answer.status_code == 403
    assert (await _listed(installation, home))["status"] == "pending"
    await holder.begin()
    form = {"step": "test", "issuer": upstream.base, **TYPED}
    assert (await holder.http.post(holder.url, data=form)).status_code == 403
    assert (await _listed(installation, home))["tests"] == 0


async def test_what_cannot_be_right_is_told_at_its_field(
    holder: Holder, upstream: Provider, home: Organization, installation: Installation
) -> None:
    await holder.begin()
    answer = await holder.test(upstream, issuer="http://id.example/<b>", client_secret="")
    assert answer.status_code == 400
    assert 'id="client_secret-hint"' in answer.text
    wrong = await holder.test(upstream, issuer="http://id.example/<b>")
    assert wrong.status_code == 400
    assert 'aria-describedby="issuer-hint"' in wrong.text
    assert "&lt;b&gt;" in wrong.text
    assert SECRET not in wrong.text
    assert (await _listed(installation, home))["tests"] == 0, "nothing was kept, nobody called"


async def test_a_link_reads_nothing_for_its_holder_elsewhere(
    holder_of_oauth2: Holder, upstream: Provider, installation: Installation, home: Organization
) -> None:
    """A token endpoint of one's own hands out whatever bearer another server takes."""
    await holder_of_oauth2.begin()
    async with provider() as another:
        for name in ("token_endpoint", "userinfo_endpoint"):
            typed = _oauth2(upstream) | {name: f"{another.base}/secret"}
            answer = await holder_of_oauth2.test(upstream, **typed)
            assert answer.status_code == 400
            hint = above_the_footer(answer).partition(f'id="{name}-hint"')[2]
            assert "ask your administrator" in hint.partition("</p>")[0]
        assert another.seen == []
    assert (await _listed(installation, home))["tests"] == 0
    upstream.tokens, upstream.answers["/users/@me"] = {"id_token": None}, {"sub": "s-7"}
    tested = await holder_of_oauth2.pass_test(upstream, **_oauth2(upstream))
    assert "The sign-in worked" in tested.text


@pytest.mark.parametrize("endpoint", ["token_endpoint", "userinfo_endpoint"])
@pytest.mark.parametrize("tried", [False, True], ids=["untried", "tried"])
async def test_a_draft_of_a_version_before_is_judged_as_one_that_is_typed_now(
    holder_of_oauth2: Holder, upstream: Provider, runtime: Runtime, home: Organization,
    pg: Postgres, endpoint: str, tried: bool,
) -> None:  # fmt: skip
    """It is neither tried nor made a connection: whoever holds the link types it anew."""
    upstream.tokens, upstream.answers["/users/@me"] = {"id_token": None}, {"sub": "s-7"}
    await holder_of_oauth2.begin()
    there = location(await holder_of_oauth2.test(upstream, **_oauth2(upstream)))
    page = await holder_of_oauth2.get()
    shown = hidden_fields(page.text) | {"step": "finish", "draft": "1"}
    if tried:
        tested = await holder_of_oauth2.come_back(upstream, there)
        shown = hidden_fields((await holder_of_oauth2.http.get(location(tested))).text)
    async with provider() as another:
        await pg.execute(
            "UPDATE setup_links SET draft = jsonb_set(draft, %(path)s, to_jsonb(%(url)s::text))"
            " WHERE organization_id = %(home)s",
            {"path": ["options", endpoint], "url": f"{another.base}/secret", "home": home.id},
        )
        seen = len(upstream.seen)
        if not tried:
            assert (await holder_of_oauth2.come_back(upstream, there)).status_code == 409
        answer = await holder_of_oauth2.http.post(holder_of_oauth2.url, data=shown)
        assert answer.status_code == 409
        assert (another.seen, len(upstream.seen)) == ([], seen)
    assert await _live(runtime, home) == ()
    assert f'name="{endpoint}"' in (await holder_of_oauth2.get()).text, "it is asked for again"
    assert "The sign-in worked" in (
        await holder_of_oauth2.pass_test(upstream, **_oauth2(upstream))
    ).text  # fmt: skip


def _oauth2(upstream: Provider) -> dict[str, str]:
    return {
        "authorization_endpoint": f"{upstream.base}/authorize",
        "token_endpoint": f"{upstream.base}/token",
        "userinfo_endpoint": f"{upstream.base}/users/@me",
        "subject_claim": "sub",
        "email_claim": "email",
    }


async def test_nobody_is_given_more_than_a_connection_without_powers(
    runtime: Runtime, holder: Holder, home: Organization, upstream: Provider
) -> None:
    more = {
        "creates_accounts": "true", "createsAccounts": "true", "trusts_second_factor": "true",
        "authoritative_domains": "acme.example", "role_mapping": "[]", "name": "Other",
        "provider": "google",
    }  # fmt: skip
    await holder.begin()
    await holder.pass_test(upstream, **more)
    await holder.post(step="finish", groups="groups", email="other", **more)
    (made,) = await _live(runtime, home)
    assert (made.provider, made.name, made.claim_mapping) == ("openid", "Acme Workforce", {})
    powers = made.creates_accounts, made.trusts_second_factor, made.authoritative_domains
    assert powers == (False, False, ())


async def test_a_secret_is_kept_for_whom_it_was_typed_and_never_shown(
    holder: Holder, upstream: Provider
) -> None:
    await holder.begin()
    await holder.pass_test(upstream)
    form = await holder.get("?change=1")
    assert SECRET not in form.text
    assert 'value="porta"' in form.text
    await holder.pass_test(upstream, client_secret="")
    asked = [form for path, form, _ in upstream.seen if path == "/token"]
    assert len(asked) == 2
    async with provider() as another:
        answer = await holder.test(another, client_secret="")
        assert answer.status_code == 400
        assert another.seen == [], "the secret of one is not sent to another"
    assert (await holder.test(upstream, client_secret="", client_id="other")).status_code == 400


async def test_the_secret_of_a_draft_is_encrypted_anew_like_others(
    runtime: Runtime, holder: Holder, upstream: Provider, installation: Installation,
    home: Organization,
) -> None:  # fmt: skip
    await holder.begin()
    await holder.test(upstream)
    storage, keys = runtime.storage.everywhere, runtime.settings.signing_key_encryption_keys
    fresh = (b"n" * 32, *keys)
    try:
        assert (await run(storage, AtRest(fresh))).client_secrets >= 1
        link = await storage.setup_links.hold((await _listed(installation, home))["id"], home.id)
    finally:
        await run(storage, AtRest((keys[0], fresh[0])))  # as it was, for whoever comes after
    assert link is not None
    assert link.draft is not None
    assert SECRET not in (link.draft.client_secret or "")
    assert open_secret(link.draft.client_secret or "", link.draft.id, fresh[:1]) == SECRET


async def test_an_answer_counts_once_and_in_its_browser_alone(
    http: httpx.AsyncClient, holder: Holder, upstream: Provider
) -> None:
    await holder.begin()
    there = location(await holder.test(upstream))
    response = upstream.grant(there)
    handed = location(await holder.http.get(holder.callback_of(there), params=response))
    async with held(http.base_url, str(http.base_url.join(holder.url))) as other:
        taken = await other.http.get(handed)
        assert (taken.status_code, ELSEWHERE in taken.text) == (409, True)
    assert not [path for path, _, _ in upstream.seen if path == "/token"]
    assert (await holder.http.get(handed)).is_redirect
    again = await holder.http.get(handed)
    assert again.status_code in (303, 409)
    assert len([path for path, _, _ in upstream.seen if path == "/token"]) == 1
    assert "The sign-in worked" in (await holder.get()).text


async def test_what_was_changed_in_another_tab_was_not_tested(
    runtime: Runtime, holder: Holder, home: Organization, upstream: Provider
) -> None:
    await holder.begin()
    first = location(await holder.test(upstream))
    second = location(await holder.test(upstream, client_id="another"))
    stale = await holder.come_back(upstream, first)
    assert (stale.status_code, "Try a sign-in once more" in stale.text) == (409, True)
    await holder.come_back(upstream, second)
    shown = hidden_fields((await holder.get()).text)
    await holder.test(upstream, client_id="third")
    answer = await holder.http.post(holder.url, data=shown)
    assert answer.status_code == 409
    await holder.pass_test(upstream, client_id="fourth")
    answer = await holder.http.post(holder.url, data=shown)
    assert answer.status_code == 409, "the page showed the test of another draft"
    assert await _live(runtime, home) == ()


@pytest.mark.parametrize("draft", ["", "1", "0", "-1", "9" * 30, "\u0661"])
async def test_nothing_goes_live_without_a_test(
    runtime: Runtime, holder: Holder, home: Organization, upstream: Provider, draft: str
) -> None:
    await holder.begin()
    assert (await holder.post(step="finish", draft=draft)).status_code == 409
    await holder.test(upstream)
    assert (await holder.post(step="finish", draft=draft)).status_code == 409
    assert await _live(runtime, home) == ()


async def test_of_two_who_finish_at_once_one_does(
    runtime: Runtime, holder: Holder, home: Organization, upstream: Provider
) -> None:
    await holder.begin()
    await holder.pass_test(upstream)
    form = hidden_fields((await holder.get()).text)
    answers = await asyncio.gather(*(holder.http.post(holder.url, data=form) for _ in range(3)))
    assert sorted("It is done" in each.text for each in answers) == [False, False, True]
    assert len(await _live(runtime, home)) == 1


async def test_a_trial_signs_in_nobody_at_the_sign_in_and_a_sign_in_is_no_trial(
    runtime: Runtime, http: httpx.AsyncClient, holder: Holder, home: Organization,
    upstream: Provider, installation: Installation,
) -> None:  # fmt: skip
    await holder.begin()
    there = location(await holder.test(upstream))
    # Somebody else's browser, which is signing in at the organization.
    page = await http.get(f"/{home.slug}/account", follow_redirects=True)
    assert page.status_code == 200
    handed = await http.get(holder.callback_of(there), params=upstream.grant(there))
    assert "/auth/setup/" in location(handed)
    assert ELSEWHERE in (await http.get(location(handed))).text
    assert not [name for name in http.cookies if "session" in name]
    # A draft is no connection that could be signed in at.
    draft = holder.callback_of(there).split("/")[-2]
    fields = hidden_fields(page.text)
    refused = await http.post(f"{page.url}/federation", data=fields | {"connection": draft})
    assert refused.status_code == 503
    # The state of a sign-in is none of a trial.
    await holder.pass_test(upstream)
    await holder.post(step="finish")
    runtime._changed("connections", home.id)
    (made,) = await _live(runtime, home)
    url = (await sent(installation, home, name="Another"))["url"]
    async with held(http.base_url, url) as other:
        await other.begin()
        begun = hidden_fields((await http.get(str(page.url))).text) | {"connection": made.id}
        asked = location(await http.post(f"{page.url}/federation", data=begun))
        response = upstream.grant(asked)
        answer = await other.http.get(f"{other.url}/callback", params=response)
        assert answer.status_code == 409
        assert (await other.http.get(f"{other.url}/callback")).status_code == 409
    assert (await _live(runtime, home)) == (made,)


async def test_a_test_that_fails_says_why(
    holder: Holder, upstream: Provider, pg: Postgres, home: Organization
) -> None:
    await holder.begin()
    there = location(await holder.test(upstream))
    upstream.answers["/token"] = (401, b'{"error": "invalid_client", "internal": "10.0.0.7"}')
    answer = await holder.come_back(upstream, there)
    assert "did not work" in answer.text
    assert "answered with 401" in answer.text
    assert "10.0.0.7" not in answer.text
    assert "Set-Cookie" not in answer.headers or "session" not in answer.headers["Set-Cookie"]
    (failed,) = [told for name, told in await _events(pg, home) if name == "setup_link.tested"]
    assert failed["succeeded"] is False
    del upstream.answers["/token"]
    # The form that the refusal shows leads on, though it stands at the address of the callback.
    again = await holder.http.post(
        holder.url, data=hidden_fields(answer.text) | TYPED | {"issuer": upstream.base}
    )
    assert location(again).startswith(f"{upstream.base}/authorize?")


async def test_what_is_not_reached_is_told_as_that_alone(holder: Holder) -> None:
    await holder.begin()
    form = {"step": "test", "issuer": f"http://127.0.0.1:{free_port()}", **TYPED}
    answer = await holder.post(**form)
    assert answer.status_code == 503
    assert "Nothing that could be used" in answer.text
    assert "<code>" not in answer.text.partition("<ol")[0]


async def test_tests_are_counted(holder: Holder, upstream: Provider, pg: Postgres) -> None:
    await holder.begin()
    await pg.execute(
        "UPDATE setup_links SET tests = 19 WHERE browser IS NOT NULL AND completed_at IS NULL"
        " AND organization_id = (SELECT id FROM organizations WHERE slug = %(slug)s)",
        {"slug": holder.url.split("/")[1]},
    )
    assert (await holder.test(upstream)).is_redirect
    answer = await holder.test(upstream)
    # No wait makes more of them: it is no 429, which says how long.
    assert (answer.status_code, "Too many sign-ins" in answer.text) == (409, True)


async def test_it_ends_with_the_rights_of_whoever_made_it(
    runtime: Runtime, installation: Installation, http: httpx.AsyncClient, home: Organization,
    upstream: Provider,
) -> None:  # fmt: skip
    maker = await installation.person_with("admin:org:update", "admin:org:read")
    answer = await installation.http.post(
        f"/organizations/{home.id}/setup-links",
        json={"provider": "openid", "name": "Theirs"},
        headers=bearer(await installation.token(maker)),
    )
    async with held(http.base_url, answer.json()["data"]["url"]) as holder:
        await holder.begin()
        await holder.pass_test(upstream)
        form = hidden_fields((await holder.get()).text)
        storage = runtime.storage.everywhere
        roles = await storage.user_roles.of_user(maker.id, maker.organization_id)
        await storage.user_roles.remove(
            maker.id, maker.organization_id, [role.id for role in roles]
        )
        assert OVER in (await holder.http.post(holder.url, data=form)).text
        assert OVER in (await holder.get()).text
    assert await _live(runtime, home) == ()


async def test_it_ends_with_its_organization_and_is_unknown_at_others(
    runtime: Runtime, http: httpx.AsyncClient, holder: Holder, home: Organization,
    installation: Installation,
) -> None:  # fmt: skip
    other = await installation.organization()
    there = holder.url.replace(home.slug, other.slug)
    assert OVER in (await http.get(there)).text
    for wrong in (secrets.token_urlsafe(32), "x", "..", "a" * 500):
        assert (await http.get(f"/{home.slug}/auth/setup/{wrong}")).status_code in (400, 404)
    answer = await installation.http.post(f"/organizations/{home.id}/suspend", json={})
    assert answer.is_success, answer.text
    runtime._changed("organizations", home.slug)
    assert (await holder.get()).status_code == 403


async def test_it_is_ended_by_an_administrator_and_by_time(
    runtime: Runtime, installation: Installation, home: Organization, http: httpx.AsyncClient,
    upstream: Provider, pg: Postgres,
) -> None:  # fmt: skip
    made = await sent(installation, home)
    late = await sent(installation, home)
    async with held(http.base_url, made["url"]) as one, held(http.base_url, late["url"]) as two:
        for each in (one, two):
            await each.begin()
            await each.pass_test(upstream)
        forms = [hidden_fields((await each.get()).text) for each in (one, two)]
        path = f"/organizations/{home.id}/setup-links/{made['id']}"
        assert (await installation.http.delete(path)).status_code == 204
        await pg.execute(
            "UPDATE setup_links SET expires_at = now() WHERE id = %(id)s", {"id": late["id"]}
        )
        for each, form in zip((one, two), forms, strict=True):
            assert OVER in (await each.http.post(each.url, data=form)).text
    assert await _live(runtime, home) == ()
    ((kept,),) = await pg.fetch(
        "SELECT count(*) FROM setup_links WHERE id = %(id)s AND draft IS NOT NULL",
        {"id": made["id"]},
    )
    assert kept == 0


async def test_a_name_that_is_taken_is_told(
    runtime: Runtime, installation: Installation, home: Organization, holder: Holder,
    upstream: Provider,
) -> None:  # fmt: skip
    await holder.begin()
    await holder.pass_test(upstream)
    body = {"name": "Acme Workforce", "provider": "google", "clientId": "x"}
    await installation.post(f"/organizations/{home.id}/connections", body)
    answer = await holder.post(step="finish")
    assert (answer.status_code, "a connection of this name" in answer.text) == (409, True)
    assert [each.provider for each in await _live(runtime, home)] == ["google"]


async def test_a_domain_is_proven_by_its_record(
    installation: Installation, home: Organization, http: httpx.AsyncClient, names: NameServer,
    pg: Postgres,
) -> None:  # fmt: skip
    domain = await installation.post(
        f"/organizations/{home.id}/domains", {"domain": f"{secrets.token_hex(6)}.example"}
    )
    made = await sent(installation, home, domainId=domain["id"])
    async with held(http.base_url, made["url"]) as holder:
        assert domain["recordText"] not in (await holder.get()).text
        await holder.begin()
        page = await holder.get()
        assert domain["recordName"] in page.text
        assert domain["recordText"] in page.text
        assert "The record is not there yet" in (await holder.post(step="look")).text
        names.refuses.add(domain["recordName"])
        assert (await holder.post(step="look")).status_code == 503
        names.refuses.discard(domain["recordName"])
        names.texts[domain["recordName"]] = [domain["recordText"]]
        assert domain["domain"] in (await holder.post(step="look")).text
        assert OVER in (await holder.get()).text
        await _of_the_holder(pg, home, "domain.verified", holder)
    path = f"/organizations/{home.id}/domains/{domain['id']}"
    assert (await installation.http.get(path)).json()["data"]["verifiedAt"] is not None
    (verified, told), (completed, _) = (await _events(pg, home))[-2:]
    assert (verified, completed) == ("domain.verified", "setup_link.completed")
    assert told["setup_link_id"] == made["id"]


async def test_looking_by_a_link_takes_nothing_from_administrators(
    installation: Installation, home: Organization, http: httpx.AsyncClient
) -> None:
    domain = await installation.post(
        f"/organizations/{home.id}/domains", {"domain": f"{secrets.token_hex(6)}.example"}
    )
    made = await sent(installation, home, domainId=domain["id"])
    other = await sent(installation, home, domainId=domain["id"])
    async with held(http.base_url, made["url"]) as one, held(http.base_url, other["url"]) as two:
        for each in (one, two):
            await each.begin()
        for _ in range(10):
            assert "not there yet" in (await one.post(step="look")).text
        refused = await one.post(step="look")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 600
        assert "not there yet" in (await two.post(step="look")).text
    path = f"/organizations/{home.id}/domains/{domain['id']}/verify"
    for _ in range(20):
        assert (await installation.http.post(path, json={})).status_code == 409
    assert (await installation.http.post(path, json={})).status_code == 429


async def test_a_domain_that_leads_nowhere_is_not_proven_and_its_page_says_why(
    runtime: Runtime, installation: Installation, home: Organization, http: httpx.AsyncClient,
    names: NameServer,
) -> None:  # fmt: skip
    path = f"/organizations/{home.id}"
    body = {"name": "Acme", "provider": "google", "clientId": "x"}
    leads = (await installation.post(f"{path}/connections", body))["id"]
    claimed = {"domain": f"{secrets.token_hex(6)}.example", "connectionId": leads}
    domain = await installation.post(f"{path}/domains", claimed | {"mode": "require"})
    made = await sent(installation, home, domainId=domain["id"])
    await runtime.storage.everywhere.connections.update(leads, home.id, {"status": "inactive"})
    names.texts[domain["recordName"]] = [domain["recordText"]]
    async with held(http.base_url, made["url"]) as holder:
        await holder.begin()
        answer = await holder.post(step="look")
        assert (answer.status_code, "cannot be used" in answer.text) == (409, True)
        assert domain["recordText"] in answer.text, "the step again"
    proven = (await installation.http.get(f"{path}/domains/{domain['id']}")).json()["data"]
    assert proven["verifiedAt"] is None
    assert (await _listed(installation, home))["status"] == "begun"


async def test_it_is_mailed_and_told_to_nobody_else(
    runtime: Runtime, installation: Installation, home: Organization, http: httpx.AsyncClient,
    pg: Postgres,
) -> None:  # fmt: skip
    address = f"{secrets.token_hex(6)}@acme.example"
    made = await sent(installation, home, email=address, locale="de")
    assert (made["url"], made["sentTo"]) == (None, address)
    (letter,) = await letters_for(runtime, pg, address)
    assert letter.subject == f"Einrichtung für {home.name}"
    url = next(line for line in letter.text.splitlines() if "/auth/setup/" in line)
    assert url in letter.html
    async with held(http.base_url, url) as holder:
        assert (await holder.begin()).is_redirect
    for _ in range(4):
        await sent(installation, home, email=address)
    body = {"provider": "openid", "name": "x", "email": address}
    path = f"/organizations/{home.id}/setup-links"
    assert (await installation.http.post(path, json=body)).status_code == 429


async def test_an_organization_mails_so_many_links_a_day(
    installation: Installation, home: Organization
) -> None:
    """Ended ones count, and those whose domain is gone; of many at once none is one too many."""
    path = f"/organizations/{home.id}/setup-links"

    async def mail(**body: str) -> httpx.Response:
        address = f"{secrets.token_hex(6)}@acme.example"
        return await installation.http.post(path, json={**body, "email": address})

    claimed = {"domain": f"{secrets.token_hex(6)}.example"}
    domain = await installation.post(f"/organizations/{home.id}/domains", claimed)
    assert (await mail(domainId=domain["id"])).status_code == 201
    gone = f"/organizations/{home.id}/domains/{domain['id']}"
    assert (await installation.http.delete(gone)).status_code == 204
    words = {"provider": "openid", "name": "Read this"}
    for _ in range(47):
        made = await mail(**words)
        assert made.status_code == 201, made.text
        await installation.http.delete(f"{path}/{made.json()['data']['id']}")
    answers = await asyncio.gather(*(mail(**words) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 201, 429, 429]
    refused = await mail(**words)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert (await sent(installation, home))["url"], "nothing is mailed by that one"
    elsewhere = await installation.organization()
    other = {**words, "email": f"{secrets.token_hex(6)}@acme.example"}
    await installation.post(f"/organizations/{elsewhere.id}/setup-links", other)
