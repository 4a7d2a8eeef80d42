"""Walks by another provider: denied, coming back, whose account it is, who has to go there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from storage.models.connections import Connection
from tests.flows.walks.walk import FIELD, REFUSED, TOLD, Walk
from tests.flows.walks.world import ADA, GRACE
from tests.world.answers import query_in
from tests.world.house import PASSWORD
from tests.world.upstream import Provider, connect, prove, provider

OFFER = "form.connections button"
_THERE = b"<!doctype html><title>The Other House</title><link rel=icon href='data:,'><h1>You?</h1>"


@asynccontextmanager
async def other_house(walk: Walk, **more: Any) -> AsyncIterator[tuple[Provider, Connection]]:
    """Have an identity provider, which the organization is connected to."""
    async with provider() as there:
        there.answers["/authorize"] = (200, _THERE)
        there.claims |= {"email": ADA, "email_verified": True}
        made = await connect(
            walk.world.served, there, walk.here.slug, name="The Other House", **more
        )  # fmt: skip
        yield there, made


async def come_back(walk: Walk, there: Provider, **refused: str) -> None:
    """Say yes at the other house, or no."""
    asked = walk.opened.page.url
    told = there.grant(asked)
    back = {"state": told["state"], **refused} if refused else told
    await walk.opened.open(f"{query_in(asked)['redirect_uri']}?{urlencode(back)}")


async def another_provider(walk: Walk) -> None:
    await walk.settle("password")
    async with other_house(walk, creates_accounts=True) as (there, _):
        there.claims |= {"email": "grace.hopper@elsewhere.example"}
        await walk.begin()
        await walk.see("offered", OFFER)
        await walk.press(OFFER)
        await come_back(walk, there, error="access_denied")
        await walk.see("denied", REFUSED, OFFER)
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.arrive()


async def whose_account(walk: Walk) -> None:
    """The address has an account here: its owner shows that, and says whether it was them."""
    await walk.settle("password")
    async with other_house(walk) as (there, _):
        await walk.begin()
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.see("whose", TOLD, "#password")
        await walk.fill(email=ADA, password="not it")
        await walk.press()
        await walk.see("whose, wrong", REFUSED, "#password")
        await walk.fill(email=ADA, password=PASSWORD)
        await walk.press()
        await walk.see("to be linked", "[name=decision][value=link]", "[value=apart]")
        await walk.press("[name=decision][value=link]")
        await walk.arrive()
        await walk.forget()
        await walk.begin()
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.arrive()


async def not_linked(walk: Walk) -> None:
    """An account of nobody is made nowhere; and a person may say that it was not them."""
    await walk.settle("password")
    async with other_house(walk) as (there, _):
        there.claims |= {"email": "stranger@elsewhere.example"}
        await walk.begin()
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.see("nobody", "main .btn-primary")
        await walk.forget()
        there.claims |= {"email": ADA, "sub": "another"}
        await walk.begin()
        await walk.press(OFFER)
        await come_back(walk, there)
        await walk.press("[name=decision][value=apart]")
        await walk.see("apart", "#password")
        await walk.fill(email=ADA, password=PASSWORD)
        await walk.press()
        await walk.arrive()


async def at_home_there(walk: Walk) -> None:
    """An address of a proven domain is led to its provider, where there may be another way."""
    await walk.settle("password")
    async with other_house(walk) as (_, connection):
        await prove(walk.world.served, connection, "people.example")
        await walk.begin()
        await walk.see("address first", FIELD)
        await walk.fill(email=ADA)
        await walk.press()
        await walk.see("led there", "main .btn-primary", "[action$='/identify'] button")
        await walk.press("[action$='/identify'] button")
        await walk.see("another way", "#password")
        await walk.fill(password=PASSWORD)
        await walk.press()
        await walk.arrive()


_METADATA = "/.well-known/openid-configuration"


async def only_there(walk: Walk) -> None:
    """A domain that requires its provider; and that provider when it does not answer."""
    await walk.settle("password")
    async with other_house(walk, creates_accounts=True) as (there, connection):
        there.claims |= {"email": GRACE}
        await prove(walk.world.served, connection, "people.example", "require")
        await walk.begin()
        await walk.fill(email=GRACE)
        await walk.press()
        assert walk.opened.page.url.startswith(there.base), "it is gone to at once"
        await come_back(walk, there, error="access_denied")
        await walk.see("denied there", REFUSED)
        await walk.begin(login_hint=GRACE)
        await walk.see("hinted at", "main .btn-primary", ".cancel a")
        there.answers[_METADATA] = (503, b"")
        walk.world.runtime.documents._kept.clear()
        await walk.press()
        assert not walk.opened.page.url.startswith(there.base), "what it said is forgotten"
        await walk.see("not available", REFUSED, ".cancel a")
        await walk.begin(login_hint=GRACE)
        await walk.press(".cancel a")
        await walk.see("another address", FIELD)
