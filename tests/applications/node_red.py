"""Node-RED with passport-openidconnect, as the documentation of its adminAuth strategy says."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from tests.applications.application import Application, Command, Place, Registration, at_porta

URL = "http://localhost:1880"
_SETTINGS = """
module.exports = {
  telemetry: {enabled: false}, editorTheme: {tours: false},
  uiPort: 1880, uiHost: "localhost", userDir: __dirname, logging: {console: {level: "info"}},
  adminAuth: {
    type: "strategy",
    strategy: {
      name: "openidconnect", label: "Sign in with Porta", icon: "fa-lock",
      strategy: require(STRATEGY).Strategy,
      options: {
        issuer: ISSUER, authorizationURL: ISSUER + "/auth", tokenURL: ISSUER + "/token",
        userInfoURL: ISSUER + "/me", clientID: CLIENT_ID, clientSecret: CLIENT_SECRET,
        callbackURL: "http://localhost:1880/auth/strategy/callback/",
        scope: ["profile", "email"], proxy: true, skipUserProfile: false,
        verify: (issuer, profile, done) => done(null, profile),
      },
    },
    users: (username) => Promise.resolve({username: username, permissions: "*"}),
  },
};
"""


def _configure(place: Place, client: Registration) -> Command:
    modules = place.programs / "node_modules"
    settings = _SETTINGS
    for name, value in {
        "STRATEGY": str(modules / "passport-openidconnect"),
        "ISSUER": client.issuer,
        "CLIENT_ID": client.client_id,
        "CLIENT_SECRET": client.client_secret,
    }.items():
        settings = settings.replace(name, json.dumps(value))
    path = place.write("settings.js", settings)
    return Command([str(modules / ".bin" / "node-red"), "--settings", str(path)])


def _sign_in(page: Page) -> None:
    page.goto(URL)
    page.get_by_text("Sign in with Porta").click()
    at_porta(page)
    page.wait_for_url(f"{URL}/**")
    page.locator("#red-ui-header-button-user").click()
    page.get_by_text("ann", exact=True).first.wait_for()


def _sign_out(page: Page) -> None:
    page.get_by_text("Logout", exact=True).click()
    page.get_by_text("Sign in with Porta").wait_for()


APPLICATION = Application(
    "Node-RED",
    "node-red",
    URL,
    [],
    _configure,
    _sign_in,
    _sign_out,
    node_packages=["node-red@4", "passport-openidconnect@0.1"],
)
