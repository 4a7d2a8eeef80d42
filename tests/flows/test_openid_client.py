"""openid-client (Node.js) as a relying party that knows nothing of Porta."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.world.answers import query_in
from tests.world.machine import skip_without
from tests.world.person import Person
from tests.world.processes import Installation

NODE = Path(__file__).parent / "node"
pytestmark = [
    skip_without(shutil.which("node"), "Node.js is not installed"),
    skip_without((NODE / "node_modules").exists(), "run `npm ci` in tests/flows/node"),
]


@pytest.mark.parametrize(
    ("client_id", "callback", "goodbye"),
    [
        ("acme-web-basic", "http://127.0.0.1:9009/callback", "http://127.0.0.1:9009/"),
        ("acme-web-post", "http://127.0.0.1:9009/callback", "http://127.0.0.1:9009/"),
        ("acme-spa", "http://127.0.0.1:9010/callback", "http://127.0.0.1:9010/"),
        ("acme-native", "http://127.0.0.1:51004/callback", "http://127.0.0.1/"),
    ],
)
def test_an_unmodified_relying_party(
    installation: Installation, alice: Person, client_id: str, callback: str, goodbye: str
) -> None:
    client = installation.client("acme", client_id)
    said = _converse(
        {
            "issuer": installation.issuer("acme"),
            "client_id": client_id,
            "client_secret": client.get("client_secret"),
            "method": client["token_endpoint_auth_method"],
            "redirect_uri": callback,
            "post_logout_redirect_uri": goodbye,
        },
        alice,
        (callback, goodbye),
    )
    assert said["id_token"]["iss"] == installation.issuer("acme")
    assert said["userinfo"]["email"] == alice.email
    assert said["refreshed"] == {"rotated": True, "sub": said["id_token"]["sub"]}
    if "introspection" in said:
        assert said["introspection"]["before"]["active"] is True
        assert said["introspection"]["after"] == {"active": False}
    assert said["pushed"]["sub"] == said["id_token"]["sub"]
    assert said["pushed"]["sid"] == said["id_token"]["sid"], "the second sign-in was silent"
    assert query_in(said["logout"]) == {"state": "goodbye"}


def _converse(party: dict[str, Any], person: Person, ends: tuple[str, str]) -> dict[str, Any]:
    """Run the relying party; open in the person's browser what it asks for."""
    process = subprocess.Popen(
        ["node", "relying_party.mjs", json.dumps(party)],
        cwd=NODE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said: dict[str, Any] = {}
    for line in process.stdout:
        message = json.loads(line)
        if "open" in message:
            end = ends[1] if "/session/end" in message["open"] else ends[0]
            process.stdin.write(person.visit(message["open"], end) + "\n")
            process.stdin.flush()
        else:
            said |= message
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return said
