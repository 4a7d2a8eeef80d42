"""Actual Budget, as its documentation of OpenID providers says."""

from __future__ import annotations

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

URL = "http://localhost:5006"


def _configure(place: Place, client: Registration) -> Command:
    environment = {
        "ACTUAL_DATA_DIR": str(place.folder),
        "ACTUAL_HOSTNAME": "localhost",
        "ACTUAL_LOGIN_METHOD": "openid",
        "ACTUAL_OPENID_DISCOVERY_URL": client.issuer,
        "ACTUAL_OPENID_CLIENT_ID": client.client_id,
        "ACTUAL_OPENID_CLIENT_SECRET": client.client_secret,
        "ACTUAL_OPENID_SERVER_HOSTNAME": URL,
    }
    program = place.programs / "node_modules" / ".bin" / "actual-server"
    return Command([str(program)], environment)


def _begin(page: Page) -> None:
    asked = {"loginMethod": "openid", "returnUrl": URL}
    answer = page.request.post(f"{URL}/account/login", data=asked).json()
    page.goto(answer["data"]["returnUrl"])


def _sign_in(page: Page) -> None:
    _begin(page)
    at_porta(page)
    page.wait_for_url(f"{URL}/openid-cb?token=*")
    (token,) = parse_qs(urlsplit(page.url).query)["token"]
    said = page.request.get(f"{URL}/account/validate", headers={"X-ACTUAL-TOKEN": token}).json()
    told = said["data"]
    assert (told["userName"], told["displayName"]) == ("ann", "Ann Archer"), said
    assert told["permission"] == "ADMIN", said


def _sign_out(page: Page) -> None:
    """Its own session only: the next sign-in asks for nothing."""
    _begin(page)
    page.wait_for_url(f"{URL}/openid-cb?token=*")


def _refuse(page: Page) -> None:
    """Nobody invited the second person."""
    _begin(page)
    at_porta(page, STRANGER)
    page.get_by_text("openid-grant-failed").wait_for()


APPLICATION = Application(
    "Actual Budget",
    "actual-budget",
    URL,
    [],
    _configure,
    _sign_in,
    _sign_out,
    node_packages=["@actual-app/sync-server@25"],
    refuse=_refuse,
)
