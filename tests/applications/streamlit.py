"""Streamlit's st.login, as its documentation of user authentication says."""

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

URL = "http://localhost:8501"
_APP = """
import streamlit as st

if st.user.is_logged_in:
    st.write(f"Hello {st.user.name}, {st.user.email}")
    st.button("Log out", on_click=st.logout)
else:
    st.write("Hello nobody")
    st.button("Log in", on_click=st.login)
"""
_SECRETS = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "not a secret at all, but long enough"
client_id = "{client_id}"
client_secret = "{client_secret}"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""


def _configure(place: Place, client: Registration) -> Command:
    secrets = _SECRETS.format(
        issuer=client.issuer, client_id=client.client_id, client_secret=client.client_secret
    )
    place.write(".streamlit/secrets.toml", secrets)
    app = place.write("app.py", _APP)
    options = ["--server.port=8501", "--server.address=localhost", "--server.headless=true"]
    quiet = ["--browser.gatherUsageStats=false"]
    return Command([place.program("streamlit"), "run", str(app), *options, *quiet])


def _sign_in(page: Page) -> None:
    page.goto(URL)
    page.get_by_role("button", name="Log in").click()
    at_porta(page)
    page.get_by_text(f"Hello Ann Archer, {EMAIL}").wait_for()


def _sign_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("Hello nobody").wait_for()


APPLICATION = Application(
    "Streamlit",
    "streamlit",
    URL,
    ["streamlit==1.*", "authlib==1.*", "httpx==0.*"],
    _configure,
    _sign_in,
    _sign_out,
)
