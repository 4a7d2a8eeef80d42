"""Who may go without a code challenge, and who was held to one (RFC 7636, RFC 9700 §2.1.1)."""

from __future__ import annotations

import pytest

from storage.models.clients import Client
from storage.postgres.driver import Postgres
from tests.world.answers import query_of
from tests.world.browser import (
    Browser,
    add_client,
    code_form,
    configured,
    organization_id,
    post,
    refusal,
)
from tests.world.served import CALLBACK, SECRETS, Served
from tests.world.waiting import eventually

WITHOUT = {"code_challenge": None, "code_challenge_method": None}


async def _redeem(
    served: Served, client: Client, code: str, **changes: str | None
) -> tuple[int, str]:
    form = {n: v for n, v in (code_form(code) | changes).items() if v is not None}
    secret = SECRETS.get(client.client_id) or client.client_id * 2
    answer = await post(served, "/token", form, client.client_id, secret=secret)
    return answer.status_code, answer.json().get("error", "")


async def test_applications_F7_a_confidential_client_of_a_file_may(
    served: Served, browser: Browser
) -> None:
    acme = await organization_id(served)
    client = await served.runtime.storage.everywhere.clients.find("acme-web-basic", acme)
    assert client is not None
    code = await browser.code(**WITHOUT)
    assert await _redeem(served, client, code) == (400, "invalid_grant"), "nothing to verify"
    code = await browser.code(**WITHOUT)
    assert (await _redeem(served, client, code, code_verifier=None))[0] == 200


@pytest.mark.parametrize("kept", [{"code_challenge": None}, {"code_challenge_method": "plain"}])
async def test_applications_F7_half_of_it_is_refused_all_the_same(
    browser: Browser, kept: dict[str, str | None]
) -> None:
    assert query_of(await browser.authorize(**kept))["error"] == "invalid_request"


@pytest.mark.parametrize(("own", "system"), [(False, True), (True, False), (False, False)])
async def test_a_confidential_client_may_where_it_is_said(
    served: Served, browser: Browser, own: bool, system: bool
) -> None:
    client = await add_client(served, require_pkce=own)
    async with configured(served, require_pkce=system):
        codes = [await browser.code(client_id=client.client_id, **WITHOUT) for _ in range(2)]
    assert await _redeem(served, client, codes[0]) == (400, "invalid_grant")
    assert (await _redeem(served, client, codes[1], code_verifier=None))[0] == 200


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


async def test_a_client_that_is_registered_for_it_needs_it(
    served: Served, browser: Browser
) -> None:
    """As every client of Porta 1.x is whose row says so."""
    client = await add_client(served, require_pkce=True)
    answer = await browser.authorize(client_id=client.client_id, **WITHOUT)
    assert query_of(answer)["error"] == "invalid_request"
    pushed = await post(
        served, "/request",
        {"redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"},
        client.client_id, secret=client.client_id * 2,
    )  # fmt: skip
    assert refusal(pushed) == (400, "invalid_request")


@pytest.mark.parametrize("system", [True, False])
async def test_applications_F7_an_organization_may_require_it_of_every_client(
    served: Served, browser: Browser, pg: Postgres, system: bool
) -> None:
    client = await add_client(served, require_pkce=False)

    async def refused(wanted: bool) -> None:
        await pg.execute(
            "UPDATE organizations SET require_pkce = %(wanted)s WHERE slug = 'acme'",
            {"wanted": wanted},
        )

        async def heard() -> bool:
            answer = await browser.authorize(client_id=client.client_id, prompt="none", **WITHOUT)
            return (query_of(answer).get("error") == "invalid_request") is wanted

        await eventually(heard)

    async with configured(served, require_pkce=system):
        try:
            await refused(True)
            code = await browser.code(client_id=client.client_id)
            assert (await _redeem(served, client, code))[0] == 200
        finally:
            await refused(False)


async def test_who_sent_a_challenge_of_free_will_is_held_to_it(
    served: Served, browser: Browser
) -> None:
    client = await add_client(served, require_pkce=False)
    for changes in ({"code_verifier": None}, {"code_verifier": "w" * 43}, {"code_verifier": ""}):
        code = await browser.code(client_id=client.client_id)
        assert (await _redeem(served, client, code, **changes))[0] == 400


async def test_applications_F7_a_challenge_binds_the_code_whatever_is_required_by_then(
    served: Served, browser: Browser, pg: Postgres
) -> None:
    """A.5: whoever redeems. A registration that changes in between takes nothing back."""
    client = await add_client(served, require_pkce=True)
    code = await browser.code(client_id=client.client_id)
    await pg.execute("UPDATE clients SET require_pkce = false WHERE id = %(id)s", {"id": client.id})

    async def heard() -> bool:
        known = await served.runtime.client(client.client_id, client.organization_id)
        return known is not None and not known.require_pkce

    await eventually(heard)
    assert await _redeem(served, client, code, code_verifier=None) == (400, "invalid_grant")
