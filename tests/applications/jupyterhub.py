"""JupyterHub with oauthenticator's generic-oauth, as the documentation of both says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    STRANGER,
    Application,
    Command,
    Place,
    Registration,
    at_logout,
    at_porta,
)

URL = "http://localhost:8000"
_CONFIG = """
c.JupyterHub.authenticator_class = "generic-oauth"
c.JupyterHub.bind_url = "http://localhost:8000"
c.JupyterHub.hub_port = 8081
c.JupyterHub.redirect_to_server = False
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.spawner_class = "simple"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8082"
c.GenericOAuthenticator.client_id = {client_id!r}
c.GenericOAuthenticator.client_secret = {client_secret!r}
c.GenericOAuthenticator.oauth_callback_url = "http://localhost:8000/hub/oauth_callback"
c.GenericOAuthenticator.authorize_url = {issuer!r} + "/auth"
c.GenericOAuthenticator.token_url = {issuer!r} + "/token"
c.GenericOAuthenticator.userdata_url = {issuer!r} + "/me"
c.GenericOAuthenticator.scope = ["openid", "email", "profile"]
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.manage_groups = True
c.GenericOAuthenticator.auth_state_groups_key = "oauth_user.roles"
c.GenericOAuthenticator.allowed_groups = {{"staff"}}
c.GenericOAuthenticator.admin_groups = {{"teacher"}}
c.GenericOAuthenticator.logout_redirect_url = ({issuer!r} + "/session/end?client_id=" +
    {client_id!r} + "&post_logout_redirect_uri=http://localhost:8000/hub/login")
"""


def _configure(place: Place, client: Registration) -> Command:
    config = _CONFIG.format(
        issuer=client.issuer,
        client_id=client.client_id,
        client_secret=client.client_secret,
        proxy=str(place.programs / "node_modules" / ".bin" / "configurable-http-proxy"),
    )
    path = place.write("jupyterhub_config.py", config)
    return Command([place.program("jupyterhub"), "--config", str(path)])


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/hub/home")
    page.get_by_role("button", name="Sign in with").click()
    at_porta(page)
    page.wait_for_url(f"{URL}/hub/home")
    page.get_by_text("ann", exact=True).first.wait_for()
    page.get_by_role("link", name="Admin").wait_for()


def _sign_out(page: Page) -> None:
    page.click("#logout")
    at_logout(page)
    page.wait_for_url(f"{URL}/hub/login**")


def _refuse(page: Page) -> None:
    page.goto(f"{URL}/hub/home")
    page.get_by_role("button", name="Sign in with").click()
    at_porta(page, STRANGER)
    page.get_by_text("not currently authorized to use this hub").wait_for()


APPLICATION = Application(
    "JupyterHub",
    "jupyterhub",
    f"{URL}/hub/login",
    ["jupyterhub==5.*", "oauthenticator==17.*"],
    _configure,
    _sign_in,
    _sign_out,
    node_packages=["configurable-http-proxy@5"],
    refuse=_refuse,
)
