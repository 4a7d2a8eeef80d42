"""A rotation while two processes serve: no token fails to verify at any moment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.flows.party import Party
from tests.world.processes import ROOT, Installation


class Verifier:
    """An API that caches the JWKS for as long as it may, and never asks earlier than that."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: KeySet | None = None
        self._until = 0.0

    def verify(self, token: str) -> dict[str, Any]:
        asked = time.monotonic()
        if asked >= self._until or self._keys is None:
            answer = httpx.get(self._url).raise_for_status()
            self._keys = KeySet.import_key_set(answer.json())
            age = re.search(r"max-age=(\d+)", answer.headers["cache-control"])
            assert age is not None
            self._until = asked + int(age[1])  # RFC 9111 §4.2.3: the way here is a part of its age
        return dict(jwt.decode(token, self._keys, algorithms=["ES256"]).header)


def test_no_token_fails_to_verify_while_keys_rotate(installation: Installation) -> None:
    party = Party(installation, "acme", "acme-web-post")
    secret = installation.client("acme", "acme-machine")["client_secret"]
    verifier = Verifier(f"{party.issuer}/jwks")
    form = {"grant_type": "client_credentials"}
    kids: dict[int, set[str]] = {0: set(), 1: set()}
    with httpx.Client(auth=("acme-machine", secret)) as http:

        def verify_for(seconds: float, keys: int) -> None:
            """Use tokens for so long, and until each process has signed with as many keys."""
            began = time.monotonic()
            while time.monotonic() < began + seconds or min(map(len, kids.values())) < keys:
                assert time.monotonic() < began + 60, kids
                for instance in (0, 1):
                    url = installation.at(instance, f"{party.issuer}/token")
                    token = http.post(url, data=form).raise_for_status().json()["access_token"]
                    kids[instance].add(verifier.verify(token)["kid"])
                time.sleep(0.02)

        verify_for(1, keys=1)
        before = set(kids[0])
        assert len(before) == 1
        rotate(installation)
        verify_for(9, keys=2)  # globex.yaml sets signing_key_lead to 4 seconds
    assert kids[0] == kids[1]
    assert len(kids[0] - before) == 1, "both processes sign with the new key, unrestarted"


def test_security_7_a_stolen_key_is_revoked_while_two_processes_serve(
    installation: Installation,
) -> None:
    issuer = installation.issuer("acme")
    secret = installation.client("acme", "acme-machine")["client_secret"]
    with httpx.Client(auth=("acme-machine", secret)) as http:

        def ask(instance: int, path: str, **form: str) -> dict[str, Any]:
            url = installation.at(instance, f"{issuer}{path}")
            return dict(http.post(url, data=form).raise_for_status().json())

        def token(instance: int) -> str:
            issued = ask(instance, "/token", grant_type="client_credentials")["access_token"]
            return str(issued)

        stolen = token(0)
        wait_until_none_waits(installation)
        rotate(installation)
        keys(installation, "revoke", kid_of(stolen), "--yes")
        began = time.monotonic()
        while any(kid_of(token(instance)) == kid_of(stolen) for instance in (0, 1)):
            assert time.monotonic() < began + 10, "every answer on the way was a token"
        for instance in (0, 1):
            assert ask(instance, "/token/introspection", token=stolen) == {"active": False}
            fresh = ask(instance, "/token/introspection", token=token(1 - instance))
            assert fresh["active"]


def kid_of(token: str) -> str:
    header = token.partition(".")[0]
    kid: str = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    return kid


def wait_until_none_waits(installation: Installation) -> None:
    """Another test may have rotated: its new key signs in seconds, and is rotated only then."""
    deadline = time.monotonic() + 60
    while "published" in keys(installation, "list", "--json"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def rotate(installation: Installation) -> None:
    """Run `porta keys rotate` against the installation's database."""
    keys(installation, "rotate", "--algorithm", "ES256", "--yes")


def keys(installation: Installation, *arguments: str) -> str:
    """Run `porta keys` against the installation's database; return what it prints."""
    environment = installation.environment()
    command = [sys.executable, "-m", "porta", "keys", *arguments]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout
