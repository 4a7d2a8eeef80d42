"""The order of the route table: what is asked for most meets few patterns that are not its own."""

from __future__ import annotations

import pytest

from handlers.oidc.authorization import AuthorizationHandler, AuthorizationResumeHandler
from handlers.oidc.introspection import IntrospectionHandler
from handlers.oidc.token import TokenHandler
from handlers.oidc.userinfo import UserinfoHandler
from handlers.routes import ROUTES
from porta.protocol import endpoints

MOST_PATTERNS = 4
"""Tried one after the other: each costs a request about half a microsecond, and what is written
above a route is paid by all that it serves.
"""


@pytest.mark.parametrize(
    ("endpoint", "handler"),
    [
        (endpoints.TOKEN, TokenHandler),
        (endpoints.AUTHORIZATION, AuthorizationHandler),
        (endpoints.USERINFO, UserinfoHandler),
        (endpoints.INTROSPECTION, IntrospectionHandler),
    ],
)
def test_issue5_what_is_asked_for_most_stands_first(endpoint: str, handler: type) -> None:
    tried = [route.regex.match(f"/acme{endpoint}") is not None for route in ROUTES]
    first = tried.index(True)
    assert ROUTES[first].handler_class is handler
    assert first < MOST_PATTERNS


def test_a_request_is_resumed_behind_the_pages_that_are_below_the_same_path() -> None:
    found = {
        path: next(route for route in ROUTES if route.regex.match(path)).handler_class.__name__
        for path in ("/acme/auth/forgot-password", "/acme/auth/reset-password/x", "/acme/auth/x")
    }
    assert found["/acme/auth/x"] == AuthorizationResumeHandler.__name__
    assert sorted(found.values())[1:] == ["ForgotPasswordHandler", "ResetPasswordHandler"]
