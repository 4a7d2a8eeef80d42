"""Passkeys sign in, as a first factor and as a second one, and nothing that only looks like one."""

from __future__ import annotations

import asyncio
import dataclasses
import html
import json
import re
from typing import Any

import httpx
import pytest

from porta.audit.actors import SYSTEM
from porta.authn.passkey_options import Purpose
from porta.browser import interactions
from porta.runtime import Runtime
from porta.security import jwt, passkey_challenges
from porta.security.passkeys import decode, encode
from porta.services import organizations
from porta.services.organization_fields import OrganizationPatch
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.postgres.driver import Postgres
from tests.factories import new_id
from tests.handlers.flow import csrf, hidden, redeem_at, submit
from tests.world.authenticators import PRESENT, VERIFIED, Authenticator
from tests.world.house import CALLBACK
from tests.world.mail import letters_to
from tests.world.passkeys import (
    Home,
    add_person,
    furnish,
    give_passkey,
    options_at,
    options_in,
    show,
)
from tests.world.second_factors import person_with_totp


async def _claims(http: httpx.AsyncClient, home: Home, posted: httpx.Response) -> dict[str, Any]:
    """Return what the ID token says after a sign-in whose last form was answered so."""
    assert posted.status_code == 303, posted.text
    answer = await http.get(posted.headers["Location"])
    location = str(answer.headers["Location"])
    assert location.startswith(CALLBACK), location
    tokens = await redeem_at(http, location, home.slug, client_id=home.client_id)
    return jwt.read_own(tokens["id_token"])


async def _row(pg: Postgres, id: str, columns: str) -> Any:
    return await pg.fetchrow(f"SELECT {columns} FROM passkeys WHERE id = %(id)s", {"id": id})


async def _reasons(pg: Postgres, home: Home, event: str) -> list[str]:
    rows = await pg.fetch(
        "SELECT metadata ->> 'reason' FROM audit_log"
        " WHERE organization_id = %(id)s AND event_type = %(event)s ORDER BY created_at",
        {"id": home.id, "event": event},
    )
    return [row[0] for row in rows]


async def test_a_passkey_is_a_sign_in_of_two_factors(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", "passkey")
    id = await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    options = await options_at(http, path)
    assert options["get"]["allowCredentials"] == []
    assert (options["get"]["userVerification"], options["get"]["rpId"]) == ("required", "localhost")
    posted = await show(http, path, held.get(options))
    claims = await _claims(http, home, posted)
    assert (claims["sub"], claims["amr"]) == (home.user.id, ["swk", "user", "mfa"])
    assert claims["acr"] == "urn:porta:acr:mfa"
    assert (await _row(pg, id, "last_used_at IS NOT NULL"))[0]
    assert "known_" in " ".join(http.cookies), "the browser is known from now on"


async def test_what_never_leaves_its_device_is_called_hardware(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "passkey")
    held.flags = PRESENT | VERIFIED
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert (await _claims(http, home, posted))["amr"] == ["hwk", "user", "mfa"]


async def test_a_passkey_is_no_way_around_the_provider_of_a_domain(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home, storage = await furnish(runtime, "passkey"), runtime.storage.everywhere
    await give_passkey(runtime, home.user, held)
    work = Connection(
        id=new_id(), organization_id=home.id, provider="google", name="Work",
        issuer="https://accounts.google.com", client_id="x",
    )  # fmt: skip
    await storage.connections.insert(work)
    proven = Domain(
        id=new_id(), organization_id=home.id, domain=home.user.email.partition("@")[2],
        challenge="x", connection_id=work.id, mode="require",
    )  # fmt: skip
    await storage.domains.insert(proven)
    await storage.domains.found(proven.id, home.id)
    path = await home.begin(http)
    page = await show(http, path, held.get(await options_at(http, path)))
    assert (page.status_code, "Addresses at" in page.text) == (200, True), page.text


LIES: dict[str, Any] = {
    "origin": lambda held: held.__setattr__("origin", held.origin + "1"),
    "https": lambda held: held.__setattr__("origin", held.origin.replace("http", "https")),
    "RP ID": lambda held: held.__setattr__("rp_id", "evil.example"),
    "user verification": lambda held: held.__setattr__("flags", held.flags & ~VERIFIED),
    "presence": lambda held: held.__setattr__("flags", held.flags & ~PRESENT),
    "backup": lambda held: held.__setattr__("flags", PRESENT | VERIFIED),
    "handle": lambda held: held.__setattr__("handle", encode(b"x" * 32)),
    "no handle": lambda held: held.__setattr__("handle", None),
    "key": lambda held: held.__post_init__(),
    "credential": lambda held: held.__setattr__("credential_id", b"y" * 16),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_signs_nobody_in(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator, lie: str
) -> None:
    home = await furnish(runtime, "password", "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    LIES[lie](held)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert (posted.status_code, 'role="alert"' in posted.text) == (200, True)
    assert not [name for name in http.cookies if "session" in name]
    assert len(await _reasons(pg, home, "user.login.passkey.failed")) == 1
    assert await _reasons(pg, home, "user.login.passkey") == []


@pytest.mark.parametrize(
    "client",
    [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"type": "webauthn.create"}],
)
async def test_what_another_site_framed_signs_nobody_in(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator, client: dict[str, Any]
) -> None:
    home = await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path), **client))
    assert posted.status_code == 200


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "x" * 3000, '{"id": "\\ud800"}'])
async def test_what_is_no_answer_at_all_is_refused(
    runtime: Runtime, http: httpx.AsyncClient, credential: str
) -> None:
    home = await furnish(runtime, "passkey")
    path = await home.begin(http)
    posted = await show(http, path, credential)
    assert (posted.status_code, 'role="alert"' in posted.text) == (200, True)


async def test_a_challenge_is_of_one_interaction_and_of_minutes(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    first, second = await home.begin(http), await home.begin(http)
    answer = held.get(await options_at(http, first))
    posted = await show(http, second, answer)
    assert (posted.status_code, "once more" in posted.text) == (200, True)
    now = runtime.clock
    monkeypatch.setattr(runtime, "clock", lambda: now() + 599.0)
    late = held.get(await options_at(http, second))
    monkeypatch.setattr(runtime, "clock", lambda: now() + 599.0 + 601.0)
    assert "once more" in (await show(http, second, late)).text
    assert (await show(http, second, held.get(await options_at(http, second)))).status_code == 303


async def test_of_fifty_who_bring_one_answer_one_is_signed_in(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    answer = held.get(await options_at(http, path))
    form = {"_csrf": await csrf(http, path), "credential": answer}
    posted = await asyncio.gather(*(http.post(f"{path}/passkey", data=form) for _ in range(50)))
    assert sorted(each.status_code for each in posted).count(303) == 1


async def test_a_counter_that_goes_backwards_is_refused_and_recorded(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home = await furnish(runtime, "passkey")
    held.counts = 5
    await give_passkey(runtime, home.user, held)
    for counts in (5, 4, 0):
        held.counts, path = counts, await home.begin(http)
        posted = await show(http, path, held.get(await options_at(http, path)))
        assert (posted.status_code, "may have copied" in posted.text) == (200, True)
    rows = await pg.fetch(
        "SELECT user_id::text, metadata ->> 'told' FROM audit_log WHERE organization_id = %(id)s"
        " AND event_type = 'passkey.counter_reused' ORDER BY created_at",
        {"id": home.id},
    )
    assert rows == [(home.user.id, each) for each in ("5", "4", "0")]
    held.counts, path = 6, await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert posted.status_code == 303


async def test_a_passkey_of_another_organization_is_unknown(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home, other = await furnish(runtime, "passkey"), await furnish(runtime, "passkey")
    await give_passkey(runtime, other.user, held)
    stranger = Authenticator(held.origin, handle=held.handle)
    pages = []
    for each in (held, stranger):
        path = await home.begin(http)
        posted = await show(http, path, each.get(await options_at(http, path)))
        pages.append((posted.status_code, "is not known here" in posted.text))
    assert pages == [(200, True), (200, True)]
    assert await _reasons(pg, home, "user.login.passkey.failed") == ["unknown", "unknown"]


@pytest.mark.parametrize("status", ["inactive", "suspended", "locked"])
async def test_a_passkey_of_somebody_who_may_not_sign_in_does_not(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator, status: str
) -> None:
    home = await furnish(runtime, "passkey", status=status)
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert (posted.status_code, 'role="alert"' in posted.text) == (200, True)


async def test_where_passkeys_are_no_way_to_sign_in_none_does(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home, with_it = await furnish(runtime, "password"), await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    assert "data-passkey" not in (await http.get(path)).text
    other = await options_at(http, await with_it.begin(http))
    assert (await show(http, path, held.get(other))).status_code == 403


async def test_another_form_is_refused(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    form = {"_csrf": "x", "credential": held.get(await options_at(http, path))}
    assert (await http.post(f"{path}/passkey", data=form)).status_code == 403
    assert (await http.get(f"{path}/passkey")).status_code == 303


# Second factor.


async def test_a_passkey_is_set_up_and_asked_for_from_then_on(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", policy="required_passkey")
    path = await home.half_way(http)
    options = await options_at(http, path)
    assert options["create"]["user"]["name"] == home.user.email
    assert len(decode(options["create"]["user"]["id"])) == 32
    assert options["create"]["user"]["id"] not in (home.user.id, home.user.email)
    again = await options_at(http, path)
    assert again["create"]["user"] == options["create"]["user"], "a person has one user handle"
    held.model = bytes.fromhex("fbfc3007154e4ecc8c0b6e020557d7bd")
    page = await show(http, path, held.create(options), "two-factor", method="passkey")
    assert page.text.count("<li><code>") == 10, page.text
    rows = await pg.fetch(
        "SELECT name, attestation_format, attestation IS NOT NULL FROM passkeys"
        " WHERE user_id = %(id)s",
        {"id": home.user.id},
    )
    assert rows == [("iCloud Keychain", "none", True)]
    http.cookies.clear()
    path = await home.half_way(http)
    page = await http.get(path)
    assert hidden(page.text, "method") == "passkey"
    told = options_in(page.text)["get"]
    assert [each["id"] for each in told["allowCredentials"]] == [encode(held.credential_id)]
    assert told["userVerification"] == "preferred"
    held.flags &= ~VERIFIED
    posted = await show(http, path, held.get(options_in(page.text)), "two-factor", method="passkey")
    claims = await _claims(http, home, posted)
    assert claims["amr"] == ["pwd", "swk", "user", "mfa"]


async def test_a_recovery_code_stands_in_for_it(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", policy="required_passkey")
    path = await home.half_way(http)
    page = await show(
        http, path, held.create(await options_at(http, path)), "two-factor", method="passkey"
    )
    code = page.text.partition("<li><code>")[2][:9]
    http.cookies.clear()
    path = await home.half_way(http)
    assert "?method=recovery_code" in (await http.get(path)).text
    form = {"_csrf": await csrf(http, path), "method": "recovery_code", "code": code}
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303


async def test_somebody_elses_passkey_is_no_second_factor(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", policy="required_passkey")
    other = await add_person(runtime, home.id)
    own = Authenticator(held.origin)
    await give_passkey(runtime, home.user, own)
    await give_passkey(runtime, other, held)
    path = await home.half_way(http)
    options = await options_at(http, path)
    for handle in (held.handle, own.handle, None):
        lying = dataclasses.replace(held, handle=handle)
        lying.key = held.key
        posted = await show(http, path, lying.get(options), "two-factor", method="passkey")
        assert (posted.status_code, "is not known here" in posted.text) == (200, True)
    posted = await show(http, path, own.get(options), "two-factor", method="passkey")
    assert posted.status_code == 200
    assert posted.text.count("<li><code>") == 10, "who had none gets recovery codes"


async def test_a_first_passkey_is_what_the_policy_demands(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", "passkey", policy="required_any")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert (await _claims(http, home, posted))["amr"] == ["swk", "user", "mfa"]


async def test_where_another_method_is_demanded_by_name_it_is_asked_for(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", "passkey", policy="required_totp")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    posted = await show(http, path, held.get(await options_at(http, path)))
    assert (posted.status_code, posted.headers["Location"]) == (303, path)
    assert "<svg" in (await http.get(path)).text


async def test_one_challenge_is_for_one_purpose(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    """What was handed out for a first factor is answered by no second one, nor by a new key."""
    home = await furnish(runtime, "password", "passkey", policy="required_passkey")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    first = await options_at(http, path)
    await submit(http, path, email=home.user.email)
    posted = await show(http, path, held.get(first), "two-factor", method="passkey")
    assert (posted.status_code, "once more" in posted.text) == (200, True)


async def test_of_two_who_set_up_at_once_one_does(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", policy="required_any")
    path = await home.half_way(http)
    form = {"_csrf": await csrf(http, path), "method": "passkey"}
    assert (await http.post(f"{path}/two-factor/resend", data=form)).status_code == 303
    page = (await http.get(path)).text
    keys = [held, Authenticator(held.origin)]
    tried = await asyncio.gather(
        *(
            show(http, path, each.create(options_in(page)), "two-factor", method="passkey")
            for each in keys
        )
    )
    assert sorted(each.text.count("<li><code>") for each in tried) == [0, 10]
    rows = await pg.fetch(
        "SELECT count(*) FROM passkeys WHERE user_id = %(id)s", {"id": home.user.id}
    )
    assert rows == [(1,)]


async def test_one_is_offered_where_it_is_encouraged_and_made(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", policy="encouraged")
    path = await home.half_way(http)
    form = {"_csrf": await csrf(http, path), "method": "passkey"}
    assert (await http.post(f"{path}/two-factor/resend", data=form)).status_code == 303
    page = (await http.get(path)).text
    assert "Not now" in page
    made = await show(http, path, held.create(options_in(page)), "two-factor", method="passkey")
    assert made.text.count("<li><code>") == 10
    resumed = await http.get(f"/{home.slug}/auth/{path.rpartition('/')[2]}")
    assert "code=" in resumed.headers["Location"]
    http.cookies.clear()
    assert await home.half_way(http), "it is asked for from then on"


@pytest.mark.parametrize("method", ["password", "passkey"])
async def test_whoever_has_one_is_not_encouraged(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator, method: str
) -> None:
    home = await furnish(runtime, "password", "passkey", policy="encouraged")
    await give_passkey(runtime, home.user, held)
    path = await home.begin(http)
    if method == "password":
        posted = await submit(http, path, email=home.user.email)
    else:
        posted = await show(http, path, held.get(await options_at(http, path)))
    assert (posted.status_code, path == posted.headers["Location"]) == (303, False)


async def test_9470_one_that_is_encouraged_is_not_chosen_by_being_shown(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    """What a client demands changes nobody's second factor, where no policy demands one."""
    home = await furnish(runtime, "password", "passkey", policy="encouraged")
    await give_passkey(runtime, home.user, held)
    several = '{"id_token":{"acr":{"essential":true,"value":"urn:porta:acr:mfa"}}}'
    path = await home.begin(http, claims=several)
    await submit(http, path, email=home.user.email)
    answer = held.get(await options_at(http, path))
    shown = await show(http, path, answer, "two-factor", method="passkey")
    assert shown.status_code == 303, shown.text
    row = await runtime.storage.second_factors.find(home.user.id, home.id)
    assert row is not None
    assert (row.method, row.recovery_codes) == (None, 0)


async def test_9470_one_shown_because_a_client_demands_more_changes_nothing_of_the_person(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    """It is asked for beside their session, and not from then on."""
    home = await furnish(runtime, "password")
    await give_passkey(runtime, home.user, held)
    posted = await submit(http, await home.begin(http), email=home.user.email)
    assert (await _claims(http, home, posted))["amr"] == ["pwd"]
    path = await home.begin(http, acr_values="urn:porta:acr:mfa")
    assert (await http.get(path)).headers["Location"] == path
    held.flags &= ~VERIFIED
    answer = held.get(await options_at(http, path))
    posted = await show(http, path, answer, "two-factor", method="passkey")
    claims = await _claims(http, home, posted)
    assert (claims["acr"], claims["amr"][0]) == ("urn:porta:acr:mfa", "pwd")
    row = await pg.fetchrow(
        "SELECT two_factor_enabled FROM users WHERE id = %(id)s", {"id": home.user.id}
    )
    assert row == (False,)


# What follows a sign-in (WebAuthn Level 3).


async def _sign_in_by_password(
    http: httpx.AsyncClient, home: Home, able: str
) -> tuple[str, httpx.Response]:
    path = await home.begin(http)
    return path, await submit(http, path, email=home.user.email, passkeys=able)


async def _stored(pg: Postgres, home: Home) -> list[Any]:
    rows = await pg.fetch(
        "SELECT credential_id FROM passkeys WHERE user_id = %(id)s AND removed_at IS NULL",
        {"id": home.user.id},
    )
    return [row[0] for row in rows]


def _attribute(page: httpx.Response, name: str) -> Any:
    found = re.search(rf'{name}="([^"]*)"', page.text)
    return json.loads(html.unescape(found[1])) if found is not None else None


async def test_a_passkey_is_made_by_the_way_after_a_password(
    runtime: Runtime,
    http: httpx.AsyncClient,
    pg: Postgres,
    held: Authenticator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    home = await furnish(runtime, "password", "passkey")
    path, page = await _sign_in_by_password(http, home, "create")
    assert (page.status_code, _attribute(page, "data-signals")) == (200, None)
    options = _attribute(page, "data-create")
    assert options["create"]["authenticatorSelection"]["residentKey"] == "required"
    held.flags &= ~(PRESENT | VERIFIED)
    form = {"_csrf": hidden(page.text, "_csrf"), "credential": held.create(options)}
    posted = await http.post(f"{path}/passkey/created", data=form)
    assert (posted.status_code, await _stored(pg, home)) == (303, [encode(held.credential_id)])
    (notice,) = await letters_to(runtime, pg, home.user.id)
    assert "A passkey was added just now" in notice.text
    answer = await http.get(posted.headers["Location"])
    assert answer.headers["Location"].startswith(CALLBACK)
    http.cookies.clear()
    held.flags |= PRESENT | VERIFIED
    path = await home.begin(http)
    assert (await show(http, path, held.get(await options_at(http, path)))).status_code == 303


async def test_nobody_else_has_one_made_for_them(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", "passkey")
    path, page = await _sign_in_by_password(http, home, "create")
    options, token = _attribute(page, "data-create"), hidden(page.text, "_csrf")
    form = {"_csrf": token, "credential": held.create(options)}
    url = f"{path}/passkey/created"
    assert (await http.post(url, data=form | {"_csrf": "x"})).status_code == 303
    kept = httpx.Cookies(http.cookies)
    for each in [each for each in http.cookies.jar if each.name.startswith("session_")]:
        http.cookies.delete(each.name, each.domain, each.path)
    assert (await http.post(url, data=form)).status_code == 303
    assert await _stored(pg, home) == []
    http.cookies = kept
    lying = Authenticator(held.origin + "0")
    await http.post(url, data=form | {"credential": lying.create(options)})
    await http.post(url, data=form | {"credential": held.create(await _first(http, home))})
    assert await _stored(pg, home) == []
    await asyncio.gather(
        *(
            http.post(url, data=form | {"credential": each.create(options)})
            for each in (held, Authenticator(held.origin))
        )
    )
    assert len(await _stored(pg, home)) == 1, "one challenge, one passkey"


@pytest.mark.parametrize("what", ["ended", "suspended"])
async def test_none_is_kept_in_a_session_that_is_over(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator, what: str
) -> None:
    """A copy of the session may outlive it: what counts is what PostgreSQL has (decisions/0043)."""
    home = await furnish(runtime, "password", "passkey")
    path, page = await _sign_in_by_password(http, home, "create")
    options, token = _attribute(page, "data-create"), hidden(page.text, "_csrf")
    if what == "ended":
        statement = "UPDATE sessions SET consumed_at = now() WHERE account_id = %(id)s"
    else:
        statement = "UPDATE users SET status = 'suspended' WHERE id = %(id)s"
    await pg.execute(statement, {"id": home.user.id})
    form = {"_csrf": token, "credential": held.create(options)}
    assert (await http.post(f"{path}/passkey/created", data=form)).status_code == 303
    assert await _stored(pg, home) == []


async def _at_a_trusted_device(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> tuple[Home, str]:
    """Add somebody with a second factor who has trusted this browser, and is signed out; return
    the path of another sign-in of theirs.
    """
    home = await furnish(runtime, "password", "passkey")
    async with runtime.storage.everywhere.transaction() as tx:
        days = OrganizationPatch.parse({"trusted_device_days": 30})
        await organizations.update(tx, SYSTEM, home.slug, days)
    user, totp = await person_with_totp(runtime, pg, slug=home.slug)
    home = dataclasses.replace(home, user=user)
    path = await home.half_way(http)
    form = {
        "_csrf": await csrf(http, path), "method": "totp", "trust_device": "1",
        "code": totp.generate_otp(int(runtime.clock() // 30)),
    }  # fmt: skip
    assert (await http.post(f"{path}/two-factor", data=form)).status_code == 303
    for each in [each for each in http.cookies.jar if each.name.startswith("session_")]:
        http.cookies.delete(each.name, each.domain, each.path)
    return home, await home.begin(http)


async def test_none_is_offered_to_whom_a_trusted_device_spared_a_factor(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    """It would be both factors from then on, which they have not shown (decisions/0050)."""
    home, path = await _at_a_trusted_device(runtime, http, pg)
    posted = await submit(http, path, email=home.user.email, passkeys="create")
    assert posted.status_code == 303, "no page in between"
    answer = await http.get(posted.headers["Location"])
    assert answer.headers["Location"].startswith(CALLBACK), "they are signed in for all that"
    other = Authenticator(held.origin)
    await give_passkey(runtime, home.user, other)
    posted = await submit(
        http, await home.begin(http, scope="openid", prompt="select_account"),
        email=home.user.email, passkeys="create",
    )  # fmt: skip
    assert (posted.status_code, _attribute(posted, "data-create")) == (200, None)
    assert _attribute(posted, "data-signals"), "which of theirs are good is told as ever"


async def test_none_is_kept_of_whom_a_trusted_device_spared_a_factor(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, held: Authenticator
) -> None:
    """Not even by a challenge that was handed out at this very sign-in."""
    home, path = await _at_a_trusted_device(runtime, http, pg)
    token = await csrf(http, path)
    assert (await submit(http, path, email=home.user.email)).status_code == 303
    met = await interactions.find(runtime, path.rpartition("/")[2])
    assert met is not None
    assert met.session_uid is not None
    bound = f"{met.id}\n{Purpose.CREATE.value}\n{home.user.id}"
    keys, now = runtime.settings.cookie_keys, runtime.clock()
    options = await _first(http, home)
    options["create"]["challenge"] = passkey_challenges.new_challenge(keys, bound, now)
    await runtime.storage.passkeys.handle(home.user.id, home.id, encode(b"h" * 32))
    form = {"_csrf": token, "credential": held.create(options)}
    assert (await http.post(f"{path}/passkey/created", data=form)).status_code == 303
    assert await _stored(pg, home) == []


async def _first(http: httpx.AsyncClient, home: Home) -> dict[str, Any]:
    """Return options whose challenge is of a first factor."""
    told = await options_at(http, await home.begin(http, prompt="login"))
    challenge = told["get"]["challenge"]
    return {"create": {"challenge": challenge, "user": {"id": "aaaa"}, "rp": {"id": "localhost"}}}


async def test_a_browser_is_told_which_passkeys_are_good(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home = await furnish(runtime, "password", "passkey", given_name="Ada", family_name="Lovelace")
    other = Authenticator(held.origin)
    await give_passkey(runtime, home.user, held)
    gone = await give_passkey(runtime, home.user, other)
    await runtime.storage.passkeys.remove(gone, home.id)
    _, page = await _sign_in_by_password(http, home, "signal")
    known = {"rpId": "localhost", "userId": held.handle}
    assert _attribute(page, "data-signals") == {
        "signalAllAcceptedCredentials": {
            **known, "allAcceptedCredentialIds": [encode(held.credential_id)],
        },
        "signalCurrentUserDetails": {
            **known, "name": home.user.email, "displayName": "Ada Lovelace",
        },
    }  # fmt: skip
    assert "data-create" not in page.text, "the browser makes none by the way"


async def test_a_browser_is_told_of_what_was_removed_here_and_of_nothing_else(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    """A passkey that was never known here may be good at another organization."""
    home, elsewhere = await furnish(runtime, "passkey"), await furnish(runtime, "passkey")
    id = await give_passkey(runtime, home.user, held)
    foreign = Authenticator(held.origin)
    await give_passkey(runtime, elsewhere.user, foreign)
    await runtime.storage.passkeys.remove(id, home.id)
    told = []
    for each in (held, foreign):
        path = await home.begin(http)
        posted = await show(http, path, each.get(await options_at(http, path)))
        assert "is not known here" in posted.text
        told.append(_attribute(posted, "data-signals"))
    gone = {"rpId": "localhost", "credentialId": encode(held.credential_id)}
    assert told == [{"signalUnknownCredential": gone}, None]


async def test_a_browser_that_can_do_none_of_it_goes_on_at_once(
    runtime: Runtime, http: httpx.AsyncClient, held: Authenticator
) -> None:
    home, plain = await furnish(runtime, "password", "passkey"), await furnish(runtime, "password")
    await give_passkey(runtime, home.user, held)
    _, posted = await _sign_in_by_password(http, home, "")
    assert posted.status_code == 303
    _, posted = await _sign_in_by_password(http, plain, "create")
    assert posted.status_code == 303, "where passkeys are no way to sign in, none is made"
