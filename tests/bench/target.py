"""What is measured: any OpenID Provider, described by a JSON file.

The file has the shape that `porta dev` writes to `dev.json`: `base_url`, `pids` (those of the
server processes), and under `organizations` an issuer with people and clients. Two more keys are
optional: `organization` names the one to load, `endpoints` overrides what discovery says.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Party:
    """A client of the provider, as registered there."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Target:
    """One issuer with what its load needs."""

    issuer: str
    pids: tuple[int, ...]
    endpoints: dict[str, str]
    """Paths by their name in the discovery document, `jwks_uri` among them."""
    email: str
    password: str
    web: Party
    machine: Party


def load(path: Path) -> Target:
    """Read a target file and the discovery document it leads to."""
    document = json.loads(path.read_text(encoding="utf-8"))
    organization = _organization(document)
    clients = organization["clients"]
    web = next(c for c in clients if c["token_endpoint_auth_method"] == "client_secret_basic"
               and c["redirect_uris"])  # fmt: skip
    machine = next((c for c in clients if c.get("client_secret") and not c["redirect_uris"]), web)
    person = organization["people"][0]
    pids = tuple(pid for name, pid in document["pids"].items() if name.startswith("server"))
    return Target(
        organization["issuer"],
        pids,
        _discover(organization["issuer"]) | document.get("endpoints", {}),
        person["email"],
        person["password"],
        _party(web),
        _party(machine),
    )


def _organization(document: dict[str, Any]) -> dict[str, Any]:
    organizations: dict[str, Any] = document["organizations"]
    name = document.get("organization")
    if name is None:  # an ordinary one: with people, and with a client that has a secret
        name = next(
            slug
            for slug, organization in organizations.items()
            if organization["people"]
            and any(client.get("client_secret") for client in organization["clients"])
        )
    chosen: dict[str, Any] = organizations[name]
    return chosen


def _discover(issuer: str) -> dict[str, str]:
    url = f"{issuer}/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=10) as response:
        document = json.load(response)
    paths = {
        name: urlsplit(value).path
        for name, value in document.items()
        if isinstance(value, str) and (name.endswith("_endpoint") or name == "jwks_uri")
    }
    return paths | {"discovery": urlsplit(url).path}


def _party(client: dict[str, Any]) -> Party:
    uris = client["redirect_uris"]
    return Party(client["client_id"], client.get("client_secret", ""), uris[0] if uris else "")
