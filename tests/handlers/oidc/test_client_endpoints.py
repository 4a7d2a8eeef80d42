"""What the endpoints that clients call make of bad input (security requirements B.7, D.1, I.8)."""

from __future__ import annotations

import httpx
import pytest

ENDPOINTS = ["/acme/token", "/acme/token/introspection", "/acme/token/revocation", "/acme/request"]
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "", f"{FORM}x",
     f"{FORM}, {FORM}", "application/x-www-form-urlencoded/x"],
)  # fmt: skip
async def test_only_forms_are_read(
    http: httpx.AsyncClient, endpoint: str, content_type: str
) -> None:
    body = b"--x\r\n\r\n--x--" if "multipart" in content_type else b'{"grant_type":"x"}'
    answer = await http.post(endpoint, content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("content_type", [FORM, f"{FORM};charset=UTF-8", FORM.upper(), f"{FORM} ;"])
async def test_a_form_is_read_however_its_type_is_spelled(
    http: httpx.AsyncClient, endpoint: str, content_type: str
) -> None:
    answer = await http.post(endpoint, content=b"a=b", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/acme/me"])
@pytest.mark.parametrize(
    "body",
    [b"a=1&a=2", b"a=%00", b"a=%ff", b"a=%", b"a=%0a", b"%ff=1", b"&".join([b"a=1"] * 1001),
     b"&".join(b"a%d=1" % n for n in range(101)), b"a=" + b"x" * 9000, b"\xff", b"\x00"],
    ids=range(11),
)  # fmt: skip
async def test_a_malformed_form_is_refused(
    http: httpx.AsyncClient, endpoint: str, body: bytes
) -> None:
    answer = await http.post(endpoint, content=body, headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("/acme/token", True),
        ("/acme/request", True),
        ("/acme/token/introspection", False),
        ("/acme/token/revocation", False),
        ("/acme/me", False),
    ],
)
async def test_a_resource_repeats_where_the_rfc_lets_it(
    http: httpx.AsyncClient, endpoint: str, allowed: bool
) -> None:
    """RFC 8707 §2: in authorization and token requests, and nothing else does."""
    twice = b"resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb"
    headers = {"Content-Type": FORM}
    answer = await http.post(endpoint, content=twice, headers=headers)
    assert answer.json()["error"] == ("invalid_client" if allowed else "invalid_request")
    other = await http.post(
        endpoint, content=twice.replace(b"resource", b"audience"), headers=headers
    )
    assert (other.status_code, other.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_client_that_fails_is_challenged(http: httpx.AsyncClient, endpoint: str) -> None:
    answer = await http.post(endpoint, data={"client_id": "nobody", "client_secret": "x"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="http')
    assert answer.headers["WWW-Authenticate"].endswith('/acme"')
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/acme/me"])
async def test_two_authorization_headers_are_refused(
    http: httpx.AsyncClient, endpoint: str
) -> None:
    headers = [
        ("Authorization", "Basic YTpi"),
        ("Authorization", "Bearer x"),
        ("Content-Type", FORM),
    ]
    answer = await http.post(endpoint, content=b"a=b", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", ["client_secret", "client_assertion"])
async def test_a_credential_in_the_url_is_refused(
    http: httpx.AsyncClient, endpoint: str, name: str
) -> None:
    answer = await http.post(f"{endpoint}?{name}=x", data={"client_id": "nobody"})
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_request", "invalid_client")


@pytest.mark.parametrize(
    "header", ["Basic \xe4", "Basic", "Basic ====", "Bearer", "\xff", "x" * 9000]
)
@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/acme/me"])
async def test_a_malformed_authorization_header_is_no_fault_of_ours(
    http: httpx.AsyncClient, endpoint: str, header: str
) -> None:
    headers = [(b"Authorization", header.encode("latin-1")), (b"Content-Type", FORM.encode())]
    answer = await http.post(endpoint, content=b"a=b", headers=headers)
    assert answer.status_code in (400, 401)
