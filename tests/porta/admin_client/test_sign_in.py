"""A person signs in at a loopback redirect; the token is kept, refreshed, and is theirs alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
import pytest_asyncio

from porta.admin_client import AdminClient, NoAnswer, NotSignedIn, SignInFailed, Unauthenticated
from porta.admin_client import credentials as kept
from porta.admin_client.credentials import Credentials, CredentialsFile, KeptTokens
from porta.admin_client.http import Http
from porta.admin_client.loopback import listening, parameters_of
from porta.admin_client.sign_in import Entrance, begin, find_entrance, redeem
from tests.porta.admin_client.browser import sign_in
from tests.porta.admin_client.peer import answer, peer
from tests.world.administrators import SUPER, Installation


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[Http]:
    opened = Http()
    yield opened
    opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def entrance(http: Http, installation: Installation) -> Entrance:
    return await find_entrance(http, installation.runtime.settings.issuer_base_url)


async def _signed_in(http: Http, entrance: Entrance, path: Path) -> CredentialsFile:
    async with listening() as loopback:
        attempt = begin(entrance, loopback.redirect_uri)
        loopback.expect(attempt.state)
        page = await sign_in(attempt.url)
        assert "close this window" in page.text
        tokens = await redeem(http, entrance, attempt, await loopback.answer(60))
    file = CredentialsFile(path)
    file.write(kept.of(entrance, tokens, None))
    return file


async def test_a_person_signs_in_and_stays_so(
    http: Http, entrance: Entrance, installation: Installation, tmp_path: Path
) -> None:
    """Rotated tokens are kept: the next process uses the newest, and no family is revoked."""
    file = await _signed_in(http, entrance, tmp_path / "porta" / "credentials.json")
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    first = file.read()
    assert first.refresh_token is not None
    async with AdminClient(entrance.server, KeptTokens(file)) as admin:
        assert (await admin.me.get()).email == SUPER.email
    for _ in range(3):  # each as a process of its own would, with an access token that is over
        file.write(msgspec.structs.replace(file.read(), expires_at=0))
        async with AdminClient(entrance.server, KeptTokens(file)) as admin:
            assert (await admin.me.get()).email == SUPER.email
    assert file.read().refresh_token != first.refresh_token


async def test_a_token_that_was_revoked_is_renewed_once(
    http: Http, entrance: Entrance, installation: Installation, tmp_path: Path
) -> None:
    file = await _signed_in(http, entrance, tmp_path / "credentials.json")
    digest = installation.id_of(file.read().access_token)
    await installation.execute(
        "DELETE FROM artifacts WHERE id = %(id)s OR payload->>'jti' IS NOT NULL", id=digest
    )
    async with AdminClient(entrance.server, KeptTokens(file)) as admin:
        assert (await admin.me.get()).email == SUPER.email
    await installation.execute("UPDATE token_families SET revoked_at = now()")
    async with AdminClient(entrance.server, KeptTokens(file)) as admin:
        with pytest.raises(Unauthenticated):
            await admin.me.get()
    file.write(msgspec.structs.replace(file.read(), expires_at=0))
    async with AdminClient(entrance.server, KeptTokens(file)) as admin:
        with pytest.raises(NotSignedIn, match="is over"):
            await admin.me.get()


async def test_of_many_who_refresh_at_once_one_does(tmp_path: Path) -> None:
    tokens = '{"access_token":"new","expires_in":3600,"refresh_token":"r2"}'
    async with peer(answer(200, tokens)) as found:
        file = CredentialsFile(tmp_path / "credentials.json")
        file.write(_credentials(token_endpoint=f"{found.url}/token"))
        http = Http()
        asked = [KeptTokens(CredentialsFile(file.path)).token(http) for _ in range(8)]
        assert set(await asyncio.gather(*asked)) == {"new"}
        http.close()
        assert len(found.requests) == 1
        assert file.read().refresh_token == "r2"


def _credentials(**given: object) -> Credentials:
    usual = {
        "server": "http://127.0.0.1:1",
        "issuer": "http://127.0.0.1:1/x",
        "client_id": "c",
        "token_endpoint": "http://127.0.0.1:1/x/token",
        "access_token": "old",
        "expires_at": 0.0,
        "refresh_token": "r1",
    }
    return Credentials(**{**usual, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = CredentialsFile(tmp_path / "credentials.json")
    file.write(_credentials())
    file.path.chmod(mode)
    with pytest.raises(NotSignedIn, match="others"):
        file.read()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"server":"x"}', b"\xff"])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(NotSignedIn, match="not ours"):
        CredentialsFile(path).read()


def test_a_link_to_somewhere_else_is_not_followed(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path / "real.json")
    file.write(_credentials())
    link = tmp_path / "credentials.json"
    link.symlink_to(file.path)
    with pytest.raises(NotSignedIn):
        CredentialsFile(link).read()
    CredentialsFile(link).write(_credentials(access_token="other"))
    assert file.read().access_token == "old"
    assert not link.is_symlink()


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path / "credentials.json")
    file.write(_credentials())
    with pytest.raises(TypeError):
        file.write(_credentials(user=object()))
    assert file.read().access_token == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["credentials.json"]
    file.remove()
    with pytest.raises(NotSignedIn, match="porta login"):
        file.read()


async def test_the_loopback_takes_the_answer_it_waits_for_and_no_other() -> None:
    async with listening() as loopback:
        loopback.expect("right")
        waiting = asyncio.create_task(loopback.answer(60))
        port = loopback.redirect_uri.split(":")[2].split("/")[0]
        async with httpx.AsyncClient(timeout=30) as browser:
            for url, headers in (
                (f"{loopback.redirect_uri}?code=evil&state=wrong", {}),
                (f"{loopback.redirect_uri}?code=evil", {}),
                (f"{loopback.redirect_uri}?code=evil&state=right&state=right", {}),
                (f"http://127.0.0.1:{port}/?code=evil&state=right", {}),
                (f"{loopback.redirect_uri}?code=e&state=right", {"Host": f"evil.example:{port}"}),
            ):
                assert (await browser.get(url, headers=headers)).status_code == 404
            posted = await browser.post(f"{loopback.redirect_uri}?code=evil&state=right")
            assert posted.status_code == 404
            assert not waiting.done()
            good = await browser.get(f"{loopback.redirect_uri}?code=good&state=right")
        assert good.status_code == 200
        assert "default-src 'none'" in good.headers["Content-Security-Policy"]
        assert (await waiting)["code"] == "good"


async def test_nobody_waits_for_ever_for_a_person() -> None:
    async with listening() as loopback:
        with pytest.raises(TimeoutError):
            await loopback.answer(0.05)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("code=c&state=other", "not of this attempt"),
        ("code=c", "not of this attempt"),
        ("code=c&state=STATE&iss=https://evil.example/porta-admin", "another issuer"),
        ("code=c&state=STATE", "another issuer"),
        ("error=access_denied&error_description=no&state=STATE&iss=ISS", "refused: no"),
        ("state=STATE&iss=ISS", "no code"),
        ("code=invented&state=STATE&iss=ISS", "invalid_grant"),
    ],
)
async def test_an_answer_that_is_not_ours_is_not_redeemed(
    http: Http, entrance: Entrance, query: str, told: str
) -> None:
    attempt = begin(entrance, "http://127.0.0.1:9/callback")
    said = query.replace("STATE", attempt.state).replace("ISS", entrance.issuer.issuer)
    with pytest.raises(SignInFailed, match=told):
        await redeem(http, entrance, attempt, parameters_of(f"?{said}"))


async def test_each_attempt_has_secrets_of_its_own(entrance: Entrance) -> None:
    one, other = (begin(entrance, "http://127.0.0.1:9/callback") for _ in range(2))
    assert one.state != other.state
    assert one.verifier != other.verifier
    assert one.verifier not in one.url
    assert "code_challenge_method=S256" in one.url


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, "", "answered 404"),
        (200, "<html>", "not what a server"),
        (200, "{}", "not what a server"),
        (503, '{"error":"Not initialized","code":"unavailable"}', "porta init"),
    ],
)
async def test_what_is_no_server_of_ours_is_told(
    http: Http, status: int, body: str, told: str
) -> None:
    async with peer(answer(status, body)) as found:
        with pytest.raises(SignInFailed, match=told):
            await find_entrance(http, found.url)


async def test_an_issuer_that_calls_itself_otherwise_is_refused(http: Http) -> None:
    document = (
        '{"issuer":"https://evil.example/x","authorization_endpoint":"https://evil.example/a",'
        '"token_endpoint":"https://evil.example/t"}'
    )
    async with peer() as found:
        metadata = f'{{"issuer":"{found.url}/x","clientId":"c"}}'
        found.answers = [answer(200, metadata), answer(200, document)]
        with pytest.raises(SignInFailed, match="calls itself"):
            await find_entrance(http, found.url)
        in_the_clear = document.replace("https://evil.example/x", f"{found.url}/x").replace(
            "https://evil.example/t", "http://evil.example/t"
        )
        found.requests.clear()
        found.answers = [answer(200, metadata), answer(200, in_the_clear)]
        with pytest.raises(Exception, match="https address is needed"):
            await find_entrance(http, found.url)
    with pytest.raises(NoAnswer):
        await find_entrance(http, found.url)
