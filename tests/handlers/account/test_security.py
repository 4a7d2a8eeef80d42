"""One's own ways to sign in: set up, replaced, taken away, and what is not (decisions/0050)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from pyotp import TOTP

from porta.audit.actors import SYSTEM
from porta.limits import rate_limits
from porta.limits.rate_limits import Throttled
from porta.runtime import Runtime
from porta.services import organizations
from porta.services.organization_fields import OrganizationPatch
from porta.tenants import resolve
from storage.models.passkeys import NewPasskey
from storage.models.trusted_devices import NewTrustedDevice
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.flow import begin, csrf, hidden, submit
from tests.world.house import PASSWORD
from tests.world.links import person
from tests.world.mail import letters_to
from tests.world.runtime import clock_ahead
from tests.world.second_factors import choose, person_with_totp
from tests.world.waiting import eventually

PAGE = "/acme/account/security"
APP = f"{PAGE}/app"


@pytest_asyncio.fixture(autouse=True)
async def optional(runtime: Runtime) -> AsyncIterator[None]:
    """An organization that demands no second factor, and trusts devices; then as it was."""
    before = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert before is not None
    await _set(runtime, two_factor_policy="optional", trusted_device_days=30)
    yield
    await _set(
        runtime, two_factor_policy=before.two_factor_policy,
        trusted_device_days=before.trusted_device_days,
    )  # fmt: skip


async def _set(runtime: Runtime, **said: object) -> None:
    """Change the organization, and wait until pages are made of what it is now."""
    async with runtime.storage.everywhere.transaction() as tx:
        await organizations.update(tx, SYSTEM, "acme", OrganizationPatch.parse(said))

    async def is_seen() -> bool:
        seen = (await resolve.resolve(runtime, "acme")).organization
        return all(getattr(seen, name) == value for name, value in said.items())

    await eventually(is_seen)


async def _policy(runtime: Runtime, policy: str) -> None:
    await _set(runtime, two_factor_policy=policy)


@pytest_asyncio.fixture
async def someone(runtime: Runtime, http: httpx.AsyncClient) -> User:
    """Somebody with a password alone, who is signed in."""
    user = await person(runtime)
    posted = await submit(http, await begin(http), email=user.email, password=PASSWORD)
    await http.get(posted.headers["Location"])
    return user


async def _signed_in_with_both(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, *codes: str
) -> tuple[User, TOTP]:
    user, totp = await person_with_totp(runtime, pg, *codes)
    path = await begin(http)
    await submit(http, path, email=user.email)
    form = {
        "_csrf": await csrf(http, path), "method": "totp",
        "code": totp.generate_otp(int(runtime.clock() // 30)),
    }  # fmt: skip
    shown = await http.post(f"{path}/two-factor", data=form)
    await http.get(shown.headers["Location"])
    return user, totp


async def _post(http: httpx.AsyncClient, url: str = PAGE, **form: str) -> httpx.Response:
    return await http.post(url, data={"_csrf": await csrf(http, PAGE)} | form)


async def _give_passkey(runtime: Runtime, user: User, name: str = "Phone") -> str:
    key = (user.id, user.organization_id)
    await runtime.storage.passkeys.handle(*key, factories.new_id())
    new = NewPasskey(
        credential_id=factories.new_id(), public_key=b"k", sign_count=0, backup_eligible=True,
        backed_up=True,
    )  # fmt: skip
    id = await runtime.storage.passkeys.add(*key, name, new)
    assert id is not None
    return id


async def _give_device(runtime: Runtime, user: User) -> str:
    new = NewTrustedDevice(digest=factories.new_id(), user_agent=None, ip_address=None)
    id = await runtime.storage.trusted_devices.add(user.id, user.organization_id, new)
    assert id is not None
    return id


async def _held(pg: Postgres, user: User) -> tuple[bool, str | None, int, int]:
    row = await pg.fetchrow(
        "SELECT two_factor_enabled, two_factor_method, (SELECT count(*) FROM user_totp t"
        " WHERE t.user_id = u.id), (SELECT count(*) FROM two_factor_recovery_codes r"
        " WHERE r.user_id = u.id) FROM users u WHERE id = %(id)s", {"id": user.id},
    )  # fmt: skip
    assert row is not None
    return (row[0], row[1], row[2], row[3])


async def _events(pg: Postgres, user: User) -> list[str]:
    rows = await pg.fetch(
        "SELECT event_type FROM audit_log WHERE user_id = %(id)s AND actor_id = %(id)s"
        " ORDER BY sequence", {"id": user.id},
    )  # fmt: skip
    return [row[0] for row in rows]


async def _newest(runtime: Runtime, pg: Postgres, user: User) -> str:
    """Return what was mailed to a person last."""
    letters = await letters_to(runtime, pg, user.id)
    return letters[0].text if letters else ""


async def _asked(http: httpx.AsyncClient) -> str:
    """Return what the page says is asked for."""
    found = re.search(r"<h2>Second factor</h2>\s*<p>(.*?)</p>", (await http.get(PAGE)).text)
    assert found is not None
    return found[1]


async def test_an_app_is_set_up_by_a_code_of_it_and_recovery_codes_are_shown_once(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    page = (await http.get(APP)).text
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert shown is not None
    totp, box = TOTP(shown[1].replace(" ", "")), hidden(page, "box")
    wrong = await _post(http, APP, box=box, code="000000")
    assert (wrong.status_code, hidden(wrong.text, "box")) == (200, box)
    assert await _held(pg, someone) == (False, None, 0, 0)
    code = totp.generate_otp(int(runtime.clock() // 30))
    elsewhere = await person(runtime)
    foreign = await _post(http, APP, box="x" + box[1:], code=code)
    assert "took too long" in foreign.text
    done = await _post(http, APP, box=box, code=code)
    codes = re.findall(r"<li><code>([A-Z2-9]{4}-[A-Z2-9]{4})</code></li>", done.text)
    assert (done.status_code, len(set(codes))) == (200, 10)
    assert "no-store" in done.headers["Cache-Control"]
    assert await _held(pg, someone) == (True, "totp", 1, 10)
    assert await _held(pg, elsewhere) == (False, None, 0, 0)
    assert "2fa.setup.totp.complete" in await _events(pg, someone)
    http.cookies.clear()
    path = await begin(http)
    assert (await submit(http, path, email=someone.email)).headers["Location"] == path


async def test_the_secret_of_one_session_is_set_up_in_no_other(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    """Whoever had somebody else's form posted would have their own app be asked for."""
    page = (await http.get(APP)).text
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert shown is not None
    code = TOTP(shown[1].replace(" ", "")).generate_otp(int(runtime.clock() // 30))
    box = hidden(page, "box")
    other = await person(runtime)
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as theirs:
        posted = await submit(theirs, await begin(theirs), email=other.email, password=PASSWORD)
        await theirs.get(posted.headers["Location"])
        assert "took too long" in (await _post(theirs, APP, box=box, code=code)).text
    assert await _held(pg, other) == (False, None, 0, 0)


async def test_what_was_chosen_is_taken_away_and_devices_are_trusted_no_more(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    await _give_device(runtime, user)
    done = await _post(http, off="1")
    assert done.headers["Location"] == f"{PAGE}?told=factor"
    assert await _held(pg, user) == (False, None, 0, 0)
    assert await runtime.storage.trusted_devices.list(user.id, user.organization_id) == ()
    assert "2fa.disabled" in await _events(pg, user)
    assert "no longer asks for a second factor" in await _newest(runtime, pg, user)


async def test_a_passkey_beside_it_is_asked_for_in_its_place(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    await _give_passkey(runtime, user)
    await _post(http, off="1")
    assert await _held(pg, user) == (True, "passkey", 0, 1)
    assert "was removed: a passkey is asked for" in await _newest(runtime, pg, user)
    await _post(http, off="1")
    assert await _held(pg, user) == (False, None, 0, 0)
    assert len(await runtime.storage.passkeys.list(user.id, user.organization_id)) == 1


@pytest.mark.parametrize("policy", ["required_totp", "required_any", "required_email"])
async def test_what_a_policy_demands_stays(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, policy: str
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    await _policy(runtime, policy)
    refused = await _post(http, off="1")
    assert (refused.status_code, "demands a second factor" in refused.text) == (409, True)
    assert await _held(pg, user) == (True, "totp", 1, 1)


async def test_of_two_who_take_away_what_is_left_one_is_refused(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    passkey = await _give_passkey(runtime, user)
    await _policy(runtime, "required_any")
    token = await csrf(http, PAGE)
    forms = ({"off": "1"}, {"remove": "1", "passkey": passkey})
    tried = await asyncio.gather(*(http.post(PAGE, data={"_csrf": token} | form) for form in forms))
    assert sorted(each.status_code for each in tried) == [303, 409]
    enabled, method, _, _ = await _held(pg, user)
    assert (enabled, method) in ((True, "passkey"), (True, "totp"))


async def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    mine, other = await _give_passkey(runtime, someone), await person(runtime)
    theirs = await _give_passkey(runtime, other)
    renamed = await _post(http, rename="1", passkey=mine, name="  My <phone> ")
    assert renamed.headers["Location"] == f"{PAGE}?told=passkey_renamed"
    page = (await http.get(f"{PAGE}?told=passkey_renamed")).text
    assert "My &lt;phone&gt;" in page
    assert "signalAllAcceptedCredentials" in page
    assert (await _post(http, rename="1", passkey=mine, name=" ")).status_code == 400
    for form in ({"remove": "1"}, {"rename": "1", "name": "Mine"}):
        assert (await _post(http, passkey=theirs, **form)).headers["Location"] == PAGE
    (kept,) = await runtime.storage.passkeys.list(other.id, other.organization_id)
    assert kept.name == "Phone"
    await _give_device(runtime, someone)
    gone = await _post(http, remove="1", passkey=mine)
    assert gone.headers["Location"] == f"{PAGE}?told=passkey_removed"
    assert await runtime.storage.passkeys.list(someone.id, someone.organization_id) == ()
    assert await runtime.storage.trusted_devices.list(someone.id, someone.organization_id) == ()
    assert "The passkey “My <phone>” of" in await _newest(runtime, pg, someone)
    told = await _events(pg, someone)
    assert ("user.passkey.renamed" in told, "user.passkey.removed" in told) == (True, True)


async def test_the_only_way_in_is_not_taken_away(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    passkey = await _give_passkey(runtime, someone)
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    before = list(acme.default_login_methods)
    only = "UPDATE organizations SET default_login_methods = %(m)s::text[] WHERE slug = 'acme'"
    await pg.execute(only, {"m": ["passkey"]})
    try:
        refused = await _post(http, remove="1", passkey=passkey)
    finally:
        await pg.execute(only, {"m": before})
    assert (refused.status_code, "could not sign in" in refused.text) == (409, True)
    assert (await _post(http, remove="1", passkey=passkey)).status_code == 303


async def test_recovery_codes_are_made_anew_and_the_old_ones_die(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    assert "Recovery codes left: 1." in (await http.get(PAGE)).text
    done = await _post(http, codes="1")
    codes = re.findall(r"<li><code>([A-Z2-9]{4}-[A-Z2-9]{4})</code></li>", done.text)
    assert len(codes) == 10
    assert "2fa.recovery.regenerated" in await _events(pg, user)
    assert "were replaced" in await _newest(runtime, pg, user)
    http.cookies.clear()
    path = await begin(http)
    await submit(http, path, email=user.email)
    for code, status in (("ABCD-2345", 200), (codes[0], 303)):
        form = {"_csrf": await csrf(http, path), "method": "recovery_code", "code": code}
        assert (await http.post(f"{path}/two-factor", data=form)).status_code == status


async def test_codes_for_nobodys_second_factor_are_none(
    http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    done = await _post(http, codes="1")
    assert done.status_code == 303
    assert await _held(pg, someone) == (False, None, 0, 0)


async def test_an_address_that_nobody_confirmed_gets_no_codes(
    http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    assert 'value="email"' not in (await http.get(PAGE)).text, "it would be refused"
    refused = await _post(http, choose="email")
    assert (refused.status_code, "not confirmed" in refused.text) == (409, True)
    assert (await _post(http, choose="passkey")).status_code == 409
    assert await _held(pg, someone) == (False, None, 0, 0)


async def test_codes_by_mail_are_chosen(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    await pg.execute("UPDATE users SET email_verified = TRUE WHERE id = %(id)s", {"id": someone.id})
    page = (await http.get(PAGE)).text
    assert ('value="email"' in page, "Trusted devices" in page) == (True, False)
    done = await _post(http, choose="email")
    assert len(set(re.findall(r"<li><code>([A-Z2-9]{4}-[A-Z2-9]{4})</code></li>", done.text))) == 10
    assert await _held(pg, someone) == (True, "email", 0, 10)
    assert "2fa.setup.email.complete" in await _events(pg, someone)
    assert "Codes that are mailed here are now asked for" in await _newest(runtime, pg, someone)
    page = (await http.get(PAGE)).text
    assert ('value="email"' in page, "Trusted devices" in page) == (False, True)


async def test_a_passkey_is_chosen_in_the_place_of_an_app_and_nothing_was_added_by_that(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    await _give_passkey(runtime, user)
    await _give_device(runtime, user)
    done = await _post(http, choose="passkey")
    assert done.headers["Location"] == f"{PAGE}?told=factor"
    assert await _held(pg, user) == (True, "passkey", 0, 1)
    assert await runtime.storage.trusted_devices.list(user.id, user.organization_id) == ()
    assert "2fa.setup.passkey.complete" in await _events(pg, user)
    told = await _newest(runtime, pg, user)
    assert ("passkey is asked for from now on" in told, "was added" in told) == (True, False)
    assert "/acme/account/security" in told
    assert await _asked(http) == "One of your passkeys is asked for."


async def test_the_page_says_what_is_demanded_rather_than_what_was_chosen(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    assert await _asked(http) == "A code of your authenticator app is asked for."
    await _give_passkey(runtime, user)
    await _policy(runtime, "required_passkey")
    assert await _asked(http) == "One of your passkeys is asked for."
    await choose(pg, user, None)
    await _policy(runtime, "required_any")
    assert await _asked(http) == "One of your passkeys is asked for."
    await _policy(runtime, "required_totp")
    assert "will have to set one up" in await _asked(http)
    await _policy(runtime, "optional")
    assert await _asked(http) == "No second factor is asked for."


async def test_who_makes_too_many_codes_reads_how_long_to_wait_at_their_page(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    tenant = await resolve.resolve(runtime, "acme")
    with contextlib.suppress(Throttled):
        while True:
            await rate_limits.of_choice(tenant, user.id).count(runtime)
    page = (await http.get(APP)).text
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert shown is not None
    code = TOTP(shown[1].replace(" ", "")).generate_otp(int(runtime.clock() // 30))
    app = {"box": hidden(page, "box"), "code": code}
    for url, form in ((PAGE, {"codes": "1"}), (APP, app)):
        refused = await _post(http, url, **form)
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
        assert hidden(refused.text, "_csrf"), "a page of their own"
        assert "minute" in refused.text
    assert hidden(refused.text, "box") == app["box"]
    assert await _held(pg, user) == (True, "totp", 1, 1)


async def test_without_a_key_to_keep_secrets_by_no_app_is_set_up(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    page = (await http.get(APP)).text
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert shown is not None
    code = TOTP(shown[1].replace(" ", "")).generate_otp(int(runtime.clock() // 30))
    form = {"_csrf": hidden(page, "_csrf"), "box": hidden(page, "box"), "code": code}
    bare = runtime.settings.model_copy(update={"two_factor_encryption_key": None})
    monkeypatch.setattr(runtime, "settings", bare)
    assert (await http.get(APP)).status_code == 404
    assert (await http.post(APP, data=form)).status_code == 404
    assert f'href="{APP}"' not in (await http.get(PAGE)).text
    assert await _held(pg, someone) == (False, None, 0, 0)


@pytest.mark.parametrize(("codes", "left"), [(2, 1), (5, None)], ids=["few", "enough"])
async def test_who_used_a_recovery_code_is_told_where_few_are_left(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, codes: int, left: int | None
) -> None:
    user, _ = await person_with_totp(runtime, pg, *(f"ABCD234{n}" for n in range(2, 2 + codes)))
    path = await begin(http)
    await submit(http, path, email=user.email)
    form = {"_csrf": await csrf(http, path), "method": "recovery_code", "code": "ABCD-2342"}
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303
    told = await _newest(runtime, pg, user)
    assert (f"Codes left: {left}." in told, f"{http.base_url}{PAGE}" in told) == (
        (True, True) if left else (False, False)
    )


async def test_a_device_is_taken_back(
    runtime: Runtime, http: httpx.AsyncClient, someone: User, pg: Postgres
) -> None:
    mine, other = await _give_device(runtime, someone), await person(runtime)
    theirs = await _give_device(runtime, other)
    assert (await _post(http, device=theirs)).headers["Location"] == PAGE
    assert (await _post(http, device="nonsense")).headers["Location"] == PAGE
    assert (await _post(http, device=mine)).headers["Location"] == f"{PAGE}?told=device"
    await _give_device(runtime, someone)
    await _post(http, devices="1")
    assert await runtime.storage.trusted_devices.list(someone.id, someone.organization_id) == ()
    left = await runtime.storage.trusted_devices.list(other.id, other.organization_id)
    assert len(left) == 1
    assert (await _events(pg, someone)).count("user.device.removed") == 2


@pytest.mark.parametrize("form", [{"off": "1"}, {"codes": "1"}, {"devices": "1"}], ids=str)
async def test_nothing_changes_without_a_form_of_ones_own_and_a_recent_sign_in(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, form: dict[str, str]
) -> None:
    user, _ = await _signed_in_with_both(runtime, http, pg, "ABCD2345")
    forged = await http.post(PAGE, data={"_csrf": "x", **form})
    assert forged.status_code == 403
    token = await csrf(http, PAGE)
    with clock_ahead(runtime) as ahead:
        ahead.append(700)
        late = await http.post(PAGE, data={"_csrf": token, **form})
        scan = await http.get(APP)
    for each in (late, scan):
        assert (each.status_code, "/interaction/" in each.headers["Location"]) == (303, True)
    await choose(pg, user, "totp")
    await pg.execute("UPDATE users SET status = 'suspended' WHERE id = %(id)s", {"id": user.id})
    gone = await http.post(PAGE, data={"_csrf": token, **form})
    assert gone.status_code == 303
    assert await _held(pg, user) == (True, "totp", 1, 1)
