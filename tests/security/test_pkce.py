"""Who may go without a code challenge (RFC 7636, RFC 9700 §2.1.1)."""

from __future__ import annotations

import pytest

from tests.security.browser import (
    Browser,
    add_client,
    code_form,
    configured,
    post,
    refusal,
)
from tests.served import CALLBACK, Served, query_of

WITHOUT = {"code_challenge": None, "code_challenge_method": None}


@pytest.mark.parametrize(("own", "system"), [(False, True), (True, False), (False, False)])
async def test_a_confidential_client_may_where_it_is_said(
    served: Served, browser: Browser, own: bool, system: bool
) -> None:
    client = await add_client(served, require_pkce=own)
    secret = client.client_id * 2
    async with configured(served, require_pkce=system):
        codes = [await browser.code(client_id=client.client_id, **WITHOUT) for _ in range(2)]
    form = code_form(codes[0])
    surplus = await post(served, "/token", form, client.client_id, secret=secret)
    assert refusal(surplus) == (400, "invalid_grant"), "a verifier, and nothing to verify"
    form = code_form(codes[1])
    del form["code_verifier"]
    answer = await post(served, "/token", form, client.client_id, secret=secret)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("system", [True, False])
async def test_a_public_client_never_may(
    served: Served, browser: Browser, own: bool, system: bool
) -> None:
    client = await add_client(
        served, "acme-spa", require_pkce=own, redirect_uris=(CALLBACK,)
    )  # fmt: skip
    async with configured(served, require_pkce=system):
        answer = await browser.authorize(client_id=client.client_id, **WITHOUT)
    assert query_of(answer)["error"] == "invalid_request"


async def test_otherwise_a_confidential_client_may_not(served: Served, browser: Browser) -> None:
    assert query_of(await browser.authorize(**WITHOUT))["error"] == "invalid_request"


async def test_who_sent_a_challenge_of_free_will_is_held_to_it(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, require_pkce=False)
    form = code_form(await browser.code(client_id=client.client_id))
    del form["code_verifier"]
    answer = await post(served, "/token", form, client.client_id, secret=client.client_id * 2)
    assert refusal(answer) == (400, "invalid_grant")
