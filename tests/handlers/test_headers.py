"""The policy of pages (security requirement I.1)."""

from __future__ import annotations

import pytest
from tornado.httputil import HTTPHeaders

from handlers import headers
from porta.pages.values import PAGES


def test_K1_only_pages_that_cannot_lead_to_a_client_say_where_a_form_may_go() -> None:
    assert "form-action" not in headers.page_policy(leaves=True)
    assert headers.page_policy(leaves=False).endswith("; form-action 'self'")
    leaving = {name for name, page in PAGES.items() if page.leaves}
    assert leaving >= {"login", "consent", "logout", "form_post"}
    assert leaving.isdisjoint({"root", "logout_success"})


@pytest.mark.parametrize("issuer", ["https://id.example.com", "http://localhost:3000"])
def test_K12_no_answer_hides_the_origin_and_none_tells_the_path(issuer: str) -> None:
    assert headers.common(issuer)["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("leaves", [True, False])
def test_a_page_loads_nothing_inline_and_nothing_foreign_but_images(leaves: bool) -> None:
    policy = headers.page_policy(leaves=leaves)
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy


@pytest.mark.parametrize(
    ("issuer", "subdomains", "expected"),
    [
        ("https://id.example.com", False, "max-age=31536000"),
        ("https://example.test/id", False, "max-age=31536000"),
        ("https://id.example.com:8443", False, "max-age=31536000"),
        ("https://id.example.com", True, "max-age=31536000; includeSubDomains"),
        ("http://id.example.com", True, None),
        ("http://localhost:3000", False, None),
        ("https://localhost:3000", True, None),
        ("https://app.localhost", False, None),
        ("https://127.0.0.1:8443", False, None),
        ("https://[::1]", False, None),
        ("https://localhost.example.com", False, "max-age=31536000"),
    ],
)
def test_K15_hsts_binds_the_host_of_the_issuer_and_nothing_below(
    issuer: str, subdomains: bool, expected: str | None
) -> None:
    sent = headers.common(issuer, subdomains=subdomains)
    assert sent.get("Strict-Transport-Security") == expected


def test_headers_of_an_answer_are_those_that_tornado_would_have_made() -> None:
    common = headers.common("https://id.example.com")
    made, tornado = headers.AnswerHeaders(common), HTTPHeaders(common)
    for each in (made, tornado):
        each["content-type"] = "text/html"
        each.add("Set-Cookie", "a=1")
        each.add("set-cookie", "b=2")
        each["Date"] = "today"
        del each["X-Frame-Options"]
    assert list(made.get_all()) == list(tornado.get_all())
    assert (made["Set-Cookie"], made.get_list("SET-COOKIE")) == ("a=1,b=2", ["a=1", "b=2"])
    assert made == tornado


def test_headers_of_one_answer_are_not_those_of_the_next() -> None:
    common = headers.common("https://id.example.com")
    headers.AnswerHeaders(common).add("Content-Type", "text/html")
    assert headers.AnswerHeaders(common).get_list("Content-Type") == ["application/json"]
