"""A real nginx with TLS in front, set up as docs/operations.md says (conformance: TLS in front)."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from storage.postgres.driver import Postgres
from tests.world.answers import location
from tests.world.certificates import write_certificate
from tests.world.ports import free_port
from tests.world.served import CALLBACK, Served, serve
from tests.world.waiting import eventually

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
DOCUMENT = Path(__file__).parents[3] / "docs" / "operations.md"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def documented(language: str) -> str:
    """Return the block of this language in the document."""
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[tuple[int, int, ssl.SSLContext]]:
    """An nginx with the documented lines: its port, the port it passes to, what trusts it."""
    certificate, _ = write_certificate(tmp_path, "localhost")
    trusted = ssl.create_default_context(cadata=certificate.read_text())
    port, behind = free_port(), free_port()
    block = (
        documented("nginx")
        .replace("listen 443", f"listen 127.0.0.1:{port}")
        .replace("id.example.com;", "localhost;", 1)
        .replace("/etc/ssl/id.example.com", str(tmp_path / "localhost"))
        .replace("http://127.0.0.1:3000", f"http://127.0.0.1:{behind}")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body;"
        f" proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/fastcgi;"
        f" uwsgi_temp_path {tmp_path}/uwsgi; scgi_temp_path {tmp_path}/scgi;\n{block}}}\n"
    )
    assert NGINX is not None
    process = subprocess.Popen(
        [NGINX, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-e",
         str(tmp_path / "error.log"), "-g", "master_process off;"],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    with closing(process.stderr):
        yield port, behind, trusted
        process.terminate()
        process.wait(30)


async def test_a_sign_in_through_the_documented_nginx(
    fresh_database_url: str, redis_url: str, front: tuple[int, int, ssl.SSLContext]
) -> None:
    port, behind, trusted = front
    issuer = f"https://localhost:{port}"
    settings = {
        "port": behind,
        "issuer_base_url": issuer,
        "trusted_proxies": (ip_network("127.0.0.1/32"),),
    }
    async with (
        serve(fresh_database_url, redis_url, **settings) as served,
        httpx.AsyncClient(timeout=20, verify=trusted) as http,
    ):

        async def stands() -> bool:
            try:
                return (await http.get(f"{issuer}/live")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(stands, 30)
        outside = Served(served.runtime, http, issuer)
        found = (await http.get(f"{outside.issuer()}/.well-known/openid-configuration")).json()
        assert found["issuer"] == f"{issuer}/acme"
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http",
                  "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}  # fmt: skip
        http.headers.update(forged)
        answer = await outside.authorize()
        assert location(answer).startswith(f"{issuer}/interaction/")
        assert all("Secure" in line for line in answer.headers.get_list("Set-Cookie"))
        tokens = await outside.redeem(await outside.sign_in())
        assert tokens["access_token"]
        assert CALLBACK
    pg = await Postgres.open(fresh_database_url, 1)
    rows = await pg.fetch(
        "SELECT host(ip_address) FROM audit_log WHERE event_type = 'user.login.password'"
    )
    await pg.close()
    assert [tuple(row) for row in rows] == [("127.0.0.1",)], "the client, not what it claims"


@pytest.mark.parametrize("language", ["nginx", "caddyfile", "haproxy", "yaml"])
def test_what_is_documented_asks_for_nothing_but_the_address(language: str) -> None:
    block = documented(language)
    assert "X-Forwarded-Proto" not in block
    assert "X-Forwarded-Host" not in block
    assert ("/ready" in block) is (language != "nginx")
