"""Which answer an exception becomes."""

from __future__ import annotations

import pytest
from tornado.web import HTTPError

from handlers.errors import Failure, failure_of, is_expected
from porta.errors import Forbidden, TooManyRequests, Unavailable
from porta.protocol.errors import InvalidClient, InvalidRequest
from storage.errors import AlreadyExists, StorageError, Unreachable


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidRequest("no"), Failure(400, "invalid_request", "no")),
        (InvalidClient("no"), Failure(401, "invalid_client", "no")),
        (Forbidden(), Failure(403, "forbidden")),
        (TooManyRequests("slow", retry_after=7), Failure(429, "rate_limit_exceeded", "slow", 7)),
        (TooManyRequests(), Failure(429, "rate_limit_exceeded", "", 1)),
        (Unavailable(retry_after=3), Failure(503, "temporarily_unavailable", "", 3)),
        (Unavailable("x"), Failure(503, "temporarily_unavailable", "x", 1)),
        (
            Unreachable("db"),
            Failure(503, "temporarily_unavailable", "please try again", 1),
        ),
        (HTTPError(404), Failure(404, "not_found")),
        (HTTPError(405), Failure(405, "method_not_allowed")),
        (HTTPError(400, "tell nobody"), Failure(400, "invalid_request")),
        (AlreadyExists("users_email"), Failure(500, "server_error")),
        (RuntimeError("SELECT secret"), Failure(500, "server_error")),
    ],
)
def test_an_exception_is_told_by_its_code(error: Exception, expected: Failure) -> None:
    assert failure_of(error) == expected


def test_a_description_holds_only_what_rfc_6749_allows() -> None:
    failure = failure_of(InvalidRequest('say "\\ü\r\n'))
    assert failure.message == "say ?????"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidRequest(), True),
        (HTTPError(404), True),
        (StorageError(), False),
        (KeyError(), False),
    ],
)
def test_only_what_is_meant_for_the_client_passes_unnoticed(
    error: Exception, *, expected: bool
) -> None:
    assert is_expected(error) is expected
