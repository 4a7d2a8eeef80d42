"""What a provider may answer instead: whatever JSON it is, somebody is named, or it is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porta.authn.federation.exchange import _profile
from porta.protocol.federation import PROVIDERS
from porta.protocol.federation.profile import TokenRefused, check_id_token, fields_of, roles_of
from porta.protocol.federation.provider import Metadata, NotLetIn
from porta.protocol.federation.told import tell
from porta.text.names import find_name_problem
from storage.models.connections import Connection, RoleRule

_WORDS = (
    *("sub", "id", "email", "email_verified", "xms_edov", "tid", "hd", "groups", "amr", "name"),
    *("value", "login", "slug", "organization", "primary", "verified", "_claim_names"),
    *("firstName", "given_name", "locale", "preferred_username", "organizations", "teams", "azp"),
)
_TEXTS = st.one_of(
    st.sampled_from(("ada@people.test", "t-1", "mfa", "\ud800", "a\x00b", "\u202eada", "", "1")),
    st.text(max_size=8),
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(_WORDS), _TEXTS), inner, max_size=6),
    ),
    max_leaves=20,
)
_CLAIMS = st.dictionaries(st.sampled_from(_WORDS), _JSON, max_size=12)
_ANSWERS = st.one_of(
    _JSON,
    st.fixed_dictionaries({"value": _JSON}),
    st.fixed_dictionaries({"name": _JSON}),
    st.lists(_CLAIMS, max_size=3),
)
_METADATA = Metadata(
    issuer="https://id.example/{tenantid}/v2.0", authorization_endpoint="https://id.example/a",
    token_endpoint="https://id.example/t", msgraph_host="graph.example",
)  # fmt: skip


def _connection(provider: str) -> Connection:
    return Connection(
        id="c", organization_id="o", provider=provider, name="Work", issuer="https://id.example",
        client_id="porta", allowed_tenants=("t-1",), claim_mapping={"given_name": "given_name"},
        role_mapping=(RoleRule(claim="groups", value="1", role_ids=("r-1",)),),
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(PROVIDERS))
@settings(max_examples=60, derandomize=True)
@given(claims=_CLAIMS, answers=st.lists(_ANSWERS, max_size=4))
def test_whatever_is_told_names_somebody_or_is_refused(
    name: str, claims: dict[str, Any], answers: list[Any]
) -> None:
    """And what is taken of it fits where it is kept and shown."""
    provider, connection = PROVIDERS[name], _connection(name)
    provider.issuer_of(connection, _METADATA, claims)
    provider.further(connection, _METADATA, claims)
    try:
        told = provider.to_claims(connection, claims, answers)
        provider.check(connection, told)
        profile = _profile("https://id.example", told)
    except (NotLetIn, TokenRefused):
        return
    assert 1 <= len(profile.subject) <= 255
    assert not find_name_problem(profile.subject)
    assert profile.email_verified in (True, False)
    assert not profile.email_verified or profile.email
    taken = (*fields_of(connection, told).values(), profile.called, profile.email)
    assert all(not find_name_problem(each) for each in taken if each is not None)
    roles_of(connection, told)
    msgspec.json.encode(tell(profile))


@settings(max_examples=60, derandomize=True)
@given(claims=_CLAIMS, nonce=_JSON, audience=_JSON, hashed=_JSON)
def test_no_id_token_without_our_nonce_is_taken(
    claims: dict[str, Any], nonce: Any, audience: Any, hashed: Any
) -> None:
    said = claims | {"nonce": nonce, "aud": audience, "at_hash": hashed}
    with pytest.raises(TokenRefused):
        check_id_token(said, client_id="porta", nonce="ours", access_token="a", algorithm="ES256")
