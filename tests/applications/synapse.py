"""Synapse, the Matrix server, as its documentation of OpenID Connect providers says."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from tests.applications.application import (
    STRANGER,
    Application,
    Command,
    Place,
    Registration,
    at_porta,
)

URL = "http://localhost:8008"
_CLIENT = f"{URL}/_matrix/static/"
_START = f"{URL}/_matrix/client/v3/login/sso/redirect/oidc-porta?redirectUrl={_CLIENT}"
_CONFIG = """
server_name: shop.example.com
public_baseurl: http://localhost:8008/
pid_file: homeserver.pid
report_stats: false
listeners:
  - {{port: 8008, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: homeserver.db}}}}
registration_shared_secret: not a secret
macaroon_secret_key: not a secret
form_secret: not a secret
signing_key_path: signing.key
trusted_key_servers: []
enable_registration: false
sso: {{client_whitelist: ["{client}"]}}
oidc_providers:
  - idp_id: porta
    idp_name: Porta
    issuer: {issuer}
    client_id: {client_id}
    client_secret: {client_secret}
    scopes: [openid, profile, email]
    user_profile_method: userinfo_endpoint
    attribute_requirements: [{{attribute: roles, value: staff}}]
    user_mapping_provider:
      config:
        localpart_template: "{{{{ user.preferred_username }}}}"
        display_name_template: "{{{{ user.name }}}}"
"""


def _configure(place: Place, client: Registration) -> Command:
    config = _CONFIG.format(
        issuer=client.issuer,
        client_id=client.client_id,
        client_secret=client.client_secret,
        client=_CLIENT,
    )
    path = place.write("homeserver.yaml", config)
    run = [place.program("python"), "-m", "synapse.app.homeserver", "--config-path", str(path)]
    start = f"{_words([*run, '--generate-keys'])} && exec {_words(run)}"
    return Command(["/bin/sh", "-c", start])


def _words(words: list[str]) -> str:
    return " ".join(f"'{word}'" for word in words)


def _sign_in(page: Page) -> None:
    page.goto(_START)
    at_porta(page)
    page.wait_for_url(f"{_CLIENT}?loginToken=*")
    (token,) = parse_qs(urlsplit(page.url).query)["loginToken"]
    signed_in = _post(page, "login", {"type": "m.login.token", "token": token})
    assert signed_in["user_id"] == "@ann:shop.example.com", signed_in
    page.evaluate("token => { window.access_token = token }", signed_in["access_token"])


def _sign_out(page: Page) -> None:
    token = page.evaluate("window.access_token")
    assert _post(page, "logout", {}, token) == {}
    assert _post(page, "logout", {}, token)["errcode"] == "M_UNKNOWN_TOKEN"


def _refuse(page: Page) -> None:
    page.goto(_START)
    at_porta(page, STRANGER)
    page.get_by_text("not allowed to log in here").wait_for()


def _post(page: Page, path: str, body: object, token: str | None = None) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{URL}/_matrix/client/v3/{path}"
    answer = page.request.post(url, data=json.dumps(body), headers=headers).json()
    assert isinstance(answer, dict)
    return answer


APPLICATION = Application(
    "Synapse",
    "synapse",
    f"{URL}/_matrix/client/versions",
    ["matrix-synapse[oidc]==1.*"],
    _configure,
    _sign_in,
    _sign_out,
    refuse=_refuse,
)
