"""How much a route takes: its own limit, and that of the house where it names none."""

from __future__ import annotations

from handlers.admin_api.handler import AdminHandler
from handlers.admin_api.route import Route
from handlers.admin_api.unknown_paths import AdminErrorHandler
from handlers.http.framing import MAX_BODY
from porta.administration.call import Answer, Call


async def _run(call: Call) -> Answer:
    del call
    return Answer()


def test_a_route_may_take_more_than_others_by_one_method() -> None:
    routes = {
        "PUT": Route("PUT", "/large", "L", _run, longest_body=300_000),
        "POST": Route("POST", "/large", "S", _run),
    }
    taken = {
        method: AdminHandler.longest_body(method, {"routes": routes})
        for method in ("PUT", "POST", "DELETE")
    }
    assert taken == {"PUT": 300_000, "POST": MAX_BODY, "DELETE": MAX_BODY}


def test_what_is_no_route_takes_as_much_as_everybody() -> None:
    assert AdminErrorHandler.longest_body("PUT", {}) == MAX_BODY
