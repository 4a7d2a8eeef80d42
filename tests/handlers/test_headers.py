"""The policy of pages (security requirement I.1)."""

from __future__ import annotations

import pytest

from handlers import headers


def _form_action(*targets: str | None) -> str:
    policy = dict(
        directive.strip().split(" ", 1) for directive in headers.page_policy(*targets).split(";")
    )
    return policy["form-action"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, "'self'"),
        ("", "'self'"),
        ("https://app.example/callback", "'self' https:"),
        ("http://127.0.0.1:5000/callback", "'self' https: http:"),
        ("com.example.app:/callback", "'self' com.example.app:"),
        ("no scheme; script-src *", "'self'"),
        ("ü:/x", "'self'"),
        ("javascript:alert(1)", "'self'"),
        ("data:text/html,x", "'self'"),
    ],
)
def test_a_form_may_lead_to_us_and_to_the_scheme_of_the_client(
    target: str | None, expected: str
) -> None:
    assert _form_action(target) == expected


def test_a_page_loads_nothing_inline_and_nothing_foreign_but_images() -> None:
    policy = headers.page_policy()
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy


def test_hsts_is_sent_by_an_https_issuer_only() -> None:
    assert "Strict-Transport-Security" in headers.common(secure=True)
    assert "Strict-Transport-Security" not in headers.common(secure=False)
