"""Form of a new account: names, and a password, of who takes it into use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Protocol

from handlers.links.base import LinkHandler
from porta.limits.rate_limits import Throttled
from porta.protocol.requests.params import Params
from porta.services.password_reset import LinkOver, Refused
from porta.services.welcome import LONGEST_NAME, Typed

NAMES = ("given_name", "family_name")
TYPED = frozenset({*NAMES, "password", "confirmPassword"})


class Show(Protocol):
    """Shows the page of a link again, with what refuses it."""

    async def __call__(self, status: int = HTTPStatus.OK, **values: Any) -> None: ...


async def take(
    handler: LinkHandler,
    use: Callable[[Typed], Awaitable[None]],
    show: Show,
    over: Callable[[], Awaitable[None]],
) -> None:
    """Answer the form of a link that leads to an account: `use` it, `show` it again with what was
    typed where that is refused, or tell that it is `over`.
    """
    form = handler.form(free=TYPED)
    typed = typed_in(form)
    again = shown_again(typed.names)
    if not handler.csrf_holds(form):
        await show(HTTPStatus.FORBIDDEN, error="errors.csrf_invalid", **again)
        return
    try:
        await use(typed)
    except Refused as refusal:
        await show(problems=refusal.reasons, **again)
    except Throttled as refusal:
        await show(HTTPStatus(refusal.status), **handler.often(refusal), **again)
    except LinkOver:
        await over()


def typed_in(form: Params) -> Typed:
    """Return what a form says."""
    names = {name: (form.get(name) or "").strip() for name in NAMES}
    password, repeated = form.get("password") or "", form.get("confirmPassword")
    # It is repeated where no script can show it.
    return Typed(names, password, password if repeated is None else repeated)


def shown_again(names: dict[str, str]) -> dict[str, Any]:
    """Return what was typed, as a field can hold it, so that nobody types it twice."""
    return {
        name: "".join(filter(str.isprintable, typed))[:LONGEST_NAME]
        for name, typed in names.items()
    }
