"""Secrets are compared in constant time (requirement C.5).

Time itself cannot be measured here. What can be is that the one function made for it is called with
the value in question, whether it is right or wrong, known or unknown.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest

from porta.protocol.clients.client_auth import match_secret
from porta.security import opaque
from tests import factories
from tests.factories import NOW, challenge_of, client
from tests.world.answers import hidden_fields
from tests.world.browser import CHALLENGE, Browser, a_browser, code_form, post, refusal
from tests.world.served import SECRETS, Served

Compared = list[tuple[bytes, bytes]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """Return every pair that hmac.compare_digest is called with."""
    pairs: Compared = []
    real = hmac.compare_digest

    def watched(left: str | bytes, right: str | bytes) -> bool:
        pairs.append((_bytes(left), _bytes(right)))
        return real(_bytes(left), _bytes(right))

    monkeypatch.setattr(hmac, "compare_digest", watched)
    return pairs


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _times(pairs: Compared, value: str) -> int:
    return sum(value.encode() in pair for pair in pairs)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).hexdigest().encode()


@pytest.mark.parametrize("presented", ["first", "second", "expired", "wrong"])
def test_every_secret_of_a_client_is_compared(compared: Compared, presented: str) -> None:
    stored = [
        factories.secret("first"),
        factories.secret("expired", expires_at=NOW - 1),
        factories.secret("second"),
    ]
    right = match_secret(client(secrets=tuple(stored)), presented, NOW).alive
    assert right == (presented in ("first", "second"))
    assert compared == [(_digest(presented), secret.sha256.encode()) for secret in stored]


def test_an_unknown_client_costs_what_a_known_one_does(compared: Compared) -> None:
    assert not match_secret(None, "presented", NOW).known
    ((left, right),) = compared
    assert left == _digest("presented")
    assert len(right) == len(left)


@pytest.mark.parametrize("client_id", ["acme-web-basic", "nobody"])
async def test_a_wrong_secret_at_an_endpoint(
    served: Served, compared: Compared, client_id: str
) -> None:
    secret = f"wrong-secret-for-{client_id}"
    answer = await post(served, "/token/introspection", {"token": "t"}, client_id, secret=secret)
    assert refusal(answer) == (401, "invalid_client")
    assert _times(compared, opaque.sha256_hex(secret)) == 1


@pytest.mark.parametrize("verifier", ["v" * 43, "w" * 43])
async def test_a_code_verifier_and_the_secret_beside_it(
    served: Served, browser: Browser, compared: Compared, verifier: str
) -> None:
    form = code_form(await browser.code(), code_verifier=verifier)
    compared.clear()
    answer = await post(served, "/token", form)
    assert (answer.status_code == 200) == (verifier == "v" * 43)
    assert (challenge_of(verifier).encode(), CHALLENGE.encode()) in compared
    assert _times(compared, opaque.sha256_hex(SECRETS["acme-web-basic"])) == 1


@pytest.mark.parametrize("forged", [False, True])
async def test_a_form_and_the_browser_it_comes_from(
    browser: Browser, compared: Compared, forged: bool
) -> None:
    url = await browser.begin()
    csrf = hidden_fields((await browser.http.get(url)).text)["_csrf"]
    sent = csrf[::-1] if forged else csrf
    digest = (browser.presented.digest or "").encode()
    compared.clear()
    answer = await browser.submit(url, _csrf=sent)
    assert answer.status_code == (403 if forged else 303)
    assert (sent.encode(), csrf.encode()) in compared
    assert (digest, digest) in compared


async def test_another_browser(browser: Browser, compared: Compared) -> None:
    url = await browser.begin()
    right = browser.presented.digest or ""
    async with a_browser(browser.served) as other:
        await other.begin()
        compared.clear()
        answer = await other.http.get(url)
        assert answer.status_code == 400
        assert (right.encode(), (other.presented.digest or "").encode()) in compared


@pytest.mark.parametrize("forged", [False, True])
async def test_the_seal_of_a_logout(browser: Browser, compared: Compared, forged: bool) -> None:
    await browser.code()
    page = await browser.http.get(f"{browser.served.issuer()}/session/end")
    form = hidden_fields(page.text) | {"logout": "yes"}
    right = form["xsrf"]
    form["xsrf"] = right[::-1] if forged else right
    compared.clear()
    answer = await browser.http.post(f"{browser.served.issuer()}/session/end/confirm", data=form)
    assert answer.status_code == (403 if forged else 303)
    assert (right.encode(), form["xsrf"].encode()) in compared


def test_a_seal_is_compared_under_every_key(compared: Compared) -> None:
    keys = ("new" * 12, "old" * 12)
    seals = [opaque.sign_value((key,), "logout", "of-this-session") for key in keys]
    assert opaque.verify_value(keys, "logout", "of-this-session", seals[0])
    assert compared == [(seal.encode(), seals[0].encode()) for seal in seals]
