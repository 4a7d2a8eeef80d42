"""The forms that a request target may have (RFC 9112 §3.2; security requirement E.4)."""

from __future__ import annotations

import re

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine

from handlers.http.framing import RawRequest
from handlers.http.server import Server
from tests.handlers.http.wire import exchange, request, statuses

CODE = re.compile(rb"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b")


async def _ask(server: Server, target: str, *fields: str, method: str = "GET") -> bytes:
    return await exchange(server.port, request(method, target, *fields, "Connection: close"))


@pytest.mark.parametrize(
    "authority",
    ["http://localhost", "HTTP://LOCALHOST", "hTTps://localhost:443", "http://evil.example:1",
     "http://[::1]:80", "http://127.0.0.1:", "https://%61", "http://ac_me~!$&'()*+,;=-."],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/acme/jwks", "/acme/auth?client_id=nobody", "/acme//jwks", "/%61cme/jwks", "//live"]
)
async def test_the_absolute_form_is_answered_as_the_origin_form(
    server: Server, authority: str, path: str
) -> None:
    absolute, origin = await _ask(server, authority + path), await _ask(server, path)
    assert statuses(absolute) == statuses(origin)
    assert _body(absolute) == _body(origin)


@pytest.mark.parametrize("target", ["http://a", "https://a", "http://a/", "http://a?x=1"])
async def test_an_empty_path_is_the_root(server: Server, target: str) -> None:
    told, root = [_body(await _ask(server, each)) for each in (target, "/")]
    assert told.partition(b"<footer")[0] == root.partition(b"<footer")[0]


async def test_nothing_is_taken_from_the_authority(server: Server) -> None:
    target = "https://evil.example:8443/acme/.well-known/openid-configuration"
    answer = await _ask(server, target)
    assert statuses(answer) == [200]
    assert b"evil.example" not in answer
    assert b"8443" not in answer


async def test_query_and_body_of_the_absolute_form_are_read(server: Server) -> None:
    form, body = "Content-Type: application/x-www-form-urlencoded", b"token=x"
    fields = (form, f"Content-Length: {len(body)}", "Connection: close")
    for target in ("/acme/token?client_secret=x", "http://a/acme/token?client_secret=x"):
        answer = await exchange(server.port, request("POST", target, *fields, body=body))
        assert statuses(answer) == [400]
        assert b"invalid_request" in answer


async def test_what_is_logged_is_the_origin_form(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    await _ask(server, "http://evil.example/acme/nothing?x=1")
    logged = capsys.readouterr().out
    assert "url=/acme/nothing" in logged
    assert "evil" not in logged


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("/a/b?c=d?e", "/a/b?c=d?e"),
        ("HTTP://evil.example/a/b?c=http://d/e", "/a/b?c=http://d/e"),
        ("https://evil.example?c=d", "/?c=d"),
        ("https://evil.example", "/"),
        ("*", "*"),
    ],
)
def test_a_request_says_the_origin_form(target: str, uri: str) -> None:
    start_line = RequestStartLine("GET", target, "HTTP/1.1")
    said = RawRequest(HTTPConnection(), start_line, HTTPHeaders({"Host": "localhost"}))
    path, _, query = uri.partition("?")
    assert (said.uri, said.path, said.query) == (uri, path, query)


@pytest.mark.parametrize(
    "target",
    ["http://", "http:///x", "http://:80/x", "http://?x", "http:/live", "http:live", "https:",
     "http://user@a/live", "http://user:word@a/live", "http://@a/live", "http://a:80@b/live",
     "http://a:x/live", "http://a:-1/live", "http://[::1/live", "http://::1]/live", "http://[]/live",
     "http://a\\b/live", "http://a#live", "http://a<b/live", "http://a%/live", "http://%zz/live",
     "ftp://a/live", "ws://a/live", "file:///live", "javascript://a/live", "xhttp://a/live",
     "httpss://a/live", "://a/live", "?x=1", "live", "acme/jwks", "#live", "a:443",
     "\\live", "%2flive"],
)  # fmt: skip
async def test_what_is_no_target_is_refused(
    server: Server, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    behind = request("GET", "/live", "Connection: close")
    assert statuses(await exchange(server.port, request("GET", target) + behind)) == [400]
    assert "word" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("OPTIONS", "*", 404),
        ("GET", "*", 404),
        ("CONNECT", "localhost:443", 400),
        ("CONNECT", "/acme/jwks", 405),
        ("OPTIONS", "http://a", 405),
        ("POST", "http://a/acme/jwks", 405),
        ("GET", "http://a/live/http://a/live", 404),
    ],
)
async def test_other_forms_have_no_route(
    server: Server, method: str, target: str, status: int
) -> None:
    assert statuses(await _ask(server, target, method=method)) == [status]


def _body(answer: bytes) -> bytes:
    """The body, without the code for support where a page tells it."""
    return CODE.sub(b"", answer.partition(b"\r\n\r\n")[2])
