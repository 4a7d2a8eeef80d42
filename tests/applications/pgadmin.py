"""pgAdmin 4 in server mode, as its documentation of OAuth 2 authentication says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    EMAIL,
    STRANGER,
    Application,
    Command,
    Place,
    Registration,
    at_logout,
    at_porta,
)

URL = "http://localhost:5050"
_CONFIG = """
SERVER_MODE = True
DEFAULT_SERVER, DEFAULT_SERVER_PORT = "localhost", 5050
DATA_DIR = {data!r}
UPGRADE_CHECK_ENABLED = False
MASTER_PASSWORD_REQUIRED = False
AUTHENTICATION_SOURCES = ["oauth2"]
OAUTH2_AUTO_CREATE_USER = True
OAUTH2_CONFIG = [{{
    "OAUTH2_NAME": "porta",
    "OAUTH2_DISPLAY_NAME": "Porta",
    "OAUTH2_CLIENT_ID": {client_id!r},
    "OAUTH2_CLIENT_SECRET": {client_secret!r},
    "OAUTH2_SERVER_METADATA_URL": {issuer!r} + "/.well-known/openid-configuration",
    "OAUTH2_TOKEN_URL": {issuer!r} + "/token",
    "OAUTH2_AUTHORIZATION_URL": {issuer!r} + "/auth",
    "OAUTH2_API_BASE_URL": {issuer!r} + "/",
    "OAUTH2_USERINFO_ENDPOINT": "me",
    "OAUTH2_SCOPE": "openid email profile",
    "OAUTH2_USERNAME_CLAIM": "email",
    "OAUTH2_ADDITIONAL_CLAIMS": {{"roles": ["staff"]}},
    "OAUTH2_LOGOUT_URL": {issuer!r}
        + "/session/end?post_logout_redirect_uri={{redirect_uri}}&id_token_hint={{id_token}}",
}}]
"""


def _configure(place: Place, client: Registration) -> Command:
    config = _CONFIG.format(
        issuer=client.issuer,
        client_id=client.client_id,
        client_secret=client.client_secret,
        data=str(place.folder / "data"),
    )
    (package,) = place.programs.glob("lib/python3*/site-packages/pgadmin4")
    (package / "config_local.py").write_text(config, encoding="utf-8")
    setup = {"PGADMIN_SETUP_EMAIL": "root@example.com", "PGADMIN_SETUP_PASSWORD": "a long password"}
    return Command([place.program("python"), str(package / "pgAdmin4.py")], setup)


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/login")
    page.get_by_role("button", name="Porta").click()
    at_porta(page)
    page.wait_for_url(f"{URL}/browser/**")
    page.get_by_text(EMAIL).first.wait_for()
    # A request under way writes the session back that signing out has ended.
    page.wait_for_load_state("networkidle")


def _sign_out(page: Page) -> None:
    page.goto(f"{URL}/oauth2/logout")
    if "/session/end" in page.url:
        at_logout(page)
    page.wait_for_url(f"{URL}/login**")


def _refuse(page: Page) -> None:
    page.goto(f"{URL}/login")
    page.get_by_role("button", name="Porta").click()
    at_porta(page, STRANGER)
    page.get_by_text("not authorized to login based on your identity profile").wait_for()


APPLICATION = Application(
    "pgAdmin 4",
    "pgadmin",
    f"{URL}/login",
    ["pgadmin4==9.*"],
    _configure,
    _sign_in,
    _sign_out,
    refuse=_refuse,
)
