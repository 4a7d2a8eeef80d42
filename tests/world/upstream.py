"""Another identity provider, made up: it answers as one of PROVIDERS does, or as it should not."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine, parse_body_arguments

from porta.audit.actors import SYSTEM
from porta.security import jwt, keys
from porta.services.connections import NewConnection, create
from storage.models.connections import Connection
from storage.models.domains import Domain
from storage.models.pages import Page
from tests.factories import new_id
from tests.world.answers import query_in
from tests.world.browser import organization_id
from tests.world.served import Served


@dataclass(slots=True)
class Provider:
    """A server whose answers a test may change: by path, and what its ID tokens say."""

    base: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    """By path: JSON, or (status, bytes)."""
    tokens: dict[str, Any] = field(default_factory=dict)
    """What the token endpoint answers otherwise than it would; None leaves a member out."""
    seen: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    """Path, form and `Authorization` of each request."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: keys.Key = field(default_factory=lambda: new_key("one"))
    published: list[keys.Key] | None = None

    def grant(self, url: str) -> dict[str, str]:
        """Return the response to an authorization request: a code, and its `state`."""
        asked = query_in(url)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, path: str, form: dict[str, str]) -> Any:
        if path in self.answers:
            return self.answers[path]
        match path:
            case "/.well-known/openid-configuration":
                return self.metadata()
            case "/jwks":
                shown = [self.key] if self.published is None else self.published
                return {"keys": [dict(each.jwk) for each in shown]}
            case "/token" | "/login/oauth/access_token":
                return self._token(form)
        return (404, b"{}")

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
        }

    def _token(self, form: dict[str, str]) -> Any:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return (400, b'{"error": "invalid_grant"}')
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": asked["client_id"],
            "sub": "s-1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce"),
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        token = jwt.sign(self.key, said, "JWT")
        told = {"access_token": "upstream-token", "token_type": "Bearer", "id_token": token}
        return {name: value for name, value in (told | self.tokens).items() if value is not None}


def new_key(kid: str) -> keys.Key:
    """Return a key of P-256 that has this `kid`."""
    private = generate_private_key(SECP256R1())
    numbers = private.public_key().public_numbers()
    point = {name: _b64(getattr(numbers, name)) for name in ("x", "y")}
    jwk = {"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", **point}
    return keys.Key(kid, "ES256", private.public_key(), private, jwk)


def _b64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def header(**said: Any) -> bytes:
    """Return the header of a token as it is signed, whatever it says."""
    return urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=") + b"."


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Open one on the loopback, in plain text."""
    told = Provider()

    def serve(request: HTTPServerRequest) -> None:
        fields: dict[str, list[bytes]] = {}
        parse_body_arguments(
            request.headers.get("Content-Type", ""), request.body, fields, {}, request.headers
        )
        form = {name: values[-1].decode() for name, values in fields.items()}
        told.seen.append((request.path, form, request.headers.get("Authorization", "")))
        answer = told.answer(request.path, form)
        status, body = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
        assert request.connection is not None
        request.connection.write_headers(
            ResponseStartLine("HTTP/1.1", status, ""),
            HTTPHeaders({"Content-Length": str(len(body))}),
            body,
        )
        request.connection.finish()

    server = HTTPServer(serve)
    server.listen(0, "127.0.0.1")
    (port,) = {socket.getsockname()[1] for socket in server._sockets.values()}
    told.base = f"http://127.0.0.1:{port}"
    try:
        yield told
    finally:
        server.stop()
        await server.close_all_connections()


async def connect(
    served: Served, to: Provider | str, slug: str = "acme", **more: Any
) -> Connection:
    """Make a connection of an organization to a provider, as an administrator does."""
    issuer = to if isinstance(to, str) else to.base
    body = {
        "name": f"Provider {secrets.token_hex(4)}",
        "provider": "openid",
        "issuer": issuer,
        "client_id": "porta",
        "client_secret": "a secret of ours",
        **more,
    }
    keys_at_hand = served.runtime.settings.signing_key_encryption_keys
    storage = served.runtime.storage.everywhere
    async with storage.transaction() as tx:
        home = await organization_id(served, slug)
        made = await create(tx, SYSTEM, home, NewConnection.parse(body), keys_at_hand)
    forget(served, home)
    return made


async def prove(
    served: Served, connection: Connection, domain: str, mode: str = "offer", **more: Any
) -> Domain:
    """Have an organization prove a domain, whose people are led to a connection."""
    new = Domain(
        id=new_id(), organization_id=connection.organization_id, domain=domain, challenge="x",
        connection_id=connection.id, mode=mode, **more,
    )  # fmt: skip
    storage = served.runtime.storage.everywhere
    await storage.domains.insert(new)
    found = await storage.domains.found(new.id, new.organization_id)
    assert found is not None
    forget(served, connection.organization_id)
    return found


async def disconnect(served: Served, slug: str = "acme") -> None:
    """Delete every connection of an organization."""
    home, storage = await organization_id(served, slug), served.runtime.storage.everywhere
    for proven in (await storage.domains.list_page(home, Page(limit=100, sort="domain"))).rows:
        await storage.domains.delete(proven.id, home)
    for each in (await storage.connections.list_page(home, Page(limit=100, sort="name"))).rows:
        await storage.connections.delete(each.id, home)
    forget(served, home)


def forget(served: Served, organization_id: str) -> None:
    """Have a change known at once, which is heard of a moment later."""
    served.runtime._changed("connections", organization_id)
