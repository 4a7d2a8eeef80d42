"""Walks table: ways in, through and out of Porta, as people go them in Chromium.

A walk is a function of a `Walk`, which is somebody at a browser in one look; it goes the same way
in all of them: what only scripts show is asked for by `has_scripts`. `see` looks at a page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.flows.walks import (
    account,
    account_changes,
    account_guards,
    choosers,
    consents,
    errors,
    factors,
    invitations,
    keys,
    languages,
    links,
    natives,
    others,
    passwords,
    registrations,
    signing_out,
)
from tests.flows.walks.look import SCRIPTS
from tests.flows.walks.walk import Walk


class Way(NamedTuple):
    go: Callable[[Walk], Awaitable[None]]
    scripts: str | None = None
    """The half of the looks in which it can be walked; None for both."""


WALKS: dict[str, Way] = {
    "password": Way(passwords.password),
    "password, too often": Way(passwords.too_often),
    "password, not let in": Way(passwords.not_let_in),
    "password, forgotten": Way(passwords.forgotten),
    "app": Way(factors.app),
    "mailed code": Way(factors.mailed_code),
    "mailed code, set up": Way(factors.mailed_code_set_up),
    "second factor, too often": Way(factors.factor_too_often),
    "trusted device": Way(factors.trusted_device),
    "step-up": Way(factors.step_up),
    "magic link": Way(links.magic_link),
    "magic link, elsewhere": Way(links.magic_link_elsewhere),
    "magic link, refused": Way(links.magic_link_refused),
    "invitation": Way(invitations.invitation),
    "invitation, known": Way(invitations.invitation_known),
    "invitation, over": Way(invitations.invitation_over),
    "registration": Way(registrations.registration),
    "registration, refused": Way(registrations.registration_refused),
    "registration, open or closed": Way(registrations.registration_open_or_closed),
    "passkey, second factor": Way(keys.second_passkey, SCRIPTS),
    "passkey, by the way": Way(keys.made_by_the_way, SCRIPTS),
    "passkey, not by the way": Way(keys.not_made_by_the_way, SCRIPTS),
    "passkey, only": Way(keys.only_passkeys),
    "another provider": Way(others.another_provider),
    "another provider, whose account": Way(others.whose_account),
    "another provider, not linked": Way(others.not_linked),
    "home realm, offered": Way(others.at_home_there),
    "home realm, required": Way(others.only_there),
    "consent": Way(consents.consent),
    "consent, not you": Way(consents.consent_not_you),
    "chooser": Way(choosers.chooser),
    "chooser, others": Way(choosers.chooser_others),
    "sign-out": Way(signing_out.sign_out),
    "sign-out, of no client": Way(signing_out.sign_out_of_no_client),
    "sign-out, without way back": Way(signing_out.sign_out_without_way_back),
    "sign-out, not registered": Way(signing_out.sign_out_not_registered),
    "language": Way(languages.language),
    "account, another address": Way(account.another_address),
    "account, second factor": Way(account.second_factor),
    "account, who else": Way(account.who_else),
    "account, linked provider": Way(account.linked_provider),
    "account, my data": Way(account.my_data),
    "account, profile": Way(account_changes.profile),
    "account, language": Way(account_changes.language),
    "account, password": Way(account_changes.own_password),
    "account, password guessed": Way(account_changes.own_password_guessed),
    "account, address undone": Way(account_changes.address_undone),
    "account, passkey": Way(account_changes.own_passkey, SCRIPTS),
    "account, asked again": Way(account_guards.asked_again),
    "account, ended meanwhile": Way(account_guards.ended_meanwhile),
    "account, day over": Way(account_guards.day_over),
    "account, demanded": Way(account_guards.demanded),
    "native client": Way(natives.native_client),
    "native client, refused": Way(natives.native_client_refused),
    "error, wrong requests": Way(errors.wrong_requests),
    "error, nothing there": Way(errors.nothing_there),
    "error, suspended": Way(errors.suspended),
    "error, too late": Way(errors.too_late),
    "error, not here": Way(errors.not_here),
    "error, finished": Way(errors.finished),
    "error, flooded": Way(errors.flooded),
}
