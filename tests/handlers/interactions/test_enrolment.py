"""A second factor that an organization demands is set up within the sign-in, and asked for then."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from html import unescape

import httpx
import pyotp
import pytest

from porta.runtime import Runtime
from storage.models.users import User
from storage.postgres.driver import Postgres
from tests import factories
from tests.handlers.flow import csrf, hidden, parameters, submit
from tests.world.answers import hidden_fields
from tests.world.house import CALLBACK, PASSWORD
from tests.world.mail import letters_to, mailed_codes


@dataclass(frozen=True)
class Strict:
    """An organization that demands a second factor, and somebody of it who has none."""

    slug: str
    client_id: str
    user: User

    async def half_way(self, http: httpx.AsyncClient) -> str:
        """Show the password; return the path of the interaction, which asks for more."""
        asked = parameters(client_id=self.client_id)
        begun = await http.get(f"/{self.slug}/auth", params=asked)
        path = str(begun.headers["Location"])
        posted = await submit(http, path, email=self.user.email)
        assert (posted.status_code, posted.headers["Location"]) == (303, path), posted.text
        return path


async def _strict(runtime: Runtime, policy: str) -> Strict:
    storage, mark = runtime.storage.everywhere, factories.new_id()
    home = factories.organization(
        id=mark, slug=f"strict-{mark}", two_factor_policy=policy,
        default_login_methods=("password",),
    )  # fmt: skip
    await storage.organizations.insert(home)
    application = await storage.applications.find_by_slug("app")
    assert application is not None
    client = factories.client(
        id=factories.new_id(), organization_id=home.id, application_id=application.id,
        client_id=f"strict-{mark}", redirect_uris=(CALLBACK,),
    )  # fmt: skip
    await storage.clients.insert(client)
    user = factories.user(
        id=factories.new_id(), organization_id=home.id, email=f"{mark}@strict.example",
        password_hash=await runtime.passwords.hash(PASSWORD),
    )  # fmt: skip
    await storage.users.insert(user)
    return Strict(home.slug, client.client_id, user)


async def _confirm(http: httpx.AsyncClient, path: str, code: str, method: str) -> httpx.Response:
    form = {"_csrf": await csrf(http, path), "method": method, "code": code}
    return await http.post(f"{path}/two-factor", data=form)


async def _totp_at(http: httpx.AsyncClient, path: str) -> pyotp.TOTP:
    page = await http.get(path)
    assert "<svg" in page.text
    shown = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    assert shown is not None
    return pyotp.TOTP(shown[1].replace(" ", ""))


def _code(runtime: Runtime, totp: pyotp.TOTP, after: int = 0) -> str:
    return totp.generate_otp(int(runtime.clock() // 30) + after)


def _codes_of(page: str) -> list[str]:
    return re.findall(r"<li><code>([A-Z2-9]{4}-[A-Z2-9]{4})</code></li>", page)


async def test_an_authenticator_app_is_set_up_and_asked_for_from_then_on(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    strict = await _strict(runtime, "required_totp")
    path = await strict.half_way(http)
    totp = await _totp_at(http, path)
    assert (await _totp_at(http, path)).secret == totp.secret, "a reload is no other picture"
    stored = await pg.fetch(
        "SELECT 1 FROM user_totp WHERE user_id = %(id)s", {"id": strict.user.id}
    )
    assert stored == [], "nothing is kept of it before it was shown"
    wrong = await _confirm(http, path, "000000", "totp")
    assert (wrong.status_code, "is not right" in wrong.text) == (200, True)
    page = await _confirm(http, path, _code(runtime, totp), "totp")
    codes = _codes_of(page.text)
    assert (page.status_code, len(set(codes))) == (200, 10)
    follow = re.search(r'class="btn-primary" href="([^"]+)"', page.text)
    assert follow is not None
    answer = await http.get(unescape(follow[1]))
    assert answer.headers["Location"].startswith(CALLBACK)
    http.cookies.clear()
    again = await strict.half_way(http)
    assert hidden((await http.get(again)).text, "method") == "totp"
    used = await _confirm(http, again, _code(runtime, totp), "totp")
    assert "was used already" in used.text, "the step that set it up is taken"
    assert (await _confirm(http, again, codes[3], "recovery_code")).status_code == 303
    assert await letters_to(runtime, pg, strict.user.id) == [], "there is no mail server"


async def test_whoever_gets_a_second_factor_is_told_by_mail(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    strict = await _strict(runtime, "required_totp")
    path = await strict.half_way(http)
    totp = await _totp_at(http, path)
    assert (await _confirm(http, path, "000000", "totp")).status_code == 200
    assert await letters_to(runtime, pg, strict.user.id) == []
    await _confirm(http, path, _code(runtime, totp), "totp")
    (notice,) = await letters_to(runtime, pg, strict.user.id)
    assert f"set up just now for {strict.user.email}" in notice.text
    assert f"/{strict.slug}/auth/forgot-password" in notice.html


async def test_G1_nothing_is_open_before_it_was_set_up(
    runtime: Runtime, http: httpx.AsyncClient
) -> None:
    strict = await _strict(runtime, "required_totp")
    path = await strict.half_way(http)
    uid = path.rpartition("/")[2]
    assert (await http.get(f"/{strict.slug}/auth/{uid}")).headers["Location"] == path
    for method in ("recovery_code", "email_otp", "password", ""):
        assert (await _confirm(http, path, "ABCD-2345", method)).status_code == 403
    assert not [name for name in http.cookies if "session" in name]


async def test_codes_by_mail_are_set_up(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    strict = await _strict(runtime, "required_email")
    path = await strict.half_way(http)
    (code,) = await mailed_codes(runtime, pg, strict.user.id)
    page = await _confirm(http, path, code, "email_otp")
    assert len(_codes_of(page.text)) == 10
    row = await pg.fetchrow(
        "SELECT two_factor_enabled, two_factor_method FROM users WHERE id = %(id)s",
        {"id": strict.user.id},
    )
    assert row == (True, "email")


async def test_where_both_will_do_one_is_chosen(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = await _strict(runtime, "required_any")
    path = await strict.half_way(http)
    assert "e-mail instead" not in (await http.get(path)).text, "there is no mail server"
    with_mail = runtime.settings.model_copy(update={"smtp_host": "mail.example"})
    monkeypatch.setattr(runtime, "settings", with_mail)
    totp = await _totp_at(http, path)
    form = {"_csrf": await csrf(http, path), "method": "email_otp"}
    chosen = await http.post(f"{path}/two-factor/resend", data=form)
    assert (chosen.status_code, chosen.headers["Location"]) == (303, path)
    page = await http.get(path)
    assert hidden_fields(page.text)["method"] in ("email_otp", "totp")
    assert "<svg" not in page.text
    (code,) = await mailed_codes(runtime, pg, strict.user.id)
    refused = await _confirm(http, path, _code(runtime, totp), "totp")
    assert (refused.status_code, _codes_of(refused.text)) == (403, []), "it is not being set up"
    assert len(_codes_of((await _confirm(http, path, code, "email_otp")).text)) == 10


async def test_of_two_who_set_up_at_once_one_does(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    strict = await _strict(runtime, "required_totp")
    async with httpx.AsyncClient(base_url=http.base_url, timeout=20) as other:
        browsers = (http, other)
        paths = [await strict.half_way(each) for each in browsers]
        apps = [await _totp_at(each, path) for each, path in zip(browsers, paths, strict=True)]
        tried = await asyncio.gather(
            *(
                _confirm(each, path, _code(runtime, app), "totp")
                for each, path, app in zip(browsers, paths, apps, strict=True)
            )
        )
    assert sorted(len(_codes_of(each.text)) for each in tried) == [0, 10]
    rows = await pg.fetch(
        "SELECT count(*) FROM two_factor_recovery_codes WHERE user_id = %(id)s",
        {"id": strict.user.id},
    )
    assert rows == [(10,)]


async def test_where_nothing_can_be_set_up_nobody_is_let_in(
    runtime: Runtime, http: httpx.AsyncClient
) -> None:
    strict = await _strict(runtime, "required_email")
    asked = parameters(client_id=strict.client_id)
    begun = await http.get(f"/{strict.slug}/auth", params=asked)
    posted = await submit(http, begun.headers["Location"], email=strict.user.email)
    assert (posted.status_code, "needs a second step" in posted.text) == (200, True)


async def test_a_demand_that_changed_meanwhile_begins_anew(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres
) -> None:
    """An administrator took away what somebody was asked for, or gave it."""
    strict = await _strict(runtime, "required_totp")
    path = await strict.half_way(http)
    await pg.execute(
        "WITH secret AS (INSERT INTO user_totp"
        " (user_id, encrypted_secret, encryption_iv, encryption_tag, verified)"
        " VALUES (%(id)s, 's', 'i', 't', TRUE))"
        " UPDATE users SET two_factor_enabled = TRUE, two_factor_method = 'totp'"
        " WHERE id = %(id)s",
        {"id": strict.user.id},
    )
    assert 'name="password"' in (await http.get(path)).text
    posted = await submit(http, path, email=strict.user.email)
    assert posted.headers["Location"] == path
    assert hidden((await http.get(path)).text, "method") == "totp"
    await pg.execute(
        "UPDATE users SET two_factor_enabled = FALSE, two_factor_method = NULL WHERE id = %(id)s",
        {"id": strict.user.id},
    )
    assert 'name="password"' in (await http.get(path)).text


_REFUSALS = {
    "their owner is suspended": ("two_factor_recovery_codes", """
        UPDATE users SET status = 'suspended' WHERE id = NEW.user_id; RETURN NEW;
    """),
    "no session is kept": ("sessions", "RAISE EXCEPTION 'no session is kept';"),
}  # fmt: skip


@pytest.mark.parametrize("refusal", _REFUSALS)
async def test_whoever_is_refused_after_it_is_shown_their_codes_all_the_same(
    runtime: Runtime, http: httpx.AsyncClient, pg: Postgres, refusal: str
) -> None:
    """The factor is theirs by then, and nobody sees them again."""
    strict = await _strict(runtime, "required_totp")
    path = await strict.half_way(http)
    totp = await _totp_at(http, path)
    table, body = _REFUSALS[refusal]
    whose = {"id": strict.user.id}
    await pg.execute(f"""
        CREATE FUNCTION refuse_sign_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
        CREATE TRIGGER refuse_sign_in BEFORE INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_sign_in();
    """)
    try:
        page = await _confirm(http, path, _code(runtime, totp), "totp")
    finally:
        await pg.execute(f"DROP TRIGGER refuse_sign_in ON {table}; DROP FUNCTION refuse_sign_in()")
    codes = _codes_of(page.text)
    assert (page.status_code, len(set(codes))) == (200, 10)
    assert await pg.fetch("SELECT 1 FROM sessions WHERE account_id = %(id)s", whose) == []
    follow = re.search(r'class="btn-primary" href="([^"]+)"', page.text)
    assert follow is not None
    answer = await http.get(unescape(follow[1]))
    assert answer.headers["Location"].endswith(path), "and it leads on, to a sign-in anew"
    assert 'name="password"' in (await http.get(path)).text
