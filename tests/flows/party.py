"""A relying party in few lines, for tests that count, race and break things."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from tests.factories import challenge_of
from tests.flows.chromium import Window
from tests.world.answers import query_in
from tests.world.person import Person
from tests.world.processes import Installation

VERIFIER = "v" * 43
"""For tests in which no two sign-ins need telling apart."""


@dataclass(frozen=True, slots=True)
class Party:
    """A client of an organization, authenticating with Basic."""

    installation: Installation
    slug: str
    client_id: str
    redirect_uri: str = "http://127.0.0.1:9009/callback"

    @property
    def issuer(self) -> str:
        return self.installation.issuer(self.slug)

    @property
    def auth(self) -> tuple[str, str]:
        return self.client_id, self.installation.client(self.slug, self.client_id)["client_secret"]

    def authorization_url(self, verifier: str, **more: str) -> str:
        parameters = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **more,
        }
        return str(httpx.URL(f"{self.issuer}/auth", params=parameters))

    def code(self, person: Person, **more: str) -> tuple[str, str]:
        """Return a code the person obtained, and its verifier."""
        verifier = secrets.token_urlsafe(48)
        callback = person.visit(self.authorization_url(verifier, **more), self.redirect_uri)
        answer = query_in(callback)
        assert "code" in answer, answer
        return answer["code"], verifier

    def code_form(self, code: str, verifier: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        return httpx.post(f"{self.issuer}{path}", data=form, auth=self.auth)

    def tokens(self, person: Person) -> dict[str, Any]:
        """Return the token response of a complete sign-in."""
        response = self.post("/token", self.code_form(*self.code(person)))
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    def is_active(self, token: str) -> bool:
        response = self.post("/token/introspection", {"token": token})
        assert response.status_code == 200, response.text
        return bool(response.json()["active"])

    def refresh_form(self, refresh_token: str) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": refresh_token}


async def is_signed_in(window: Window, party: Party) -> bool:
    """Ask without showing a page; the window is at the client afterwards."""
    await window.open(party.authorization_url(VERIFIER, prompt="none"))
    assert window.answer.get("error") in (None, "login_required")
    return "code" in window.answer
