"""Superset with Flask-AppBuilder's OAuth, as its documentation of custom providers says."""

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

URL = "http://localhost:8088"
_CONFIG = """
from flask_appbuilder.security.manager import AUTH_OAUTH
from superset.security import SupersetSecurityManager

SECRET_KEY = "not a secret at all, but long enough for it"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + {database!r}
TALISMAN_ENABLED = False
AUTH_TYPE = AUTH_OAUTH
AUTH_USER_REGISTRATION = True
AUTH_ROLES_SYNC_AT_LOGIN = True
AUTH_ROLES_MAPPING = {{"admin": ["Admin"]}}
LOGOUT_REDIRECT_URL = (
    {issuer!r} + "/session/end?client_id=" + {client_id!r}
    + "&post_logout_redirect_uri=http://localhost:8088/"
)
OAUTH_PROVIDERS = [{{
    "name": "porta",
    "icon": "fa-key",
    "token_key": "access_token",
    "remote_app": {{
        "client_id": {client_id!r},
        "client_secret": {client_secret!r},
        "server_metadata_url": {issuer!r} + "/.well-known/openid-configuration",
        "client_kwargs": {{"scope": "openid email profile", "code_challenge_method": "S256"}},
    }},
}}]


class PortaSecurityManager(SupersetSecurityManager):
    def oauth_user_info(self, provider, response=None):
        me = self.oauth_remotes[provider].userinfo(token=response)
        return {{
            "username": me["preferred_username"], "email": me["email"],
            "first_name": me.get("given_name", ""), "last_name": me.get("family_name", ""),
            "role_keys": me.get("roles", []),
        }}


CUSTOM_SECURITY_MANAGER = PortaSecurityManager
"""


def _configure(place: Place, client: Registration) -> Command:
    config = _CONFIG.format(
        issuer=client.issuer,
        client_id=client.client_id,
        client_secret=client.client_secret,
        database=str(place.folder / "superset.db"),
    )
    path = place.write("superset_config.py", config)
    superset = f"'{place.program('superset')}'"
    start = f"{superset} db upgrade && {superset} init && exec {superset} run --port 8088"
    return Command(
        ["/bin/sh", "-c", start], {"SUPERSET_CONFIG_PATH": str(path), "FLASK_APP": "superset"}
    )


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/login/porta")
    at_porta(page)
    page.wait_for_url(f"{URL}/superset/welcome/")
    me = page.request.get(f"{URL}/api/v1/me/roles/").json()["result"]
    assert (me["username"], me["email"], "Admin" in me["roles"]) == ("ann", EMAIL, True), me


def _sign_out(page: Page) -> None:
    page.goto(f"{URL}/logout/")
    at_logout(page)
    page.wait_for_url(f"{URL}/login/**")


def _refuse(page: Page) -> None:
    """Somebody without the role gets an account as everybody has."""
    page.goto(f"{URL}/login/porta")
    at_porta(page, STRANGER)
    page.wait_for_url(f"{URL}/superset/welcome/")
    assert "Admin" not in page.request.get(f"{URL}/api/v1/me/roles/").text()


APPLICATION = Application(
    "Superset",
    "superset",
    f"{URL}/health",
    ["apache-superset==6.*", "authlib==1.*", "rich", "flask-caching==2.3.*"],
    _configure,
    _sign_in,
    _sign_out,
    refuse=_refuse,
)
