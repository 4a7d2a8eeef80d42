"""Account section: who its owner is at other providers; linked, and taken away."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.account.base import AccountHandler, Section, accepted, finish_section
from porta.authn.authenticator import LoginFailed
from porta.authn.federation import own_account
from porta.authn.federation.own_account import Account
from porta.browser import account_visits
from porta.errors import Conflict
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.services import identities
from porta.tenants import home_realms
from storage.models.connections import LinkedIdentity


class IdentityLine(NamedTuple):
    """Who somebody is at a provider, for them to recognize. `used_at`: seconds since the epoch."""

    id: str
    name: str
    said: str
    used_at: float


class IdentitiesHandler(AccountHandler):
    """/{slug}/account/identities; POST forgets who is to `unlink`, goes to a `connection`, or takes
    the `decision` about who is `waiting`.
    """

    told = frozenset({"linked", "unlinked"})

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        await _show(self, status, error, values)

    def is_counted(self, form: Params) -> bool:
        """Who is linked can always be taken away."""
        return "connection" in form or "waiting" in form

    async def again(self, form: Params) -> dict[str, Any]:
        return {"value": form.get("waiting")}

    async def post(self) -> None:
        form = await accepted(self)
        if form is None:
            return
        try:
            await self._act(form)
        except LoginFailed as refusal:
            if refusal.retry_after is not None:
                self.set_header("Retry-After", refusal.retry_after)
            await self.show(status=refusal.status, error=refusal.message)
        except Conflict:
            await self.show(status=HTTPStatus.CONFLICT, error=await self._only_way())

    async def _only_way(self) -> str:
        """Return why the last one stays; who signs in at the provider of their domain alone is told
        of no password.
        """
        realm = await home_realms.find_required(self.runtime, self.tenant, self.visit.user.email)
        return "account.error_only_way" if realm is None else "account.error_only_realm"

    async def _act(self, form: Params) -> None:
        connection, value = form.get("connection"), form.get("waiting")
        if connection is not None:
            self.see_other(await own_account.begin(account_of(self), connection))
        elif value is not None:
            links = form.get("decision") == "link"
            linked = await own_account.decide(account_of(self), value, links=links)
            self.done("linked" if linked else None)
        else:
            self.done("unlinked" if await self._unlink(form.get("unlink") or "") else None)

    async def _unlink(self, identity_id: str) -> bool:
        runtime, home = self.runtime, self.tenant.organization
        connections = await runtime.connections(home.id)
        async with runtime.storage.transaction() as tx:
            user = await account_visits.hold(tx, self.visit)
            return await identities.unlink_own(
                tx, self.actor(), home, user, identity_id, runtime.post, connections
            )


class IdentityCallbackHandler(AccountHandler):
    """GET /{slug}/account/identities/{connection}/callback: where the callback of a connection
    leads for what somebody asked for at their account.
    """

    async def show(
        self, *, status: int = HTTPStatus.OK, error: str | None = None, **values: Any
    ) -> None:
        await _show(self, status, error, values)

    async def get(self) -> None:
        connection = self.request.path.rsplit("/", 2)[1]
        try:
            value = await own_account.take_back(account_of(self), connection, self.query())
        except LoginFailed as refusal:
            await self.show(status=refusal.status, error=refusal.message)
            return
        self.see_other(f"{self.path_of(endpoints.account_page(self.section))}?waiting={value}")

    async def head(self) -> None:
        """Take nobody back: no body is sent to whom that could be told."""
        self.done(None)

    async def post(self) -> None:
        """Answer a form of the page that a refusal was shown on."""
        self.done(None)


async def _show(
    handler: AccountHandler, status: int, error: str | None, values: dict[str, Any]
) -> None:
    value = values.pop("value", None)
    if value is None and handler.request.method == "GET":
        value = handler.query().get("waiting")
    waiting = await own_account.find_waiting(account_of(handler), value)
    if waiting is not None:
        user = handler.visit.user
        finish_section(
            handler, "account_link", status=status, error=error, waiting=value,
            connection=waiting.connection.name, said=waiting.said,
            differs=waiting.link.email != user.email, **values,
        )  # fmt: skip
        return
    known = await identities.list_own(handler.runtime.storage, handler.visit.user)
    offered = await handler.runtime.connections(handler.tenant.id)
    realm = home_realms.find_among(offered, handler.visit.user.email)
    if realm is not None and realm.required:
        offered = (realm.connection,)
    finish_section(
        handler, "account_identities", status=status, error=error,
        identities=tuple(map(_line, known)),
        connections=tuple((each.id, each.name) for each in offered), **values,
    )  # fmt: skip


def account_of(handler: AccountHandler) -> Account:
    """Return who asks, where."""
    return Account(
        handler.runtime, handler.tenant, handler.visit, handler.actor(), handler.origin.address
    )


def _line(identity: LinkedIdentity) -> IdentityLine:
    said = identity.email or identity.name or identity.subject
    return IdentityLine(identity.id, identity.connection_name, said, identity.last_used_at)


SECTION = Section("identities", IdentitiesHandler, (("/[^/]+/callback", IdentityCallbackHandler),))
