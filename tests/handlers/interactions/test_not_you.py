"""Whoever is signed in can let somebody else sign in, and nobody else can for them (people 21)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any
from uuid import uuid4

import httpx
import pytest

from porta.runtime import Runtime
from tests import factories
from tests.handlers.flow import answered, begin, csrf, hidden, parameters, redeem, sign_in, submit
from tests.world.house import EMAIL, PASSWORD


async def _bob(runtime: Runtime) -> str:
    acme = await runtime.storage.everywhere.organizations.find_by_slug("acme")
    assert acme is not None
    email = f"bob-{uuid4()}@acme.example"
    password = await runtime.passwords.hash(PASSWORD)
    await runtime.storage.everywhere.users.insert(
        factories.user(
            id=str(uuid4()), organization_id=acme.id, email=email, password_hash=password
        )
    )
    return email


async def _still(http: httpx.AsyncClient) -> bool:
    """Whether the browser is still signed in."""
    quiet = await http.get("/acme/auth", params=parameters(prompt="none"))
    return "code" in answered(quiet.headers["Location"])


PLACES: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    ({"prompt": "login"}, "/switch", {}),
    ({"prompt": "login", "login_hint": EMAIL}, "/switch", {}),
    ({"client_id": "third"}, "/confirm", {"decision": "switch"}),
]


@pytest.mark.parametrize(("asked", "step", "form"), PLACES)
async def test_people_21_somebody_else_signs_in(
    http: httpx.AsyncClient,
    runtime: Runtime,
    asked: dict[str, Any],
    step: str,
    form: dict[str, str],
) -> None:
    await sign_in(http)
    path = await begin(http, **asked)
    page = await http.get(path)
    assert EMAIL in page.text
    assert "Not you?" in page.text
    switched = await http.post(path + step, data={"_csrf": await csrf(http, path), **form})
    assert (switched.status_code, switched.headers["Location"]) == (303, path)
    page = await http.get(path)
    assert 'name="password"' in page.text
    assert EMAIL not in page.text, "asked for anew"
    assert await _still(http), "until somebody signs in, nothing is lost"
    bob = await _bob(runtime)
    posted = await submit(http, path, email=bob)
    assert posted.status_code == 303
    if step == "/confirm":
        resumed = await http.get(posted.headers["Location"])
        consent = await http.get(resumed.headers["Location"])
        assert bob in consent.text, "what Alice was asked, Bob is asked again"
    else:
        assert "code=" in (await http.get(posted.headers["Location"])).headers["Location"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_people_21_no_link_changes_who_is_here(http: httpx.AsyncClient, method: str) -> None:
    await sign_in(http)
    path = await begin(http, prompt="login")
    answer = await http.request(method, f"{path}/switch?_csrf={await csrf(http, path)}")
    assert answer.status_code in (303, 405)
    assert EMAIL in (await http.get(path)).text


@pytest.mark.parametrize("value", ["", "x" * 43])
@pytest.mark.parametrize(("asked", "step", "form"), PLACES)
async def test_people_21_no_form_of_another_site_does(
    http: httpx.AsyncClient, asked: dict[str, Any], step: str, form: dict[str, str], value: str
) -> None:
    await sign_in(http)
    path = await begin(http, **asked)
    await http.post(path + step, data={"_csrf": value, **form})
    assert EMAIL in (await http.get(path)).text


async def test_people_21_who_is_not_signed_in_is_not_asked(http: httpx.AsyncClient) -> None:
    assert "Not you?" not in (await http.get(await begin(http))).text


_ONE = ("id_token_hint", "claims")
"""The parameters that ask for one person (Core §3.1.2.1, §5.5.1)."""
_FORMS = [
    ({"prompt": "login"}, "/switch", {}),
    ({"client_id": "third"}, "/confirm", {"decision": "switch"}),
    (
        {"client_id": "desk", "redirect_uri": "http://127.0.0.1:5/callback"},
        "/continue",
        {"decision": "switch"},
    ),
]


async def _alone(http: httpx.AsyncClient, parameter: str, *others: str) -> dict[str, str]:
    """Sign in, and return what asks for nobody but who has, and `others`."""
    token = (await redeem(http))["id_token"]
    subject = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["sub"]
    asked = {"id_token": {"sub": {"values": [subject, *others]}}}
    return {parameter: token if parameter == "id_token_hint" else json.dumps(asked)}


@pytest.mark.parametrize("parameter", _ONE)
@pytest.mark.parametrize(("asked", "step", "form"), _FORMS)
async def test_people_21_a_request_for_one_person_takes_no_other(
    http: httpx.AsyncClient, parameter: str, asked: dict[str, str], step: str, form: dict[str, str]
) -> None:
    """Neither does a page offer it, nor does a form do it that no page of ours has."""
    path = await begin(http, **asked, **await _alone(http, parameter))
    page = await http.get(path)
    assert page.status_code == 200
    assert EMAIL in page.text or step == "/switch"
    assert "Not you?" not in page.text
    assert 'value="switch"' not in page.text
    posted = await http.post(path + step, data={"_csrf": hidden(page.text, "_csrf"), **form})
    assert (posted.status_code, posted.headers["Location"]) == (303, path)
    assert (await http.get(path)).text == page.text, "asked the same as before"


async def test_people_21_a_request_for_one_of_two_persons_may_be_changed(
    http: httpx.AsyncClient,
) -> None:
    page = await http.get(
        await begin(http, prompt="login", **await _alone(http, "claims", "somebody-else"))
    )
    assert "Not you?" in page.text
