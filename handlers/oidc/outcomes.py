"""Outcomes of an authorization request, turned into a redirect, a form or a page."""

from __future__ import annotations

from handlers import browser_cookies
from handlers.errors import failure_of
from handlers.interactions import endings
from handlers.pages import finish_page, name_application
from handlers.tenant import TenantHandler
from porta.errors import PortaError
from porta.protocol import endpoints
from porta.protocol.requests.params import Params
from porta.protocol.requests.response_modes import RESPONSE_MODES, FormPost
from porta.provider import authorization
from porta.provider.outcomes import Arrive, Interact, Outcome, Respond
from storage.errors import Unreachable


async def begin(handler: TenantHandler, params: Params, *, cookies_withheld: bool = False) -> None:
    """Begin an authorization request, and answer with what becomes of it."""
    try:
        outcome = await authorization.start(
            handler.runtime,
            handler.tenant,
            params,
            handler.browser(),
            handler.origin.address,
            cookies_withheld=cookies_withheld,
        )
    except PortaError:
        await name_application(handler)
        raise
    answer(handler, outcome)


async def begin_again(handler: TenantHandler, uid: str, failure: Unreachable) -> None:
    """Begin the request anew whose interaction a lost Redis had, with the address as typed.

    Raises `failure` where it lies elsewhere, or is not known well enough.
    """
    await endings.recognize(handler, uid)
    copy = endings.find_lost(handler, uid)
    if copy is None:
        raise failure
    await begin(handler, copy.to_params(endings.typed(handler)))


def answer(handler: TenantHandler, outcome: Outcome) -> None:
    """Answer with `outcome`; nothing is decided here."""
    if isinstance(outcome, Respond):
        _respond(handler, outcome)
    elif isinstance(outcome, Interact):
        browser_cookies.keep_browser(handler, outcome.secret)
        handler.see_other(f"{handler.application.base_path}/interaction/{outcome.uid}")
    elif isinstance(outcome, Arrive):
        home = f"{handler.application.base_path}/{handler.tenant.slug}"
        account = endpoints.account_page(outcome.section)
        handler.see_other(home + account if outcome.is_signed_in else home)
    else:
        most = handler.tenant.config.interaction_ttl
        browser_cookies.keep_posted(handler, outcome.posted, max_age=most)
        resume(handler, outcome.uid)


def resume(handler: TenantHandler, uid: str) -> None:
    """Send the browser to where the authorization request goes on."""
    issuer = handler.tenant.issuer
    handler.see_other(endpoints.absolute(issuer, endpoints.AUTHORIZATION_RESUME, uid=uid))


def _respond(handler: TenantHandler, response: Respond) -> None:
    """Send the response to the client, by its response mode."""
    if response.refused is not None:
        handler.about.client_id = response.refused.client_id
        handler.log_refusal(failure_of(response.refused.error))
    built = RESPONSE_MODES[response.response_mode](response.redirect_uri, response.parameters)
    if isinstance(built, FormPost):
        finish_page(handler, "form_post", redirect_uri=built.action, parameters=built.fields)
    else:
        handler.see_other(built)
