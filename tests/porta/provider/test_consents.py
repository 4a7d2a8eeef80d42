"""Consent: whose it is, and what it covers."""

from __future__ import annotations

import msgspec
import pytest

from porta.provider import consents
from storage.models.artifact import artifact_id
from storage.models.artifacts import Grant
from storage.models.interactions import Consent
from tests import factories
from tests.factories import client as build_client

SESSION = factories.session(
    id=artifact_id("cookie"), organization_id="acme", uid="session", account_id="alice",
    created_at=1, authenticated_at=1, expires_at=100,
)  # fmt: skip
PROFILE = Consent(scope=("openid", "profile"))
EMAIL = Consent(scope=("openid", "email"))
INTERACTION = factories.interaction(
    id=artifact_id("uid"), organization_id="acme", slug="acme", client_id="web", parameters={},
    prompt="consent", browser="b", csrf="c", created_at=1, previous_session="session",
    session_uid="session", consented=EMAIL,
)  # fmt: skip
GRANT = factories.grant(
    id="grant", organization_id="acme", account_id="alice", client_id="web",
    session_uid="session", created_at=1, consents=(PROFILE,),
)  # fmt: skip


def test_approval_is_of_the_session_that_was_asked() -> None:
    assert consents.approved(INTERACTION, SESSION) == EMAIL
    other = msgspec.structs.replace(SESSION, uid="another")
    assert consents.approved(INTERACTION, other) is None
    assert consents.approved(INTERACTION, None) is None
    assert consents.approved(None, SESSION) is None
    silent = msgspec.structs.replace(INTERACTION, consented=None)
    assert consents.approved(silent, SESSION) is None


def test_nothing_that_was_never_asked_is_allowed() -> None:
    assert consents.held(None, None) == ()


@pytest.mark.parametrize(
    ("grant", "approved", "held"),
    [
        (GRANT, None, (PROFILE,)),
        (None, EMAIL, (EMAIL,)),
        (None, Consent(), (Consent(),)),
        (GRANT, EMAIL, (PROFILE, EMAIL)),
    ],
)
def test_what_was_allowed_before_and_now_adds_up(
    grant: Grant | None, approved: Consent | None, held: tuple[Consent, ...]
) -> None:
    assert consents.held(grant, approved) == held


def test_a_grant_is_of_one_session_and_one_client() -> None:
    web, spa = build_client(client_id="web"), build_client(client_id="spa")
    other = msgspec.structs.replace(SESSION, uid="another")
    ids = {consents.grant_id(s, c) for s in (SESSION, other) for c in (web, spa)}
    assert len(ids) == 4
    # No two pairs run together: the parts are told apart.
    shifted = msgspec.structs.replace(SESSION, uid="sessionw")
    assert consents.grant_id(shifted, build_client(client_id="eb")) not in ids
