"""oauth2-proxy before a page of its own, as its documentation of the oidc provider says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    EMAIL,
    STRANGER,
    Application,
    Command,
    Place,
    Registration,
    at_porta,
)

URL = "http://localhost:4180"


def _configure(place: Place, client: Registration) -> Command:
    options = {
        "provider": "oidc",
        "oidc-issuer-url": client.issuer,
        "client-id": client.client_id,
        "client-secret": client.client_secret,
        "redirect-url": f"{URL}/oauth2/callback",
        "code-challenge-method": "S256",
        "email-domain": "*",
        "allowed-group": "staff",
        "cookie-secret": "not a secret, of 32 bytes though",
        "cookie-secure": "false",
        "upstream": "static://202",
        "http-address": "localhost:4180",
        "backend-logout-url": client.issuer + "/session/end?id_token_hint={id_token}",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    return Command([place.program("oauth2-proxy"), *words])


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/oauth2/start")
    at_porta(page)
    page.get_by_text("Authenticated").wait_for()
    me = page.request.get(f"{URL}/oauth2/userinfo").json()
    assert (me["email"], me["preferredUsername"], me["groups"]) == (EMAIL, "ann", ["staff"]), me


def _sign_out(page: Page) -> None:
    """Ends where Porta asks who is there: the proxy told it by itself."""
    page.goto(f"{URL}/oauth2/sign_out")
    page.goto(f"{URL}/oauth2/start")
    page.wait_for_selector("#password")


def _refuse(page: Page) -> None:
    page.goto(f"{URL}/oauth2/start")
    at_porta(page, STRANGER)
    page.get_by_text("Forbidden").wait_for()


APPLICATION = Application(
    "oauth2-proxy",
    "oauth2-proxy",
    f"{URL}/ping",
    [],
    _configure,
    _sign_in,
    _sign_out,
    refuse=_refuse,
    go_packages=["github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"],
)
