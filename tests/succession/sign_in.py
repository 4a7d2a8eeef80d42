"""A person of the adopted organization `dock`, who signs in at its client."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from tests.factories import challenge_of
from tests.succession import porta_1x
from tests.world.answers import hidden_fields, location, query_of
from tests.world.ports import free_port
from tests.world.served import CALLBACK, VERIFIER, Served, settings_for, unseeded

CLIENT = "dock-web"
AUTH = (CLIENT, porta_1x.SECRET)


def serving(url: str, **more: Any) -> AbstractAsyncContextManager[Served]:
    """Run a server on an adopted database, with the key of the installation."""
    port = free_port()
    own: dict[str, Any] = {
        "signing_key_encryption_key": porta_1x.KEY,
        "port": port,
        "issuer_base_url": f"http://127.0.0.1:{port}",
    }
    return unseeded(settings_for(url, None, **{**own, **more}))


async def tokens(served: Served, name: str = "cleo", **more: str) -> dict[str, Any]:
    """Return what a sign-in by password ends with."""
    async with httpx.AsyncClient(timeout=60) as http:
        parameters = {
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile offline_access",
            "prompt": "consent",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }
        answer = await http.get(f"{served.issuer('dock')}/auth", params=parameters)
        page = await http.get(location(answer))
        person = {"email": f"{name}@dock.example", "password": porta_1x.PASSWORD}
        answer = await http.post(f"{page.url}/login", data=hidden_fields(page.text) | person)
        while not location(answer).startswith(CALLBACK):
            answer = await http.get(location(answer))
            if not answer.is_redirect:
                fields = hidden_fields(answer.text) | {"decision": "approve"}
                answer = await http.post(f"{answer.url}/consent", data=fields)
    answer = await token(
        served, grant_type="authorization_code", redirect_uri=CALLBACK, code_verifier=VERIFIER,
        code=query_of(answer)["code"],
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def token(
    served: Served, auth: tuple[str, str] = AUTH, slug: str = "dock", **form: str
) -> httpx.Response:
    """Post to the token endpoint."""
    return await served.http.post(f"{served.issuer(slug)}/token", data=form, auth=auth)
