"""Everybody of a database of 1.6.1 signs in after `porta migrate up`, each as they did before."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from porta.security.encryption import encrypt
from storage.postgres.driver import Postgres
from tests.factories import challenge_of
from tests.succession import porta_1x
from tests.succession.conftest import take_over
from tests.succession.porta_1x import CLEO, DOCK, DORA, PASSWORD, SECRET, SHOP
from tests.succession.sign_in import serving
from tests.world.answers import claims_of, hidden_fields, location, query_of
from tests.world.links import post as press
from tests.world.mail import letters_to, mailed_codes
from tests.world.served import CALLBACK, VERIFIER, Served

MILL, QUAY = (f"00000000-0000-4000-8000-0000000000{n}" for n in (51, 52))
APP, MAIL, CODES, TWENTY, NEW, LATER, LATE, EARLY, OLD, LINK, GUEST = (
    f"00000000-0000-4000-8000-0000000000{n}" for n in range(61, 72)
)
TOTP = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
RECOVERY = "ABCD-2345"
CHOSEN = "seven green bottles on a wall"
PENDING = {table: f"{table[:1]}" * 43 for table in ("magic", "password", "invitation")}
_1X = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)  # data-model of 1.x
_SAME = f"(SELECT password_hash FROM users WHERE id = '{CLEO}')"


def _person(id: str, home: str, name: str, **columns: str) -> str:
    """Return the statement that adds somebody; a value of `columns` is SQL."""
    values = {
        "id": f"'{id}'", "organization_id": f"'{home}'", "email": f"'{name}@people.example'",
        "email_verified": "TRUE", "password_hash": _SAME, **columns,
    }  # fmt: skip
    return f"INSERT INTO users ({', '.join(values)}) SELECT {', '.join(values.values())};"


def _second(method: str) -> dict[str, str]:
    return {"two_factor_enabled": "TRUE", "two_factor_method": f"'{method}'"}


def _locked(since: str) -> dict[str, str]:
    return {
        "status": "'locked'", "locked_reason": "'auto_lockout'", "failed_login_count": "5",
        "locked_at": f"now() - interval '{since}'",
        "last_failed_login_at": f"now() - interval '{since}'",
    }  # fmt: skip


def _totp(id: str) -> str:
    sealed = encrypt(TOTP.secret, bytes.fromhex("cd" * 32))
    return (
        "INSERT INTO user_totp (user_id, encrypted_secret, encryption_iv, encryption_tag, verified)"
        f" VALUES ('{id}', '{sealed.ciphertext}', '{sealed.iv}', '{sealed.tag}', TRUE);"
    )


def _recovery(id: str, *codes: str) -> str:
    rows = ", ".join(f"('{id}', '{_1X.hash(code.replace('-', ''))}')" for code in codes)
    return f"INSERT INTO two_factor_recovery_codes (user_id, code_hash) VALUES {rows};"


def _pending(kind: str, id: str, more: str = "") -> str:
    digest = hashlib.sha256(PENDING[kind].encode()).hexdigest()
    table = {"magic": "magic_link_tokens", "password": "password_reset_tokens"}
    columns = "user_id, token_hash, expires_at" + (", details, invited_by" if more else "")
    return (
        f"INSERT INTO {table.get(kind, 'invitation_tokens')} ({columns})"
        f" VALUES ('{id}', '{digest}', now() + interval '15 minutes'{more});"
    )


def _house(id: str, slug: str, policy: str, methods: str) -> str:
    return f"""
        INSERT INTO organizations (id, name, slug, two_factor_policy, default_login_methods)
        VALUES ('{id}', '{slug}', '{slug}', '{policy}', '{methods}');
        WITH made AS (INSERT INTO clients (organization_id, application_id, client_id, client_name,
            client_type, redirect_uris, grant_types, scope, token_endpoint_auth_method)
        SELECT '{id}', application_id, '{slug}-web', client_name, client_type, redirect_uris,
            grant_types, scope, token_endpoint_auth_method FROM clients
        WHERE client_id = 'dock-web' RETURNING id)
        INSERT INTO client_secrets (client_id, secret_hash, secret_sha256)
        SELECT made.id, s.secret_hash, s.secret_sha256 FROM made, client_secrets s
        JOIN clients c ON c.id = s.client_id WHERE c.client_id = 'dock-web';
    """


_ROLE = "00000000-0000-4000-8000-000000000044"
_MAY_GIVE = """
    WITH made AS (INSERT INTO permissions (application_id, name, slug)
        SELECT id, 'Give roles', 'admin:role:assign' FROM applications
        WHERE slug = 'porta-admin' RETURNING id)
    INSERT INTO role_permissions (role_id, permission_id)
    SELECT '00000000-0000-4000-8000-000000000041', id FROM made;
"""
"""In an installation of 1.6.1 the role of Rosa, who invites, has it."""
_DETAILS = (
    f'{{"roles": [{{"applicationId": "{SHOP}", "roleId": "{_ROLE}"}}], "claims": [],'
    ' "personalMessage": "Welcome", "inviterName": "Rosa"}'
)


def _rows() -> str:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    return "".join([
        _MAY_GIVE, _house(MILL, "mill", "required_totp", "{password}"),
        _house(QUAY, "quay", "optional", "{magic_link}"),
        _person(APP, DOCK, "app", **_second("totp")) + _totp(APP),
        _person(CODES, DOCK, "codes", **_second("totp")) + _totp(CODES),
        _recovery(CODES, "WXYZ-6789", RECOVERY),
        _person(MAIL, DOCK, "mail", **_second("email")),
        _person(NEW, MILL, "new"),
        _person(LATER, MILL, "later", **_second("email")),
        _person(LATE, DOCK, "late", **_locked("2 days")),
        _person(EARLY, DOCK, "early", **_locked("1 second")),
        _person(OLD, DOCK, "old", password_hash=f"'{weak}'"),
        _person(LINK, QUAY, "link", password_hash="NULL", email_verified="FALSE"),
        _person(GUEST, DOCK, "guest", password_hash="NULL", email_verified="FALSE"),
        _pending("magic", LINK), _pending("password", DORA),
        _pending("invitation", GUEST,
                 f", '{_DETAILS}', '00000000-0000-4000-8000-000000000021'"),
    ])  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(create_database: Callable[..., str]) -> AsyncIterator[Served]:
    url = porta_1x.build(create_database, _rows())
    take_over(url)
    async with serving(url) as made:
        changed = made.runtime.settings.model_copy(update={"smtp_host": "mail.example"})
        made.runtime.settings = changed
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pg(served: Served) -> AsyncIterator[Postgres]:
    pg = await Postgres.open(served.runtime.settings.database_url, 1)
    yield pg
    await pg.close()


Arrive = Callable[..., Awaitable["Visitor"]]


@dataclass
class Visitor:
    """Somebody at a client of `slug`, with a browser of their own."""

    served: Served
    slug: str
    http: httpx.AsyncClient
    page: httpx.Response = field(init=False)

    async def begin(self) -> None:
        asked = {
            "client_id": f"{self.slug}-web", "redirect_uri": CALLBACK, "response_type": "code",
            "scope": "openid email", "code_challenge_method": "S256",
            "code_challenge": challenge_of(VERIFIER),
        }  # fmt: skip
        answer = await self.http.get(f"{self.served.issuer(self.slug)}/auth", params=asked)
        self.page = await self.http.get(location(answer))
        self.path = str(self.page.url)

    async def send(self, step: str, **typed: str) -> httpx.Response:
        """Post the form that is shown, and go where it leads, short of the client."""
        form = {"_csrf": hidden_fields(self.page.text)["_csrf"]} | typed
        answer = await self.http.post(f"{self.path}/{step}", data=form)
        while answer.is_redirect and not location(answer).startswith(CALLBACK):
            answer = await self.http.get(location(answer))
        self.page = answer
        return answer

    async def password(self, name: str, password: str = PASSWORD) -> httpx.Response:
        await self.begin()
        return await self.send("login", email=name, password=password)

    async def second(self, method: str, code: str) -> httpx.Response:
        return await self.send("two-factor", method=method, code=code)

    async def claims(self) -> dict[str, Any]:
        """Return what the ID token says; fails where nobody was signed in."""
        form = {
            "grant_type": "authorization_code", "code": query_of(self.page)["code"],
            "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
        }  # fmt: skip
        answer = await self.http.post(
            f"{self.served.issuer(self.slug)}/token", data=form, auth=(f"{self.slug}-web", SECRET)
        )
        return claims_of(answer.json()["id_token"])


@pytest_asyncio.fixture
async def arrive(served: Served) -> AsyncIterator[Arrive]:
    """Return what makes a visitor, and close their browsers in the end."""
    async with AsyncExitStack() as opened:

        async def arrived(slug: str = "dock") -> Visitor:
            http = await opened.enter_async_context(httpx.AsyncClient(timeout=60))
            return Visitor(served, slug, http)

        yield arrived


async def _is_signed_in(visitor: Visitor, id: str, *amr: str) -> bool:
    claims = await visitor.claims()
    return (claims["sub"], claims["amr"]) == (id, [*amr])


def _now() -> str:
    return TOTP.generate_otp(int(time.time() // 30))


async def _one(pg: Postgres, column: str, id: str) -> Any:
    row = await pg.fetchrow(f"SELECT {column} FROM users WHERE id = '{id}'")
    assert row is not None
    return row[0]


async def test_with_a_password(arrive: Arrive, pg: Postgres) -> None:
    """Its hash costs more than one of today, and stays as it is."""
    before = await _one(pg, "password_hash", CLEO)
    visitor = await arrive()
    wrong = await visitor.password("cleo@dock.example", "correct horse battery stapler")
    assert (wrong.status_code, "flash-error" in wrong.text) == (200, True)
    await visitor.password("cleo@dock.example")
    assert await _is_signed_in(visitor, CLEO, "pwd")
    assert await _one(pg, "password_hash", CLEO) == before


async def test_with_a_password_whose_hash_is_made_anew(arrive: Arrive, pg: Postgres) -> None:
    before = await _one(pg, "password_hash", OLD)
    for _ in range(2):
        visitor = await arrive()
        await visitor.password("old@people.example")
        assert await _is_signed_in(visitor, OLD, "pwd")
    assert (await _one(pg, "password_hash", OLD)).startswith("$argon2id$v=19$m=8192,t=1,")
    assert before.startswith("$argon2id$v=19$m=1024,t=1,")


async def test_with_an_authenticator_app(arrive: Arrive) -> None:
    visitor = await arrive()
    await visitor.password("app@people.example")
    refused = await visitor.second("totp", "000000")
    assert (refused.status_code, "code=" in str(refused.url)) == (200, False)
    await visitor.second("totp", _now())
    assert await _is_signed_in(visitor, APP, "pwd", "otp", "mfa")


async def test_with_a_recovery_code_that_is_good_once(arrive: Arrive) -> None:
    """Typed as it was printed, or in small letters without the dash."""
    visitor, again = await arrive(), await arrive()
    await visitor.password("codes@people.example")
    await visitor.second("recovery_code", RECOVERY)
    assert await _is_signed_in(visitor, CODES, "pwd", "otp", "mfa")
    await again.password("codes@people.example")
    refused = await again.second("recovery_code", RECOVERY)
    assert refused.status_code == 200, "it was used"
    await again.second("recovery_code", "wxyz6789")
    assert await _is_signed_in(again, CODES, "pwd", "otp", "mfa")


@pytest.mark.parametrize(
    ("slug", "name", "id"), [("dock", "mail", MAIL), ("mill", "later", LATER)],
    ids=["optional", "another method is required by now"],
)  # fmt: skip
async def test_with_a_code_by_mail(
    served: Served, arrive: Arrive, pg: Postgres, slug: str, name: str, id: str
) -> None:
    """1.x never compared what somebody has chosen with what their organization demands."""
    visitor = await arrive(slug)
    await visitor.password(f"{name}@people.example")
    (code,) = await mailed_codes(served.runtime, pg, id)
    await visitor.second("email_otp", code)
    assert await _is_signed_in(visitor, id, "pwd", "otp", "mfa")


async def test_with_nothing_but_a_password_where_an_app_is_required(
    served: Served, arrive: Arrive
) -> None:
    """They set one up, and are shown recovery codes; the next time they are asked for it."""
    visitor = await arrive("mill")
    page = await visitor.password("new@people.example")
    assert not page.is_redirect, "a password alone signs nobody in"
    secret = "".join(page.text.partition('class="secret">')[2].partition("<")[0].split())
    app = pyotp.TOTP(secret)
    shown = await visitor.second("totp", app.now())
    assert "recovery" in shown.text
    resume = f"{served.issuer('mill')}/auth/{visitor.path.rpartition('/')[2]}"
    visitor.page = await visitor.http.get(resume)
    assert await _is_signed_in(visitor, NEW, "pwd", "otp", "mfa")
    again = await arrive("mill")
    await again.password("new@people.example")
    await again.second("totp", app.generate_otp(int(time.time() // 30) + 1))
    assert await _is_signed_in(again, NEW, "pwd", "otp", "mfa")


async def test_where_links_are_mailed_and_there_is_no_password(
    served: Served, arrive: Arrive, pg: Postgres
) -> None:
    """The link that 1.x had mailed is for a sign-in that 1.x knew: it signs nobody in, and says
    so. Another one is asked for.
    """
    visitor = await arrive("quay")
    await visitor.begin()
    assert 'type="password"' not in visitor.page.text
    asked_at_1x = "q7Jf3nJb0xG3dO4m2rX1s"
    of_1x = f"{served.issuer('quay')}/auth/magic-link/{PENDING['magic']}?interaction={asked_at_1x}"
    over = await visitor.http.get(of_1x)
    assert (over.status_code, "link" in over.text) == (400, True)
    assert (await visitor.http.post(of_1x)).status_code == 400
    await visitor.send("magic-link", email="link@people.example")
    (letter, *_) = await letters_to(served.runtime, pg, LINK)
    link = next(line for line in letter.text.splitlines() if "/auth/magic-link/" in line)
    pressed = await press(visitor.http, f"{served.base_url}{_path(link)}")
    visitor.page = await visitor.http.get(location(pressed))
    assert await _is_signed_in(visitor, LINK, "mca")
    assert await _one(pg, "email_verified", LINK) is True


async def test_with_a_link_of_1x_to_another_password(
    served: Served, arrive: Arrive, pg: Postgres
) -> None:
    link = f"{served.issuer('dock')}/auth/reset-password/{PENDING['password']}"
    visitor = await arrive()
    chosen = {"password": CHOSEN, "confirmPassword": CHOSEN}
    assert (await press(visitor.http, link, **chosen)).status_code == 200
    await visitor.password("dora@dock.example", CHOSEN)
    assert await _is_signed_in(visitor, DORA, "pwd")
    assert (await visitor.http.get(link)).status_code == 400, "it is good once"


async def test_with_an_invitation_of_1x(served: Served, arrive: Arrive, pg: Postgres) -> None:
    """It names who invites, and carries the role that they may still give."""
    link = f"{served.issuer('dock')}/auth/accept-invite/{PENDING['invitation']}"
    visitor = await arrive()
    assert "Rosa" in (await visitor.http.get(link)).text
    chosen = {"password": CHOSEN, "confirmPassword": CHOSEN}
    assert (await press(visitor.http, link, **chosen)).status_code == 200
    await visitor.password("guest@people.example", CHOSEN)
    assert await _is_signed_in(visitor, GUEST, "pwd")
    assert await _one(pg, "email_verified", GUEST) is True
    rows = await pg.fetch(f"SELECT role_id::text FROM user_roles WHERE user_id = '{GUEST}'")
    assert rows == [(_ROLE,)]


async def test_behind_a_lock_that_is_over_and_one_that_is_not(arrive: Arrive, pg: Postgres) -> None:
    late, early = await arrive(), await arrive()
    refused, _ = await asyncio.gather(
        early.password("early@people.example"), late.password("late@people.example")
    )
    assert refused.status_code == 200
    assert await _is_signed_in(late, LATE, "pwd")
    assert await _one(pg, "status", EARLY) == "locked"


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
