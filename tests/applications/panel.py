"""Panel (HoloViz) with its generic provider, as its documentation of authentication says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    EMAIL,
    Application,
    Command,
    Place,
    Registration,
    at_porta,
)

URL = "http://localhost:5006"
_APP = """
import panel as pn

pn.pane.Markdown(f"Hello {pn.state.user}").servable()
"""


def _configure(place: Place, client: Registration) -> Command:
    app = place.write("app.py", _APP)
    options = {
        "oauth-provider": "generic",
        "oauth-key": client.client_id,
        "oauth-secret": client.client_secret,
        "oauth-redirect-uri": URL,
        "oauth-encryption-key": "bm90IGEgc2VjcmV0IGF0IGFsbCwgMzIgYnl0ZXMgbG8=",
        "cookie-secret": "not a secret",
        "port": "5006",
        "address": "localhost",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    environment = {
        "PANEL_OAUTH_AUTHORIZE_URL": f"{client.issuer}/auth",
        "PANEL_OAUTH_TOKEN_URL": f"{client.issuer}/token",
        "PANEL_OAUTH_USER_URL": f"{client.issuer}/me",
    }
    return Command([place.program("panel"), "serve", str(app), *words], environment)


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/app")
    at_porta(page)
    page.get_by_text(f"Hello {EMAIL}").wait_for()


def _sign_out(page: Page) -> None:
    page.goto(f"{URL}/logout")
    page.wait_for_load_state()
    assert not [c for c in page.context.cookies(URL) if c.get("name") == "id_token"]


APPLICATION = Application(
    "Panel", "panel", f"{URL}/app", ["panel==1.*", "cryptography"], _configure, _sign_in, _sign_out
)
