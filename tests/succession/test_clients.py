"""What clients of 1.x send that has to be taken as before (succession A13, A14)."""

from __future__ import annotations

import pytest

from porta.protocol.clients.redirect_uris import check_redirect_uri
from porta.protocol.errors import UntrustedRequest
from storage.models.clients import Client
from tests import factories


def _client(registered: str, kind: str) -> Client:
    return factories.client(
        id="c", organization_id="o", application_id="a", client_id="c", client_name="C",
        client_type="public", application_type=kind, redirect_uris=(registered,),
    )  # fmt: skip


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("port", ["", ":51234", ":80"])
def test_succession_A13_a_native_loopback_address_may_differ_in_port(host: str, port: str) -> None:
    for registered in ("", ":3000"):
        native = _client(f"http://{host}{registered}/callback", "native")
        check_redirect_uri(native, f"http://{host}{port}/callback")
        for kind, other in (("web", "/callback"), ("spa", "/callback"), ("native", "/other")):
            with pytest.raises(UntrustedRequest):
                check_redirect_uri(
                    _client(f"http://{host}:1/callback", kind), f"http://{host}{port}{other}"
                )


def test_succession_A13_no_loopback_address_stands_for_another() -> None:
    native = _client("http://localhost/callback", "native")
    for other in ("http://127.0.0.1/callback", "http://localhost.evil.test/callback",
                  "https://localhost/callback", "http://localhost:0/callback",
                  "http://localhost:99999/callback"):  # fmt: skip
        with pytest.raises(UntrustedRequest):
            check_redirect_uri(native, other)


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("https://h.example:443/cb", "https://h.example/cb"),
        ("https://h.example/cb", "https://h.example:443/cb"),
        ("http://localhost:80/cb", "http://localhost/cb"),
    ],
)
def test_succession_A14_ports_are_compared_as_written(registered: str, sent: str) -> None:
    client = _client(registered, "web")
    check_redirect_uri(client, registered)
    with pytest.raises(UntrustedRequest):
        check_redirect_uri(client, sent)
