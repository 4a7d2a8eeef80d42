"""A rotation while two processes serve: no token fails to verify at any moment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.flows.installation import ROOT, Installation
from tests.flows.party import Party


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


def rotate(installation: Installation) -> None:
    """Run `porta keys rotate` against the installation's database."""
    environment = installation.environment()
    subprocess.run(
        [sys.executable, "-m", "porta", "keys", "rotate", "--algorithm", "ES256", "--yes"],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )
