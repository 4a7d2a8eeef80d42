"""What an error page tells a developer (conformance R1, people 7)."""

from __future__ import annotations

import httpx
import pytest

from tests.handlers.flow import parameters
from tests.world.answers import above_the_footer
from tests.world.house import CALLBACK

EVIL = "https://evil.example/<b>?x=1"
CASES = [
    ("/acme/auth", parameters(redirect_uri=EVIL), "redirect_uri is not registered", EVIL),
    ("/acme/auth", parameters(client_id="nobody-here"), "the client is not known", "nobody-here"),
    (
        "/acme/session/end",
        {"client_id": "web", "post_logout_redirect_uri": EVIL},
        "post_logout_redirect_uri is not registered",
        EVIL,
    ),
]


@pytest.mark.parametrize(("path", "asked", "reason", "value"), CASES)
async def test_conformance_R1_the_reason_is_told_and_no_value(
    http: httpx.AsyncClient, path: str, asked: dict[str, str], reason: str, value: str
) -> None:
    page = await http.get(path, params=asked)
    assert page.status_code == 400
    assert reason in page.text
    told = above_the_footer(page)
    assert value not in told
    assert "evil.example" not in told
    assert CALLBACK not in told


@pytest.mark.parametrize(("path", "asked", "reason", "value"), CASES)
async def test_people_7_in_development_the_values_are_told(
    developing: httpx.AsyncClient, path: str, asked: dict[str, str], reason: str, value: str
) -> None:
    page = await developing.get(path, params=asked)
    assert page.status_code == 400
    assert reason in page.text
    assert "<b>" not in page.text, "as text"
    assert value.replace("<", "&lt;").replace(">", "&gt;") in page.text
    assert 'href="https://evil' not in page.text, "and no link"
    if "client_id" in asked and asked["client_id"] == "web":
        registered = CALLBACK if path.endswith("auth") else "https://app.example/bye"
        assert registered in page.text


@pytest.mark.parametrize("query", ["state=1&state=2", "x=%FF", "client_id="])
async def test_conformance_R1_whatever_is_wrong(http: httpx.AsyncClient, query: str) -> None:
    page = await http.get(f"/acme/auth?{query}")
    assert page.status_code == 400
    assert "<dt>Reason</dt>" in page.text


async def test_what_is_no_fault_of_the_client_has_no_reason(http: httpx.AsyncClient) -> None:
    page = await http.get("/interaction/" + "a" * 43)
    assert "<dt>Reason</dt>" not in page.text
