"""Account chooser: whom this browser was asked to remember, and whoever is signed in at it.

What is shown comes from the browser, and nothing of it is looked up: whether an account is still
there, or may sign in, is told by no page but to whoever shows that it is theirs.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from handlers import browser_cookies
from handlers.interactions.base import InteractionHandler
from porta.browser import open_interactions
from porta.security import remembered_accounts
from porta.security.remembered_accounts import Remembered
from storage.models.users import User


class AccountLine(NamedTuple):
    """An account to choose. `id` names it in this browser alone, and is "" for the one that is
    signed in and not remembered."""

    id: str
    name: str
    address: str
    is_signed_in: bool


async def show(handler: InteractionHandler, *, status: int = HTTPStatus.OK) -> bool:
    """Let the person choose an account; False where there is nothing to choose from.

    Whoever is to show that it is still them, or what is theirs elsewhere, has no choice.
    """
    opened = handler.opened
    if opened.reauthenticates or opened.interaction.sign_in.linking is not None:
        return False
    user = await _signed_in(handler)
    lines = _lines(handler, user)
    if not lines:
        return False
    handler.finish_step(
        "choose_account",
        status=status,
        accounts=lines,
        error=None if status == HTTPStatus.OK else "errors.csrf_invalid",
    )
    return True


def email_of(handler: InteractionHandler, chosen: str) -> str | None:
    """Return the address of the remembered account that a page called `chosen`."""
    found = _find(handler, chosen)
    return found.email if found is not None else None


async def _signed_in(handler: InteractionHandler) -> User | None:
    """Return who is signed in, where the client asks to choose, and they would do."""
    if not handler.opened.selects:
        return None
    return await open_interactions.find_signed_in(handler.runtime, handler.opened)


def _lines(handler: InteractionHandler, user: User | None) -> tuple[AccountLine, ...]:
    keys = handler.runtime.settings.cookie_keys
    kept, lines = browser_cookies.remembered(handler), []
    for each in kept:
        if user is None or each.account_id != user.id:
            handle = remembered_accounts.handle(keys, each)
            address = remembered_accounts.masked(each.email)
            lines.append(AccountLine(handle, each.name, address, is_signed_in=False))
    if user is not None:
        own = [each for each in kept if each.account_id == user.id]
        handle = remembered_accounts.handle(keys, own[0]) if own else ""
        lines.insert(0, AccountLine(handle, user.given_name or "", user.email, is_signed_in=True))
    return tuple(lines)


def _find(handler: InteractionHandler, handle: str) -> Remembered | None:
    keys = handler.runtime.settings.cookie_keys
    return next(
        (
            each
            for each in browser_cookies.remembered(handler)
            if remembered_accounts.handle(keys, each) == handle
        ),
        None,
    )


class SelectHandler(InteractionHandler):
    """POST /interaction/{uid}/account: whoever is signed in goes on (`prompt=select_account`)."""

    async def get(self) -> None:
        """Answer a reload of the page that a form was answered with."""
        self.start_over()

    async def post(self) -> None:
        if not self.csrf_holds(self.form()):
            await _refuse(self)
        elif await open_interactions.select_signed_in(self.runtime, self.opened):
            self.resume()
        else:
            self.start_over()


class ForgetHandler(InteractionHandler):
    """POST /interaction/{uid}/forget: this browser remembers `account` no longer."""

    async def get(self) -> None:
        """Change nothing: a link can be followed by anybody's wish."""
        self.start_over()

    async def post(self) -> None:
        form = self.form()
        if not self.csrf_holds(form):
            await _refuse(self)
            return
        found = _find(self, form.get("account") or "")
        if found is not None:
            browser_cookies.forget(self, found)
        self.start_over()


async def _refuse(handler: InteractionHandler) -> None:
    """Tell that a form was not of this page, where there is a page to tell it on."""
    asked = handler.asks_for("login")
    if not asked or not await show(handler, status=HTTPStatus.FORBIDDEN):
        handler.start_over()
