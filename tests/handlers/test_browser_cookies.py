"""What a browser is handed, and what counts of what it presents (K2, security 12; F.1 to F.3)."""

from __future__ import annotations

import re

import httpx
import pytest

from handlers import cookies
from tests.handlers.flow import answered, begin, csrf, parameters, sign_in, submit
from tests.world.house import EMAIL, PASSWORD

SECRET, SESSION = "browser_acme", "session_acme"


def _jar(http: httpx.AsyncClient) -> dict[tuple[str, str], str | None]:
    return {(cookie.name, cookie.path): cookie.value for cookie in http.cookies.jar}


async def _is_signed_in(http: httpx.AsyncClient, **headers: str) -> bool:
    answer = await http.get("/acme/auth", params=parameters(prompt="none"), headers=headers)
    return "code" in answered(answer.headers["Location"])


async def test_K2_requests_without_number_leave_the_cookies_as_they_are(
    http: httpx.AsyncClient,
) -> None:
    await sign_in(http)
    http.cookies.set("other_app", "1", domain="127.0.0.1", path="/")
    before = _jar(http)
    for prompt in ("login", "select_account", "login consent"):
        for _ in range(70):
            await begin(http, prompt=prompt)
    after = _jar(http)
    assert after.keys() == before.keys()
    assert after[(SESSION, "/acme")] == before[(SESSION, "/acme")]
    assert after[(SECRET, "/")] == before[(SECRET, "/")]
    assert await _is_signed_in(http)


async def test_K2_a_browser_that_keeps_nothing_is_handed_one_cookie(
    http: httpx.AsyncClient,
) -> None:
    for _ in range(3):
        answer = await http.get("/acme/auth", params=parameters())
        (line,) = answer.headers.get_list("Set-Cookie")
        assert line.startswith(f"{SECRET}=")
        assert "; Path=/;" in line
        http.cookies.clear()


async def test_K2_the_cookies_of_all_organizations_fit_into_what_browsers_promise(
    http: httpx.AsyncClient,
) -> None:
    """RFC 6265 §6.1: fifty of a domain. Beyond, the session that is just being made may go."""
    await sign_in(http)
    assert len(_jar(http)) * cookies.MOST_ORGANIZATIONS <= 50


def test_K2_the_organizations_of_a_browser_have_an_end() -> None:
    known = [f"org-{number}" for number in range(cookies.MOST_ORGANIZATIONS + 9)]
    header = cookies.parse("; ".join(f"browser_{slug}=x" for slug in known))
    forgotten = cookies.to_forget(header, "acme", secure=False)
    assert forgotten == known[:4], "the oldest, and a few at once"
    assert cookies.to_forget(header, known[0], secure=False) == known[1:5]
    room = cookies.parse(
        "; ".join(f"browser_{slug}=x" for slug in known[: cookies.MOST_ORGANIZATIONS - 1])
    )
    assert cookies.to_forget(room, "acme", secure=False) == []
    assert cookies.to_forget(header, "acme", secure=True) == [], "https has names of its own"
    hostile = cookies.parse(
        "; ".join(f"browser_{name}=x" for name in ("a;b", "A", "a b", "", "a/b", "..") * 9)
    )
    assert cookies.to_forget(hostile, "acme", secure=False) == []


async def test_K2_what_is_forgotten_goes_with_its_session(http: httpx.AsyncClient) -> None:
    for number in range(cookies.MOST_ORGANIZATIONS):
        http.cookies.set(f"browser_o{number}", "x", domain="127.0.0.1", path="/")
    answer = await http.get("/acme/auth", params=parameters())
    own, *gone = answer.headers.get_list("Set-Cookie")
    assert own.startswith(f"{SECRET}=")
    assert [line.partition(" Max-Age=0;")[0] for line in gone] == [
        "browser_o0=; Path=/;", "session_o0=; Path=/o0;", "session_o0=; Path=/interaction;"
    ]  # fmt: skip


@pytest.mark.parametrize("secret", [None, "a" * 43, "a" * 86, "another browser's"])
async def test_security_12_a_session_without_its_secret_counts_for_nothing(
    http: httpx.AsyncClient, secret: str | None
) -> None:
    await sign_in(http)
    session = http.cookies.get(SESSION, path="/acme")
    http.cookies.clear()
    if secret == "another browser's":
        await begin(http)
        secret = http.cookies.get(SECRET)
        http.cookies.clear()
    if secret is not None:
        http.cookies.set(SECRET, secret, domain="127.0.0.1", path="/")
    http.cookies.set(SESSION, session or "", domain="127.0.0.1", path="/acme")
    assert not await _is_signed_in(http)
    page = await http.get("/acme/session/end")
    assert "xsrf" not in page.text, "there is nobody to sign out"


@pytest.mark.parametrize("made_up", ["A" * 43, "A" * 86, "x"])
async def test_security_12_a_secret_that_we_did_not_make_is_never_adopted(
    http: httpx.AsyncClient, made_up: str
) -> None:
    http.cookies.set(SECRET, made_up, domain="127.0.0.1", path="/")
    await begin(http)
    assert http.cookies.get(SECRET, domain="127.0.0.1") != made_up


async def test_security_12_a_secret_is_of_one_organization(http: httpx.AsyncClient) -> None:
    await begin(http)
    own = http.cookies.get(SECRET)
    answer = await http.get(
        "/globex/auth", params=parameters(), headers={"Cookie": f"browser_globex={own}"}
    )
    assert own is not None
    assert own not in str(answer.headers)


async def test_security_12_a_secret_outlives_a_change_of_the_first_key(
    http: httpx.AsyncClient,
) -> None:
    path = await begin(http)
    before = http.cookies.get(SECRET) or ""
    await begin(http)
    assert (http.cookies.get(SECRET) or "")[:43] == before[:43], "stable"
    assert (await submit(http, path)).status_code == 303


@pytest.mark.parametrize("twice", [SESSION, SECRET])
@pytest.mark.parametrize("first", [True, False])
async def test_security_12_what_comes_twice_is_refused_and_taken_away(
    http: httpx.AsyncClient, twice: str, first: bool
) -> None:
    """A page of a sibling host planted a session, or a secret, of somebody else's."""
    await sign_in(http)
    own = {SECRET: http.cookies.get(SECRET), SESSION: http.cookies.get(SESSION, path="/acme")}
    http.cookies.clear()
    await sign_in(http)
    theirs = {SECRET: http.cookies.get(SECRET), SESSION: http.cookies.get(SESSION, path="/acme")}
    http.cookies.clear()
    pairs = [f"{name}={value}" for name, value in own.items()]
    planted = f"{twice}={theirs[twice]}"
    header = "; ".join([planted, *pairs] if first else [*pairs, planted])
    assert not await _is_signed_in(http, Cookie=header)
    answer = await http.get(
        "/acme/auth", params=parameters(prompt="none"), headers={"Cookie": header}
    )
    gone = answer.headers.get_list("Set-Cookie")
    for path in ("/", "/acme", "/acme/auth"):
        line = f"{twice}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax"
        assert line in gone, gone
    assert sum(map(len, gone)) < 3000
    same = "; ".join([*pairs, pairs[0]])
    assert await _is_signed_in(http, Cookie=same), "the same twice is nothing to refuse"


def test_security_12_what_a_sibling_planted_is_taken_away_where_it_stands() -> None:
    lines = list(cookies.take_away("session_a", "/a/auth", "id.bank.test", secure=False))
    for domain in ("", "id.bank.test", "bank.test"):
        for path in ("/", "/a", "/a/auth"):
            wanted = re.compile(
                rf"session_a=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax"
                + (rf"; Domain={re.escape(domain)}" if domain else "")
            )
            assert any(wanted.fullmatch(line) for line in lines), (domain, path)
    assert not any("Domain=test" in line for line in lines)
    host = list(cookies.take_away("__Host-browser_a", "/a/auth", "id.bank.test", secure=True))
    assert not any("Domain" in line for line in host)
    for address in ("127.0.0.1", "::1", "localhost"):
        assert not any("Domain" in x for x in cookies.take_away("s", "/", address, secure=False))
    hostile = "/a;Domain=evil/" + "x" * 5000
    assert sum(map(len, cookies.take_away("s", hostile, "id.bank.test", secure=False))) < 1000


async def test_tabs_go_on_when_one_of_them_has_signed_in(http: httpx.AsyncClient) -> None:
    """The secret stays the same at a sign-in, the session is new: decision 0013."""
    tabs = [await begin(http) for _ in range(4)]
    forms = [await csrf(http, path) for path in tabs]
    seen = set()
    for path, value in zip(tabs, forms, strict=True):
        form = {"email": EMAIL, "password": PASSWORD, "_csrf": value}
        posted = await http.post(f"{path}/login", data=form)
        assert posted.status_code == 303
        seen.add(http.cookies.get(SESSION, path="/acme"))
        answer = await http.get(posted.headers["Location"])
        assert "code" in answered(answer.headers["Location"])
    assert len(seen) == len(tabs)


def test_security_2_the_cookies_of_known_browsers_are_bounded_too() -> None:
    known = [f"org-{n}" for n in range(20)]
    header = cookies.parse(
        "; ".join(
            f"known_{slug}=x; browser_{slug}=y" for slug in known[: cookies.MOST_ORGANIZATIONS + 1]
        )
    )
    forgotten = cookies.to_forget(header, "acme", secure=False, named=cookies.known_name)
    assert forgotten == known[:2]
    assert cookies.to_forget(header, known[0], secure=False, named=cookies.known_name) == known[1:2]
    assert cookies.to_forget({}, "acme", secure=True, named=cookies.known_name) == []
    assert cookies.known_name("acme", secure=True) == "__Host-known_acme"
